//! Time, as the runtime sees it: one clock, so that tests can skip it.

use crate::{core::decide::micros, store::Micros};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A wait that a clock makes.
pub type Sleeping<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the runtime gets all its time from.
///
/// A clock may be set, forwards and backwards. The runtime's own time never decreases whatever its clock says, and a jump of
/// more than an hour is not believed until somebody confirms it: [`Runtime::confirm_clock`](crate::Runtime::confirm_clock).
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Now, in microseconds since the Unix epoch.
    fn now(&self) -> Micros;

    /// Ends when `now` has come to this moment.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    fn sleep_until(&self, at: Micros) -> Sleeping<'_>;

    /// The time since some fixed moment, from a source that nobody can set. Without one no jump of the clock is noticed.
    fn steady(&self) -> Option<Duration> {
        None
    }

    /// Ends when this much time has passed on the steady source; or before that, as often as the clock likes: whoever
    /// sleeps looks at it again.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    fn sleep(&self, span: Duration) -> Sleeping<'_> {
        self.sleep_until(self.now().saturating_add(micros(span)))
    }
}

/// A moment of the system's clock, in microseconds since the epoch; what is too far away to be counted is the end of time.
pub(crate) fn since_epoch(moment: SystemTime) -> Micros {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => -micros(before.duration()),
    }
}

/// The same, the other way round.
#[cfg_attr(not(feature = "cron"), expect(dead_code, reason = "recurring starts tell of ticks as moments"))]
pub(crate) fn moment(at: Micros) -> SystemTime {
    let span = Duration::from_micros(at.unsigned_abs());
    let moment = if at < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) };
    moment.unwrap_or(UNIX_EPOCH)
}

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock {
    since: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { since: Instant::now() }
    }
}

/// Waits are made in pieces of at most this, so that a clock that is set is noticed.
const PIECE: Duration = Duration::from_mins(1);

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        since_epoch(SystemTime::now())
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        Box::pin(async move {
            loop {
                let left = at.saturating_sub(self.now());
                let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { return };
                self.sleep(Duration::from_micros(left)).await;
            }
        })
    }

    fn steady(&self) -> Option<Duration> {
        Some(self.since.elapsed())
    }

    fn sleep(&self, span: Duration) -> Sleeping<'_> {
        Box::pin(tokio::time::sleep(span.min(PIECE)))
    }
}
