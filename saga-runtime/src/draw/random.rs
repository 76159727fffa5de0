//! Definitions made by chance, to be drawn in tests.

use super::samples::Sketch;
use crate::definition::{Branch, ChildKind, Class, Definition, EdgeKind, Node, Work};

const CLASSES: [Class; 5] =
    [Class::Compensatable, Class::Pivot, Class::Retriable, Class::ReadOnly, Class::NotCompensated];
const TEXTS: [&str; 5] = ["", "yes", "x > 0", "Some(a_longer_pattern)", "a condition that does not fit into any box"];

/// Numbers that look like chance and are the same for each seed: Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators" (2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % most as u64).unwrap_or(0)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Any nodes with any edges between them; the name says from which seed.
pub(super) fn any(seed: u64) -> &'static Definition {
    let mut chance = Chance(seed);
    let mut sketch = Sketch::new();
    for _ in 0..chance.below(14) {
        let text = chance.of(&TEXTS);
        match chance.below(10) {
            0 => sketch.node(Node::Branch(text)),
            1 | 2 => sketch.node(Node::Loop(text)),
            3 => sketch.node(Node::Completed),
            4 => sketch.node(Node::Unwinds),
            5 | 6 => any_work(&mut sketch, &mut chance),
            _ => sketch.call(text, chance.of(&CLASSES), "undo_it"),
        };
    }
    let nodes = sketch.nodes.len();
    for _ in 0..chance.below(3 * nodes) {
        let kind = chance.of(&[EdgeKind::Next, EdgeKind::Next, EdgeKind::Refused, EdgeKind::Back]);
        sketch.edge(chance.below(nodes), chance.below(nodes), chance.of(&TEXTS), kind);
    }
    sketch.done(Box::leak(format!("seed {seed}").into_boxed_str()))
}

/// A state before work of any kind, which may be refused or not.
fn any_work(sketch: &mut Sketch, chance: &mut Chance) -> usize {
    let name = chance.of(&["rest", "both_at_once", "a_state_with_a_rather_long_name"]);
    match chance.below(8) {
        0 => sketch.work(name, Work::Sleep),
        1 => sketch.work(name, Work::Send),
        2 => {
            let signals = ["decided", "withdrawn", "a_signal_with_a_rather_long_name", "late"];
            sketch.wait(name, &signals[..=chance.below(4)])
        }
        3 | 4 => {
            let branches = (0..=chance.below(4)).map(|_| any_branch(sketch, chance)).collect();
            sketch.join(name, branches)
        }
        5 => {
            let branch = any_branch(sketch, chance);
            sketch.work(name, Work::Each(branch))
        }
        6 => {
            let flow = any_flow(sketch, chance);
            sketch.work(name, Work::Flow(flow))
        }
        _ => sketch.child(
            name,
            chance.of(&[ChildKind::Compensatable, ChildKind::Pivot, ChildKind::Retriable, ChildKind::Launched]),
        ),
    }
}

fn any_branch(sketch: &mut Sketch, chance: &mut Chance) -> Branch {
    if chance.below(3) == 0 {
        return Branch::Flow(any_flow(sketch, chance));
    }
    let name = chance.of(&["go", "reserve_seats", "a_step_with_a_rather_long_name"]);
    Branch::Step(sketch.step(name, chance.of(&CLASSES), "undo_it"))
}

/// An inner flow of one step, or one that is there already.
fn any_flow(sketch: &mut Sketch, chance: &mut Chance) -> usize {
    if !sketch.inner.is_empty() && chance.below(2) == 0 {
        return 1 + chance.below(sketch.inner.len());
    }
    let (class, docs) = (chance.of(&CLASSES), chance.of(&["", "Tries the one, else the other."]));
    sketch.inner("by_train", docs, |sketch| {
        let call = sketch.call("train", class, "cancel_train");
        let returns = sketch.node(Node::Completed);
        sketch.next(0, call);
        sketch.next(call, returns);
    })
}

