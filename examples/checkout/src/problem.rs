//! Errors over HTTP as RFC 9457 describes them: `application/problem+json`.

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// The kinds that a caller decides by.
pub(crate) mod kind {
    /// A refusal: not enough on the shelf.
    pub(crate) const OUT_OF_STOCK: &str = "out-of-stock";
    /// A refusal: nobody ever sold that here.
    pub(crate) const UNKNOWN_SKU: &str = "unknown-sku";
    /// A refusal: the card's bank says no.
    pub(crate) const CARD_DECLINED: &str = "card-declined";
    /// A call with this key is being carried out: ask again.
    pub(crate) const IN_PROGRESS: &str = "in-progress";
    /// Another order has this id.
    pub(crate) const OTHER_ORDER: &str = "other-order";
    /// What is asked for does not go with what is there.
    pub(crate) const CONFLICT: &str = "conflict";
}

/// An error that a caller can act on: what went wrong, and which fields are to blame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// What kind of problem this is, as a relative URI. Programs decide by it.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The same for people.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What went wrong this time.
    pub(crate) detail: String,
    /// The fields that are to blame, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<FieldError>,
}

/// One field, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldError {
    /// Where the field is: a JSON pointer (RFC 6901), e.g. `/lines/0/quantity`, or the header.
    pub(crate) pointer: String,
    /// What it must be.
    pub(crate) detail: String,
}

impl Problem {
    /// A problem of one kind; `kind` is a short name in words and hyphens.
    pub(crate) fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title: kind.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// Input that can be read and cannot be accepted. The detail names every field, so that it
    /// says enough where only it is shown.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail: Vec<String> = errors.iter().map(FieldError::told).collect();
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-input", detail.join("; ")) }
    }

    /// Nothing, where no field is to blame.
    pub(crate) fn unless_empty(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::invalid(errors)) }
    }

    /// Whether this is a problem of that kind.
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.kind.strip_prefix("/problems/") == Some(kind)
    }

    /// Something in this service failed. The cause is logged and stays inside.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "the request could not be carried out; it may be sent again",
        )
    }

    /// Nothing here under that name.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", what)
    }

    /// The status as a type. A status that was read from elsewhere and is none is a 500.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl FieldError {
    /// One field, and what it must be.
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// The field and what it must be, in one sentence. The pointer to all of the input is empty, and such a detail has its
    /// own subject.
    pub(crate) fn told(&self) -> String {
        if self.pointer.is_empty() { self.detail.clone() } else { format!("{} {}", self.pointer, self.detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        response
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(&error)
    }
}

/// A body that could not be read: too large, or the connection broke.
impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let limit = crate::json::BODY_LIMIT;
            let detail = format!("the body is larger than {limit} bytes");
            return Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail);
        }
        Self::new(StatusCode::BAD_REQUEST, "unreadable-body", rejection.body_text())
    }
}

/// What a path is answered that no service has.
pub(crate) async fn nothing_here(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

/// What a method is answered that a path does not have.
pub(crate) async fn not_like_this(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} cannot be asked to {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
