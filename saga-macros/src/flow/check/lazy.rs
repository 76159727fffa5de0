//! Closures, iterators and futures that would have to be saved: they are code, and not values.
//!
//! What tokens tell: a local that is one because of how it is written. Of others, types tell.

use crate::{
    errors::Errors,
    flow::{
        bindings::{BindingId, Bindings},
        code::{Code, Node},
        solve::Solved,
    },
};
use proc_macro2::Span;
use std::collections::BTreeMap;
use syn::{Expr, Local, Pat, Stmt};

/// What a local is.
#[derive(Debug, Clone, Copy)]
enum Lazy {
    Closure,
    Iterator,
    Future,
}

/// Reports locals that are code and would be saved.
pub(crate) fn check_lazy(code: &Code, names: &[String], solved: &Solved, bindings: &Bindings, errors: &mut Errors) {
    let made = all_lazy(code, bindings);
    if made.is_empty() {
        return;
    }
    let mut reported = Vec::new();
    for (call, state) in names.iter().enumerate() {
        for (id, _) in solved.saved_at(code, bindings, call) {
            let Some(&(lazy, span)) = made.get(&id) else { continue };
            if reported.contains(&id) {
                continue;
            }
            reported.push(id);
            let name = &bindings[id].ident;
            let (what, help) = match lazy {
                Lazy::Closure => (
                    "closure",
                    format!("make it a method or a function, `fn {name}(..)`, or write it again after the step"),
                ),
                Lazy::Iterator => ("iterator", "`.collect::<Vec<_>>()` it, or make it again after the step".to_owned()),
                Lazy::Future => {
                    ("future", "do what it does in a step, and await that: `self.step(cx, ..).await`".to_owned())
                }
            };
            errors.span(
                "closure_across_step",
                span,
                format_args!(
                    "{what} `{name}` is needed after `{state}`, and cannot be saved: it is code, and no value\nhelp: {help}"
                ),
            );
        }
    }
}

/// The locals that are written as code, and where their names stand.
fn all_lazy(code: &Code, bindings: &Bindings) -> BTreeMap<BindingId, (Lazy, Span)> {
    let mut made = BTreeMap::new();
    for &block in &code.order {
        code.walk(code.blocks[block].root, &mut |node| {
            if let Node::Stmt(Stmt::Local(local)) = node
                && let Some((id, lazy, span)) = of_local(local, bindings)
            {
                made.insert(id, (lazy, span));
            }
        });
    }
    made
}

fn of_local(local: &Local, bindings: &Bindings) -> Option<(BindingId, Lazy, Span)> {
    let mut pat = &local.pat;
    if let Pat::Type(typed) = pat {
        pat = &typed.pat;
    }
    let Pat::Ident(pattern) = pat else { return None };
    let lazy = lazy(&local.init.as_ref()?.expr)?;
    Some((bindings.of(&pattern.ident)?, lazy, pattern.ident.span()))
}

fn lazy(expr: &Expr) -> Option<Lazy> {
    match expr {
        Expr::Paren(paren) => lazy(&paren.expr),
        Expr::Closure(_) => Some(Lazy::Closure),
        Expr::Async(_) => Some(Lazy::Future),
        Expr::MethodCall(_) => iterates(expr).then_some(Lazy::Iterator),
        _ => None,
    }
}

/// A chain of methods that begins an iterator and does not end it.
fn iterates(expr: &Expr) -> bool {
    const BEGIN: &[&str] = &[
        "iter",
        "iter_mut",
        "into_iter",
        "chars",
        "char_indices",
        "bytes",
        "lines",
        "split_whitespace",
        "keys",
        "values",
        "into_keys",
        "into_values",
        "drain",
        "windows",
        "chunks",
    ];
    const GO_ON: &[&str] = &[
        "map",
        "filter",
        "filter_map",
        "flat_map",
        "flatten",
        "enumerate",
        "zip",
        "rev",
        "skip",
        "take",
        "chain",
        "peekable",
        "skip_while",
        "take_while",
        "map_while",
        "step_by",
        "inspect",
        "cycle",
        "fuse",
        "scan",
        "cloned",
        "copied",
        "by_ref",
    ];
    let Expr::MethodCall(call) = expr else { return false };
    let is = |known: &[&str]| known.iter().any(|name| call.method == name);
    is(BEGIN) || (is(GO_ON) && iterates(&call.receiver))
}
