//! The graphs as a Mermaid flowchart.

use std::fmt::{self, Write as _};

use super::{
    fold::Ways,
    node::View,
    shape::{Form, Shape},
    text::{clipped, span},
};
use crate::definition::{Class, Definition, EdgeKind, Node};

const CLASSES: &str = "\
  classDef compensatable fill:#e5effe,stroke:#2f66c8,color:#1f2937
  classDef pivot fill:#ffeccc,stroke:#c47400,stroke-width:3px,color:#1f2937
  classDef retriable fill:#e2f4e7,stroke:#2b8048,color:#1f2937
  classDef readonly fill:#f4f5f7,stroke:#8b93a0,color:#1f2937
  classDef uncompensated fill:#fae8f4,stroke:#a8337d,color:#1f2937
  classDef undo fill:#fbe0dc,stroke:#b4342a,color:#1f2937
  classDef inner fill:#eeeafd,stroke:#5b46b0,color:#1f2937
  classDef time fill:#e3f5f6,stroke:#1f7a86,color:#1f2937
  classDef bar fill:#4b5563,stroke:#4b5563,color:#ffffff
  classDef outside fill:none,stroke:none,color:#3d5a80
";

/// Draws the definition.
pub(super) fn write(definition: &Definition) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = flowchart(&mut text, definition);
    text
}

fn flowchart(text: &mut String, definition: &Definition) -> fmt::Result {
    text.write_str("flowchart TD\n")?;
    for (number, view) in View::all(definition).into_iter().enumerate() {
        let heading = if view.is_inner {
            let docs = if view.flow.docs.is_empty() { String::new() } else { format!(": {}", view.flow.docs) };
            format!("{}{docs}", view.flow.name)
        } else {
            let deadline = definition.deadline.map(|deadline| format!(", deadline {}", span(deadline)));
            format!("{}, version {}{}", definition.name, definition.version, deadline.unwrap_or_default())
        };
        writeln!(text, "  subgraph f{number} [\"{}\"]", escaped(&clipped(&heading, 80)))?;
        writeln!(text, "  direction TB")?;
        let of = if view.is_inner { format!("f{number}") } else { String::new() };
        graph(text, view, &of)?;
        writeln!(text, "  end")?;
    }
    text.write_str(CLASSES)
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
            writeln!(text, "  {of}n{index} -.-> {of}t{index}[\"{}\"]:::outside", escaped(to))?;
        }
    }
    for edge in &drawn.ways {
        let unwinds = flow.nodes[edge.to] == Node::Unwinds;
        let arrow = if unwinds || edge.kind == EdgeKind::Refused { "-.->" } else { "-->" };
        let label = match &*edge.label {
            "" => String::new(),
            label => format!("|\"{}\"|", escaped(&clipped(label, 40))),
        };
        // What comes after a join begins at the bar that joins.
        let from = if view.branches(flow.nodes[edge.from]).is_empty() { "n" } else { "j" };
        writeln!(text, "  {of}{from}{} {arrow}{label} {of}n{}", edge.from, edge.to)?;
    }
    Ok(())
}

/// The branches between the bar that forks, which is the node itself, and the bar that joins.
fn branches(text: &mut String, view: View<'_>, node: Node, (of, index): (&str, usize)) -> fmt::Result {
    let branches = view.branches(node);
    if branches.is_empty() {
        return Ok(());
    }
    writeln!(text, "  {of}j{index}[\"all done\"]:::bar")?;
    for (number, (shape, undo)) in branches.iter().enumerate() {
        let name = format!("{of}b{index}_{number}");
        box_of(text, &name, shape)?;
        writeln!(text, "  {of}n{index} --> {name}")?;
        writeln!(text, "  {name} --> {of}j{index}")?;
        if let Some(undo) = undo {
            undone_by(text, &name, &format!("{of}u{index}_{number}"), undo)?;
        }
    }
    Ok(())
}

fn box_of(text: &mut String, name: &str, shape: &Shape) -> fmt::Result {
    let (open, close, class) = look(shape.form);
    writeln!(text, "  {name}{open}\"{}\"{close}{class}", label(shape))
}

fn undone_by(text: &mut String, name: &str, undo: &str, shape: &Shape) -> fmt::Result {
    box_of(text, undo, shape)?;
    writeln!(text, "  {name} -.-|\"undone by\"| {undo}")
}

/// What stands before and after the label, and the class.
fn look(form: Form) -> (&'static str, &'static str, &'static str) {
    match form {
        Form::Terminal => ("([", "])", ""),
        Form::Diamond => ("{", "}", ""),
        Form::Hexagon => ("{{", "}}", ""),
        Form::Flow => ("[[", "]]", ":::inner"),
        Form::Sleep => ("[/", "\\]", ":::time"),
        Form::Wait => (">", "]", ":::time"),
        Form::Outgoing => ("[/", "/]", ""),
        Form::Join | Form::UndoJoin => ("[", "]", ":::bar"),
        Form::Undo => ("(", ")", ":::undo"),
        Form::Child(Class::Pivot) => ("(((", ")))", ":::pivot"),
        Form::Child(Class::Retriable) => ("(((", ")))", ":::retriable"),
        Form::Child(_) => ("(((", ")))", ":::compensatable"),
        Form::Step(Class::Compensatable) => ("(", ")", ":::compensatable"),
        Form::Step(Class::Pivot) => ("(", ")", ":::pivot"),
        Form::Step(Class::Retriable) => ("(", ")", ":::retriable"),
        Form::Step(Class::ReadOnly) => ("(", ")", ":::readonly"),
        Form::Step(Class::NotCompensated) => ("(", ")", ":::uncompensated"),
    }
}

fn label(shape: &Shape) -> String {
    let lines: Vec<String> = shape.words.iter().map(|words| escaped(&words.text)).collect();
    lines.join("<br/>")
}

/// Everything that could mean something to Mermaid, to its Markdown or to HTML, as a numbered entity (`#60;` for `<`).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || " _.,:()=+?!·…".contains(c) || (c == '-' && !escaped.is_empty()) {
            escaped.push(c);
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}
