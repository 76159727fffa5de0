//! The flow as a machine: names are resolved, the code is cut at its calls, what lives across a call is found, and the
//! machine is emitted. Mistakes are collected on the way; a flow with mistakes has no machine.

mod bindings;
mod calls;
mod check;
mod code;
mod draft;
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
mod verbs;

use crate::{
    errors::Errors,
    model::{Machines, Model},
};
use draft::{Draft, with_questions};

/// Lowers the flows of this saga.
pub(crate) fn lower(model: &Model, errors: &mut Errors) -> Option<Machines> {
    let drafts: Vec<Draft> = model.flows.iter().map(|flow| Draft::of(model, flow, errors)).collect();
    check::check_used(model, &drafts, errors);
    let summaries = check::summaries(model, &drafts, errors)?;
    let mut after = check::check_paths(model, &drafts[0].lowered.code, &summaries, errors);
    check::check_nest(model, &drafts, &after, errors);

    let mut machines = Machines { flows: Vec::new(), children: Vec::new() };
    for (index, mut draft) in drafts.into_iter().enumerate() {
        let solved = solve::solve(&draft.lowered.code, &mut draft.bindings);
        check::check_frames(&draft.lowered.code, &draft.names, &solved, &draft.bindings, errors);
        check::check_lazy(&draft.lowered.code, &draft.names, &solved, &draft.bindings, errors);
        if !errors.is_empty() {
            continue;
        }
        // The pivot stands in the main flow, which comes first.
        let after = std::mem::take(&mut after);
        for call in &after.calls {
            draft.lowered.graph.never_refused(draft.lowered.code.calls[*call].node);
        }
        let mut machine = emit::emit(model, &model.flows[index], &draft, &solved, &after, &mut machines.children);
        machine.body = with_questions(model, &after.by_type, &machine.body);
        (machine.nodes, machine.edges) = draft.lowered.graph.tokens();
        machines.flows.push(machine);
    }
    errors.is_empty().then_some(machines)
}
