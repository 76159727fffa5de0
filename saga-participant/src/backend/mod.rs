//! The databases that keys are kept in.

mod calls;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use sqlx::Database;

pub(crate) use calls::{Calls, Kind, Row};

/// A database of sqlx that the kit works with: `sqlx::Sqlite` (feature `sqlite`) and `sqlx::Postgres` (feature `postgres`).
///
/// It cannot be implemented elsewhere.
#[diagnostic::on_unimplemented(
    message = "a participant cannot keep its keys in `{Self}`",
    note = "switch on the feature `sqlite` or `postgres` of `saga-participant`, and use `sqlx::Sqlite` or `sqlx::Postgres`"
)]
pub trait Backend: Database + Calls {}
