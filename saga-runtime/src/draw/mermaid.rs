//! The graph as a Mermaid flowchart.

use std::fmt::{self, Write as _};

use super::{
    shape::{Form, Shape},
    text::{clipped, one_line},
};
use crate::definition::{Class, Definition, EdgeKind, Node};

const CLASSES: &str = "\
  classDef compensatable fill:#e5effe,stroke:#2f66c8,color:#1f2937
  classDef pivot fill:#ffeccc,stroke:#c47400,stroke-width:3px,color:#1f2937
  classDef retriable fill:#e2f4e7,stroke:#2b8048,color:#1f2937
  classDef readonly fill:#f4f5f7,stroke:#8b93a0,color:#1f2937
  classDef uncompensated fill:#fae8f4,stroke:#a8337d,color:#1f2937
  classDef undo fill:#fbe0dc,stroke:#b4342a,color:#1f2937
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
    for (index, node) in definition.main().nodes.iter().enumerate() {
        let shape = Shape::of(definition, *node);
        let (open, close, class) = look(shape.form);
        writeln!(text, "  n{index}{open}\"{}\"{close}{class}", label(&shape))?;
        if let Some(undo) = Shape::undo_of(definition, *node, false) {
            let (open, close, class) = look(undo.form);
            writeln!(text, "  u{index}{open}\"{}\"{close}{class}", label(&undo))?;
            writeln!(text, "  n{index} -.-|\"undone by\"| u{index}")?;
        }
    }
    let exists = |node: usize| node < definition.main().nodes.len();
    for edge in definition.main().edges.iter().filter(|edge| exists(edge.from) && exists(edge.to)) {
        let unwinds = definition.main().nodes[edge.to] == Node::Unwinds;
        let arrow = if unwinds || edge.kind == EdgeKind::Refused { "-.->" } else { "-->" };
        let label = match one_line(edge.label) {
            label if label.is_empty() => String::new(),
            label => format!("|\"{}\"|", escaped(&clipped(&label, 40))),
        };
        writeln!(text, "  n{} {arrow}{label} n{}", edge.from, edge.to)?;
    }
    text.write_str(CLASSES)
}

/// What stands before and after the label, and the class.
fn look(form: Form) -> (&'static str, &'static str, &'static str) {
    match form {
        Form::Terminal => ("([", "])", ""),
        Form::Diamond => ("{", "}", ""),
        Form::Hexagon => ("{{", "}}", ""),
        Form::Undo => ("(", ")", ":::undo"),
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
