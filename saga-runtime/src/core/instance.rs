//! An instance's state: the fold of its journal.
//!
//! It holds small data only: payloads stay in the journal, and are named by the row that holds them.

use super::event::{Called, Event, Failed, How, ParkCause, Stored, UnwindCause, Verb};
use crate::{definition::Class, machine::Answer};
use std::{collections::BTreeMap, fmt};

/// What a journal comes to.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The last row that was applied.
    pub(crate) seq: u64,
    /// When that was.
    pub(crate) at: i64,
    /// Where it stands.
    pub(crate) phase: Phase,
    /// For each local that was ever saved, the row that holds what was saved last.
    pub(crate) stored: BTreeMap<Box<str>, Held>,
    /// How many calls there were in each state.
    pub(crate) ordinals: BTreeMap<Box<str>, u64>,
    /// What is to be undone, in order of completion: the last first.
    pub(crate) undo: Vec<Undo>,
    /// Recoveries since the last progress.
    pub(crate) recoveries: u32,
    /// Whether the point of no return has been passed.
    pub(crate) pivot_passed: bool,
    /// Calls whose undo was skipped and that nobody has settled, with the row that skipped each.
    pub(crate) debt: Vec<Owed>,
}

/// A call that was not undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owed {
    /// The row of the call.
    pub(crate) call: u64,
    /// The step.
    pub(crate) step: Box<str>,
    /// Who skipped its undo.
    pub(crate) by: Box<str>,
    /// Why.
    pub(crate) why: Box<str>,
}

/// Where a saved local is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// The row.
    pub(crate) row: u64,
    /// The length of its text.
    pub(crate) size: usize,
}

/// A call that is to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undo {
    /// The row of the call.
    pub(crate) call: u64,
    /// The row of its answer; nothing if nobody knows the answer.
    pub(crate) answer: Option<u64>,
    /// The step's durable name.
    pub(crate) step: Box<str>,
    /// The compensation's name.
    pub(crate) compensation: Box<str>,
}

/// Where an instance stands.
#[derive(Debug, Clone, Default)]
pub(crate) enum Phase {
    /// Nothing is known of it yet.
    #[default]
    Empty,
    /// Its input is durable.
    Start,
    /// A call may have begun.
    Calling(Calling),
    /// This call has its answer; the plain code after it runs.
    After(CallAt),
    /// A call ended in doubt and is being undone, before the flow sees the answer.
    Doubted {
        /// The call.
        call: CallAt,
        /// What is known of the undo's attempts.
        tries: Tries,
    },
    /// What completed is being undone.
    Unwinding {
        /// The row that holds the cause.
        row: u64,
        /// What is known of the attempts of the undo at hand.
        tries: Tries,
    },
    /// It needs a person.
    Parked {
        /// The row that parked it: what a verb names.
        row: u64,
        /// Why.
        cause: ParkCause,
        /// Where it stands otherwise.
        beneath: Box<Phase>,
    },
    /// It ended: completed.
    Completed {
        /// The row that holds the output.
        row: u64,
    },
    /// It ended: compensated.
    Compensated {
        /// The row that holds the cause.
        cause: u64,
    },
}

/// A call, without its payloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallAt {
    /// Its row.
    pub(crate) row: u64,
    /// The state.
    pub(crate) state: Box<str>,
    /// The step.
    pub(crate) step: Box<str>,
    /// The step's class.
    pub(crate) class: Class,
    /// The compensation.
    pub(crate) compensation: Option<Box<str>>,
    /// The fingerprint of the state.
    pub(crate) fingerprint: Box<str>,
    /// Which call in this state it is, from 1.
    pub(crate) ordinal: u64,
}

/// A call that may have begun.
#[derive(Debug, Clone)]
pub(crate) struct Calling {
    /// The call.
    pub(crate) call: CallAt,
    /// What is known of its attempts.
    pub(crate) tries: Tries,
}

/// What is known of the attempts of one call, or of one undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tries {
    /// How many there were: failed, or lost in a crash.
    pub(crate) count: u32,
    /// How many of them do not count for the policy, since somebody asked for a retry after them.
    pub(crate) forgiven: u32,
    /// When the first one was due.
    pub(crate) first: i64,
    /// From when on the policy counts time.
    pub(crate) since: i64,
    /// Whether one of them may have taken effect.
    pub(crate) doubt: bool,
    /// What the last one failed with.
    pub(crate) last_error: Option<Box<str>>,
    /// When the next one is due.
    pub(crate) retry_at: Option<i64>,
}

impl Tries {
    /// None so far.
    pub(crate) fn none(at: i64) -> Self {
        Self { count: 0, forgiven: 0, first: at, since: at, doubt: false, last_error: None, retry_at: None }
    }

