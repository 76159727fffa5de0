//! Where everything is: boxes, lines and labels with their coordinates, before any of it is written down as SVG.

use super::{
    graph::{Graph, Target},
    node::View,
    route::{Routes, Way, routes},
    shape::{GAP, Rect, Shape, Size},
    text::{Face, clipped, width},
};

/// A drawing, in pixels from the top left.
#[derive(Debug)]
pub(super) struct Layout {
    /// The size of the whole.
    pub(super) size: Size,
    /// The nodes, in the order of the rows; then the compensations, then the end of the undo lane.
    pub(super) shapes: Vec<(Shape, Rect)>,
    /// The lines.
    pub(super) lines: Vec<Line>,
    /// The texts beside lines.
    pub(super) labels: Vec<Label>,
    /// The undo lane, if anything can be undone.
    pub(super) lane: Option<Rect>,
    /// The points of no return.
    pub(super) bars: Vec<Bar>,
}

/// A line along the axes.
#[derive(Debug)]
pub(super) struct Line {
    /// Its corners, the ends among them.
    pub(super) points: Vec<(i32, i32)>,
    /// What it says.
    pub(super) kind: LineKind,
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    /// The flow goes on this way.
    Onward,
    /// The flow goes on this way after a refusal.
    Refused,
    /// The flow gives up: what completed is undone.
    Unwinds,
    /// The compensation undoes the step.
    Undoes,
    /// Something leaves the saga: a message, or another saga.
    Leaves,
}

/// A text beside a line; it begins at `x`, on the baseline `y`.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) text: String,
}

/// The line after a pivot, with its text to the left of `text_end`, or to the right of the line.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) y: i32,
    /// Where the text begins, and its baseline.
    pub(super) text: (i32, i32),
}

/// The text of a point of no return.
pub(super) const NO_RETURN: &str = "point of no return";
/// The size of the text beside lines.
pub(super) const LABEL_SIZE: i32 = 11;

pub(super) const MARGIN: i32 = 24;
pub(super) const TOP: i32 = 84;
/// Below the last row.
const BOTTOM: i32 = 24;
const TRACK: i32 = 12;
const LABEL_MOST: usize = 26;
/// How far above its target a line turns.
const TURN: i32 = 13;
/// How far above the middle of a row a refusal leaves it.
const REFUSAL: i32 = 16;
/// How far below the middle of a row a step and its compensation are connected, and what leaves the saga leaves its box.
pub(super) const ASIDE: i32 = 12;
/// How long the line is that leaves the saga.
const LEAVES: i32 = 26;

/// Lays one flow out.
pub(super) fn layout(view: View<'_>) -> Layout {
    let graph = Graph::new(view.flow);
    let routes = routes(&graph);
    let mut drafting = Drafting::new(view, &graph, &routes);
    drafting.draw_links();
    drafting.draw_leaving();
    drafting.draw_lane();
    drafting.draw_bars();
    drafting.finish()
}

/// A drawing in the making.
pub(super) struct Drafting<'d> {
    pub(super) view: View<'d>,
    pub(super) graph: &'d Graph,
    routes: &'d Routes,
    /// The box of each row.
    pub(super) boxes: Vec<Rect>,
    /// Where each gap begins; its tracks follow.
    gaps: Vec<i32>,
    /// The right edge of the last gap.
    pub(super) right: i32,
    /// Lines into the lane, whose end is known only when the lane is: where they begin.
    pub(super) unwinding: Vec<(usize, (i32, i32))>,
    /// The middle of the lane, its spine.
    pub(super) spine: i32,
    pub(super) out: Layout,
}

impl<'d> Drafting<'d> {
    fn new(view: View<'d>, graph: &'d Graph, routes: &'d Routes) -> Self {
        let shapes: Vec<Shape> = graph.rows.iter().map(|node| view.shape(*node)).collect();
        let sizes: Vec<Size> = shapes.iter().map(Shape::size).collect();
        let (mut gaps, mut middles, mut x) = (Vec::new(), Vec::new(), MARGIN);
        for (gap, &tracks) in routes.tracks.iter().enumerate() {
            gaps.push(x);
            // Left of the first column there is the margin already.
            x += int(tracks) * TRACK + if gap == 0 && tracks == 0 { 0 } else { GAP };
            let in_column = (0..sizes.len()).filter(|&row| graph.columns[row] == gap);
            if let Some(widest) = in_column.map(|row| sizes[row].width).max() {
                middles.push(x + widest / 2);
                x += widest;
            }
        }
        let (mut boxes, mut y) = (Vec::new(), TOP);
        for (row, size) in sizes.iter().enumerate() {
            boxes.push(Rect { x: middles[graph.columns[row]] - size.width / 2, y, size: *size });
            y += size.height + space_below(&shapes[row]);
        }
        let out = Layout {
            size: Size { width: x, height: y },
            shapes: shapes.into_iter().zip(boxes.iter().copied()).collect(),
            lines: Vec::new(),
            labels: Vec::new(),
            lane: None,
            bars: Vec::new(),
        };
        Self { view, graph, routes, boxes, gaps, right: x, unwinding: Vec::new(), spine: 0, out }
    }

    fn draw_links(&mut self) {
        for index in 0..self.graph.links.len() {
            self.draw_link(index);
        }
    }

