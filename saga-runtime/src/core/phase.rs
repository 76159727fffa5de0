//! Where a strand stands, and what it does there.

use super::{
    called::{CallId, Called, Callee, Calls, ChildAt, StepAt},
    event::{Failed, Name, ParkCause},
    log::Entry,
    strand::Strand,
};
use crate::definition::Class;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a saved local is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// The row.
    pub(crate) row: u64,
    /// The length of its text.
    pub(crate) size: usize,
}

/// Where a strand stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Nothing is known of it yet.
    #[default]
    Empty,
    /// Its input is durable.
    Start,
    /// A call may have begun.
    Calling(Box<Calling>),
    /// A call has its answer; the plain code after it runs.
    After {
        /// The call.
        call: Box<CallAt>,
        /// The answer.
        answer: AnswerAt,
    },
    /// A call failed and is being undone, before the flow sees the answer.
    Doubted {
        /// The call.
        call: Box<CallAt>,
        /// The row that holds the answer.
        answer: u64,
        /// How many entries of the log stay.
        stays: usize,
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
    /// Of the main flow: what completed is being undone.
    Unwinding {
        /// The row that holds the cause.
        row: u64,
    },
    /// Of the main flow: it ended, completed.
    Completed {
        /// The row that holds the output.
        row: u64,
    },
    /// Of the main flow: it ended, compensated.
    Compensated {
        /// The row that holds the cause.
        cause: u64,
    },
}

/// Where an answer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AnswerAt {
    /// In this row.
    Row(u64),
    /// In these rows, one for each branch of a join.
    Rows(Vec<u64>),
}

/// A call, without its payloads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallAt {
    /// Its row.
    pub(crate) row: u64,
    /// The state.
    pub(crate) state: Name,
    /// The fingerprint of the state.
    pub(crate) fingerprint: Name,
    /// Which call in this state it is, from 1.
    pub(crate) ordinal: u64,
    /// Which branch of the row's join it is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<u32>,
    /// The step, if it is the call of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<StepAt>,
}

/// A call that may have begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Calling {
    /// The call.
    pub(crate) call: CallAt,
    /// What is being done.
    pub(crate) doing: Doing,
}

/// What a strand does at a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Doing {
    /// It attempts a step.
    Step(Tries),
    /// It runs an inner flow.
    Flow(Box<Strand>),
    /// It runs branches.
    Join(Join),
    /// It waits.
    Wait(Wait),
    /// It waits for another saga, or has started one.
    Child(ChildAt),
    /// It sends a signal.
    Send,
}

/// The branches of a join.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Join {
    /// What each calls; one for all if there is only one.
    pub(crate) callees: Vec<Callee>,
    /// How many branches there are.
    pub(crate) count: u32,
    /// How many may run at a time.
    pub(crate) limit: Option<u32>,
    /// How many have begun: the first ones.
    pub(crate) begun: u32,
    /// Those that have begun and not ended.
    pub(crate) running: BTreeMap<u32, Strand>,
    /// Those that are done, with the row of the answer.
    pub(crate) done: BTreeMap<u32, u64>,
    /// What is to be undone of those that have ended.
    pub(crate) undo: BTreeMap<u32, Vec<Entry>>,
    /// The first that failed, with the row of its answer.
    pub(crate) failed: Option<(u32, u64)>,
}

/// What is waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wait {
    /// The signals.
    pub(crate) signals: Vec<Name>,
    /// The time.
    pub(crate) until: Option<i64>,
}

