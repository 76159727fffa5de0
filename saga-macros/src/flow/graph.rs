//! The graph of the definition: built as the flow is lowered, from what is pending at the end of each run of code.

use super::code::{BlockId, SeqId};
use crate::pretty::number;
use proc_macro2::TokenStream;
use quote::quote;
use std::collections::BTreeMap;

/// A node of the definition's graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Start,
    Call(usize),
    Branch(String),
    Loop(String),
    Completed,
    Unwinds,
}

/// What kind of way an edge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Next,
    Refused,
    Back,
}

/// An edge of the definition's graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) label: String,
    pub(crate) kind: Kind,
}

/// A way that has begun and has not arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) from: usize,
    pub(crate) label: String,
    pub(crate) kind: Kind,
}

/// The graph so far.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    ends: BTreeMap<SeqId, Vec<Pending>>,
    into: BTreeMap<BlockId, Vec<Pending>>,
    /// The nodes of the blocks that are heads of loops.
    heads: BTreeMap<BlockId, usize>,
}

impl Graph {
    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![Node::Start],
            edges: Vec::new(),
            ends: BTreeMap::new(),
            into: BTreeMap::new(),
            heads: BTreeMap::new(),
        }
    }

    /// The flow begins with this run.
    pub(crate) fn start(&mut self, seq: SeqId) {
        self.ends.insert(seq, vec![Pending { from: 0, label: String::new(), kind: Kind::Next }]);
    }

    /// A node at the end of this run.
    pub(crate) fn node(&mut self, seq: SeqId, node: Node) -> usize {
        let id = self.nodes.len();
        self.nodes.push(node);
        self.arrive(seq, id);
        self.ends.insert(seq, vec![Pending { from: id, label: String::new(), kind: Kind::Next }]);
        id
    }

    /// The way at the end of this run arrives at this node.
    pub(crate) fn arrive(&mut self, seq: SeqId, to: usize) {
        let pending = self.ends.remove(&seq).unwrap_or_default();
        self.connect(pending, to);
    }

    fn connect(&mut self, pending: Vec<Pending>, to: usize) {
        for Pending { from, label, kind } in pending {
            let kind = if kind == Kind::Next && to <= from && matches!(self.nodes[to], Node::Loop(_)) {
                Kind::Back
            } else {
                kind
            };
            let edge = Edge { from, to, label, kind };
            if !self.edges.contains(&edge) {
                self.edges.push(edge);
            }
        }
    }

    /// A run begins with this way.
    pub(crate) fn begin(&mut self, seq: SeqId, from: usize, label: impl Into<String>, kind: Kind) {
        self.ends.insert(seq, vec![Pending { from, label: label.into(), kind }]);
    }

    /// The way at the end of this run goes on in others only, which begin there.
    pub(crate) fn forks(&mut self, seq: SeqId) {
        self.ends.remove(&seq);
    }

    /// The way at the end of one run goes on at the end of another.
    pub(crate) fn merge(&mut self, from: SeqId, into: SeqId) {
        let pending = self.ends.remove(&from).unwrap_or_default();
        self.ends.entry(into).or_default().extend(pending);
    }

    /// The way at the end of this run leads to a block.
    pub(crate) fn leave(&mut self, seq: SeqId, block: BlockId) {
        let pending = self.ends.remove(&seq).unwrap_or_default();
        match self.heads.get(&block).copied() {
            Some(head) => self.connect(pending, head),
            None => self.into.entry(block).or_default().extend(pending),
        }
    }

    /// The same, for an exit somewhere inside plain code at the end of this run, which goes on.
    pub(crate) fn may_leave(&mut self, seq: SeqId, block: BlockId) {
        let pending = self.ends.get(&seq).cloned().unwrap_or_default();
        match self.heads.get(&block).copied() {
            Some(head) => self.connect(pending, head),
            None => self.into.entry(block).or_default().extend(pending),
        }
    }

    /// The same, for an end of the flow.
    pub(crate) fn may_end(&mut self, seq: SeqId, end: Node) {
        let to = self.end(end);
        let pending = self.ends.get(&seq).cloned().unwrap_or_default();
        self.connect(pending, to);
    }

    /// A block's code begins with what leads there.
    pub(crate) fn enter(&mut self, block: BlockId, root: SeqId) {
        let pending = self.into.remove(&block).unwrap_or_default();
        self.ends.entry(root).or_default().extend(pending);
    }

    /// This block is the head of a loop.
    pub(crate) fn head(&mut self, block: BlockId, root: SeqId, text: String) -> usize {
        self.enter(block, root);
        let node = self.node(root, Node::Loop(text));
        self.heads.insert(block, node);
        node
    }

    /// The head of a loop that this run is still at, with its text.
    pub(crate) fn at_head(&self, seq: SeqId) -> Option<(usize, &str)> {
        let [only] = self.ends.get(&seq)?.as_slice() else { return None };
        match &self.nodes[only.from] {
            Node::Loop(text) => Some((only.from, text)),
            _ => None,
        }
    }

    /// The node of a loop's head.
    pub(crate) fn head_node(&self, block: BlockId) -> usize {
        self.heads.get(&block).copied().unwrap_or_default()
    }

    /// The one node for an end of the flow.
    pub(crate) fn end(&mut self, end: Node) -> usize {
        self.nodes.iter().position(|node| *node == end).unwrap_or_else(|| {
            self.nodes.push(end);
            self.nodes.len() - 1
        })
    }

    /// A failure of this call unwinds the saga; `label` says which (e.g. `refused`).
    pub(crate) fn refused(&mut self, call: usize, label: &str) {
        let to = self.end(Node::Unwinds);
        self.connect(vec![Pending { from: call, label: label.into(), kind: Kind::Refused }], to);
    }

    /// After the pivot a call is not refused.
    pub(crate) fn never_refused(&mut self, call: usize) {
        self.edges.retain(|edge| edge.from != call || edge.kind != Kind::Refused);
    }

    /// The nodes and edges as const expressions, beside the names of `definition`.
    pub(crate) fn tokens(&self) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let nodes = self.nodes.iter().map(|node| match node {
            Node::Start => quote!(Node::Start),
            Node::Call(state) => {
                let state = number(*state);
                quote!(Node::Call(#state))
            }
            Node::Branch(text) => quote!(Node::Branch(#text)),
            Node::Loop(text) => quote!(Node::Loop(#text)),
            Node::Completed => quote!(Node::Completed),
            Node::Unwinds => quote!(Node::Unwinds),
        });
        let edges = self.edges.iter().map(|Edge { from, to, label, kind }| {
            let (from, to) = (number(*from), number(*to));
            match kind {
                Kind::Next => quote!(Edge::next(#from, #to, #label)),
                Kind::Refused => quote!(Edge::refused(#from, #to, #label)),
                Kind::Back => quote!(Edge::back(#from, #to, #label)),
            }
        });
        (nodes.collect(), edges.collect())
    }
}