/// The graph of a flow that could be written: calls, branches, loops, `break`, `continue`, `return`, refusals caught and
/// not.
pub(super) fn flow(seed: u64) -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let mut flow = Flow { sketch, chance: Chance(seed), unwinds, returns: Vec::new() };
    let mut end = flow.block(3, vec![way(0, "")], None);
    end.append(&mut flow.returns);
    let completed = flow.sketch.node(Node::Completed);
    flow.connect(end, completed);
    flow.sketch.done(Box::leak(format!("flow {seed}").into_boxed_str()))
}

/// A way that has begun: from which node, in which case, and of which kind.
type Way = (usize, &'static str, EdgeKind);

fn way(from: usize, label: &'static str) -> Way {
    (from, label, EdgeKind::Next)
}

struct Flow {
    sketch: Sketch,
    chance: Chance,
    unwinds: usize,
    returns: Vec<Way>,
}

impl Flow {
    fn connect(&mut self, ways: Vec<Way>, to: usize) {
        for (from, label, kind) in ways {
            self.sketch.edge(from, to, label, kind);
        }
    }

    /// Adds some statements after these ways, and gives the ways on which they end; `around` is the loop, with its head
    /// and the ways out of it.
    fn block(&mut self, depth: usize, ways: Vec<Way>, mut around: Option<(usize, &mut Vec<Way>)>) -> Vec<Way> {
        let mut ways = ways;
        for _ in 0..=self.chance.below(3) {
            let around = around.as_mut().map(|(head, out)| (*head, &mut **out));
            ways = match self.chance.below(if depth == 0 { 3 } else { 7 }) {
                0..3 => self.call(ways),
                3 => self.caught(depth, ways, around),
                4 | 5 => self.branch(depth, ways, around),
                _ => self.repeated(depth, ways),
            };
        }
        ways
    }

    fn call(&mut self, ways: Vec<Way>) -> Vec<Way> {
        let class = self.chance.of(&CLASSES);
        let name = self.chance.of(&["go", "reserve_seats", "a_step_with_a_rather_long_name"]);
        let call = if self.chance.below(3) == 0 {
            any_work(&mut self.sketch, &mut self.chance)
        } else {
            self.sketch.call(name, class, "undo_it")
        };
        self.connect(ways, call);
        if self.chance.below(3) > 0 {
            self.sketch.edge(call, self.unwinds, "refused", EdgeKind::Refused);
        }
        vec![way(call, "")]
    }

    fn caught(&mut self, depth: usize, ways: Vec<Way>, around: Option<(usize, &mut Vec<Way>)>) -> Vec<Way> {
        let mut ways = self.call(ways);
        let refused = ways.iter().map(|way| (way.0, "Err(_)", EdgeKind::Refused)).collect();
        ways.extend(self.block(depth - 1, refused, around));
        ways
    }

    fn branch(&mut self, depth: usize, ways: Vec<Way>, mut around: Option<(usize, &mut Vec<Way>)>) -> Vec<Way> {
        let branch = self.sketch.node(Node::Branch(self.chance.of(&TEXTS)));
        self.connect(ways, branch);
        let mut ends = Vec::new();
        for arm in ["yes", "no", "Some(third)", "_"].into_iter().take(2 + self.chance.below(3)) {
            let begin = vec![way(branch, arm)];
            match (self.chance.below(6), &mut around) {
                (0, Some((_, out))) => out.extend(begin),
                (1, Some((head, _))) => self.sketch.edge(branch, *head, arm, EdgeKind::Back),
                (2, _) => self.sketch.edge(branch, self.unwinds, arm, EdgeKind::Next),
                (3, _) => self.returns.extend(begin),
                (4, _) => ends.extend(begin),
                (_, around) => {
                    let around = around.as_mut().map(|(head, out)| (*head, &mut **out));
                    ends.extend(self.block(depth - 1, begin, around));
                }
            }
        }
        ends
    }

    fn repeated(&mut self, depth: usize, ways: Vec<Way>) -> Vec<Way> {
        let head =
            self.sketch.node(Node::Loop(self.chance.of(&["for seat in seats", "while let Some(x) = rest.pop()"])));
        self.connect(ways, head);
        let mut out = vec![way(head, "done")];
        for (from, label, _) in self.block(depth - 1, vec![way(head, "each")], Some((head, &mut out))) {
            self.sketch.edge(from, head, label, EdgeKind::Back);
        }
        out
    }
}
