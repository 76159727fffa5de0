//! One `#[step]` method.

use super::{
    policy::Policy,
    returns::Returns,
    signature::{self, Context, Written},
};
use crate::{
    errors::Errors,
    model::{Class, Parameter, Refusable, Role, Step},
    owned::owned,
    parse::{Method, check_name},
    pretty,
};
use proc_macro2::Span;
use quote::quote;
use syn::{ReturnType, Type, ext::IdentExt};

/// A step, and the span of its durable name.
pub(super) fn step(method: &Method, errors: &mut Errors) -> (Step, Span) {
    let (options, sig) = (&method.options, &method.sig);
    let written = signature::check(method, "step", errors);
    let parameters = parameters(&written, "step", &sig.ident, errors);
    let (class, class_span) = class(method, errors);
    let (name, name_span) = name(method, errors);
    let policy = Policy::of_step(options, errors);
    let key_valid = options.duration("key_valid", errors).map(|(valid, _)| valid);
    let idempotent = options.reason("idempotent", errors);
    let transactional = transactional(method, class, errors);
    useless(method, class, errors);

    let step = Step {
        ident: sig.ident.clone(),
        name,
        class,
        class_span,
        refusable: Returns::of(&sig.output).refusable(),
        output: output(&sig.output),
        attempts: policy.attempts,
        parks: policy.parks,
        longest: policy.longest.clone(),
        idempotent,
        no_compensation: options.reason("no_compensation", errors),
        transactional,
        // A retriable step and a pivot never exhaust: they park (docs/semantics.md, rule 11).
        policy: if policy.parks || matches!(class, Class::Pivot | Class::Retriable) {
            let parks = quote!(Policy::PARKS);
            Some(policy.on_top_of(&parks).unwrap_or(parks))
        } else {
            policy.on_top_of(&quote!(Policy::STEP))
        },
        policy_name: policy.name,
        key_valid,
        compensation: None,
        docs: method.docs(),
        parameters,
    };
    bounded(&step, errors);
    refusable(method, &step, errors);
    key(method, &step, errors);
    (step, name_span)
}

/// The parameters of a step or a compensation, with what each is.
pub(super) fn parameters(
    written: &[Written<'_>],
    what: &str,
    method: &syn::Ident,
    errors: &mut Errors,
) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for Written { ident, ty, .. } in written {
        let role = match signature::context(ty) {
            Some(Context::Step) if parameters.iter().any(|earlier| matches!(earlier.role, Role::Context)) => {
                errors.at(
                    "signature",
                    ty,
                    format_args!("{what} `{method}` takes its context twice\nhelp: remove one of the two"),
                );
                Role::Context
            }
            Some(Context::Step) => Role::Context,
            Some(Context::Flow) => {
                errors.at(
                    "signature",
                    ty,
                    format_args!("{what} `{method}` takes the flow's context, but only a flow has durable verbs\nhelp: take `{ident}: &StepContext`; the flow passes its own context as it is"),
                );
                Role::Context
            }
            Some(Context::Wrong) => {
                errors.at(
                    "signature",
                    ty,
                    format_args!(
                        "{what} `{method}` takes its context as `{}`\nhelp: take `{ident}: &StepContext`",
                        pretty::tokens(ty)
                    ),
                );
                Role::Context
            }
            None => argument(ty, ident, what, method, errors),
        };
        parameters.push(Parameter { ident: (*ident).clone(), ty: (*ty).clone(), role });
    }
    parameters
}

/// An argument in its owned form.
pub(super) fn argument(ty: &Type, ident: &syn::Ident, what: &str, method: &syn::Ident, errors: &mut Errors) -> Role {
    match owned(ty) {
        Ok(owned) => Role::Argument { owned },
        Err(why) => {
            errors.span(
                "unownable_argument",
                why.span,
                format_args!(
                    "parameter `{ident}` of {what} `{method}` cannot be saved as `{}`: {}\nhelp: {}",
                    pretty::tokens(ty),
                    why.reason,
                    why.help
                ),
            );
            Role::Argument { owned: ty.clone() }
        }
    }
}

/// The return type, `()` if there is none.
pub(super) fn output(output: &ReturnType) -> Type {
    match output {
        ReturnType::Type(_, ty) => (**ty).clone(),
        ReturnType::Default => syn::parse_quote!(()),
    }
}

/// The durable name and its span.
fn name(method: &Method, errors: &mut Errors) -> (String, Span) {
    let ident = &method.sig.ident;
    if let Some(name) = method.options.name(errors) {
        let span = match method.options.get("name").map(|option| &option.value) {
            Some(crate::parse::OptValue::Is(value)) => syn::spanned::Spanned::span(value),
            _ => ident.span(),
        };
        return (name, span);
    }
    let name = ident.unraw().to_string();
    if method.options.get("name").is_none()
        && let Err(reason) = check_name(&name)
    {
        errors.at(
            "bad_value",
            ident,
            format_args!("{reason}\nhelp: give the step a durable name of its own: `#[step(name = \"..\")]`"),
        );
    }
    (name, ident.span())
}

