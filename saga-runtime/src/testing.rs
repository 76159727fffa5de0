//! For tests of sagas.
//!
//! A saga is tested in three ways. Its **methods** are called as they are, with [`FlowContext::detached()`]: steps one by one, or
//! the flow as the plain method that it is. Signals, other sagas and a connection for transactional steps are put in
//! beforehand. Nothing is saved, retried or undone there: no compensation runs, neither of the saga nor of an inner flow that is
//! refused.
//!
//! With a **runtime** it is executed as in earnest, on [`Memory`](crate::store::memory::Memory), which needs no file, and with a
//! clock that a test can move. [`TokioClock`] in a test whose time is paused skips every wait: days pass as soon as nobody has
//! anything else to do.
//!
//! ```
//! use saga_runtime::{prelude::*, store::memory::Memory, testing::TokioClock};
//! use std::sync::Arc;
//! # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
//! # struct No;
//!
//! struct Reminder;
//!
//! #[saga(name = "reminder")]
//! impl Reminder {
//!     #[signal]
//!     const PAID: Signal<Self, u64> = Signal::new("paid");
//!
//!     #[flow]
//!     async fn run(&self, cx: &FlowContext, _invoice: String) -> Result<String, Unwind<No>> {
//!         match cx.wait(Self::PAID).within("30d").await {
//!             Ok(cents) => Ok(format!("{cents} cents")),
//!             Err(Elapsed) => Ok("a letter".into()),
//!         }
//!     }
//! }
//!
//! # let test = async {
//! // In a test: #[tokio::test(start_paused = true)]
//! let plain = Reminder.run(&FlowContext::detached().with_signal(Reminder::PAID, 100), "7".into()).await;
//! assert_eq!(plain.ok().as_deref(), Some("100 cents"));
//!
//! let clock = Arc::new(TokioClock::at(0));
//! let runtime = Runtime::builder().store(Memory::default()).clock(clock).register(Reminder).start().await?;
//! let saga = runtime.start::<Reminder>("invoice-7", "7".into()).await?;
//! assert!(matches!(saga.result().await?, End::Completed(what) if what == "a letter")); // a month, in no time
//! # Ok::<(), saga_runtime::Error>(())
//! # };
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test).unwrap();
//! ```
//!
//! And [`explore`] runs **every history** of one instance, with each way in which its steps, its worker and its callers can fail, and
//! says which one breaks a promise: an undo that forgets something, or cannot be done twice, is found in a plain `#[test]`.
//!
//! On a store in a file, time that is paused does not stand still: its answers come from another thread, and tokio skips
//! timeouts and deadlines while everybody waits for one. A test on SQLite takes a [`ManualClock`], and moves it when the
//! instances are at rest: a wait begins when the flow comes to it, and not before.

mod explore;

pub use self::explore::{Counterexample, Ending, Explore, Explored, explore};
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
///
/// That includes everybody who waits for another thread, as for the answer of a store in a file: use it with
/// [`Memory`](crate::store::memory::Memory) where time is paused.
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
