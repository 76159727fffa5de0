//! A transaction in a handler's hands.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{Database, Transaction};

/// A transaction that was lent to a handler. Dropped, it goes back to where it came from: a handler that fails drops it,
/// and the caller is told so only when the rollback is over and the key is free again.
#[derive(Debug)]
pub(crate) struct Lent<DB: Database> {
    tx: Option<Transaction<'static, DB>>,
    home: Home<DB>,
}

/// Where a lent transaction comes back to.
#[derive(Debug)]
pub(crate) struct Home<DB: Database>(Arc<Mutex<Option<Transaction<'static, DB>>>>);

impl<DB: Database> Lent<DB> {
    pub(crate) fn new(tx: Transaction<'static, DB>) -> (Self, Home<DB>) {
        let home = Arc::default();
        (Self { tx: Some(tx), home: Home(Arc::clone(&home)) }, Home(home))
    }

    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        self.tx.as_mut().expect("it is taken out where this is consumed, and nowhere else")
    }

    /// The handler has given it back.
    pub(crate) fn back(mut self) -> Transaction<'static, DB> {
        self.tx.take().expect("it is taken out where this is consumed, and nowhere else")
    }
}

impl<DB: Database> Drop for Lent<DB> {
    fn drop(&mut self) {
        if let Some(tx) = self.tx.take() {
            *self.home.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tx);
        }
    }
}

impl<DB: Database> Home<DB> {
    /// Rolls back what was dropped, and waits for it.
    pub(crate) async fn roll_back(self) {
        let dropped = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tx) = dropped {
            roll_back(tx).await;
        }
    }
}

/// Rolls back, and waits for it. Where that fails, the connection is broken, and the database rolls back by itself.
pub(crate) async fn roll_back<DB: Database>(tx: Transaction<'static, DB>) {
    if let Err(error) = tx.rollback().await {
        tracing::warn!(%error, "a rollback failed");
    }
}
