//! Write transactions.

use super::{Sqlite, error::Fault, pool::Taken};
use crate::store::{Epoch, StoreError, outside};
use sqlx::{
    AssertSqlSafe, SqliteConnection, query,
    query::Query,
    query_scalar,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::ops::{Deref, DerefMut};

/// A write transaction, from `BEGIN IMMEDIATE` on. Dropped without [`Transaction::end`], nothing of it was written.
#[derive(Debug)]
pub(super) struct Transaction(Taken);

impl Sqlite {
    /// Begins a write transaction, as soon as nobody else writes.
    pub(super) async fn begin(&self) -> Result<Transaction, Fault> {
        let mut conn = self.write_with().await?;
        query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
        Ok(Transaction(conn))
    }

    /// Begins a write transaction of a worker: it fails if another one has taken over.
    pub(super) async fn begin_as(&self, epoch: Epoch) -> Result<Transaction, Fault> {
        let mut conn = self.write_with().await?;
        let current: Result<i64, _> =
            query_scalar("BEGIN IMMEDIATE; SELECT epoch FROM store").fetch_one(&mut *conn).await;
        let transaction = Transaction(conn);
        match current {
            Ok(current) if current == epoch.0 => Ok(transaction),
            Ok(_) => transaction.end(Err(StoreError::Fenced.into())).await,
            Err(error) => transaction.end(Err(error.into())).await,
        }
    }

    /// A whole write transaction of a worker, as one script: these statements, each with its end, of which the parameters are
    /// bound. What they return is there only if all of it was committed.
    ///
    /// # Errors
    /// As [`Transaction::end`]; also where it is not known whether it was a statement or the commit that failed.
    pub(super) async fn whole(
        &self,
        epoch: Epoch,
        statements: &str,
        bind: impl FnOnce(Query<'_, sqlx::Sqlite, SqliteArguments>) -> Query<'_, sqlx::Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, Fault> {
        let mut conn = self.write_with().await?;
        let script = format!(
            "BEGIN IMMEDIATE; INSERT INTO refused (fenced) SELECT 1 FROM store WHERE epoch <> ?; {statements} COMMIT"
        );
        let script = bind(query(AssertSqlSafe(script)).bind(epoch.0));
        match script.fetch_all(&mut *conn).await {
            Ok(rows) => {
                conn.done();
                Ok(rows)
            }
            Err(error) => {
                let fault = Fault::from(error);
                let definite = fault.is_definite() || fault.is_of_the_data();
                let fault = if definite { fault } else { StoreError::InDoubt(fault.reason().into()).into() };
                Transaction(conn).end(Err(fault)).await
            }
        }
    }

    async fn write_with(&self) -> Result<Taken, Fault> {
        // From within a step's transaction it would wait for that one, which waits for it.
        outside().map_err(|inside| StoreError::Unusable(inside.into()))?;
        self.writer.take().await
    }

    /// Begins a worker's life.
    pub(super) async fn raise_epoch(&self) -> Result<Epoch, Fault> {
        let mut transaction = self.begin().await?;
        let raised =
            query_scalar("UPDATE store SET epoch = epoch + 1 RETURNING epoch").fetch_one(&mut *transaction).await;
        transaction.end(raised.map(Epoch).map_err(Fault::from)).await
    }
}

impl Transaction {
    /// Commits if the work was done, or else rolls back and hands on the work's error.
    ///
    /// # Errors
    /// [`StoreError::InDoubt`] if the commit itself failed in a way that leaves open whether it will be found after a crash.
    pub(super) async fn end<T>(mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        match done {
            Ok(done) => match query("COMMIT").execute(&mut *self).await {
                Ok(_) => {
                    self.0.done();
                    Ok(done)
                }
                // The connection is not given back: closing it ends the transaction.
                Err(error) => {
                    let fault = Fault::from(error);
                    if fault.is_definite() {
                        return Err(fault);
                    }
                    Err(StoreError::InDoubt(fault.reason().into()).into())
                }
            },
            Err(fault) => {
                // After some errors SQLite has rolled back by itself, and says so here; the connection is closed then.
                if query("ROLLBACK").execute(&mut *self).await.is_ok() {
                    self.0.done();
                }
                Err(fault)
            }
        }
    }
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.0
    }
}
