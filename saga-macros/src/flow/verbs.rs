//! What a flow can wait for: calls of steps and inner flows, joins, and the verbs of its context.
//!
//! Names are resolved by now, so that the context is told from everything else that is called like it.

use super::bindings::is_context;
use crate::model::{Callee, Model};
use proc_macro2::{Ident, Span};
use syn::{
    AngleBracketedGenericArguments, Expr, ExprClosure, ExprMethodCall, GenericArgument, Pat, Stmt, Token, Type,
    parse::Parser, punctuated::Punctuated, visit_mut::VisitMut,
};

/// The function that stands for `join!` inside this phase, so that its branches are seen.
const JOIN: &str = "__join";

/// Something that a flow can wait for, as it is written.
#[derive(Debug)]
pub(crate) enum Verb<'e> {
    /// `self.step(cx, ..)`
    Call(Branch<'e>),
    /// `join!(self.a(cx, ..), self.b(cx, ..))`
    Join(Vec<Branch<'e>>),
    /// `cx.join_all(items, limit, |item| self.step(cx, item))`
    Each { items: &'e Expr, limit: &'e Expr, pat: &'e Pat, branch: Branch<'e> },
    /// `cx.sleep(..)`, `cx.sleep_until(..)`
    Sleep(Until<'e>),
    /// `cx.wait(..).within(..)`
    Wait { signals: &'e Expr, until: Option<Until<'e>> },
    /// `cx.child::<Checkout>(input).pivot().forever()`
    Child { ty: &'e Type, input: &'e Expr, pivot: bool, until: Option<Until<'e>> },
    /// `cx.launch::<Reminder>(input)`
    Launch { ty: &'e Type, input: &'e Expr },
    /// `cx.send::<Approval, _>(id, Approval::DECIDED, value)`
    Send { call: &'e ExprMethodCall },
}

/// One call of a step or an inner flow.
#[derive(Debug)]
pub(crate) struct Branch<'e> {
    pub(crate) callee: Callee,
    pub(crate) call: &'e ExprMethodCall,
}

/// The end of a wait.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until<'e> {
    /// A length of time.
    After(&'e Expr),
    /// A moment.
    At(&'e Expr),
}

impl<'e> Until<'e> {
    pub(crate) fn expr(self) -> &'e Expr {
        match self {
            Self::After(expr) | Self::At(expr) => expr,
        }
    }
}

/// What is awaited, if it is something that a flow can wait for; and the name that a message points to.
pub(crate) fn awaited<'e>(model: &Model, expr: &'e Expr) -> Option<(Verb<'e>, Span)> {
    let Expr::Await(node) = expr else { return None };
    verb(model, &node.base)
}

/// The same, of what stands before `.await`.
pub(crate) fn verb<'e>(model: &Model, base: &'e Expr) -> Option<(Verb<'e>, Span)> {
    match base {
        Expr::Paren(paren) => verb(model, &paren.expr),
        Expr::Call(call) if is_join(&call.func) => {
            let branches: Option<Vec<_>> = call.args.iter().map(|argument| branch(model, argument)).collect();
            Some((Verb::Join(branches?), syn::spanned::Spanned::span(&call.func)))
        }
        Expr::MethodCall(call) => {
            if let Some(callee) = callee_of(model, call) {
                return Some((Verb::Call(Branch { callee, call }), call.method.span()));
            }
            if is_on_context(call) {
                return Some((of_context(model, call)?, call.method.span()));
            }
            bounded(call)
        }
        _ => None,
    }
}

/// `self.step(..)`: the step or inner flow that it calls.
pub(crate) fn callee_of(model: &Model, call: &ExprMethodCall) -> Option<Callee> {
    if is_self(&call.receiver) { model.callee(&call.method) } else { None }
}

/// `Self::step`: the step or inner flow that it names.
pub(crate) fn named_callee(model: &Model, path: &syn::Path) -> Option<Callee> {
    let last = path.segments.last()?;
    if path.segments.len() != 2 || path.segments[0].ident != "Self" {
        return None;
    }
    model.callee(&last.ident)
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

/// Whether this is the flow's context, however it is borrowed.
pub(crate) fn is_the_context(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => path.path.get_ident().is_some_and(is_context),
        Expr::Reference(node) => is_the_context(&node.expr),
        Expr::Paren(node) => is_the_context(&node.expr),
        Expr::Unary(node) => is_the_context(&node.expr),
        _ => false,
    }
}

fn is_on_context(call: &ExprMethodCall) -> bool {
    is_the_context(&call.receiver)
}

/// One call without its `.await`, as the branch of a join.
pub(crate) fn branch<'e>(model: &Model, expr: &'e Expr) -> Option<Branch<'e>> {
    match expr {
        Expr::Paren(paren) => branch(model, &paren.expr),
        Expr::MethodCall(call) => Some(Branch { callee: callee_of(model, call)?, call }),
        Expr::Block(node) if node.label.is_none() => match &node.block.stmts[..] {
            [Stmt::Expr(only, None)] => branch(model, only),
            _ => None,
        },
        _ => None,
    }
}

