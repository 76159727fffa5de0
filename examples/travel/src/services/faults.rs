//! Misbehaviour on purpose: what networks and services do to a call, as often as one likes.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::sleep;

/// The longest that a late call is held back.
pub(crate) const LATEST: Duration = Duration::from_millis(LATEST_MS);
const LATEST_MS: u64 = 2500;

/// No call is longer than this, in bytes.
const LONGEST: usize = 64 * 1024;

/// How often calls go wrong.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Out of a hundred calls so many fail, of as many the answer is lost, and as many are late.
    percent: u64,
    seed: u64,
    calls: AtomicU64,
    wrong: AtomicU64,
}

impl Faults {
    /// Each of the three faults in so many calls out of a hundred, at most 33; the same for the same seed.
    pub(crate) fn new(percent: u64, seed: u64) -> Self {
        Self { percent: percent.min(33), seed, calls: AtomicU64::new(0), wrong: AtomicU64::new(0) }
    }

    /// How many calls there were, and how many of them went wrong.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.calls.load(Ordering::Relaxed), self.wrong.load(Ordering::Relaxed))
    }

    /// A number below 100, and how late a late call is (splitmix64, Steele et al. 2014).
    fn draw(&self) -> (u64, Duration) {
        let turn = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let mut z = self.seed.wrapping_add(turn.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z % 100, Duration::from_millis((z >> 32) % LATEST_MS))
    }
}

/// Stands in front of every call, and decides how it goes. Of a call whose answer is lost its caller hears nothing at all.
pub(super) async fn misbehave(State(faults): State<Arc<Faults>>, request: Request, next: Next) -> Response {
    let (drawn, late) = faults.draw();
    let fault = drawn.checked_div(faults.percent).filter(|fault| *fault < 3);
    if fault.is_some() {
        faults.wrong.fetch_add(1, Ordering::Relaxed);
    }
    match fault {
        None => next.run(request).await,
        Some(0) => (StatusCode::SERVICE_UNAVAILABLE, "out of order for a moment; nothing was done").into_response(),
        Some(1) => {
            next.run(request).await;
            pending().await
        }
        Some(_) => {
            let (parts, body) = request.into_parts();
            let Ok(body) = to_bytes(body, LONGEST).await else { return StatusCode::BAD_REQUEST.into_response() };
            // Perhaps after its own undo.
            tokio::spawn(async move {
                sleep(late).await;
                next.run(Request::from_parts(parts, Body::from(body))).await;
            });
            pending().await
        }
    }
}
