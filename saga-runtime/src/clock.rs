//! Time, as the runtime sees it: one clock, so that tests can skip it.

use crate::store::Micros;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A wait that a clock makes.
pub type Sleeping<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the runtime gets all its time from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Now, in microseconds since the Unix epoch; never less than what it said before.
    fn now(&self) -> Micros;

    /// Ends when `now` has come to this moment.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    fn sleep_until(&self, at: Micros) -> Sleeping<'_>;
}

/// The system's clock.
#[derive(Debug, Default)]
pub struct SystemClock {
    /// The latest moment that was told: a clock that is set back stands still until it has caught up.
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        self.latest.fetch_max(now, Ordering::Relaxed).max(now)
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        Box::pin(async move {
            loop {
                let left = at.saturating_sub(self.now());
                let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { return };
                // In spans of at most a minute, so that a clock that is set forward is noticed.
                tokio::time::sleep(Duration::from_micros(left).min(Duration::from_mins(1))).await;
            }
        })
    }
}
