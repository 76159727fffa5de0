//! The body of the flow: every step once, each with what the one before it returned.

use super::{Called, Program, Way};
use std::fmt::Write as _;

/// The whole body.
pub(super) fn body(program: Program) -> String {
    let mut body = String::new();
    for step in 0..program.steps {
        match program.called(step) {
            Called::Alone if program.is_restate() => durable(program, &mut body, step),
            Called::Alone => {
                let _ = writeln!(body, "        let out_{step} = {}.await?;", call(step, step));
            }
            Called::InALoop => in_a_loop(&mut body, step),
            Called::InAJoin => {
                let (one, other) = (call(step, step), call(step + 1, step));
                let _ = writeln!(body, "        let (out_{step}, out_{}) = join!({one}, {other}).await?;", step + 1);
            }
            Called::Already => {}
        }
    }
    receipt(program, &mut body);
    body
}

/// A call of a method. `from` is the step whose arguments it takes: of two that run at the same time, the first.
fn call(step: usize, from: usize) -> String {
    let (note, id, before) = (note(from), id(from), Program::before(step));
    let before = before.map(|before| format!(", &out_{before}")).unwrap_or_default();
    format!("self.step_{step}(cx, &order, {note}, {id}{before})")
}

fn in_a_loop(body: &mut String, step: usize) {
    let id = id(step);
    let before = Program::before(step).map(|before| format!(", &out_{before}")).unwrap_or_default();
    let output = Program::output(step);
    let _ = write!(
        body,
        "        let mut held_{step} = Vec::new();
        for line in &order.lines {{
            let held = self.step_{step}(cx, &order, line.clone(), {id}{before}).await?;
            held_{step}.push(held);
        }}
        let out_{step} = {output}::all(held_{step});
"
    );
}

/// A call by the means of Restate, to which arguments go as values of their own.
fn durable(program: Program, body: &mut String, step: usize) {
    let (note, id, before) = (note(step), id(step), Program::before(step));
    if program.way == Way::RestateHandlers {
        let before = before.map(|before| format!(", out_{before}.clone()")).unwrap_or_default();
        let _ = write!(
            body,
            "        let arguments = Json((order.clone(), {note}, {id}{before}));
        let Json(out_{step}) = ctx.service_client::<ShopClient>().step_{step}(arguments).call().await?;
"
        );
        return;
    }
    let (own, given) = match before {
        Some(before) => (format!(" let before = out_{before}.clone();"), ", &before"),
        None => (String::new(), ""),
    };
    let output = Program::output(step);
    let _ = write!(
        body,
        "        let out_{step}: {output} = {{
            let (key, order, note, id) = (format!(\"{{key}}/{step}\"), order.clone(), {note}, {id});{own}
            ctx.run(|| async move {{ Ok(Json(self.step_{step}(&key, &order, note, id{given}).await?)) }}).name(\"step_{step}\").await?.into_inner()
        }};
"
    );
}

fn receipt(program: Program, body: &mut String) {
    let places: Vec<String> = program.kept().map(|step| format!("out_{step}.place")).collect();
    let last = program.steps - 1;
    let receipt = format!("Receipt {{ places: vec![{}], paid: out_{last}.amount }}", places.join(", "));
    let receipt = if program.is_restate() { format!("Json({receipt})") } else { receipt };
    let _ = writeln!(body, "        Ok({receipt})");
}

fn note(step: usize) -> String {
    match step.checked_sub(1) {
        Some(last) => format!("format!(\"after {{}}\", out_{last}.place)"),
        None => "order.note.clone()".to_owned(),
    }
}

fn id(step: usize) -> String {
    match step.checked_sub(1) {
        Some(last) => format!("out_{last}.id.clone()"),
        None => "order.first.clone()".to_owned(),
    }
}
