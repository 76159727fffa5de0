//! The way back beside the flow: the undo lane, and the points after which there is none.

use std::collections::BTreeMap;

use super::{
    layout::{ASIDE, Bar, Drafting, LABEL_SIZE, Line, LineKind, MARGIN, NO_RETURN, TOP},
    shape::{Rect, Shape, Size},
    text::{Face, width},
};
use crate::definition::Node;

impl Drafting<'_> {
    /// Draws the undo lane: the end at the top, each compensation beside its step, and the way up through them.
    pub(super) fn draw_lane(&mut self) {
        let rows = self.graph.rows.iter().enumerate();
        let undone: Vec<(usize, Shape)> =
            rows.filter_map(|(row, node)| Some((row, self.view.undo(*node, self.graph.in_loop[row])?))).collect();
        if undone.is_empty() && self.unwinding.is_empty() {
            return;
        }
        let end = self.view.end_of_undo();
        let widest = undone.iter().map(|(_, shape)| shape.size().width).max().unwrap_or(0);
        let lane_width = widest.max(end.size().width).max(width(NO_RETURN, LABEL_SIZE, Face::Prose)) + 2 * 18;
        let left = self.right + 20;
        self.spine = left + lane_width / 2;
        let end_at = self.boxes.first().map_or(TOP, Rect::centre) - end.size().height / 2;
        let end_at = Rect { x: self.spine - end.size().width / 2, y: end_at, size: end.size() };
        // What the way up passes, from the top: where it enters a box from below, and where it leaves one.
        let mut stops = vec![end_at];
        let mut scopes = BTreeMap::new();
        for (row, shape) in undone {
            let (own, size) = (self.boxes[row], shape.size());
            let is_scope = self.view.is_scope(self.graph.rows[row]);
            // A refusal passes above the undo of its own step, which did nothing; that of a scope is undone first.
            let above = if is_scope { size.height / 2 + 2 } else { size.height / 2 - 11 };
            let place = Rect { x: self.spine - size.width / 2, y: own.centre() - above, size };
            let y = own.centre() + ASIDE;
            self.out.lines.push(Line { points: vec![(own.right(), y), (place.x, y)], kind: LineKind::Undoes });
            stops.push(place);
            if is_scope {
                scopes.insert(row, place);
            }
            self.out.shapes.push((shape, place));
        }
        self.out.shapes.push((end, end_at));
        let mut lowest = stops.last().map_or(TOP, Rect::bottom);
        for (row, from) in std::mem::take(&mut self.unwinding) {
            let to = match scopes.get(&row) {
                _ if row == 0 => end_at.x,
                Some(undone_first) => undone_first.x,
                None => self.spine,
            };
            self.out.lines.push(Line { points: vec![from, (to, from.1)], kind: LineKind::Unwinds });
            lowest = lowest.max(from.1);
        }
        if let Some(last) = stops.last().filter(|last| last.bottom() < lowest) {
            self.out.lines.push(self.up(lowest, last.bottom()));
        }
        for pair in stops.windows(2) {
            self.out.lines.push(self.up(pair[1].y, pair[0].bottom()));
        }
        let top = TOP - 34;
        self.right = left + lane_width;
        let size = Size { width: lane_width, height: lowest + 16 - top };
        self.out.lane = Some(Rect { x: left, y: top, size });
        self.out.size.width = self.right;
    }

    fn up(&self, from: i32, to: i32) -> Line {
        Line { points: vec![(self.spine, from), (self.spine, to)], kind: LineKind::Unwinds }
    }

    /// Draws the point of no return under each pivot: for the last one through the whole drawing, if all that is below
    /// is past a pivot.
    pub(super) fn draw_bars(&mut self) {
        let length = width(NO_RETURN, LABEL_SIZE, Face::Prose);
        let rows = 0..self.graph.rows.len();
        let is_pivot = |row: &usize| self.view.is_pivot(self.graph.rows[*row]);
        let pivots: Vec<usize> = rows.clone().filter(is_pivot).collect();
        let before = self.graph.reached_without(&pivots);
        for &row in &pivots {
            let mut below = rows.clone().skip(row + 1);
            let divides = pivots.last() == Some(&row)
                && below.all(|below| self.graph.rows[below] == Node::Completed || !before.contains(&below));
            let own = self.boxes[row];
            let y = own.bottom() + 26;
            let bar = if let (true, Some(lane)) = (divides, self.out.lane) {
                Bar { from: MARGIN, to: self.right, y, text: (lane.right() - length - 4, y - 5) }
            } else {
                self.right = self.right.max(own.right() + length + 12);
                Bar { from: own.x, to: own.right(), y, text: (own.right() + 6, y + 4) }
            };
            self.out.bars.push(bar);
        }
    }
}
