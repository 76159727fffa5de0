//! One flow on its way to a machine: its names resolved, its code cut at its calls.

use super::{
    bindings::{BindingId, Bindings, Derivation, Kind},
    check, code, lower, parts, resolve, states, verbs,
};
use crate::{
    errors::Errors,
    model::{Flow, Input, Model},
    owned,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::collections::BTreeSet;
use syn::parse_quote_spanned;

/// A flow of which everything is known but what lives across its calls.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) bindings: Bindings,
    pub(crate) lowered: lower::Lowered,
    /// What each input of the flow is saved as.
    pub(crate) inputs: Vec<BindingId>,
    /// The names of the states.
    pub(crate) names: Vec<String>,
    /// What the body names, for what nobody calls.
    pub(crate) tokens: TokenStream,
}

impl Draft {
    /// Reads a flow.
    pub(crate) fn of(model: &Model, flow: &Flow, errors: &mut Errors) -> Self {
        let mut body = flow.method.block.clone();
        let tokens = body.to_token_stream();
        verbs::open_joins(model, &mut body);
        let mut bindings = Bindings::default();
        let mut scope = vec![bindings.declare(&flow.context, false, Kind::Context)];
        let mut inputs = Vec::new();
        for input in &flow.inputs {
            let (saved, seen) = declare(&mut bindings, input);
            inputs.push(saved);
            scope.push(seen);
        }
        resolve::resolve(&mut body, &mut bindings, scope.clone());
        parts::find_parts(&body, &mut bindings);
        check::check_body(model, flow, &body, errors);
        states::place_names(model, &mut body, errors);

        let lowered = lower::lower_body(model, &mut bindings, body, scope, errors);
        let name = |call: &code::Call| call.named.as_ref().map_or_else(|| call.name(model), |(name, _)| name.clone());
        let names: Vec<String> = lowered.code.calls.iter().map(name).collect();
        check::check_states(model, &lowered.code, &names, errors);
        Self { bindings, lowered, inputs, names, tokens }
    }
}

/// Declares an input: what is saved of it, and what the body sees. What is borrowed is saved in its owned form, and borrowed
/// again in each arm.
fn declare(bindings: &mut Bindings, input: &Input) -> (BindingId, BindingId) {
    if !owned::borrows(&input.ty) {
        let id = bindings.declare(&input.ident, input.mutable, Kind::Input);
        return (id, id);
    }
    let (ident, ty, span) = (&input.ident, &input.ty, input.ident.span());
    let frame = syn::ext::IdentExt::unraw(ident).to_string();
    let saved = bindings.invent("__owned", frame, false, span);
    let seen = bindings.declare(ident, false, Kind::Local);
    let (name, value) = (bindings.unique(seen), owned::passed(ty, &bindings.unique(saved)));
    let statement = parse_quote_spanned!(span=> let #name: #ty = #value;);
    bindings[seen].kind = Kind::Derived(Box::new(Derivation { statement, from: BTreeSet::from([saved]) }));
    (saved, seen)
}

/// The machine, behind what only types can tell of the paths.
pub(crate) fn with_questions(model: &Model, by_type: &BTreeSet<usize>, body: &TokenStream) -> TokenStream {
    let questions = by_type.iter().map(|&step| {
        let output = &model.steps[step].output;
        let span = proc_macro2::Span::call_site().located_at(syn::spanned::Spanned::span(output));
        quote::quote_spanned!(span=> __rt::a_retriable_step_cannot_be_refused::<#output>();)
    });
    quote!(#(#questions)* #body)
}
