//! What is still on its way when the answer to a commit was lost, and how it is kept from arriving later.
//!
//! A connection that broke in the middle of a commit tells nothing: the server may be about to do what it was asked, or may be asked
//! a minute later, when the network has come back. So before anything is read back or written after that, the worker's row gets the
//! number of another writer. That waits for what is under way, which has a lock on the row; and whatever comes later with the old
//! number finds no row, and changes nothing.

use super::{Inner, attempt::on, error::Fault};
use crate::store::StoreError;
use sqlx::query_scalar;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Parameter: the epoch.
const CHANGE: &str = "
    UPDATE saga.worker SET writer = writer + 1
    WHERE epoch = (SELECT epoch FROM saga.worker WHERE epoch = $1 FOR UPDATE) RETURNING writer";

/// Which writer writes, and whether an earlier one may still do so.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    writer: AtomicI64,
    /// How many commits have been in doubt.
    raised: AtomicU64,
    /// Of how many of them nothing is on its way any more.
    settled: AtomicU64,
    /// One at a time settles it.
    settling: Mutex<()>,
}

/// A commit whose answer is not there yet. Dropped before it is, the commit is in doubt.
#[derive(Debug)]
pub(super) struct Asked<'a>(Option<&'a Doubt>);

impl Doubt {
    /// The number that commits are to be written under.
    pub(super) fn writer(&self) -> i64 {
        self.writer.load(Ordering::Acquire)
    }

    /// Whether it is another one by now, or may be in the database. Known once nobody is changing it.
    pub(super) async fn has_changed(&self, number: i64) -> bool {
        let _nobody = self.settling.lock().await;
        number != self.writer() || self.is_settled().is_err()
    }

    /// Another life begins, with a row of its own.
    pub(super) fn begin(&self) {
        self.writer.store(0, Ordering::Release);
        self.settled.store(self.raised.load(Ordering::Acquire), Ordering::Release);
    }

    /// Whether nothing is on its way; otherwise how many commits have been in doubt by now.
    fn is_settled(&self) -> Result<(), u64> {
        let raised = self.raised.load(Ordering::Acquire);
        if raised <= self.settled.load(Ordering::Acquire) { Ok(()) } else { Err(raised) }
    }

    pub(super) fn ask(&self) -> Asked<'_> {
        Asked(Some(self))
    }
}

impl Asked<'_> {
    /// Hands on what was answered.
    pub(super) fn answered<T>(mut self, answer: Result<T, Fault>) -> Result<T, Fault> {
        if !matches!(answer, Err(Fault::Store(StoreError::InDoubt(_)))) {
            self.0 = None;
        }
        answer
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(doubt) = self.0 {
            doubt.raised.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Inner {
    /// Sees to it that nothing is on its way any more of which nobody knows what became.
    pub(super) async fn settle(&self) -> Result<(), Fault> {
        if self.doubt.is_settled().is_ok() {
            return Ok(());
        }
        let _alone = self.doubt.settling.lock().await;
        // One that comes up from here on is another one, of which this change may know nothing.
        let Err(raised) = self.doubt.is_settled() else { return Ok(()) };
        let epoch = self.me.load(Ordering::Acquire);
        let writer = on!(self.aside, conn => {
            Ok(query_scalar(self.names.sql(CHANGE)).bind(epoch).fetch_optional(&mut *conn).await?)
        });
        let writer: Option<i64> = writer?;
        // Without a row nothing of it is written either.
        if let Some(writer) = writer {
            self.doubt.writer.store(writer, Ordering::Release);
        }
        self.doubt.settled.fetch_max(raised, Ordering::AcqRel);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_that_comes_up_while_another_one_is_settled_stays() {
        let doubt = Doubt::default();
        assert_eq!(doubt.is_settled(), Ok(()));
        drop(doubt.ask());
        assert_eq!(doubt.is_settled(), Err(1));
        let _ = doubt.ask().answered::<()>(Err(StoreError::InDoubt("the connection broke".into()).into()));
        // The first one was.
        doubt.settled.fetch_max(1, Ordering::AcqRel);
        assert_eq!(doubt.is_settled(), Err(2));
        let _ = doubt.ask().answered(Ok(()));
        doubt.begin();
        assert_eq!(doubt.is_settled(), Ok(()));
    }
}
