//! How an instance ended.

use super::Error;
use crate::{
    core::{UnwindCause, child::ChildEnd, instance::Owed},
    failure::Exhausted,
    machine::{ReadBack, decode},
};
use serde::Serialize;
use std::fmt;

/// How an instance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End<T, R> {
    /// The flow returned this.
    Completed(T),
    /// The saga gave up, and what had completed was undone.
    Compensated {
        /// Why it gave up.
        cause: Cause<R>,
        /// What was not undone, because somebody skipped it, and is not settled yet. Empty, unless somebody did.
        debt: Vec<Debt>,
    },
}

impl<T, R> End<T, R> {
    /// What the flow returned, if it completed.
    pub fn completed(self) -> Option<T> {
        match self {
            Self::Completed(output) => Some(output),
            Self::Compensated { .. } => None,
        }
    }

    /// Why it gave up, if it did.
    pub fn cause(&self) -> Option<&Cause<R>> {
        match self {
            Self::Completed(_) => None,
            Self::Compensated { cause, .. } => Some(cause),
        }
    }
}

impl<T: ReadBack, R: ReadBack> End<T, R> {
    /// An end that left no debt, as the instance's own worker tells it.
    pub(super) fn told(end: &ChildEnd) -> Result<Self, Error> {
        Ok(match end {
            ChildEnd::Completed(output) => {
                Self::Completed(decode(output).map_err(|error| Error::unreadable("the saga's output", error))?)
            }
            ChildEnd::Compensated(cause) => Self::Compensated { cause: Cause::read(cause)?, debt: Vec::new() },
        })
    }
}

/// An instance's end, or its park.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled<T, R> {
    /// It has ended.
    Ended(End<T, R>),
    /// It needs a person.
    Parked {
        /// Why.
        cause: super::ParkCause,
        /// In words.
        error: Box<str>,
    },
}

/// Why a saga gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause<R> {
    /// The flow let a refusal out.
    Refused(R),
    /// The flow let an exhausted step out.
    Exhausted(Exhausted),
    /// Somebody asked for it, for this reason.
    Cancelled(Box<str>),
    /// Its time ran out.
    Deadline,
}

impl<R: ReadBack> Cause<R> {
    pub(super) fn read(cause: &UnwindCause) -> Result<Self, Error> {
        Ok(match cause {
            UnwindCause::Refused(json) => {
                Self::Refused(decode(json).map_err(|error| Error::unreadable("the saga's refusal", error))?)
            }
            UnwindCause::Exhausted { step, last_error } => Self::Exhausted(Exhausted::new(step, last_error)),
            UnwindCause::Cancelled { reason } => Self::Cancelled(reason.clone()),
            UnwindCause::Deadline => Self::Deadline,
        })
    }
}

/// A completed call that was not undone, because somebody skipped its compensation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Debt {
    /// The step.
    pub step: Box<str>,
    /// The journal row of the call.
    pub call: u64,
    /// Who skipped it.
    pub by: Box<str>,
    /// Why.
    pub why: Box<str>,
}

impl From<&Owed> for Debt {
    fn from(owed: &Owed) -> Self {
        Self { step: owed.step.clone(), call: owed.call.row, by: owed.by.clone(), why: owed.why.clone() }
    }
}

impl fmt::Display for Debt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step `{}` was not undone: {} (skipped by {})", self.step, self.why, self.by)
    }
}
