//! Of Postgres.

use super::lent::given;
use crate::{
    context::{FlowContext, StepContext},
    failure::Transient,
};
use sqlx::PgConnection;
use std::ops::{Deref, DerefMut};
use tokio::sync::MappedMutexGuard;

/// The transaction of a step, as the sqlx connection on which it is under way; see [`StepContext::postgres_transaction`].
#[derive(Debug)]
pub struct PostgresTransaction<'c>(MappedMutexGuard<'c, PgConnection>);

impl Deref for PostgresTransaction<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for PostgresTransaction<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl StepContext {
    /// On a store in Postgres, in a step that says `#[step(transaction)]`, and in its compensation: the very transaction of the
    /// store in which the step's answer will commit.
    ///
    /// What is written on it is there exactly once when the step is done, whatever crashes, and not at all when the step
    /// is refused, fails or takes too long: the step's row in the journal and the step's own rows are one commit. The
    /// plain code of the flow after the step runs after that commit and may, after a crash, run again, up to the next
    /// effect.
    ///
    /// Others go on meanwhile, but for what they want of the rows that the step has locked, and whoever takes over from this
    /// worker waits for it: an attempt is given five seconds at most. Within it, do not wait for a service (that is another
    /// step), nor for the runtime, which answers with an error. `COMMIT` and `ROLLBACK` are the runtime's; `SAVEPOINT` is yours,
    /// and after an error Postgres does nothing more until one is gone back to. Tables are found by the `search_path` of the
    /// role; a deferred constraint is checked before the step's record is written.
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
    ///         let debit = query("UPDATE account SET cents = cents - $1 WHERE no = $2").bind(cents).bind(account);
    ///         if debit.execute(&mut *cx.postgres_transaction()?).await?.rows_affected() == 0 {
    ///             return Err(Unknown.into()); // rolled back, and then recorded
    ///         }
    ///         Ok(cents)
    ///     }
    ///
    ///     /// Gives them back, together with the record of that. What it undoes is never in doubt.
    ///     #[compensate(debit)]
    ///     async fn credit(&self, cx: &StepContext, account: i64, taken: i64) -> Result<(), Transient> {
    ///         let credit = query("UPDATE account SET cents = cents + $1 WHERE no = $2").bind(taken).bind(account);
    ///         credit.execute(&mut *cx.postgres_transaction()?).await?;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The step is not a transactional one, the store is not one in Postgres, or the transaction is in use (one at a time): a
    /// transient that parks the instance, since it would be the same again.
    pub fn postgres_transaction(&self) -> Result<PostgresTransaction<'_>, Transient> {
        self.lent("one of Postgres's").map(PostgresTransaction)
    }
}

impl FlowContext {
    /// In a test without a runtime: the connection that steps get as their
    /// [`postgres_transaction`](StepContext::postgres_transaction).
    ///
    /// Whether a transaction is under way on it is the test's business: what a refused step wrote is not taken back.
    #[must_use]
    pub fn with_postgres_transaction(self, connection: PgConnection) -> Self {
        Self { held: given(connection), ..self }
    }
}
