//! Checks on the tokens of a flow's body. What stands behind an ordinary call is not seen.

use super::foreign::{
    IN_A_STEP, awaits_in, instead, is_of_an_attempt, is_spawn, joins, no_call_of_a_flow, step_verbs_in,
};
use crate::{
    errors::Errors,
    flow::{
        draft::Draft,
        verbs::{
            Branch, Until, Verb, branch, callee_of, is_join, is_the_context, named_callee, signals, unbounded, verb,
        },
    },
    model::{Flow, Model, Role},
};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeSet;
use syn::{
    Block, Expr, ExprAwait, ExprCall, ExprMethodCall, Item, Macro, PatGuard, PatTupleStruct,
    spanned::Spanned,
    visit::{self, Visit},
};

/// Reports what the tokens of one flow show.
pub(crate) fn check_body(model: &Model, flow: &Flow, body: &Block, errors: &mut Errors) {
    Body { model, flow, errors, inside: None }.visit_block(body);
}

/// Reports steps and inner flows that no flow calls.
pub(crate) fn check_used(model: &Model, drafts: &[Draft], errors: &mut Errors) {
    let mut named = BTreeSet::new();
    for draft in drafts {
        names(&draft.tokens, &mut named);
    }
    let unused = |method: &Ident| !named.contains(&method.to_string());
    for step in &model.steps {
        if !unused(&step.ident) {
            continue;
        }
        let name = &step.ident;
        let by = model.helpers.iter().find(|helper| {
            let mut named = BTreeSet::new();
            names(&helper.body, &mut named);
            named.contains(&name.to_string())
        });
        let help = match by {
            Some(helper) => format!(
                "`{helper}` calls it, where it is not saved: make that an inner flow, `#[flow(inner)]`, with `cx: &FlowContext` and \
                 an error `Unwind<..>`",
                helper = helper.ident
            ),
            None => "call it, or take `#[step]` away if it is a plain method".to_owned(),
        };
        errors.span("dead_step", name.span(), format_args!("the flow never calls step `{name}`\nhelp: {help}"));
    }
    for flow in &model.flows[1..] {
        let name = &flow.method.sig.ident;
        if unused(name) {
            errors.span(
                "dead_step",
                name.span(),
                format_args!(
                    "no flow calls the inner flow `{name}`\nhelp: call it, `self.{name}(..).await`, or remove it"
                ),
            );
        }
    }
}

/// Every name in these tokens, as text: two identifiers that are compared are both made into text, each time.
fn names(tokens: &TokenStream, named: &mut BTreeSet<String>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => {
                named.insert(ident.to_string());
            }
            TokenTree::Group(group) => names(&group.stream(), named),
            _ => {}
        }
    }
}

