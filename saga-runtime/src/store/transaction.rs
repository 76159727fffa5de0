//! A step's own work in the store's database, committed together with the row that records it.

use super::{Storing, Write, Written};
use std::{any::Any, fmt, future::Future};

/// A transaction of the store in which a step writes to tables of its own.
///
/// It is begun by [`Store::transact`](super::Store::transact), for a worker whose epoch it has checked, and ends by
/// [`commit`](Self::commit) or [`rollback`](Self::rollback). Dropped without either, nothing of it is written.
pub trait Transaction: fmt::Debug + Send {
    /// The connection on which it is under way, as its driver's own type (of SQLite: `sqlx::SqliteConnection`).
    fn connection(&mut self) -> &mut (dyn Any + Send);

    /// Writes a batch as [`Store::commit`](super::Store::commit) does, and commits it together with everything that was
    /// written on the connection before.
    ///
    /// # Errors
    /// Nothing was written, neither of the batch nor on the connection, except after
    /// [`StoreError::InDoubt`](super::StoreError::InDoubt), where all of it was or nothing: the journal tells. The error is
    /// [`StoreError::Unusable`](super::StoreError::Unusable) if whoever had the connection ended the transaction.
    fn commit(self: Box<Self>, writes: &[Write]) -> Storing<'_, Vec<Written>>;

    /// Takes back everything that was written on the connection. What still runs on it is interrupted.
    ///
    /// # Errors
    /// None of them leaves anything written. It is [`StoreError::Unusable`](super::StoreError::Unusable) if whoever had the
    /// connection tried to end the transaction.
    fn rollback(self: Box<Self>) -> Storing<'static, ()>;
}

tokio::task_local! {
    /// The state whose attempt, in such a transaction, is being polled.
    static WITHIN: Box<str>;
}

/// An attempt that is made in a transaction: whatever it calls can tell.
pub(crate) fn within<F: Future>(state: &str, attempt: F) -> impl Future<Output = F::Output> {
    WITHIN.scope(state.into(), attempt)
}

/// To be asked by what would wait for that transaction to end: an error if it is called from inside, where it would wait for
/// ever.
pub(crate) fn outside() -> Result<(), String> {
    match WITHIN.try_with(|state| {
        format!(
            "step `{state}` calls the runtime from inside its transaction, which everybody else waits for: call it in another \
             step, or start and signal other sagas in the flow"
        )
    }) {
        Ok(inside) => Err(inside),
        // There is none around this.
        Err(_) => Ok(()),
    }
}
