//! The tables, and how a new database or one of an earlier release gets them: forward only, in one transaction, by one process
//! at a time.

use super::{error::Fault, names::Names};
use crate::store::StoreError;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, query, query_scalar, raw_sql};
use std::fmt;

/// Each takes a schema from the version before it to its own; the first makes version 1. Never changed once released.
const MIGRATIONS: [&str; 3] =
    [include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql"), include_str!("migrations/0003.sql")];

/// Brings the tables to this release's version, if they are not.
///
/// # Errors
/// What is there is something else, or of a later release; or the role may not do what is missing.
pub(super) async fn prepare(conn: &mut PgConnection, names: &Names) -> Result<(), Fault> {
    usable(conn).await?;
    if inspect(conn, names).await? != Some(MIGRATIONS.len()) {
        migrate(conn, names).await?;
    }
    may_use(conn, names).await
}

/// Whether the server is one that can be written to, and knows what is asked of it.
async fn usable(conn: &mut PgConnection) -> Result<(), Fault> {
    let row = query(
        "SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS copy,
         current_setting('server_encoding') AS encoding, current_setting('default_transaction_isolation') AS isolation",
    );
    let row = row.fetch_one(conn).await?;
    let (version, encoding): (i32, String) = (row.try_get("version")?, row.try_get("encoding")?);
    if version < 150_000 {
        let version = version / 10_000;
        return Err(unusable(format_args!("the server is PostgreSQL {version}, and has to be 15 or later")));
    }
    if row.try_get("copy")? {
        return Err(unusable("the server is a standby, which cannot be written to: connect to its primary"));
    }
    if encoding != "UTF8" {
        return Err(unusable(format_args!("the database's encoding is {encoding}, and has to be UTF8")));
    }
    let isolation: String = row.try_get("isolation")?;
    if isolation != "read committed" {
        return Err(unusable(format_args!(
            "the connections' `default_transaction_isolation` is `{isolation}`, and has to be `read committed`"
        )));
    }
    Ok(())
}

/// The version of the tables; `None` if there are none. Refuses what is not ours or too new.
async fn inspect(conn: &mut PgConnection, names: &Names) -> Result<Option<usize>, Fault> {
    let schema = names.schema();
    let row = query(
        "SELECT to_regnamespace($1) IS NOT NULL AS there,
         EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relname = 'store' AND relkind = 'r') AS ours,
         EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace($1)) AS full",
    );
    let row = row.bind(schema).fetch_one(&mut *conn).await?;
    let (there, ours, full): (bool, bool, bool) = (row.try_get("there")?, row.try_get("ours")?, row.try_get("full")?);
    if !there || !full {
        return Ok(None);
    }
    let foreign = || {
        unusable(format_args!(
            "the schema `{schema}` holds tables of something else: give the store a schema of its own, with \
             `Postgres::builder(url).schema(\"..\")`"
        ))
    };
    if !ours {
        return Err(foreign());
    }
    let version: Result<Option<i32>, _> =
        query_scalar(names.sql("SELECT version FROM saga.store WHERE id = 1")).fetch_optional(conn).await;
    match version.map_err(Fault::from) {
        Ok(Some(version)) => match usize::try_from(version) {
            Ok(version) if version <= MIGRATIONS.len() => Ok(Some(version)),
            _ => Err(unusable(format_args!(
                "the tables in schema `{schema}` were made by a later release (they are version {version}, known is up to {})",
                MIGRATIONS.len()
            ))),
        },
        Err(fault) if fault.is_of_privileges() => Err(unusable(missing_rights(names))),
        // A table of this name that is none of ours.
        Ok(None) | Err(Fault::Sql(sqlx::Error::Database(_))) => Err(foreign()),
        Err(fault) => Err(fault),
    }
}

async fn migrate(conn: &mut PgConnection, names: &Names) -> Result<(), Fault> {
    // Statements that do not change, each on its own: whoever has the lock looks at what the one before it left.
    raw_sql("BEGIN ISOLATION LEVEL READ COMMITTED").execute(&mut *conn).await?;
    let done = async {
        let lock = query("SELECT pg_advisory_xact_lock(hashtextextended('saga migrations of ' || $1, 0))");
        lock.bind(names.schema()).execute(&mut *conn).await?;
        let version = inspect(conn, names).await?.unwrap_or(0);
        if version == 0 {
            let there: bool = query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
                .bind(names.schema())
                .fetch_one(&mut *conn)
                .await?;
            if !there {
                let create = format!("CREATE SCHEMA \"{}\"", names.schema());
                raw_sql(AssertSqlSafe(create)).execute(&mut *conn).await?;
            }
        }
        for script in &MIGRATIONS[version..] {
            raw_sql(AssertSqlSafe(names.put_in(script))).execute(&mut *conn).await?;
        }
        let known = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
        let set = "INSERT INTO saga.store (id, version) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET version = $1";
        query(names.sql(set)).bind(known).execute(&mut *conn).await?;
        raw_sql("COMMIT").execute(&mut *conn).await?;
        Ok(())
    };
    let done: Result<(), Fault> = done.await;
    match done {
        Err(fault) if fault.is_of_privileges() => Err(unusable(format_args!(
            "the tables in schema `{}` are not there yet or of an earlier release, and this role may not make them ({}): connect \
             once with a role that may, which owns them from then on",
            names.schema(),
            fault.reason()
        ))),
        done => done,
    }
}

/// Whether the role may do what the store does all the time.
async fn may_use(conn: &mut PgConnection, names: &Names) -> Result<(), Fault> {
    let tables = "
        SELECT coalesce(bool_and(CASE c.relkind
            WHEN 'S' THEN has_sequence_privilege(c.oid, 'USAGE')
            ELSE has_table_privilege(c.oid, 'SELECT') AND (c.relname = 'store' OR (
                has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')
                AND has_table_privilege(c.oid, 'DELETE')))
        END), false)
        FROM pg_class AS c WHERE c.relnamespace = to_regnamespace($1) AND (c.relkind = 'r' OR c.relname = 'instance_no')";
    let allowed: bool = query_scalar(tables).bind(names.schema()).fetch_one(&mut *conn).await?;
    if allowed { Ok(()) } else { Err(unusable(missing_rights(names))) }
}

/// What a role needs that only works with the tables, as statements to be run by whoever owns them.
fn missing_rights(names: &Names) -> String {
    let schema = names.schema();
    format!(
        "this role may not use the tables in schema `{schema}`. Their owner can grant it what it needs:\n    \
         GRANT USAGE ON SCHEMA {schema} TO the_role;\n    \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO the_role;\n    \
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO the_role;"
    )
}

/// An error that needs a person.
pub(super) fn unusable(what: impl fmt::Display) -> Fault {
    StoreError::Unusable(what.to_string().into()).into()
}
