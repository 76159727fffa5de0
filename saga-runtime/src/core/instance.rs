//! An instance's state: the fold of its journal.
//!
//! It holds small data only: payloads stay in the journal, and are named by the row that holds them.

use super::{
    called::{CallId, Calls},
    event::{Event, How, ParkCause, UnwindCause, Verb},
    log::{Entry, Undo},
    phase::{Doing, Held, Phase, Tries},
    strand::{Moment, Passed, Strand},
};
use crate::{definition::Class, machine::Answer};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// What a journal comes to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The last row that was applied.
    pub(crate) seq: u64,
    /// When that was.
    pub(crate) at: i64,
    /// When its time is over.
    pub(crate) deadline: Option<i64>,
    /// When it begins, if that is not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begins: Option<i64>,
    /// Whether it has been told that its time is over past the pivot.
    pub(crate) late: bool,
    /// The main flow.
    pub(crate) root: Strand,
    /// Recoveries since the last progress.
    pub(crate) recoveries: u32,
    /// Whether the point of no return has been passed.
    pub(crate) pivot_passed: bool,
    /// Calls whose undo was skipped and that nobody has settled, with the row that skipped each.
    pub(crate) debt: Vec<Owed>,
}

/// A call that was not undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed {
    /// The call.
    pub(crate) call: CallId,
    /// The step.
    pub(crate) step: Box<str>,
    /// Who skipped its undo.
    pub(crate) by: Box<str>,
    /// Why.
    pub(crate) why: Box<str>,
}

/// One thing that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParkAt {
    /// The row that parked it: what a verb names.
    pub(crate) row: u64,
    /// Why.
    pub(crate) cause: ParkCause,
    /// In which strand.
    pub(crate) branch: Box<str>,
    /// The call whose undo it is, if it is an undo.
    pub(crate) undo: Option<CallId>,
    /// The step whose attempts are parked, if it is a step.
    pub(crate) key: Option<KeyAt>,
}

/// A step with the history of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyAt {
    /// The step.
    pub(crate) step: Box<str>,
    /// What is known of its attempts.
    pub(crate) tries: Tries,
}

/// A row that cannot follow the rows before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Illegal {
    /// The row.
    pub(crate) row: u64,
    /// Where the instance stood.
    pub(crate) phase: &'static str,
    /// What the row says.
    pub(crate) event: &'static str,
    /// What is wrong, if it is not the pair itself.
    pub(crate) because: &'static str,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: `{}` cannot follow where the instance is `{}`", self.row, self.event, self.phase)?;
        if self.because.is_empty() { Ok(()) } else { write!(f, " ({})", self.because) }
    }
}

impl std::error::Error for Illegal {}

impl State {
    /// Where the main flow stands.
    pub(crate) fn phase(&self) -> &Phase {
        &self.root.phase
    }

    /// The name of the state for lists: the call's, `after <call>`, `start`, or the compensation at hand.
    pub(crate) fn state_name(&self) -> Box<str> {
        match self.root.phase.beneath() {
            Phase::Calling(calling) => (&*calling.call.state).into(),
            Phase::After { call, .. } => format!("after {}", call.state).into(),
            Phase::Doubted { .. } | Phase::Unwinding { .. } => self.undo_name().unwrap_or("unwinding").into(),
            other => other.name().into(),
        }
    }

    fn undo_name(&self) -> Option<&str> {
        let mut current = Vec::new();
        self.root.log.current(&mut current);
        match current.first()?.1 {
            Entry::Call(undo) => Some(&undo.compensation),
            Entry::Child(undo) => Some(&undo.child.saga),
            Entry::Group(_) => None,
        }
    }

    /// What is known of the attempts of what it does: of a step, or of an undo. Of several, of the one that was tried most.
    pub(crate) fn tries(&self) -> Option<&Tries> {
        let mut all = Vec::new();
        self.root.visit("", &mut |_, strand| match strand.phase.beneath() {
            Phase::Calling(calling) => {
                if let Doing::Step(tries) = &calling.doing {
                    all.push(tries);
                }
            }
            Phase::Doubted { .. } | Phase::Unwinding { .. } => {
                let mut current = Vec::new();
                strand.log.current(&mut current);
                all.extend(current.into_iter().map(|(log, _)| &log.tries));
            }
            _ => {}
        });
        all.into_iter().max_by_key(|tries| tries.count)
    }

    /// Whether something of it is being undone.
    pub(crate) fn is_undoing(&self) -> bool {
        let mut undoing = false;
        self.root.visit("", &mut |_, strand| undoing |= strand.phase.is_undoing());
        undoing
    }

