//! Attempts, as rows tell of them, and the bounds that they keep.
//!
//! What is asked of every journal: attempts are counted without a gap, none is made before its back-off is over nor after the call was
//! given up, and recoveries without progress end after the third. With the definition, also that no attempt is made, or planned, beyond
//! the policy of its step. An attempt that is lost in a crash counts; how many were, the rows tell as a range, and the kinder end of it
//! is taken.

use super::{
    Promise,
    walk::{Call, Journal, Stands, Wrong},
};
use crate::{
    core::{CallId, Decided, Event, Failed, How, ParkCause, Verb, decide::micros, is_within},
    definition::{Compensation, Definition, Policy, Step},
    engine::claimed::RECOVERIES,
    machine::Answer,
    store::Micros,
};
use std::{collections::BTreeSet, time::Duration};

/// The attempts at one call, or at its undo.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    /// The number of the last one that failed.
    count: u32,
    /// How many there were at the most when somebody asked for a retry: they do not count any more.
    forgiven: u32,
    /// From when on the policy counts time.
    since: Micros,
    /// When the first may have been made.
    first: Micros,
    /// When the next one is due.
    retry_at: Option<Micros>,
    /// Whether no further one is to be made by itself.
    over: bool,
    /// How many recoveries the journal had told of by then.
    recovered: u32,
}

/// What is known of how often something may be tried.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    definition: Option<&'static Definition>,
    /// Recoveries, all of them.
    recovered: u32,
    /// Recoveries without progress, up to the last row.
    in_a_row: u32,
}

impl Bounds {
    pub(super) fn by(definition: Option<&'static Definition>) -> Self {
        Self { definition, ..Self::default() }
    }

    fn step(&self, call: &Call) -> Option<&'static Step> {
        self.definition?.step(&call.step).map(|(_, step)| step)
    }
}

impl Attempts {
    /// None so far, of what may begin at this moment.
    pub(super) fn since(at: Micros) -> Self {
        Self { since: at, first: at, ..Self::default() }
    }

    /// What is wrong with it that one was made now; `recovered` is how many recoveries there were by now.
    fn made(&self, at: Micros) -> Option<String> {
        if self.over {
            return Some(format!("is attempted once more after attempt {}, and was given up then", self.count));
        }
        let due = self.retry_at.filter(|due| at < *due)?;
        Some(format!("is attempted {} µs before the back-off after attempt {} is over", due - at, self.count))
    }

    /// It failed.
    fn failed(&mut self, at: Micros, failed: &Failed, recovered: u32) -> Option<String> {
        let lost = recovered.saturating_sub(self.recovered);
        let next = self.count.saturating_add(1);
        let counted = (next..=next.saturating_add(lost)).contains(&failed.attempt);
        let wrong = self.made(at).or_else(|| {
            let (count, attempt) = (self.count, failed.attempt);
            (!counted)
                .then(|| format!("is told to fail at attempt {attempt} after {count} attempts and {lost} recoveries"))
        });
        self.count = failed.attempt;
        self.recovered = recovered;
        self.retry_at = failed.retry_at;
        self.over = failed.retry_at.is_none();
        wrong
    }

    /// Somebody asked for a retry.
    fn forgive(&mut self, at: Micros, recovered: u32) {
        self.forgiven = self.count.saturating_add(recovered.saturating_sub(self.recovered));
        self.since = at;
        self.retry_at = None;
        self.over = false;
    }

    /// What was due is lost in a crash, or is made at once.
    fn lost(&mut self, at: Micros) {
        self.retry_at = self.retry_at.filter(|due| at < *due);
    }

    /// How many attempts there are by this number that count.
    fn counts(&self, attempt: u32) -> u32 {
        attempt.saturating_sub(self.forgiven)
    }

    /// What is wrong with an attempt of this number.
    fn beyond(&self, attempt: u32, policy: &Policy, named: bool) -> Option<String> {
        let made = self.counts(attempt);
        let most = most(policy, named).filter(|most| made > *most)?;
        Some(format!("is attempted {made} times, and {most} is the most there may be"))
    }

    /// What is wrong with an attempt that is planned for this moment, after so many.
    fn planned(&self, due: Micros, policy: &Policy, named: bool, within: Option<Duration>) -> Option<String> {
        let made = self.counts(self.count);
        if let Some(most) = most(policy, named).filter(|most| made >= *most) {
            return Some(format!("is to be attempted once more after {made}, and {most} is the most there may be"));
        }
        let over = policy.deadline.filter(|all| due >= self.since.saturating_add(micros(*all)));
        let gone = within.filter(|all| due > self.since.saturating_add(micros(*all)));
        let all = over.or(gone)?;
        Some(format!("is to be attempted once more {} µs after the first, beyond {all:?}", due - self.since))
    }
}

/// How many attempts there may be, unless a named policy says so: what that said at the time is nowhere.
fn most(policy: &Policy, named: bool) -> Option<u32> {
    policy.retry.attempts.filter(|_| policy.own_retry || !named)
}

/// What is wrong with a failed attempt of a step, by its policy.
fn of_step(step: &Step, attempts: &Attempts, failed: &Failed) -> Option<String> {
    let named = step.policy_name.is_some();
    if let Some(what) = attempts.beyond(failed.attempt, &step.policy, named) {
        return Some(what);
    }
    let due = failed.retry_at?;
    let valid = step.key_valid.filter(|valid| due > attempts.first.saturating_add(micros(*valid)));
    let expired =
        valid.map(|valid| format!("is to be attempted once more when its key, valid for {valid:?}, has expired"));
    expired.or_else(|| attempts.planned(due, &step.policy, named, None))
}

