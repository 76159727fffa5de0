//! For tests of sagas.

pub use crate::{
    context::FlowContext,
    store::faulty::{Faulty, Lost},
};

use crate::{
    clock::{Clock, Sleeping},
    store::Micros,
};
use std::{fmt, time::Duration};
use tokio::{sync::watch, time::Instant};

/// A clock that stands still until it is told to go on.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Micros>,
}

impl ManualClock {
    /// A clock that stands at this moment.
    pub fn at(now: Micros) -> Self {
        Self { now: watch::Sender::new(now) }
    }

    /// Goes on by this much; whoever sleeps up to then wakes.
    pub fn advance(&self, span: Duration) {
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        self.now.send_modify(|now| *now = now.saturating_add(span));
    }
}

impl Default for ManualClock {
    /// At the beginning of 2026.
    fn default() -> Self {
        Self::at(1_767_225_600_000_000)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Micros {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            // The sender is this clock's own, which outlives the borrow.
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

/// A clock on tokio's time: in a runtime whose time is paused (`#[tokio::test(start_paused = true)]`) it skips every wait
/// as soon as nobody has anything else to do.
pub struct TokioClock {
    base: Micros,
    since: Instant,
}

impl TokioClock {
    /// A clock that stands at this moment now.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn at(now: Micros) -> Self {
        Self { base: now, since: Instant::now() }
    }
}

impl fmt::Debug for TokioClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioClock").field("now", &self.now()).finish()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Micros {
        self.base.saturating_add(i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        let left = u64::try_from(at.saturating_sub(self.now())).unwrap_or(0);
        // A timer of tokio's ends up to a millisecond late, never early.
        Box::pin(tokio::time::sleep(Duration::from_micros(left)))
    }
}
