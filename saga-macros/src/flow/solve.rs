//! Liveness over the lowered flow: what is needed where each block begins, and what follows from that.

use super::{
    bindings::{BindingId, Bindings, CONTEXT, Kind},
    code::{BlockId, Code, Node, SeqId},
    live::{Backward, Live, Place, join},
    moves::moved_by,
    parts::{nested_parts_of, taken_apart_by},
};
use std::collections::{BTreeMap, BTreeSet};
use syn::ExprField;

/// What is done with a node (of a run, at a place), and with what is needed after it.
type Visit<'v> = &'v mut dyn FnMut((SeqId, usize), &Node, &Live);

/// What is needed where each block begins, by block.
pub(crate) struct Solved {
    pub(crate) live_in: Vec<Live>,
    /// What a node (of this run, at this place) moves although it is needed after it.
    pub(crate) moved: BTreeMap<(SeqId, usize), BTreeSet<BindingId>>,
    /// The parts of parts that go elsewhere although the whole is needed after that, by block.
    pub(crate) split: BTreeMap<BlockId, Vec<(BindingId, ExprField)>>,
}

/// Solves liveness; gives another name to each local whose own is taken by one that is needed at the same place.
pub(crate) fn solve(code: &Code, bindings: &mut Bindings) -> Solved {
    // Once as if every local could be taken apart, to find those that are.
    let first = fixpoint(code, bindings);
    let mut apart = BTreeSet::new();
    for &block in &code.order {
        first.each_node(code, bindings, code.blocks[block].root, Live::new(), &mut |_, node, after| {
            let mut taken = taken_apart_by(node, &code.calls, bindings);
            taken.retain(|&id| bindings.fields_of(id).any(|field| after.contains_key(&field)));
            apart.extend(taken);
        });
    }
    bindings.keep_whole_but(&apart);
    let mut solved = fixpoint(code, bindings);
    // The input is there whole.
    if let Some(&start) = code.order.first() {
        let live = &mut solved.live_in[start];
        for (id, place) in live.clone() {
            if let Kind::Field(of, _) = bindings[id].kind {
                live.remove(&id);
                live.insert(of, place);
            }
        }
    }
    let mut moved = BTreeMap::new();
    let mut split: BTreeMap<BlockId, Vec<_>> = BTreeMap::new();
    // What is never saved may be a `&mut`, which is lent out where it seems to be moved.
    let saved = solved.saved(code, bindings);
    let owned = |id: &BindingId| saved.contains(id) || matches!(bindings[*id].kind, Kind::Input);
    for &block in &code.order {
        solved.each_node(code, bindings, code.blocks[block].root, Live::new(), &mut |place, node, after| {
            let mut both = moved_by(node, &code.calls, bindings);
            both.retain(|id| after.contains_key(id) && owned(id));
            if !both.is_empty() {
                moved.insert(place, both);
            }
            let mut parts = nested_parts_of(node, &code.calls, bindings);
            parts.retain(|(id, _)| after.contains_key(id));
            if !parts.is_empty() {
                split.entry(block).or_default().extend(parts);
            }
        });
    }
    solved.moved = moved;
    solved.split = split;
    let mut renamed = solved.renamed(code, bindings);
    renamed.extend(bindings.is_hidden(CONTEXT).then_some(CONTEXT));
    bindings.renamed = renamed;
    solved
}

fn fixpoint(code: &Code, bindings: &Bindings) -> Solved {
    let mut solved =
        Solved { live_in: vec![Live::new(); code.blocks.len()], moved: BTreeMap::new(), split: BTreeMap::new() };
    loop {
        let mut changed = false;
        for &block in code.order.iter().rev() {
            let before = solved.before(code, bindings, code.blocks[block].root, Live::new());
            let mut joined = solved.live_in[block].clone();
            join(&mut joined, &before);
            if joined != solved.live_in[block] {
                solved.live_in[block] = joined;
                changed = true;
            }
        }
        if !changed {
            return solved;
        }
    }
}

impl Solved {
    /// What is needed before a run, given what is needed after it.
    fn before(&self, code: &Code, bindings: &Bindings, seq: SeqId, after: Live) -> Live {
        self.before_nodes(code, bindings, &code.seqs[seq], after)
    }

