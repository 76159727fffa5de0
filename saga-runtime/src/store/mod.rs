//! Where instances are kept: the contract that every store fulfils.
//!
//! A store knows instances, journal rows and requests as data. It knows nothing of sagas, states or policies: what a row
//! says is the engine's business. The engine's one writer, the `Committer`, hands it many
//! transitions at once.
//!
//! The conformance suite (`store::conformance`) tests this contract and is public, so that a third party can write a store.

pub mod committer;
pub mod conformance;
pub mod faulty;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use serde::{Deserialize, Serialize};
use std::{fmt, future::Future, pin::Pin, time::Duration};
use tokio::time::Instant;

/// What a store's methods return.
pub type Storing<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The end of a limit that begins now. One that is too long to be counted ends in thirty years.
fn after(limit: Duration) -> Instant {
    const LONG: Duration = Duration::from_hours(30 * 365 * 24);
    Instant::now() + limit.min(LONG)
}

/// A moment, in microseconds since the Unix epoch, UTC.
pub type Micros = i64;

/// The number of an instance within its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceNo(pub i64);

/// The number of a request within its store; later requests have higher numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestNo(pub i64);

/// Which worker's life a write belongs to; every worker that opens the store gets a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub i64);

/// A place where instances are kept.
///
/// Every method is atomic: it happens wholly or not at all, also if the process is killed in the middle. A method whose
/// future is dropped may have happened or not.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Registers a worker: a new epoch, higher than all before it. From then on, instances owned by an epoch whose worker
    /// is known to be dead (for a store of one process: every earlier epoch) may be claimed.
    fn register(&self) -> Storing<'_, Epoch>;

    /// Writes a batch, all of it in one transaction, durable when the answer is there.
    ///
    /// First it is checked that `epoch` still owns the store's work; if not, nothing is written ([`StoreError::Fenced`]).
    /// The answers are in the order of the writes, and each write sees those before it in the batch. A start that finds its
    /// identity taken, also by a tombstone or by a start before it, writes nothing for itself, answers
    /// [`Written::Exists`], and does not disturb the others.
    ///
    /// # Errors
    /// Nothing of the batch was written, except after [`StoreError::InDoubt`], where it was written wholly or not at all.
    /// [`StoreError::Write`] names the first write that cannot be written: rows that do not follow the last one (a start's
    /// first is 1), an instance that does not exist or is buried, data that this store cannot keep.
    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>>;

    /// Takes instances that want to run, the ones that waited longest first, and marks them as owned by `epoch`.
    ///
    /// Those are: ready ones, and sleeping ones whose time has come, if nobody owns them or their owner is dead; and
    /// ones that waited for a build and were given back by an earlier epoch. Only of the sagas named. A ready one has waited
    /// since its start or the touch that made it ready, a sleeping one since its wake-up time.
    ///
    /// What is claimed is [`Status::Ready`] from then on, without a wake-up time or a state: it runs. [`StoreError::Fenced`]
    /// if `epoch` no longer owns the store's work.
    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims>;

    /// Takes this one instance for a decision, whatever it waits for, also if it has ended; `None` if a living worker (this
    /// one, too) owns it, or if it does not exist or is buried.
    ///
    /// Its status, wake-up time and state stay as they are: the touch of the decision changes them. If the worker dies
    /// before, they are what the next one finds. [`StoreError::Fenced`] if `epoch` no longer owns the store's work.
    fn claim_one(&self, epoch: Epoch, instance: InstanceNo) -> Storing<'_, Option<Claimed>>;

    /// The instance of this identity.
    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>>;

    /// Instances with one of these statuses (all, if none is named), by number, after `after`.
    fn list<'a>(
        &'a self,
        statuses: &'a [Status],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<Instance>>;

    /// Journal rows of an instance, by sequence, from `from` on, at most `limit`.
    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>>;

    /// Puts a request into the instance's inbox.
    ///
    /// In the same transaction it is checked that the instance has not ended (unless `ended` allows it); `None` if it
    /// has, does not exist or is buried, and nothing is written.
    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>>;

    /// The requests that have not been consumed, oldest first.
    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>>;

    /// Every instance with requests that have not been consumed, for the start of a worker.
    fn inboxes(&self, after: Option<InstanceNo>, limit: usize) -> Storing<'_, Vec<InstanceNo>>;

    /// Removes the journal of an ended instance and leaves a tombstone (identity, hash of the input, status), so that the
    /// identity stays taken. What is left in its inbox goes too. `false`, and nothing is removed, if it has not ended or has
    /// open debt, or does not exist; `true` if it is a tombstone already.
    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool>;

    /// Lets go of files and connections, once what is under way has ended; later calls fail. Nothing is lost without it.
    fn close(&self) -> Storing<'_, ()>;
}

