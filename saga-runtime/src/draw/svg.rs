//! The layout, written down as SVG.

use std::fmt::{self, Write as _};

use super::{
    layout::{LABEL_SIZE, Label, Layout, Line, LineKind, NO_RETURN, layout},
    shape::{Form, HEXAGON_POINT, Rect, Shape, class_words},
    text::{Face, one_line, width, xml},
};
use crate::definition::{Class, Definition};

const CODE: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const PROSE: &str = "system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif";

const PAPER: &str = "#ffffff";
const INK: &str = "#1f2937";
const QUIET: &str = "#5b6472";
const RULE: &str = "#d5dae1";
const FLOW: &str = "#4b5563";
const UNDO: &str = "#b4342a";
const UNDO_PAPER: &str = "#fdf3f1";
const NO_WAY_BACK: &str = "#a45b00";

/// Fill and outline of a form.
fn colours(form: Form) -> (&'static str, &'static str) {
    match form {
        Form::Terminal => ("#eef1f5", "#5b6472"),
        Form::Diamond => ("#fffbe6", "#8a7a1f"),
        Form::Hexagon => ("#f3effc", "#6f56b3"),
        Form::Undo => ("#fbe0dc", UNDO),
        Form::Step(Class::Compensatable) => ("#e5effe", "#2f66c8"),
        Form::Step(Class::Pivot) => ("#ffeccc", "#c47400"),
        Form::Step(Class::Retriable) => ("#e2f4e7", "#2b8048"),
        Form::Step(Class::ReadOnly) => ("#f4f5f7", "#8b93a0"),
        Form::Step(Class::NotCompensated) => ("#fae8f4", "#a8337d"),
    }
}

/// Draws the definition.
pub(super) fn write(definition: &Definition) -> String {
    let layout = layout(definition);
    let mut page = Page { text: String::new() };
    // Writing to a `String` cannot fail.
    let _ = page.document(definition, &layout);
    page.text
}

struct Page {
    text: String,
}

impl Page {
    fn document(&mut self, definition: &Definition, layout: &Layout) -> fmt::Result {
        let title = format!("saga {}, version {}", one_line(definition.name), definition.version);
        let legend: i32 = legend(layout).map(|(_, says)| legend_width(says)).sum();
        let least = width(&title, 16, Face::Code).max(legend) + 2 * 24;
        let (wide, high) = (layout.size.width.max(least), layout.size.height);
        writeln!(
            self.text,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" role="img">"#
        )?;
        writeln!(self.text, "<title>{}</title>", xml(&title))?;
        writeln!(self.text, "<desc>{}</desc>", xml(&description(definition)))?;
        let (right, bottom) = (wide - 1, high - 1);
        writeln!(
            self.text,
            r#"<rect x="0.5" y="0.5" width="{right}" height="{bottom}" rx="10" fill="{PAPER}" stroke="{RULE}"/>"#
        )?;
        self.heading(definition)?;
        if let Some(lane) = &layout.lane {
            self.lane(lane)?;
        }
        for bar in &layout.bars {
            let (from, to, y) = (bar.from, bar.to, bar.y);
            writeln!(
                self.text,
                r#"<path d="M{from} {y}H{to}" stroke="{NO_WAY_BACK}" stroke-width="2" stroke-dasharray="10 4 2 4"/>"#
            )?;
        }
        // The lines that say least first, so that where two cross, the more important one is whole.
        for kind in [LineKind::Undoes, LineKind::Unwinds, LineKind::Refused, LineKind::Onward] {
            for line in layout.lines.iter().filter(|line| line.kind == kind) {
                self.line(line)?;
            }
        }
        for (shape, place) in &layout.shapes {
            self.shape(shape, place)?;
        }
        for label in &layout.labels {
            self.label(label)?;
        }
        for bar in &layout.bars {
            let (x, y) = bar.text;
            self.halo(x, y, PROSE, NO_WAY_BACK, NO_RETURN)?;
        }
        self.legend(layout)?;
        self.text.write_str("</svg>\n")
    }

    fn heading(&mut self, definition: &Definition) -> fmt::Result {
        writeln!(
            self.text,
            r#"<text x="24" y="34" font-family="{CODE}" font-size="16" font-weight="700" fill="{INK}">{}<tspan dx="9" font-weight="400" font-size="12" fill="{QUIET}">version {}</tspan></text>"#,
            xml(&one_line(definition.name)),
            definition.version
        )
    }

