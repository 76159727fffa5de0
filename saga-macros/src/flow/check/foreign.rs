//! What stands in a flow and is none of its own: work that nobody saves, and what to write instead.

use crate::{
    flow::{bindings::is_context, verbs::is_the_context},
    model::{Callee, Model},
};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::{Expr, ExprMethodCall, Path};

/// Functions and macros that run branches beside each other.
pub(super) fn joins(path: &Path) -> Option<&Ident> {
    let name = &path.segments.last()?.ident;
    let joins = [
        "join",
        "try_join",
        "join_all",
        "try_join_all",
        "select",
        "select_biased",
        "select_all",
        "race",
        "join3",
        "try_join3",
    ];
    joins.iter().any(|join| name == join).then_some(name)
}

/// What to do with something that a flow cannot await, if nothing is known of it.
pub(super) const IN_A_STEP: &str = "put it in a step, and await that: `self.step(cx, ..).await`";

/// What to write instead of awaiting this in a flow; and whether that stands for all that is in it.
pub(super) fn instead(base: &Expr, own: &Ident) -> (String, bool) {
    match base {
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else { return (IN_A_STEP.to_owned(), false) };
            let name = path.path.segments.last().map(|last| last.ident.to_string());
            match name.as_deref() {
                Some("sleep" | "sleep_until") => {
                    (format!("let the flow sleep, which costs nothing and survives a crash: `{own}.sleep(\"3d\").await`"), true)
                }
                Some("timeout" | "timeout_at") => (
                    "how long a step may take, it says itself: `#[step(timeout = \"2s\", deadline = \"1m\")]`; how long the saga \
                     may take, `#[saga(deadline = \"1h\")]`"
                        .to_owned(),
                    true,
                ),
                _ => (IN_A_STEP.to_owned(), false),
            }
        }
        Expr::MethodCall(call) if call.args.iter().any(is_the_context) => {
            let name = &call.method;
            let help = format!(
                "if `{name}` calls steps, make it an inner flow, `#[flow(inner)]`, which is called like a step; otherwise put it in \
                 a step, and await that: `self.step({own}, ..).await`"
            );
            (help, false)
        }
        _ => (IN_A_STEP.to_owned(), false),
    }
}

/// What is wrong with a call on `self` or on the context that there is, or may be, under this name, and that no flow makes.
pub(super) fn no_call_of_a_flow(model: &Model, call: &ExprMethodCall, own: &Ident) -> Option<String> {
    let name = &call.method;
    if is_the_context(&call.receiver) {
        return (!is_of_an_attempt(name)).then(|| {
            format!(
                "`{own}.{name}` is no verb of a flow's context\nhelp: what has an effect, or gives something else each time, is a \
                 step: a method with `#[step]`, awaited as `self.step({own}, ..).await?`; the context's own verbs are `sleep`, \
                 `sleep_until`, `wait`, `join_all`, `child`, `launch` and `send`"
            )
        });
    }
    if !matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident("self")) {
        return None;
    }
    if model.main().method.sig.ident == *name {
        return Some(format!(
            "`{name}` is the saga's own flow, and an instance runs it once\nhelp: to do something again, write a `loop`; to start \
             another instance, `{own}.launch::<Self>(..).await`"
        ));
    }
    let step = model.steps.iter().find(|step| step.compensation.as_ref().is_some_and(|undo| undo.ident == *name))?;
    let step = &step.ident;
    Some(format!(
        "`{name}` is the compensation of `{step}`: the runtime runs it by itself, under a key and with attempts of its own\nhelp: \
         leave it out, and let the refusal out of the flow with `?`; to undo a part and go on, make that part an inner flow, \
         `#[flow(inner)]`"
    ))
}

/// Functions that begin work and do not wait for it.
pub(super) fn is_spawn(name: &Ident) -> bool {
    ["spawn", "spawn_blocking", "spawn_local", "spawn_on"].iter().any(|spawn| name == spawn)
}

/// Each `.await` in a macro's tokens, with the step or inner flow that it awaits, if it is one.
pub(super) fn awaits_in(model: &Model, tokens: TokenStream, awaits: &mut Vec<(Span, Option<Callee>)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => awaits_in(model, group.stream(), awaits),
            TokenTree::Ident(ident) if ident == "await" && at > 0 => {
                let before = &tokens[..at - 1];
                let step = match before {
                    [
                        ..,
                        TokenTree::Ident(this),
                        TokenTree::Punct(_),
                        TokenTree::Ident(method),
                        TokenTree::Group(_),
                    ] if this == "self" => model.callee(method),
                    _ => None,
                };
                let span = match before {
                    [.., TokenTree::Ident(method), TokenTree::Group(_)] => method.span(),
                    _ => ident.span(),
                };
                awaits.push((span, step));
            }
            _ => {}
        }
    }
}

/// Whether a method of a context is of one attempt: of the flow's own context nobody asks for it.
pub(super) fn is_of_an_attempt(method: &Ident) -> bool {
    ["key", "attempt", "deadline", "remaining", "undoes", "state"].iter().any(|verb| method == verb)
}

/// `cx.key()` and its like, in a macro's tokens.
pub(super) fn step_verbs_in(tokens: TokenStream, verbs: &mut Vec<Ident>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for window in tokens.windows(4) {
        if let [TokenTree::Ident(own), TokenTree::Punct(dot), TokenTree::Ident(verb), TokenTree::Group(_)] = window
            && is_context(own)
            && dot.as_char() == '.'
            && is_of_an_attempt(verb)
        {
            verbs.push(verb.clone());
        }
    }
    for token in tokens {
        if let TokenTree::Group(group) = token {
            step_verbs_in(group.stream(), verbs);
        }
    }
}
