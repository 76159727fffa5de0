//! Connections, and the promise that the file's lock outlives each of them.

use super::{
    error::{Fault, unusable},
    lock::Lock,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};
use tokio::{
    runtime::Builder,
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// A few connections, opened when needed and kept.
#[derive(Debug)]
pub(super) struct Pool {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    permits: Arc<Semaphore>,
    size: u32,
    /// Gone once the pool is closed.
    lock: Mutex<Option<Arc<Lock>>>,
}

impl Pool {
    pub(super) fn new(options: SqliteConnectOptions, size: u32, lock: Arc<Lock>) -> Self {
        let permits = Arc::new(Semaphore::new(size as usize));
        Self { options, idle: Mutex::default(), permits, size, lock: Mutex::new(Some(lock)) }
    }

    /// A connection, as soon as one is free.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Taken, Fault> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Ok(permit), Some(lock)) = (permit, lock) else {
            return Err(unusable(self.options.get_filename(), "was closed").into());
        };
        // SQLite would go on writing to a file that nobody finds again, and a new connection would find another one.
        lock.still_there()?;
        let idle = self.idle().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.options.connect().await?,
        };
        Ok(Taken { conn: Some(conn), pool: Arc::clone(self), lock, _permit: permit })
    }

    /// Waits for what is under way, closes every connection, and lets nobody take one afterwards.
    pub(super) async fn close(&self) {
        // An error says that it is closed already.
        let _all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        let idle = mem::take(&mut *self.idle());
        close(idle).await;
        drop(self.let_go());
    }

    /// Takes the pool's share of the lock.
    fn let_go(&self) -> Option<Arc<Lock>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let idle = mem::take(&mut *self.idle());
        if let Some(lock) = self.let_go() {
            close_later(idle, lock);
        }
    }
}

/// A connection that is in use. Dropped without [`Taken::done`], it is closed, which rolls back what it was in the middle
/// of: nobody gets a connection in a state that nobody knows.
#[derive(Debug)]
pub(super) struct Taken {
    conn: Option<SqliteConnection>,
    pool: Arc<Pool>,
    lock: Arc<Lock>,
    _permit: OwnedSemaphorePermit,
}

impl Taken {
    /// Gives it back for others to use.
    pub(super) fn done(mut self) {
        self.pool.idle().extend(self.conn.take());
    }
}

impl Deref for Taken {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.conn.as_ref().expect("it is given away by `done` only, which takes the value")
    }
}

impl DerefMut for Taken {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.conn.as_mut().expect("it is given away by `done` only, which takes the value")
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            close_later(vec![conn], Arc::clone(&self.lock));
        }
    }
}

async fn close(conns: Vec<SqliteConnection>) {
    for conn in conns {
        if let Err(error) = conn.close().await {
            tracing::warn!(%error, "a connection to the store did not close cleanly");
        }
    }
}

/// Closes connections where nobody can wait for it: on a thread of its own, which outlives the caller's runtime. The lock
/// goes after the last of them.
fn close_later(conns: Vec<SqliteConnection>, lock: Arc<Lock>) {
    if conns.is_empty() {
        return;
    }
    let closing = move || match Builder::new_current_thread().build() {
        Ok(runtime) => {
            runtime.block_on(close(conns));
            drop(lock);
        }
        Err(error) => tracing::warn!(%error, "a connection to the store is closed without waiting for it"),
    };
    if let Err(error) = thread::Builder::new().name("saga-store-close".into()).spawn(closing) {
        tracing::warn!(%error, "a connection to the store is closed without waiting for it");
    }
}
