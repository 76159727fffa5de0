//! From a step's number and saved arguments to the call of the user's method.

use crate::{
    analyze::outcome,
    model::{Model, Parameter, Role},
    owned,
};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

/// The body of `__step`.
pub(super) fn step(model: &Model) -> TokenStream {
    let arms = model.steps.iter().enumerate().map(|(index, step)| {
        let (bindings, values) = arguments(&step.parameters, step.ident.span());
        let (ident, output, name) = (&step.ident, &step.output, &step.name);
        let attempt = quote_spanned! {step.ident.span()=>
            __rt::attempt_on_any_thread(async move {
                #bindings
                <#output as __rt::StepResult>::into_attempted(self.#ident(#(#values),*).await, #name)
            })
        };
        quote!(#index => #attempt,)
    });
    quote! {
        match __step {
            #(#arms)*
            _ => ::core::unreachable!("this saga has no such step"),
        }
    }
}

/// The body of `__compensate`.
pub(super) fn compensate(model: &Model) -> TokenStream {
    let arms = model.steps.iter().enumerate().filter_map(|(index, step)| {
        let compensation = step.compensation.as_ref()?;
        let span = compensation.ident.span();
        let (bindings, values) = arguments(&compensation.parameters, span);
        let (ident, output) = (&compensation.ident, &compensation.output);
        let attempt = quote_spanned! {span=>
            __rt::attempt_on_any_thread(async move {
                #bindings
                <#output as __rt::CompensationResult>::into_attempted(self.#ident(#(#values),*).await)
            })
        };
        Some(quote!(#index => #attempt,))
    });
    quote! {
        match __step {
            #(#arms)*
            _ => ::core::unreachable!("this step has no compensation"),
        }
    }
}

/// The body of `__check_output`.
pub(super) fn check_output(model: &Model) -> TokenStream {
    let arms = model.steps.iter().enumerate().map(|(index, step)| {
        let output = &step.output;
        quote!(#index => <#output as __rt::StepResult>::check_output(__output),)
    });
    quote! {
        match __step {
            #(#arms)*
            _ => ::core::unreachable!("this saga has no such step"),
        }
    }
}

/// Reads the saved arguments into locals, and says how each parameter is given its own.
fn arguments(parameters: &[Parameter], span: Span) -> (TokenStream, Vec<TokenStream>) {
    let mut bindings = TokenStream::new();
    let mut values = Vec::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let local = Ident::new(&format!("__a{index}"), span);
        let name = parameter.name();
        match &parameter.role {
            Role::Context => values.push(quote_spanned!(span=> &__cx)),
            Role::Argument { owned: ty, .. } => {
                bindings.extend(read(&local, &quote_spanned!(span=> __arguments.get::<#ty>(#name)), span));
                values.push(owned::passed(&parameter.ty, &local));
            }
            Role::Output => {
                let inner = outcome(&parameter.ty);
                bindings.extend(read(&local, &quote_spanned!(span=> __rt::outcome::<#inner>(__output)), span));
                values.push(quote!(#local));
            }
        }
    }
    (bindings, values)
}

/// Binds a value that was saved; without it the method is not called.
fn read(local: &Ident, value: &TokenStream, span: Span) -> TokenStream {
    let error = format_ident!("__error", span = span);
    quote_spanned! {span=>
        let #local = match #value {
            ::core::result::Result::Ok(__value) => __value,
            ::core::result::Result::Err(#error) => return __rt::Attempted::Unreadable(#error),
        };
    }
}