    fn lane(&mut self, lane: &Rect) -> fmt::Result {
        writeln!(
            self.text,
            r#"<rect x="{}" y="{}" width="{}" height="{}" rx="10" fill="{UNDO_PAPER}"/>"#,
            lane.x, lane.y, lane.size.width, lane.size.height
        )?;
        writeln!(
            self.text,
            r#"<text x="{}" y="{}" font-family="{PROSE}" font-size="{LABEL_SIZE}" fill="{UNDO}" text-anchor="middle">undo, last first</text>"#,
            lane.middle(),
            lane.y + 16
        )
    }

    fn line(&mut self, line: &Line) -> fmt::Result {
        let (colour, dashes, ends_in_arrow) = pen(line.kind);
        let Some(&tip) = line.points.last() else { return Ok(()) };
        let before = line.points.len().checked_sub(2).map_or(tip, |index| line.points[index]);
        let along = ((tip.0 - before.0).signum(), (tip.1 - before.1).signum());
        let mut points = line.points.clone();
        if let (true, Some(end)) = (ends_in_arrow, points.last_mut()) {
            // The line ends inside the arrow, so that its end does not show beside the tip.
            *end = (tip.0 - along.0 * 5, tip.1 - along.1 * 5);
        }
        write!(self.text, r#"<path d="{}" fill="none" stroke="{colour}" stroke-width="1.5""#, rounded(&points))?;
        if !dashes.is_empty() {
            write!(self.text, r#" stroke-dasharray="{dashes}""#)?;
        }
        self.text.write_str("/>\n")?;
        if ends_in_arrow {
            let base = (tip.0 - along.0 * 8, tip.1 - along.1 * 8);
            let (aside_x, aside_y) = (along.1 * 4, along.0 * 4);
            writeln!(
                self.text,
                r#"<path d="M{} {}L{} {}L{} {}Z" fill="{colour}"/>"#,
                tip.0,
                tip.1,
                base.0 + aside_x,
                base.1 + aside_y,
                base.0 - aside_x,
                base.1 - aside_y
            )?;
        }
        Ok(())
    }

    fn shape(&mut self, shape: &Shape, place: &Rect) -> fmt::Result {
        let (fill, stroke) = colours(shape.form);
        let thick = if shape.is_pivot() { "3" } else { "1.5" };
        self.text.write_str("<g>")?;
        if !shape.full.is_empty() {
            write!(self.text, "<title>{}</title>", xml(&shape.full))?;
        }
        let Rect { x, y, size } = *place;
        let (right, bottom, middle, centre) = (place.right(), place.bottom(), place.middle(), place.centre());
        let paint = format!(r#"fill="{fill}" stroke="{stroke}" stroke-width="{thick}""#);
        match shape.form {
            Form::Diamond => {
                writeln!(
                    self.text,
                    r#"<path d="M{middle} {y}L{right} {centre}L{middle} {bottom}L{x} {centre}Z" {paint}/>"#
                )?;
            }
            Form::Hexagon => {
                let (left_in, right_in) = (x + HEXAGON_POINT, right - HEXAGON_POINT);
                writeln!(
                    self.text,
                    r#"<path d="M{left_in} {y}H{right_in}L{right} {centre}L{right_in} {bottom}H{left_in}L{x} {centre}Z" {paint}/>"#
                )?;
            }
            Form::Terminal | Form::Step(_) | Form::Undo => {
                let radius = if shape.form == Form::Terminal { size.height / 2 } else { 8 };
                writeln!(
                    self.text,
                    r#"<rect x="{x}" y="{y}" width="{}" height="{}" rx="{radius}" {paint}/>"#,
                    size.width, size.height
                )?;
            }
        }
        self.words(shape, place)?;
        self.text.write_str("</g>\n")
    }

    fn words(&mut self, shape: &Shape, place: &Rect) -> fmt::Result {
        let (_, stroke) = colours(shape.form);
        let colour_of_class = if shape.form == Form::Step(Class::ReadOnly) { QUIET } else { stroke };
        let lines = i32::try_from(shape.words.len()).unwrap_or(1);
        let half_a_line = if shape.form == Form::Undo { 7 } else { 9 };
        for (index, words) in (0..).zip(&shape.words) {
            // A baseline lies about a third of the letters' size below their middle.
            let middle = place.centre() + (2 * index - (lines - 1)) * half_a_line;
            let baseline = middle + words.size * 35 / 100;
            let family = if words.face == Face::Code { CODE } else { PROSE };
            let weight = if words.bold { r#" font-weight="700""# } else { "" };
            let colour = if lines > 1 && index == 1 { colour_of_class } else { INK };
            writeln!(
                self.text,
                r#"<text x="{}" y="{baseline}" font-family="{family}" font-size="{}"{weight} fill="{colour}" text-anchor="middle">{}</text>"#,
                place.middle(),
                words.size,
                xml(&words.text)
            )?;
        }
        Ok(())
    }

    fn label(&mut self, label: &Label) -> fmt::Result {
        self.halo(label.x, label.y, CODE, QUIET, &label.text)
    }

    /// A text that keeps lines from running through it.
    fn halo(&mut self, x: i32, y: i32, family: &str, colour: &str, text: &str) -> fmt::Result {
        writeln!(
            self.text,
            r#"<text x="{x}" y="{y}" font-family="{family}" font-size="{LABEL_SIZE}" fill="{colour}" stroke="{PAPER}" stroke-width="4" stroke-linejoin="round" paint-order="stroke">{}</text>"#,
            xml(text)
        )
    }

    /// What each kind of line that occurs stands for.
    fn legend(&mut self, layout: &Layout) -> fmt::Result {
        let (mut x, y) = (24, layout.size.height - 26);
        for (kind, says) in legend(layout) {
            self.line(&Line { points: vec![(x, y), (x + 30, y)], kind })?;
            let text = x + 38;
            writeln!(
                self.text,
                r#"<text x="{text}" y="{}" font-family="{PROSE}" font-size="{LABEL_SIZE}" fill="{QUIET}">{says}</text>"#,
                y + 4
            )?;
            x += legend_width(says);
        }
        Ok(())
    }
}

const LEGEND: [(LineKind, &str); 4] = [
    (LineKind::Onward, "goes on"),
    (LineKind::Refused, "refused, and caught"),
    (LineKind::Unwinds, "refused: undo what is above"),
    (LineKind::Undoes, "undone by"),
];

fn legend(layout: &Layout) -> impl Iterator<Item = (LineKind, &'static str)> {
    LEGEND.into_iter().filter(|(kind, _)| layout.lines.iter().any(|line| line.kind == *kind))
}

fn legend_width(says: &str) -> i32 {
    38 + width(says, LABEL_SIZE, Face::Prose) + 8
}

/// Colour, dashes, and whether there is an arrow at the end.
fn pen(kind: LineKind) -> (&'static str, &'static str, bool) {
    match kind {
        LineKind::Onward => (FLOW, "", true),
        LineKind::Refused => (UNDO, "", true),
        LineKind::Unwinds => (UNDO, "5 4", true),
        LineKind::Undoes => (UNDO, "1.5 3.5", false),
    }
}

/// A path through the points whose corners are rounded.
fn rounded(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        let around = index.checked_sub(1).and_then(|before| Some((points[before], *points.get(index + 1)?)));
        // Writing to a `String` cannot fail.
        let _ = match around {
            _ if index == 0 => write!(path, "M{x} {y}"),
            Some((before, after)) => {
                let (from, to) = (towards((x, y), before), towards((x, y), after));
                write!(path, "L{} {}Q{x} {y} {} {}", from.0, from.1, to.0, to.1)
            }
            None => write!(path, "L{x} {y}"),
        };
    }
    path
}

/// The point a corner's radius away from the first, or half-way to the second if that is nearer.
fn towards(from: (i32, i32), to: (i32, i32)) -> (i32, i32) {
    const RADIUS: i32 = 7;
    let step = |from: i32, to: i32| from + ((to - from) / 2).clamp(-RADIUS, RADIUS);
    (step(from.0, to.0), step(from.1, to.1))
}

/// The saga in words, for those who do not see the drawing.
fn description(definition: &Definition) -> String {
    let mut text = one_line(definition.main().docs);
    for step in definition.steps {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&one_line(step.name));
        text.push_str(": ");
        text.push_str(class_words(step.class));
        if let Some(undo) = &step.compensation {
            text.push_str(", undone by ");
            text.push_str(&one_line(undo.name));
        }
    }
    text
}
