//! Finding in the flow's code what it waits for, what stands for the answers, and the ways out.

use super::verbs::awaited;
use crate::model::Model;
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, ExprAwait, ExprPath, Index, Macro, Member, parse_quote, visit::Visit};

/// How many calls this block makes where it stands.
pub(crate) fn calls_in_block(model: &Model, block: &syn::Block) -> usize {
    let mut finder = Finder { model, found: 0 };
    finder.visit_block(block);
    finder.found
}

/// Whether this expression makes a call where it stands.
pub(crate) fn has_call(model: &Model, expr: &Expr) -> bool {
    calls_in(model, expr) > 0
}

/// How many calls this expression makes where it stands.
pub(crate) fn calls_in(model: &Model, expr: &Expr) -> usize {
    let mut finder = Finder { model, found: 0 };
    finder.visit_expr(expr);
    finder.found
}

struct Finder<'m> {
    model: &'m Model,
    found: usize,
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.found += usize::from(awaited(self.model, expr).is_some());
        syn::visit::visit_expr(self, expr);
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

/// What stands for the answer of what this awaits in the code after it: a part of a local of ours, which begins and ends
/// where the user's own expression does, so that rustc finds the same mistake at the same place in both.
pub(crate) fn answer(awaits: &Expr) -> Expr {
    let bare = match awaits {
        // Its attributes are ours, and are not there in the plain flow.
        Expr::Await(node) => Expr::Await(ExprAwait { attrs: Vec::new(), ..node.clone() }),
        other => other.clone(),
    };
    let (first, last) = ends_of(bare.to_token_stream());
    let mut answer: Expr = parse_quote!(__answer.0);
    if let Expr::Field(field) = &mut answer {
        let path = Ident::new("__answer", first).into();
        *field.base = Expr::Path(ExprPath { attrs: Vec::new(), qself: None, path });
        field.dot_token.span = last;
        field.member = Member::Unnamed(Index { index: 0, span: last });
    }
    answer
}

/// Where the first and the last of these tokens stand.
pub(crate) fn ends_of(tokens: TokenStream) -> (Span, Span) {
    let (mut first, mut last) = (None, Span::call_site());
    for token in tokens {
        let (open, close) = match &token {
            TokenTree::Group(group) => (group.span_open(), group.span_close()),
            other => (other.span(), other.span()),
        };
        first.get_or_insert(open);
        last = close;
    }
    (first.unwrap_or(last), last)
}

/// The local that this is a part of, if it is the answer.
pub(crate) fn bare_answer(expr: &Expr) -> Option<&Ident> {
    let Expr::Field(field) = expr else { return None };
    let Expr::Path(path) = &*field.base else { return None };
    path.path.get_ident().filter(|ident| *ident == "__answer")
}

/// The answer as the machine says it: a block that breaks with it. In the flow, what is expected of `.await` is expected of a
/// part of what rustc makes of that; so it is here, or rustc would give another reason for what it expects.
pub(crate) fn given(part: &Expr) -> TokenStream {
    let (first, last) = ends_of(part.to_token_stream());
    let mut block = Group::new(Delimiter::Brace, quote_spanned!(first=> break '__answer #part));
    block.set_span(last);
    let mut given = Group::new(Delimiter::Parenthesis, quote_spanned!(first=> '__answer: #block));
    given.set_span(first);
    given.to_token_stream()
}

/// Whether this is the answer, or the answer with its error turned into another (`.map_err(f)`).
pub(crate) fn is_answer(expr: &Expr) -> bool {
    match expr {
        Expr::Field(_) => bare_answer(expr).is_some(),
        Expr::Paren(paren) => is_answer(&paren.expr),
        Expr::MethodCall(call) => {
            matches!(call.method.to_string().as_str(), "map_err" | "refuse_as" | "inspect_err" | "inspect")
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