    fn failed(&mut self, failed: &Failed) {
        self.count = self.count.saturating_add(1);
        self.doubt |= failed.effect;
        self.last_error = Some(failed.error.clone());
        self.retry_at = failed.retry_at;
    }

    fn lost(&mut self) {
        self.count = self.count.saturating_add(1);
        self.doubt = true;
        self.last_error = Some("lost in a crash".into());
        self.retry_at = None;
    }

    fn forgive(&mut self, at: i64) {
        self.forgiven = self.count;
        self.since = at;
        self.retry_at = None;
    }
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

impl Phase {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Start => "start",
            Self::Calling(_) => "calling",
            Self::After(_) => "after",
            Self::Doubted { .. } => "doubted",
            Self::Unwinding { .. } => "unwinding",
            Self::Parked { .. } => "parked",
            Self::Completed { .. } => "completed",
            Self::Compensated { .. } => "compensated",
        }
    }

    /// Where it stands, whether or not it is parked there.
    pub(crate) fn beneath(&self) -> &Self {
        match self {
            Self::Parked { beneath, .. } => beneath,
            other => other,
        }
    }

    /// Whether it has ended.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Compensated { .. })
    }

    /// Whether it is undoing something.
    pub(crate) fn is_undoing(&self) -> bool {
        matches!(self.beneath(), Self::Doubted { .. } | Self::Unwinding { .. })
    }

    /// The call that it stands at or after, going forward.
    pub(crate) fn call(&self) -> Option<&CallAt> {
        match self.beneath() {
            Self::Calling(Calling { call, .. }) | Self::After(call) | Self::Doubted { call, .. } => Some(call),
            _ => None,
        }
    }

    /// What is known of the attempts of what it does.
    pub(crate) fn tries(&self) -> Option<&Tries> {
        match self.beneath() {
            Self::Calling(Calling { tries, .. }) | Self::Doubted { tries, .. } | Self::Unwinding { tries, .. } => {
                Some(tries)
            }
            _ => None,
        }
    }

    fn tries_mut(&mut self) -> Option<&mut Tries> {
        match self {
            Self::Calling(Calling { tries, .. }) | Self::Doubted { tries, .. } | Self::Unwinding { tries, .. } => {
                Some(tries)
            }
            Self::Parked { beneath, .. } => beneath.tries_mut(),
            _ => None,
        }
    }
}

impl State {
    /// The name of the state for lists: the call's, `after <call>`, `start`, or the compensation at hand.
    pub(crate) fn state_name(&self) -> Box<str> {
        match self.phase.beneath() {
            Phase::Calling(calling) => calling.call.state.clone(),
            Phase::After(call) => format!("after {}", call.state).into(),
            Phase::Doubted { .. } | Phase::Unwinding { .. } => {
                self.undo.last().map_or("unwinding".into(), |undo| undo.compensation.clone())
            }
            other => other.name().into(),
        }
    }

    /// Applies the next row.
    pub(crate) fn apply(&mut self, row: u64, at: i64, event: &Event) -> Result<(), Illegal> {
        let illegal = |phase: &Phase, because| Illegal { row, phase: phase.name(), event: event.kind(), because };
        if row != self.seq + 1 {
            return Err(illegal(&self.phase, "a row is missing"));
        }
        self.step(row, at, event).map_err(|because| illegal(&self.phase, because))?;
        match event {
            Event::Recovered { .. } => self.recoveries += 1,
            _ => self.recoveries = 0,
        }
        self.seq = row;
        self.at = at;
        Ok(())
    }

