//! What this build knows of where an instance stands (docs/semantics.md, rule 32).

use crate::{
    core::{self, Calling, Doing, Phase, Strand},
    definition::{Branch, Definition, State, Work},
};

/// What this build does not know, if there is something.
pub(crate) fn unknown_to(definition: &Definition, state: &core::State) -> Option<Box<str>> {
    if let Phase::Start = state.phase().beneath() {
        let parameter = definition.main().parameters.first().copied().unwrap_or_default();
        if !state.root.stored.contains_key(parameter) {
            return Some("start, with another input".into());
        }
    }
    if let Some(unknown) = unknown_strand(definition, 0, &state.root) {
        return Some(unknown);
    }
    let unknown = state.undos().into_iter().find(|undo| {
        let step = definition.step(&undo.step).and_then(|(_, step)| step.compensation.as_ref());
        step.is_none_or(|compensation| *compensation.name != *undo.compensation)
    })?;
    Some(format!("{} (compensation {})", unknown.step, unknown.compensation).into())
}

fn unknown_strand(definition: &Definition, flow: usize, strand: &Strand) -> Option<Box<str>> {
    let call = strand.phase.call()?;
    let (unknown, step) = (Some(Box::from(&*call.state)), call.step.as_ref());
    if call.branch.is_some() {
        // A branch that is one call: its state is the join's.
        let known = step.is_some_and(|at| definition.step(&at.step).is_some());
        return if known { None } else { unknown };
    }
    let state = definition.flows.get(flow).and_then(|flow| flow.state(&call.state)).map(|(_, state)| state);
    if let Some(signal) = strand.phase.calling().and_then(|calling| unknown_signal(definition, state, calling)) {
        return Some(format!("{} (signal {signal})", call.state).into());
    }
    let Some(state) = state else { return unknown };
    let same_step = match (state.work, step) {
        (Work::Step(index), Some(at)) => definition.steps.get(index).is_some_and(|step| *step.name == *at.step),
        (Work::Step(_), None) | (_, Some(_)) => false,
        (_, None) => true,
    };
    if !same_step || *state.fingerprint != *call.fingerprint {
        return unknown;
    }
    strand.phase.calling().and_then(|calling| beneath(definition, state.work, calling))
}

/// A signal that is waited for and that this build would not wait for here: under another name it could come and not be heard, and
/// its time would seem to run out. A signal is told from the others of its wait by its place, so that has to be the same as well.
fn unknown_signal<'c>(definition: &Definition, state: Option<&State>, calling: &'c Calling) -> Option<&'c str> {
    let Doing::Wait(wait) = &calling.doing else { return None };
    let known = |index: usize| definition.signals.get(index).map(|signal| signal.name);
    let here: Option<&[usize]> =
        state.and_then(|state| if let Work::Wait(here) = state.work { Some(here) } else { None });
    let mut waited = wait.signals.iter().map(|name| &**name).enumerate();
    let unknown = waited.find(|(place, name)| match here {
        Some(here) => here.get(*place).copied().and_then(known) != Some(*name),
        None => !definition.signals.iter().any(|signal| signal.name == *name),
    });
    unknown.map(|(_, name)| name)
}

fn beneath(definition: &Definition, work: Work, calling: &Calling) -> Option<Box<str>> {
    match &calling.doing {
        Doing::Flow(inner) => match inner_flow(work, None) {
            Some(flow) => unknown_strand(definition, flow, inner),
            None => Some((&*calling.call.state).into()),
        },
        Doing::Join(join) => join.running.iter().find_map(|(index, strand)| {
            unknown_strand(definition, inner_flow(work, Some(*index)).unwrap_or_default(), strand)
        }),
        _ => None,
    }
}

/// The inner flow that a state calls, in this branch if it is a join.
pub(super) fn inner_flow(work: Work, branch: Option<u32>) -> Option<usize> {
    let of = |branch| if let Branch::Flow(flow) = branch { Some(flow) } else { None };
    match (work, branch) {
        (Work::Flow(flow), None) => Some(flow),
        (Work::Each(branch), Some(_)) => of(branch),
        (Work::Join(branches), Some(index)) => of(*branches.get(index as usize)?),
        _ => None,
    }
}