/// What is known of the attempts of one call, or of one undo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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

    pub(super) fn failed(&mut self, failed: &Failed) {
        self.count = self.count.saturating_add(1);
        self.doubt |= failed.effect;
        self.last_error = Some(failed.error.clone());
        self.retry_at = failed.retry_at;
    }

    /// One was perhaps under way when its worker died, also where none is due yet: that is said by a clock, and the dead worker may have
    /// had another one, ahead of it by any amount. Until it is due by this one it is waited for all the same.
    pub(super) fn lost(&mut self, at: i64, effect: bool) {
        self.count = self.count.saturating_add(1);
        self.doubt |= effect;
        self.last_error = Some("lost in a crash".into());
        self.retry_at = self.retry_at.filter(|due| *due > at);
    }

    pub(super) fn forgive(&mut self, at: i64) {
        self.forgiven = self.count;
        self.since = at;
        self.retry_at = None;
    }
}

impl Phase {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Start => "start",
            Self::Calling(_) => "calling",
            Self::After { .. } => "after",
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

    /// Whether it is undoing something of its own.
    pub(crate) fn is_undoing(&self) -> bool {
        matches!(self.beneath(), Self::Doubted { .. } | Self::Unwinding { .. })
    }

    /// The call that it stands at or after, going forward.
    pub(crate) fn call(&self) -> Option<&CallAt> {
        match self.beneath() {
            Self::Calling(calling) => Some(&calling.call),
            Self::After { call, .. } | Self::Doubted { call, .. } => Some(call),
            _ => None,
        }
    }

    /// The call at hand, which may have begun.
    pub(crate) fn calling(&self) -> Option<&Calling> {
        match self.beneath() {
            Self::Calling(calling) => Some(calling),
            _ => None,
        }
    }

    pub(super) fn calling_mut(&mut self) -> Option<&mut Calling> {
        match self {
            Self::Calling(calling) => Some(calling),
            Self::Parked { beneath, .. } => beneath.calling_mut(),
            _ => None,
        }
    }

    pub(super) fn has_pivot(&self) -> bool {
        matches!(self.call().and_then(|call| call.step.as_ref()), Some(StepAt { class: Class::Pivot, .. }))
    }
}

/// A strand beneath a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beneath {
    /// That of the inner flow.
    Flow,
    /// That of a branch of the join.
    Branch(u32),
    /// None.
    Nothing,
}

impl Called {
    /// The call of this row, without its payloads.
    pub(crate) fn at(&self, row: u64) -> CallAt {
        CallAt {
            row,
            state: self.state.clone(),
            fingerprint: self.fingerprint.clone(),
            ordinal: self.ordinal,
            branch: None,
            step: if let Calls::Step(step, _) = &self.calls { Some(step.clone()) } else { None },
        }
    }
}

impl CallAt {
    /// What a row about its undo calls it.
    pub(crate) fn id(&self) -> CallId {
        CallId { row: self.row, branch: self.branch }
    }

    /// The path of the strand beneath this call, within the strand of `path`.
    pub(crate) fn path(&self, path: &str, branch: Option<u32>) -> Box<str> {
        let between = if path.is_empty() { "" } else { "/" };
        match branch {
            None => format!("{path}{between}{}.{}", self.state, self.ordinal),
            Some(index) => format!("{path}{between}{}.{}.{index}", self.state, self.ordinal),
        }
        .into()
    }

    /// What this segment of a path names beneath this call.
    pub(super) fn beneath(&self, segment: &str) -> Beneath {
        let numbers = segment.strip_prefix(&*self.state).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
        let (ordinal, beneath) = match numbers.split_once('.') {
            None => (numbers, Beneath::Flow),
            Some((ordinal, index)) => (ordinal, index.parse().map_or(Beneath::Nothing, Beneath::Branch)),
        };
        if ordinal.parse() == Ok(self.ordinal) { beneath } else { Beneath::Nothing }
    }
}

impl Join {
    /// What this branch calls.
    pub(crate) fn callee(&self, index: u32) -> Option<&Callee> {
        let index = if self.callees.len() == 1 { 0 } else { usize::try_from(index).ok()? };
        self.callees.get(index)
    }

    /// Whether every branch is done.
    pub(super) fn is_done(&self) -> bool {
        u32::try_from(self.done.len()) == Ok(self.count)
    }
}

#[cfg(test)]
mod tests;
