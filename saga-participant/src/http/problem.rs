//! What callers are told that is not a handler's answer, as RFC 9457 describes it.

use std::time::Duration;

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::{Error, Kind};

/// When a call that is told to come again may come, unless the handler says otherwise. A second is the least that the header
/// can say.
const SOON: Duration = Duration::from_secs(1);

/// An answer with a kind that programs decide by and a sentence that people read.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    /// The header that is to blame, and what is wrong with it.
    header: Option<(&'static str, String)>,
    retry_after: Option<Duration>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), header: None, retry_after: None }
    }

    /// A header that is not as it must be.
    pub(super) fn header(name: &'static str, what: &str) -> Self {
        Self {
            header: Some((name, what.to_owned())),
            ..Self::new(StatusCode::BAD_REQUEST, "bad-key", format!("the header {name} {what}"))
        }
    }

    /// Something in this service failed. The cause is logged and stays inside.
    pub(super) fn failed(after: Option<Duration>) -> Self {
        let detail = "the call could not be carried out; send it again under the same key";
        Self {
            retry_after: Some(after.unwrap_or(SOON)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "failed", detail)
        }
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "the body is larger than this service reads",
            );
        }
        Self::new(StatusCode::BAD_REQUEST, "unreadable-body", rejection.body_text())
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let say = |status, kind| Self::new(status, kind, error.to_string());
        match &error.kind {
            Kind::InProgress(_) => Self { retry_after: Some(SOON), ..say(StatusCode::CONFLICT, "in-progress") },
            Kind::OtherRequest(_) => say(StatusCode::UNPROCESSABLE_ENTITY, "key-reused"),
            Kind::Undone(_) => say(StatusCode::GONE, "undone"),
            Kind::WrongUndo { .. } => say(StatusCode::UNPROCESSABLE_ENTITY, "wrong-undo"),
            Kind::UndoesItself(_) => Self::header(super::UNDOES, "must not be the call's own key"),
            Kind::Failed(failed) => {
                tracing::error!(%error, "a call failed");
                Self::failed(failed.after)
            }
            Kind::Cannot { .. } | Kind::TooNew { .. } => Self::failed(None),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, kind, detail, header: blamed, retry_after } = self;
        let mut body = json!({
            "type": format!("/problems/{kind}"),
            "title": kind.replace('-', " "),
            "status": status.as_u16(),
            "detail": detail,
        });
        if let Some((name, what)) = blamed {
            body["errors"] = json!([{ "pointer": name, "detail": what }]);
        }
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if let Some(wait) = retry_after {
            // Rounded up, so that nobody comes too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The content type of a problem.
pub(super) const PROBLEM: &str = "application/problem+json";