/// One write of a batch.
#[derive(Debug, Clone)]
pub enum Write {
    /// A new instance.
    Start(Start),
    /// What happened to one.
    Append(Append),
}

/// A new instance.
#[derive(Debug, Clone)]
pub struct Start {
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The caller's id.
    pub id: Box<str>,
    /// Unique for ever, also if the identity is used again after the tombstone is gone; sorts by time.
    pub birth: Box<str>,
    /// The saga's version: stored and shown.
    pub version: u32,
    /// The hash of the input's canonical JSON.
    pub input_hash: [u8; 32],
    /// Whether the committing worker owns it at once. Otherwise it waits to be claimed.
    pub owned: bool,
    /// When it was started.
    pub at: Micros,
    /// Its first rows, from sequence 1.
    pub rows: Vec<Row>,
}

/// What happened to an instance: rows, and what changes about the instance itself.
#[derive(Debug, Clone)]
pub struct Append {
    /// Which.
    pub instance: InstanceNo,
    /// Rows that follow the last one without a gap.
    pub rows: Vec<Row>,
    /// What changes about the instance; `None`, the common case, leaves the instance's row untouched.
    pub touch: Option<Touch>,
    /// Requests that these rows answer: they leave the inbox. One that is not there changes nothing.
    pub consumed: Vec<RequestNo>,
}

/// A change of an instance's own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The status.
    pub status: Status,
    /// When a sleeping instance wants to run again; a sleeping one without it wants to at once.
    pub wake_at: Option<Micros>,
    /// The state it sleeps, is parked or waits in, for lists.
    pub state: Option<Box<str>>,
    /// Whether the committing worker keeps it; otherwise, and after an end, nobody owns it from then on.
    pub owned: bool,
    /// The moment. The first one with a status that is an end is kept as the moment of the end.
    pub at: Micros,
}

/// What became of a write.
#[derive(Debug, Clone)]
pub enum Written {
    /// The instance was started, under this number.
    Started(InstanceNo),
    /// The identity is taken, by this one.
    Exists(Box<Instance>),
    /// The rows were appended.
    Appended,
}

/// One row of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Micros,
    /// What happened, as JSON text.
    pub event: Box<str>,
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
    /// The status.
    pub status: Status,
    /// When it wants to run again, if it sleeps.
    pub wake_at: Option<Micros>,
    /// The state it sleeps, is parked or waits in.
    pub state: Option<Box<str>>,
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
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Sleeping,
        Self::Parked,
        Self::WaitsForBuild,
        Self::Completed,
        Self::Compensated,
        Self::CompensatedWithDebt,
    ];

    /// Whether the instance has ended.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated | Self::CompensatedWithDebt)
    }
}

/// What a claim found.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// The instances that are now owned.
    pub claimed: Vec<Claimed>,
    /// When the next of these sagas' sleeping instances that this claim left wants to run; in the past, if `limit` left some.
    /// (Ready ones may be left too: whoever got as many as asked for asks again.)
    pub next_wake: Option<Micros>,
}

/// An instance that is now owned.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its row, as it was before the claim.
    pub instance: Instance,
    /// Whether a dead owner had it: an attempt may have been running when that one died.
    pub orphaned: bool,
}

/// Why a store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// Another worker has taken over: this one's writes change nothing any more.
    Fenced,
    /// This write of the batch cannot be written as it is (its data, or its sequence is taken); without it the others can.
    Write {
        /// Its index in the batch.
        index: usize,
        /// Why.
        reason: Box<str>,
    },
    /// The store cannot be reached, or has no room; nothing was written, and it may work later.
    Unavailable(Box<str>),
    /// The answer to a commit was lost: it must be read back whether it happened.
    InDoubt(Box<str>),
    /// It will not work without a person: e.g. the file is in use by another process, was copied, or is of a later version.
    Unusable(Box<str>),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced => f.write_str("another worker has taken over this one's work"),
            Self::Write { reason, .. } => write!(f, "this cannot be written: {reason}"),
            Self::Unavailable(reason) => write!(f, "the store is not available: {reason}"),
            Self::InDoubt(reason) => write!(f, "the answer to a commit was lost: {reason}"),
            Self::Unusable(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for StoreError {}
