//! The forms that boxes have, and how large each must be to hold its words.

use super::text::{Face, clipped, width};
use crate::definition::Class;

/// The space between two columns without tracks.
pub(super) const GAP: i32 = 32;

/// A width and a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A place on the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) size: Size,
}

impl Rect {
    pub(super) fn right(&self) -> i32 {
        self.x + self.size.width
    }

    pub(super) fn bottom(&self) -> i32 {
        self.y + self.size.height
    }

    /// The middle between left and right.
    pub(super) fn middle(&self) -> i32 {
        self.x + self.size.width / 2
    }

    /// The middle between top and bottom.
    pub(super) fn centre(&self) -> i32 {
        self.y + self.size.height / 2
    }
}

/// The form of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A beginning or an end.
    Terminal,
    /// A step of this class.
    Step(Class),
    /// Another saga, waited for; it is to this one what a step of this class would be.
    Child(Class),
    /// An inner flow, with a graph of its own.
    Flow,
    /// A decision.
    Diamond,
    /// The head of a loop.
    Hexagon,
    /// Nothing but time: an hourglass.
    Sleep,
    /// A message that comes in: a notch at the left.
    Wait,
    /// A message, or a new saga, that goes out: a point at the right.
    Outgoing,
    /// Branches between a bar that forks and a bar that joins.
    Join,
    /// A compensation, or whatever else undoes.
    Undo,
    /// What undoes the branches of a join, read from below.
    UndoJoin,
}

/// A line of text in a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) text: String,
    pub(super) size: i32,
    pub(super) face: Face,
    pub(super) bold: bool,
}

impl Words {
    pub(super) fn code(text: &str, most: usize, size: i32, bold: bool) -> Self {
        Self { text: clipped(text, most), size, face: Face::Code, bold }
    }

    pub(super) fn prose(text: impl Into<String>, size: i32) -> Self {
        Self { text: text.into(), size, face: Face::Prose, bold: false }
    }

    fn width(&self) -> i32 {
        width(&self.text, self.size, self.face)
    }
}

/// What stands for a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) form: Form,
    /// The lines of text, one at the least. Those of a join stand in the bar that forks.
    pub(super) words: Vec<Words>,
    /// What is said in full where a pointer rests on it; may be nothing.
    pub(super) full: String,
    /// Whether it is there once for each item of a collection.
    pub(super) stacked: bool,
    /// The branches of a join.
    pub(super) parts: Vec<Shape>,
    /// What a dashed arrow out of the saga leads to.
    pub(super) leads_to: Option<String>,
}

/// How far the point of a hexagon stands out, and that of what goes out.
pub(super) const POINT: i32 = 14;
/// How deep a notch is.
pub(super) const NOTCH: i32 = 12;
/// How far behind the first the last box of a stack stands out.
pub(super) const STACK: i32 = 8;
/// The bar that has the words of a join in it, and the other one.
pub(super) const BARS: (i32, i32) = (22, 6);
/// From the bar that forks to the branches, and from the branches to the bar that joins.
pub(super) const STEMS: (i32, i32) = (20, 16);
/// Between two branches.
const BETWEEN: i32 = 20;
/// Between two of what undoes branches.
const BETWEEN_UNDOS: i32 = 10;

impl Shape {
    /// A shape that is neither stacked nor made of others.
    pub(super) fn new(form: Form, words: Vec<Words>, full: String) -> Self {
        Self { form, words, full, stacked: false, parts: Vec::new(), leads_to: None }
    }

    /// Whether the saga cannot go back once this is done.
    pub(super) fn is_pivot(&self) -> bool {
        matches!(self.form, Form::Step(Class::Pivot) | Form::Child(Class::Pivot))
    }

    /// How large it must be for its words to stay inside.
    pub(super) fn size(&self) -> Size {
        let text = self.words.iter().map(Words::width).max().unwrap_or(0);
        let more_lines = 18 * i32::try_from(self.words.len().saturating_sub(2)).unwrap_or(0);
        let plain = match self.form {
            Form::Terminal => Size { width: even(text + 36).max(90), height: 32 },
            Form::Step(_) => Size { width: even(text + 28).max(150), height: 52 },
            Form::Child(_) | Form::Flow => Size { width: even(text + 40).max(150), height: 52 },
            Form::Sleep => Size { width: even(text + 28 + 2 * NOTCH).max(130), height: 52 },
            Form::Wait => Size { width: even(text + 28 + 2 * NOTCH).max(150), height: 52 + more_lines },
            Form::Outgoing => Size { width: even(text + 28 + 2 * POINT).max(150), height: 52 },
            Form::Hexagon => Size { width: even(text + 44).max(150), height: 40 },
            Form::Undo => Size { width: even(text + 24).max(120), height: 36 },
            Form::Join | Form::UndoJoin => self.size_around_parts(even(text + 32)),
            // A line of 14 pixels in the middle of a diamond of 64 has 50 / 64 of its width.
            Form::Diamond => Size { width: even(text * 64 / 50 + 16).max(110), height: 64 },
        };
        let behind = if self.stacked { STACK } else { 0 };
        Size { width: plain.width + behind, height: plain.height + behind }
    }

    fn size_around_parts(&self, least: i32) -> Size {
        let sizes: Vec<Size> = self.parts.iter().map(Self::size).collect();
        let between = self.between() * i32::try_from(sizes.len().saturating_sub(1)).unwrap_or(0);
        let wide: i32 = sizes.iter().map(|size| size.width).sum();
        let high = sizes.iter().map(|size| size.height).max().unwrap_or(0);
        Size { width: even(wide + between).max(least), height: BARS.0 + STEMS.0 + high + STEMS.1 + BARS.1 }
    }

    fn between(&self) -> i32 {
        if self.form == Form::UndoJoin { BETWEEN_UNDOS } else { BETWEEN }
    }

    /// Where each part of a join is, if the whole is at this place: in the order of the source, in the middle.
    pub(super) fn parts_at(&self, place: &Rect) -> Vec<(&Shape, Rect)> {
        let own = self.size_around_parts(0);
        let mut x = place.middle() - own.width / 2;
        // What is undone is read from below, where the way up comes in.
        let above = if self.form == Form::UndoJoin { BARS.1 + STEMS.1 } else { BARS.0 + STEMS.0 };
        let parts = self.parts.iter().map(|part| {
            let size = part.size();
            let at = Rect { x, y: place.y + above, size };
            x += size.width + self.between();
            (part, at)
        });
        parts.collect()
    }

    /// Where the right side of the form is at this height.
    pub(super) fn right_at(&self, place: &Rect, y: i32) -> i32 {
        let off = (y - place.centre()).abs();
        place.right()
            - match self.form {
                Form::Diamond => off * place.size.width / place.size.height,
                Form::Hexagon | Form::Outgoing => off * POINT * 2 / place.size.height,
                Form::Sleep => notch(off, place),
                _ => 0,
            }
    }

    /// Where the left side of the form is at this height.
    pub(super) fn left_at(&self, place: &Rect, y: i32) -> i32 {
        let off = (y - place.centre()).abs();
        place.x
            + match self.form {
                Form::Diamond => off * place.size.width / place.size.height,
                Form::Hexagon => off * POINT * 2 / place.size.height,
                Form::Sleep | Form::Wait => notch(off, place),
                // The side of a rounded box is so short of a corner that the difference is not seen.
                _ => 0,
            }
    }
}

fn notch(off: i32, place: &Rect) -> i32 {
    NOTCH - (off * NOTCH * 2 / place.size.height).min(NOTCH)
}

fn even(width: i32) -> i32 {
    width + width % 2
}
