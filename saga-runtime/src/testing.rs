//! For tests of sagas.

pub use crate::{
    context::FlowContext,
    store::faulty::{Faulty, Lost},
};

use crate::{
    clock::{Clock, Sleeping},
    core::decide::micros,
    store::Micros,
};
use std::{fmt, time::Duration};
use tokio::{sync::watch, time::Instant};

/// A clock that stands still until it is told to go on, or is set.
#[derive(Debug)]
pub struct ManualClock {
    told: watch::Sender<Told>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    now: Micros,
    steady: Duration,
    /// How often it was set.
    sets: u64,
}

impl ManualClock {
    /// A clock that stands at this moment.
    pub fn at(now: Micros) -> Self {
        Self { told: watch::Sender::new(Told { now, steady: Duration::ZERO, sets: 0 }) }
    }

    /// Goes on by this much; whoever sleeps up to then wakes.
    pub fn advance(&self, span: Duration) {
        self.told.send_modify(|told| {
            told.now = told.now.saturating_add(micros(span));
            told.steady = told.steady.saturating_add(span);
        });
    }

    /// Is set forward by this much, as somebody might set a system's clock: no time has passed.
    ///
    /// ```
    /// use saga_runtime::testing::ManualClock;
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::default();
    /// clock.set_forward(Duration::from_hours(24)); // a runtime on this clock holds its timers, and says so
    /// clock.set_back(Duration::from_hours(24)); // and goes on
    /// ```
    pub fn set_forward(&self, span: Duration) {
        self.set(micros(span));
    }

    /// Is set back by this much.
    pub fn set_back(&self, span: Duration) {
        self.set(-micros(span));
    }

    fn set(&self, by: Micros) {
        self.told.send_modify(|told| {
            told.now = told.now.saturating_add(by);
            told.sets += 1;
        });
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
        self.told.borrow().now
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        let mut told = self.told.subscribe();
        Box::pin(async move {
            // The sender is this clock's own, which outlives the borrow.
            let _ = told.wait_for(|told| told.now >= at).await;
        })
    }

    fn steady(&self) -> Option<Duration> {
        Some(self.told.borrow().steady)
    }

    fn sleep(&self, span: Duration) -> Sleeping<'_> {
        let mut told = self.told.subscribe();
        let Told { steady, sets, .. } = *told.borrow();
        let over = steady.saturating_add(span);
        Box::pin(async move {
            let _ = told.wait_for(|told| told.steady >= over || told.sets != sets).await;
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
