//! What participants accepted, held against a journal that has ended.

use super::{
    Found, Kept, Promise,
    walk::{Call, Journal},
};
use crate::{core::key::Purpose, definition::Class};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Every effect belongs to a call, none was accepted twice nor after its undo, one pivot was accepted at the most, what stands was
/// accepted, and what was undone is undone.
pub(super) fn holds(birth: &str, journal: &Journal, kept: Kept<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut wrong = |promise, row, what: String| found.push(Found { promise, row, what });
    let keys: HashMap<Arc<str>, &Call> =
        journal.calls.values().map(|call| (call.key(birth, Purpose::Step), call)).collect();
    let compensations: HashSet<Arc<str>> =
        journal.calls.values().map(|call| call.key(birth, Purpose::Compensation)).collect();
    let mut accepted: HashSet<&str> = HashSet::new();
    let mut undone: Vec<&Call> = Vec::new();
    let mut taken_back: HashSet<&str> = HashSet::new();
    // Of undos that found nothing to undo, too: what comes later is refused.
    let mut over: HashSet<&str> = HashSet::new();
    let mut pivot: Option<&Call> = None;
    for effect in kept.effects {
        let step = &effect.step;
        let call = keys.get(effect.undoes.as_deref().unwrap_or(&effect.key));
        let Some(call) = call.filter(|_| effect.undoes.is_none() || compensations.contains(&*effect.key)) else {
            wrong(Promise::RecordFirst, None, format!("`{step}` was accepted, and no row announces it"));
            continue;
        };
        let Some(undoes) = effect.undoes.as_deref() else {
            if over.contains(&*effect.key) {
                wrong(Promise::AllOrNone, None, format!("`{step}` was accepted after its undo"));
            } else if !accepted.insert(&effect.key) {
                wrong(Promise::AllOrNone, None, format!("`{step}` was accepted twice under one key"));
            } else if call.class == Some(Class::Pivot)
                && let Some(first) = pivot.replace(call)
            {
                let what = format!("`{step}` was accepted, a second pivot after `{}`", first.step);
                wrong(Promise::OnePivot, None, what);
            }
            continue;
        };
        over.insert(undoes);
        if !effect.changed {
            continue;
        }
        if !taken_back.insert(undoes) {
            wrong(Promise::AllOrNone, None, format!("the undo of `{step}` was accepted twice"));
        }
        if let Some(earlier) = undone.iter().find(|earlier| journal.follows(call, earlier)) {
            let what = format!("`{}` was undone before `{step}`, which was done after it", earlier.step);
            wrong(Promise::Reverse, None, what);
        }
        undone.push(call);
    }
    for (id, call) in journal.calls.iter().filter(|(_, call)| kept.steps.contains(&*call.step)) {
        let has_effect = call.class.is_some_and(Class::has_effect) && !call.transactional && !call.is_saga;
        if !has_effect || call.by_person {
            continue;
        }
        let key = call.key(birth, Purpose::Step);
        let stands = accepted.contains(&*key) && !taken_back.contains(&*key);
        let done = call.done.is_some() && call.undone.is_none();
        let row = Some(id.row);
        if done && !stands {
            wrong(
                Promise::AllOrNone,
                row,
                format!("`{}` is done by the journal, and no participant has it", call.step),
            );
        }
        // What somebody skipped is debt; what has no undo may stay.
        let by_compensation = call.undone.is_none_or(|(_, by_compensation)| by_compensation);
        let goes_back = (call.compensable && by_compensation) || call.class == Some(Class::Pivot);
        if !done && stands && goes_back {
            wrong(
                Promise::AllOrNone,
                row,
                format!("`{}` did not happen by the journal, and a participant has it", call.step),
            );
        }
    }
    found
}
