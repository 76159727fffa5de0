//! `#[derive(Refusal)]`.

use crate::errors::Errors;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

/// `impl Refusal`, and the two conversions that `?` uses.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let krate = krate(&input, &mut errors);
    let errors = errors.into_tokens();
    let ident = &input.ident;
    let mut generics = input.generics.clone();
    // What is generic is a refusal where it can be saved; a plain type has to be, and rustc says so at its name.
    if generics.type_params().next().is_some() {
        let (_, arguments, _) = input.generics.split_for_impl();
        let whole = quote!(#ident #arguments);
        generics.make_where_clause().predicates.push(parse_quote!(#whole: __rt::Persist + 'static));
    }
    let (impl_generics, arguments, clause) = generics.split_for_impl();
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use #krate::machine as __rt;

            #[automatically_derived]
            impl #impl_generics __rt::Refusal for #ident #arguments #clause {}

            #[automatically_derived]
            impl #impl_generics ::core::convert::From<#ident #arguments> for __rt::Failure<#ident #arguments> #clause {
                fn from(refusal: #ident #arguments) -> Self {
                    __rt::Failure::Refused(refusal)
                }
            }

            #[automatically_derived]
            impl #impl_generics ::core::convert::From<#ident #arguments> for __rt::Unwind<#ident #arguments> #clause {
                fn from(refusal: #ident #arguments) -> Self {
                    __rt::Unwind::Refused(refusal)
                }
            }
        };
        #errors
    }
}

/// `#[refusal(crate = path)]`.
fn krate(input: &DeriveInput, errors: &mut Errors) -> syn::Path {
    let mut krate = parse_quote!(::saga_runtime);
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("refusal")) {
        let read = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                krate = meta.value()?.parse()?;
                Ok(())
            } else {
                Err(meta.error("the only option of `#[refusal]` is `crate = path`"))
            }
        });
        if let Err(error) = read {
            errors.syntax("unknown_option", error);
        }
    }
    krate
}
