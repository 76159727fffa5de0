//! From a step's number and saved arguments to the call of the user's method; and the expressions by which a flow's
//! machine hands out an argument and takes an answer.
//!
//! What asks something of a type asks it by one function with the user's own tokens, wherever it stands, so that rustc finds
//! the same mistake in the same words at the same place, and prints it once.

use crate::{
    analyze::{Returns, outcome},
    model::{Flow, Model, Parameter, Role, Step},
    owned,
    parse::SagaImpl,
    pretty::number,
};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Type, ext::IdentExt, spanned::Spanned};

/// `__step`, if there are steps.
pub(super) fn step(model: &Model) -> Option<TokenStream> {
    let arms = model.steps.iter().enumerate().map(|(index, step)| {
        let span = step.ident.span();
        let (bindings, values) = arguments(&step.parameters);
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
        let (bindings, values) = arguments(&compensation.parameters);
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
        return quote!(__rt::StepReturns::<#ok, #err>::returning());
    }
    let output = &step.output;
    quote_spanned!(output.span()=> __rt::a_step_returns_this::<#output>())
}

/// What the machine can do with what this inner flow returns.
pub(crate) fn flow_returning(flow: &Flow) -> TokenStream {
    if let Some((ok, refusal)) = Returns::of_type(&flow.output).flow() {
        return quote!(__rt::FlowReturns::<#ok, #refusal>::returning());
    }
    let output = &flow.output;
    quote_spanned!(output.span()=> __rt::a_flow_returns_this::<#output>())
}

/// The methods by which the machine asks for the calls of its steps and inner flows. Each has the parameters of the user's
/// own, in the place of those, and is called with the user's own arguments: what rustc says of a wrong one, it says in the
/// same words of both. None, if there are neither steps nor inner flows.
pub(super) fn calls(saga: &SagaImpl, model: &Model) -> Option<TokenStream> {
    let steps = model.steps.iter().map(|step| (&step.ident, &step.parameters));
    let inner = model.flows.iter().skip(1).map(|flow| (&flow.method.sig.ident, &flow.parameters));
    let methods = steps.chain(inner).map(|(ident, parameters)| {
        let ident = asking(ident);
        let taken = parameters.iter().map(|Parameter { ident, ty, .. }| {
            let ty = without_self(ty.to_token_stream(), &saga.header.self_ty);
            quote!(#ident: #ty)
        });
        let arguments = parameters.iter().filter(|parameter| matches!(parameter.role, Role::Argument { .. }));
        let arguments = arguments.enumerate().map(|(index, parameter)| argument(saga, parameter, index));
        quote!(fn #ident(self, #(#taken),*) { #(#arguments)* })
    });
    let methods: Vec<TokenStream> = methods.collect();
    (!methods.is_empty()).then(|| quote!(#(#methods)*))
}

/// The name of such a method.
pub(crate) fn asking(method: &Ident) -> Ident {
    format_ident!("__ask_{}", method.unraw(), span = method.span())
}

/// Hands out an argument of a call: a statement.
fn argument(saga: &SagaImpl, parameter: &Parameter, index: usize) -> TokenStream {
    let (name, ident, ty) = (parameter.name(), &parameter.ident, &parameter.ty);
    // A reference is written as what it refers to.
    let (written, borrow) = match owned::bare(ty) {
        Type::Reference(reference) => (&*reference.elem, quote!()),
        other => (other, quote!(&)),
    };
    let written = without_self(written.to_token_stream(), &saga.header.self_ty);
    let index = number(index);
    quote! {
        self.0.argument(#name, #borrow #ident, __rt::Savable::<#written>::writes(), self.1.get(#index).copied().flatten());
    }
}

/// A type outside the user's block, where `Self` is another.
fn without_self(ty: TokenStream, own: &Type) -> TokenStream {
    let mut tokens = ty.into_iter().peekable();
    let mut output = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let is_path = matches!(tokens.peek(), Some(TokenTree::Punct(colon)) if colon.as_char() == ':');
                output.extend(if is_path { quote_spanned!(ident.span()=> <#own>) } else { own.to_token_stream() });
            }
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_self(group.stream(), own));
                inside.set_span(group.span());
                output.extend([TokenTree::Group(inside)]);
            }
            other => output.extend([other]),
        }
    }
    output
}

/// Reads the saved arguments into locals of the parameters' names, and says how each parameter is given its own.
fn arguments(parameters: &[Parameter]) -> (TokenStream, Vec<TokenStream>) {
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
                quote!(__arguments.get(#name, &__rt::Savable::<#ty>::codec()))
            }
            Role::Output => {
                values.push(quote!(#local));
                let ty = &parameter.ty;
                if let Some(inner) = outcome(ty) {
                    quote!(__rt::outcome(__output, &__rt::Savable::<#inner>::codec()))
                } else {
                    quote!(__rt::known_output(__output, &__rt::Savable::<#ty>::codec()))
                }
            }
        };
        bindings.extend(quote!(let #local = #saved?;));
    }
    (bindings, values)
}
