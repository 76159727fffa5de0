//! The output: the user's impl block as it was, and beside it the `Saga` impl.

mod assertions;
mod definition;
mod dispatch;
mod silenced;

pub(crate) use self::{
    dispatch::{asking, flow_returning, returning},
    silenced::{Silenced, Which},
};
use crate::{
    analyze::Returns,
    errors::Errors,
    model::{Flow, Machine, Machines, Model},
    owned::owned,
    parse::SagaImpl,
    pretty::number,
};
use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{AttrStyle, Ident, Meta, Type, spanned::Spanned};

/// The whole saga.
pub(crate) fn emit(saga: &SagaImpl, model: &Model, machines: &Machines) -> TokenStream {
    let plain = &saga.plain;
    let main = model.main();
    let ends = main.inputs.first().map(|input| ends(&input.ty, &main.output));
    let definition = definition::definition(model, machines);
    let returned = returned(&main.output);
    let inner = inner(model);
    let asked = assertions::children(saga, machines);
    let named = named(saga);
    let step = dispatch::step(model);
    let compensate = dispatch::compensate(model);
    let check_output = dispatch::check_output(model);
    let assertions = assertions::assertions(model);
    let saga_impl = implement(
        saga,
        &model.krate,
        &quote! {
            #ends
            const DEFINITION: &'static __def::Definition = #definition;

            fn __flow<'__saga>(
                &'__saga self,
                __cx: __rt::FlowContext,
                __drive: __rt::Drive<'__saga>,
            ) -> #returned {
                #named
                #assertions
                #asked
                __rt::Box::pin(<Self as __rt::Flow<0, _>>::machine(self, __cx, __drive))
            }

            #inner
            #step
            #compensate
            #check_output
        },
        model.flows.iter().zip(&machines.flows).map(|(flow, machine)| (&flow.output, self::machine(flow, machine))),
        dispatch::calls(saga, model),
    );
    quote!(#plain #saga_impl)
}

/// The flow's own `self`, which is the one that its body means, wherever both come from.
fn this(flow: &Flow) -> TokenStream {
    let receiver = flow.method.sig.receiver();
    receiver.map_or_else(|| quote!(self), |receiver| receiver.self_token.to_token_stream())
}

/// The machines of the inner flows, by their indices, if there are any.
fn inner(model: &Model) -> Option<TokenStream> {
    let inner = model.flows.get(1..).filter(|inner| !inner.is_empty())?;
    let arms = inner.iter().zip(1..).map(|(flow, index)| {
        let (index, name, returning) = (number(index), flow.name(), flow_returning(flow));
        quote!(#index => #returning.ended(#name, <Self as __rt::Flow<#index, _>>::machine(self, __cx, __drive)),)
    });
    Some(quote! {
        fn __inner<'__saga>(
            &'__saga self,
            __flow: usize,
            __cx: __rt::FlowContext,
            __drive: __rt::Drive<'__saga>,
        ) -> __rt::Executing<'__saga, __rt::Ended> {
            match __flow {
                #(#arms)*
                _ => __rt::no_such_flow(__flow),
            }
        }
    })
}

