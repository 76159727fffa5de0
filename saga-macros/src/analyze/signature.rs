//! What every annotated method has in common: `async`, `&self`, no generics, parameters with plain names.

use super::returns::Returns;
use crate::{errors::Errors, owned::bare, parse::Method, pretty};
use syn::{FnArg, GenericParam, Ident, Pat, PatType, ReceiverKind, Type, spanned::Spanned};

/// A parameter as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'m> {
    /// Its name.
    pub(super) ident: &'m Ident,
    /// Whether it is `mut`.
    pub(super) mutable: bool,
    /// Its type.
    pub(super) ty: &'m Type,
}

/// Which context a type is, if it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// `&StepContext`
    Step,
    /// `&FlowContext`
    Flow,
    /// One of them, but not by shared reference.
    Wrong,
}

/// Whether this type is written as a context.
pub(super) fn context(ty: &Type) -> Option<Context> {
    let (shared, inner) = match bare(ty) {
        Type::Reference(reference) => (reference.mutability.is_none(), bare(&reference.elem)),
        other => (false, other),
    };
    let Type::Path(path) = inner else { return None };
    match path.path.segments.last()?.ident.to_string().as_str() {
        "StepContext" | "FlowContext" if !shared => Some(Context::Wrong),
        "StepContext" => Some(Context::Step),
        "FlowContext" => Some(Context::Flow),
        _ => None,
    }
}

/// Checks what every annotated method must keep, and returns its parameters as far as they have names.
pub(super) fn check<'m>(method: &'m Method, what: &str, errors: &mut Errors) -> Vec<Written<'m>> {
    let sig = &method.sig;
    let name = &sig.ident;
    if sig.asyncness.is_none() {
        errors.at(
            "signature",
            sig.fn_token,
            format_args!("{what} `{name}` is not async\nhelp: write `async fn {name}`"),
        );
    }
    if let Some(token) = &sig.constness {
        errors.at("signature", token, format_args!("{what} `{name}` cannot be `const`"));
    }
    if let syn::Safety::Unsafe(token) = &sig.safety {
        errors.at("signature", token, format_args!("{what} `{name}` cannot be `unsafe`: the runtime calls it"));
    }
    receiver(method, what, errors);
    for parameter in &sig.generics.params {
        if let GenericParam::Lifetime(lifetime) = parameter
            && borrows(method, &lifetime.lifetime.to_string())
        {
            // Reported at the argument that cannot be saved.
            continue;
        }
        let (token, help) = match parameter {
            GenericParam::Lifetime(lifetime) => (
                lifetime.lifetime.apostrophe,
                "leave the lifetime out: arguments are saved, so each attempt borrows from its own copy",
            ),
            GenericParam::Type(ty) => (ty.ident.span(), "name the type, or make it a parameter of the impl block"),
            GenericParam::Const(value) => (value.ident.span(), "make it a parameter of the impl block"),
        };
        errors.span(
            "signature",
            token,
            format_args!("{what} `{name}` has a generic parameter, but its call is saved by name alone\nhelp: {help}"),
        );
    }
    returns(method, what, errors);
    sig.inputs
        .iter()
        .filter_map(|input| if let FnArg::Typed(typed) = input { named(typed, what, name, errors) } else { None })
        .collect()
}

/// Whether a parameter other than the context names this lifetime.
fn borrows(method: &Method, lifetime: &str) -> bool {
    method.sig.inputs.iter().any(|input| match input {
        FnArg::Typed(typed) => {
            let words = pretty::tokens(&typed.ty);
            context(&typed.ty).is_none()
                && words.split(|c: char| c != '\'' && c != '_' && !c.is_alphanumeric()).any(|word| word == lifetime)
        }
        FnArg::Receiver(_) => false,
    })
}

/// Whether this is `&Self`: `&self`, written out.
fn is_ref_self(ty: &Type) -> bool {
    matches!(ty, Type::Reference(node) if node.lifetime.is_none()
        && node.mutability.is_none()
        && matches!(&*node.elem, Type::Path(path) if path.path.is_ident("Self")))
}

/// A method takes `&self`: it runs again and again, and beside others.
fn receiver(method: &Method, what: &str, errors: &mut Errors) {
    let name = &method.sig.ident;
    let why = "the runtime calls it for many instances at once";
    match method.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => match &receiver.kind {
            ReceiverKind::Reference(_, None, None) => {}
            ReceiverKind::Typed(_, ty) if is_ref_self(ty) => {}
            ReceiverKind::Reference(_, _, Some(mutable)) => errors.at(
                "signature",
                mutable,
                format_args!("{what} `{name}` takes `&mut self`, but {why}\nhelp: take `&self`; what changes belongs in the flow's locals or behind a lock"),
            ),
            ReceiverKind::Reference(_, Some(lifetime), None) => errors.at(
                "signature",
                lifetime,
                format_args!("{what} `{name}` names the lifetime of `&self`\nhelp: leave it out: `&self`"),
            ),
            _ => errors.at("signature", receiver.self_token, format_args!("{what} `{name}` takes `self` by value, but {why}\nhelp: take `&self`")),
        },
        _ => errors.at("signature", name, format_args!("{what} `{name}` does not take `&self`\nhelp: add `&self`")),
    }
}

/// A method returns a `Result`, as far as tokens tell.
fn returns(method: &Method, what: &str, errors: &mut Errors) {
    let name = &method.sig.ident;
    let fitting = match what {
        "flow" | "inner flow" => "Result<T, Unwind<R>>",
        "step" => "Result<T, Failure<R>>` or `Result<T, Transient>",
        _ => "Result<(), Transient>",
    };
    match Returns::of(&method.sig.output) {
        Returns::Nothing => {
            errors.at("signature", name, format_args!("{what} `{name}` returns nothing\nhelp: return `{fitting}`"));
        }
        Returns::Other(ty) => errors.at(
            "signature",
            ty,
            format_args!(
                "{what} `{name}` returns `{}`, which is no `Result`\nhelp: return `{fitting}`",
                pretty::tokens(ty)
            ),
        ),
        returns @ Returns::Result { .. } => {
            let Some(word) = returns.error_word() else { return };
            // A compensation that can be refused has a check of its own.
            let wrong: &[_] = if what.ends_with("flow") { &["Failure", "Transient"] } else { &["Unwind"] };
            if wrong.iter().chain(&["Box", "String"]).any(|wrong| word == wrong) {
                errors.at(
                    "signature",
                    word,
                    format_args!("{what} `{name}` cannot fail with `{word}`\nhelp: return `{fitting}`"),
                );
            }
        }
        Returns::ByType => {}
    }
}

/// Whether a method takes a context, under whatever name.
pub(super) fn takes_context(method: &Method) -> bool {
    method.sig.inputs.iter().any(|input| matches!(input, FnArg::Typed(typed) if context(&typed.ty).is_some()))
}

/// A parameter is a plain name: its argument is saved under it.
fn named<'m>(typed: &'m PatType, what: &str, method: &Ident, errors: &mut Errors) -> Option<Written<'m>> {
    match &*typed.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            Some(Written { ident: &pattern.ident, mutable: pattern.mutability.is_some(), ty: &typed.ty })
        }
        pattern => {
            errors.span(
                "signature",
                pattern.span(),
                format_args!(
                    "a parameter of {what} `{method}` has no plain name, but its argument is saved by name\n\
                     help: give it a name, and take it apart with `let` in the body"
                ),
            );
            None
        }
    }
}
