//! A service that steps call.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use sqlx::{Pool, Transaction};

use crate::answer::Answer;
use crate::backend::{Backend, Kind as Stored, Row};
use crate::call::{Call, Compensation, Identity};
use crate::claims::{Claim, Claims};
use crate::effect::{Decided, Effect, Undo, Undone};
use crate::error::{Error, Failed, Kind};
use crate::key::Key;
use crate::lent::{Lent, roll_back};
use crate::request::Request;

/// What a handler's writes are taken back to if the business says no, so that its answer is still stored by the
/// transaction around them.
const SAVE: &str = "SAVEPOINT saga_effect";
const KEEP: &str = "RELEASE SAVEPOINT saga_effect";
const TAKE_BACK: &str = "ROLLBACK TO SAVEPOINT saga_effect";

/// A service that steps call: it answers each key once, and absorbs what comes too late.
///
/// It is cheap to clone; all clones share what is in progress. Several processes may work on one database.
#[derive(Debug)]
pub struct Participant<DB: Backend> {
    pool: Pool<DB>,
    claims: Claims,
}

impl<DB: Backend> Clone for Participant<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), claims: self.claims.clone() }
    }
}

impl<DB: Backend> Participant<DB> {
    /// A participant that keeps its keys in this database, beside the service's own tables. The kit's tables are created
    /// or brought up to date.
    ///
    /// # Errors
    /// [`Error::is_failed`] where the database does not work; another error where its tables are of a later release.
    ///
    /// # Cancel safety
    /// Cancelled, the tables are as before or up to date.
    pub async fn open(pool: Pool<DB>) -> Result<Self, Error> {
        let participant = Self::new(pool);
        participant.migrate().await?;
        Ok(participant)
    }

    /// A participant whose tables are there already, since a service that may not create tables has
    /// [`migrate`](Self::migrate) called by somebody who may.
    pub fn new(pool: Pool<DB>) -> Self {
        Self { pool, claims: Claims::default() }
    }

    /// The database that it was made with.
    pub fn pool(&self) -> &Pool<DB> {
        &self.pool
    }

    /// Creates the tables `saga_calls` and `saga_calls_version`, or brings them up to date: forward only, in one
    /// transaction, one process after the other.
    ///
    /// # Errors
    /// [`Error::is_failed`] where the database does not work; another error where its tables are of a later release.
    ///
    /// # Cancel safety
    /// Cancelled, the tables are as before or up to date.
    pub async fn migrate(&self) -> Result<(), Error> {
        let mut tx = DB::begin(&self.pool).await?;
        DB::hold_schema(&mut tx).await?;
        let found = DB::version(&mut tx).await?;
        let known = DB::MIGRATIONS.len();
        match usize::try_from(found) {
            Ok(done) if done <= known => {
                for (version, script) in (1..).zip(DB::MIGRATIONS).skip(done) {
                    DB::migrate(&mut tx, script, version).await?;
                }
            }
            _ => return Err(Kind::TooNew { found, known: i64::try_from(known).unwrap_or(i64::MAX) }.into()),
        }
        Ok(tx.commit().await?)
    }

    /// Answers a call of an action: what is stored under its key, or what `carry_out` decides now.
    ///
    /// `carry_out` is called only if the key is new, and its effect is committed together with the answer. Whoever comes
    /// with the same key while it runs is told so ([`Error::is_in_progress`]).
    ///
    /// # Errors
    /// [`Error`] says why there is no answer: in progress, another request under this key, undone before it arrived, or
    /// failed. A refusal is an answer, not an error.
    ///
    /// # Cancel safety
    /// Cancelled, everything is rolled back, unless the commit had begun; then the key is answered or not, and asking again
    /// tells.
    ///
    /// # Examples
    /// ```
    /// # async fn on_message(participant: &saga_participant::Participant<sqlx::Sqlite>, body: &[u8])
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use saga_participant::{Call, Key};
    ///
    /// let call = Call::new("charge", Key::new("order-42.charge")?, body);
    /// let answer = participant
    ///     .act(&call, async |mut effect| {
    ///         let insert = sqlx::query("INSERT INTO charges (id, cents) VALUES ($1, $2)");
    ///         insert.bind("charge-7").bind(1250).execute(effect.db()).await?;
    ///         effect.done(&"charge-7")
    ///     })
    ///     .await?;
    /// assert_eq!(answer.body(), r#""charge-7""#);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn act<F, Fut>(&self, call: &Call, carry_out: F) -> Result<Answer, Error>
    where
        F: FnOnce(Effect<DB>) -> Fut,
        Fut: Future<Output = Result<Decided<DB>, Failed>>,
    {
        let claim = self.claim(&call.identity)?;
        self.act_claimed(&claim, call, carry_out).await
    }

    /// Answers a call of a compensation: what is stored under its own key, or what `undo` does now.
    ///
    /// `undo` is called only if the action that is named stands. If that one was refused or is undone already, there is
    /// nothing to do, and that is a success. If it never arrived, that is a success too, and leaves a barrier: should it
    /// arrive later, it is turned away ([`Error::is_undone`]). The answer says which it was: `{"undone": true}` or
    /// `{"undone": false}`.
    ///
    /// # Errors
    /// [`Error`] says why there is no answer: in progress (the action may be, too), another request under this key, a wrong
    /// undo, it cannot be undone as things are, or failed.
    ///
    /// # Cancel safety
    /// As for [`act`](Self::act).
    pub async fn compensate<F, Fut>(&self, call: &Compensation, undo: F) -> Result<Answer, Error>
    where
        F: FnOnce(Undo<DB>) -> Fut,
        Fut: Future<Output = Result<Undone<DB>, Failed>>,
    {
        let claim = self.claim(&call.call.identity)?;
        self.compensate_claimed(&claim, call, undo).await
    }