/// The same of a compensation.
fn of_undo(compensation: &Compensation, attempts: &Attempts, failed: &Failed) -> Option<String> {
    let named = compensation.policy_name.is_some();
    if let Some(what) = attempts.beyond(failed.attempt, &compensation.policy, named) {
        return Some(what);
    }
    attempts.planned(failed.retry_at?, &compensation.policy, named, Some(compensation.within))
}

impl Journal {
    /// Holds a row against what it says of attempts.
    pub(super) fn is_bounded(&mut self, now: (u64, Micros), path: &str, event: &Event, wrong: &mut Wrong) {
        let (_, at) = now;
        let mut tell = |what: String| wrong.push((Promise::Bounded, what));
        match event {
            // It is progress to no one.
            Event::Snapshot { .. } => return,
            Event::Recovered { count } => {
                self.bounds.recovered += 1;
                self.bounds.in_a_row += 1;
                if *count != self.bounds.in_a_row {
                    tell(format!("it is recovery {} without progress, and is told as {count}", self.bounds.in_a_row));
                }
                if *count > RECOVERIES + 1 {
                    tell(format!("it is recovered {count} times without progress, and {RECOVERIES} is the most"));
                }
                for call in self.calls.values_mut() {
                    call.attempts.lost(at);
                    call.undoing.as_mut().into_iter().for_each(|attempts| attempts.lost(at));
                }
                return;
            }
            Event::Parked { cause: ParkCause::CrashLoop, .. } => {}
            other if self.bounds.in_a_row > RECOVERIES => {
                tell(format!("{RECOVERIES} recoveries were in vain, and it is not parked: {}", other.kind()));
            }
            _ => {}
        }
        self.bounds.in_a_row = 0;
        if let Some(what) = self.attempted(at, path, event) {
            wrong.push((Promise::Bounded, what));
        }
    }

    /// What is wrong with the attempt that a row tells of.
    fn attempted(&mut self, at: Micros, path: &str, event: &Event) -> Option<String> {
        match event {
            Event::AttemptFailed(failed) => {
                let (call, bounds) = self.at_leaf(path)?;
                let told = call.attempts.failed(at, failed, bounds.recovered);
                let beyond = || of_step(bounds.step(call)?, &call.attempts, failed);
                told.or_else(beyond).map(|what| format!("`{}` {what}", call.step))
            }
            Event::Answered { answer } | Event::Doubted { then: answer, .. } => {
                let (call, _) = self.at_leaf(path)?;
                let made = matches!(answer, Answer::Done(_) | Answer::Refused(_));
                if !made || call.is_saga || call.by_person {
                    return None;
                }
                call.attempts.made(at).map(|what| format!("`{}` {what}", call.step))
            }
            Event::CompensationFailed { call, failed } => {
                let (call, bounds) = (self.calls.get_mut(call)?, &self.bounds);
                let compensation = bounds.step(call).and_then(|step| step.compensation.as_ref());
                // When it was first due is told by no row of its own: not after it first failed.
                let attempts = call.undoing.get_or_insert_with(|| Attempts::since(at));
                let told = attempts.failed(at, failed, bounds.recovered);
                let beyond = || of_undo(compensation?, attempts, failed);
                told.or_else(beyond).map(|what| format!("the undo of `{}` {what}", call.step))
            }
            Event::Undone { call, how: How::Done } => {
                let call = self.calls.get(call)?;
                let told = call.undoing.as_ref()?.made(at)?;
                Some(format!("the undo of `{}` {told}", call.step))
            }
            _ => None,
        }
    }

    fn at_leaf(&mut self, path: &str) -> Option<(&mut Call, &Bounds)> {
        let id = self.leaf.get(path)?;
        Some((self.calls.get_mut(id)?, &self.bounds))
    }

    /// Somebody's decision takes what it names out of its park.
    pub(super) fn decided(&mut self, at: Micros, decided: &Decided) {
        if matches!(decided.verb, Verb::Cancel | Verb::Undo | Verb::Settle) {
            return;
        }
        let recovered = self.bounds.recovered;
        let named: Vec<Stands> = match decided.park {
            Some(park) => self.parked.remove(&park).into_iter().collect(),
            // What is parked, whatever that is.
            None => self.parked.drain().map(|(_, parked)| parked).collect(),
        };
        for Stands { path: parked, undo, of_all } in named {
            if let Some(undo) = undo.filter(|_| !of_all) {
                if let Some(call) = self.calls.get_mut(&undo) {
                    // Those that were lost were attempts, too, though no row tells of them.
                    call.undoing.get_or_insert_with(|| Attempts::since(at)).forgive(at, recovered);
                }
                continue;
            }
            let around = if of_all { "" } else { &*parked };
            // What is parked by itself waits for a decision of its own.
            let stands =
                |path: &str| self.parked.values().any(|other| other.undo.is_none() && is_within(path, &other.path));
            let is_made = |path: &str| is_within(path, around) && !stands(path);
            let made: BTreeSet<CallId> =
                self.leaf.iter().filter(|(path, _)| is_made(path)).map(|(_, id)| *id).collect();
            let undos: BTreeSet<CallId> = self.parked.values().filter_map(|other| other.undo).collect();
            for (id, call) in &mut self.calls {
                if made.contains(id) {
                    call.attempts.forgive(at, recovered);
                }
                if is_within(&call.path, around) && !undos.contains(id) && call.compensable && call.undone.is_none() {
                    call.undoing.get_or_insert_with(|| Attempts::since(at)).forgive(at, recovered);
                }
            }
        }
    }
}
