//! A kit for the services that the steps of a saga call: each call is answered once, however often and in whatever order
//! it arrives.
//!
//! A saga tries again when it does not know what happened, and undoes what may have happened. That is safe only with
//! services that keep two promises, both in the very transaction of the effect:
//!
//! - **One key, one answer.** Each call carries a key. The first call under it has its effect, and its answer is stored with
//!   it, a refusal like a success. Whoever sends the key again gets that answer. A key whose call is under way says so, and
//!   the same key with another request is a conflict.
//! - **The barrier.** A compensation has a key of its own and names the call that it undoes. If it overtakes that call, it
//!   finds nothing to undo, succeeds, and leaves a barrier: should the call arrive at last, it is turned away for ever.
//!
//! A [`Participant`] keeps them in the service's own database, SQLite or Postgres, beside the service's own tables. It
//! hands a handler the transaction ([`Effect`], [`Undo`]), and the handler has to give it back to answer at all: there
//! is no effect without its answer, and no answer before the commit.
//!
//! ```
//! use axum::{Json, Router, http::StatusCode};
//! use saga_participant::{Decided, Effect, Failed, Participant, Undo, Undone};
//! use serde_json::json;
//! use sqlx::{Sqlite, SqlitePool};
//!
//! /// Sets mugs aside, if there are enough.
//! async fn hold(mut effect: Effect<Sqlite>, Json(mugs): Json<i64>) -> Result<Decided<Sqlite>, Failed> {
//!     let update = "UPDATE shelf SET mugs = mugs - $1 WHERE mugs >= $1";
//!     if sqlx::query(update).bind(mugs).execute(effect.db()).await?.rows_affected() == 0 {
//!         return effect.refuse(StatusCode::CONFLICT, &json!({ "title": "not so many" })); // for good
//!     }
//!     effect.done(&mugs) // stored and committed with the update, and then sent
//! }
//!
//! /// Puts them back. Called only if the hold was done and stands.
//! async fn release(mut undo: Undo<Sqlite>, (): ()) -> Result<Undone<Sqlite>, Failed> {
//!     let mugs: i64 = undo.answer()?; // what the hold was answered
//!     sqlx::query("UPDATE shelf SET mugs = mugs + $1").bind(mugs).execute(undo.db()).await?;
//!     Ok(undo.undone())
//! }
//!
//! async fn service(pool: SqlitePool) -> Result<Router, saga_participant::Error> {
//!     let participant = Participant::open(pool).await?; // creates the kit's own table
//!     Ok(Router::new()
//!         .route("/holds", participant.action("hold", hold))
//!         .route("/holds/release", participant.compensation("hold", release)))
//! }
//! ```
//!
//! Without axum there are [`Participant::act`] and [`Participant::compensate`], for calls that arrive over gRPC or from a
//! queue.
//!
//! # What a caller does
//!
//! It sends the key as `Idempotency-Key`, the key of the call that a compensation undoes as `Undoes`, and reads the status.
//! In a step of `saga-runtime` these are `cx.key()` and `cx.undoes()`, and
//!
//! | the participant answers | the step returns |
//! |---|---|
//! | 200 to 299 | its output |
//! | 400 to 499 with a kind that the business knows | a refusal |
//! | 409 `/problems/in-progress`, 408, 425, 429, 500 to 599, or nothing at all | a transient, with `Retry-After` if it is there |
//! | any other 4xx (`key-reused`, `undone`, `bad-key`, `wrong-undo`) | `Transient::park`: a mistake, for a person to look at |
//!
//! The checkout example's `orders/call.rs` is such a caller, in a hundred lines.
//!
//! # What it does not do
//!
//! - It covers what is written through [`Effect::db`], and nothing else. An effect outside of this database (another service,
//!   a mail) is not part of the transaction: it can happen without its answer, or twice.
//! - The commit is as durable as the database is told to be. With SQLite that means `synchronous = FULL`, with Postgres
//!   `synchronous_commit` not off; otherwise a power cut can take back what was answered.
//! - Keys are forgotten by [`Participant::prune`] alone, and [`Keep`] says what that costs.
//! - A key is no secret and proves nothing: who may call is the service's own business. Where callers do not trust one
//!   another, give each a [scope](Call::of).

mod accepted;
mod answer;
mod backend;
mod call;
mod claims;
mod effect;
mod error;
#[cfg(feature = "axum")]
mod http;
mod keep;
mod key;
mod lent;
mod participant;
mod request;

pub use accepted::Accepted;
pub use answer::Answer;
pub use backend::Backend;
pub use call::{Call, Compensation};
pub use effect::{Decided, Effect, Undo, Undone};
pub use error::{Error, Failed};
#[cfg(feature = "axum")]
pub use http::{IDEMPOTENCY_KEY, REPLAYED, Scope, UNDOES};
pub use keep::{Counts, Keep};
pub use key::{BadKey, Key};
pub use participant::Participant;

/// What the trials in `tests/decoders/` and `fuzz/` feed with anything: a call's key, and its body.
///
/// # Panics
/// A key that was taken is not one when it is read again, or a body is not the same as itself.
#[doc(hidden)]
pub fn fuzzed(key: &str, body: &[u8]) {
    match Key::new(key) {
        Ok(key) => assert_eq!(Key::new(key.as_str()).as_ref(), Ok(&key)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let request = request::Request::of(&["hold"], body);
    assert_eq!(request::Request::of(&["hold"], body), request);
    assert_eq!(request.as_str().len(), 64);
}
