//! From an HTTP call to [`once`], by way of the faults.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::time::sleep;

use super::faults::Fault;
use super::key::{self, IDEMPOTENCY_KEY, UNDOES};
use super::once::{self, Action, Answer, Fingerprint, Undo};
use super::wire::Wire;
use super::{Claim, Desk};
use crate::json::{self, Body};
use crate::problem::{Problem, kind};

/// Says that an answer was given before.
const REPLAYED: &str = "Idempotency-Replayed";

/// The route of an action.
pub(super) fn action<A: Action>() -> Router<Arc<Desk>> {
    Router::new().route(A::PATH, post(act::<A>))
}

/// The route of an undo.
pub(super) fn compensation<U: Undo>() -> Router<Arc<Desk>> {
    Router::new().route(U::PATH, post(undo::<U>))
}

async fn act<A: Action>(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let key = key::required(&headers, IDEMPOTENCY_KEY)?;
    key::forbidden(&headers, UNDOES)?;
    let action: A = json::read(&body)?;
    action.check()?;
    let request = Fingerprint::of(A::PATH, "", &body)?;
    let refuse = desk.faults.refuses(&key);
    misbehave(
        Arc::clone(&desk),
        wire,
        key.clone(),
        async move { once::act(&desk.db, &key, &request, action, refuse).await },
    )
    .await
}

async fn undo<U: Undo>(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let key = key::required(&headers, IDEMPOTENCY_KEY)?;
    let undone = key::required(&headers, UNDOES)?;
    if key == undone {
        let detail = "a compensation has a key of its own";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-key", detail));
    }
    let compensation: U = json::read(&body)?;
    compensation.check()?;
    let request = Fingerprint::of(U::PATH, &undone, &body)?;
    misbehave(Arc::clone(&desk), wire, key.clone(), async move {
        once::undo(&desk.db, &key, &undone, &request, compensation).await
    })
    .await
}

/// Carries a call out as well or as badly as the faults say.
///
/// The work is a task of its own: a caller that hangs up does not stop it half-way, as little as
/// hanging up stops a warehouse.
async fn misbehave(
    desk: Arc<Desk>,
    wire: Wire,
    key: String,
    work: impl Future<Output = Result<Answer, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let fault = desk.faults.throw();
    match fault {
        Some(Fault::Unavailable) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "out of order for a moment; nothing was done",
        )),
        Some(Fault::Late(delay)) => {
            tokio::spawn(async move {
                sleep(delay).await;
                // Nobody listens any more; what matters is what the database says.
                if let Ok(claim) = claim(&desk, &key) {
                    let _ = work.await;
                    drop(claim);
                }
            });
            wire.hang_up();
            Ok(StatusCode::GATEWAY_TIMEOUT.into_response())
        }
        Some(Fault::Slow(_) | Fault::Lost) | None => {
            let claim = claim(&desk, &key)?;
            let task = tokio::spawn(async move {
                if let Some(Fault::Slow(delay)) = fault {
                    sleep(delay).await;
                }
                let answer = work.await;
                drop(claim);
                answer
            });
            let answer = task.await.map_err(|error| Problem::internal(&error))?;
            if fault == Some(Fault::Lost) {
                wire.hang_up();
            }
            answer.map(respond)
        }
    }
}

fn claim(desk: &Arc<Desk>, key: &str) -> Result<Claim, Problem> {
    desk.claim(key).ok_or_else(|| {
        let detail = "a call with this key is being carried out; ask again";
        Problem::new(StatusCode::CONFLICT, kind::IN_PROGRESS, detail)
    })
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content = if status.is_success() { "application/json" } else { "application/problem+json" };
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    if answer.replay {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
