//! The pipeline.

use crate::{analyze, emit, errors::Errors, flow, parse};
use proc_macro2::TokenStream;
use quote::quote;

/// `#[saga]`: parse, analyze, lower, emit.
pub(crate) fn saga(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(saga) = parse::parse(options, item, &mut errors) else {
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    };
    if errors.is_torn() {
        let model = analyze::analyze(&saga, &mut Errors::unheard());
        return emit::inert(&saga, model.as_ref(), errors);
    }
    let model = analyze::analyze(&saga, &mut errors);
    let whole = model.as_ref().filter(|_| !errors.is_torn() && saga.is_clear());
    let machine = whole.and_then(|model| flow::lower(model, &mut errors));
    if let (Some(model), Some(machine), true) = (&model, &machine, errors.is_empty()) {
        let _ = errors.into_tokens();
        return emit::emit(&saga, model, machine);
    }
    emit::inert(&saga, model.as_ref(), errors)
}

/// One of our inner attributes where no `#[saga]` has taken it away.
pub(crate) fn outside_saga(attribute: &str, item: &TokenStream) -> TokenStream {
    let item_is = if attribute == "signal" { "constant" } else { "method" };
    let mut errors = Errors::default();
    errors.span(
        "outside_saga",
        proc_macro2::Span::call_site(),
        format_args!(
            "`#[{attribute}]` does nothing outside a `#[saga]` impl block\n\
             help: annotate the impl block that this {item_is} stands in: `#[saga(name = \"..\")]`"
        ),
    );
    let errors = errors.into_tokens();
    quote!(#item #errors)
}
