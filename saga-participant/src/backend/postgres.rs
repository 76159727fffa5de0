//! Postgres: many writers, so each transaction holds the keys that it works on.

use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Pool, Postgres, Row as _, Transaction};

use super::calls::{Calls, Kind, Row, common_statements};
use crate::accepted::Kept;
use crate::answer::Answer;
use crate::call::Identity;
use crate::keep::Counts;
use crate::request::Request;

impl super::Backend for Postgres {}

impl Calls for Postgres {
    const MIGRATIONS: &'static [&'static str] = &[include_str!("migrations/postgres/0001.sql")];

    async fn begin(pool: &Pool<Self>) -> sqlx::Result<Transaction<'static, Self>> {
        pool.begin().await
    }

    /// An advisory lock: the server drops it when the transaction ends, also by the death of its client. A row would
    /// not do, because it could not be seen before it is committed.
    ///
    /// Should two keys have one lock, one of them is told to ask again. Should somebody else use the same lock, the same;
    /// that no key is answered twice is the primary key's doing.
    async fn hold(db: &mut PgConnection, of: &Identity) -> sqlx::Result<bool> {
        let lock = lock(&["call", &of.scope, of.key.as_str()]);
        // The locks of one database are one set, also where several services have their schemas in it.
        let hold = "SELECT pg_try_advisory_xact_lock($1 # ('saga_calls'::regclass::oid::bigint << 32))";
        sqlx::query_scalar(hold).bind(lock).fetch_one(db).await
    }

    async fn hold_schema(db: &mut PgConnection) -> sqlx::Result<()> {
        let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(lock(&["schema"]));
        lock.execute(db).await.map(drop)
    }

    common_statements!();
}

/// A number for a lock, the same in every process.
fn lock(parts: &[&str]) -> i64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(format!("{}:{part}\n", part.len()));
    }
    let mut number = [0; 8];
    number.copy_from_slice(&hash.finalize()[..8]);
    i64::from_be_bytes(number)
}