    /// Everything in it that needs a person.
    pub(crate) fn parks(&self) -> Vec<ParkAt> {
        let mut parks = Vec::new();
        self.root.visit("", &mut |path, strand| {
            if let Phase::Parked { row, cause, .. } = strand.phase {
                parks.push(ParkAt { row, cause, branch: path.into(), undo: None, key: KeyAt::of(strand) });
            }
            if strand.phase.is_undoing() {
                let mut found = Vec::new();
                strand.log.parks(&mut found);
                let at = |(park, call): (super::log::Park, CallId)| ParkAt {
                    row: park.row,
                    cause: park.cause,
                    branch: path.into(),
                    undo: Some(call),
                    key: None,
                };
                parks.extend(found.into_iter().map(at));
            }
        });
        parks
    }

    /// Every undo that it may come to, for whoever asks whether all of them are known.
    pub(crate) fn undos(&self) -> Vec<&Undo> {
        let mut undos = Vec::new();
        self.root.visit("", &mut |_, strand| {
            strand.log.undos(&mut undos);
            if let Phase::Calling(calling) = strand.phase.beneath()
                && let Doing::Join(join) = &calling.doing
            {
                join.undo.values().flatten().for_each(|entry| entry.undos(&mut undos));
            }
        });
        undos
    }

    /// Applies the next row.
    pub(crate) fn apply(&mut self, row: u64, at: i64, event: &Event) -> Result<(), Illegal> {
        let phase = self.root.phase.name();
        let illegal = |because| Illegal { row, phase, event: event.kind(), because };
        if self.seq.checked_add(1) != Some(row) {
            return Err(illegal("a row is missing"));
        }
        self.step(Moment { row, at }, event).map_err(illegal)?;
        match event {
            Event::Recovered { .. } => self.recoveries = self.recoveries.saturating_add(1),
            Event::Snapshot { .. } => {}
            _ => self.recoveries = 0,
        }
        self.seq = row;
        self.at = at;
        Ok(())
    }

