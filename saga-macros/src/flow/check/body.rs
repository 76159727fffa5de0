//! Checks on the tokens of the flow's body. What stands behind an ordinary call is not seen.

use crate::{
    errors::Errors,
    flow::{
        bindings::Bindings,
        calls::{named_step, step_of},
    },
    model::{Model, Role},
};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Block, Expr, ExprAwait, ExprCall, ExprMethodCall, Item, Macro, PatGuard, PatTupleStruct, Path,
    spanned::Spanned,
    visit::{self, Visit},
};

/// Reports what the flow's tokens show.
pub(crate) fn check_body(model: &Model, bindings: &Bindings, body: &Block, errors: &mut Errors) {
    Body { model, bindings, errors, inside: None }.visit_block(body);
    let tokens = body.to_token_stream();
    for step in &model.steps {
        if !names(&tokens, &step.ident) {
            errors.span(
                "dead_step",
                step.ident.span(),
                format_args!(
                    "the flow never calls step `{}`\nhelp: call it, or take `#[step]` away if it is a plain method",
                    step.ident
                ),
            );
        }
    }
}

/// Whether these tokens name this method.
fn names(tokens: &TokenStream, method: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *method,
        TokenTree::Group(group) => names(&group.stream(), method),
        _ => false,
    })
}

struct Body<'m> {
    model: &'m Model,
    bindings: &'m Bindings,
    errors: &'m mut Errors,
    /// What a call here would be hidden in.
    inside: Option<&'static str>,
}

impl Body<'_> {
    fn hidden_in(&mut self, inside: &'static str, visit: impl FnOnce(&mut Self)) {
        let outside = self.inside.replace(inside);
        visit(self);
        self.inside = outside;
    }

    /// A call of a step that is awaited where it stands.
    fn call(&mut self, step: usize, call: &ExprMethodCall) {
        let name = &self.model.steps[step].ident;
        if let Some(inside) = self.inside {
            self.errors.span(
                "hidden_step",
                call.method.span(),
                format_args!(
                    "step `{name}` is called inside {inside}, where it cannot be a state of its own\nhelp: bind its answer with `let` \
                     before"
                ),
            );
        }
        let context =
            self.model.steps[step].parameters.iter().position(|parameter| matches!(parameter.role, Role::Context));
        if let Some(argument) = context.and_then(|at| call.args.get(at))
            && !self.is_context(argument)
        {
            let own = &self.model.flow.context;
            self.errors.at(
                "lost_context",
                argument,
                format_args!(
                    "step `{name}` is called with another context than the flow's own\nhelp: write `{own}` here"
                ),
            );
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    /// Whether this is the flow's context, however it is borrowed.
    fn is_context(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(path) => path.path.get_ident().and_then(|ident| self.bindings.of(ident)) == Some(0),
            Expr::Reference(node) => self.is_context(&node.expr),
            Expr::Paren(node) => self.is_context(&node.expr),
            Expr::Unary(node) => self.is_context(&node.expr),
            _ => false,
        }
    }

    fn foreign_join(&mut self, name: &Ident) {
        self.errors.span(
            "foreign_join",
            name.span(),
            format_args!(
                "`{name}` runs branches that nobody saves: after a crash nobody knows which of them have begun\nhelp: await \
                 one step after the other"
            ),
        );
    }

    fn detached(&mut self, name: &Ident) {
        self.errors.span(
            "detached_work",
            name.span(),
            format_args!(
                "`{name}` begins work that nobody saves: it is lost in a crash, and repeated by none\nhelp: do it in a step"
            ),
        );
    }
}

