//! What an instance is doing.

use super::{Debt, Doing, ParkCause, Relative};
use crate::store::{Instance, InstanceNo, Labels, Micros, Status as Stored};
use serde::Serialize;
use std::collections::BTreeMap;

/// What an instance is doing, seen at one moment. Prints in a few lines; serializes for programs.
///
/// Moments are in microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The caller's id.
    pub id: Box<str>,
    /// The saga's version when it was started.
    pub version: u32,
    /// When it was looked at, by the runtime's clock.
    pub at: Micros,
    /// When it was started.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// In one word.
    pub progress: Progress,
    /// The state of the main flow: the name of the call that it stands at or after, of the compensation that it is at, or `start`.
    pub state: Box<str>,
    /// The name that the build does not know with which it could go on: of a state, perhaps with a compensation or a signal. While it
    /// waits for a build, what the one that gave it back did not know; otherwise what this one does not.
    pub unknown: Option<Box<str>>,
    /// What is being done: by the main flow, and by every inner flow and branch of a join beneath it.
    pub doing: Vec<Doing>,
    /// How many attempts have failed, or were lost in a crash, of the call or undo at hand; of several, of the one with the most.
    pub failed_attempts: u32,
    /// What the last of them failed with.
    pub last_error: Option<Box<str>>,
    /// When the next one is due.
    pub next_try: Option<Micros>,
    /// Why it is parked; if several parts of it are, why the first is.
    pub parked: Option<ParkCause>,
    /// In words, why it is parked or waits.
    pub reason: Option<Box<str>>,
    /// Everything in it that is parked.
    pub parks: Vec<Parked>,
    /// Whether the point of no return has been passed.
    pub pivot_passed: bool,
    /// How many times the main flow has come to each of its states, this one included.
    pub passed: BTreeMap<Box<str>, u64>,
    /// How many rows its journal has: the position from which [`watch`](super::Handle::watch) tells what comes next.
    pub rows: u64,
    /// When its time is over.
    pub deadline: Option<Micros>,
    /// Whether its time was over when there was no way back.
    pub deadline_passed: bool,
    /// What its users call it by.
    pub labels: Labels,
    /// The saga that started it, if one did.
    pub parent: Option<Relative>,
    /// The sagas that it waits or waited for, the newest first, a hundred at the most.
    pub children: Vec<Relative>,
    /// Requests that have not been decided yet.
    pub requests: Vec<Pending>,
    /// The signals that no wait has taken, by name, and how many there are of each.
    pub unread_signals: BTreeMap<Box<str>, usize>,
    /// What was not undone, and is not settled.
    pub debt: Vec<Debt>,
}

/// Something in an instance that is parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// The journal row that parked it: what a verb names.
    pub row: u64,
    /// The inner flow or branch, if it is not the main flow.
    pub branch: Option<Box<str>>,
    /// The state it stands in.
    pub state: Box<str>,
    /// Why.
    pub cause: ParkCause,
    /// In words.
    pub error: Box<str>,
    /// What a person can ask of it now: the methods of its [`Park`](super::Park), which is at the same place in
    /// [`Handle::parks`](super::Handle::parks).
    pub verbs: Vec<&'static str>,
}

/// A request that has not been decided yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// What is asked for.
    pub verb: &'static str,
    /// By whom.
    pub by: Box<str>,
    /// Why.
    pub why: Box<str>,
}

/// What an instance is doing, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It runs, or waits in the store for room to run.
    Running,
    /// What completed is being undone.
    Unwinding,
    /// It waits for the next attempt.
    Sleeping,
    /// It waits for a message.
    Waiting,
    /// It needs a person.
    Parked,
    /// It waits for a build that knows its state.
    WaitsForBuild,
    /// It ended: completed.
    Completed,
    /// It ended: compensated.
    Compensated,
    /// It ended: compensated, with debt that nobody has settled.
    CompensatedWithDebt,
}

impl Progress {
    pub(super) fn of(status: Stored) -> Self {
        match status {
            Stored::Ready => Self::Running,
            Stored::Sleeping => Self::Sleeping,
            Stored::Waiting => Self::Waiting,
            Stored::Parked => Self::Parked,
            Stored::WaitsForBuild => Self::WaitsForBuild,
            Stored::Completed => Self::Completed,
            Stored::Compensated => Self::Compensated,
            Stored::CompensatedWithDebt => Self::CompensatedWithDebt,
        }
    }
}

/// An instance in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its number in the store.
    pub no: InstanceNo,
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The caller's id.
    pub id: Box<str>,
    /// The saga's version when it was started.
    pub version: u32,
    /// In one word.
    pub progress: Progress,
    /// The state that it sleeps, is parked or waits in.
    pub state: Option<Box<str>>,
    /// Why it is parked; or a part of it, a branch or an undo, while the others go on.
    pub error: Option<Box<str>>,
    /// When it goes on, if it sleeps; or at the latest, if it waits. In microseconds since the Unix epoch.
    pub wake_at: Option<Micros>,
    /// What its users call it by.
    pub labels: Labels,
    /// The instance that waits for it, if it is a child.
    pub parent: Option<InstanceNo>,
    /// When it was started, in microseconds since the Unix epoch.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// Whether only its tombstone is left.
    pub buried: bool,
}

impl Listed {
    pub(super) fn new(instance: Instance) -> Self {
        Self {
            no: instance.no,
            saga: instance.saga,
            id: instance.id,
            version: instance.version,
            progress: Progress::of(instance.status),
            state: instance.state,
            error: instance.error,
            wake_at: instance.wake_at,
            labels: instance.labels,
            parent: instance.parent,
            started_at: instance.started_at,
            ended_at: instance.ended_at,
            buried: instance.buried,
        }
    }
}
