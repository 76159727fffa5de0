//! Where instances are kept: the contract that every store fulfils.
//!
//! A store knows instances, journal rows, requests and messages as data. It knows nothing of sagas, states or policies: what a row
//! says is the engine's business. The engine's one writer, the `Committer`, hands it many
//! transitions at once.
//!
//! The conformance suite (`store::conformance`) tests this contract and is public, so that a third party can write a store.

pub mod committer;
pub mod conformance;
mod error;
pub mod faulty;
mod instance;
pub mod memory;
mod message;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod pack;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod segment;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod transaction;
mod workers;
mod write;

pub use error::StoreError;
pub(crate) use instance::damage;
pub use instance::{Burials, Claimed, Claims, Expired, Filter, Instance, Labels, LastBuried, Row, Status};
pub use message::{Message, MessageNo, Received, Sent};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use pack::fuzzed as packed;
pub use transaction::Transaction;
pub(crate) use transaction::{outside, within};
pub use workers::{Dead, News, Renewed, Told};
pub use write::{Append, Delivery, Request, Start, Touch, Write, Written};

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
    /// Registers a worker: a new epoch, higher than all before it. It ends the life of the worker that was registered through
    /// this same value before; of a store for one worker, that of every earlier one. What a dead worker owned may be claimed.
    fn register(&self) -> Storing<'_, Epoch>;

    /// The highest epoch that a worker was given; 0 before the first. `None` of a store that cannot say, as one that takes an owner
    /// for dead unless it is known to live, whatever its epoch.
    fn last_epoch(&self) -> Storing<'_, Option<Epoch>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// How long a worker is taken for alive after it was last heard of, of a store on which several may live at the same time.
    /// `None` of a store whose worker lives until another one is registered: it has neither news nor anything to renew.
    fn lease(&self) -> Option<Duration> {
        None
    }

    /// Says that the worker is alive: nobody takes its work until a lease from now has passed.
    ///
    /// With `bury_dead` it looks for workers that were not heard of for longer than their lease, and ends their lives. What they
    /// were just committing is committed first, wholly, or never. To be asked for only by a worker that has itself been in
    /// touch with the store for a whole lease: after the store was away for all of them, the others come back, too.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if this worker's own life has been ended by another one.
    fn renew(&self, epoch: Epoch, bury_dead: bool) -> Storing<'_, Renewed> {
        let _ = (epoch, bury_dead);
        Box::pin(std::future::ready(Err(StoreError::Unusable("this store has one worker at a time".into()))))
    }

    /// Ends the worker's life in good order: what it still owns may be claimed at once, and others are told so.
    fn retire(&self, epoch: Epoch) -> Storing<'_, ()> {
        let _ = epoch;
        Box::pin(std::future::ready(Ok(())))
    }

    /// What other workers and clients do from now on, as far as this worker should know at once.
    fn news(&self, epoch: Epoch) -> Storing<'_, Option<Box<dyn News>>> {
        let _ = epoch;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Writes a batch, all of it in one transaction, durable when the answer is there.
    ///
    /// First it is checked that `epoch` still owns the store's work; if not, nothing is written ([`StoreError::Fenced`]).
    /// The answers are in the order of the writes, and each write sees those before it in the batch. A start that finds its
    /// identity taken, also by a tombstone or by a start before it, writes nothing for itself, answers
    /// [`Written::Exists`], and does not disturb the others.
    ///
    /// What an append says of other instances (starts, messages, requests) is part of it: if it is written, so are they.
    /// To the others it is as if they came from outside: what finds its identity or id taken, or its target ended or
    /// gone, is left out and disturbs nothing.
    ///
    /// A touch to [`Status::Waiting`] that finds a message of an awaited name there, not consumed, makes the instance due at
    /// the touch's moment; a message that comes later, at the message's. What is due is claimed as if its time had come.
    ///
    /// Where several workers live, a touch changes nothing once another of them has taken the instance: it is an old one, written
    /// once more because its answer was lost, and what it let go is somebody else's by now. That is no error.
    ///
    /// # Errors
    /// Nothing of the batch was written, except after [`StoreError::InDoubt`], where it was written wholly or not at all.
    /// [`StoreError::Write`] names the first write that cannot be written: rows that do not follow the last one (a start's
    /// first is 1), an instance that does not exist or is buried, data that this store cannot keep, or an append's start
    /// of which one of these is true.
    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>>;

    /// Takes instances that want to run, and marks them as owned by `epoch`. The sagas take turns, so that none waits for
    /// another's backlog; of each, the ones that waited longest come first.
    ///
    /// Those are: ready ones, sleeping ones whose time has come, and waiting ones whose time or message has come, if nobody
    /// owns them or their owner is dead; ones that wait for their turn at something that only a dead worker knew of; and ones
    /// that waited for a build and were not given back by this epoch. Only of the sagas named. A ready one has waited since its start or the touch that made it ready, a sleeping one since its
    /// wake-up time, a waiting one since that or since its message came, whichever was first.
    ///
    /// What is claimed is [`Status::Ready`] from then on, without a wake-up time, a state or awaited messages: it runs. No
    /// message that comes after the claim is stored with an earlier moment than `now`, so that whoever claims a wait whose
    /// time has come, and finds no message from before that time, can say for ever that there was none.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if `epoch` no longer owns the store's work.
    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims>;

    /// Takes this one instance, of one of the sagas named, for a decision, whatever it waits for, also if it has ended; `None` if
    /// a living worker (this one, too) owns it, if this one gave it back because it does not know its state, if it is of another
    /// saga, or if it does not exist or is buried.
    ///
    /// Its status, what wakes it and its state stay as they are: the touch of the decision changes them. If the worker dies
    /// before, they are what the next one finds. [`StoreError::Fenced`] if `epoch` no longer owns the store's work.
    fn claim_one<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        instance: InstanceNo,
    ) -> Storing<'a, Option<Claimed>>;

    /// The instance of this identity.
    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>>;

    /// The instances that the filter admits, by number, at most `limit`; after `after`, in the filter's order.
    ///
    /// A page is not a snapshot of the next one: an instance that changes between them is in each of them as it is then.
    /// Reading a list never keeps anybody from writing.
    fn list<'a>(&'a self, filter: &'a Filter, after: Option<InstanceNo>, limit: usize) -> Storing<'a, Vec<Instance>>;

    /// Journal rows of an instance, by sequence, from `from` on, at most `limit`.
    ///
    /// A row that is not what was written, as far as the store can tell, is no error of the read: it has in place of its text why,
    /// behind a `!`, so that whoever reads it knows that it cannot be read.
    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>>;

    /// The first rows of the journals of these instances, by sequence, at most `limit` of each; in the order of the instances. What
    /// reads many journals asks for them together: a store that can answers by one query.
    fn journals<'a>(&'a self, instances: &'a [InstanceNo], limit: usize) -> Storing<'a, Vec<Vec<Row>>> {
        Box::pin(async move {
            let mut journals = Vec::with_capacity(instances.len());
            for instance in instances {
                journals.push(self.journal(*instance, 1, limit).await?);
            }
            Ok(journals)
        })
    }

    /// The journal rows of an instance that have these numbers, by sequence. One that is not there is left out.
    fn rows<'a>(&'a self, instance: InstanceNo, seqs: &'a [u64]) -> Storing<'a, Vec<Row>>;

    /// The number of an instance's last journal row; 0 if there is none.
    fn length(&self, instance: InstanceNo) -> Storing<'_, u64>;

    /// Puts a request into the instance's inbox.
    ///
    /// In the same transaction it is checked that the instance has not ended (unless `ended` allows it); `None` if it
    /// has, does not exist or is buried, and nothing is written.
    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>>;

    /// The requests that have not been consumed, oldest first.
    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>>;

    /// The instances with requests that have not been consumed and that this worker may decide, by number: of one of the sagas
    /// named, without those that another living worker owns, and those that this one gave back because it does not know their
    /// state.
    fn inboxes<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<InstanceNo>>;

    /// Puts a message where the instance of this identity finds it, and makes it due if it waits for one of this name.
    ///
    /// All of that is one transaction, which the end of the instance comes either before or after: a message is never
    /// stored for an instance that has ended. An id that is known for this instance and name is not stored again, also after
    /// the message was consumed or the instance has ended; bodies are compared as they are written. A message is stored
    /// with the moment `at`, or, if that is earlier, with the latest of the instance's messages', touches' and claims': the
    /// moments of an instance's messages never decrease.
    fn send<'a>(&'a self, saga: &'a str, id: &'a str, message: &'a Message, at: Micros) -> Storing<'a, Sent>;

    /// The messages that the instance has not consumed, oldest first; also after its end, until it is buried.
    fn messages(&self, instance: InstanceNo) -> Storing<'_, Vec<Received>>;

    /// Removes the journal of an ended instance and leaves a tombstone (identity, hash of the input, status, moments and
    /// parent), so that the identity stays taken. What is left of its requests, messages and labels goes too. `false`, and
    /// nothing is removed, if it has not ended or has open debt, if its parent, or anybody above that, has not ended (with whom
    /// it may have to be undone), or if it does not exist; a store for several workers says so also while a living one owns
    /// it, for a decision. `true` if it is a tombstone already.
    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool>;

    /// Buries ended instances, the ones that ended first before the others, and says how many those were, and how far it came.
    ///
    /// It is [`bury`](Store::bury) for each of them, in one transaction: `limit` says for how long others wait.
    fn bury_ended<'a>(&'a self, expired: &'a Expired) -> Storing<'a, Burials>;

    /// Removes tombstones of a saga's instances that ended before this moment, the earliest first, at most `limit`, and
    /// says how many. Their identities are free from then on; their numbers are never used again.
    fn forget_buried<'a>(&'a self, saga: &'a str, before: Micros, limit: usize) -> Storing<'a, u64>;

    /// The last tick of the recurring start of this name, if there was one.
    fn tick<'a>(&'a self, name: &'a str) -> Storing<'a, Option<Micros>>;

    /// Says that this tick has been dealt with. An earlier one than the last changes nothing.
    fn set_tick<'a>(&'a self, name: &'a str, at: Micros) -> Storing<'a, ()>;

    /// Begins a transaction in which a step of this worker writes to tables of its own, in the store's database. It begins when
    /// whoever else writes lets it, and it may keep others waiting until it ends.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if `epoch` no longer owns the store's work; nothing can change that before the transaction ends.
    /// [`StoreError::Unusable`] of a store that has no such transactions, as one has none unless it says otherwise.
    fn transact(&self, epoch: Epoch) -> Storing<'_, Box<dyn Transaction>> {
        let _ = epoch;
        Box::pin(std::future::ready(Err(StoreError::Unusable("this store has no transactions for steps".into()))))
    }

    /// How long such a transaction may last without harm to others, if the store has them.
    fn longest_transaction(&self) -> Option<Duration> {
        None
    }

    /// Lets go of files and connections, once what is under way has ended; later calls fail. Nothing is lost without it.
    fn close(&self) -> Storing<'_, ()>;
}