/// Functions and macros that run branches beside each other.
fn joins(path: &Path) -> Option<&Ident> {
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

/// Functions that begin work and do not wait for it.
fn is_spawn(name: &Ident) -> bool {
    ["spawn", "spawn_blocking", "spawn_local", "spawn_on"].iter().any(|spawn| name == spawn)
}

impl<'ast> Visit<'ast> for Body<'_> {
    fn visit_expr_await(&mut self, node: &'ast ExprAwait) {
        let mut base = &*node.base;
        while let Expr::Paren(paren) = base {
            base = &paren.expr;
        }
        match base {
            Expr::MethodCall(call) => {
                if let Some(step) = step_of(self.model, call) {
                    return self.call(step, call);
                }
            }
            Expr::Call(call) => {
                if let Expr::Path(path) = &*call.func {
                    if joins(&path.path).is_some() {
                        return self.visit_expr_call(call);
                    }
                    if named_step(self.model, &path.path).is_some() {
                        return self.visit_expr_call(call);
                    }
                }
            }
            Expr::Macro(mac) if joins(&mac.mac.path).is_some() => return self.visit_macro(&mac.mac),
            _ => {}
        }
        self.errors.span(
            "foreign_await",
            node.base.span(),
            "a flow awaits nothing but its steps: the effect of this would be neither saved nor tried again\nhelp: put it in a \
             step, and await that: `self.step(cx, ..).await`",
        );
        visit::visit_expr_await(self, node);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if let Some(step) = step_of(self.model, call) {
            let name = &self.model.steps[step].ident;
            self.errors.span(
                "hidden_step",
                call.method.span(),
                format_args!("step `{name}` is called here and not awaited here\nhelp: write `self.{name}(..).await`"),
            );
        }
        if self.is_context(&call.receiver)
            && ["key", "attempt", "deadline", "remaining", "undoes", "state"].iter().any(|verb| call.method == verb)
        {
            let (own, verb) = (&self.model.flow.context, &call.method);
            self.errors.span(
                "step_verb_in_flow",
                call.method.span(),
                format_args!(
                    "`{own}.{verb}()` is of one attempt of a step, and the flow is not one\nhelp: ask for it in the step, whose \
                     context is its own"
                ),
            );
        }
        if is_spawn(&call.method) {
            self.detached(&call.method);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(path) = &*call.func {
            if let Some(name) = joins(&path.path) {
                // `join` is a word of paths and threads as well; with arguments it is a join of futures.
                if !call.args.is_empty() {
                    self.foreign_join(name);
                }
            } else if let Some(last) = path.path.segments.last()
                && is_spawn(&last.ident)
            {
                self.detached(&last.ident);
            } else if let Some(step) = named_step(self.model, &path.path) {
                let name = &self.model.steps[step].ident;
                self.errors.span(
                    "hidden_step",
                    path.span(),
                    format_args!("step `{name}` is called by its path\nhelp: write `self.{name}(..).await`"),
                );
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        if let Some(name) = joins(&mac.path) {
            return self.foreign_join(name);
        }
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let mut awaits = Vec::new();
        awaits_in(self.model, mac.tokens.clone(), &mut awaits);
        for (span, step) in awaits {
            match step {
                Some(step) => self.errors.span(
                    "hidden_step",
                    span,
                    format_args!(
                        "step `{}` is called inside `{name}!`, where it cannot be a state of its own\nhelp: bind its answer with \
                         `let` before",
                        self.model.steps[step].ident
                    ),
                ),
                None => self.errors.span(
                    "foreign_await",
                    span,
                    "a flow awaits nothing but its steps: the effect of this would be neither saved nor tried again\nhelp: put it \
                     in a step, and await that: `self.step(cx, ..).await`",
                ),
            }
        }
    }

    fn visit_expr_closure(&mut self, node: &'ast syn::ExprClosure) {
        self.hidden_in("a closure", |this| visit::visit_expr_closure(this, node));
    }

    fn visit_expr_async(&mut self, node: &'ast syn::ExprAsync) {
        self.hidden_in("an async block", |this| visit::visit_expr_async(this, node));
    }

    fn visit_pat_guard(&mut self, node: &'ast PatGuard) {
        self.visit_pat(&node.pat);
        self.hidden_in("a match guard", |this| this.visit_expr(&node.guard));
    }

    fn visit_pat_tuple_struct(&mut self, node: &'ast PatTupleStruct) {
        let mut segments = node.path.segments.iter().rev();
        if let (Some(last), Some(before)) = (segments.next(), segments.next())
            && last.ident == "Transient"
            && before.ident == "Failure"
        {
            self.errors.span(
                "transient_arm",
                node.path.span(),
                "a flow never sees `Failure::Transient`: what is transient is tried again until it is done, refused or \
                 exhausted\nhelp: match `Failure::Exhausted(_)`, or leave this out",
            );
        }
        visit::visit_pat_tuple_struct(self, node);
    }

    fn visit_expr_loop(&mut self, node: &'ast syn::ExprLoop) {
        let mut ways = WaysOut(false);
        ways.visit_block(&node.body);
        if !ways.0 {
            self.errors.span(
                "infinite_silence",
                node.loop_token.span,
                "this loop has no step and no way out: nothing would ever be seen of it again\nhelp: `break` where it ends",
            );
        }
        visit::visit_expr_loop(self, node);
    }

    // An item sees nothing of the flow.
    fn visit_item(&mut self, _: &'ast Item) {}
}

/// Whether anything in a loop's body may wait, or leave it.
struct WaysOut(bool);

impl<'ast> Visit<'ast> for WaysOut {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.0 |= matches!(
            expr,
            Expr::Await(_) | Expr::Break(_) | Expr::Return(_) | Expr::Try(_) | Expr::Macro(_) | Expr::Continue(_)
        );
        visit::visit_expr(self, expr);
    }
    fn visit_stmt_macro(&mut self, _: &'ast syn::StmtMacro) {
        self.0 = true;
    }
}

/// Each `.await` in a macro's tokens, with the step that it awaits, if it is one.
fn awaits_in(model: &Model, tokens: TokenStream, awaits: &mut Vec<(Span, Option<usize>)>) {
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
                    ] if this == "self" => model.steps.iter().position(|step| step.ident == *method),
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
