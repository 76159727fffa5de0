//! A clock that goes on by itself whenever nobody has anything to do.

use crate::{
    clock::{Clock, Sleeping},
    store::Micros,
};
use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

/// The beginning of 2026.
const START: Micros = 1_767_225_600_000_000;

/// Time that passes from one moment for which somebody waits to the next.
#[derive(Debug)]
pub(super) struct Leaps(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Micros,
    /// Who waits for a moment; the number tells those of one moment apart.
    sleepers: BTreeMap<(Micros, u64), Waker>,
    number: u64,
}

impl Leaps {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { now: START, sleepers: BTreeMap::new(), number: 0 }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to the next moment for which somebody waits, if anybody does.
    pub(super) fn leap(&self) -> bool {
        let woken = {
            let mut state = self.state();
            let Some(((at, _), waker)) = state.sleepers.pop_first() else { return false };
            state.now = state.now.max(at);
            waker
        };
        woken.wake();
        true
    }
}

/// Somebody who waits; dropped, nobody waits any more.
struct Sleeper<'c> {
    clock: &'c Leaps,
    at: Micros,
    number: Option<u64>,
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock.state().sleepers.remove(&(self.at, number));
        }
    }
}

impl Clock for Leaps {
    fn now(&self) -> Micros {
        self.state().now
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        let mut sleeper = Sleeper { clock: self, at, number: None };
        Box::pin(poll_fn(move |cx| {
            let mut state = self.state();
            if state.now >= at {
                return Poll::Ready(());
            }
            let number = *sleeper.number.get_or_insert_with(|| {
                state.number += 1;
                state.number
            });
            state.sleepers.insert((at, number), cx.waker().clone());
            Poll::Pending
        }))
    }

    fn steady(&self) -> Option<Duration> {
        let passed = self.now().saturating_sub(START);
        Some(Duration::from_micros(passed.unsigned_abs()))
    }
}
