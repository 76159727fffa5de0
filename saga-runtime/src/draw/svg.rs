//! The layout, written down as SVG.

use std::fmt::{self, Write as _};

use super::{
    layout::{LABEL_SIZE, Label, Layout, Line, LineKind, MARGIN, NO_RETURN, layout},
    node::{View, class_words},
    shape::Rect,
    text::{Face, fitted, one_line, span, width, xml},
};
use crate::definition::{Definition, Flow};

pub(super) const CODE: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
pub(super) const PROSE: &str = "system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif";

pub(super) const PAPER: &str = "#ffffff";
pub(super) const INK: &str = "#1f2937";
pub(super) const QUIET: &str = "#5b6472";
const RULE: &str = "#d5dae1";
pub(super) const FLOW: &str = "#4b5563";
pub(super) const UNDO: &str = "#b4342a";
const UNDO_PAPER: &str = "#fdf3f1";
const NO_WAY_BACK: &str = "#a45b00";
const LEAVES: &str = "#3d5a80";

/// The height of the legend, and of the line that says what an inner flow is for.
const LEGEND_HEIGHT: i32 = 40;
const DOCS_HEIGHT: i32 = 20;
const DOCS_SIZE: i32 = 12;

/// Draws the definition.
pub(super) fn write(definition: &Definition) -> String {
    let drawings: Vec<Drawing<'_>> =
        View::all(definition).into_iter().map(|view| Drawing { view, layout: layout(view) }).collect();
    let mut page = Page { text: String::new() };
    // Writing to a `String` cannot fail.
    let _ = page.document(definition, &drawings);
    page.text
}

/// One flow with its graph laid out.
struct Drawing<'d> {
    view: View<'d>,
    layout: Layout,
}

impl Drawing<'_> {
    /// How far the graph stands below its own top: the main flow's purpose is told where the pointer rests on its start.
    fn below(&self) -> i32 {
        if self.view.is_inner && !self.view.flow.docs.is_empty() { DOCS_HEIGHT } else { 0 }
    }
}

/// The document in the making.
pub(super) struct Page {
    pub(super) text: String,
}

impl Page {
    fn document(&mut self, definition: &Definition, drawings: &[Drawing<'_>]) -> fmt::Result {
        let title = title(definition);
        let legend: i32 = legend(drawings).map(|(_, says)| legend_width(says)).sum();
        let headings = drawings.iter().map(|drawing| width(drawing.view.flow.name, 16, Face::Code) + 100);
        let least = width(&title, 16, Face::Code).max(legend).max(headings.max().unwrap_or(0)) + 2 * MARGIN;
        let wide = drawings.iter().map(|drawing| drawing.layout.size.width).max().unwrap_or(0).max(least);
        let high =
            drawings.iter().map(|drawing| drawing.layout.size.height + drawing.below()).sum::<i32>() + LEGEND_HEIGHT;
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
        let mut top = 0;
        for drawing in drawings {
            if drawing.view.is_inner {
                writeln!(self.text, r#"<path d="M{MARGIN} {top}H{}" stroke="{RULE}"/>"#, wide - MARGIN)?;
                self.inner_heading(drawing.view.flow, top, wide - 2 * MARGIN)?;
            } else {
                self.heading(definition)?;
            }
            top += drawing.below();
            if top == 0 {
                self.graph(&drawing.layout)?;
            } else {
                writeln!(self.text, r#"<g transform="translate(0 {top})">"#)?;
                self.graph(&drawing.layout)?;
                self.text.write_str("</g>\n")?;
            }
            top += drawing.layout.size.height;
        }
        self.legend(drawings, high - 26)?;
        self.text.write_str("</svg>\n")
    }

    fn graph(&mut self, layout: &Layout) -> fmt::Result {
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
        let order = [LineKind::Undoes, LineKind::Unwinds, LineKind::Refused, LineKind::Leaves, LineKind::Onward];
        for kind in order {
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
        Ok(())
    }

    fn heading(&mut self, definition: &Definition) -> fmt::Result {
        let deadline = definition.deadline.map(|deadline| format!(" · deadline {}", span(deadline)));
        writeln!(
            self.text,
            r#"<text x="24" y="34" font-family="{CODE}" font-size="16" font-weight="700" fill="{INK}">{}<tspan dx="9" font-weight="400" font-size="12" fill="{QUIET}">version {}{}</tspan></text>"#,
            xml(&one_line(definition.name)),
            definition.version,
            deadline.unwrap_or_default()
        )
    }

    /// The name of an inner flow and what it is for, as much as there is room for.
    fn inner_heading(&mut self, flow: &Flow, top: i32, room: i32) -> fmt::Result {
        writeln!(
            self.text,
            r#"<text x="24" y="{}" font-family="{CODE}" font-size="16" font-weight="700" fill="{INK}">{}<tspan dx="9" font-weight="400" font-size="12" fill="{QUIET}">inner flow</tspan></text>"#,
            top + 34,
            xml(&one_line(flow.name))
        )?;
        if flow.docs.is_empty() {
            return Ok(());
        }
        writeln!(
            self.text,
            r#"<text x="24" y="{}" font-family="{PROSE}" font-size="{DOCS_SIZE}" fill="{QUIET}">{}</text>"#,
            top + 54,
            xml(&fitted(flow.docs, room, DOCS_SIZE, Face::Prose))
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

    pub(super) fn line(&mut self, line: &Line) -> fmt::Result {
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
    fn legend(&mut self, drawings: &[Drawing<'_>], y: i32) -> fmt::Result {
        let mut x = MARGIN;
        for (kind, says) in legend(drawings) {
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

const LEGEND: [(LineKind, &str); 5] = [
    (LineKind::Onward, "goes on"),
    (LineKind::Refused, "refused, and caught"),
    (LineKind::Unwinds, "refused: undo what is above"),
    (LineKind::Undoes, "undone by"),
    (LineKind::Leaves, "leaves the saga"),
];

fn legend(drawings: &[Drawing<'_>]) -> impl Iterator<Item = (LineKind, &'static str)> {
    let lines = drawings.iter().flat_map(|drawing| &drawing.layout.lines);
    LEGEND.into_iter().filter(move |(kind, _)| lines.clone().any(|line| line.kind == *kind))
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
        LineKind::Leaves => (LEAVES, "4 3", true),
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

/// What the drawing is of.
fn title(definition: &Definition) -> String {
    let mut title = format!("saga {}, version {}", one_line(definition.name), definition.version);
    if let Some(deadline) = definition.deadline {
        // Writing to a `String` cannot fail.
        let _ = write!(title, ", deadline {}", span(deadline));
    }
    title
}

/// The saga in words, for those who do not see the drawing.
fn description(definition: &Definition) -> String {
    let mut said = vec![one_line(definition.main().docs)];
    for step in definition.steps {
        let undo = step.compensation.as_ref().map(|undo| format!(", undone by {}", one_line(undo.name)));
        said.push(format!("{}: {}{}", one_line(step.name), class_words(step.class), undo.unwrap_or_default()));
    }
    for flow in definition.flows.iter().skip(1) {
        said.push(one_line(&format!("inner flow {}: {}", flow.name, flow.docs)));
    }
    for signal in definition.signals {
        said.push(one_line(&format!("signal {}: {}", signal.name, signal.docs)));
    }
    said.retain(|said| !said.is_empty());
    said.join("; ")
}
