//! What only types can tell, asked in such a way that the answer stands at the user's own token.

use super::dispatch::returning;
use crate::{
    analyze::{Returns, outcome},
    model::{ChildKind, Class, Machines, Model, Parameter, Refusable, Role, Step},
    parse::SagaImpl,
    pretty,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use std::collections::BTreeSet;
use syn::{GenericArgument, PathArguments, Type, spanned::Spanned};

/// Statements that compile if the types agree, and do nothing.
pub(super) fn assertions(model: &Model) -> TokenStream {
    let mut assertions = each_once(model);
    for step in &model.steps {
        let output = &step.output;
        if let (Class::Retriable, Refusable::ByType) = (step.class, step.refusable) {
            assertions.extend(quote_spanned!(output.span()=> __rt::a_retriable_step_cannot_be_refused::<#output>();));
        }
        let Some(compensation) = &step.compensation else { continue };
        for parameter in &compensation.parameters {
            assertions.extend(agrees(step, parameter));
        }
    }
    for signal in &model.signals {
        let ty = &signal.ty;
        assertions.extend(quote_spanned!(ty.span()=> __rt::a_signal_is_saved::<#ty>();));
    }
    assertions
}

/// What is asked of every type that is saved, and of every way to fail: once, where it first stands, so that a type that lacks
/// something is named once. The ends of the main flow are asked by the trait.
fn each_once(model: &Model) -> TokenStream {
    let main = model.main();
    let ends = Returns::of_type(&main.output).flow();
    let mut known: BTreeSet<String> = main.inputs.iter().map(|input| spelled(&input.owned)).collect();
    known.extend(ends.map(|(output, _)| spelled(output)));
    let refusal = ends.map(|(_, refusal)| spelled(refusal));
    let mut asked = TokenStream::new();
    let returned = model.flows[1..].iter().filter_map(|flow| Returns::of_type(&flow.output).flow()).map(|(ok, _)| ok);
    let returned = returned.chain(model.steps.iter().filter_map(|step| Returns::of_type(&step.output).ok()));
    for ty in returned.filter(|ty| known.insert(spelled(ty))) {
        asked.extend(quote_spanned!(ty.span()=> __rt::a_value_is_saved::<#ty>();));
    }
    let flows = model.flows[1..].iter().map(|flow| &flow.parameters);
    let steps = model.steps.iter().map(|step| &step.parameters);
    // Last, since a compensation takes what its step takes and returns.
    let undos = model.steps.iter().filter_map(|step| step.compensation.as_ref()).map(|undo| &undo.parameters);
    let taken = flows.chain(steps).chain(undos).flatten().filter_map(|parameter| match &parameter.role {
        Role::Context => None,
        Role::Argument { owned } => Some(owned),
        Role::Output => Some(outcome(&parameter.ty).unwrap_or(&parameter.ty)),
    });
    for ty in taken.filter(|ty| known.insert(spelled(ty))) {
        asked.extend(quote_spanned!(ty.span()=> __rt::an_argument_is_saved::<#ty>();));
    }
    let mut ways = BTreeSet::new();
    for step in &model.steps {
        if let Returns::Result { err, .. } = Returns::of_type(&step.output)
            && ways.insert(spelled(err))
            && failure_of(err).is_none_or(|refused| Some(spelled(refused)) != refusal)
        {
            asked.extend(quote_spanned!(err.span()=> __rt::a_step_fails_with::<#err>();));
        }
    }
    for flow in &model.flows[1..] {
        if let Some((_, refused)) = Returns::of_type(&flow.output).flow()
            && Some(spelled(refused)) != refusal
            && ways.insert(spelled(refused))
        {
            asked.extend(quote_spanned!(refused.span()=> __rt::a_flow_is_refused_with::<#refused>();));
        }
    }
    asked
}

/// `R` of `Failure<R>`.
fn failure_of(err: &Type) -> Option<&Type> {
    let Type::Path(path) = err else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Failure")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Statements that compile if every saga that is called where this one can still unwind can be undone as a whole.
pub(super) fn children(saga: &SagaImpl, machines: &Machines) -> TokenStream {
    let undone = machines.children.iter().filter(|child| child.kind == ChildKind::Compensatable);
    let asked = undone.map(|child| {
        let ty = &child.ty;
        let name = pretty::tokens(ty);
        let message = format!(
            "child saga `{name}` cannot be undone as a whole (it has a pivot or a retriable step), but it is called where this \
             saga can still unwind; help: make its completion the point of no return: `cx.child::<{name}>(..).pivot()`; or \
             call it after the pivot"
        );
        let holds = quote_spanned!(ty.span()=> ::core::assert!(<#ty as __rt::Saga>::DEFINITION.is_compensable(), #message););
        // A constant cannot name `Self` or the generics of the impl block; what is asked within the method can, when it is built.
        let own = ty.to_token_stream().into_iter().any(|token| token.to_string() == "Self");
        if saga.header.generics.params.is_empty() && !own { quote!(const _: () = { #holds };) } else { quote!(const { #holds }) }
    });
    asked.collect()
}

/// A compensation's parameter has the type of what goes into it.
fn agrees(step: &Step, parameter: &Parameter) -> Option<TokenStream> {
    match &parameter.role {
        Role::Context => None,
        Role::Argument { owned, .. } => {
            let own = step.parameters.iter().find(|own| own.ident == parameter.ident)?;
            let Role::Argument { owned: taken, .. } = &own.role else { return None };
            (!same(owned, taken)).then(|| quote!(__rt::takes_what_the_step_takes::<#owned, #taken>();))
        }
        Role::Output => {
            let inner = outcome(&parameter.ty).unwrap_or(&parameter.ty);
            let same = Returns::of_type(&step.output).ok().is_some_and(|ok| same(inner, ok));
            let returning = returning(step);
            (!same).then(|| quote_spanned!(inner.span()=> #returning.is_taken_as::<#inner>();))
        }
    }
}

/// Equal tokens need no question.
fn same(a: &Type, b: &Type) -> bool {
    spelled(a) == spelled(b)
}

/// A type's tokens.
fn spelled(ty: &Type) -> String {
    ty.to_token_stream().to_string()
}
