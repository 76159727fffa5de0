//! What an instance is doing.

use super::{Debt, ParkCause};
use crate::store::{Instance, InstanceNo, Labels, Micros, Status as Stored};
use serde::Serialize;

/// What an instance is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// In one word.
    pub progress: Progress,
    /// The state: the name of the call that it stands at or after, of the compensation that it is at, or `start`.
    pub state: Box<str>,
    /// How many attempts of what it is at have failed, or were lost in a crash.
    pub failed_attempts: u32,
    /// What the last of them failed with.
    pub last_error: Option<Box<str>>,
    /// When the next one is due, in microseconds since the Unix epoch.
    pub next_try: Option<Micros>,
    /// Why it is parked.
    pub parked: Option<ParkCause>,
    /// In words, why it is parked or waits.
    pub reason: Option<Box<str>>,
    /// Whether the point of no return has been passed.
    pub pivot_passed: bool,
    /// Requests that have not been decided yet.
    pub pending_requests: usize,
    /// What was not undone, and is not settled.
    pub debt: Vec<Debt>,
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
    /// Why it is parked.
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
