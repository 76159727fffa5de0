//! The runtime's time: its clock's, unless that jumps.

use crate::{
    clock::{Clock, Sleeping},
    core::decide::micros,
    store::Micros,
};
use serde::Serialize;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// A clock that is set by more than this, in microseconds, is not believed.
const FAR: u64 = 60 * 60 * 1_000_000;

/// For so long nobody looks at the clock again.
const MOMENT: Duration = Duration::from_millis(1);

/// The runtime's clock was set by more than an hour, and nobody has confirmed that it is right now.
///
/// Until then the runtime's time goes on as if nobody had set it: what the jump alone would have made due is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClockJump {
    /// By how much, in microseconds; negative if it was set back.
    pub by: Micros,
    /// When that was noticed, by the runtime's time, in microseconds since the Unix epoch.
    pub noticed_at: Micros,
}

impl fmt::Display for ClockJump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.by < 0 { "back" } else { "forward" };
        write!(f, "the clock jumped {direction} by {} s", self.by.unsigned_abs() / 1_000_000)
    }
}

/// A clock whose time never decreases, and which believes no jump of more than an hour (docs/semantics.md, rule 26).
///
/// Between two looks, the time that passed by the clock is compared with what passed by a source that cannot be set. If they
/// differ by too much, time goes on by the latter until somebody confirms the clock, or until it is set right again.
pub(super) struct Timekeeper {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Rung when a jump was confirmed: what sleeps looks again.
    confirmed: Notify,
}

struct State {
    /// What the clock, and the steady source, said at the last look.
    clock: Micros,
    steady: Option<Duration>,
    /// The latest moment that was told.
    told: Micros,
    jump: Option<ClockJump>,
}

impl Timekeeper {
    /// Believes the clock as it is now: a jump before this is nothing that can be noticed.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let state = State { clock: now, steady: clock.steady(), told: now, jump: None };
        Self { clock, state: Mutex::new(state), confirmed: Notify::new() }
    }

    /// The jump that waits to be confirmed.
    pub(super) fn jump(&self) -> Option<ClockJump> {
        self.look().jump
    }

    /// The clock is right as it is now; whether there was a jump to confirm.
    pub(super) fn confirm(&self) -> bool {
        let confirmed = {
            let mut state = self.look();
            let confirmed = state.jump.take();
            state.told = state.told.max(state.clock);
            confirmed
        };
        if let Some(jump) = confirmed {
            tracing::info!(%jump, "the clock was confirmed: timers and deadlines go by it again");
            self.confirmed.notify_waiters();
        }
        confirmed.is_some()
    }

    /// What the clock and the steady source say at one moment.
    fn both(&self) -> (Micros, Option<Duration>) {
        let mut before = self.clock.steady();
        loop {
            let (clock, after) = (self.clock.now(), self.clock.steady());
            // Somebody who was kept waiting between the two would take the wait for a jump.
            if after.unwrap_or_default().saturating_sub(before.unwrap_or_default()) < Duration::from_secs(1) {
                return (clock, after);
            }
            before = after;
        }
    }

    /// The time by the steady source, if the last look at the clock was a moment ago: it is asked much more often than it changes.
    fn just_looked(&self, state: &State) -> Option<Micros> {
        let passed = self.clock.steady()?.saturating_sub(state.steady?);
        let just = !passed.is_zero() && passed < MOMENT && state.jump.is_none();
        just.then(|| state.clock.saturating_add(micros(passed)))
    }

    /// Looks at the clock.
    fn look(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = self.just_looked(&state) {
            state.told = state.told.max(told);
            return state;
        }
        // Under the lock, so that looks come in the order of what they saw.
        let (clock, steady) = self.both();
        let passed = match (steady, state.steady) {
            (Some(now), Some(before)) => micros(now.saturating_sub(before)),
            // Whatever the clock says is all that is known.
            _ => clock.saturating_sub(state.clock),
        };
        let by = clock.saturating_sub(state.clock).saturating_sub(passed);
        (state.clock, state.steady) = (clock, steady);
        match &mut state.jump {
            None if by.unsigned_abs() > FAR => {
                let jump = ClockJump { by, noticed_at: state.told.saturating_add(passed) };
                state.jump = Some(jump);
                tracing::error!(
                    %jump,
                    "timers and deadlines are held as if it had not: set the clock right, or call `Runtime::confirm_clock`"
                );
            }
            None => {}
            Some(jump) => {
                jump.by = jump.by.saturating_add(by);
                if jump.by.unsigned_abs() <= FAR {
                    state.jump = None;
                    tracing::info!("the clock was set right: timers and deadlines go by it again");
                }
            }
        }
        state.told = match state.jump {
            Some(_) => state.told.saturating_add(passed),
            None => state.told.max(clock),
        };
        state
    }
}

