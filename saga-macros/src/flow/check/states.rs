//! Names of states and of saved locals: each stands for one thing, wherever in the code that is.

use crate::{
    errors::Errors,
    flow::{
        bindings::Bindings,
        code::{Code, Job},
        solve::Solved,
    },
    model::{Callee, Model},
};
use std::collections::BTreeMap;

/// Reports names that look like the path of a join's branch, of which keys are made: `leg.1` begun for the first time, and the second
/// branch of the first join `leg`, would be one.
fn check_paths(code: &Code, names: &[String], errors: &mut Errors) {
    for (name, call) in names.iter().zip(&code.calls) {
        let Some((front, number)) = name.rsplit_once('.') else { continue };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let span = call.named.as_ref().map_or(call.span, |(_, span)| *span);
        errors.span(
            "bad_value",
            span,
            format_args!(
                "state `{name}` ends in a dot and a number, as the branches of a join do: two calls could have one key\n\
                 help: write `#[state(\"{front}_{number}\")]`"
            ),
        );
    }
}

/// Reports calls whose states have one name.
pub(crate) fn check_states(model: &Model, code: &Code, names: &[String], errors: &mut Errors) {
    check_paths(code, names, errors);
    let mut unnamed: BTreeMap<(&str, Option<Callee>), Vec<usize>> = BTreeMap::new();
    for (id, call) in code.calls.iter().enumerate() {
        if call.named.is_none() {
            // Two steps of one durable name are reported where they are declared.
            let step = match &call.job {
                Job::Call(branch) if matches!(branch.callee, Callee::Step(_)) => Some(branch.callee),
                _ => None,
            };
            unnamed.entry((&names[id], step)).or_default().push(id);
        }
    }
    for ((name, step), calls) in &unnamed {
        let same = unnamed
            .iter()
            .filter(|((known, other), _)| known == name && (other == step || other.is_none() || step.is_none()));
        let places: usize = same.map(|(_, calls)| calls.len()).sum();
        if places < 2 {
            continue;
        }
        for &call in calls {
            let what = match &code.calls[call].job {
                Job::Call(branch) => {
                    format!("{} `{}` is called at", Model::word(branch.callee), model.ident(branch.callee))
                }
                Job::Sleep(_) => "the flow sleeps at".to_owned(),
                Job::Wait { .. } => format!("`{name}` is waited for at"),
                Job::Join(_) | Job::Each(_) => format!("`{name}` is called or joined at"),
                Job::Child { .. } | Job::Launch { .. } => format!("saga `{name}` is started at"),
                Job::Send => "a signal is sent at".to_owned(),
            };
            errors.span(
                "ambiguous_state",
                code.calls[call].span,
                format_args!(
                    "{what} {places} places, and nothing tells their states apart\nhelp: name all but one: \
                     `#[state(\"second_{name}\")]` on the statement"
                ),
            );
        }
    }
    for (id, call) in code.calls.iter().enumerate() {
        let Some((name, span)) = &call.named else { continue };
        let same = names.iter().enumerate().any(|(other, known)| other != id && known == name);
        if same {
            errors.span(
                "duplicate_name",
                *span,
                format_args!("another state is called `{name}`\nhelp: give this one a name of its own"),
            );
        }
    }
}

/// Reports locals of one name that would be saved in one state.
pub(crate) fn check_frames(code: &Code, names: &[String], solved: &Solved, bindings: &Bindings, errors: &mut Errors) {
    let mut reported = Vec::new();
    for (call, state) in names.iter().enumerate() {
        let mut known = BTreeMap::new();
        for (id, _) in solved.saved_at(code, bindings, call) {
            let frame = &bindings[id].frame;
            let Some(first) = known.insert(frame.clone(), id) else { continue };
            if reported.contains(&(first, id)) {
                continue;
            }
            reported.push((first, id));
            for id in [first, id] {
                errors.span(
                    "ambiguous_state",
                    bindings[id].ident.span(),
                    format_args!(
                        "two locals called `{frame}` are needed after step `{state}`, and are saved by name\nhelp: rename one"
                    ),
                );
            }
        }
    }
}
