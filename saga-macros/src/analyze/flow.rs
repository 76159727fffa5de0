//! `#[flow]` methods: their signatures. Their bodies are the flow phases' matter.

use super::{
    signature::{self, Context, Written},
    step,
};
use crate::{
    errors::{Errors, SYNTAX},
    model::{Flow, Input, Parameter, Role},
    owned::{bare, borrows, owned},
    parse::{Method, SagaImpl},
    pretty,
};
use quote::quote;
use syn::{Type, spanned::Spanned};

/// The flows, the main one first, if there is a main one that the later phases can read.
pub(super) fn flows(saga: &SagaImpl, errors: &mut Errors) -> Option<Vec<Flow>> {
    let (inner, main): (Vec<_>, Vec<_>) =
        saga.flows.iter().partition(|method| method.options.flag("inner", errors).is_some());
    let main = match &main[..] {
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
        [method] => one(method, errors),
        several => {
            for method in several {
                errors.span(
                    "flow_count",
                    method.sig.ident.span(),
                    "a saga has one main flow\nhelp: make each flow a saga of its own, or all but one inner flows that it \
                     calls: `#[flow(inner)]`",
                );
                signature::check(method, "flow", errors);
            }
            None
        }
    };
    let inner = inner.into_iter().map(|method| {
        let known = errors.count();
        let flow = self::inner(method, errors);
        errors.of_signature(&method.sig.ident, known);
        flow
    });
    let inner: Vec<_> = inner.collect();
    let mut flows = vec![main?];
    for flow in inner {
        flows.push(flow?);
    }
    Some(flows)
}

/// An inner flow: called like a step, with arguments like a step's.
fn inner(method: &Method, errors: &mut Errors) -> Option<Flow> {
    let written = signature::check(method, "inner flow", errors);
    let name = &method.sig.ident;
    let mut parameters = Vec::new();
    let mut inputs = Vec::new();
    let mut own = None;
    for Written { ident, mutable, ty } in written {
        let role = match signature::context(ty) {
            Some(context) => {
                if context != Context::Flow || own.is_some() {
                    errors.at(
                        "flow_inputs",
                        ty,
                        format_args!(
                            "inner flow `{name}` takes its context as `{}`, or twice\nhelp: take `{ident}: &FlowContext`, once",
                            pretty::tokens(ty)
                        ),
                    );
                }
                own.get_or_insert_with(|| ident.clone());
                Role::Context
            }
            None => step::argument(ty, ident, "inner flow", name, errors),
        };
        if let Role::Argument { owned } = &role {
            if mutable && borrows(ty) {
                errors.at(
                    "signature",
                    ident,
                    format_args!(
                        "parameter `{ident}` of inner flow `{name}` is borrowed again after each step, so it cannot be `mut`\n\
                         help: bind it to a local of its own: `let mut {ident} = {ident}.clone();`"
                    ),
                );
            }
            inputs.push(Input { ident: ident.clone(), mutable, ty: ty.clone(), owned: owned.clone() });
        }
        parameters.push(Parameter { ident: ident.clone(), ty: ty.clone(), role });
    }
    if own.is_none() {
        errors.at(
            "flow_inputs",
            name,
            format_args!("inner flow `{name}` takes no context\nhelp: add `cx: &FlowContext`"),
        );
    }
    read(method, own?, parameters, inputs, errors)
}

/// The flow, whose body is read by now.
fn read(
    method: &Method,
    context: syn::Ident,
    parameters: Vec<Parameter>,
    inputs: Vec<Input>,
    errors: &mut Errors,
) -> Option<Flow> {
    let (attrs, vis, sig, body) = (&method.attrs, &method.vis, &method.sig, &method.body);
    let parsed = syn::parse2(quote!(#(#attrs)* #vis #sig #body)).or_else(|error| {
        errors.syntax(SYNTAX, error);
        // Whoever is typing in the body still has a flow from this to that; it is not lowered.
        syn::parse2(quote!(#(#attrs)* #vis #sig {}))
    });
    Some(Flow {
        method: parsed.ok()?,
        context,
        parameters,
        inputs,
        output: step::output(&method.sig.output),
        docs: method.docs(),
    })
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

    let main =
        Input { ident: input.ident.clone(), mutable: input.mutable, ty: input.ty.clone(), owned: input.ty.clone() };
    read(method, contexts.first()?.ident.clone(), Vec::new(), vec![main], errors)
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
