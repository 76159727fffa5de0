//! The contract of the key, and the barrier.
//!
//! Each call carries a key. One key has one answer: the first call under it has its effect, and
//! in the **same transaction** the answer is stored, be it a success or a refusal. Whoever sends
//! the key again gets that answer and no second effect.
//!
//! A compensation has a key of its own and names the key that it undoes. It may overtake the call
//! it undoes: then it finds nothing to undo, succeeds, and leaves a *barrier* under that key. When
//! the call arrives at last it is turned away for ever. Without the barrier it would have its
//! effect after its own undo, and nobody would ever undo it again.
//!
//! Everything happens under one `BEGIN IMMEDIATE`, so two calls never see half of each other, and
//! a crash leaves the effect with its answer or neither.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{Connection, Row, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::problem::{Problem, kind};

/// What is kept of each call.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS answers (
        key         TEXT PRIMARY KEY,
        path        TEXT NOT NULL,
        request     TEXT,              -- the request's hash; NULL for a barrier, which had none
        undone_by   TEXT,              -- the key of the compensation that undid or overtook it
        status      INTEGER NOT NULL,
        body        TEXT NOT NULL,
        replays     INTEGER NOT NULL DEFAULT 0,  -- how often it was sent again
        answered_at INTEGER NOT NULL   -- microseconds since 1970, UTC
    ) STRICT, WITHOUT ROWID";

/// Something that a participant does for a saga, as it stands in the body of the call.
pub(super) trait Action: DeserializeOwned + Send + 'static {
    /// Where it is posted to.
    const PATH: &'static str;
    /// What the caller is told when it is done.
    type Answer: Serialize + Send;

    /// Checks what can be checked without the database.
    fn check(&self) -> Result<(), Problem>;

    /// How this is refused when refusals are asked for. Nothing: it cannot be refused.
    fn refusal(&self) -> Option<Problem> {
        None
    }

    /// Has the effect. What it wrote before it declined is taken back.
    fn carry_out(
        self,
        db: &mut SqliteConnection,
        key: &str,
    ) -> impl Future<Output = Result<Self::Answer, Declined>> + Send;
}

/// The undo of an [`Action`], as it stands in the body of the call.
pub(super) trait Undo: DeserializeOwned + Send + 'static {
    /// Where it is posted to.
    const PATH: &'static str;
    /// What it undoes.
    type Of: Action;

    /// Checks what can be checked without the database.
    fn check(&self) -> Result<(), Problem>;

    /// Undoes the effect that the call with this key had.
    fn undo(self, db: &mut SqliteConnection, undone: &str) -> impl Future<Output = Result<(), Declined>> + Send;
}

/// Why there was no effect.
pub(super) enum Declined {
    /// The business says no. Stored like a success.
    Refused(Problem),
    /// The database failed. Nothing is stored; the call may be sent again.
    Broken(sqlx::Error),
}

impl From<sqlx::Error> for Declined {
    fn from(error: sqlx::Error) -> Self {
        Self::Broken(error)
    }
}

/// What is answered under a key, the first time and every time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    /// Whether it is told again.
    pub(super) replay: bool,
}

/// A call's identity beside its key: where it goes, what it undoes and what it says.
pub(super) struct Fingerprint(String);

impl Fingerprint {
    /// The hash of a request. Its JSON is read and written again before it is hashed, since spaces
    /// and the order of fields say nothing.
    pub(super) fn of(path: &str, undoes: &str, body: &[u8]) -> Result<Self, Problem> {
        let body: Value = crate::json::read(body)?;
        Ok(Self(format!("{:x}", Sha256::digest(format!("{path}\n{undoes}\n{body}")))))
    }
}

