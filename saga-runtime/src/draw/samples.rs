//! Definitions made by hand, to be drawn in tests.

use std::time::Duration;

use crate::definition;
use crate::definition::{Class, Compensation, Definition, Edge, EdgeKind, Node, Policy, State, Step, Work};

/// A definition in the making. What it holds is leaked when it is done, as a definition's parts are static.
#[derive(Default)]
pub(super) struct Sketch {
    steps: Vec<Step>,
    states: Vec<State>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

impl Sketch {
    pub(super) fn new() -> Self {
        let mut sketch = Self::default();
        sketch.node(Node::Start);
        sketch
    }

    pub(super) fn node(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// A call of a new step, compensated by `undo` if it is compensatable.
    pub(super) fn call(&mut self, name: &'static str, class: Class, undo: &'static str) -> usize {
        let compensation = Compensation {
            name: undo,
            docs: "",
            policy: Policy::STEP,
            within: Duration::from_hours(24),
            policy_name: None,
            idempotent: None,
        };
        self.steps.push(Step {
            name,
            docs: "",
            class,
            compensation: (class == Class::Compensatable).then_some(compensation),
            parameters: &[],
            policy: Policy::STEP,
            policy_name: None,
            idempotent: None,
            no_compensation: (class == Class::NotCompensated).then_some("a notice does no harm"),
            key_valid: None,
        });
        self.again(name, self.steps.len() - 1)
    }

    /// A call of a step that exists, in a state of its own.
    pub(super) fn again(&mut self, name: &'static str, step: usize) -> usize {
        self.states.push(State { name, work: Work::Step(step), live: &[], fingerprint: "" });
        self.node(Node::Call(self.states.len() - 1))
    }

    pub(super) fn edge(&mut self, from: usize, to: usize, label: &'static str, kind: EdgeKind) {
        self.edges.push(Edge { from, to, label, kind });
    }

    pub(super) fn next(&mut self, from: usize, to: usize) {
        self.edge(from, to, "", EdgeKind::Next);
    }

    pub(super) fn done(self, name: &'static str) -> &'static Definition {
        Box::leak(Box::new(Definition {
            name,
            version: 1,
            deadline: None,
            steps: self.steps.leak(),
            flows: Box::leak(Box::new([definition::Flow {
                name: "run",
                docs: "From cart to parcel.",
                parameters: &["order"],
                states: self.states.leak(),
                slots: &["order"],
                nodes: self.nodes.leak(),
                edges: self.edges.leak(),
            }])),
            signals: &[],
            children: &[],
        }))
    }
}

pub(super) fn all() -> Vec<&'static Definition> {
    vec![
        linear(),
        checkout(),
        branches(),
        searching(),
        another_card(),
        skipping(),
        long(),
        hostile(),
        tangled(),
        Sketch::default().done("empty"),
    ]
}

pub(super) fn linear() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let mut last = 0;
    for (name, class, undo) in [
        ("book_hotel", Class::Compensatable, "cancel_hotel"),
        ("book_flight", Class::Compensatable, "cancel_flight"),
        ("pay", Class::Pivot, ""),
        ("send_tickets", Class::Retriable, ""),
    ] {
        let call = sketch.call(name, class, undo);
        sketch.next(last, call);
        if class != Class::Retriable {
            sketch.edge(call, unwinds, "", EdgeKind::Refused);
        }
        last = call;
    }
    let completed = sketch.node(Node::Completed);
    sketch.next(last, completed);
    sketch.done("trip")
}

pub(super) fn checkout() -> &'static Definition {
    let mut sketch = Sketch::new();
    let price = sketch.call("price", Class::ReadOnly, "");
    let lines = sketch.node(Node::Loop("for line in &order.lines"));
    let reserve = sketch.call("reserve", Class::Compensatable, "release");
    let charge = sketch.call("charge", Class::Pivot, "");
    let ship = sketch.call("ship", Class::Retriable, "");
    let completed = sketch.node(Node::Completed);
    let unwinds = sketch.node(Node::Unwinds);
    sketch.next(0, price);
    sketch.next(price, lines);
    sketch.edge(lines, reserve, "each", EdgeKind::Next);
    sketch.edge(reserve, lines, "", EdgeKind::Back);
    sketch.edge(lines, charge, "done", EdgeKind::Next);
    sketch.next(charge, ship);
    sketch.next(ship, completed);
    for refused in [price, reserve, charge] {
        sketch.edge(refused, unwinds, "", EdgeKind::Refused);
    }
    sketch.done("checkout")
}

