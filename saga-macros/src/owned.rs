//! The owned form of a parameter's type: what is saved of an argument, and how it is passed from there.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{GenericArgument, Ident, PathArguments, Type, TypeReference, spanned::Spanned, visit::Visit};

/// Why a type has no owned form, at which token, and what to write instead.
#[derive(Debug)]
pub(crate) struct Unownable {
    /// The token.
    pub(crate) span: Span,
    /// Why.
    pub(crate) reason: &'static str,
    /// What to write instead.
    pub(crate) help: String,
}

/// The owned form of this type: `&T` as `T`, `&[T]` as `Vec<T>`, `&str` as `String`, `&Path` as `PathBuf`,
/// `Option<&T>` as `Option<T>`, and everything else as it is.
pub(crate) fn owned(ty: &Type) -> Result<Type, Unownable> {
    let ty = bare(ty);
    let owned = if let Type::Reference(reference) = ty {
        referent(reference)?
    } else if let Some(reference) = optional_reference(ty) {
        with_argument(ty, &referent(reference)?)
    } else {
        ty.clone()
    };
    match Unnameable::find(&owned) {
        Some(unownable) => Err(unownable),
        None => Ok(owned),
    }
}

/// How the owned value of this name is passed to a parameter of this type.
pub(crate) fn passed(ty: &Type, value: &Ident) -> TokenStream {
    let ty = bare(ty);
    if matches!(ty, Type::Reference(_)) {
        return quote!(&#value);
    }
    let Some(reference) = optional_reference(ty) else { return quote!(#value) };
    let elem = bare(&reference.elem);
    if is_str(elem) || is_path(elem) || matches!(elem, Type::Slice(_)) {
        quote!(__rt::Option::as_deref(&#value))
    } else {
        quote!(__rt::Option::as_ref(&#value))
    }
}

/// Whether a parameter of this type borrows what is saved of it.
pub(crate) fn borrows(ty: &Type) -> bool {
    let ty = bare(ty);
    matches!(ty, Type::Reference(_)) || optional_reference(ty).is_some()
}

/// A type without the parentheses and invisible groups around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        other => other,
    }
}

/// What is behind a shared reference, in its owned form.
fn referent(reference: &TypeReference) -> Result<Type, Unownable> {
    if let Some(mutable) = &reference.mutability {
        return Err(Unownable {
            span: mutable.span,
            reason: "what a step changes through `&mut` would be lost: each attempt begins with the saved arguments",
            help: format!("take `&{}` and return what has changed", crate::pretty::tokens(&reference.elem)),
        });
    }
    if let Some(lifetime) = &reference.lifetime {
        return Err(Unownable {
            span: lifetime.span(),
            reason: "the argument is saved, so it cannot borrow for a lifetime that has a name",
            help: format!("leave the lifetime out: `&{}`", crate::pretty::tokens(&reference.elem)),
        });
    }
    let elem = bare(&reference.elem);
    let at = elem.span();
    Ok(match elem {
        Type::Slice(slice) => {
            let item = &slice.elem;
            syn::parse_quote_spanned!(at=> ::std::vec::Vec<#item>)
        }
        elem if is_str(elem) => Type::Verbatim(quote_spanned!(at=> ::std::string::String)),
        elem if is_path(elem) => Type::Verbatim(quote_spanned!(at=> ::std::path::PathBuf)),
        elem => elem.clone(),
    })
}

fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident("str"))
}

/// `Path`, which is saved as the `PathBuf` that owns it.
fn is_path(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.qself.is_none()
        && (path.path.is_ident("Path") || crate::pretty::tokens(&path.path).ends_with("std::path::Path"))
}

/// The reference within `Option<&T>`.
fn optional_reference(ty: &Type) -> Option<&TypeReference> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match (last.ident == "Option", arguments.args.len(), arguments.args.first()) {
        (true, 1, Some(GenericArgument::Type(Type::Reference(reference)))) => Some(reference),
        _ => None,
    }
}

/// `Option<inner>`, in which `Option` is the user's own word.
fn with_argument(ty: &Type, inner: &Type) -> Type {
    let mut ty = ty.clone();
    if let Type::Path(path) = &mut ty
        && let Some(last) = path.path.segments.last_mut()
    {
        last.arguments = PathArguments::AngleBracketed(syn::parse_quote!(<#inner>));
    }
    ty
}

/// Looks for what cannot stand in a type that is saved.
#[derive(Default)]
struct Unnameable {
    found: Option<Unownable>,
}

impl Unnameable {
    fn find(ty: &Type) -> Option<Unownable> {
        let mut search = Self::default();
        search.visit_type(ty);
        search.found
    }

    fn found(&mut self, span: Span, reason: &'static str, help: impl Into<String>) {
        self.found.get_or_insert(Unownable { span, reason, help: help.into() });
    }
}

impl<'ast> Visit<'ast> for Unnameable {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(reference) => {
                let owned = match bare(&reference.elem) {
                    elem if is_str(elem) => "String".to_owned(),
                    Type::Slice(slice) => format!("Vec<{}>", crate::pretty::tokens(&slice.elem)),
                    elem => crate::pretty::tokens(elem),
                };
                self.found(
                    reference.and_token.span,
                    "a reference within a type cannot be saved",
                    format!("take the owned `{owned}` here"),
                );
            }
            Type::ImplTrait(imp) => {
                self.found(imp.impl_token.span, "the argument is saved, so its type must have a name", "name a type");
            }
            Type::TraitObject(object) => self.found(
                object.span(),
                "a trait object cannot be saved and read back",
                "name a type, or make it a field of the saga",
            ),
            Type::Slice(slice) => {
                let item = crate::pretty::tokens(&slice.elem);
                self.found(
                    slice.bracket_token.span.join(),
                    "a slice has no owned form here",
                    format!("take `Vec<{item}>`"),
                );
            }
            Type::FnPtr(function) => {
                self.found(
                    function.fn_token.span,
                    "a function cannot be saved",
                    "pass the data it would be called with",
                );
            }
            Type::Ptr(pointer) => self.found(pointer.span(), "a pointer cannot be saved", "take an owned value"),
            Type::Infer(infer) => {
                self.found(
                    infer.underscore_token.span,
                    "the argument is saved, so its type must have a name",
                    "name the type",
                );
            }
            _ => syn::visit::visit_type(self, ty),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        self.found(
            lifetime.span(),
            "the argument is saved, so its type cannot borrow",
            "take a type that owns its data",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::owned;
    use crate::pretty::tokens;

    #[test]
    fn arguments_are_saved_in_their_owned_form() {
        for (ty, saved) in [
            ("Order", "Order"),
            ("&Order", "Order"),
            ("&str", "::std::string::String"),
            ("&Path", "::std::path::PathBuf"),
            ("Option<&std::path::Path>", "Option<::std::path::PathBuf>"),
            ("&[Hold]", "::std::vec::Vec<Hold>"),
            ("Option<&Order>", "Option<Order>"),
            ("Option<&[Hold]>", "Option<::std::vec::Vec<Hold>>"),
            ("(u8, Vec<Order>)", "(u8, Vec<Order>)"),
        ] {
            let ty = syn::parse_str(ty).unwrap();
            assert_eq!(tokens(owned(&ty).unwrap()), saved);
        }
    }

    #[test]
    fn what_borrows_or_has_no_name_has_no_owned_form() {
        for ty in [
            "&mut Order",
            "impl Into<String>",
            "&dyn Any",
            "Box<dyn Any>",
            "&'static str",
            "Cow<'_, str>",
            "Vec<&str>",
            "&&str",
            "fn(u8)",
            "*const u8",
            "&[&str]",
            "Option<&mut Order>",
        ] {
            let ty = syn::parse_str(ty).unwrap();
            assert!(owned(&ty).is_err(), "{}", tokens(&ty));
        }
    }
}
