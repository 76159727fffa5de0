//! What can be asked of every participant: its faults, and what it kept of its calls.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use axum::{Json, Router};
use saga_participant::Accepted;
use serde::{Deserialize, Serialize};

use super::{Desk, Faults, Fired};
use crate::json::{self, Body};
use crate::problem::{FieldError, Problem};

/// What a participant kept of the calls it got, in numbers.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct KeysKept {
    /// Calls that were answered.
    pub(crate) answers: i64,
    /// Calls that came again and got the stored answer.
    pub(crate) replays: i64,
    /// Compensations that came before their call, or without it.
    pub(crate) barriers: i64,
    /// Calls that a barrier turned away, because they came after their own undo.
    pub(crate) turned_away: i64,
    /// How often each fault happened since the process started.
    pub(crate) fired: Fired,
}

/// A call that was accepted, as `GET /accepted` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AcceptedCall {
    /// Its key.
    pub(crate) key: String,
    /// What was done, or undone.
    pub(crate) action: String,
    /// The key of the call that it undoes, if it undoes one.
    pub(crate) undoes: Option<String>,
    /// Whether there was something to undo.
    pub(crate) changed: bool,
    /// When, in microseconds since the Unix epoch.
    pub(crate) at: i64,
}

/// Which rows of a ledger are asked for: `?order=..`, or all of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByOrder {
    /// Only those of this order.
    pub(super) order: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for ByOrder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri);
        query
            .map(|Query(wanted)| wanted)
            .map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, "bad-query", rejection.body_text()))
    }
}

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/faults", get(faults).put(set_faults))
        .route("/keys", get(keys))
        .route("/accepted", get(accepted))
}

async fn faults(State(desk): State<Arc<Desk>>) -> Json<Faults> {
    Json(desk.faults.faults())
}

async fn set_faults(State(desk): State<Arc<Desk>>, Body(body): Body) -> Result<Json<Faults>, Problem> {
    let faults: Faults = json::read(&body)?;
    faults.suit(desk.service).map_err(|error| Problem::invalid(vec![FieldError::new("", error.to_string())]))?;
    desk.faults.set(faults);
    Ok(Json(faults))
}

async fn accepted(State(desk): State<Arc<Desk>>) -> Result<Json<Vec<AcceptedCall>>, Problem> {
    let accepted = desk.kit.accepted().await.map_err(|error| Problem::internal(&error))?;
    let call = |one: Accepted| {
        let Accepted { key, action, undoes, changed, answered_at: at, .. } = one;
        AcceptedCall { key, action, undoes, changed, at }
    };
    Ok(Json(accepted.into_iter().map(call).collect()))
}

async fn keys(State(desk): State<Arc<Desk>>) -> Result<Json<KeysKept>, Problem> {
    let counts = desk.kit.counts().await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(KeysKept {
        answers: counts.answers,
        replays: counts.replays,
        barriers: counts.barriers,
        turned_away: counts.turned_away,
        fired: desk.faults.fired(),
    }))
}
