//! The transaction of the store in which a step's record will commit, and with it what the step writes.

use crate::store::Transaction;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The transaction that an attempt is made in, if it is made in one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Option<Arc<Lent>>);

/// A transaction, until it is taken back.
type Lent = Mutex<Option<Box<dyn Transaction>>>;

impl Held {
    pub(crate) fn of(transaction: Box<dyn Transaction>) -> Self {
        Self(Some(Arc::new(Mutex::new(Some(transaction)))))
    }

    pub(crate) fn is_one(&self) -> bool {
        self.0.is_some()
    }

    /// Takes it back once the attempt is over. Nothing if somebody still uses it.
    pub(crate) fn take(&self) -> Option<Box<dyn Transaction>> {
        self.0.as_ref()?.try_lock().ok()?.take()
    }
}

#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteTransaction;

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::Held;
    use crate::{
        context::{FlowContext, StepContext},
        failure::Transient,
        store::{StoreError, Storing, Transaction, Write, Written},
    };
    use sqlx::SqliteConnection;
    use std::{
        any::Any,
        future::ready,
        ops::{Deref, DerefMut},
    };
    use tokio::sync::{MappedMutexGuard, MutexGuard};

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
            let state = &self.state;
            let Some(held) = &self.held.0 else {
                if state.is_empty() {
                    // A detached context has no state.
                    return Err(Transient::park(
                        "there is no transaction outside a runtime: put a connection in beforehand, with \
                         `FlowContext::detached().with_transaction(connection)`",
                    ));
                }
                return Err(Transient::park(format_args!(
                    "`{state}` has no transaction: it is for steps that say `#[step(transaction)]`, and for their compensations"
                )));
            };
            let Ok(guard) = held.try_lock() else {
                return Err(Transient::park(format_args!(
                    "the transaction of `{state}` is in use: drop what `cx.transaction()` gave before taking it again"
                )));
            };
            let connection = MutexGuard::try_map(guard, |held| {
                let connection: &mut dyn Any = held.as_mut()?.connection();
                connection.downcast_mut::<SqliteConnection>()
            });
            let no_sqlite = || Transient::park(format_args!("the transaction of `{state}` is not one of SQLite's"));
            connection.map(SqliteTransaction).map_err(|_| no_sqlite())
        }
    }

    /// What stands for a transaction in a test: a connection of the test's own.
    #[derive(Debug)]
    struct Given(SqliteConnection);

    impl Transaction for Given {
        fn connection(&mut self) -> &mut (dyn Any + Send) {
            &mut self.0
        }

        fn commit(self: Box<Self>, _: &[Write]) -> Storing<'_, Vec<Written>> {
            Box::pin(ready(Err(StoreError::Unusable("there is no store here".into()))))
        }

        fn rollback(self: Box<Self>) -> Storing<'static, ()> {
            Box::pin(ready(Ok(())))
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
            Self { held: Held::of(Box::new(Given(connection))), ..self }
        }
    }
}
