//! Of SQLite.

use super::lent::given;
use crate::{
    context::{FlowContext, StepContext},
    failure::Transient,
};
use sqlx::SqliteConnection;
use std::ops::{Deref, DerefMut};
use tokio::sync::MappedMutexGuard;

/// The transaction of a step, as the sqlx connection on which it is under way; see [`StepContext::transaction`].
#[derive(Debug)]
pub struct SqliteTransaction<'c>(MappedMutexGuard<'c, SqliteConnection>);

impl Deref for SqliteTransaction<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.0
    }
}

impl DerefMut for SqliteTransaction<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.0
    }
}

impl StepContext {
    /// In a step that says `#[step(transaction)]`, and in its compensation: the very transaction of the store in which
    /// the step's answer will commit.
    ///
    /// What is written on it is there exactly once when the step is done, whatever crashes, and not at all when the step
    /// is refused, fails or takes too long: the step's row in the journal and the step's own rows are one commit. The
    /// plain code of the flow after the step runs after that commit and may, after a crash, run again, up to the next
    /// effect.
    ///
    /// It blocks every other writer of the file, the runtime included, for as long as the attempt lasts, so an attempt
    /// is given a second at most. Within it, do not wait for anything but this connection: not for a service (that is
    /// another step), not for another connection to the same file, and not for the runtime, which answers with an error.
    /// `COMMIT` and `ROLLBACK` are the runtime's; `SAVEPOINT` is yours.
    ///
    /// ```
    /// use saga_runtime::prelude::*;
    /// use sqlx::query;
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct Unknown;
    ///
    /// struct Transfer;
    ///
    /// #[saga(name = "transfer")]
    /// impl Transfer {
    ///     #[flow]
    ///     async fn run(&self, cx: &FlowContext, account: i64) -> Result<i64, Unwind<Unknown>> {
    ///         Ok(self.debit(cx, account, 100).await?)
    ///     }
    ///
    ///     /// Takes the cents, together with the record that they were taken.
    ///     #[step(transaction)]
    ///     async fn debit(&self, cx: &StepContext, account: i64, cents: i64) -> Result<i64, Failure<Unknown>> {
    ///         let debit = query("UPDATE account SET cents = cents - ? WHERE no = ?").bind(cents).bind(account);
    ///         if debit.execute(&mut *cx.transaction()?).await?.rows_affected() == 0 {
    ///             return Err(Unknown.into()); // rolled back, and then recorded
    ///         }
    ///         Ok(cents)
    ///     }
    ///
    ///     /// Gives them back, together with the record of that. What it undoes is never in doubt.
    ///     #[compensate(debit)]
    ///     async fn credit(&self, cx: &StepContext, account: i64, taken: i64) -> Result<(), Transient> {
    ///         let credit = query("UPDATE account SET cents = cents + ? WHERE no = ?").bind(taken).bind(account);
    ///         credit.execute(&mut *cx.transaction()?).await?;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The step is not a transactional one, or the transaction is in use (one at a time): a transient that parks the
    /// instance, since it would be the same again.
    pub fn transaction(&self) -> Result<SqliteTransaction<'_>, Transient> {
        self.lent("one of SQLite's").map(SqliteTransaction)
    }
}

impl FlowContext {
    /// In a test without a runtime: the connection that steps get as their [`transaction`](StepContext::transaction).
    ///
    /// Whether a transaction is under way on it is the test's business: what a refused step wrote is not taken back.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use saga_runtime::testing::FlowContext;
    /// use sqlx::{Connection, SqliteConnection, query, query_scalar};
    ///
    /// let mut memory = SqliteConnection::connect("sqlite::memory:").await?;
    /// query("CREATE TABLE account (no INTEGER PRIMARY KEY, cents INTEGER)").execute(&mut memory).await?;
    /// let cx = FlowContext::detached().with_transaction(memory);
    /// // .. call the flow or a step with `&cx` ..
    /// # let no = |_| "no transaction";
    /// let accounts: i64 = query_scalar("SELECT count(*) FROM account")
    ///     .fetch_one(&mut *cx.transaction().map_err(no)?)
    ///     .await?;
    /// assert_eq!(accounts, 0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_transaction(self, connection: SqliteConnection) -> Self {
        Self { held: given(connection), ..self }
    }
}
