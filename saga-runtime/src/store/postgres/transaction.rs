//! Transactions.

use super::{
    Inner,
    error::Fault,
    pool::{Pool, Taken},
};
use crate::store::{Epoch, StoreError, outside};
use sqlx::{AssertSqlSafe, PgConnection, raw_sql};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// A transaction under way. Dropped without [`Transaction::end`], nothing of it was written.
#[derive(Debug)]
pub(super) struct Transaction(Taken);

/// Begins a transaction. Whoever is stopped in the middle of it (a process that is suspended, a machine that is gone) keeps locks
/// that others wait for no longer than this.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = '5s'";

impl Inner {
    /// Begins a transaction.
    pub(super) async fn begin(&self, pool: &Arc<Pool>) -> Result<Transaction, Fault> {
        self.begin_with(pool, BEGIN.into()).await.map(|(transaction, _)| transaction)
    }

    /// Begins a transaction of a worker, whose life nobody ends before the transaction does.
    pub(super) async fn begin_as(&self, pool: &Arc<Pool>, epoch: Epoch) -> Result<Transaction, Fault> {
        // From within a step's transaction it might wait for that one, which waits for it.
        outside().map_err(|inside| StoreError::Unusable(inside.into()))?;
        let lock = self.names.put_in("SELECT epoch FROM saga.worker WHERE epoch =");
        let begin = format!("{BEGIN}; {lock} {} FOR KEY SHARE", epoch.0);
        let (transaction, found) = self.begin_with(pool, begin).await?;
        if found { Ok(transaction) } else { transaction.end(Err(StoreError::Fenced.into())).await }
    }

    /// Begins a transaction, and says whether the statement found something. Nothing has been written yet: a connection that
    /// broke while nobody looked is no error.
    async fn begin_with(&self, pool: &Arc<Pool>, begin: String) -> Result<(Transaction, bool), Fault> {
        loop {
            let mut conn = pool.take().await?;
            match raw_sql(AssertSqlSafe(begin.clone())).fetch_all(&mut *conn).await.map_err(Fault::from) {
                Ok(rows) => return Ok((Transaction(conn), !rows.is_empty())),
                Err(fault) if fault.is_of_the_connection() && !conn.is_fresh() => {
                    let _ = conn.end::<()>(Err(fault));
                }
                // It may have begun.
                Err(fault) => return Transaction(conn).end(Err(fault)).await,
            }
        }
    }
}

impl Transaction {
    /// Commits if the work was done, or else rolls back and hands on the work's error.
    ///
    /// # Errors
    /// [`StoreError::InDoubt`] if the answer to the commit was lost.
    pub(super) async fn end<T>(mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        match done {
            Ok(done) => {
                let committed = raw_sql("COMMIT").execute(&mut *self).await.map(|_| done).map_err(Fault::from);
                self.0.end(committed).map_err(Fault::of_commit)
            }
            Err(fault) if fault.is_of_the_connection() => self.0.end(Err(fault)),
            Err(fault) => {
                if raw_sql("ROLLBACK").execute(&mut *self).await.is_ok() {
                    self.0.done();
                }
                Err(fault)
            }
        }
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
