//! Connections, opened when needed and kept.

use super::error::Fault;
use crate::store::StoreError;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a server may take to let somebody in.
const CONNECTING: Duration = Duration::from_secs(10);

/// A few connections for one purpose.
#[derive(Debug)]
pub(super) struct Pool {
    options: PgConnectOptions,
    idle: Mutex<Vec<PgConnection>>,
    permits: Arc<Semaphore>,
    size: u32,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions, size: u32) -> Self {
        Self { options, idle: Mutex::default(), permits: Arc::new(Semaphore::new(size as usize)), size }
    }

    /// A connection, as soon as one is free.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Taken, Fault> {
        let closed = || StoreError::Unusable("the store was closed".into());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let idle = self.idle().pop();
        let (conn, fresh) = match idle {
            Some(conn) => (conn, false),
            None => (connect(&self.options).await?, true),
        };
        Ok(Taken { conn: Some(conn), fresh, pool: Arc::clone(self), _permit: permit })
    }

    /// Waits for what is under way, closes every connection, and lets nobody take one afterwards.
    pub(super) async fn close(&self) {
        // An error says that it is closed already.
        let _all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        let idle = mem::take(&mut *self.idle());
        for conn in idle {
            // One that is broken is as good as closed.
            let _ = conn.close().await;
        }
    }

    /// Lets go of what nobody uses: one connection broke, and so, most likely, did they.
    fn suspect(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a connection, or says why not.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Fault> {
    let late = |_| {
        let reason = format!("{}:{} does not answer", options.get_host(), options.get_port());
        StoreError::Unavailable(reason.into())
    };
    Ok(timeout(CONNECTING, options.connect()).await.map_err(late)??)
}

/// A connection that is in use. Dropped without [`Taken::done`], it is closed, which rolls back what it was in the middle
/// of: nobody gets a connection in a state that nobody knows.
#[derive(Debug)]
pub(super) struct Taken {
    conn: Option<PgConnection>,
    fresh: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Taken {
    /// Gives it back for others to use.
    pub(super) fn done(mut self) {
        if !self.pool.permits.is_closed() {
            self.pool.idle().extend(self.conn.take());
        }
    }

    /// Whether it was opened for this use, and not kept from an earlier one.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Hands on what was answered. After an error the connection is given back only if it is still of use.
    pub(super) fn end<T>(self, answer: Result<T, Fault>) -> Result<T, Fault> {
        match &answer {
            Err(fault) if fault.is_of_the_connection() => self.pool.suspect(),
            _ => self.done(),
        }
        answer
    }
}

impl Deref for Taken {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.conn.as_ref().expect("it is given away by `done` only, which takes the value")
    }
}

impl DerefMut for Taken {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.conn.as_mut().expect("it is given away by `done` only, which takes the value")
    }
}
