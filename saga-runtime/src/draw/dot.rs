//! The graphs in Graphviz's language.

use std::fmt::{self, Write as _};

use super::{
    fold::Ways,
    node::View,
    shape::{Form, Shape},
    text::{one_line, span},
};
use crate::definition::{Class, Definition, EdgeKind, Node};

/// Draws the definition.
pub(super) fn write(definition: &Definition) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = document(&mut text, definition);
    text
}

fn document(text: &mut String, definition: &Definition) -> fmt::Result {
    let deadline = definition.deadline.map(|deadline| format!(", deadline {}", span(deadline))).unwrap_or_default();
    let heading = format!("{}, version {}{deadline}", definition.name, definition.version);
    writeln!(text, "digraph {} {{", quoted(definition.name))?;
    writeln!(text, "  rankdir=TB; bgcolor=white; labelloc=t; fontname=\"sans-serif\"; label={};", quoted(&heading))?;
    writeln!(text, "  node [fontname=\"sans-serif\", fontsize=12, style=filled, fillcolor=\"#eef1f5\"];")?;
    writeln!(text, "  edge [fontname=\"sans-serif\", fontsize=10];")?;
    let mut lowest: Option<String> = None;
    for (number, view) in View::all(definition).into_iter().enumerate() {
        let of = if view.is_inner { format!("f{number}") } else { String::new() };
        if view.is_inner {
            let docs = if view.flow.docs.is_empty() { String::new() } else { format!(": {}", view.flow.docs) };
            let heading = quoted(&format!("{}{docs}", view.flow.name));
            writeln!(text, "  subgraph cluster_{number} {{")?;
            writeln!(text, "  color=\"#5b46b0\"; labeljust=l; label={heading};")?;
            graph(text, view, &of)?;
            writeln!(text, "  }}")?;
        } else {
            graph(text, view, &of)?;
        }
        if let (Some(lowest), false) = (&lowest, view.flow.nodes.is_empty()) {
            // Each flow stands below the one before it.
            writeln!(text, "  {lowest} -> {of}n0 [style=invis];")?;
        }
        let completed = view.flow.nodes.iter().position(|node| *node == Node::Completed);
        lowest = completed.map(|node| format!("{of}n{node}")).or(lowest);
    }
    writeln!(text, "}}")
}

/// The nodes and edges of one flow; their names begin as said, so that those of two flows differ.
fn graph(text: &mut String, view: View<'_>, of: &str) -> fmt::Result {
    let (flow, drawn) = (view.flow, Ways::of(view.flow));
    for (index, node) in flow.nodes.iter().enumerate().filter(|(index, _)| !drawn.folded.contains(index)) {
        let shape = view.shape(*node);
        box_of(text, &format!("{of}n{index}"), &shape)?;
        if shape.form == Form::Join {
            branches(text, view, *node, (of, index))?;
        } else if let Some(undo) = view.undo(*node, false) {
            undone_by(text, &format!("{of}n{index}"), &format!("{of}u{index}"), &undo)?;
        }
        if let Some(to) = &shape.leads_to {
            writeln!(text, "  {of}t{index} [label={}, shape=plaintext, style=\"\"];", quoted(to))?;
            writeln!(text, "  {{ rank=same; {of}n{index}; {of}t{index}; }}")?;
            writeln!(text, "  {of}n{index} -> {of}t{index} [style=dashed, color=\"#3d5a80\"];")?;
        }
    }
    for edge in &drawn.ways {
        let unwinds = flow.nodes[edge.to] == Node::Unwinds;
        let look = match edge.kind {
            EdgeKind::Back => ", constraint=false",
            _ if unwinds => ", style=dashed, color=\"#b4342a\", constraint=false",
            EdgeKind::Refused => ", color=\"#b4342a\"",
            EdgeKind::Next => "",
        };
        // What comes after a join begins at the bar that joins.
        let from = if view.branches(flow.nodes[edge.from]).is_empty() { "n" } else { "j" };
        writeln!(text, "  {of}{from}{} -> {of}n{} [label={}{look}];", edge.from, edge.to, quoted(&edge.label))?;
    }
    Ok(())
}

/// The branches between the bar that forks, which is the node itself, and the bar that joins.
fn branches(text: &mut String, view: View<'_>, node: Node, (of, index): (&str, usize)) -> fmt::Result {
    let branches = view.branches(node);
    if branches.is_empty() {
        return Ok(());
    }
    writeln!(text, "  {of}j{index} [label=\"\", {}, height=0.08, width=2];", look(Form::Join))?;
    for (number, (shape, undo)) in branches.iter().enumerate() {
        let name = format!("{of}b{index}_{number}");
        box_of(text, &name, shape)?;
        writeln!(text, "  {of}n{index} -> {name};")?;
        writeln!(text, "  {name} -> {of}j{index};")?;
        if let Some(undo) = undo {
            undone_by(text, &name, &format!("{of}u{index}_{number}"), undo)?;
        }
    }
    Ok(())
}

fn box_of(text: &mut String, name: &str, shape: &Shape) -> fmt::Result {
    let tooltip = if shape.full.is_empty() { &shape.words[0].text } else { &shape.full };
    let stacked = if shape.stacked { ", shape=box3d" } else { "" };
    writeln!(text, "  {name} [label={}, {}{stacked}, tooltip={}];", label(shape), look(shape.form), quoted(tooltip))
}

fn undone_by(text: &mut String, name: &str, undo: &str, shape: &Shape) -> fmt::Result {
    box_of(text, undo, shape)?;
    writeln!(text, "  {{ rank=same; {name}; {undo}; }}")?;
    writeln!(text, "  {name} -> {undo} [style=dotted, arrowhead=none, color=\"#b4342a\"];")
}

fn look(form: Form) -> &'static str {
    match form {
        Form::Terminal => "shape=box, style=\"rounded,filled\"",
        Form::Diamond => "shape=diamond, fillcolor=\"#fffbe6\"",
        Form::Hexagon => "shape=hexagon, fillcolor=\"#f3effc\"",
        Form::Flow => "shape=component, fillcolor=\"#eeeafd\", color=\"#5b46b0\"",
        Form::Sleep => "shape=invtrapezium, fillcolor=\"#e3f5f6\", color=\"#1f7a86\"",
        Form::Wait => "shape=cds, orientation=180, margin=\"0.3,0.2\", fillcolor=\"#e3f5f6\", color=\"#1f7a86\"",
        Form::Outgoing => "shape=cds, margin=\"0.3,0.2\", color=\"#3d5a80\"",
        Form::Join | Form::UndoJoin => "shape=box, fillcolor=\"#4b5563\", fontcolor=white",
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
        Form::Child(Class::Pivot) => {
            "shape=box, style=\"rounded,filled\", peripheries=2, fillcolor=\"#ffeccc\", color=\"#c47400\", penwidth=3"
        }
        Form::Child(Class::Retriable) => {
            "shape=box, style=\"rounded,filled\", peripheries=2, fillcolor=\"#e2f4e7\", color=\"#2b8048\""
        }
        Form::Child(_) => {
            "shape=box, style=\"rounded,filled\", peripheries=2, fillcolor=\"#e5effe\", color=\"#2f66c8\""
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