/// A branch within an arm of a `match`, and one arm that ends early.
pub(super) fn branches() -> &'static Definition {
    let mut sketch = Sketch::new();
    let check = sketch.call("check_customer", Class::ReadOnly, "");
    let kind = sketch.node(Node::Branch("match customer.kind"));
    let discount = sketch.call("reserve_discount", Class::Compensatable, "return_discount");
    let is_large = sketch.node(Node::Branch("order.total > LARGE && !customer.is_known"));
    let approve = sketch.call("ask_for_approval", Class::Compensatable, "withdraw_request");
    let hold = sketch.call("hold_credit", Class::Compensatable, "free_credit");
    let deposit = sketch.call("take_deposit", Class::Compensatable, "return_deposit");
    let notify = sketch.call("notify", Class::NotCompensated, "");
    let pay = sketch.call("pay", Class::Pivot, "");
    let completed = sketch.node(Node::Completed);
    let unwinds = sketch.node(Node::Unwinds);
    sketch.next(0, check);
    sketch.next(check, kind);
    sketch.edge(kind, discount, "Kind::Regular", EdgeKind::Next);
    sketch.edge(kind, is_large, "Kind::Company", EdgeKind::Next);
    sketch.edge(kind, deposit, "Kind::New { .. }", EdgeKind::Next);
    sketch.edge(kind, completed, "Kind::Blocked", EdgeKind::Next);
    sketch.edge(is_large, approve, "yes", EdgeKind::Next);
    sketch.edge(is_large, hold, "no", EdgeKind::Next);
    sketch.next(approve, hold);
    for arm in [discount, hold, deposit] {
        sketch.next(arm, notify);
    }
    sketch.next(notify, pay);
    sketch.next(pay, completed);
    for refused in [check, discount, approve, hold, deposit, pay] {
        sketch.edge(refused, unwinds, "", EdgeKind::Refused);
    }
    sketch.edge(kind, unwinds, "_", EdgeKind::Next);
    sketch.done("order")
}

/// A loop in a loop, with `break` and `continue`.
pub(super) fn searching() -> &'static Definition {
    let mut sketch = Sketch::new();
    let regions = sketch.node(Node::Loop("'outer: for region in regions"));
    let open = sketch.call("open_region", Class::Compensatable, "close_region");
    let forever = sketch.node(Node::Loop("loop"));
    let ask = sketch.call("ask", Class::ReadOnly, "");
    let found = sketch.node(Node::Branch("offer.is_some()"));
    let more = sketch.node(Node::Branch("pages == 0"));
    let next_page = sketch.call("next_page", Class::ReadOnly, "");
    let book = sketch.call("book", Class::Pivot, "");
    let completed = sketch.node(Node::Completed);
    let unwinds = sketch.node(Node::Unwinds);
    sketch.next(0, regions);
    sketch.edge(regions, open, "each", EdgeKind::Next);
    sketch.edge(regions, book, "done", EdgeKind::Next);
    sketch.next(open, forever);
    sketch.next(forever, ask);
    sketch.next(ask, found);
    sketch.edge(found, book, "yes", EdgeKind::Next);
    sketch.edge(found, more, "no", EdgeKind::Next);
    sketch.edge(more, regions, "yes", EdgeKind::Back);
    sketch.edge(more, next_page, "no", EdgeKind::Next);
    sketch.edge(next_page, forever, "", EdgeKind::Back);
    sketch.next(book, completed);
    for refused in [open, ask, next_page, book] {
        sketch.edge(refused, unwinds, "", EdgeKind::Refused);
    }
    sketch.done("search")
}

/// A refusal that is caught: two pivots, of which either may be passed.
pub(super) fn another_card() -> &'static Definition {
    let mut sketch = Sketch::new();
    let reserve = sketch.call("reserve", Class::Compensatable, "release");
    let charge = sketch.call("charge", Class::Pivot, "");
    let has_second = sketch.node(Node::Branch("let Some(card) = order.second_card"));
    let again = sketch.again("second_card", 1);
    let ship = sketch.call("ship", Class::Retriable, "");
    let completed = sketch.node(Node::Completed);
    let unwinds = sketch.node(Node::Unwinds);
    sketch.next(0, reserve);
    sketch.next(reserve, charge);
    sketch.edge(charge, ship, "Ok(charge)", EdgeKind::Next);
    sketch.edge(charge, has_second, "Err(_)", EdgeKind::Refused);
    sketch.edge(has_second, again, "yes", EdgeKind::Next);
    sketch.edge(has_second, unwinds, "no", EdgeKind::Next);
    sketch.next(again, ship);
    sketch.next(ship, completed);
    sketch.edge(reserve, unwinds, "", EdgeKind::Refused);
    sketch.edge(again, unwinds, "", EdgeKind::Refused);
    sketch.done("another_card")
}

