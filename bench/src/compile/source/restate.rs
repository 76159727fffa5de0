//! The program said with `restate-sdk`.

use super::{
    Class, Program, flow,
    methods::{self, Bodies},
};

/// Each method is a handler, with its arguments in one value, as handlers have them.
pub(super) fn handlers(program: Program, source: &mut String) {
    source.push_str("#[service]\nimpl Shop {\n");
    let signature =
        "async fn run(&self, ctx: Context<'_>, Json(order): Json<Order>) -> Result<Json<Receipt>, HandlerError>";
    methods::method(source, "#[handler]", signature, Bodies::Written, &flow::body(program));
    for step in 0..program.steps {
        let output = Program::output(step);
        let (name, ty) = match Program::before(step) {
            Some(before) => (", before", format!(", {}", Program::output(before))),
            None => ("", String::new()),
        };
        let signature = format!(
            "async fn step_{step}(&self, ctx: Context<'_>, Json((order, note, id{name})): Json<(Order, String, ItemId{ty})>) -> Result<Json<{output}>, HandlerError>"
        );
        let body = methods::step_body(program, step, "ctx.invocation_id()");
        methods::method(source, "#[handler]", &signature, Bodies::Written, &body);
        if program.class(step) == Class::Compensatable {
            let signature = format!(
                "async fn undo_{step}(&self, ctx: Context<'_>, Json((order, id, done)): Json<(Order, ItemId, Option<{output}>)>) -> Result<(), HandlerError>"
            );
            methods::method(source, "#[handler]", &signature, Bodies::Written, &undo_body(step, "ctx.invocation_id()"));
        }
    }
    source.push_str("}\n");
}

/// The methods stay plain, and the flow is the one handler. It does not undo: that is up to its author.
pub(super) fn run(program: Program, source: &mut String) {
    source.push_str("#[service]\nimpl Shop {\n");
    let signature =
        "async fn run(&self, ctx: Context<'_>, Json(order): Json<Order>) -> Result<Json<Receipt>, HandlerError>";
    let body = format!("        let key = ctx.invocation_id().to_owned();\n{}", flow::body(program));
    methods::method(source, "#[handler]", signature, Bodies::Written, &body);
    source.push_str("}\n\nimpl Shop {\n");
    for step in 0..program.steps {
        let output = Program::output(step);
        let before = Program::before(step).map(|before| format!(", before: &{}", Program::output(before)));
        let before = before.unwrap_or_default();
        let signature = format!(
            "async fn step_{step}(&self, key: &str, order: &Order, note: String, id: ItemId{before}) -> Result<{output}, HandlerError>"
        );
        methods::method(source, "", &signature, Bodies::Written, &methods::step_body(program, step, "key"));
        if program.class(step) == Class::Compensatable {
            let signature = format!(
                "async fn undo_{step}(&self, key: &str, order: &Order, id: ItemId, done: Option<{output}>) -> Result<(), HandlerError>"
            );
            methods::method(source, "", &signature, Bodies::Written, &undo_body(step, "key"));
        }
    }
    source.push_str("}\n");
}

fn undo_body(step: usize, key: &str) -> String {
    format!(
        "        let place = match done {{\n            Some(done) => done.place,\n            None => id.0,\n        }};\n        \
         self.client.ask(\"undo_{step}\", {key}, &order.id, place).await?;\n        Ok(())\n"
    )
}