/// A verb of the context that is complete by itself.
fn of_context<'e>(model: &Model, call: &'e ExprMethodCall) -> Option<Verb<'e>> {
    let arguments: Vec<&Expr> = call.args.iter().collect();
    match (call.method.to_string().as_str(), &arguments[..]) {
        ("sleep", [span]) => Some(Verb::Sleep(Until::After(span))),
        ("sleep_until", [at]) => Some(Verb::Sleep(Until::At(at))),
        ("launch", [input]) => Some(Verb::Launch { ty: only_type(call)?, input }),
        ("send", [_, _, _]) => Some(Verb::Send { call }),
        ("join_all", [items, limit, Expr::Closure(closure)]) => {
            let (pat, branch) = of_each(model, closure)?;
            Some(Verb::Each { items, limit, pat, branch })
        }
        _ => None,
    }
}

/// `|item| self.step(cx, item)`
fn of_each<'e>(model: &Model, closure: &'e ExprClosure) -> Option<(&'e Pat, Branch<'e>)> {
    let plain = closure.asyncness.is_none() && closure.inputs.len() == 1;
    let branch = branch(model, &closure.body).filter(|_| plain)?;
    Some((closure.inputs.first()?, branch))
}

/// A verb that says how long it waits.
fn bounded(call: &ExprMethodCall) -> Option<(Verb<'_>, Span)> {
    let until = match (call.method.to_string().as_str(), call.args.first(), call.args.len()) {
        ("within", Some(span), 1) => Some(Until::After(span)),
        ("until", Some(at), 1) => Some(Until::At(at)),
        ("forever", None, 0) => None,
        _ => return None,
    };
    let (waits, pivot) = unbounded(&call.receiver)?;
    let argument = waits.args.first()?;
    let verb = if waits.method == "wait" {
        if pivot {
            return None;
        }
        Verb::Wait { signals: argument, until }
    } else {
        Verb::Child { ty: only_type(waits)?, input: argument, pivot, until }
    };
    Some((verb, waits.method.span()))
}

/// `cx.wait(..)` or `cx.child::<..>(..)`, which have to say how long they wait; and whether it is a pivot.
pub(crate) fn unbounded(expr: &Expr) -> Option<(&ExprMethodCall, bool)> {
    match expr {
        Expr::Paren(paren) => unbounded(&paren.expr),
        Expr::MethodCall(call) if is_on_context(call) => {
            let waits = call.method == "wait" || call.method == "child";
            (waits && call.args.len() == 1).then_some((call, false))
        }
        Expr::MethodCall(call) if call.method == "pivot" && call.args.is_empty() => {
            let (child, _) = unbounded(&call.receiver)?;
            (child.method == "child").then_some((child, true))
        }
        _ => None,
    }
}

/// `Checkout` of `cx.child::<Checkout>(..)`.
fn only_type(call: &ExprMethodCall) -> Option<&Type> {
    let AngleBracketedGenericArguments { args, .. } = call.turbofish.as_ref()?;
    match (args.len(), args.first()) {
        (1, Some(GenericArgument::Type(ty))) => Some(ty),
        _ => None,
    }
}

/// `Self::DECIDED`, or a tuple of them: each as written, with the index of its signal if it is one of this saga's.
pub(crate) fn signals<'e>(model: &Model, expr: &'e Expr) -> Vec<(&'e Expr, Option<usize>)> {
    match expr {
        Expr::Paren(paren) => signals(model, &paren.expr),
        Expr::Tuple(tuple) => tuple.elems.iter().flat_map(|elem| signals(model, elem)).collect(),
        Expr::Path(path) if path.path.segments.len() == 2 => {
            let name = &path.path.segments[1].ident;
            vec![(expr, model.signals.iter().position(|signal| signal.ident == *name))]
        }
        other => vec![(other, None)],
    }
}

/// Whether this is the function that stands for `join!`.
pub(crate) fn is_join(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident(JOIN))
}

/// Whether this macro is the runtime's own `join!`: by its name alone, or by a path through the runtime.
pub(crate) fn is_own_join(model: &Model, path: &syn::Path) -> bool {
    let mut names = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
    let last = names.pop();
    let runtime = || model.krate.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
    last.is_some_and(|last| last == "join") && (names.is_empty() || names == ["saga_runtime"] || names == runtime())
}

/// How the function that stands for `join!` is shown to people.
pub(crate) fn shown(ident: &Ident) -> Option<&'static str> {
    (ident == JOIN).then_some("join!")
}

/// Makes a call of each `join!`, so that its branches are seen as the expressions that they are. One with too few or too
/// many branches stays: the macro itself says so.
pub(crate) fn open_joins(model: &Model, body: &mut syn::Block) {
    struct Open<'m>(&'m Model);
    impl VisitMut for Open<'_> {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            if let Expr::Macro(mac) = expr
                && is_own_join(self.0, &mac.mac.path)
                && let Some(name) = mac.mac.path.segments.last()
                && let Ok(branches) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(mac.mac.tokens.clone())
                && (2..=8).contains(&branches.len())
            {
                let (join, attrs) = (Ident::new(JOIN, name.ident.span()), std::mem::take(&mut mac.attrs));
                let mut call: syn::ExprCall = syn::parse_quote!(#join(#branches));
                call.attrs = attrs;
                *expr = Expr::Call(call);
            }
            syn::visit_mut::visit_expr_mut(self, expr);
        }
        fn visit_item_mut(&mut self, _: &mut syn::Item) {}
    }
    Open(model).visit_block_mut(body);
}