    fn draw_link(&mut self, index: usize) {
        let (link, way) = (&self.graph.links[index], self.routes.ways[index]);
        let own = self.boxes[link.from];
        let (middle, centre) = (own.middle(), own.centre());
        let row = match link.to {
            Target::Row(to) => to,
            Target::Undo => link.from,
        };
        let (to, target) = (self.boxes[row], &self.out.shapes[row].0);
        let shape = &self.out.shapes[link.from].0;
        let (left, right) = ((shape.left_at(&own, centre), centre), (shape.right_at(&own, centre), centre));
        let above = (to.middle(), to.y);
        let turn = to.y - TURN;
        let points = match way {
            Way::Straight => vec![(middle, own.bottom()), above],
            Way::Elbow => vec![right, (to.middle(), centre), above],
            Way::Down => vec![(middle, own.bottom()), (middle, turn), (to.middle(), turn), above],
            Way::Track { gap, track } => {
                let x = self.track(gap, track);
                vec![right, (x, centre), (x, turn), (to.middle(), turn), above]
            }
            Way::Back => {
                // Beside the middle, where the way out of the loop begins.
                let x = to.middle() + to.size.width / 4;
                vec![left, (x, centre), (x, to.bottom())]
            }
            Way::Around { gap, track } => {
                // A little off the middle, so that a way from a node to itself leaves above where it arrives.
                let (x, out, back) = (self.track(gap, track), centre - 8, to.centre() + 8);
                let (from, to) = (shape.left_at(&own, out), target.left_at(&to, back));
                vec![(from, out), (x, out), (x, back), (to, back)]
            }
            Way::Undo => {
                // From the first row, the way is straight into the lane's end.
                let y = centre - if link.from == 0 { REFUSAL / 2 } else { REFUSAL };
                let from = (shape.right_at(&own, y), y);
                self.label(&link.label, own.right() + 8, y - 4);
                self.unwinding.push((link.from, from));
                return;
            }
        };
        match way {
            Way::Straight | Way::Down => self.label(&link.label, middle + 7, own.bottom() + 15),
            Way::Back => {
                let beside_the_node = own.x - 8 - label_width(&link.label);
                // Where several begin as one, each is named where it turns up.
                let alone = self.place_among(index, |way| way == Way::Back).is_none();
                let x = if alone { beside_the_node } else { beside_the_node.min(points[1].0 + 7) };
                self.label(&link.label, x, centre - 5);
            }
            Way::Around { .. } => self.label(&link.label, points[1].0 - 7 - label_width(&link.label), centre + 4),
            Way::Elbow | Way::Track { .. } | Way::Undo => match self.place_among(index, is_arm) {
                None => self.label(&link.label, own.right() + 8, centre - 5),
                Some(place) => self.label(&link.label, points[1].0 + 7, centre + 16 + 14 * place),
            },
        }
        let kind = if link.refused { LineKind::Refused } else { LineKind::Onward };
        self.out.lines.push(Line { points, kind });
    }

    /// Draws the arrows that lead out of the saga.
    fn draw_leaving(&mut self) {
        for (shape, place) in &self.out.shapes {
            if shape.leads_to.is_some() {
                let y = place.centre() + ASIDE;
                let from = shape.right_at(place, y);
                let to = place.right() + LEAVES;
                self.right = self.right.max(to + 12);
                self.out.lines.push(Line { points: vec![(from, y), (to, y)], kind: LineKind::Leaves });
            }
        }
    }

    /// Which of several such lines this is that leave a node by one side and begin as one; `None` if it is the only one.
    fn place_among(&self, index: usize, is_such: impl Fn(Way) -> bool) -> Option<i32> {
        let from = self.graph.links[index].from;
        let others = self.graph.links.iter().zip(&self.routes.ways).enumerate();
        let such = others.filter(|(_, (link, way))| link.from == from && is_such(**way));
        let such: Vec<usize> = such.map(|(other, _)| other).collect();
        if such.len() < 2 { None } else { such.iter().position(|&other| other == index).map(int) }
    }

    fn label(&mut self, text: &str, x: i32, y: i32) {
        if !text.is_empty() {
            let text = clipped(text, LABEL_MOST);
            self.right = self.right.max(x + label_width(&text) + 12);
            self.out.labels.push(Label { x, y, text });
        }
    }

    fn track(&self, gap: usize, track: usize) -> i32 {
        self.gaps[gap] + GAP / 2 + TRACK * int(track)
    }

    fn finish(mut self) -> Layout {
        self.out.size.width = self.right + MARGIN;
        self.out.size.height += BOTTOM - GAP;
        // A label to the left of the first column needs room that nobody knew of when the columns were placed.
        let leftmost = self.out.labels.iter().map(|label| label.x).min().unwrap_or(MARGIN);
        self.out.move_right((MARGIN - leftmost).max(0));
        self.out
    }
}

impl Layout {
    fn move_right(&mut self, by: i32) {
        self.size.width += by;
        let places = self.shapes.iter_mut().map(|(_, place)| place).chain(&mut self.lane);
        places.for_each(|place| place.x += by);
        self.lines.iter_mut().flat_map(|line| &mut line.points).for_each(|point| point.0 += by);
        self.labels.iter_mut().for_each(|label| label.x += by);
        for bar in &mut self.bars {
            bar.from += by;
            bar.to += by;
            bar.text.0 += by;
        }
    }
}

/// Whether the way leaves its node by the right side.
fn is_arm(way: Way) -> bool {
    matches!(way, Way::Elbow | Way::Track { .. })
}

fn space_below(shape: &Shape) -> i32 {
    // Room for the point of no return.
    if shape.is_pivot() { 60 } else { 36 }
}

fn label_width(text: &str) -> i32 {
    width(&clipped(text, LABEL_MOST), LABEL_SIZE, Face::Code)
}

fn int(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
