//! The embedded store: one SQLite file for one runtime.
//!
//! Write-ahead log, `synchronous=FULL`, one connection that writes and a few that read. Other programs may read the file at
//! any time; to write to it is this store's right alone while it is open (`sqlite3` and the like wait, or are waited for).
//!
//! The file is protected against everything that would let two runtimes work on one history: a second runtime in this
//! process or another one, a second hard link, a copy. A worker that was replaced nevertheless finds its epoch outdated in
//! its next commit.

mod claim;
mod error;
mod inbox;
mod list;
mod lock;
mod open;
mod pool;
mod read;
mod retention;
mod schema;
mod step;
mod transaction;
mod write;

#[cfg(test)]
mod tests;

pub use open::SqliteBuilder;

use super::{
    Burials, Claimed, Claims, Epoch, Expired, Filter, Instance, InstanceNo, Message, Micros, Received, RequestNo, Row,
    Sent, Store, StoreError, Storing, Transaction, Write, Written,
};
use error::Fault;
use lock::{Identity, Lock};
use pool::Pool;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::sleep;

/// A store in one SQLite file.
///
/// ```no_run
/// # async fn open() -> Result<(), saga_runtime::store::StoreError> {
/// use saga_runtime::store::sqlite::Sqlite;
///
/// let store = Sqlite::open("orders.db").await?;
/// # Ok(()) }
/// ```
///
/// When it is dropped its connections close in the background, and the file is free after the last of them;
/// [`close`](Store::close) waits for that.
#[derive(Debug)]
pub struct Sqlite {
    writer: Arc<Pool>,
    readers: Arc<Pool>,
    path: PathBuf,
    identity: Identity,
    /// Held by the connections' pools, so that it goes after the last of them.
    lock: Weak<Lock>,
}

impl Sqlite {
    /// Opens the store in this file, which is created if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] names the file and says what is wrong with it: it is in use by another runtime, was copied,
    /// has a second hard link, belongs to something else, was written by a later release, or cannot be opened at all.
    /// Nothing was written to it then.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open().await
    }

    /// Opens the store in this file with something out of the ordinary, see [`SqliteBuilder`].
    pub fn builder(path: impl AsRef<Path>) -> SqliteBuilder {
        SqliteBuilder::new(PathBuf::from(path.as_ref()))
    }

    /// The file, with every symbolic link followed.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.upgrade() {
            lock.closing();
        }
    }
}

/// Makes a method's work into what the trait returns.
fn storing<'a, T>(work: impl Future<Output = Result<T, Fault>> + Send + 'a) -> Storing<'a, T> {
    Box::pin(async move { work.await.map_err(Fault::into_store_error) })
}

impl Store for Sqlite {
    fn register(&self) -> Storing<'_, Epoch> {
        storing(self.raise_epoch())
    }

    fn last_epoch(&self) -> Storing<'_, Option<Epoch>> {
        storing(self.read_last_epoch())
    }

    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>> {
        storing(self.write_batch(epoch, writes))
    }

    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims> {
        storing(self.claim_many(epoch, sagas, now, limit))
    }

    fn claim_one<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        instance: InstanceNo,
    ) -> Storing<'a, Option<Claimed>> {
        storing(self.claim_this(epoch, sagas, instance))
    }

    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>> {
        storing(self.read_identity(saga, id))
    }

    fn list<'a>(&'a self, filter: &'a Filter, after: Option<InstanceNo>, limit: usize) -> Storing<'a, Vec<Instance>> {
        storing(self.read_list(filter, after, limit))
    }

    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>> {
        storing(self.read_journal(instance, from, limit))
    }

    fn journals<'a>(&'a self, instances: &'a [InstanceNo], limit: usize) -> Storing<'a, Vec<Vec<Row>>> {
        storing(self.read_journals(instances, limit))
    }

    fn rows<'a>(&'a self, instance: InstanceNo, seqs: &'a [u64]) -> Storing<'a, Vec<Row>> {
        storing(self.read_rows(instance, seqs))
    }

    fn length(&self, instance: InstanceNo) -> Storing<'_, u64> {
        storing(self.read_length(instance))
    }

    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>> {
        storing(self.put_request(instance, body, ended))
    }

    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>> {
        storing(self.read_inbox(instance))
    }

    fn inboxes<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<InstanceNo>> {
        storing(self.read_inboxes(epoch, sagas, after, limit))
    }

    fn send<'a>(&'a self, saga: &'a str, id: &'a str, message: &'a Message, at: Micros) -> Storing<'a, Sent> {
        storing(self.send_message(saga, id, message, at))
    }

    fn messages(&self, instance: InstanceNo) -> Storing<'_, Vec<Received>> {
        storing(self.read_messages(instance))
    }

    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool> {
        storing(self.bury_one(instance))
    }

    fn bury_ended<'a>(&'a self, expired: &'a Expired) -> Storing<'a, Burials> {
        storing(self.bury_expired(expired))
    }

    fn forget_buried<'a>(&'a self, saga: &'a str, before: Micros, limit: usize) -> Storing<'a, u64> {
        storing(self.forget_tombstones(saga, before, limit))
    }

    fn tick<'a>(&'a self, name: &'a str) -> Storing<'a, Option<Micros>> {
        storing(self.read_tick(name))
    }

    fn set_tick<'a>(&'a self, name: &'a str, at: Micros) -> Storing<'a, ()> {
        storing(self.write_tick(name, at))
    }

    fn transact(&self, epoch: Epoch) -> Storing<'_, Box<dyn Transaction>> {
        storing(self.lend(epoch))
    }

    fn longest_transaction(&self) -> Option<Duration> {
        Some(step::LONGEST)
    }

    fn close(&self) -> Storing<'_, ()> {
        Box::pin(async {
            self.readers.close().await;
            self.writer.close().await;
            // A connection that was dropped in the middle of something may still be closing.
            while self.lock.strong_count() > 0 {
                sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        })
    }
}
