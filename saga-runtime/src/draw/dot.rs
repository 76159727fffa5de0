//! The graph in Graphviz's language.

use std::fmt::{self, Write as _};

use super::{
    shape::{Form, Shape},
    text::one_line,
};
use crate::definition::{Class, Definition, EdgeKind, Node};

/// Draws the definition.
pub(super) fn write(definition: &Definition) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = graph(&mut text, definition);
    text
}

fn graph(text: &mut String, definition: &Definition) -> fmt::Result {
    writeln!(text, "digraph {} {{", quoted(definition.name))?;
    writeln!(text, "  rankdir=TB; bgcolor=white;")?;
    writeln!(text, "  node [fontname=\"sans-serif\", fontsize=12, style=filled, fillcolor=\"#eef1f5\"];")?;
    writeln!(text, "  edge [fontname=\"sans-serif\", fontsize=10];")?;
    for (index, node) in definition.main().nodes.iter().enumerate() {
        let shape = Shape::of(definition, *node);
        let tooltip = if shape.full.is_empty() { &shape.words[0].text } else { &shape.full };
        writeln!(text, "  n{index} [label={}, {}, tooltip={}];", label(&shape), look(shape.form), quoted(tooltip))?;
        if let Some(undo) = Shape::undo_of(definition, *node, false) {
            writeln!(text, "  u{index} [label={}, {}];", label(&undo), look(undo.form))?;
            writeln!(text, "  {{ rank=same; n{index}; u{index}; }}")?;
            writeln!(text, "  n{index} -> u{index} [style=dotted, arrowhead=none, color=\"#b4342a\"];")?;
        }
    }
    let exists = |node: usize| node < definition.main().nodes.len();
    for edge in definition.main().edges.iter().filter(|edge| exists(edge.from) && exists(edge.to)) {
        let unwinds = definition.main().nodes[edge.to] == Node::Unwinds;
        let look = match edge.kind {
            EdgeKind::Back => ", constraint=false",
            _ if unwinds => ", style=dashed, color=\"#b4342a\", constraint=false",
            EdgeKind::Refused => ", color=\"#b4342a\"",
            EdgeKind::Next => "",
        };
        writeln!(text, "  n{} -> n{} [label={}{look}];", edge.from, edge.to, quoted(edge.label))?;
    }
    writeln!(text, "}}")
}

fn look(form: Form) -> &'static str {
    match form {
        Form::Terminal => "shape=box, style=\"rounded,filled\"",
        Form::Diamond => "shape=diamond, fillcolor=\"#fffbe6\"",
        Form::Hexagon => "shape=hexagon, fillcolor=\"#f3effc\"",
        Form::Undo => "shape=box, style=\"rounded,filled\", fillcolor=\"#fbe0dc\", color=\"#b4342a\"",
        Form::Step(Class::Compensatable) => {
            "shape=box, style=\"rounded,filled\", fillcolor=\"#e5effe\", color=\"#2f66c8\""
        }
        Form::Step(Class::Pivot) => {
            "shape=box, style=\"rounded,filled\", fillcolor=\"#ffeccc\", color=\"#c47400\", penwidth=3"
        }
        Form::Step(Class::Retriable) => "shape=box, style=\"rounded,filled\", fillcolor=\"#e2f4e7\", color=\"#2b8048\"",
        Form::Step(Class::ReadOnly) => "shape=box, style=\"rounded,filled\", fillcolor=\"#f4f5f7\", color=\"#8b93a0\"",
        Form::Step(Class::NotCompensated) => {
            "shape=box, style=\"rounded,filled\", fillcolor=\"#fae8f4\", color=\"#a8337d\""
        }
    }
}

/// The words of a shape as one label, a line for each.
fn label(shape: &Shape) -> String {
    let lines: Vec<String> = shape.words.iter().map(|words| escaped(&words.text)).collect();
    format!("\"{}\"", lines.join("\\n"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// In a quoted string, a backslash begins an escape (`\n`, `\N`, `\G`) and a quotation mark ends it. An ampersand begins
/// an entity even there.
fn escaped(text: &str) -> String {
    one_line(text).replace('&', "&amp;").replace('\\', "\\\\").replace('"', "\\\"")
}
