//! Boxes, written down as SVG.

use std::fmt::{self, Write as _};

use super::{
    layout::{Line, LineKind},
    shape::{BARS, Form, NOTCH, POINT, Rect, STACK, STEMS, Shape, Size, Words},
    svg::{CODE, FLOW, INK, PAPER, PROSE, Page, QUIET, UNDO},
    text::{Face, xml},
};
use crate::definition::Class;

/// Fill and outline of a form.
fn colours(form: Form) -> (&'static str, &'static str) {
    match form {
        Form::Terminal => ("#eef1f5", "#5b6472"),
        Form::Diamond => ("#fffbe6", "#8a7a1f"),
        Form::Hexagon => ("#f3effc", "#6f56b3"),
        Form::Flow => ("#eeeafd", "#5b46b0"),
        Form::Sleep | Form::Wait => ("#e3f5f6", "#1f7a86"),
        Form::Outgoing => ("#eef1f5", "#3d5a80"),
        Form::Join => (FLOW, FLOW),
        Form::UndoJoin => (UNDO, UNDO),
        Form::Undo => ("#fbe0dc", UNDO),
        Form::Step(class) | Form::Child(class) => match class {
            Class::Compensatable => ("#e5effe", "#2f66c8"),
            Class::Pivot => ("#ffeccc", "#c47400"),
            Class::Retriable => ("#e2f4e7", "#2b8048"),
            Class::ReadOnly => ("#f4f5f7", "#8b93a0"),
            Class::NotCompensated => ("#fae8f4", "#a8337d"),
        },
    }
}

impl Page {
    pub(super) fn shape(&mut self, shape: &Shape, place: &Rect) -> fmt::Result {
        self.text.write_str("<g>")?;
        if !shape.full.is_empty() {
            write!(self.text, "<title>{}</title>", xml(&shape.full))?;
        }
        let front = if shape.stacked {
            let size = Size { width: place.size.width - STACK, height: place.size.height - STACK };
            let behind = |by: i32| Rect { x: place.x + by, y: place.y + by, size };
            self.outline(shape, &behind(STACK))?;
            self.outline(shape, &behind(STACK / 2))?;
            behind(0)
        } else {
            *place
        };
        match shape.form {
            Form::Join | Form::UndoJoin => self.branches(shape, place)?,
            _ => {
                self.outline(shape, &front)?;
                self.words(shape, &front)?;
            }
        }
        self.text.write_str("</g>\n")
    }

