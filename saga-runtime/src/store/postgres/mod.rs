//! The store for many workers: a schema of a PostgreSQL database.
//!
//! Any number of workers live on it, each with a [`Postgres`] of its own, in as many processes as one likes. Each shows that it is
//! alive by renewing its lease, on the server's clock. Every commit first takes a shared lock on its worker's row; whoever takes a
//! dead worker's instances over deletes that row before, and so waits for the commits that are under way, and no later one changes
//! anything.
//!
//! # Roles
//! Whoever connects first makes the schema and the tables, and owns them; so it has to have the right to create a schema in the
//! database, or an empty one of its own. A role that only works with them needs less:
//!
//! ```sql
//! GRANT USAGE ON SCHEMA saga TO worker;
//! GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA saga TO worker;
//! GRANT USAGE ON ALL SEQUENCES IN SCHEMA saga TO worker;
//! ```
//!
//! The tables of a later release are made by connecting once with the role that owns them. Several processes may do so at once:
//! one of them makes the tables, the others wait for it.
//!
//! # Connections
//! One that commits, a few that claim and send, a few that read, two for the lease and the news, one that listens: at most 12, and
//! up to 8 more while transactional steps run. They are opened when they are needed. The connection string is that of libpq:
//! `postgres://role:password@host:5432/database?sslmode=verify-full`; `sslmode` needs the feature `postgres-tls`. A proxy that pools
//! transactions: [`PostgresBuilder::behind_a_transaction_pooler`].
//!
//! # Durability
//! A commit is answered when it is durable: `synchronous_commit` is on for the store's connections if the database turns it off. A
//! server with `fsync = off` keeps nothing through a power cut, whatever the store does.

mod attempt;
mod claim;
mod doubt;
mod error;
mod inbox;
mod list;
mod names;
mod news;
mod open;
mod pool;
mod read;
mod retention;
mod schema;
mod step;
mod transaction;
mod worker;
mod write;

#[cfg(test)]
mod tests;

pub use open::PostgresBuilder;

use super::{
    Burials, Claimed, Claims, Epoch, Expired, Filter, Instance, InstanceNo, Message, Micros, News, Received, Renewed,
    RequestNo, Row, Sent, Store, StoreError, Storing, Transaction, Write, Written,
};
use claim::Lost;
use doubt::Doubt;
use error::Fault;
use names::Names;
use news::{Company, Crier};
use pool::Pool;
use sqlx::postgres::PgConnectOptions;
use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};
use tokio::{sync::Mutex, time::timeout};

/// How long an answer is waited for. A connection that says nothing for longer is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// A store in a schema of a PostgreSQL database, as one worker has it. Another worker has a value of its own.
///
/// ```no_run
/// # async fn connect() -> Result<(), saga_runtime::store::StoreError> {
/// use saga_runtime::store::postgres::Postgres;
///
/// let store = Postgres::connect("postgres://worker@localhost/orders").await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Postgres(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    names: Arc<Names>,
    /// The one that commits.
    writer: Arc<Pool>,
    work: Arc<Pool>,
    readers: Arc<Pool>,
    steps: Arc<Pool>,
    /// For the lease and the news.
    aside: Arc<Pool>,
    listening: Option<PgConnectOptions>,
    lease: Duration,
    /// The worker that was registered through this value.
    mine: Mutex<Option<Epoch>>,
    /// The same, for whoever cannot wait.
    me: AtomicI64,
    crier: Crier,
    company: Arc<Company>,
    lost: Lost,
    doubt: Doubt,
}

impl Postgres {
    /// Connects to the store in the schema `saga` of this database, and makes it if it is not there.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] says what is wrong and what to do: the role may not do what is needed, the schema holds something
    /// else or was made by a later release, the server is too old, a standby, or wants an encrypted connection that this program
    /// cannot make. [`StoreError::Unavailable`] if the server cannot be reached now.
    pub async fn connect(url: impl Into<String>) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// Connects with something out of the ordinary, see [`PostgresBuilder`].
    pub fn builder(url: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder::new(url.into())
    }
}

/// Makes a method's work into what the trait returns.
fn storing<'a, T>(work: impl Future<Output = Result<T, Fault>> + Send + 'a) -> Storing<'a, T> {
    Box::pin(async move { work.await.map_err(Fault::into_store_error) })
}