struct Body<'m> {
    model: &'m Model,
    flow: &'m Flow,
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

    /// Something that the flow waits for where it stands.
    fn waits(&mut self, verb: &Verb<'_>, span: Span) {
        if let Some(inside) = self.inside {
            let what = match verb {
                Verb::Call(Branch { callee, .. }) => {
                    format!("{} `{}` is called", Model::word(*callee), self.model.ident(*callee))
                }
                _ => "this is awaited".to_owned(),
            };
            self.errors.span(
                "hidden_step",
                span,
                format_args!(
                    "{what} inside {inside}, where it cannot be a state of its own\nhelp: bind its answer with `let` before"
                ),
            );
        }
        match verb {
            Verb::Call(branch) => self.branch(branch),
            Verb::Join(branches) => branches.iter().for_each(|branch| self.branch(branch)),
            Verb::Each { items, limit, branch, .. } => {
                self.visit_expr(items);
                self.visit_expr(limit);
                self.hidden_in("a closure", |this| this.branch(branch));
            }
            Verb::Sleep(until) => self.until(*until),
            Verb::Wait { signals, until } => {
                self.signals(signals);
                if let Some(until) = until {
                    self.until(*until);
                }
            }
            Verb::Child { input, until, .. } => {
                self.visit_expr(input);
                if let Some(until) = until {
                    self.until(*until);
                }
            }
            Verb::Launch { input, .. } => self.visit_expr(input),
            Verb::Send { call } => call.args.iter().for_each(|argument| self.visit_expr(argument)),
        }
    }

    /// One call, by itself or in a join.
    fn branch(&mut self, Branch { callee, call }: &Branch<'_>) {
        let (callee, model) = (*callee, self.model);
        let (word, name) = (Model::word(callee), model.ident(callee));
        let parameters = model.parameters(callee);
        let context = parameters.iter().position(|parameter| matches!(parameter.role, Role::Context));
        // One that has too few or too many arguments, rustc speaks of.
        if let Some(argument) = context.and_then(|at| call.args.get(at))
            && call.args.len() == parameters.len()
            && !is_the_context(argument)
        {
            let own = &self.flow.context;
            self.errors.at(
                "lost_context",
                argument,
                format_args!(
                    "{word} `{name}` is called with another context than the flow's own\nhelp: write `{own}` here"
                ),
            );
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    /// A time: a literal is read here.
    fn until(&mut self, until: Until<'_>) {
        if let Until::After(Expr::Lit(lit)) = until
            && let syn::Lit::Str(text) = &lit.lit
            && let Err(reason) = crate::parse::duration(&text.value())
        {
            self.errors.at("bad_value", text, format_args!("{reason}\nhelp: write it like this: `\"3d\"`"));
        }
        self.visit_expr(until.expr());
    }

    /// The signals of a wait are this saga's own.
    fn signals(&mut self, waited: &Expr) {
        for (signal, known) in signals(self.model, waited) {
            if known.is_some() {
                continue;
            }
            let names: Vec<String> =
                self.model.signals.iter().map(|signal| format!("`Self::{}`", signal.ident)).collect();
            let help = if names.is_empty() {
                crate::parse::SIGNAL.to_owned()
            } else {
                format!("help: the signals are {}", names.join(", "))
            };
            let place = match signal {
                Expr::Path(path) => path.path.segments.last().map_or(path.span(), |last| last.ident.span()),
                other => other.span(),
            };
            self.errors.span(
                "unknown_signal",
                place,
                format_args!("a flow waits for the signals of its own saga, and this is none of them\n{help}"),
            );
        }
    }

    /// An await of something that looks like a verb and is not complete.
    fn incomplete(&mut self, base: &Expr) -> bool {
        let own = &self.flow.context;
        if let Some((call, _)) = unbounded(base) {
            let written = crate::flow::tokens::text(call.method.to_token_stream());
            let (what, late) = if call.method == "wait" {
                ("this waits for a signal", "`Err(Elapsed)` if it does not come")
            } else {
                ("this waits for another saga", "which unwinds when its time is over")
            };
            self.errors.instead_of_rustc(
                "unhandled_wait",
                call.method.span(),
                format_args!(
                    "{what}, and does not say how long\nhelp: `{own}.{written}(..).within(\"2d\").await`, {late}; or \
                     `.forever().await`"
                ),
            );
            return true;
        }
        match base {
            Expr::Paren(paren) => self.incomplete(&paren.expr),
            Expr::Call(call) if is_join(&call.func) => {
                for argument in &call.args {
                    if branch(self.model, argument).is_none() {
                        self.no_branch(argument.span());
                    }
                }
                true
            }
            Expr::MethodCall(call) if is_the_context(&call.receiver) && call.method == "join_all" => {
                let place = call.args.last().map_or(call.method.span(), Spanned::span);
                self.no_branch(place);
                true
            }
            Expr::MethodCall(call) => {
                let starts = |call: &ExprMethodCall| {
                    is_the_context(&call.receiver) && (call.method == "child" || call.method == "launch")
                };
                let mut call = call;
                while !starts(call) {
                    let Expr::MethodCall(inner) = &*call.receiver else { return false };
                    call = inner;
                }
                let verb = &call.method;
                self.errors.instead_of_rustc(
                "unhandled_wait",
                    verb.span(),
                    format_args!(
                        "which saga is started here is not written out\nhelp: `{own}.{verb}::<Checkout>(input)`, followed \
                         by nothing but `.pivot()`, `.within(..)`, `.until(..)` or `.forever()`"
                    ),
                );
                true
            }
            _ => false,
        }
    }

    fn no_branch(&mut self, span: Span) {
        self.errors.span(
            "hidden_step",
            span,
            format_args!(
                "a branch of a join is one call of a step or an inner flow, and nothing else\nhelp: `join!(self.a({own}, ..), \
                 self.b({own}, ..)).await`, `{own}.join_all(&items, 8, |item| self.a({own}, item)).await`; more than one step \
                 together is an inner flow: `#[flow(inner)]`",
                own = self.flow.context
            ),
        );
    }

    fn foreign_await(&mut self, span: Span, help: &str) {
        self.errors.span(
            "foreign_await",
            span,
            format_args!(
                "a flow awaits nothing but its steps, its inner flows and the verbs of its context: the effect of this would be \
                 neither saved nor tried again\nhelp: {help}"
            ),
        );
    }

    fn foreign_join(&mut self, name: &Ident) {
        let own = &self.flow.context;
        let help = if ["select", "select_biased", "select_all", "race"].iter().any(|race| name == race) {
            format!(
                "wait for whichever signal comes first: `{own}.wait((Self::PAID, Self::WITHDRAWN)).within(\"1h\").await`; how long a \
                 step may take, it says itself: `#[step(timeout = \"2s\")]`"
            )
        } else {
            format!(
                "use the runtime's own, of two to eight calls, and await it: `join!(self.a({own}, ..), self.b({own}, ..)).await`; or \
                 `{own}.join_all(..).await`"
            )
        };
        self.errors.span(
            "foreign_join",
            name.span(),
            format_args!(
                "`{name}` runs branches that nobody saves: after a crash nobody knows which of them have begun\nhelp: {help}"
            ),
        );
    }

    /// The runtime's own `join!`, which somebody forgot to await.
    fn idle_join(&mut self, span: Span) {
        self.errors.span(
            "hidden_step",
            span,
            "this `join!` is not awaited here, so none of its branches runs\nhelp: write `join!(..).await`",
        );
    }

    fn step_verb(&mut self, verb: &Ident) {
        let own = &self.flow.context;
        self.errors.span(
            "step_verb_in_flow",
            verb.span(),
            format_args!(
                "`{own}.{verb}()` is of one attempt of a step, and the flow is not one\nhelp: ask for it in the step, whose context \
                 is its own"
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

impl<'ast> Visit<'ast> for Body<'_> {
    fn visit_expr_await(&mut self, node: &'ast ExprAwait) {
        if let Some((verb, span)) = verb(self.model, &node.base) {
            return self.waits(&verb, span);
        }
        if self.incomplete(&node.base) {
            return;
        }
        let mut base = &*node.base;
        while let Expr::Paren(paren) = base {
            base = &paren.expr;
        }
        match base {
            Expr::Call(call) => {
                if let Expr::Path(path) = &*call.func
                    && (joins(&path.path).is_some() || named_callee(self.model, &path.path).is_some())
                {
                    return self.visit_expr_call(call);
                }
            }
            Expr::Macro(mac) if joins(&mac.mac.path).is_some() => return self.visit_macro(&mac.mac),
            _ => {}
        }
        if let Expr::MethodCall(call) = base
            && let Some(wrong) = no_call_of_a_flow(self.model, call, &self.flow.context)
        {
            // Of the methods of `self` that are named here there is one.
            if is_the_context(&call.receiver) {
                self.errors.instead_of_the_call("foreign_await", call.method.span(), wrong);
            } else {
                self.errors.instead_of_rustc("foreign_await", call.method.span(), wrong);
                call.args.iter().for_each(|argument| self.visit_expr(argument));
            }
            return;
        }
        let (help, whole) = instead(base, &self.flow.context);
        self.foreign_await(node.base.span(), &help);
        if !whole {
            visit::visit_expr_await(self, node);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "block_on" {
            return self.foreign_await(call.method.span(), IN_A_STEP);
        }
        if let Some(callee) = callee_of(self.model, call) {
            let (word, name) = (Model::word(callee), self.model.ident(callee));
            self.errors.span(
                "hidden_step",
                call.method.span(),
                format_args!(
                    "{word} `{name}` is called here and not awaited here\nhelp: write `self.{name}(..).await`"
                ),
            );
        }
        if is_the_context(&call.receiver) && is_of_an_attempt(&call.method) {
            self.step_verb(&call.method);
        }
        if is_spawn(&call.method) {
            self.detached(&call.method);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(path) = &*call.func {
            if is_join(&call.func) {
                return self.idle_join(path.span());
            } else if let Some(name) = joins(&path.path) {
                // `join` is a word of paths and threads as well; with arguments it is a join of futures.
                if !call.args.is_empty() {
                    self.foreign_join(name);
                }
            } else if let Some(last) = path.path.segments.last()
                && last.ident == "block_on"
            {
                return self.foreign_await(last.ident.span(), IN_A_STEP);
            } else if let Some(last) = path.path.segments.last()
                && is_spawn(&last.ident)
            {
                self.detached(&last.ident);
            } else if let Some(callee) = named_callee(self.model, &path.path) {
                let (word, name) = (Model::word(callee), self.model.ident(callee));
                self.errors.span(
                    "hidden_step",
                    path.span(),
                    format_args!("{word} `{name}` is called by its path\nhelp: write `self.{name}(..).await`"),
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
        let mut verbs = Vec::new();
        step_verbs_in(mac.tokens.clone(), &mut verbs);
        for verb in &verbs {
            self.step_verb(verb);
        }
        let mut awaits = Vec::new();
        awaits_in(self.model, mac.tokens.clone(), &mut awaits);
        for (span, step) in awaits {
            match step {
                Some(step) => self.errors.span(
                    "hidden_step",
                    span,
                    format_args!(
                        "{} `{}` is called inside `{name}!`, where it cannot be a state of its own\nhelp: bind its answer with \
                         `let` before",
                        Model::word(step),
                        self.model.ident(step)
                    ),
                ),
                None => self.foreign_await(span, IN_A_STEP),
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
