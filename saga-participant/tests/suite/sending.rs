//! Requests without a network: what goes in is bytes and headers, and what comes out as well.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::{Router, http::header};
use serde_json::Value;
use tower::ServiceExt as _;

/// What was answered.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Reply {
    /// The status, and the kind of the problem.
    pub(super) fn problem(&self) -> (u16, &str) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.body["status"], self.status.as_u16());
        (self.status.as_u16(), self.body["type"].as_str().unwrap().strip_prefix("/problems/").unwrap())
    }

    /// The header that is to blame.
    pub(super) fn blamed(&self) -> &str {
        assert_eq!(self.problem(), (400, "bad-key"));
        let blamed = self.body["errors"][0]["pointer"].as_str().unwrap();
        assert!(self.body["detail"].as_str().unwrap().contains(blamed), "the sentence names it too");
        blamed
    }
}

/// A POST with these headers.
pub(super) fn request(path: &str, headers: &[(&'static str, &[u8])], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

/// Sends a request, and reads the whole answer.
pub(super) async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8(body.to_vec()).unwrap().into());
    Reply { status: parts.status, headers: parts.headers, body }
}