/// The same, of what is given up if it is not answered. Whoever drops a connection's work closes the connection.
fn answered<'a, T>(work: impl Future<Output = Result<T, Fault>> + Send + 'a) -> Storing<'a, T> {
    let late = || StoreError::InDoubt("the server does not answer".into());
    Box::pin(async move { timeout(PATIENCE, work).await.map_err(|_| late())?.map_err(Fault::into_store_error) })
}

impl Store for Postgres {
    fn register(&self) -> Storing<'_, Epoch> {
        answered(self.0.begin_life())
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.0.lease)
    }

    fn renew(&self, epoch: Epoch, bury_dead: bool) -> Storing<'_, Renewed> {
        answered(self.0.renew_lease(epoch, bury_dead))
    }

    fn retire(&self, epoch: Epoch) -> Storing<'_, ()> {
        answered(self.0.end_life(epoch))
    }

    fn news(&self, epoch: Epoch) -> Storing<'_, Option<Box<dyn News>>> {
        answered(self.0.listen(epoch))
    }

    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>> {
        answered(self.0.write_batch(epoch, writes))
    }

    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims> {
        answered(self.0.claim_many(epoch, sagas, now, limit))
    }

    fn claim_one<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        instance: InstanceNo,
    ) -> Storing<'a, Option<Claimed>> {
        answered(self.0.claim_this(epoch, sagas, instance))
    }

    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>> {
        answered(self.0.read_identity(saga, id))
    }

    fn list<'a>(&'a self, filter: &'a Filter, after: Option<InstanceNo>, limit: usize) -> Storing<'a, Vec<Instance>> {
        answered(self.0.read_list(filter, after, limit))
    }

    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>> {
        answered(self.0.read_journal(instance, from, limit))
    }

    fn journals<'a>(&'a self, instances: &'a [InstanceNo], limit: usize) -> Storing<'a, Vec<Vec<Row>>> {
        answered(self.0.read_journals(instances, limit))
    }

    fn rows<'a>(&'a self, instance: InstanceNo, seqs: &'a [u64]) -> Storing<'a, Vec<Row>> {
        answered(self.0.read_rows(instance, seqs))
    }

    fn length(&self, instance: InstanceNo) -> Storing<'_, u64> {
        answered(self.0.read_length(instance))
    }

    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>> {
        answered(self.0.put_request(instance, body, ended))
    }

    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>> {
        answered(self.0.read_inbox(instance))
    }

    fn inboxes<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<InstanceNo>> {
        answered(self.0.read_inboxes(epoch, sagas, after, limit))
    }

    fn send<'a>(&'a self, saga: &'a str, id: &'a str, message: &'a Message, at: Micros) -> Storing<'a, Sent> {
        answered(self.0.send_message(saga, id, message, at))
    }

    fn messages(&self, instance: InstanceNo) -> Storing<'_, Vec<Received>> {
        answered(self.0.read_messages(instance))
    }

    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool> {
        answered(self.0.bury_one(instance))
    }

    fn bury_ended<'a>(&'a self, expired: &'a Expired) -> Storing<'a, Burials> {
        answered(self.0.bury_expired(expired))
    }

    fn forget_buried<'a>(&'a self, saga: &'a str, before: Micros, limit: usize) -> Storing<'a, u64> {
        answered(self.0.forget_tombstones(saga, before, limit))
    }

    fn tick<'a>(&'a self, name: &'a str) -> Storing<'a, Option<Micros>> {
        answered(self.0.read_tick(name))
    }

    fn set_tick<'a>(&'a self, name: &'a str, at: Micros) -> Storing<'a, ()> {
        answered(self.0.write_tick(name, at))
    }

    fn transact(&self, epoch: Epoch) -> Storing<'_, Box<dyn Transaction>> {
        answered(self.0.lend(epoch))
    }

    fn longest_transaction(&self) -> Option<Duration> {
        Some(step::LONGEST)
    }

    fn close(&self) -> Storing<'_, ()> {
        Box::pin(async {
            for pool in [&self.0.steps, &self.0.work, &self.0.readers, &self.0.writer, &self.0.aside] {
                pool.close().await;
            }
            Ok(())
        })
    }
}