    fn before_nodes(&self, code: &Code, bindings: &Bindings, nodes: &[Node], after: Live) -> Live {
        let exit = |exit: usize| self.live_in[code.exits[exit].target].clone();
        let mut backward = Backward::new(bindings, &exit);
        nodes.iter().rev().fold(after, |after, node| match node {
            Node::Stmt(stmt) => backward.stmt(stmt, after),
            Node::If { cond, then, otherwise } => {
                let on_false = self.before(code, bindings, *otherwise, after.clone());
                let on_true = self.before(code, bindings, *then, after);
                backward.condition(cond, on_true, &on_false)
            }
            Node::Match { scrutinee, arms, .. } => {
                let bodies: Vec<Live> =
                    arms.iter().map(|arm| self.before(code, bindings, arm.body, after.clone())).collect();
                let none = Live::new();
                let mut all = Live::new();
                for (arm, body) in arms.iter().zip(&bodies) {
                    join(&mut all, &backward.arm(&arm.pat, body.clone(), &none));
                }
                let mut before = Live::new();
                for (arm, body) in arms.iter().zip(bodies) {
                    join(&mut before, &backward.arm(&arm.pat, body, &all));
                }
                backward.expr(scrutinee, before)
            }
            Node::LetElse { local, otherwise } => {
                let other = self.before(code, bindings, *otherwise, Live::new());
                let mut before = after;
                backward.kill(&mut before, &local.pat);
                join(&mut before, &other);
                match &local.init {
                    Some(init) => backward.expr(&init.expr, before),
                    None => before,
                }
            }
            Node::Scope { code: inside, .. } => self.before(code, bindings, *inside, after),
            Node::Exit(number) => exit(*number),
            Node::Call(call) => {
                let call = &code.calls[*call];
                let after = self.live_in[call.after].clone();
                call.operands.iter().rev().fold(after, |after, operand| backward.expr(operand, after))
            }
            Node::Answer(_) | Node::Passed(_) | Node::ScopeEnd { .. } => after,
        })
    }

    /// Visits the nodes of a run, the last first, with what is needed after each.
    fn each_node(&self, code: &Code, bindings: &Bindings, seq: SeqId, after: Live, visit: Visit<'_>) {
        let mut after = after;
        for (at, node) in code.seqs[seq].iter().enumerate().rev() {
            let mut needed = after.clone();
            match node {
                Node::Call(call) => needed.clone_from(&self.live_in[code.calls[*call].after]),
                Node::If { then, otherwise, .. } => {
                    needed = self.branches(code, bindings, [*then, *otherwise], &after, visit);
                }
                Node::Match { arms, .. } => {
                    needed = self.branches(code, bindings, arms.iter().map(|arm| arm.body), &after, visit);
                }
                Node::Scope { code: inside, .. } => {
                    needed = self.branches(code, bindings, [*inside], &after, visit);
                }
                Node::LetElse { otherwise, .. } => {
                    let other = self.branches(code, bindings, [*otherwise], &Live::new(), visit);
                    join(&mut needed, &other);
                }
                _ => {}
            }
            visit((seq, at), node, &needed);
            after = self.before_nodes(code, bindings, std::slice::from_ref(node), after);
        }
    }

    /// Visits the nodes of branches; answers what is needed where one of them begins.
    fn branches(
        &self,
        code: &Code,
        bindings: &Bindings,
        branches: impl IntoIterator<Item = SeqId>,
        after: &Live,
        visit: Visit<'_>,
    ) -> Live {
        let mut needed = Live::new();
        for branch in branches {
            self.each_node(code, bindings, branch, after.clone(), visit);
            join(&mut needed, &self.before(code, bindings, branch, after.clone()));
        }
        needed
    }

    /// What is saved at any call.
    pub(crate) fn saved(&self, code: &Code, bindings: &Bindings) -> BTreeSet<BindingId> {
        (0..code.calls.len()).flat_map(|call| self.saved_at(code, bindings, call)).map(|(id, _)| id).collect()
    }

    /// What is saved at this call: the locals that are needed after it.
    pub(crate) fn saved_at<'s>(
        &'s self,
        code: &Code,
        bindings: &'s Bindings,
        call: usize,
    ) -> impl Iterator<Item = (BindingId, Place)> + 's {
        held(&self.live_in[code.calls[call].after], bindings)
    }

    /// The locals whose own name is taken, somewhere in their scope, by one that is needed there.
    fn renamed(&self, code: &Code, bindings: &Bindings) -> BTreeSet<BindingId> {
        let mut renamed = BTreeSet::new();
        let mut check = |visible: &[BindingId], live: &Live| {
            for (at, &outer) in visible.iter().enumerate() {
                if !live.contains_key(&outer) {
                    continue;
                }
                let name = &bindings[outer].name;
                renamed.extend(visible[at + 1..].iter().filter(|&&inner| bindings[inner].name == *name));
            }
        };
        for exit in &code.exits {
            check(&exit.visible, &self.live_in[exit.target]);
        }
        for call in &code.calls {
            check(&call.visible, &self.live_in[call.after]);
        }
        for seq in &code.seqs {
            for (at, node) in seq.iter().enumerate() {
                if let Node::ScopeEnd { visible } = node {
                    // What follows in the enclosing runs is approximated by everything that is mentioned there.
                    let after = self.before_nodes(code, bindings, &seq[at + 1..], Live::new());
                    check(visible, &after);
                }
            }
        }
        renamed
    }
}

/// Of what is needed, that which an arm holds as a local and has to hand on.
pub(crate) fn held<'s>(live: &'s Live, bindings: &'s Bindings) -> impl Iterator<Item = (BindingId, Place)> + 's {
    live.iter()
        .filter(|(id, _)| match bindings[**id].kind {
            Kind::Input | Kind::Local | Kind::Invented => true,
            // A field of what is needed whole is there with it.
            Kind::Field(of, _) => !live.contains_key(&of),
            Kind::Context | Kind::Derived(_) => false,
        })
        .map(|(&id, &place)| (id, place))
}
