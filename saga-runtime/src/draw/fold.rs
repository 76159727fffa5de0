//! The ways between the nodes, as they are drawn: what a flow does with an answer belongs to the call that gave it.
//!
//! A `match` on a call's answer is a decision of its own in the definition, since any code may stand in its place. Drawn,
//! its arms leave the call itself: so each is seen to be the way on which the call went well, or the way on which it was
//! refused.

use std::collections::BTreeSet;

use super::text::one_line;
use crate::definition::{EdgeKind, Flow, Node, Work};

/// A way from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: String,
    pub(super) kind: EdgeKind,
}

/// A flow's graph as it is drawn.
#[derive(Debug)]
pub(super) struct Ways {
    /// The ways between nodes that exist.
    pub(super) ways: Vec<Way>,
    /// The decisions that have become part of a call.
    pub(super) folded: BTreeSet<usize>,
}

impl Ways {
    pub(super) fn of(flow: &Flow) -> Self {
        let exists = |node: usize| node < flow.nodes.len();
        let edges = flow.edges.iter().filter(|edge| exists(edge.from) && exists(edge.to));
        let ways = edges.map(|edge| Way { from: edge.from, to: edge.to, label: one_line(edge.label), kind: edge.kind });
        let mut drawn = Self { ways: ways.collect(), folded: BTreeSet::new() };
        for (branch, node) in flow.nodes.iter().enumerate() {
            if let Node::Branch(text) = node {
                drawn.fold(flow, branch, &one_line(text));
            }
        }
        drawn
    }

    /// Makes the decision part of the call whose answer it is about, if it is about one.
    fn fold(&mut self, flow: &Flow, branch: usize, text: &str) {
        let Some(call) = self.only_call_before(flow, branch) else { return };
        let Some(Node::Call(state)) = flow.nodes.get(call) else { return };
        let can_be_refused = flow
            .states
            .get(*state)
            .is_some_and(|state| !matches!(state.work, Work::Sleep | Work::Wait(_) | Work::Send));
        let pattern = text.strip_prefix("let ").and_then(|rest| rest.split_once(" = ")).map(|(pattern, _)| pattern);
        let makes_a_difference = {
            let mut targets = self.ways.iter().filter(|way| way.from == branch).map(|way| way.to);
            let first = targets.next();
            targets.any(|target| Some(target) != first)
        };
        let is_the_answer = text.strip_suffix(".await").is_some();
        if !is_the_answer && (makes_a_difference || !text.contains(".await")) {
            return;
        }
        self.ways.retain(|way| way.to != branch);
        for way in self.ways.iter_mut().filter(|way| way.from == branch) {
            way.from = call;
            way.label = match (pattern, &*way.label) {
                _ if !makes_a_difference => String::new(),
                (Some(pattern), "yes") => pattern.to_owned(),
                (Some(pattern), "no") => format!("not {pattern}"),
                (_, label) => label.to_owned(),
            };
            let is_refusal = way.label.starts_with("Err(") || way.label.starts_with("not Ok(");
            if way.kind == EdgeKind::Next && is_refusal && can_be_refused {
                way.kind = EdgeKind::Refused;
            }
        }
        self.folded.insert(branch);
    }

    /// The call that leads here and nowhere else, if nothing else leads here.
    fn only_call_before(&self, flow: &Flow, branch: usize) -> Option<usize> {
        let mut before = self.ways.iter().filter(|way| way.to == branch);
        let (way, None) = (before.next()?, before.next()) else { return None };
        let is_call = matches!(flow.nodes.get(way.from), Some(Node::Call(_)));
        let is_only = self.ways.iter().filter(|other| other.from == way.from).count() == 1;
        (is_call && is_only && way.label.is_empty() && way.kind == EdgeKind::Next).then_some(way.from)
    }
}