    fn outline(&mut self, shape: &Shape, place: &Rect) -> fmt::Result {
        let (fill, stroke) = colours(shape.form);
        let thick = if shape.is_pivot() { "3" } else { "1.5" };
        let Rect { x, y, size } = *place;
        let (right, bottom, middle, centre) = (place.right(), place.bottom(), place.middle(), place.centre());
        let paint = format!(r#"fill="{fill}" stroke="{stroke}" stroke-width="{thick}""#);
        let path = match shape.form {
            Form::Diamond => format!("M{middle} {y}L{right} {centre}L{middle} {bottom}L{x} {centre}Z"),
            Form::Hexagon => {
                let (left_in, right_in) = (x + POINT, right - POINT);
                format!("M{left_in} {y}H{right_in}L{right} {centre}L{right_in} {bottom}H{left_in}L{x} {centre}Z")
            }
            Form::Sleep => {
                let (left_in, right_in) = (x + NOTCH, right - NOTCH);
                format!("M{x} {y}H{right}L{right_in} {centre}L{right} {bottom}H{x}L{left_in} {centre}Z")
            }
            Form::Wait => {
                let left_in = x + NOTCH;
                format!("M{x} {y}H{right}V{bottom}H{x}L{left_in} {centre}Z")
            }
            Form::Outgoing => {
                let right_in = right - POINT;
                format!("M{x} {y}H{right_in}L{right} {centre}L{right_in} {bottom}H{x}Z")
            }
            _ => {
                let radius = match shape.form {
                    Form::Terminal => size.height / 2,
                    Form::Flow => 2,
                    _ => 8,
                };
                return self.rounded_box(shape, place, (radius, &paint), stroke);
            }
        };
        writeln!(self.text, r#"<path d="{path}" {paint}/>"#)
    }

    /// A box with round corners; what is called elsewhere has a second outline: an inner flow at its sides, another saga
    /// all around.
    fn rounded_box(&mut self, shape: &Shape, place: &Rect, paint: (i32, &str), stroke: &str) -> fmt::Result {
        let (Rect { x, y, size: Size { width, height } }, (radius, paint)) = (*place, paint);
        writeln!(self.text, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" {paint}/>"#)?;
        match shape.form {
            Form::Flow => {
                let (left, right, bottom) = (x + 7, place.right() - 7, place.bottom());
                writeln!(
                    self.text,
                    r#"<path d="M{left} {y}V{bottom}M{right} {y}V{bottom}" fill="none" stroke="{stroke}" stroke-width="1.5"/>"#
                )
            }
            Form::Child(_) => {
                let (x, y, width, height) = (x + 4, y + 4, width - 8, height - 8);
                writeln!(
                    self.text,
                    r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="none" stroke="{stroke}" stroke-width="1"/>"#
                )
            }
            _ => Ok(()),
        }
    }

    /// A bar that forks, the branches, and a bar that joins; what undoes them is read from below.
    fn branches(&mut self, shape: &Shape, place: &Rect) -> fmt::Result {
        let (colour, _) = colours(shape.form);
        let (upwards, kind) = match shape.form {
            Form::UndoJoin => (true, LineKind::Unwinds),
            _ => (false, LineKind::Onward),
        };
        let (x, width) = (place.x, place.size.width);
        let fork = if upwards { place.bottom() - BARS.0 } else { place.y };
        let join = if upwards { place.y } else { place.bottom() - BARS.1 };
        for (y, height, radius) in [(fork, BARS.0, 5), (join, BARS.1, 3)] {
            writeln!(
                self.text,
                r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" fill="{colour}"/>"#
            )?;
        }
        for words in &shape.words {
            self.text_line(words, (place.middle(), fork + BARS.0 / 2), PAPER)?;
        }
        for (part, at) in shape.parts_at(place) {
            let middle = at.middle();
            let (into, out) = if upwards {
                ([(middle, fork), (middle, at.bottom())], [(middle, at.y), (middle, join + BARS.1)])
            } else {
                // A branch that is less high than the highest has a longer way to the bar that joins.
                ([(middle, at.y - STEMS.0), (middle, at.y)], [(middle, at.bottom()), (middle, join)])
            };
            self.line(&Line { points: into.to_vec(), kind })?;
            self.line(&Line { points: out.to_vec(), kind })?;
            self.shape(part, &at)?;
        }
        Ok(())
    }

    fn words(&mut self, shape: &Shape, place: &Rect) -> fmt::Result {
        let (_, stroke) = colours(shape.form);
        let colour_of_class = if shape.form == Form::Step(Class::ReadOnly) { QUIET } else { stroke };
        let lines = i32::try_from(shape.words.len()).unwrap_or(1);
        let half_a_line = if shape.form == Form::Undo { 7 } else { 9 };
        // What has a notch or a point at one side only has its words in the middle of the rest.
        let middle = match shape.form {
            Form::Wait => place.middle() + NOTCH / 2,
            Form::Outgoing => place.middle() - POINT / 2,
            _ => place.middle(),
        };
        for (index, words) in (0..).zip(&shape.words) {
            let centre = place.centre() + (2 * index - (lines - 1)) * half_a_line;
            let colour = if lines > 1 && index == 1 { colour_of_class } else { INK };
            self.text_line(words, (middle, centre), colour)?;
        }
        Ok(())
    }

    fn text_line(&mut self, words: &Words, (middle, centre): (i32, i32), colour: &str) -> fmt::Result {
        // A baseline lies about a third of the letters' size below their middle.
        let baseline = centre + words.size * 35 / 100;
        let family = if words.face == Face::Code { CODE } else { PROSE };
        let weight = if words.bold { r#" font-weight="700""# } else { "" };
        writeln!(
            self.text,
            r#"<text x="{middle}" y="{baseline}" font-family="{family}" font-size="{}"{weight} fill="{colour}" text-anchor="middle">{}</text>"#,
            words.size,
            xml(&words.text)
        )
    }
}
