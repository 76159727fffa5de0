//! The flow as a machine: names are resolved, the code is cut at its calls, what lives across a call is found, and the
//! machine is emitted. Mistakes are collected on the way; a flow with mistakes has no machine.

mod bindings;
mod calls;
mod check;
mod code;
mod emit;
mod graph;
mod live;
mod lower;
mod moves;
mod parts;
mod resolve;
mod solve;
mod states;
#[cfg(test)]
mod tests;
mod tokens;

use crate::{
    errors::Errors,
    model::{Machine, Model},
};
use bindings::{Bindings, Kind};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use std::collections::BTreeSet;
use syn::spanned::Spanned;

/// Lowers the flow of this saga.
pub(crate) fn lower(model: &Model, errors: &mut Errors) -> Option<Machine> {
    let mut body = model.flow.method.block.clone();
    let mut bindings = Bindings::default();
    let context = bindings.declare(&model.flow.context, false, Kind::Context);
    let input = bindings.declare(&model.flow.input, model.flow.input_mutable, Kind::Input);
    let scope = vec![context, input];
    resolve::resolve(&mut body, &mut bindings, scope.clone());
    parts::find_parts(&body, &mut bindings);
    check::check_body(model, &bindings, &body, errors);
    states::place_names(model, &mut body, errors);

    let mut lowered = lower::lower_body(model, &mut bindings, body, scope, errors);
    let names: Vec<String> = lowered
        .code
        .calls
        .iter()
        .map(|call| call.named.as_ref().map_or_else(|| model.steps[call.step].name.clone(), |(name, _)| name.clone()))
        .collect();
    check::check_states(model, &lowered.code, &names, errors);
    let after = check::check_paths(model, &lowered.code, errors);

    let solved = solve::solve(&lowered.code, &mut bindings);
    check::check_frames(&lowered.code, &names, &solved, &bindings, errors);
    if !errors.is_empty() {
        return None;
    }
    for call in &after.calls {
        lowered.graph.never_refused(lowered.code.calls[*call].node);
    }
    let mut machine = emit::emit(model, &lowered.code, &solved, &bindings, &lowered.items, input, &names);
    machine.body = with_questions(model, &after.by_type, &machine.body);
    (machine.nodes, machine.edges) = lowered.graph.tokens();
    Some(machine)
}

/// The machine, behind what only types can tell of the paths.
fn with_questions(model: &Model, by_type: &BTreeSet<usize>, body: &TokenStream) -> TokenStream {
    let questions = by_type.iter().map(|&step| {
        let output = &model.steps[step].output;
        let span = Span::call_site().located_at(output.span());
        quote_spanned!(span=> __rt::a_retriable_step_cannot_be_refused::<#output>();)
    });
    quote!(#(#questions)* #body)
}
