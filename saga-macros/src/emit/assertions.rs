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
use syn::{Type, spanned::Spanned};

/// Statements that compile if the types agree, and do nothing.
pub(super) fn assertions(model: &Model) -> TokenStream {
    let mut assertions = TokenStream::new();
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
    a.to_token_stream().to_string() == b.to_token_stream().to_string()
}
