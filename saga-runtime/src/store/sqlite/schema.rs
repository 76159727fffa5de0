//! The tables, and how a new file or one of an earlier release gets them: forward only, at open, in one transaction.

use super::{
    error::{Fault, unusable},
    lock::Identity,
};
use sqlx::{AssertSqlSafe, SqliteConnection, query, query_scalar, raw_sql};
use std::path::Path;

/// Each takes a file from the version before it to its own; the first makes version 1. Never changed once released.
const MIGRATIONS: [&str; 6] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
];

/// Marks a file as ours in its header: "SAGA".
const APPLICATION: i64 = 0x5341_4741;

/// What a file is, before anything is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// An empty file.
    Empty,
    /// A store of this version of the tables.
    Store(usize),
}

/// Looks, and refuses what is not ours or too new. Writes nothing.
pub(super) async fn inspect(conn: &mut SqliteConnection, path: &Path, beside: bool) -> Result<Found, Fault> {
    let objects: i64 = query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *conn).await?;
    let application: i64 = query_scalar("PRAGMA application_id").fetch_one(&mut *conn).await?;
    let version: i64 = query_scalar("PRAGMA user_version").fetch_one(&mut *conn).await?;
    match (application, objects) {
        (APPLICATION, _) => {}
        (0, 0) => return Ok(Found::Empty),
        // Tables of somebody's own, who wants the store's beside them.
        (0, _) if beside && version == 0 => return Ok(Found::Empty),
        (0, _) if beside => {
            let what = format!(
                "has a `user_version` of its own ({version}), which is where the store notes its tables' version"
            );
            return Err(unusable(path, what).into());
        }
        _ => {
            let what = "is a SQLite database of something else: give the store a file of its own, or, if its tables are to \
                        stand beside those, open it with `Sqlite::builder(path).beside_other_tables()`";
            return Err(unusable(path, what).into());
        }
    }
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(Found::Store(version)),
        _ => {
            let known = MIGRATIONS.len();
            let what =
                format!("was written by a later release (its tables are version {version}, known is up to {known})");
            Err(unusable(path, what).into())
        }
    }
}

/// Brings the tables to this release's version. The caller's transaction makes it one step.
pub(super) async fn migrate(conn: &mut SqliteConnection, from: Found, file: Identity) -> Result<(), Fault> {
    let version = match from {
        Found::Empty => 0,
        Found::Store(version) => version,
    };
    for (index, script) in MIGRATIONS.iter().enumerate().skip(version) {
        raw_sql(*script).execute(&mut *conn).await?;
        let header = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}", index + 1);
        raw_sql(AssertSqlSafe(header)).execute(&mut *conn).await?;
    }
    if version == 0 {
        let insert = query("INSERT INTO store (id, file, epoch) VALUES (1, ?, 0)");
        insert.bind(file.to_string()).execute(&mut *conn).await?;
    }
    Ok(())
}