/// Exits from plain code, which has no node: from the start, and back to the head of a loop.
pub(super) fn skipping() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let lines = sketch.node(Node::Loop("for line in &order.lines"));
    let reserve = sketch.call("reserve", Class::Compensatable, "release");
    let weigh = sketch.call("weigh", Class::ReadOnly, "");
    let completed = sketch.node(Node::Completed);
    sketch.next(0, unwinds);
    sketch.next(0, lines);
    sketch.edge(0, completed, "", EdgeKind::Next);
    sketch.edge(lines, lines, "each", EdgeKind::Back);
    sketch.edge(lines, reserve, "each", EdgeKind::Next);
    sketch.edge(reserve, lines, "", EdgeKind::Back);
    sketch.next(reserve, weigh);
    sketch.next(reserve, unwinds);
    sketch.edge(reserve, unwinds, "refused", EdgeKind::Refused);
    sketch.edge(weigh, unwinds, "refused", EdgeKind::Refused);
    sketch.edge(weigh, lines, "", EdgeKind::Back);
    sketch.edge(lines, completed, "done", EdgeKind::Next);
    sketch.done("skipping")
}

pub(super) fn long() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let mut last = 0;
    for number in 1..=40 {
        let name = Box::leak(format!("step_{number:02}").into_boxed_str());
        let undo = Box::leak(format!("undo_{number:02}").into_boxed_str());
        let class = match number {
            _ if number % 7 == 0 && number < 30 => Class::ReadOnly,
            30 => Class::Pivot,
            31.. => Class::Retriable,
            _ => Class::Compensatable,
        };
        let call = sketch.call(name, class, undo);
        sketch.next(last, call);
        if class != Class::Retriable {
            sketch.edge(call, unwinds, "", EdgeKind::Refused);
        }
        last = call;
    }
    let completed = sketch.node(Node::Completed);
    sketch.next(last, completed);
    sketch.done("long")
}

/// What no source code should hold, and might.
pub(super) const HOSTILE: [&str; 6] = [
    "x < \"</text><script>alert('1')</script>\"",
    "`a` \\ \"b\" --> C]; end | #quot; &amp; %%{init}%%",
    "a\n\tb\r\n\"; } digraph evil {\\",
    "\u{202e}reversed\u{0}\u{fffe}",
    "größer als 漢字漢字漢字漢字漢字漢字 🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀",
    "]]><!-- WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
];

pub(super) fn hostile() -> &'static Definition {
    let mut sketch = Sketch::new();
    let unwinds = sketch.node(Node::Unwinds);
    let completed = sketch.node(Node::Completed);
    let mut last = 0;
    for text in HOSTILE {
        let branch = sketch.node(Node::Branch(text));
        let head = sketch.node(Node::Loop(text));
        let call = sketch.call(text, Class::Compensatable, text);
        sketch.edge(last, branch, text, EdgeKind::Next);
        sketch.edge(branch, head, text, EdgeKind::Next);
        sketch.edge(head, call, text, EdgeKind::Next);
        sketch.edge(call, head, text, EdgeKind::Back);
        sketch.edge(call, unwinds, text, EdgeKind::Refused);
        sketch.edge(branch, completed, text, EdgeKind::Next);
        last = head;
    }
    sketch.edge(last, completed, "", EdgeKind::Next);
    sketch.done(HOSTILE[0])
}

/// Edges that name no node, loops that are not marked as such, nodes that nothing leads to, a state without a step.
pub(super) fn tangled() -> &'static Definition {
    let mut sketch = Sketch::new();
    let first = sketch.call("first", Class::Compensatable, "undo_first");
    let second = sketch.call("second", Class::Compensatable, "undo_second");
    let unreached = sketch.call("unreached", Class::ReadOnly, "");
    let nothing = sketch.node(Node::Call(99));
    let odd = sketch.again("odd", 99);
    let unwinds = sketch.node(Node::Unwinds);
    let completed = sketch.node(Node::Completed);
    sketch.next(0, first);
    sketch.next(first, second);
    sketch.next(second, first);
    sketch.next(second, second);
    sketch.edge(first, completed, "forward", EdgeKind::Back);
    sketch.next(second, 1_000);
    sketch.next(1_000, second);
    sketch.next(nothing, odd);
    sketch.next(unreached, nothing);
    sketch.next(unwinds, first);
    sketch.next(0, unwinds);
    sketch.done("tangled")
}

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
pub(super) fn random(seed: u64) -> &'static Definition {
    let mut chance = Chance(seed);
    let mut sketch = Sketch::new();
    for _ in 0..chance.below(14) {
        let text = chance.of(&TEXTS);
        match chance.below(8) {
            0 => sketch.node(Node::Branch(text)),
            1 | 2 => sketch.node(Node::Loop(text)),
            3 => sketch.node(Node::Completed),
            4 => sketch.node(Node::Unwinds),
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

/// The graph of a flow that could be written: calls, branches, loops, `break`, `continue`, `return`, refusals caught and
/// not.
pub(super) fn random_flow(seed: u64) -> &'static Definition {
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
        let call = self.sketch.call(name, class, "undo_it");
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