    /// One arm for each event; in each, the phases in which it may happen. On an error nothing has changed.
    fn step(&mut self, row: u64, at: i64, event: &Event) -> Result<(), &'static str> {
        match event {
            Event::Started { parameter, input, .. } => {
                let Phase::Empty = self.phase else { return Err("") };
                self.stored.insert(parameter.clone(), Held { row, size: input.get().len() });
                self.phase = Phase::Start;
            }
            Event::Called(called) => {
                let (Phase::Start | Phase::After(_)) = self.phase else { return Err("") };
                self.called(row, at, called);
            }
            Event::AttemptFailed(failed) => {
                let Phase::Calling(calling) = &mut self.phase else { return Err("") };
                calling.tries.failed(failed);
            }
            Event::CompensationFailed(failed) => match &mut self.phase {
                Phase::Doubted { tries, .. } | Phase::Unwinding { tries, .. } if !self.undo.is_empty() => {
                    tries.failed(failed);
                }
                _ => return Err(""),
            },
            Event::Recovered { .. } => match &mut self.phase {
                Phase::Start | Phase::After(_) => {}
                Phase::Calling(_) | Phase::Doubted { .. } | Phase::Unwinding { .. } => {
                    if let Some(tries) = self.phase.tries_mut() {
                        tries.lost();
                    }
                }
                _ => return Err(""),
            },
            Event::Answered { answer } => {
                let Phase::Calling(Calling { call, .. }) = &self.phase else { return Err("") };
                let call = call.clone();
                self.answered(row, call, answer);
            }
            Event::Doubted { .. } => {
                let Phase::Calling(Calling { call, .. }) = &self.phase else { return Err("") };
                if self.pivot_passed {
                    return Err("the pivot has been passed");
                }
                let Some(undo) = undo_of(call, None) else { return Err("the step has no compensation") };
                self.phase = Phase::Doubted { call: call.clone(), tries: Tries::none(at) };
                self.undo.push(undo);
            }
            Event::Unwinding { doubt, .. } => self.unwinds(row, at, *doubt)?,
            Event::Undone { call, how } => self.undone(at, *call, how)?,
            Event::Parked { cause, .. } => {
                if matches!(self.phase, Phase::Empty | Phase::Parked { .. }) || self.phase.is_end() {
                    return Err("");
                }
                let beneath = Box::new(std::mem::take(&mut self.phase));
                self.phase = Phase::Parked { row, cause: *cause, beneath };
            }
            Event::Decided(decided) => {
                if decided.refused.is_none() && decided.verb != Verb::Settle {
                    self.granted(at, decided.verb)?;
                }
            }
            Event::Completed { .. } => {
                let (Phase::Start | Phase::After(_)) = self.phase else { return Err("") };
                self.phase = Phase::Completed { row };
            }
            Event::Compensated {} => match &self.phase {
                Phase::Unwinding { row, .. } if self.undo.is_empty() => {
                    self.phase = Phase::Compensated { cause: *row };
                }
                Phase::Unwinding { .. } => return Err("not everything is undone"),
                _ => return Err(""),
            },
            Event::DebtSettled { call, .. } => {
                if !self.phase.is_end() {
                    return Err("");
                }
                let Some(index) = self.debt.iter().position(|owed| owed.call == *call) else {
                    return Err("there is no such debt");
                };
                self.debt.remove(index);
            }
        }
        Ok(())
    }

    fn called(&mut self, row: u64, at: i64, called: &Called) {
        for (name, stored) in &called.frame {
            if let Stored::Value(json) = stored {
                self.stored.insert(name.clone(), Held { row, size: json.get().len() });
            }
        }
        self.ordinals.insert(called.state.clone(), called.ordinal);
        let call = CallAt {
            row,
            state: called.state.clone(),
            step: called.step.clone(),
            class: called.class,
            compensation: called.compensation.clone(),
            fingerprint: called.fingerprint.clone(),
            ordinal: called.ordinal,
        };
        self.phase = Phase::Calling(Calling { call, tries: Tries::none(at) });
    }

    fn answered(&mut self, row: u64, call: CallAt, answer: &Answer) {
        if let Answer::Done(_) = answer {
            if call.class == Class::Pivot {
                // There is no way back: what was to be undone never will be.
                self.pivot_passed = true;
                self.undo.clear();
            } else if !self.pivot_passed {
                self.undo.extend(undo_of(&call, Some(row)));
            }
        }
        self.phase = Phase::After(call);
    }

    fn unwinds(&mut self, row: u64, at: i64, doubt: bool) -> Result<(), &'static str> {
        if self.pivot_passed {
            return Err("the pivot has been passed");
        }
        match (&self.phase, doubt) {
            (Phase::Start | Phase::After(_) | Phase::Calling(_), false) => {}
            (Phase::Calling(Calling { call, .. }), true) if call.class == Class::Pivot => {
                return Err("a pivot in doubt is not undone by guess");
            }
            (Phase::Calling(Calling { call, .. }), true) => self.undo.extend(undo_of(call, None)),
            _ => return Err(""),
        }
        self.phase = Phase::Unwinding { row, tries: Tries::none(at) };
        Ok(())
    }

    fn undone(&mut self, at: i64, call: u64, how: &How) -> Result<(), &'static str> {
        if !matches!(self.phase, Phase::Doubted { .. } | Phase::Unwinding { .. }) {
            return Err("");
        }
        let Some(undo) = self.undo.pop_if(|undo| undo.call == call) else {
            return Err("another call is to be undone first");
        };
        if let How::Skipped { by, why } = how {
            self.debt.push(Owed { call, step: undo.step, by: by.clone(), why: why.clone() });
        }
        self.phase = match std::mem::take(&mut self.phase) {
            Phase::Doubted { call, .. } => Phase::After(call),
            Phase::Unwinding { row, .. } => Phase::Unwinding { row, tries: Tries::none(at) },
            other => other,
        };
        Ok(())
    }

    /// A granted verb takes the instance out of its park; what it means beyond that is in the rows that follow.
    fn granted(&mut self, at: i64, verb: Verb) -> Result<(), &'static str> {
        match std::mem::take(&mut self.phase) {
            Phase::Parked { beneath, .. } => {
                self.phase = *beneath;
                if let Some(tries) = self.phase.tries_mut() {
                    tries.forgive(at);
                }
                Ok(())
            }
            other => {
                self.phase = other;
                if verb == Verb::Cancel { Ok(()) } else { Err("it is not parked") }
            }
        }
    }
}

