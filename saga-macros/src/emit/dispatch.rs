//! From a step's number and saved arguments to the call of the user's method; and the expressions by which a flow's
//! machine hands out an argument and takes an answer.
//!
//! What asks something of a type asks it by one function with the user's own tokens, wherever it stands, so that rustc finds
//! the same mistake in the same words at the same place, and prints it once.

use crate::{
    analyze::{Returns, optional, outcome},
    model::{Flow, Model, Parameter, Role, Step},
    owned,
    pretty::number,
};
use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Type, spanned::Spanned};

/// `__step`, if there are steps.
pub(super) fn step(model: &Model) -> Option<TokenStream> {
    let arms = model.steps.iter().enumerate().map(|(index, step)| {
        let span = step.ident.span();
        let (bindings, values) = arguments(&step.parameters, span);
        let (index, ident, returning, name) = (number(index), &step.ident, returning(step), &step.name);
        let attempt = attempt(
            span,
            quote! {
                #bindings
                __rt::Ok(#returning.attempted(self.#ident(#(#values),*).await, #name))
            },
        );
        quote!(#index => #attempt,)
    });
    (!model.steps.is_empty()).then(|| {
        quote! {
            fn __step<'__saga>(
                &'__saga self,
                __step: usize,
                __cx: __rt::StepContext,
                __arguments: &'__saga __rt::Arguments,
            ) -> __rt::Attempt<'__saga> {
                match __step {
                    #(#arms)*
                    _ => __rt::no_such_step(__step),
                }
            }
        }
    })
}

/// `__compensate`, if there are compensations.
pub(super) fn compensate(model: &Model) -> Option<TokenStream> {
    let arms = model.steps.iter().enumerate().filter_map(|(index, step)| {
        let compensation = step.compensation.as_ref()?;
        let span = compensation.ident.span();
        let (bindings, values) = arguments(&compensation.parameters, span);
        let (index, ident, output) = (number(index), &compensation.ident, &compensation.output);
        let attempt = attempt(
            span,
            quote! {
                #bindings
                __rt::Ok(<#output as __rt::CompensationResult>::into_attempted(self.#ident(#(#values),*).await))
            },
        );
        Some(quote!(#index => #attempt,))
    });
    let arms: Vec<TokenStream> = arms.collect();
    (!arms.is_empty()).then(|| {
        quote! {
            fn __compensate<'__saga>(
                &'__saga self,
                __step: usize,
                __cx: __rt::StepContext,
                __arguments: &'__saga __rt::Arguments,
                __output: __rt::Option<&'__saga __rt::RawValue>,
            ) -> __rt::Attempt<'__saga> {
                match __step {
                    #(#arms)*
                    _ => __rt::no_such_step(__step),
                }
            }
        }
    })
}

/// One attempt. Its future is shown at the method's name, where a future that cannot leave its thread is reported; what is
/// in it is resolved where the generated code stands, since the name may come from a macro, with locals of its own.
fn attempt(span: Span, body: TokenStream) -> TokenStream {
    let mut braces = Group::new(Delimiter::Brace, body);
    braces.set_span(span);
    quote_spanned!(span=> __rt::attempt_on_any_thread(async move #braces))
}

/// `__check_output`, if there are steps.
pub(super) fn check_output(model: &Model) -> Option<TokenStream> {
    let arms = model.steps.iter().enumerate().map(|(index, step)| {
        let (index, returning) = (number(index), returning(step));
        quote!(#index => #returning.check_output(__output),)
    });
    (!model.steps.is_empty()).then(|| {
        quote! {
            fn __check_output(__step: usize, __output: &__rt::RawValue) -> __rt::Result<(), __rt::JsonError> {
                match __step {
                    #(#arms)*
                    _ => __rt::no_such_output(__step),
                }
            }
        }
    })
}

/// What the machine can do with what this step returns: an expression of the type `Returning<..>`.
pub(crate) fn returning(step: &Step) -> TokenStream {
    if let Returns::Result { ok, err } = Returns::of_type(&step.output) {
        return quote!(__rt::a_step_returns::<#ok, #err>());
    }
    let output = &step.output;
    quote_spanned!(output.span()=> __rt::a_step_returns_this::<#output>())
}

/// What the machine can do with what this inner flow returns.
pub(crate) fn flow_returning(flow: &Flow) -> TokenStream {
    if let Some((ok, refusal)) = Returns::of_type(&flow.output).flow() {
        return quote!(__rt::a_flow_returns::<#ok, #refusal>());
    }
    let output = &flow.output;
    quote_spanned!(output.span()=> __rt::a_flow_returns_this::<#output>())
}

/// Hands out the next argument of a call: a statement. `value` is the user's expression, `local` the slot that it is, if it
/// is nothing else.
pub(crate) fn argument(parameter: &Parameter, value: &TokenStream, local: Option<&str>) -> TokenStream {
    let (name, ty) = (parameter.name(), &parameter.ty);
    let local = optional(local);
    // A reference is written as what it refers to.
    let (written, borrow) = match owned::bare(ty) {
        Type::Reference(reference) => (&*reference.elem, quote!()),
        other => (other, quote!(&)),
    };
    quote! {
        __drive.argument(#name, #borrow __rt::coerced::<#ty>(#value), __rt::an_argument_is_saved::<#written>(), #local);
    }
}

/// Reads the saved arguments into locals of the parameters' names, and says how each parameter is given its own.
fn arguments(parameters: &[Parameter], span: Span) -> (TokenStream, Vec<TokenStream>) {
    let mut bindings = TokenStream::new();
    let mut values = Vec::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let name = parameter.name();
        let mut local = parameter.ident.clone();
        local.set_span(Span::call_site());
        // So begins what else is in scope there.
        if name.starts_with("__") {
            local = format_ident!("__a{index}");
        }
        let saved = match &parameter.role {
            Role::Context => {
                values.push(quote!(&__cx));
                continue;
            }
            Role::Argument { owned: ty, .. } => {
                values.push(owned::passed(&parameter.ty, &local));
                let get = quote_spanned!(span=> .get::<#ty>(#name));
                quote!(__arguments #get)
            }
            Role::Output => {
                values.push(quote!(#local));
                let ty = &parameter.ty;
                let read = if let Some(inner) = outcome(ty) {
                    quote_spanned!(span=> __rt::outcome::<#inner>)
                } else {
                    quote_spanned!(span=> __rt::known_output::<#ty>)
                };
                quote!(#read(__output))
            }
        };
        bindings.extend(quote!(let #local = #saved?;));
    }
    (bindings, values)
}