/// The class, and the span of the word that gives it.
fn class(method: &Method, errors: &mut Errors) -> (Class, Span) {
    let options = &method.options;
    let mut found = Vec::new();
    for (key, class) in [("read_only", Class::ReadOnly), ("pivot", Class::Pivot), ("retriable", Class::Retriable)] {
        if let Some(span) = options.flag(key, errors) {
            found.push((key, class, span));
        }
    }
    if let [(first, ..), (second, ..), ..] = &found[..] {
        for (_, _, span) in &found {
            errors.span(
                "unknown_option",
                *span,
                format_args!("a step is of one class, not both `{first}` and `{second}`\nhelp: remove one of the two"),
            );
        }
    }
    let declines = options.get("no_compensation");
    match (found.first(), declines) {
        (Some((key, class, span)), Some(declines)) => {
            for span in [*span, declines.key.span()] {
                errors.span(
                    "useless_compensation",
                    span,
                    format_args!("a `{key}` step is never compensated, so `no_compensation` says nothing\nhelp: remove one of the two"),
                );
            }
            (*class, *span)
        }
        (Some((_, class, span)), None) => (*class, *span),
        (None, Some(declines)) => (Class::NotCompensated, declines.key.span()),
        (None, None) => (Class::Compensatable, method.sig.ident.span()),
    }
}

/// Whether it commits in the store's transaction; options that this makes useless are reported.
fn transactional(method: &Method, class: Class, errors: &mut Errors) -> bool {
    let options = &method.options;
    let Some(span) = options.flag("transaction", errors) else { return false };
    if class == Class::ReadOnly {
        errors.span(
            "unknown_option",
            span,
            "`transaction` can have no effect: a read-only step writes nothing that would have to commit\n\
             help: remove it, or remove `read_only`",
        );
        return false;
    }
    for option in ["idempotent", "key_valid"].iter().filter_map(|key| options.get(key)) {
        errors.at(
            "unknown_option",
            &option.key,
            format_args!(
                "`{}` can have no effect: what a transactional step writes commits with its record, exactly once, and needs no \
                 key\nhelp: remove it",
                option.key
            ),
        );
    }
    true
}

/// Options that the class makes useless.
fn useless(method: &Method, class: Class, errors: &mut Errors) {
    let options = &method.options;
    if class == Class::ReadOnly {
        for option in ["idempotent", "key_valid"].iter().filter_map(|key| options.get(key)) {
            errors.at(
                "unknown_option",
                &option.key,
                format_args!(
                    "`{}` can have no effect: a read-only step changes nothing, so it needs no key\nhelp: remove it",
                    option.key
                ),
            );
        }
    } else if let (Some(valid), Some(_), None) =
        (options.get("key_valid"), options.get("idempotent"), options.get("transaction"))
    {
        errors.at(
            "unknown_option",
            &valid.key,
            "`key_valid` can have no effect: `idempotent` says that the step does without the key\nhelp: remove one of the two",
        );
    }
}

/// A step that must be retried until done, but whose attempts are counted.
fn bounded(step: &Step, errors: &mut Errors) {
    if let (Some((_, span)), false, Class::Pivot | Class::Retriable) = (step.attempts, step.parks, step.class) {
        let class = if step.class == Class::Pivot { "pivot" } else { "retriable step" };
        errors.span(
            "bounded_retriable",
            span,
            format_args!(
                "{class} `{}` cannot give up after its attempts: past it there is no way back\n\
                 help: leave `attempts` out, or say that a person will look at it: `attempts_then = \"park\"`",
                step.ident
            ),
        );
    }
}

/// A retriable step whose tokens already say that it can be refused.
fn refusable(method: &Method, step: &Step, errors: &mut Errors) {
    let returns = Returns::of(&method.sig.output);
    if let (Class::Retriable, Refusable::Yes, Some(word), Some(ok)) =
        (step.class, step.refusable, returns.error_word(), returns.ok())
    {
        errors.at(
            "retriable_can_refuse",
            word,
            format_args!(
                "retriable step `{}` can be refused, but past the pivot the saga only goes forward\n\
                 help: return `Result<{}, Transient>`, or make it a pivot: `#[step(pivot)]`",
                step.ident,
                pretty::tokens(ok)
            ),
        );
    }
}

/// A step with an effect needs the idempotency key, or the transaction.
fn key(method: &Method, step: &Step, errors: &mut Errors) {
    let has_context = signature::takes_context(method);
    if step.transactional && !has_context {
        errors.at(
            "missing_key",
            &step.ident,
            format_args!(
                "transactional step `{}` takes no `&StepContext`, where its transaction comes from: what it writes would not \
                 commit with its record\nhelp: add `cx: &StepContext` and write on `&mut *cx.transaction()?`",
                step.ident
            ),
        );
    } else if step.class != Class::ReadOnly && !has_context && method.options.get("idempotent").is_none() {
        let option = match step.class {
            Class::Pivot => "pivot, idempotent = \"why\"",
            Class::Retriable => "retriable, idempotent = \"why\"",
            _ => "idempotent = \"why\"",
        };
        errors.at(
            "missing_key",
            &step.ident,
            format_args!(
                "step `{}` takes no `&StepContext`, where the idempotency key comes from: a retry could do its work twice\n\
                 help: add `cx: &StepContext` and send `cx.key()` along, or say why it needs none: `#[step({option})]`",
                step.ident
            ),
        );
    }
}
