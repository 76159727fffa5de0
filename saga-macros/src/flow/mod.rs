//! The flow as a machine: names are resolved, the code is cut at its calls, what lives across a call is found, and the
//! machine is emitted. Mistakes are collected on the way; a flow with mistakes has no machine.

mod bindings;
mod calls;
mod code;
mod emit;
mod graph;
mod live;
mod lower;
mod resolve;
mod solve;
mod states;
mod tokens;

use crate::{
    errors::Errors,
    model::{Machine, Model},
};
use bindings::{Bindings, Kind};

/// Lowers the flow of this saga.
pub(crate) fn lower(model: &Model, errors: &mut Errors) -> Option<Machine> {
    let mut body = model.flow.method.block.clone();
    let mut bindings = Bindings::default();
    let context = bindings.declare(&model.flow.context, false, Kind::Context);
    let input = bindings.declare(&model.flow.input, model.flow.input_mutable, Kind::Input);
    let scope = vec![context, input];
    resolve::resolve(&mut body, &mut bindings, scope.clone());
    states::place_names(model, &mut body, errors);
    let lowered = lower::lower_body(model, &mut bindings, body, scope, errors);
    let solved = solve::solve(&lowered.code, &mut bindings);
    let names: Vec<String> = lowered
        .code
        .calls
        .iter()
        .map(|call| call.named.as_ref().map_or_else(|| model.steps[call.step].name.clone(), |(name, _)| name.clone()))
        .collect();
    if !errors.is_empty() {
        return None;
    }
    let mut machine = emit::emit(model, &lowered.code, &solved, &bindings, &lowered.items, input, &names);
    (machine.nodes, machine.edges) = lowered.graph.tokens();
    Some(machine)
}
