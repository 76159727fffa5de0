//! What participants accepted, held against a journal that has ended.

use super::{
    Effect, Found, Kept, Ledger, Promise, Violation,
    walk::{Call, Journal},
};
use crate::{core::key::Purpose, definition::Class, store::Instance};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// What participants accepted, until it is known for whom that was.
pub(super) struct Effects<'a> {
    /// Of these instances, by saga and id, in order.
    named: HashMap<&'a str, HashMap<&'a str, Vec<&'a Effect>>>,
    /// Under these keys, of an instance that the participant does not know; with the place in the ledger.
    keyed: HashMap<&'a str, Vec<(usize, &'a Effect)>>,
}

impl<'a> Effects<'a> {
    pub(super) fn of(ledger: &'a Ledger) -> Self {
        let mut effects = Self { named: HashMap::new(), keyed: HashMap::new() };
        for (place, effect) in ledger.effects.iter().enumerate() {
            if effect.id.is_empty() {
                effects.keyed.entry(&*effect.key).or_default().push((place, effect));
            } else {
                effects.named.entry(&effect.saga).or_default().entry(&effect.id).or_default().push(effect);
            }
        }
        effects
    }

    /// Those of this instance.
    pub(super) fn take(&mut self, instance: &Instance, journal: &Journal) -> Vec<&'a Effect> {
        let of_saga = self.named.get_mut(&*instance.saga);
        let mut own = of_saga.and_then(|by_id| by_id.remove(&*instance.id)).unwrap_or_default();
        if self.keyed.is_empty() {
            return own;
        }
        let mut keyed = Vec::new();
        for call in journal.calls.values() {
            for purpose in [Purpose::Step, Purpose::Compensation] {
                keyed.extend(self.keyed.remove(&*call.key(&instance.birth, purpose)).into_iter().flatten());
            }
        }
        keyed.sort_by_key(|(place, _)| *place);
        own.extend(keyed.into_iter().map(|(_, effect)| effect));
        own
    }

    /// Those of nobody.
    pub(super) fn left(self) -> Vec<Violation> {
        let violation = |effect: &Effect, what: String| Violation {
            promise: Promise::RecordFirst,
            saga: effect.saga.clone(),
            id: effect.id.clone(),
            row: None,
            what: what.into(),
        };
        let named = self.named.into_values().flat_map(HashMap::into_values).map(|effects| {
            let what = format!("`{}` was accepted, and there is no such instance", effects[0].step);
            violation(effects[0], what)
        });
        let keyed = self.keyed.into_values().flatten().map(|(_, effect)| {
            let (step, key) = (&effect.step, &effect.key);
            violation(effect, format!("`{step}` was accepted under the key {key}, which no row announces"))
        });
        named.chain(keyed).collect()
    }
}

/// Every effect belongs to a call, none was accepted twice nor after its undo, one pivot was accepted at the most, what stands was
/// accepted, what was undone is undone, and nothing was taken back that had not been accepted.
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
        if !accepted.contains(undoes) {
            let what = format!("the undo of `{step}` took back what had not been accepted");
            wrong(Promise::AllOrNone, None, what);
        }
        if !taken_back.insert(undoes) {
            wrong(Promise::AllOrNone, None, format!("the undo of `{step}` was accepted twice"));
        }
        if call.undone.is_some_and(|(_, by_compensation)| !by_compensation) {
            // Somebody settled it, and what had been sent before that arrived all the same.
            continue;
        }
        if let Some(earlier) = undone.iter().find(|earlier| journal.follows(call, earlier) && call.stood_with(earlier))
        {
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
