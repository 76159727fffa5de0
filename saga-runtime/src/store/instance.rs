//! What is read: instances, their rows, and which of them are asked for.

use super::{Epoch, InstanceNo, Micros};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// What users call their instances by, for lists: values by key.
///
/// A store keeps keys of up to 64 bytes and values of up to 256 whole; longer ones never reach it, the runtime refuses
/// them.
pub type Labels = BTreeMap<Box<str>, Box<str>>;

/// One row of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Micros,
    /// What happened, as JSON text.
    pub event: Arc<str>,
}

/// What the text of a row begins with that stands for a damaged one: no JSON does.
pub(crate) const DAMAGED: char = '!';

/// In which way a row is damaged, if this is the text of one that stands for it.
pub(crate) fn damage(text: &str) -> Option<&str> {
    text.strip_prefix(DAMAGED)
}

/// An instance's own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its number.
    pub no: InstanceNo,
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The caller's id.
    pub id: Box<str>,
    /// Unique for ever.
    pub birth: Box<str>,
    /// The saga's version when it was started.
    pub version: u32,
    /// The hash of the input's canonical JSON.
    pub input_hash: [u8; 32],
    /// The instance that waits for this one, if it is a child. Its tombstone may be gone.
    pub parent: Option<InstanceNo>,
    /// The status.
    pub status: Status,
    /// When it wants to run again, if it sleeps; or at the latest, if it waits.
    pub wake_at: Option<Micros>,
    /// The names of the messages that it waits for.
    pub awaits: Vec<Box<str>>,
    /// The state it sleeps, is parked or waits in.
    pub state: Option<Box<str>>,
    /// Why it is parked, or a part of it while the others go on.
    pub error: Option<Box<str>>,
    /// What its users call it by.
    pub labels: Labels,
    /// Who owns it.
    pub owner: Option<Epoch>,
    /// When it was started.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// Whether only the tombstone is left.
    pub buried: bool,
}

/// What an instance's own row says of it. The state it is in is in its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Wants to run, or runs (if it is owned).
    Ready,
    /// Wants to run at `wake_at`.
    Sleeping,
    /// Wants to run once a message that it awaits is there, or at `wake_at`.
    Waiting,
    /// Needs a person.
    Parked,
    /// No build that was asked so far knows its state.
    WaitsForBuild,
    /// Ended: completed.
    Completed,
    /// Ended: compensated.
    Compensated,
    /// Ended: compensated, with debt that nobody has settled yet.
    CompensatedWithDebt,
}

impl Status {
    /// Every status, in order.
    pub const ALL: [Self; 8] = [
        Self::Ready,
        Self::Sleeping,
        Self::Waiting,
        Self::Parked,
        Self::WaitsForBuild,
        Self::Completed,
        Self::Compensated,
        Self::CompensatedWithDebt,
    ];

    /// As it is written in databases.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(in crate::store) fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Sleeping => "sleeping",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::WaitsForBuild => "waits_for_build",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::CompensatedWithDebt => "compensated_with_debt",
        }
    }

    /// The one that is written so.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(in crate::store) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Whether the instance has ended.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated | Self::CompensatedWithDebt)
    }

    /// Whether it has ended and nothing about it is open, so that its journal may go.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated)
    }
}

/// Which instances are listed, and in which order. What is not said does not matter: the default lists all of them,
/// oldest first.
///
/// ```
/// use saga_runtime::store::{Filter, Status};
///
/// let stuck = Filter { saga: Some("checkout".into()), statuses: vec![Status::Parked], ..Filter::default() };
/// # let _ = stuck;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this saga.
    pub saga: Option<Box<str>>,
    /// With one of these statuses; all, if none is named.
    pub statuses: Vec<Status>,
    /// That sleep, are parked or wait in this state.
    pub state: Option<Box<str>>,
    /// With an error that contains this, for which it is parked or a part of it, in the same letters.
    pub error: Option<Box<str>>,
    /// Started at this moment or later.
    pub started_after: Option<Micros>,
    /// Started before this moment.
    pub started_before: Option<Micros>,
    /// With all of these labels.
    pub labels: Labels,
    /// Children of this one.
    pub parent: Option<InstanceNo>,
    /// From the highest number downwards, so that each page goes on with lower numbers.
    pub newest_first: bool,
}

impl Filter {
    /// The instances with one of these statuses, oldest first; all, if none is named.
    pub fn of(statuses: impl Into<Vec<Status>>) -> Self {
        Self { statuses: statuses.into(), ..Self::default() }
    }

    /// Whether this instance is one of those that are meant.
    pub fn admits(&self, instance: &Instance) -> bool {
        self.saga.as_ref().is_none_or(|saga| *saga == instance.saga)
            && (self.statuses.is_empty() || self.statuses.contains(&instance.status))
            && (self.state.is_none() || self.state == instance.state)
            && self.error.as_ref().is_none_or(|part| instance.error.as_ref().is_some_and(|all| all.contains(&**part)))
            && self.started_after.is_none_or(|moment| instance.started_at >= moment)
            && self.started_before.is_none_or(|moment| instance.started_at < moment)
            && self.labels.iter().all(|(key, value)| instance.labels.get(key) == Some(value))
            && (self.parent.is_none() || self.parent == instance.parent)
    }
}

/// Which ended instances are to be buried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Of this saga.
    pub saga: Box<str>,
    /// That ended so. One with open debt is never buried, whatever is said here.
    pub statuses: Vec<Status>,
    /// That ended before this moment; of a child, that its parent did so, too.
    pub before: Micros,
    /// Only those that come after this one: where the batch before it ended.
    pub after: Option<LastBuried>,
    /// At most so many at once.
    pub limit: usize,
}

/// When an instance ended, and its number: the order in which ended instances are buried.
pub type LastBuried = (Micros, InstanceNo);

/// What a batch of burials came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Burials {
    /// So many were buried.
    pub gone: u64,
    /// The last one that was looked at, if there may be more after it: the next batch begins there, and does not look once more at
    /// those before it that have to stay.
    pub last: Option<LastBuried>,
}

/// What a claim found.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// The instances that are now owned.
    pub claimed: Vec<Claimed>,
    /// When the next of these sagas' sleeping or waiting instances that this claim left wants to run; in the past, if
    /// `limit` left some. (Ready ones may be left too: whoever got as many as asked for asks again.)
    pub next_wake: Option<Micros>,
}

/// An instance that is now owned.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its row, as it was before the claim.
    pub instance: Instance,
    /// Whether a dead owner had it, now or before, of which nothing has been written since: an attempt may have been running when that
    /// one died ([`Touch::lost`](super::Touch::lost)).
    pub orphaned: bool,
}
