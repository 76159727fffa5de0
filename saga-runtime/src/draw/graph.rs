//! A flow's graph, put in order: which node stands in which row and in which column.
//!
//! Each node has a row of its own. So a line that leaves a node sideways meets no other box, and the undo of a step can
//! stand beside it. Columns only tell ways apart: a loop's body stands one to the right of its head, and so does each
//! further arm of a branch.

use std::collections::BTreeSet;

use super::fold::Ways;
use crate::definition::{EdgeKind, Flow, Node};

/// Nodes in rows and columns, and what connects them.
#[derive(Debug)]
pub(super) struct Graph {
    /// The node in each row.
    pub(super) rows: Vec<Node>,
    /// The column of each row's node.
    pub(super) columns: Vec<usize>,
    /// Whether the node is in the body of a loop.
    pub(super) in_loop: Vec<bool>,
    /// The connections, each pair of nodes once for each kind.
    pub(super) links: Vec<Link>,
}

/// A connection; several edges between the same two nodes are one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The row that it leaves.
    pub(super) from: usize,
    /// Where it leads.
    pub(super) to: Target,
    /// The cases in which it is taken, or nothing.
    pub(super) label: String,
    /// Whether it is taken on a refusal.
    pub(super) refused: bool,
}

/// Where a link leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// To the node in this row.
    Row(usize),
    /// To the undo lane: the flow returned `Err`.
    Undo,
}

impl Graph {
    /// Puts the flow's nodes in order. Edges that name no node are left out.
    pub(super) fn new(flow: &Flow) -> Self {
        let drawn = Ways::of(flow);
        let order = order(flow, &drawn);
        let mut row_of = vec![None; flow.nodes.len()];
        for (row, &node) in order.iter().enumerate() {
            row_of[node] = Some(row);
        }
        let links = links(&drawn, &row_of);
        let rows: Vec<Node> = order.iter().map(|&node| flow.nodes[node]).collect();
        let depth = loop_depths(rows.len(), &links);
        let columns = columns(&rows, &links, &depth);
        Self { in_loop: depth.iter().map(|&depth| depth > 0).collect(), rows, columns, links }
    }

    /// How many columns there are.
    pub(super) fn width(&self) -> usize {
        self.columns.iter().max().map_or(0, |last| last + 1)
    }

    /// Whether a row strictly between the two has a node in this column.
    pub(super) fn is_blocked(&self, column: usize, above: usize, below: usize) -> bool {
        (above + 1..below).any(|row| self.columns[row] == column)
    }

    /// The rows that the flow can come to without having left one of these by the way on which it went well.
    pub(super) fn reached_without(&self, passing: &[usize]) -> BTreeSet<usize> {
        reach(0, &self.links, |link| link.refused || !passing.contains(&link.from))
    }
}

/// The nodes in an order in which, but for loops, each stands after those that lead to it; where there is a choice, in
/// the order of the source, and the end last. Where the flow unwinds is no node here: that is what the lane is for.
fn order(flow: &Flow, drawn: &Ways) -> Vec<usize> {
    let nodes = flow.nodes;
    let is_drawn = |node: usize| nodes[node] != Node::Unwinds && !drawn.folded.contains(&node);
    let mut waits_for = vec![0_usize; nodes.len()];
    let mut onward: Vec<(usize, usize)> = Vec::new();
    for edge in drawn.ways.iter().filter(|edge| is_drawn(edge.from) && is_drawn(edge.to)) {
        // Nothing stands above the start.
        if edge.kind != EdgeKind::Back && edge.from != edge.to && edge.to != 0 {
            onward.push((edge.from, edge.to));
        }
    }
    for &(_, to) in &onward {
        waits_for[to] += 1;
    }
    let mut left: Vec<usize> = (0..nodes.len()).filter(|&node| is_drawn(node)).collect();
    left.sort_by_key(|&node| (nodes[node] == Node::Completed, node));
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        // A loop that no edge of kind `Back` closes would wait for itself: it begins with its first node.
        let next = left.iter().position(|&node| waits_for[node] == 0).unwrap_or(0);
        let node = left.remove(next);
        for &(_, to) in onward.iter().filter(|&&(from, _)| from == node) {
            waits_for[to] = waits_for[to].saturating_sub(1);
        }
        order.push(node);
    }
    order
}

