//! Finding the calls of steps in the flow's code.

use crate::model::Model;
use proc_macro2::Span;
use quote::quote;
use syn::{Expr, ExprMethodCall, Macro, parse_quote, visit::Visit};

/// `self.step(..)`: the step it calls.
pub(crate) fn step_of(model: &Model, call: &ExprMethodCall) -> Option<usize> {
    if !is_self(&call.receiver) {
        return None;
    }
    model.steps.iter().position(|step| step.ident == call.method)
}

/// `Self::step`: the step it names.
pub(crate) fn named_step(model: &Model, path: &syn::Path) -> Option<usize> {
    let last = path.segments.last()?;
    if path.segments.len() != 2 || path.segments[0].ident != "Self" {
        return None;
    }
    model.steps.iter().position(|step| step.ident == last.ident)
}

/// Whether this is `self`, as a receiver is written.
fn is_self(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => path.path.is_ident("self"),
        Expr::Paren(paren) => is_self(&paren.expr),
        Expr::Reference(reference) => is_self(&reference.expr),
        _ => false,
    }
}

/// `self.step(..).await`: the step, and the call itself.
pub(crate) fn awaited_step<'e>(model: &Model, expr: &'e Expr) -> Option<(usize, &'e ExprMethodCall)> {
    let Expr::Await(node) = expr else { return None };
    let mut base = &*node.base;
    while let Expr::Paren(paren) = base {
        base = &paren.expr;
    }
    let Expr::MethodCall(call) = base else { return None };
    Some((step_of(model, call)?, call))
}

/// How many calls of steps this block makes where it stands.
pub(crate) fn steps_in_block(model: &Model, block: &syn::Block) -> usize {
    let mut finder = Finder { model, found: 0 };
    finder.visit_block(block);
    finder.found
}

/// Whether this expression calls a step where it stands.
pub(crate) fn has_step(model: &Model, expr: &Expr) -> bool {
    steps_in(model, expr) > 0
}

/// How many calls of steps this expression makes where it stands.
pub(crate) fn steps_in(model: &Model, expr: &Expr) -> usize {
    let mut finder = Finder { model, found: 0 };
    finder.visit_expr(expr);
    finder.found
}

struct Finder<'m> {
    model: &'m Model,
    found: usize,
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr_await(&mut self, node: &'ast syn::ExprAwait) {
        let mut base = &*node.base;
        while let Expr::Paren(paren) = base {
            base = &paren.expr;
        }
        if let Expr::MethodCall(call) = base
            && step_of(self.model, call).is_some()
        {
            self.found += 1;
        }
        syn::visit::visit_expr_await(self, node);
    }
    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    fn visit_item(&mut self, _: &'ast syn::Item) {}
    // A guard cannot be split: reported by its own check.
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
}

/// Whether control may leave this expression other than by its value, as far as its own tokens tell: `return`, or a
/// `break` or `continue` of a loop around it.
pub(crate) fn leaves(expr: &Expr) -> bool {
    let mut leaves = Leaves { labels: Vec::new(), loops: 0, found: false };
    leaves.visit_expr(expr);
    leaves.found
}

struct Leaves {
    labels: Vec<String>,
    loops: usize,
    found: bool,
}

impl Leaves {
    fn inside(&mut self, label: Option<&syn::Label>, is_loop: bool, visit: impl FnOnce(&mut Self)) {
        let labels = self.labels.len();
        self.labels.extend(label.map(|label| label.name.ident.to_string()));
        self.loops += usize::from(is_loop);
        visit(self);
        self.loops -= usize::from(is_loop);
        self.labels.truncate(labels);
    }

    fn jump(&mut self, label: Option<&syn::Lifetime>) {
        self.found |= match label {
            Some(label) => !self.labels.contains(&label.ident.to_string()),
            None => self.loops == 0,
        };
    }
}

impl<'ast> Visit<'ast> for Leaves {
    fn visit_expr_return(&mut self, _: &'ast syn::ExprReturn) {
        self.found = true;
    }
    fn visit_expr_break(&mut self, node: &'ast syn::ExprBreak) {
        self.jump(node.label.as_ref());
        syn::visit::visit_expr_break(self, node);
    }
    fn visit_expr_continue(&mut self, node: &'ast syn::ExprContinue) {
        self.jump(node.label.as_ref());
    }
    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.found |= exit_number(mac).is_some();
    }
    fn visit_expr_loop(&mut self, node: &'ast syn::ExprLoop) {
        self.inside(node.label.as_ref(), true, |this| syn::visit::visit_expr_loop(this, node));
    }
    fn visit_expr_while(&mut self, node: &'ast syn::ExprWhile) {
        self.inside(node.label.as_ref(), true, |this| syn::visit::visit_expr_while(this, node));
    }
    fn visit_expr_for_loop(&mut self, node: &'ast syn::ExprForLoop) {
        self.inside(node.label.as_ref(), true, |this| syn::visit::visit_expr_for_loop(this, node));
    }
    fn visit_expr_block(&mut self, node: &'ast syn::ExprBlock) {
        self.inside(node.label.as_ref(), false, |this| syn::visit::visit_expr_block(this, node));
    }
    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// The mark that stands in plain code for leaving the arm, until the arm is emitted.
pub(crate) fn exit_mark(number: usize, span: Span) -> Expr {
    let number = proc_macro2::Literal::usize_unsuffixed(number);
    let mut mark: Expr = parse_quote!(__exit!(#number));
    if let Expr::Macro(mac) = &mut mark
        && let Some(segment) = mac.mac.path.segments.first_mut()
    {
        segment.ident.set_span(span);
    }
    mark
}

/// The number of the exit that this mark stands for.
pub(crate) fn exit_number(mac: &Macro) -> Option<usize> {
    if !mac.path.is_ident("__exit") {
        return None;
    }
    mac.tokens.to_string().parse().ok()
}

/// What stands for a call's answer in the code after it.
pub(crate) fn answer(span: Span) -> Expr {
    let ident = proc_macro2::Ident::new("__answer", Span::call_site().located_at(span));
    syn::parse2(quote!(#ident)).unwrap_or_else(|_| parse_quote!(__answer))
}

/// Whether this is the answer, or the answer with its error turned into another (`.map_err(f)`).
pub(crate) fn is_answer(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => path.path.is_ident("__answer"),
        Expr::Paren(paren) => is_answer(&paren.expr),
        Expr::MethodCall(call) => {
            matches!(call.method.to_string().as_str(), "map_err" | "inspect_err" | "inspect")
                && is_answer(&call.receiver)
        }
        _ => false,
    }
}

/// Whether somewhere in this expression the answer is followed by `?`.
pub(crate) fn tries_answer(expr: &Expr) -> bool {
    struct Tries(bool);
    impl<'ast> Visit<'ast> for Tries {
        fn visit_expr_try(&mut self, node: &'ast syn::ExprTry) {
            self.0 |= is_answer(&node.expr);
            syn::visit::visit_expr_try(self, node);
        }
    }
    let mut tries = Tries(false);
    tries.visit_expr(expr);
    tries.0
}

/// The span of a call's method name: where a message about the call points.
pub(crate) fn name_span(call: &ExprMethodCall) -> Span {
    call.method.span()
}
