//! Connections, opened when needed and kept.

use super::error::Fault;
use crate::store::StoreError;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a server may take to let somebody in.
const CONNECTING: Duration = Duration::from_secs(10);

/// A connection that nobody has used for so long is not used again. What stands between here and the server may have forgotten it
/// without a word to either, and whoever asked something on it would wait for an answer that never comes.
const STALE: Duration = Duration::from_mins(1);

/// One that is given up before it has answered is taken for silent after so long.
const SILENT: Duration = Duration::from_secs(5);

/// A few connections for one purpose.
#[derive(Debug)]
pub(super) struct Pool {
    options: PgConnectOptions,
    /// Those that nobody uses, each with the moment of its last use: the one that was used last is the last one.
    idle: Mutex<Vec<(Instant, PgConnection)>>,
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
        let (conn, fresh) = match self.kept() {
            Some(conn) => (conn, false),
            None => (connect(&self.options).await?, true),
        };
        Ok(Taken { conn: Some(conn), since: Instant::now(), fresh, pool: Arc::clone(self), _permit: permit })
    }

    /// Waits for what is under way, closes every connection, and lets nobody take one afterwards.
    pub(super) async fn close(&self) {
        // An error says that it is closed already.
        let _all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        let idle = mem::take(&mut *self.idle());
        for (_, conn) in idle {
            // One that is broken is as good as closed.
            let _ = conn.close().await;
        }
    }

    /// One that was used a moment ago.
    fn kept(&self) -> Option<PgConnection> {
        let mut idle = self.idle();
        let (used, conn) = idle.pop()?;
        if used.elapsed() < STALE {
            return Some(conn);
        }
        // The others have been there for longer.
        idle.clear();
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, PgConnection)>> {
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
/// of: nobody gets a connection in a state that nobody knows. If it broke, or did not answer for long, so would, most likely, those that
/// nobody uses: they are closed with it.
#[derive(Debug)]
pub(super) struct Taken {
    conn: Option<PgConnection>,
    since: Instant,
    fresh: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Taken {
    /// Gives it back for others to use.
    pub(super) fn done(mut self) {
        if !self.pool.permits.is_closed() {
            let used = self.conn.take().map(|conn| (Instant::now(), conn));
            self.pool.idle().extend(used);
        }
    }

    /// Whether it was opened for this use, and not kept from an earlier one.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Hands on what was answered. After an error the connection is given back only if it is still of use.
    pub(super) fn end<T>(self, answer: Result<T, Fault>) -> Result<T, Fault> {
        match &answer {
            Err(fault) if fault.is_of_the_connection() => self.pool.idle().clear(),
            _ => self.done(),
        }
        answer
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Whoever asked may just have gone.
        if self.conn.is_some() && self.since.elapsed() >= SILENT {
            self.pool.idle().clear();
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::query;

    /// Two connections that nobody uses.
    async fn two_idle() -> Arc<Pool> {
        let url = saga_test_postgres::url();
        let pool = Arc::new(Pool::new(url.parse().expect("a database's address"), 4));
        let taken = [pool.take().await.expect("it lets me in"), pool.take().await.expect("it lets me in")];
        assert!(taken.iter().all(Taken::is_fresh));
        taken.into_iter().for_each(Taken::done);
        pool
    }

    #[tokio::test]
    async fn what_is_given_back_is_used_again_unless_nobody_has_used_it_for_long() {
        let pool = two_idle().await;
        let taken = pool.take().await.expect("it is there");
        assert!(!taken.is_fresh());
        taken.done();
        for (used, _) in &mut *pool.idle() {
            *used = used.checked_sub(STALE).expect("this machine has been up for a minute");
        }
        assert!(pool.take().await.expect("it lets me in").is_fresh());
        assert!(pool.idle().is_empty(), "the other one was used no later");
    }

    #[tokio::test]
    async fn where_one_does_not_answer_nobody_asks_the_others_that_nobody_uses() {
        let pool = two_idle().await;
        let mut taken = pool.take().await.expect("it is there");
        let asked = timeout(Duration::from_millis(50), query("SELECT pg_sleep(60)").execute(&mut *taken));
        assert!(asked.await.is_err(), "it answers in a minute");
        drop(taken);
        let mut taken = pool.take().await.expect("it is there");
        assert!(!taken.is_fresh(), "whoever asked has gone, and the others are as they were");
        taken.since = taken.since.checked_sub(SILENT).expect("this machine has been up for longer");
        pool.take().await.expect("it lets me in").done();
        drop(taken);
        assert!(pool.take().await.expect("it lets me in").is_fresh());
    }
}