/// Carries an action out once under its key. `refuse` asks for a refusal instead.
pub(super) async fn act<A: Action>(
    db: &SqlitePool,
    key: &str,
    request: &Fingerprint,
    action: A,
    refuse: bool,
) -> Result<Answer, Problem> {
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(stored) = Stored::find(&mut tx, key).await? {
        let answer = stored.again(&mut tx, key, request).await?;
        tx.commit().await?;
        return answer;
    }
    let result = match action.refusal() {
        Some(refusal) if refuse => Err(Declined::Refused(refusal)),
        _ => {
            let mut effect = tx.begin().await?;
            let result = action.carry_out(&mut effect, key).await;
            keep_if_done(effect, result).await?
        }
    };
    let answer = Answer::made_of(StatusCode::CREATED, result)?;
    Stored::put(&mut tx, key, A::PATH, Some(request), None, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Undoes an action once under the undo's own key, or makes sure that it never happens.
pub(super) async fn undo<U: Undo>(
    db: &SqlitePool,
    key: &str,
    undone: &str,
    request: &Fingerprint,
    undo: U,
) -> Result<Answer, Problem> {
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(stored) = Stored::find(&mut tx, key).await? {
        let answer = stored.again(&mut tx, key, request).await?;
        tx.commit().await?;
        return answer;
    }
    let result = match Stored::find(&mut tx, undone).await? {
        None => {
            let barrier = Answer::made_of::<()>(StatusCode::GONE, Err(Declined::Refused(gone())))?;
            Stored::put(&mut tx, undone, U::Of::PATH, None, Some(key), &barrier).await?;
            Ok(false)
        }
        Some(stored) if stored.path != U::Of::PATH => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                kind::WRONG_UNDO,
                format!("{} does not undo {}", U::PATH, stored.path),
            ));
        }
        Some(stored) if !stored.had_effect() => Ok(false),
        Some(_) => {
            let mut effect = tx.begin().await?;
            let result = undo.undo(&mut effect, undone).await;
            let result = keep_if_done(effect, result).await?;
            if result.is_ok() {
                Stored::mark_undone(&mut tx, undone, key).await?;
            }
            result.map(|()| true)
        }
    };
    let result = result.map(|undone| json!({ "undone": undone }));
    let answer = Answer::made_of(StatusCode::OK, result)?;
    Stored::put(&mut tx, key, U::PATH, Some(request), None, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Ends the savepoint that an effect was tried in: a refusal takes back what was written, while its answer is stored by
/// the transaction around it.
async fn keep_if_done<T>(
    effect: Transaction<'_, Sqlite>,
    result: Result<T, Declined>,
) -> Result<Result<T, Declined>, sqlx::Error> {
    match result {
        Ok(_) => effect.commit().await?,
        Err(_) => effect.rollback().await?,
    }
    Ok(result)
}

/// What a call is told that comes after its own undo.
fn gone() -> Problem {
    let detail = "this call was undone before it arrived; it will never be carried out";
    Problem::new(StatusCode::GONE, kind::UNDONE, detail)
}

impl Answer {
    fn made_of<T: Serialize>(done: StatusCode, result: Result<T, Declined>) -> Result<Self, Problem> {
        let written = match &result {
            Ok(value) => serde_json::to_string(value),
            Err(Declined::Refused(problem)) => serde_json::to_string(problem),
            Err(Declined::Broken(error)) => return Err(Problem::internal(error)),
        };
        let status = match result {
            Err(Declined::Refused(problem)) => problem.status,
            _ => done.as_u16(),
        };
        let body = written.map_err(|error| Problem::internal(&error))?;
        Ok(Self { status, body, replay: false })
    }
}

/// A row of `answers`.
struct Stored {
    path: String,
    request: Option<String>,
    undone_by: Option<String>,
    answer: Answer,
}

impl Stored {
    async fn find(db: &mut SqliteConnection, key: &str) -> Result<Option<Self>, sqlx::Error> {
        let row = sqlx::query("SELECT path, request, undone_by, status, body FROM answers WHERE key = ?")
            .bind(key)
            .fetch_optional(db)
            .await?;
        row.map(|row| {
            Ok(Self {
                path: row.try_get("path")?,
                request: row.try_get("request")?,
                undone_by: row.try_get("undone_by")?,
                answer: Answer { status: row.try_get("status")?, body: row.try_get("body")?, replay: true },
            })
        })
        .transpose()
    }

    /// Answers a key that was answered before; a barrier answers whatever the request says.
    async fn again(
        self,
        db: &mut SqliteConnection,
        key: &str,
        request: &Fingerprint,
    ) -> Result<Result<Answer, Problem>, sqlx::Error> {
        if self.request.as_ref().is_some_and(|hash| *hash != request.0) {
            let detail = format!("the key {key} belongs to another request");
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(Err(Problem::new(status, kind::KEY_REUSED, detail)));
        }
        sqlx::query("UPDATE answers SET replays = replays + 1 WHERE key = ?").bind(key).execute(db).await?;
        Ok(Ok(self.answer))
    }

    /// Whether there is anything to undo: done, and not undone yet.
    fn had_effect(&self) -> bool {
        self.answer.status < 300 && self.undone_by.is_none()
    }

    async fn put(
        db: &mut SqliteConnection,
        key: &str,
        path: &str,
        request: Option<&Fingerprint>,
        undone_by: Option<&str>,
        answer: &Answer,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO answers (key, path, request, undone_by, status, body, answered_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(key)
        .bind(path)
        .bind(request.map(|request| request.0.as_str()))
        .bind(undone_by)
        .bind(answer.status)
        .bind(&answer.body)
        .bind(now())
        .execute(db)
        .await?;
        Ok(())
    }

    async fn mark_undone(db: &mut SqliteConnection, key: &str, undone_by: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE answers SET undone_by = ? WHERE key = ?").bind(undone_by).bind(key).execute(db).await?;
        Ok(())
    }
}

/// Microseconds since 1970. A clock outside of what fits is as good as 1970: the column is read
/// by people only.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or_default()
}
