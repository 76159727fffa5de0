//! The `#[flow]` method: its signature. Its body is the flow phases' matter.

use super::{
    signature::{self, Context, Written},
    step,
};
use crate::{
    checks::SYNTAX,
    errors::Errors,
    model::Flow,
    owned::{bare, owned},
    parse::{Method, SagaImpl},
    pretty,
};
use quote::quote;
use syn::{Type, spanned::Spanned};

/// The one flow, if there is one that the later phases can read.
pub(super) fn flow(saga: &SagaImpl, errors: &mut Errors) -> Option<Flow> {
    match &saga.flows[..] {
        [] => {
            errors.span(
                "flow_count",
                saga.header.self_ty.span(),
                format_args!(
                    "saga `{}` has no flow\nhelp: add the method that says in which order the steps run:\n    \
                     #[flow]\n    \
                     pub async fn run(&self, cx: &FlowContext, input: Input) -> Result<Output, Unwind<Refusal>> {{ .. }}",
                    pretty::tokens(&saga.header.self_ty)
                ),
            );
            None
        }
        [method] => {
            if let Some(target) = &method.options.target {
                errors.at("unknown_option", target, "`#[flow]` has no options");
            }
            one(method, errors)
        }
        several => {
            for method in several {
                errors.span(
                    "flow_count",
                    method.sig.ident.span(),
                    "a saga has one flow\nhelp: make each flow a saga of its own, or one of them a plain method",
                );
                signature::check(method, "flow", errors);
            }
            None
        }
    }
}

fn one(method: &Method, errors: &mut Errors) -> Option<Flow> {
    let written = signature::check(method, "flow", errors);
    let name = &method.sig.ident;
    let (contexts, inputs): (Vec<_>, Vec<_>) =
        written.iter().copied().partition(|parameter| signature::context(parameter.ty).is_some());
    for context in &contexts {
        if signature::context(context.ty) != Some(Context::Flow) {
            errors.at(
                "flow_inputs",
                context.ty,
                format_args!(
                    "flow `{name}` takes its context as `{}`\nhelp: take `{}: &FlowContext`",
                    pretty::tokens(context.ty),
                    context.ident
                ),
            );
        }
    }
    if contexts.is_empty() {
        errors.at("flow_inputs", name, format_args!("flow `{name}` takes no context\nhelp: add `cx: &FlowContext`"));
    }
    for context in contexts.iter().skip(1) {
        errors.at(
            "flow_inputs",
            context.ident,
            format_args!("flow `{name}` takes its context twice\nhelp: remove one of the two"),
        );
    }
    if inputs.is_empty() && written.len() + 1 >= method.sig.inputs.len() {
        errors.at(
            "flow_inputs",
            name,
            format_args!("flow `{name}` takes no input\nhelp: add one owned input: `input: Input`, or `_input: ()` if it needs none"),
        );
    }
    if inputs.len() > 1 {
        let types = inputs
            .iter()
            .map(|input| format!("{}: {}", input.ident, pretty::tokens(input.ty)))
            .collect::<Vec<_>>()
            .join(", ");
        for input in &inputs[1..] {
            errors.at(
                "flow_inputs",
                input.ident,
                format_args!(
                    "flow `{name}` takes another input than its first: what an instance is started with is one value, stored under one type\n\
                     help: make it one struct: `struct Input {{ {types} }}`"
                ),
            );
        }
    }
    let input = *inputs.first()?;
    owned_input(&input, method, errors);

    let (attrs, vis, sig, body) = (&method.attrs, &method.vis, &method.sig, &method.body);
    match syn::parse2(quote!(#(#attrs)* #vis #sig #body)) {
        Ok(parsed) => Some(Flow {
            method: parsed,
            context: contexts.first()?.ident.clone(),
            input: input.ident.clone(),
            input_mutable: input.mutable,
            input_ty: input.ty.clone(),
            output: step::output(&method.sig.output),
            docs: method.docs(),
        }),
        Err(error) => {
            errors.syntax(SYNTAX, error);
            None
        }
    }
}

/// The input is owned: an instance outlives whoever started it.
fn owned_input(input: &Written<'_>, method: &Method, errors: &mut Errors) {
    let name = &method.sig.ident;
    let text = pretty::tokens(input.ty);
    if let Type::Reference(reference) = bare(input.ty) {
        let owned = owned(input.ty).map_or_else(|_| pretty::tokens(&reference.elem), pretty::tokens);
        let owned = owned.replace("::std::string::", "").replace("::std::vec::", "");
        errors.span(
            "flow_inputs",
            reference.and_token.span,
            format_args!(
                "flow `{name}` borrows its input, but an instance outlives whoever started it\nhelp: take `{}: {owned}`",
                input.ident
            ),
        );
    } else if let Err(why) = owned(input.ty) {
        errors.span(
            "flow_inputs",
            why.span,
            format_args!("the input of flow `{name}` cannot be saved as `{text}`: {}\nhelp: {}", why.reason, why.help),
        );
    }
}