fn undo_of(call: &CallAt, answer: Option<u64>) -> Option<Undo> {
    let compensation = call.compensation.clone()?;
    Some(Undo { call: call.row, answer, step: call.step.clone(), compensation })
}

impl UnwindCause {
    /// The answer of an exhausted call, as a cause.
    pub(crate) fn from_answer(answer: &Answer, otherwise: &str) -> Self {
        match answer {
            Answer::Exhausted { step, last_error } => {
                Self::Exhausted { step: step.clone(), last_error: last_error.clone() }
            }
            _ => Self::Cancelled { reason: otherwise.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{core::event::Decided, machine::null};

    fn called(class: Class, compensation: Option<&str>) -> Event {
        Event::Called(Box::new(Called {
            state: "state".into(),
            step: "step".into(),
            class,
            compensation: compensation.map(Into::into),
            fingerprint: "1".into(),
            ordinal: 1,
            arguments: BTreeMap::new(),
            frame: BTreeMap::new(),
        }))
    }

    fn failed() -> Failed {
        Failed { attempt: 1, error: "broken".into(), effect: true, retry_at: None }
    }

    fn decided(verb: Verb) -> Event {
        let (by, why) = ("ann".into(), "why".into());
        Event::Decided(Box::new(Decided { request: 1, verb, by, why, refused: None }))
    }

    /// One event of every kind, and the variants that make a difference.
    fn every_event() -> Vec<Event> {
        let done = || Answer::Done(null());
        let exhausted = || Answer::Exhausted { step: "step".into(), last_error: "broken".into() };
        vec![
            Event::Started { version: 1, parameter: "input".into(), input: null() },
            called(Class::Compensatable, Some("undo")),
            called(Class::Pivot, None),
            Event::AttemptFailed(failed()),
            Event::Recovered { count: 1 },
            Event::Answered { answer: done() },
            Event::Answered { answer: Answer::Refused(null()) },
            Event::Doubted { then: exhausted() },
            Event::Unwinding { cause: UnwindCause::Deadline, doubt: false },
            Event::Unwinding { cause: UnwindCause::Deadline, doubt: true },
            Event::Undone { call: 2, how: How::Done },
            Event::Undone { call: 2, how: How::Skipped { by: "ann".into(), why: "why".into() } },
            Event::CompensationFailed(failed()),
            Event::Parked { cause: ParkCause::Asked, error: "look".into() },
            decided(Verb::Retry),
            decided(Verb::Cancel),
            decided(Verb::Settle),
            Event::Completed { output: null() },
            Event::Compensated {},
            Event::DebtSettled { call: 2, by: "ann".into(), why: "why".into() },
        ]
    }

    /// Every journal of up to so many rows, tried as it grows: the fold is total, an illegal pair names both sides and
    /// changes nothing, and what must never be never is.
    fn grow(state: &State, left: u32, seen: &mut u64) {
        for event in every_event() {
            let mut next = state.clone();
            match next.apply(state.seq + 1, 0, &event) {
                Ok(()) => {
                    *seen += 1;
                    assert!(!next.pivot_passed || !matches!(next.phase.beneath(), Phase::Unwinding { .. }));
                    assert!(!next.pivot_passed || next.undo.is_empty(), "past the pivot nothing is left to undo");
                    if let Phase::Compensated { .. } = next.phase {
                        assert!(next.undo.is_empty());
                    }
                    if left > 0 {
                        grow(&next, left - 1, seen);
                    }
                }
                Err(illegal) => {
                    assert_eq!((illegal.phase, illegal.event), (state.phase.name(), event.kind()));
                    assert_eq!(format!("{next:?}"), format!("{state:?}"), "an illegal row changes nothing");
                }
            }
        }
    }

    #[test]
    fn the_fold_is_total_and_an_illegal_pair_names_both_and_changes_nothing() {
        let mut seen = 0;
        grow(&State::default(), 5, &mut seen);
        assert!(seen > 1_000, "{seen} journals");
    }

    #[test]
    fn a_row_that_is_missing_is_noticed() {
        let mut state = State::default();
        let started = Event::Started { version: 1, parameter: "input".into(), input: null() };
        let illegal = state.apply(2, 0, &started).expect_err("row 1 is missing");
        assert_eq!(
            illegal.to_string(),
            "row 2: `started` cannot follow where the instance is `empty` (a row is missing)"
        );
    }
}
