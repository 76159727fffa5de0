//! `#[derive(Refusal)]`.

use crate::{errors::Errors, parse::module};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
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
    let is_error = is_error(&input);
    let (impl_generics, arguments, clause) = generics.split_for_impl();
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use #krate::machine as __rt;

            // A type that is no refusal is not helped by a list of those that are.
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #impl_generics __rt::Refusal for #ident #arguments #clause {}

            #[automatically_derived]
            impl #impl_generics ::core::convert::From<#ident #arguments> for __rt::Failure<#ident #arguments> #clause {
                fn from(refusal: #ident #arguments) -> Self {
                    __rt::Failure::Refused(refusal)
                }
            }

            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #impl_generics __rt::IsARefusalOrAStepsFailure for #ident #arguments #clause {
                type Refusal = Self;

                fn unwind(self) -> __rt::Unwind<Self> {
                    __rt::Unwind::Refused(self)
                }
            }
        };
        #is_error
        #errors
    }
}

/// Says why the conversion collides with the one that every `Error` has, which rustc reports by itself (E0119): a constant
/// that asks whether the type is an `Error`, by the rule that an inherent constant goes before a trait's.
///
/// A generic type is not asked, since no constant can be: rustc's own error stands alone there.
fn is_error(input: &DeriveInput) -> TokenStream {
    if input.generics.params.iter().next().is_some() {
        return TokenStream::new();
    }
    let ident = &input.ident;
    let message = format!(
        "`{ident}` is a refusal and also a `std::error::Error`: `?` on an error means \"transient, try again\", and a \
         \"no\" would be retried for ever; help: remove `impl Error for {ident}` (or `derive(Error)`), or do not derive \
         `Refusal` and turn the error into one where it is known to be a \"no\""
    );
    quote_spanned! {ident.span()=>
        const _: () = {
            struct Asked<T>(::core::marker::PhantomData<T>);
            trait IsNoError {
                const IS_ERROR: bool = false;
            }
            impl<T> IsNoError for Asked<T> {}
            // For a refusal that is no `Error`, which is the rule, nobody asks for this one.
            #[allow(dead_code)]
            impl<T: ::core::error::Error> Asked<T> {
                const IS_ERROR: bool = true;
            }
            ::core::assert!(!Asked::<#ident>::IS_ERROR, #message);
        };
    }
}

/// `#[refusal(crate = path)]`.
fn krate(input: &DeriveInput, errors: &mut Errors) -> syn::Path {
    let mut krate = parse_quote!(::saga_runtime);
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("refusal")) {
        let read = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                krate = meta.value()?.call(module)?;
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