    /// One arm for each event that is about the instance; the others are about a strand. On an error nothing has changed.
    fn step(&mut self, now: Moment, event: &Event) -> Result<(), &'static str> {
        match event {
            Event::Started { parameter, input, deadline, begins, .. } => {
                let Phase::Empty = self.root.phase else { return Err("") };
                self.root.stored.insert(parameter.clone(), Held { row: now.row, size: input.get().len() });
                self.root.phase = Phase::Start;
                self.deadline = *deadline;
                self.begins = *begins;
            }
            Event::In { branch, event } => self.within(now, branch, event)?,
            Event::Recovered { .. } => {
                if matches!(self.root.phase, Phase::Empty) || self.root.phase.is_end() {
                    return Err("");
                }
                self.lost(now.at);
            }
            Event::Unwinding { doubt, .. } => self.unwinds(now, doubt)?,
            Event::Undone { call, how } => self.undone(now, "", *call, how)?,
            Event::Decided(decided) => {
                if decided.refused.is_none() && decided.verb != Verb::Settle {
                    self.granted(now.at, decided.verb, decided.park)?;
                }
            }
            Event::DeadlinePassed {} => {
                if !self.pivot_passed || self.root.phase.is_end() || self.deadline.is_none() {
                    return Err("");
                }
                self.late = true;
            }
            Event::Completed { .. } => {
                let (Phase::Start | Phase::After { .. }) = self.root.phase else { return Err("") };
                self.root.phase = Phase::Completed { row: now.row };
            }
            Event::Compensated {} => match &self.root.phase {
                Phase::Unwinding { row } if self.root.log.is_empty() => {
                    self.root.phase = Phase::Compensated { cause: *row };
                }
                Phase::Unwinding { .. } => return Err("not everything is undone"),
                _ => return Err(""),
            },
            Event::DebtSettled { call, .. } => {
                if !self.root.phase.is_end() {
                    return Err("");
                }
                let Some(index) = self.debt.iter().position(|owed| owed.call == *call) else {
                    return Err("there is no such debt");
                };
                self.debt.remove(index);
            }
            Event::Snapshot { state } => {
                if state.seq != self.seq {
                    return Err("it is the snapshot of another row");
                }
                self.folded(now.row);
            }
            Event::Unfolded { log } => {
                let Phase::Unwinding { .. } = self.root.phase else { return Err("") };
                if self.root.log.below.is_none() || !self.root.log.entries.is_empty() {
                    return Err("no earlier part of the undo log is needed");
                }
                self.root.log = (**log).clone();
                self.root.log.activate(now.at);
            }
            event => {
                if self.root.apply(now, event, self.pivot_passed)? == Passed::Pivot {
                    // There is no way back: what was to be undone never will be.
                    self.pivot_passed = true;
                    self.root.log = super::log::Log::default();
                }
            }
        }
        Ok(())
    }

    fn within(&mut self, now: Moment, branch: &str, event: &Event) -> Result<(), &'static str> {
        if branch.is_empty() {
            return Err("the main flow has no path");
        }
        if let Event::Called(called) = event
            && let Calls::Step(step, _) = &called.calls
            && step.class == Class::Pivot
        {
            return Err("a pivot stands in the main flow only");
        }
        match event {
            Event::Undone { call, how } => self.undone(now, branch, *call, how),
            event => self.root.descend(branch, now, event, self.pivot_passed).map(drop),
        }
    }

    /// From now on what is in the undo log of the main flow is in that row, unless it is being undone.
    fn folded(&mut self, row: u64) {
        if !self.root.phase.is_undoing() && !self.root.log.entries.is_empty() {
            self.root.log.entries.clear();
            self.root.log.below = Some(row);
        }
    }

    /// Attempts may have been running when their worker died.
    fn lost(&mut self, at: i64) {
        self.root.visit_mut(&mut |strand| match &mut strand.phase {
            Phase::Calling(calling) => {
                if let Doing::Step(tries) = &mut calling.doing {
                    tries.lost(at, !calling.call.step.as_ref().is_some_and(|step| step.transactional));
                }
            }
            Phase::Doubted { .. } | Phase::Unwinding { .. } => strand.log.lost(at),
            _ => {}
        });
    }

    fn unwinds(&mut self, now: Moment, doubt: &[Box<str>]) -> Result<(), &'static str> {
        if self.pivot_passed {
            return Err("the pivot has been passed");
        }
        match self.root.phase.beneath() {
            // A completed one is undone only as a whole, by who started it.
            Phase::Start | Phase::After { .. } | Phase::Calling(_) | Phase::Completed { .. } => {}
            _ => return Err(""),
        }
        let mut undoing = false;
        self.root.visit("", &mut |_, strand| undoing |= matches!(strand.phase.beneath(), Phase::Doubted { .. }));
        if undoing {
            return Err("a call is being undone already");
        }
        let doubt: BTreeSet<&str> = doubt.iter().map(|path| &**path).collect();
        if let Some(calling) = self.root.phase.calling()
            && calling.call.step.as_ref().is_some_and(|step| step.class == Class::Pivot)
            && doubt.contains("")
        {
            return Err("a pivot in doubt is not undone by guess");
        }
        self.root.log.entries = self.root.undo("", &doubt);
        self.root.log.activate(now.at);
        self.root.phase = Phase::Unwinding { row: now.row };
        Ok(())
    }

    fn undone(&mut self, now: Moment, branch: &str, call: CallId, how: &How) -> Result<(), &'static str> {
        let strand = self.root.at_mut(branch).ok_or("there is no such branch")?;
        let entry = strand.undone(now, call)?;
        if let How::Skipped { by, why } = how {
            let step = match entry {
                Entry::Call(undo) => (&*undo.step).into(),
                Entry::Child(undo) => undo.child.saga,
                Entry::Group(_) => Box::default(),
            };
            self.debt.push(Owed { call, step, by: by.clone(), why: why.clone() });
        }
        // A branch that is one call has ended when its undo has.
        if !branch.is_empty() {
            self.root.settle(branch);
        }
        Ok(())
    }

    /// A granted verb takes what it names out of its park; what it means beyond that is in the rows that follow.
    fn granted(&mut self, at: i64, verb: Verb, park: Option<u64>) -> Result<(), &'static str> {
        if matches!(verb, Verb::Cancel | Verb::Undo) {
            return Ok(());
        }
        // Which of what ran at that time ended its process nobody knows: all of it was counted as lost.
        let whole =
            self.parks().iter().any(|it| it.cause == ParkCause::CrashLoop && park.is_none_or(|row| row == it.row));
        let mut found = false;
        self.root.visit_mut(&mut |strand| {
            if !found {
                found = strand.unpark(at, park);
            }
        });
        if found && whole {
            self.root.forgive(at);
        }
        if found { Ok(()) } else { Err("it is not parked") }
    }
}

impl KeyAt {
    fn of(strand: &Strand) -> Option<Self> {
        let calling = strand.phase.calling()?;
        match (&calling.doing, &calling.call.step) {
            (Doing::Step(tries), Some(step)) => Some(Self { step: (&*step.step).into(), tries: tries.clone() }),
            _ => None,
        }
    }
}

impl UnwindCause {
    /// The answer of a failed call, as a cause.
    pub(crate) fn from_answer(answer: &Answer, otherwise: &str) -> Self {
        match answer {
            Answer::Exhausted { step, last_error } => {
                Self::Exhausted { step: step.clone(), last_error: last_error.clone() }
            }
            Answer::Branch { answer, .. } => Self::from_answer(answer, otherwise),
            _ => Self::Cancelled { reason: otherwise.into() },
        }
    }
}

#[cfg(test)]
mod tests;
