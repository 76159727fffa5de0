//! Which way each link takes between the boxes.
//!
//! A line runs down in one of two kinds of places: in the middle of a column, where no box of that column stands in
//! between, or on a track in the gap between two columns, where no box ever stands. Two lines share a place at the same
//! height only if they lead to the same node.

use super::graph::{Graph, Target};

/// The way of one link, in terms of columns and gaps. Gap `n` is to the left of column `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Down within the column.
    Straight,
    /// Sideways, then down in the target's column.
    Elbow,
    /// Down in the own column, and sideways just above the target.
    Down,
    /// Sideways to a track, down, and sideways just above the target.
    Track {
        /// The gap in which the track is.
        gap: usize,
        /// Its place in the gap.
        track: usize,
    },
    /// Back to the head of a loop: to the left, then up into the head from below.
    Back,
    /// Back, where something stands in the way: to the left of both columns, and into the target's side.
    Around {
        /// The gap in which the track is.
        gap: usize,
        /// Its place in the gap.
        track: usize,
    },
    /// To the right, into the undo lane.
    Undo,
}

/// The way of each link, and how many tracks each gap has.
#[derive(Debug)]
pub(super) struct Routes {
    /// In the order of the graph's links.
    pub(super) ways: Vec<Way>,
    /// One more than there are columns.
    pub(super) tracks: Vec<usize>,
}

/// A stretch of a vertical line, in half rows: `2 * row` is the row itself, one more is the space below it.
#[derive(Clone, Copy)]
struct Stretch {
    top: usize,
    bottom: usize,
    to: usize,
}

/// The stretches of one place that are taken.
#[derive(Default)]
struct Taken(Vec<Stretch>);

impl Taken {
    fn is_free(&self, wanted: &Stretch) -> bool {
        self.0.iter().all(|taken| taken.to == wanted.to || taken.bottom < wanted.top || wanted.bottom < taken.top)
    }
}

/// Finds a way for each link of the graph.
pub(super) fn routes(graph: &Graph) -> Routes {
    let mut places = Places {
        columns: (0..graph.width()).map(|_| Taken::default()).collect(),
        gaps: (0..=graph.width()).map(|_| Vec::new()).collect(),
    };
    let ways = graph.links.iter().map(|link| match link.to {
        Target::Undo => Way::Undo,
        Target::Row(to) if to > link.from => places.onward(graph, link.from, to, link.refused),
        Target::Row(to) => places.back(graph, link.from, to),
    });
    let ways = ways.collect();
    Routes { ways, tracks: places.gaps.iter().map(Vec::len).collect() }
}

/// Every place in which a line can run down.
struct Places {
    columns: Vec<Taken>,
    gaps: Vec<Vec<Taken>>,
}

impl Places {
    fn onward(&mut self, graph: &Graph, from: usize, to: usize, refused: bool) -> Way {
        let (own, other) = (graph.columns[from], graph.columns[to]);
        let below = Stretch { top: 2 * from + 1, bottom: 2 * to - 1, to };
        let beside = Stretch { top: 2 * from, bottom: 2 * to - 1, to };
        // A refusal leaves a call by its side, so that what leaves it below is always the way on which it went well.
        if own == other && !refused && self.takes_column(graph, own, (from, to), below) {
            Way::Straight
        } else if other > own && self.takes_column(graph, other, (from, to), beside) {
            Way::Elbow
        } else if other < own && !refused && self.takes_column(graph, own, (from, to), below) {
            Way::Down
        } else {
            let gap = own + 1;
            let track = self.track(gap, beside);
            Way::Track { gap, track }
        }
    }

    fn back(&mut self, graph: &Graph, from: usize, to: usize) -> Way {
        let (own, head) = (graph.columns[from], graph.columns[to]);
        if own > head && !graph.is_blocked(head, to, from) {
            return Way::Back;
        }
        let gap = own.min(head);
        let track = self.track(gap, Stretch { top: 2 * to, bottom: 2 * from, to });
        Way::Around { gap, track }
    }

    fn takes_column(&mut self, graph: &Graph, column: usize, rows: (usize, usize), stretch: Stretch) -> bool {
        let taken = &mut self.columns[column];
        let free = !graph.is_blocked(column, rows.0, rows.1) && taken.is_free(&stretch);
        if free {
            taken.0.push(stretch);
        }
        free
    }

    fn track(&mut self, gap: usize, stretch: Stretch) -> usize {
        let tracks = &mut self.gaps[gap];
        let free = tracks.iter().position(|taken| taken.is_free(&stretch));
        let track = free.unwrap_or_else(|| {
            tracks.push(Taken::default());
            tracks.len() - 1
        });
        tracks[track].0.push(stretch);
        track
    }
}
