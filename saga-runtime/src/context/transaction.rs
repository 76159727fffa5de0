//! The transaction of the store in which a step's record will commit, and with it what the step writes.

use crate::store::Transaction;
use std::sync::Arc;
use tokio::sync::Mutex;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod lent;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::PostgresTransaction;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteTransaction;

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
