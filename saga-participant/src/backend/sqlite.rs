//! SQLite: one writer at a time, for the whole file.

use sqlx::{Pool, Row as _, Sqlite, SqliteConnection, Transaction};

use super::calls::{Calls, Kind, Row, common_statements};
use crate::accepted::Kept;
use crate::answer::Answer;
use crate::call::Identity;
use crate::keep::Counts;
use crate::request::Request;

impl super::Backend for Sqlite {}

impl Calls for Sqlite {
    const MIGRATIONS: &'static [&'static str] = &[include_str!("migrations/sqlite/0001.sql")];

    async fn begin(pool: &Pool<Self>) -> sqlx::Result<Transaction<'static, Self>> {
        // A transaction that begins to read and then wants to write fails where another one has written in between.
        pool.begin_with("BEGIN IMMEDIATE").await
    }

    async fn hold(_: &mut SqliteConnection, _: &Identity) -> sqlx::Result<bool> {
        // Nobody else writes before this transaction has ended; whoever comes with the same key sees how it went.
        Ok(true)
    }

    async fn hold_schema(_: &mut SqliteConnection) -> sqlx::Result<()> {
        Ok(())
    }

    common_statements!();
}
