//! Transactions in which steps write to tables of their own.

use super::{Inner, answered, error::Fault, storing, transaction::Transaction as Begun};
use crate::store::{Epoch, StoreError, Storing, Transaction, Write, Written};
use sqlx::{PgConnection, query, query_as, query_scalar, raw_sql};
use std::{any::Any, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a step may keep others from what it has written to. Nobody else waits for it, but whoever takes over from its worker
/// does.
pub(super) const LONGEST: Duration = Duration::from_secs(5);
/// How long a rollback is waited for before whatever still runs is ended from outside.
const PATIENCE: Duration = Duration::from_millis(100);

/// No statement of the step may run on when the step has given up.
const LIMIT: &str = "SET LOCAL statement_timeout = '5s'";

/// Which transaction it is, and which session.
const WHICH: &str = "SELECT pg_current_xact_id()::text, pg_backend_pid()";

/// A transaction in the hands of a step.
#[derive(Debug)]
struct Lent {
    begun: Begun,
    epoch: Epoch,
    store: Arc<Inner>,
    transaction: String,
    session: i32,
}

impl Inner {
    /// Begins a transaction for a step of this worker.
    pub(super) async fn lend(self: &Arc<Self>, epoch: Epoch) -> Result<Box<dyn Transaction>, Fault> {
        let mut begun = self.begin_as(&self.steps, epoch).await?;
        let limited = raw_sql(LIMIT).execute(&mut *begun).await;
        let which = match limited {
            Ok(_) => query_as::<_, (String, i32)>(WHICH).fetch_one(&mut *begun).await,
            Err(error) => Err(error),
        };
        match which {
            Ok((transaction, session)) => {
                Ok(Box::new(Lent { begun, epoch, store: Arc::clone(self), transaction, session }))
            }
            Err(error) => begun.end(Err(error.into())).await,
        }
    }
}

impl Lent {
    /// Whether it still is what was begun. The step can end it, which nobody can undo, and must be told.
    async fn still_stands(&mut self) -> Result<(), Fault> {
        let which: Result<String, _> =
            query_scalar("SELECT pg_current_xact_id()::text").fetch_one(&mut *self.begun).await;
        match which.map_err(Fault::from) {
            Ok(which) if which == self.transaction => Ok(()),
            Ok(_) => Err(over("a step must not commit or roll back by itself")),
            Err(fault) if fault.is_of_an_aborted_transaction() => Err(over(
                "after an error Postgres does nothing more in a transaction: go back to a `SAVEPOINT`, or fail",
            )),
            Err(fault) => Err(fault),
        }
    }
}

fn over(why: &str) -> Fault {
    StoreError::Unusable(format!("the transaction was over before what the step did could be recorded: {why}").into())
        .into()
}

impl Transaction for Lent {
    fn connection(&mut self) -> &mut (dyn Any + Send) {
        let conn: &mut PgConnection = &mut self.begun;
        conn
    }

    fn commit(mut self: Box<Self>, writes: &[Write]) -> Storing<'_, Vec<Written>> {
        answered(async move {
            let store = Arc::clone(&self.store);
            let mut written = self.still_stands().await;
            if written.is_ok() {
                // What the step deferred is looked at now: afterwards it would look like an error of the record's.
                written = raw_sql("SET CONSTRAINTS ALL IMMEDIATE")
                    .execute(&mut *self.begun)
                    .await
                    .map(|_| ())
                    .map_err(Fault::from);
            }
            let written = match written {
                Ok(()) => store.write_one_by_one(&mut self.begun, self.epoch, writes).await,
                Err(fault) => Err(fault),
            };
            let (written, words) = match written {
                Ok((written, words)) => (Ok(written), words),
                Err(fault) => (Err(fault), Vec::new()),
            };
            let asked = store.doubt.ask();
            let written = asked.answered(self.begun.end(written).await)?;
            for word in words {
                store.tell(word);
            }
            Ok(written)
        })
    }

    fn rollback(mut self: Box<Self>) -> Storing<'static, ()> {
        storing(async move {
            let stands = timeout(PATIENCE, self.still_stands()).await;
            let ended_by_itself = matches!(&stands, Ok(Err(Fault::Store(_)))) && !self.is_aborted().await;
            if stands.is_err() {
                // Something still runs. Without its session it ends, and so does the transaction.
                self.store.end_session(self.session).await;
                return Ok(());
            }
            // The error is the one that asks for the rollback.
            let _ = self.begun.end::<()>(Err(StoreError::Unavailable("rolled back".into()).into())).await;
            if ended_by_itself { Err(over("a step must not commit or roll back by itself")) } else { Ok(()) }
        })
    }
}

impl Lent {
    /// Whether an error of the step's has aborted it, which a rollback is the right answer to.
    async fn is_aborted(&mut self) -> bool {
        let looked = query_scalar::<_, i32>("SELECT 1").fetch_one(&mut *self.begun).await.map_err(Fault::from);
        looked.is_err_and(|fault| fault.is_of_an_aborted_transaction())
    }
}

impl Inner {
    async fn end_session(&self, session: i32) {
        let ended = async {
            let mut conn = self.aside.take().await?;
            let ended = query("SELECT pg_terminate_backend($1)").bind(session).execute(&mut *conn).await;
            conn.end(ended.map_err(Fault::from))
        };
        if let Err(fault) = ended.await {
            // The statement's own limit ends it.
            tracing::debug!(reason = fault.reason(), "a step's transaction is not ended at once");
        }
    }
}