/// A flow's machine: an `async fn` like the flow itself, which returns the same type, written in the same place, and whose
/// body stands where the flow's does. So rustc says the same of both.
fn machine(flow: &Flow, machine: &Machine) -> TokenStream {
    let (this, context, output) = (this(flow), &flow.context, &flow.output);
    let mut body = Group::new(Delimiter::Brace, machine.body.clone());
    body.set_span(flow.method.block.brace_token.span.join());
    quote!(async fn machine(&#this, #context: __rt::FlowContext, mut __drive: __rt::Drive<'_>) -> #output #body)
}

/// What is left of a saga with mistakes: the user's items, so that the editor goes on, and an impl that does nothing, so
/// that nothing else turns red; and the mistakes.
pub(crate) fn inert(saga: &SagaImpl, model: Option<&Model>, errors: Errors) -> TokenStream {
    let calls = errors.silenced();
    let plain = silenced::silenced(saga.plain.clone(), &calls);
    let errors = errors.into_tokens();
    let krate = model.map_or_else(|| syn::parse_quote!(::saga_runtime), |model| model.krate.clone());
    let krate = saga.options.path("crate", &mut Errors::unheard()).unwrap_or(krate);
    let ends = model.map_or_else(
        || {
            quote!(
                type Input = ();
                type Output = ();
                type Refusal = __rt::Inert;
            )
        },
        |model| {
            // What has been reported of the input and the return type is not to be reported here again.
            let input = model.main().inputs.first().and_then(|input| owned(&input.ty).ok());
            let input = input.unwrap_or_else(|| syn::parse_quote!(()));
            let output = &model.main().output;
            match Returns::of_type(output) {
                returns if returns.flow().is_some() || matches!(returns, Returns::ByType) => ends(&input, output),
                _ => quote!(type Input = #input; type Output = (); type Refusal = __rt::Inert;),
            }
        },
    );
    let returned = returned(model.map_or(&*saga.header.self_ty, |model| &model.main().output));
    let named = named(saga);
    let saga_impl = implement(
        saga,
        &krate,
        &quote! {
            #ends
            const DEFINITION: &'static __def::Definition = &__def::Definition {
                name: "", version: 0, deadline: __rt::None, steps: &[], flows: &[], signals: &[],
                children: &[],
            };

            fn __flow<'__saga>(
                &'__saga self,
                _: __rt::FlowContext,
                _: __rt::Drive<'__saga>,
            ) -> #returned {
                #named
                ::core::unreachable!()
            }
        },
        std::iter::empty(),
        None,
    );
    // Rustc prints what it meets first: it is to be met in the order of the source.
    if calls.is_empty() { quote!(#plain #saga_impl #errors) } else { quote!(#errors #plain #saga_impl) }
}

/// `impl Saga for ..`, for each of the flows (what it returns, its machine) `impl Flow for ..`, and the methods by which those
/// call, in a place of their own where the two paths that generated code names are short.
fn implement<'f>(
    saga: &SagaImpl,
    krate: &syn::Path,
    items: &TokenStream,
    flows: impl Iterator<Item = (&'f Type, TokenStream)>,
    calls: Option<TokenStream>,
) -> TokenStream {
    let (impl_token, self_ty) = (&saga.header.impl_token, &saga.header.self_ty);
    let (generics, _, clause) = saga.header.generics.split_for_impl();
    // Where the block itself is left out, so is the machine.
    let cfgs =
        saga.header.attrs.iter().filter(|attr| matches!(attr.style, AttrStyle::Outer) && attr.path().is_ident("cfg"));
    let allowed = allowed(saga);
    let machines = flows.enumerate().map(|(index, (output, machine))| {
        let index = number(index);
        (quote!(__rt::Flow<#index, #output> for #self_ty), machine)
    });
    let made = calls.as_ref().map(|_| {
        quote!(
            /// Asks for a call of a step or an inner flow, with a method of the same parameters.
            struct __Calls<'c, 'e, S: ?__rt::Sized>(
                &'c mut __rt::Drive<'e>,
                &'c [__rt::Option<&'static str>],
                __rt::PhantomData<fn(&S)>,
            );
        )
    });
    let calls = calls.map(|methods| (quote!(__Calls<'_, '_, #self_ty>), methods));
    let saga_impl = std::iter::once((quote!(__rt::Saga for #self_ty), items.clone()));
    let impls = saga_impl.chain(machines).chain(calls).map(|(of, items)| {
        quote! {
            #[automatically_derived]
            #impl_token #generics #of #clause {
                #items
            }
        }
    });
    quote! {
        #(#cfgs)*
        // The flow stands here for a second time, with the user's own spans: rustc prints the same error once, but the same
        // warning twice. `warnings` are those that nobody has set to another level by name; the others are those that people
        // do set, and `deprecated`, which would be said of calls that the user has not written.
        #[allow(warnings, unused, unused_qualifications, clippy::all, clippy::pedantic, unfulfilled_lint_expectations, non_shorthand_field_patterns, deprecated)]
        #(#allowed)*
        const _: () = {
            use #krate::{definition as __def, machine as __rt};
            // What a type can do is its own; what it cannot is said once, and elsewhere.
            use __rt::{Told as _, ToldOfReturns as _, ToldOfSlot as _};
            #made
            #(#impls)*
        };
    }
}

/// What the user's attributes on the block and on its methods allow or expect: what is fine there is fine in the copy.
fn allowed(saga: &SagaImpl) -> Vec<TokenStream> {
    let methods = [&saga.flows, &saga.steps, &saga.compensations].into_iter().flatten();
    let signals = saga.signals.iter().flat_map(|signal| &signal.attrs);
    let attrs = saga.header.attrs.iter().chain(methods.flat_map(|method| &method.attrs)).chain(signals);
    let lints = attrs.filter_map(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => Some(&list.tokens),
        _ => None,
    });
    lints.map(|lints| quote!(#[allow(#lints)])).collect()
}

/// The types of the input and of both ends. Where the return type is written out, its own tokens are used, so that what
/// cannot be saved is shown there; an alias is asked by trait. The tokens around them carry the type's span as well, so that
/// what rustc says of the whole item (a private type, E0446) stands there too.
fn ends(input: &Type, output: &Type) -> TokenStream {
    let input = quote_spanned!(input.span()=> type Input = #input;);
    if let Some((ok, refusal)) = Returns::of_type(output).flow() {
        let output = quote_spanned!(ok.span()=> type Output = #ok;);
        let refusal = quote_spanned!(refusal.span()=> type Refusal = #refusal;);
        return quote!(#input #output #refusal);
    }
    let ends = quote_spanned! {output.span()=>
        type Output = <#output as __rt::FlowResult>::Output;
        type Refusal = <#output as __rt::FlowResult>::Refusal;
    };
    quote!(#input #ends)
}

/// What `__flow` returns; the same question about an alias as in [`ends`], at the same place.
fn returned(output: &Type) -> TokenStream {
    quote_spanned! {output.span()=>
        __rt::Executing<'__saga, __rt::Result<Self::Output, __rt::Unwind<Self::Refusal>>>
    }
}

/// Names every annotated method and constant, so that none is dead code, and follows the step in `#[compensate(step)]`, so that an
/// editor finds and renames it there too.
fn named(saga: &SagaImpl) -> TokenStream {
    let methods = [&saga.flows, &saga.steps, &saga.compensations].into_iter().flatten();
    let plain = methods.filter(|method| nameable(method)).map(|method| method.sig.ident.clone());
    let targets = saga.compensations.iter().filter_map(|method| method.options.target.clone());
    let known = |target: &Ident| saga.steps.iter().any(|step| step.sig.ident == *target && nameable(step));
    let names = plain.chain(targets.filter(known));
    // `const _` has no name.
    let signals = saga.signals.iter().map(|signal| signal.ident.clone()).filter(|name| name != "_");
    let names = names.chain(signals);
    quote!(#(let _ = Self::#names;)*)
}

/// Whether a method can be named without arguments for its generics.
fn nameable(method: &crate::parse::Method) -> bool {
    method.sig.generics.type_params().next().is_none()
        && method.sig.generics.const_params().next().is_none()
        && !method.sig.inputs.iter().any(|input| match input {
            syn::FnArg::Typed(typed) => has_impl_trait(&typed.ty),
            syn::FnArg::Receiver(_) => false,
        })
}

/// Whether a parameter's type makes its method generic.
fn has_impl_trait(ty: &Type) -> bool {
    struct Search(bool);
    impl<'ast> syn::visit::Visit<'ast> for Search {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut search = Search(false);
    syn::visit::Visit::visit_type(&mut search, ty);
    search.0
}