    /// Takes a key for this process, until the claim is dropped.
    pub(crate) fn claim(&self, identity: &Identity) -> Result<Claim, Error> {
        self.claims.take(identity).ok_or_else(|| Kind::InProgress(identity.key.clone()).into())
    }

    /// As [`act`](Self::act), for whoever has claimed the key.
    pub(crate) async fn act_claimed<F, Fut>(&self, _: &Claim, call: &Call, carry_out: F) -> Result<Answer, Error>
    where
        F: FnOnce(Effect<DB>) -> Fut,
        Fut: Future<Output = Result<Decided<DB>, Failed>>,
    {
        let (own, request) = (&call.identity, call.request());
        let mut tx = self.begin([own]).await?;
        if let Some(stored) = DB::find(&mut tx, own).await? {
            return again(tx, own, stored, &request).await;
        }
        DB::run(&mut tx, SAVE).await?;
        let (lent, home) = Lent::new(tx);
        let Decided { lent, answer } = match carry_out(Effect { lent, key: own.key.clone() }).await {
            Ok(decided) => decided,
            Err(failed) => {
                home.roll_back().await;
                return Err(failed.into());
            }
        };
        let mut tx = lent.back();
        DB::run(&mut tx, if answer.refused { TAKE_BACK } else { KEEP }).await?;
        let action = call.action.clone().into();
        let row =
            Row { kind: Stored::Action, action, request: Some(request), undone_by: None, answer, answered_at: now() };
        DB::put(&mut tx, own, &row).await?;
        tx.commit().await?;
        Ok(row.answer)
    }

    /// As [`compensate`](Self::compensate), for whoever has claimed the compensation's own key.
    pub(crate) async fn compensate_claimed<F, Fut>(
        &self,
        _: &Claim,
        call: &Compensation,
        undo: F,
    ) -> Result<Answer, Error>
    where
        F: FnOnce(Undo<DB>) -> Fut,
        Fut: Future<Output = Result<Undone<DB>, Failed>>,
    {
        let (own, undone, request) = (&call.call.identity, &call.undone(), call.request());
        if own == undone {
            return Err(Kind::UndoesItself(own.key.clone()).into());
        }
        let mut tx = self.begin([own, undone]).await?;
        if let Some(stored) = DB::find(&mut tx, own).await? {
            return again(tx, own, stored, &request).await;
        }
        let action = String::from(call.call.action.clone());
        let standing = match DB::find(&mut tx, undone).await? {
            None => {
                DB::put(&mut tx, undone, &barrier(&action, &own.key)).await?;
                None
            }
            Some(stored) if stored.kind == Stored::Compensation || stored.action != action => {
                roll_back(tx).await;
                return Err(Kind::WrongUndo { undoes: undone.key.clone(), action: action.into() }.into());
            }
            Some(stored) => stored.is_standing().then_some(stored.answer),
        };
        let found = standing.is_some();
        if let Some(Answer { body: answer, .. }) = standing {
            let (key, undoes) = (own.key.clone(), undone.key.clone());
            DB::run(&mut tx, SAVE).await?;
            let (lent, home) = Lent::new(tx);
            let Undone { lent, cannot } = match undo(Undo { lent, key, undoes, answer }).await {
                Ok(undone) => undone,
                Err(failed) => {
                    home.roll_back().await;
                    return Err(failed.into());
                }
            };
            tx = lent.back();
            if let Some(Answer { status, body, .. }) = cannot {
                roll_back(tx).await;
                return Err(Kind::Cannot { status, body }.into());
            }
            DB::run(&mut tx, KEEP).await?;
            DB::mark_undone(&mut tx, undone, own.key.as_str()).await?;
        }
        let answer = Answer::done(200, &json!({ "undone": found }))?;
        let (kind, request) = (Stored::Compensation, Some(request));
        let row = Row { kind, action, request, undone_by: None, answer, answered_at: now() };
        DB::put(&mut tx, own, &row).await?;
        tx.commit().await?;
        Ok(row.answer)
    }

    /// A transaction that holds these keys.
    async fn begin<const N: usize>(&self, keys: [&Identity; N]) -> Result<Transaction<'static, DB>, Error> {
        let mut tx = DB::begin(&self.pool).await?;
        for identity in keys {
            if !DB::hold(&mut tx, identity).await? {
                roll_back(tx).await;
                return Err(Kind::InProgress(identity.key.clone()).into());
            }
        }
        Ok(tx)
    }
}

/// Answers a key that has a row already; a barrier turns away whatever the call says.
async fn again<DB: Backend>(
    mut tx: Transaction<'static, DB>,
    own: &Identity,
    stored: Row,
    request: &Request,
) -> Result<Answer, Error> {
    if stored.request.as_ref().is_some_and(|hash| hash != request) {
        roll_back(tx).await;
        return Err(Kind::OtherRequest(own.key.clone()).into());
    }
    DB::count_replay(&mut tx, own).await?;
    tx.commit().await?;
    if stored.kind == Stored::Barrier { Err(Kind::Undone(own.key.clone()).into()) } else { Ok(stored.answer) }
}

/// What a compensation leaves under the key of a call that has not arrived.
fn barrier(action: &str, undone_by: &Key) -> Row {
    // What the late call is told is made when it comes.
    let answer = Answer { refused: true, status: 410, body: String::new(), replayed: false };
    let (action, undone_by) = (action.to_owned(), Some(undone_by.as_str().to_owned()));
    Row { kind: Stored::Barrier, action, request: None, undone_by, answer, answered_at: now() }
}

/// Microseconds since 1970, UTC. A clock outside of what fits is as good as 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or_default()
}
