//! The table `saga_calls`, the same for every database.

use sqlx::{Database, Pool, Transaction};

use crate::accepted::Kept;
use crate::answer::Answer;
use crate::call::Identity;
use crate::keep::Counts;
use crate::request::Request;

/// What is asked of a database. Everything but [`begin`](Self::begin) works inside a transaction of the caller's.
#[doc(hidden)]
pub trait Calls: Database {
    /// The migrations, the first first. Never changed once released.
    const MIGRATIONS: &'static [&'static str];

    /// Begins a transaction that may write.
    fn begin(pool: &Pool<Self>) -> impl Future<Output = sqlx::Result<Transaction<'static, Self>>> + Send;

    /// Takes a key for this transaction, until it ends. False if another transaction holds it.
    fn hold(db: &mut Self::Connection, of: &Identity) -> impl Future<Output = sqlx::Result<bool>> + Send;

    /// Lets one process after the other bring the tables up to date.
    fn hold_schema(db: &mut Self::Connection) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// The version of the tables; 0 where there are none.
    fn version(db: &mut Self::Connection) -> impl Future<Output = sqlx::Result<i64>> + Send;

    /// Runs one migration, and notes that this is the version now.
    fn migrate(
        db: &mut Self::Connection,
        script: &'static str,
        version: i64,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Runs a statement that has no arguments.
    fn run(db: &mut Self::Connection, statement: &'static str) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// What is stored under a key.
    fn find(db: &mut Self::Connection, of: &Identity) -> impl Future<Output = sqlx::Result<Option<Row>>> + Send;

    /// Counts that a key was sent again.
    fn count_replay(db: &mut Self::Connection, of: &Identity) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Stores a row under a key that has none.
    fn put(db: &mut Self::Connection, of: &Identity, row: &Row) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Notes that an action is undone.
    fn mark_undone(
        db: &mut Self::Connection,
        of: &Identity,
        undone_by: &str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Forgets the oldest keys that were answered before that instant, at most `most` of them, and says how many it were.
    fn prune(
        db: &mut Self::Connection,
        standing: bool,
        before: i64,
        most: i64,
    ) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// Every row, in the order of the answers.
    fn all(pool: &Pool<Self>) -> impl Future<Output = sqlx::Result<Vec<Kept>>> + Send;

    /// What is kept, in numbers.
    fn counted(pool: &Pool<Self>) -> impl Future<Output = sqlx::Result<Counts>> + Send;
}

/// What kind of call a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An action, with its answer.
    Action,
    /// A compensation, with its answer.
    Compensation,
    /// No call: a compensation was here first.
    Barrier,
}

/// A row of `saga_calls`.
#[derive(Debug)]
pub struct Row {
    pub(crate) kind: Kind,
    pub(crate) action: String,
    /// Nothing for a barrier.
    pub(crate) request: Option<Request>,
    pub(crate) undone_by: Option<String>,
    pub(crate) answer: Answer,
    pub(crate) answered_at: i64,
}

impl Row {
    /// Whether it is an action whose effect stands.
    pub(crate) fn is_standing(&self) -> bool {
        self.kind == Kind::Action && !self.answer.refused && self.undone_by.is_none()
    }
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Compensation => "compensation",
            Self::Barrier => "barrier",
        }
    }

    /// The kind of this name. The table checks that there are no others.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "action" => Self::Action,
            "compensation" => Self::Compensation,
            _ => Self::Barrier,
        }
    }
}

