//! What a `for` iterates over, as far as its tokens tell.

use crate::flow::bindings::{Bindings, Kind};
use proc_macro2::Span;
use syn::{Expr, RangeLimits, spanned::Spanned};

/// How a loop finds its items again after a crash.
pub(super) enum Source {
    /// A range: what is left of it is saved.
    Range { start: Box<Expr>, end: Box<Expr>, closed: bool },
    /// A borrowed place: the position is saved, and the place is borrowed again.
    Place(Expr),
    /// Anything else is collected, once, into items that can be saved.
    Collected(Expr),
}

impl Source {
    pub(super) fn of(expr: Expr, bindings: &Bindings) -> Self {
        match expr {
            Expr::Paren(node) => Self::of(*node.expr, bindings),
            Expr::Range(node) => match (node.start, node.limits, node.end) {
                (Some(start), limits, Some(end)) => {
                    Self::Range { start, end, closed: matches!(limits, RangeLimits::Closed(_)) }
                }
                (start, limits, end) => {
                    Self::Collected(Expr::Range(syn::ExprRange { start, limits, end, attrs: node.attrs }))
                }
            },
            expr if borrows_place(&expr, bindings) => Self::Place(expr),
            expr => Self::Collected(expr),
        }
    }
}

/// Whether this borrows a place that stays the same while the loop runs, and nothing is computed on the way.
fn borrows_place(expr: &Expr, bindings: &Bindings) -> bool {
    match expr {
        Expr::Reference(node) => is_place(&node.expr),
        Expr::MethodCall(node) => {
            let constant = node.args.iter().all(|argument| matches!(argument, Expr::Lit(_)));
            match node.method.to_string().as_str() {
                "iter" | "iter_mut" | "keys" | "values" | "chunks" | "windows" => constant && is_place(&node.receiver),
                "enumerate" | "rev" | "skip" | "take" | "step_by" => {
                    constant && borrows_place(&node.receiver, bindings)
                }
                _ => false,
            }
        }
        // `let regions = &self.regions;` and the items of a loop around this one are borrowed again in each arm.
        Expr::Path(path) => {
            let local = path.path.get_ident().and_then(|ident| bindings.of(ident));
            local.is_some_and(|id| matches!(&bindings[id].kind, Kind::Derived(_)))
        }
        _ => false,
    }
}

fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => path.path.get_ident().is_some(),
        Expr::Field(field) => is_place(&field.base),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Index(node) => is_place(&node.expr) && is_fixed(&node.index),
        _ => false,
    }
}

/// Whether an index is the same whenever it is looked at: a literal, or a range of them.
fn is_fixed(index: &Expr) -> bool {
    match index {
        Expr::Lit(_) => true,
        Expr::Range(node) => node.start.iter().chain(&node.end).all(|end| matches!(**end, Expr::Lit(_))),
        _ => false,
    }
}

/// The part of the source that has no end, if it has none.
pub(super) fn endless(expr: &Expr) -> Option<Span> {
    match expr {
        Expr::Range(node) if node.end.is_none() => Some(node.span()),
        Expr::Paren(node) => endless(&node.expr),
        Expr::MethodCall(node) => match node.method.to_string().as_str() {
            "cycle" => Some(node.method.span()),
            "take" | "take_while" | "map_while" | "zip" | "scan" => None,
            _ => endless(&node.receiver),
        },
        Expr::Call(node) => {
            let Expr::Path(path) = &*node.func else { return None };
            let last = path.path.segments.last()?;
            matches!(last.ident.to_string().as_str(), "repeat" | "repeat_with" | "from_fn" | "successors")
                .then(|| last.ident.span())
        }
        _ => None,
    }
}