impl Clock for Timekeeper {
    fn now(&self) -> Micros {
        self.look().told
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        Box::pin(async move {
            loop {
                let confirmed = self.confirmed.notified();
                tokio::pin!(confirmed);
                // Before the look, so that none is missed after it.
                confirmed.as_mut().enable();
                let left = at.saturating_sub(self.now());
                let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { return };
                tokio::select! {
                    () = confirmed => {}
                    () = self.clock.sleep(Duration::from_micros(left)) => {}
                }
            }
        })
    }

    fn steady(&self) -> Option<Duration> {
        self.clock.steady()
    }
}

impl fmt::Debug for Timekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timekeeper").field("clock", &self.clock).field("jump", &self.jump()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;
    use std::task::Poll;

    const HOUR: Duration = Duration::from_hours(1);
    const MINUTE: Duration = Duration::from_mins(1);

    fn keeper() -> (Arc<ManualClock>, Timekeeper, Micros) {
        let clock = Arc::new(ManualClock::default());
        let keeper = Timekeeper::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let now = keeper.now();
        (clock, keeper, now)
    }

    #[test]
    fn a_clock_that_is_set_by_little_is_believed_and_time_never_decreases() {
        let (clock, keeper, start) = keeper();
        clock.set_forward(HOUR);
        assert_eq!((keeper.now(), keeper.jump()), (start + micros(HOUR), None));
        clock.set_back(HOUR);
        assert_eq!((keeper.now(), keeper.jump()), (start + micros(HOUR), None));
        clock.advance(HOUR + MINUTE);
        assert_eq!(keeper.now(), start + micros(HOUR + MINUTE), "it has caught up");
    }

    #[test]
    fn a_jump_of_more_than_an_hour_is_held_until_it_is_confirmed() {
        let (clock, keeper, start) = keeper();
        clock.set_forward(2 * HOUR);
        assert_eq!(keeper.now(), start);
        clock.advance(MINUTE);
        assert_eq!(keeper.now(), start + micros(MINUTE), "time goes on as if nobody had set the clock");
        let jump = keeper.jump().expect("it is noticed");
        assert_eq!((jump.by, jump.noticed_at), (micros(2 * HOUR), start));
        assert!(keeper.confirm() && !keeper.confirm());
        assert_eq!((keeper.now(), keeper.jump()), (start + micros(2 * HOUR + MINUTE), None));
    }

    #[test]
    fn a_clock_that_is_set_back_far_holds_nothing_up_before_it_is_confirmed() {
        let (clock, keeper, start) = keeper();
        clock.set_back(3 * HOUR);
        clock.advance(MINUTE);
        assert_eq!(keeper.now(), start + micros(MINUTE));
        assert_eq!(keeper.jump().expect("it is noticed").to_string(), "the clock jumped back by 10800 s");
        keeper.confirm();
        clock.advance(2 * HOUR + 59 * MINUTE);
        assert_eq!(keeper.now(), start + micros(MINUTE), "never early: it stands still until the clock has caught up");
        clock.advance(MINUTE);
        assert_eq!(keeper.now(), start + micros(MINUTE));
        clock.advance(MINUTE);
        assert_eq!(keeper.now(), start + micros(2 * MINUTE));
    }

    #[test]
    fn a_clock_that_is_set_right_again_needs_nobody_to_confirm_it() {
        let (clock, keeper, start) = keeper();
        clock.set_forward(48 * HOUR);
        assert!(keeper.jump().is_some());
        clock.set_back(48 * HOUR);
        assert_eq!((keeper.jump(), keeper.now()), (None, start));
    }

    #[tokio::test]
    async fn what_sleeps_is_woken_by_time_and_by_a_confirmation_but_not_by_a_jump() {
        let (clock, keeper, start) = keeper();
        let mut sleeping = keeper.sleep_until(start + micros(3 * HOUR));
        let mut is_over = async || std::future::poll_fn(|cx| Poll::Ready(sleeping.as_mut().poll(cx).is_ready())).await;
        assert!(!is_over().await);
        clock.set_forward(4 * HOUR);
        assert!(!is_over().await, "a jump is held");
        clock.advance(2 * HOUR);
        assert!(!is_over().await);
        keeper.confirm();
        assert!(is_over().await, "and counts once it is confirmed");
        let mut sleeping = keeper.sleep_until(keeper.now() + micros(HOUR));
        let mut is_over = async || std::future::poll_fn(|cx| Poll::Ready(sleeping.as_mut().poll(cx).is_ready())).await;
        clock.set_back(4 * HOUR);
        assert!(!is_over().await);
        clock.advance(HOUR);
        assert!(is_over().await, "a clock that was set back keeps nobody asleep before it is confirmed");
    }
}