fn links(drawn: &Ways, row_of: &[Option<usize>]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for edge in &drawn.ways {
        let (Some(&Some(from)), Some(&to)) = (row_of.get(edge.from), row_of.get(edge.to)) else { continue };
        let to = to.map_or(Target::Undo, Target::Row);
        let (mut label, mut refused) = (edge.label.clone(), edge.kind == EdgeKind::Refused);
        if to == Target::Undo {
            // What leads into the lane is a refusal in any case, and looks like one.
            refused = true;
            label = if label == "refused" { String::new() } else { label };
        }
        match links.iter_mut().find(|link| (link.from, link.to, link.refused) == (from, to, refused)) {
            Some(_) if label.is_empty() => {}
            Some(same) if same.label.is_empty() => same.label = label,
            Some(same) if same.label.split(" | ").any(|case| case == label) => {}
            Some(same) => {
                same.label.push_str(" | ");
                same.label.push_str(&label);
            }
            None => links.push(Link { from, to, label, refused }),
        }
    }
    links
}

/// How many loops each row is inside of. The head of a loop is not inside of its own.
fn loop_depths(rows: usize, links: &[Link]) -> Vec<usize> {
    let mut inside: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); rows];
    for link in links {
        let Target::Row(head) = link.to else { continue };
        if head > link.from {
            continue;
        }
        // What leads back to the head without passing it.
        let mut found = vec![link.from];
        while let Some(row) = found.pop() {
            if row > head && inside[row].insert(head) {
                found.extend(links.iter().filter(|link| link.to == Target::Row(row)).map(|link| link.from));
            }
        }
    }
    inside.iter().map(BTreeSet::len).collect()
}

fn columns(rows: &[Node], links: &[Link], depth: &[usize]) -> Vec<usize> {
    let mut shift = vec![usize::MAX; rows.len()];
    for row in 0..rows.len() {
        if shift[row] == usize::MAX {
            // Nothing leads here.
            shift[row] = 0;
        }
        for (child, aside) in children(row, rows, links, depth) {
            shift[child] = shift[child].min(shift[row] + aside);
        }
    }
    let columns: Vec<usize> = shift.iter().zip(depth).map(|(shift, depth)| shift + depth).collect();
    // A column in which nothing stands would only be a hole.
    let used: BTreeSet<usize> = columns.iter().copied().collect();
    columns.iter().map(|column| used.range(..column).count()).collect()
}

/// The rows below that this one leads to, each with how many columns it steps aside: none for the way on which most of
/// the flow lies, one more for each other arm. A way out of the loop, or to the end, joins others and takes no column.
fn children(row: usize, rows: &[Node], links: &[Link], depth: &[usize]) -> Vec<(usize, usize)> {
    let below = |link: &Link| match link.to {
        Target::Row(to) if link.from == row && to > row => Some((to, link.refused)),
        _ => None,
    };
    let mut arms: Vec<(usize, bool)> = links.iter().filter_map(below).collect();
    if arms.len() < 2 || !matches!(rows[row], Node::Branch(_) | Node::Call(_)) {
        return arms.into_iter().map(|(to, _)| (to, 0)).collect();
    }
    let size = |to: usize| reach(to, links, |link| matches!(link.to, Target::Row(to) if to > link.from)).len();
    arms.sort_by_key(|&(to, refused)| (refused, std::cmp::Reverse(size(to))));
    let mut aside = 0;
    let mut children = Vec::with_capacity(arms.len());
    let goes_well = arms.iter().any(|&(_, refused)| !refused);
    for (to, refused) in arms {
        // The way on which it went well goes straight down, also if it is the shorter one.
        if refused && goes_well {
            aside = aside.max(1);
        }
        let joins = depth[to] < depth[row] || rows[to] == Node::Completed;
        children.push((to, if joins { 0 } else { aside }));
        aside += usize::from(!joins);
    }
    children
}

/// The rows that can be reached by links of which `may` holds, the first among them.
fn reach(from: usize, links: &[Link], may: impl Fn(&Link) -> bool) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut found = vec![from];
    while let Some(row) = found.pop() {
        if reached.insert(row) {
            found.extend(links.iter().filter(|link| link.from == row && may(link)).filter_map(|link| match link.to {
                Target::Row(to) => Some(to),
                Target::Undo => None,
            }));
        }
    }
    reached
}
