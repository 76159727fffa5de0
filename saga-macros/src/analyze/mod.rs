//! From what is annotated to a model in which every name is resolved.

mod compensation;
mod flow;
mod policy;
mod returns;
mod signal;
mod signature;
mod step;

pub(crate) use self::{compensation::outcome, returns::Returns};
use crate::{
    errors::Errors,
    model::{Model, Step},
    parse::{Method, SagaImpl},
    pretty,
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Type, ext::IdentExt, spanned::Spanned};

/// Builds the model, and reports everything about it that tokens tell. Without a flow there is no model.
pub(crate) fn analyze(saga: &SagaImpl, errors: &mut Errors) -> Option<Model> {
    let name = saga.options.name(errors).unwrap_or_else(|| type_name(&saga.header.self_ty));
    let version = saga.options.number("version", errors).map_or(1, |(version, _)| version);
    let deadline = saga.options.duration("deadline", errors);
    let flows = flow::flows(saga, errors);
    bare_refusals(saga, errors);
    let signals = signal::signals(saga, errors);
    let mut names = Vec::new();
    let mut steps: Vec<(Step, &Method)> = Vec::new();
    for method in &saga.steps {
        let known = errors.count();
        let (step, span) = step::step(method, errors);
        errors.of_signature(&method.sig.ident, known);
        names.push((step.name.clone(), span));
        steps.push((step, method));
    }
    duplicates(&names, errors);
    compensation::pair(&saga.compensations, &mut steps, errors);
    Some(Model {
        krate: krate(saga, errors),
        name,
        version,
        deadline,
        flows: flows?,
        steps: steps.into_iter().map(|(step, _)| step).collect(),
        signals,
        helpers: saga.helpers.clone(),
    })
}

/// Where the runtime is.
pub(crate) fn krate(saga: &SagaImpl, errors: &mut Errors) -> syn::Path {
    saga.options.path("crate", errors).unwrap_or_else(|| syn::parse_quote!(::saga_runtime))
}

/// An optional value as a const expression.
pub(crate) fn optional(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(|| quote!(__rt::None), |value| quote!(__rt::Some(#value)))
}

/// A flow that fails with what its steps refuse with, where an `Unwind` of it is meant.
fn bare_refusals(saga: &SagaImpl, errors: &mut Errors) {
    let steps = saga.steps.iter().filter_map(|step| Returns::of(&step.sig.output).refusal());
    let refusals: Vec<String> = steps.map(pretty::tokens).collect();
    for method in &saga.flows {
        let Returns::Result { ok, err } = Returns::of(&method.sig.output) else { continue };
        let (name, ok, refusal) = (&method.sig.ident, pretty::tokens(ok), pretty::tokens(err));
        if refusals.contains(&refusal) {
            let known = errors.count();
            errors.span(
                "signature",
                err.span(),
                format_args!(
                    "flow `{name}` cannot fail with `{refusal}`, which is what a step refuses with: a step may also be exhausted\n\
                     help: return `Result<{ok}, Unwind<{refusal}>>`"
                ),
            );
            errors.of_signature(name, known);
        }
    }
}

/// Two steps of one durable name.
fn duplicates(names: &[(String, Span)], errors: &mut Errors) {
    for (index, (name, span)) in names.iter().enumerate() {
        if names.iter().enumerate().any(|(other, (same, _))| other != index && same == name) {
            errors.span(
                "duplicate_name",
                *span,
                format_args!("two steps have the durable name `{name}`, and their histories would mix\nhelp: give one of them another: `#[step(name = \"..\")]`"),
            );
        }
    }
}

/// The durable name of a saga that gives none: its type's, in snake case.
fn type_name(ty: &Type) -> String {
    let Type::Path(path) = crate::owned::bare(ty) else { return "saga".to_owned() };
    path.path.segments.last().map_or_else(|| "saga".to_owned(), |segment| snake(&segment.ident))
}

/// A type's name in snake case.
pub(crate) fn snake(ident: &Ident) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for letter in ident.unraw().to_string().chars() {
        if letter.is_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = letter.is_lowercase() || letter.is_ascii_digit();
        name.extend(letter.to_lowercase());
    }
    name
}
