//! Transactions in which steps write to tables of their own.

use super::{Sqlite, error::Fault, storing, transaction::Transaction as Begun, write::write_one_by_one};
use crate::store::{Epoch, StoreError, Storing, Transaction, Write, Written};
use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long a step may keep everybody else from writing.
pub(super) const LONGEST: Duration = Duration::from_secs(1);
/// After so many of SQLite's instructions it is asked whether the statement is to go on.
const INSTRUCTIONS: i32 = 10_000;

/// A write transaction in the hands of a step.
#[derive(Debug)]
struct Lent {
    begun: Begun,
    epoch: Epoch,
    over: Over,
    /// The step tried to commit, or went on after the transaction was gone.
    ended: Arc<AtomicBool>,
}

/// Interrupts the statement that runs, once it is dropped.
#[derive(Debug)]
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Sqlite {
    /// Begins a transaction for a step of this worker.
    pub(super) async fn lend(&self, epoch: Epoch) -> Result<Box<dyn Transaction>, Fault> {
        let mut begun = self.begin_as(epoch).await?;
        let (over, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (is_over, has_ended) = (Arc::clone(&over), Arc::clone(&ended));
        let mut handle = begun.lock_handle().await?;
        handle.set_progress_handler(INSTRUCTIONS, move || !is_over.load(Ordering::Acquire));
        // Only the store commits, once the step's record is written: whatever else does is rolled back by SQLite.
        handle.set_commit_hook(move || {
            has_ended.store(true, Ordering::Release);
            false
        });
        drop(handle);
        Ok(Box::new(Lent { begun, epoch, over: Over(over), ended }))
    }
}

impl Lent {
    /// Ends it, by a commit if everything was done.
    async fn end<T>(mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        let done = if self.ended.load(Ordering::Acquire) {
            let what = "the transaction was over before what the step did could be recorded: a step must not commit or roll \
                        back by itself, nor go on after an error that rolled back";
            Err(StoreError::Unusable(what.into()).into())
        } else {
            done
        };
        let mut handle = self.begun.lock_handle().await?;
        handle.remove_commit_hook();
        handle.remove_progress_handler();
        drop(handle);
        self.begun.end(done).await
    }
}

impl Transaction for Lent {
    fn connection(&mut self) -> &mut (dyn Any + Send) {
        &mut *self.begun
    }

    fn commit(mut self: Box<Self>, writes: &[Write]) -> Storing<'_, Vec<Written>> {
        storing(async move {
            let written = write_one_by_one(&mut self.begun, self.epoch, writes).await;
            self.end(written).await
        })
    }

    fn rollback(self: Box<Self>) -> Storing<'static, ()> {
        Box::pin(async move {
            self.over.0.store(true, Ordering::Release);
            let ended = Arc::clone(&self.ended);
            // The error is the one that asks for the rollback.
            match self.end::<()>(Err(StoreError::Unavailable("rolled back".into()).into())).await {
                Err(fault) if ended.load(Ordering::Acquire) => Err(fault.into_store_error()),
                _ => Ok(()),
            }
        })
    }
}
