//! How a call goes: as well or as badly as the faults say. Everything else about it is the kit's.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use saga_participant::Key;
use tokio::time::sleep;

use super::Desk;
use super::faults::Fault;
use super::wire::Wire;
use crate::problem::Problem;

/// Stands in front of every call, and decides how it goes.
pub(super) async fn misbehave(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    mut request: Request,
    next: Next,
) -> Response {
    match desk.faults.throw() {
        None => next.run(request).await,
        Some(Fault::Unavailable) => {
            let detail = "out of order for a moment; nothing was done";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).into_response()
        }
        Some(Fault::Slow(delay)) => {
            request.extensions_mut().insert(Dawdle(delay));
            next.run(request).await
        }
        Some(Fault::Lost) => {
            let response = next.run(request).await;
            wire.hang_up();
            response
        }
        Some(Fault::Late(delay)) => match whole(request).await {
            Ok(request) => {
                // Nobody listens any more; what matters is what the database says.
                tokio::spawn(async move {
                    sleep(delay).await;
                    next.run(request).await;
                });
                wire.hang_up();
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
            Err(problem) => problem.into_response(),
        },
    }
}

/// The request with all of its body, which outlives the connection it came on.
async fn whole(request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// How long a slow call takes.
#[derive(Debug, Clone, Copy)]
struct Dawdle(Duration);

/// What a handler takes with its call. A slow one dawdles here: under its key, and before it has the database.
pub(super) struct Luck(Arc<Desk>);

impl Luck {
    /// Whether the call with this key is to be refused, though nothing is wrong with it.
    pub(super) fn refuses(&self, key: &Key) -> bool {
        self.0.faults.refuses(key.as_str())
    }
}

impl FromRequestParts<Arc<Desk>> for Luck {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        if let Some(Dawdle(delay)) = parts.extensions.get() {
            sleep(*delay).await;
        }
        Ok(Self(Arc::clone(desk)))
    }
}
