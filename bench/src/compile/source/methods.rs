//! The steps, their compensations and the flow, as methods.

use super::{Class, Program, Way, flow};
use std::fmt::Write as _;

/// Whether the methods' bodies are written, or left out as a trait does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    Written,
    Left,
}

/// Writes all of them.
pub(super) fn write(program: Program, source: &mut String, bodies: Bodies) {
    method(
        source,
        if program.annotated() { "#[flow]" } else { "" },
        "async fn run(&self, cx: &FlowContext, order: Order) -> Result<Receipt, Unwind<No>>",
        bodies,
        &flow::body(program),
    );
    for step in 0..program.steps {
        self::step(program, source, step, bodies);
        if program.class(step) == Class::Compensatable {
            compensation(program, source, step, bodies);
        }
    }
}

fn step(program: Program, source: &mut String, step: usize, bodies: Bodies) {
    let class = program.class(step);
    let attribute = match class {
        _ if !program.annotated() => "",
        Class::Compensatable => "#[step(timeout = \"2s\", retry(initial = \"50ms\", max = \"5s\"))]",
        Class::ReadOnly => "#[step(read_only)]",
        Class::Pivot => "#[step(pivot)]",
        Class::Retriable => "#[step(retriable)]",
    };
    let failure = if class == Class::Retriable { "Transient" } else { "Failure<No>" };
    let output = Program::output(step);
    let before = Program::before(step).map(|before| format!(", before: &{}", Program::output(before)));
    let before = before.unwrap_or_default();
    let signature = format!(
        "async fn step_{step}(&self, cx: &StepContext, order: &Order, note: String, id: ItemId{before}) -> Result<{output}, {failure}>"
    );
    method(source, attribute, &signature, bodies, &step_body(program, step, "cx.key()"));
}

/// Asks the participant, and looks at what it answers.
pub(super) fn step_body(program: Program, step: usize, key: &str) -> String {
    let mut body = String::new();
    if Program::before(step).is_some() {
        body.push_str("        let note = format!(\"{note} after {}\", before.place);\n");
    }
    let _ = writeln!(body, "        let answer = self.client.ask(\"step_{step}\", {key}, &order.id, note).await?;");
    match program.class(step) {
        Class::Retriable => {}
        _ if program.is_restate() => {
            body.push_str("        if answer.amount > order.limit {\n");
            body.push_str("            return Err(TerminalError::new(\"too much\").into());\n        }\n");
        }
        _ => {
            body.push_str("        if answer.amount > order.limit {\n");
            body.push_str("            return Err(No::TooMuch.into());\n        }\n");
        }
    }
    let done = format!("{} {{ id, place: answer.place, amount: answer.amount }}", Program::output(step));
    let done = if program.way == Way::RestateHandlers { format!("Json({done})") } else { done };
    let _ = writeln!(body, "        Ok({done})");
    body
}

fn compensation(program: Program, source: &mut String, step: usize, bodies: Bodies) {
    let attribute = if program.annotated() { format!("#[compensate(step_{step})]") } else { String::new() };
    let output = Program::output(step);
    let signature = format!(
        "async fn undo_{step}(&self, cx: &StepContext, order: &Order, id: ItemId, done: Outcome<{output}>) -> Result<(), Transient>"
    );
    let body = format!(
        "        let place = match done {{\n            Outcome::Done(done) => done.place,\n            Outcome::Unknown => id.0,\n        }};\n        \
         self.client.ask(\"undo_{step}\", cx.key(), &order.id, place).await?;\n        Ok(())\n"
    );
    method(source, &attribute, &signature, bodies, &body);
}

pub(super) fn method(source: &mut String, attribute: &str, signature: &str, bodies: Bodies, body: &str) {
    if !attribute.is_empty() {
        let _ = writeln!(source, "    {attribute}");
    }
    let _ = match bodies {
        Bodies::Written => write!(source, "    {signature} {{\n{body}    }}\n\n"),
        Bodies::Left => writeln!(source, "    {signature};"),
    };
}