/// The statements of [`Calls`] that every database understands, for one of them.
///
/// A macro and no generic function: the bounds that sqlx asks for would be longer than the statements.
macro_rules! common_statements {
    () => {
        async fn version(db: &mut Self::Connection) -> sqlx::Result<i64> {
            let create = "CREATE TABLE IF NOT EXISTS saga_calls_version (version BIGINT NOT NULL)";
            sqlx::query(create).execute(&mut *db).await?;
            sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM saga_calls_version").fetch_one(db).await
        }

        async fn migrate(db: &mut Self::Connection, script: &'static str, version: i64) -> sqlx::Result<()> {
            sqlx::raw_sql(script).execute(&mut *db).await?;
            sqlx::query("DELETE FROM saga_calls_version").execute(&mut *db).await?;
            let insert = sqlx::query("INSERT INTO saga_calls_version (version) VALUES ($1)").bind(version);
            insert.execute(db).await.map(drop)
        }

        async fn run(db: &mut Self::Connection, statement: &'static str) -> sqlx::Result<()> {
            sqlx::query(statement).execute(db).await.map(drop)
        }

        async fn find(db: &mut Self::Connection, of: &Identity) -> sqlx::Result<Option<Row>> {
            let row = sqlx::query(
                "SELECT kind, action, request, undone_by, refused, status, body, answered_at
                 FROM saga_calls WHERE scope = $1 AND key = $2",
            )
            .bind(&*of.scope)
            .bind(of.key.as_str())
            .fetch_optional(db)
            .await?;
            let Some(row) = row else {
                return Ok(None);
            };
            let kind = Kind::named(row.try_get("kind")?);
            let status: i64 = row.try_get("status")?;
            Ok(Some(Row {
                kind,
                action: row.try_get("action")?,
                request: (kind != Kind::Barrier).then_some(Request::stored(row.try_get("request")?)),
                undone_by: row.try_get("undone_by")?,
                answer: Answer {
                    refused: row.try_get::<i64, _>("refused")? != 0,
                    status: status.try_into().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                    body: row.try_get("body")?,
                    replayed: true,
                },
                answered_at: row.try_get("answered_at")?,
            }))
        }

        async fn count_replay(db: &mut Self::Connection, of: &Identity) -> sqlx::Result<()> {
            let update = sqlx::query("UPDATE saga_calls SET replays = replays + 1 WHERE scope = $1 AND key = $2");
            update.bind(&*of.scope).bind(of.key.as_str()).execute(db).await.map(drop)
        }

        async fn put(db: &mut Self::Connection, of: &Identity, row: &Row) -> sqlx::Result<()> {
            sqlx::query(
                "INSERT INTO saga_calls
                 (scope, key, kind, action, request, undone_by, standing, refused, status, body, answered_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(&*of.scope)
            .bind(of.key.as_str())
            .bind(row.kind.as_str())
            .bind(&*row.action)
            .bind(row.request.as_ref().map_or("", Request::as_str))
            .bind(row.undone_by.as_deref())
            .bind(i64::from(row.is_standing()))
            .bind(i64::from(row.answer.refused))
            .bind(i64::from(row.answer.status))
            .bind(&*row.answer.body)
            .bind(row.answered_at)
            .execute(db)
            .await
            .map(drop)
        }

        async fn mark_undone(db: &mut Self::Connection, of: &Identity, undone_by: &str) -> sqlx::Result<()> {
            sqlx::query("UPDATE saga_calls SET undone_by = $3, standing = 0 WHERE scope = $1 AND key = $2")
                .bind(&*of.scope)
                .bind(of.key.as_str())
                .bind(undone_by)
                .execute(db)
                .await
                .map(drop)
        }

        async fn prune(db: &mut Self::Connection, standing: bool, before: i64, most: i64) -> sqlx::Result<u64> {
            let done = sqlx::query(
                "DELETE FROM saga_calls WHERE (scope, key) IN (
                     SELECT scope, key FROM saga_calls WHERE standing = $1 AND answered_at < $2
                     ORDER BY answered_at LIMIT $3)",
            )
            .bind(i64::from(standing))
            .bind(before)
            .bind(most)
            .execute(db)
            .await?;
            Ok(done.rows_affected())
        }

        async fn all(pool: &Pool<Self>) -> sqlx::Result<Vec<Kept>> {
            // Of two at one moment, an action comes before its compensation.
            let rows = sqlx::query(
                "SELECT scope, key, kind, action, undone_by, refused, answered_at FROM saga_calls
                 ORDER BY answered_at, kind",
            );
            let kept = |row: &Self::Row| {
                Ok(Kept {
                    scope: row.try_get("scope")?,
                    key: row.try_get("key")?,
                    kind: Kind::named(row.try_get("kind")?),
                    action: row.try_get("action")?,
                    undone_by: row.try_get("undone_by")?,
                    refused: row.try_get::<i64, _>("refused")? != 0,
                    answered_at: row.try_get("answered_at")?,
                })
            };
            rows.fetch_all(pool).await?.iter().map(kept).collect()
        }

        async fn counted(pool: &Pool<Self>) -> sqlx::Result<Counts> {
            // Postgres sums BIGINT to NUMERIC.
            let row = sqlx::query(
                "SELECT count(*) FILTER (WHERE kind <> 'barrier') AS answers,
                        CAST(coalesce(sum(replays) FILTER (WHERE kind <> 'barrier'), 0) AS BIGINT) AS replays,
                        count(*) FILTER (WHERE kind = 'barrier') AS barriers,
                        CAST(coalesce(sum(replays) FILTER (WHERE kind = 'barrier'), 0) AS BIGINT) AS turned_away
                 FROM saga_calls",
            )
            .fetch_one(pool)
            .await?;
            Ok(Counts {
                answers: row.try_get("answers")?,
                replays: row.try_get("replays")?,
                barriers: row.try_get("barriers")?,
                turned_away: row.try_get("turned_away")?,
            })
        }
    };
}

pub(super) use common_statements;
