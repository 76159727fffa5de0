//! `SAGA_MACRO_DEBUG=Checkout cargo check`: what that saga expands to, formatted, on stderr.
//!
//! Formatting takes a crate that nobody else has to compile, so it is behind the feature `debug`. Without it a saga that is
//! asked for says so.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The variable: the names of types, with commas between them, or `*`.
const VARIABLE: &str = "SAGA_MACRO_DEBUG";

/// Prints what this saga expands to, if it is asked for; answers the expansion, which is to be made again whenever the
/// variable changes.
pub(crate) fn shown(item: &TokenStream, mut expansion: TokenStream) -> TokenStream {
    let asked = std::env::var(VARIABLE).ok();
    if let Some(name) = asked.as_deref().and_then(|asked| asked_for(asked, item)) {
        // In one piece: other crates are compiled at the same time.
        eprint!("{}", page(&name, &expansion));
    }
    expansion.extend(watch());
    expansion
}

/// The name of this saga's type, if it is among those that are asked for.
fn asked_for(asked: &str, item: &TokenStream) -> Option<String> {
    let name = type_name(item)?;
    asked.split(',').map(str::trim).any(|one| one == "*" || one == name).then_some(name)
}

/// `Checkout` of `impl<P: Payments> shop::Checkout<P> where P: Clone { .. }`, of whatever else the item is torn.
fn type_name(item: &TokenStream) -> Option<String> {
    let (mut name, mut depth, mut before) = (None, 0_usize, ' ');
    for token in item.clone() {
        match &token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && depth == 0 => return name,
            TokenTree::Ident(ident) if depth == 0 && ident == "where" => return name,
            TokenTree::Ident(ident) if depth == 0 && ident != "impl" => name = Some(ident.to_string()),
            _ => {}
        }
        let punct = if let TokenTree::Punct(punct) = &token { punct.as_char() } else { ' ' };
        match punct {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = punct;
    }
    None
}

#[cfg(feature = "debug")]
fn page(name: &str, expansion: &TokenStream) -> String {
    let here = proc_macro2::Span::call_site();
    let heading = format!("// `#[saga]` of `{name}`, {}:{}, expands to:", here.file(), here.start().line);
    match formatted(expansion) {
        Some(formatted) => format!("{heading}\n{formatted}\n"),
        None => format!("{heading} (tokens as they are, since they could not be formatted)\n{expansion}\n\n"),
    }
}

#[cfg(not(feature = "debug"))]
fn page(name: &str, _: &TokenStream) -> String {
    format!(
        "{VARIABLE} asks for `{name}`, but `saga-runtime` was built without the feature that shows it: \
         `saga-runtime = {{ features = [\"debug\"] }}`\n"
    )
}

/// As a page of Rust, if that is what it is.
#[cfg(any(feature = "debug", test))]
fn formatted(expansion: &TokenStream) -> Option<String> {
    let file = syn::parse2(expansion.clone()).ok()?;
    // It panics on syntax that it does not know.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| prettyplease::unparse(&file))).ok()
}

/// Cargo compiles again what has asked for a variable that has changed.
#[cfg(feature = "debug")]
fn watch() -> TokenStream {
    quote::quote!(
        const _: ::core::option::Option<&'static str> = ::core::option_env!(#VARIABLE);
    )
}

#[cfg(not(feature = "debug"))]
fn watch() -> TokenStream {
    TokenStream::new()
}

#[cfg(test)]
mod tests {
    use super::{asked_for, formatted};
    use quote::quote;

    #[test]
    fn a_saga_is_asked_for_by_its_type() {
        let asked = |asked: &str, item| asked_for(asked, &item);
        let checkout = Some("Checkout".to_owned());
        assert_eq!(asked("Checkout", quote!(impl Checkout {})), checkout);
        assert_eq!(asked("Refund, Checkout", quote!(impl Checkout {})), checkout);
        assert_eq!(
            asked(
                "*",
                quote!(
                    impl<P: Fn(u8) -> Vec<P>> shop::Checkout<P> where P: Clone {}
                )
            ),
            checkout
        );
        assert_eq!(asked("Check", quote!(impl Checkout {})), None);
        assert_eq!(asked("", quote!(impl Checkout {})), None);
        assert_eq!(
            asked("Checkout", quote!(#[doc = "it is"] #[cfg(all())] impl Checkout { async fn run { ( ) } })),
            checkout
        );
        assert_eq!(
            asked(
                "*",
                quote!(
                    struct Checkout;
                )
            ),
            None
        );
    }

    #[test]
    fn what_is_no_rust_is_not_formatted() {
        assert_eq!(
            formatted(&quote!(
                fn f() {
                    let x = 1;
                }
            ))
            .as_deref(),
            Some("fn f() {\n    let x = 1;\n}\n")
        );
        assert_eq!(formatted(&quote!(fn { } { })), None);
    }
}
