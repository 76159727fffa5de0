//! Attempts that this process has begun, so that none of them is forgotten where its future is dropped or its rows are rejected.

use super::worker::Worker;
use crate::{
    core::{
        Doing, Event, Failed, Phase, State, StepAt,
        decide::{key_expired, micros},
        phase::Tries,
    },
    store::Micros,
};
use std::collections::BTreeMap;

/// So many are kept before those are looked for that need not be.
const ROOM: usize = 64;

/// The last attempt in each strand: the row of its call, and its number.
#[derive(Debug, Default)]
pub(super) struct Begun {
    last: BTreeMap<Box<str>, (u64, u32)>,
    /// When there are more than so many, those are looked for that need not be kept.
    room: usize,
}

impl Worker {
    /// An attempt at the call of this row begins in this strand.
    pub(super) fn begins(&self, path: &str, row: u64, attempt: u32) {
        let mut shared = self.shared();
        let begun = &mut shared.begun;
        if begun.last.len() > begun.room && self.journal.is_committed() {
            // What came of the others is stored, unless they are still under way.
            let inner = self.journal.inner();
            begun.last.retain(|path, last| lost(&inner.state, path, *last).is_some());
            begun.room = ROOM + 2 * begun.last.len();
        }
        begun.last.insert(path.into(), (row, attempt));
    }

    /// What came of the last attempt is a park without a row of its own.
    pub(super) fn has_told(&self, path: &str) {
        self.shared().begun.last.remove(path);
    }

    /// Attempts of which no row says what came of them, though nothing of the instance runs: they were dropped under way, or their rows
    /// could not be written. They count, and may have taken effect.
    pub(super) fn lost_attempts(&self, why: &str) -> Vec<Event> {
        let shared = self.shared();
        let inner = self.journal.inner();
        let lost = shared.begun.last.iter().filter_map(|(path, begun)| Some((path, lost(&inner.state, path, *begun)?)));
        let rows = lost.map(|(path, (step, tries))| {
            let effect = step.class.has_effect() && !step.transactional;
            let (attempt, error) = (tries.count.saturating_add(1), why.into());
            let failed = Failed { attempt, error, effect, retry_at: self.again(&step, &tries) };
            Event::AttemptFailed(failed).within(path)
        });
        rows.collect()
    }

    /// When the next attempt is to be made after one that was lost: now, if there is one left.
    fn again(&self, step: &StepAt, tries: &Tries) -> Option<Micros> {
        let (_, step) = self.saga.definition().step(&step.step)?;
        let policy = self.engine.policies.bounds(&step.policy, step.policy_name);
        let tries = Tries { count: tries.count.saturating_add(1), ..tries.clone() };
        let now = self.engine.clock.now();
        let spent = key_expired(&tries, step.key_valid, now)
            || policy.retry.attempts.is_some_and(|most| tries.count.saturating_sub(tries.forgiven) >= most)
            || policy.deadline.is_some_and(|all| now >= tries.since.saturating_add(micros(all)));
        (!spent).then_some(now)
    }
}

/// The call of a step that stands in this strand, if it is the one of this row, and no row says what came of this attempt at it.
fn lost(state: &State, path: &str, (row, attempt): (u64, u32)) -> Option<(StepAt, Tries)> {
    // Of what is parked it is known what came of it.
    let Phase::Calling(calling) = &state.root.at(path)?.phase else { return None };
    match (&calling.doing, &calling.call.step) {
        (Doing::Step(tries), Some(step)) if calling.call.row == row && tries.count < attempt => {
            Some((step.clone(), tries.clone()))
        }
        _ => None,
    }
}
