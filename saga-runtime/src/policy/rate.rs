//! The rate limit, with time as an input.

use super::settings::Rate;
use crate::store::Micros;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use std::{
    fmt,
    num::NonZeroU32,
    ops::Add,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A clock that shows what it was last told.
#[derive(Debug, Clone, Default)]
struct Told(Arc<AtomicU64>);

/// What it shows: nanoseconds since the limiter was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Since(u64);

impl Add<Nanos> for Since {
    type Output = Self;

    fn add(self, other: Nanos) -> Self {
        Self(self.0.saturating_add(other.as_u64()))
    }
}

impl Reference for Since {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.as_u64()).unwrap_or(self.0))
    }
}

impl Clock for Told {
    type Instant = Since;

    fn now(&self) -> Since {
        Since(self.0.load(Ordering::Relaxed))
    }
}

/// A rate limit: the generic cell rate algorithm (ITU-T I.371) of crate `governor`, with a burst of a whole period's worth.
pub(super) struct Limiter {
    settings: Rate,
    cells: RateLimiter<NotKeyed, InMemoryState, Told, NoOpMiddleware<Since>>,
    told: Told,
    /// When it was made.
    base: Micros,
    /// When the next attempt may be made, if one was refused.
    next: Option<Micros>,
}

impl Limiter {
    /// The settings have been checked: neither the count nor the period's share is zero.
    pub(super) fn new(settings: Rate, now: Micros) -> Self {
        let count = NonZeroU32::new(settings.count).unwrap_or(NonZeroU32::MIN);
        let share = (settings.per / count.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(share).unwrap_or(Quota::per_second(count)).allow_burst(count);
        let told = Told::default();
        Self { settings, cells: RateLimiter::direct_with_clock(quota, told.clone()), told, base: now, next: None }
    }

    pub(super) fn settings(&self) -> Rate {
        self.settings
    }

    /// Takes leave for one attempt, if there is any now.
    pub(super) fn take(&mut self, now: Micros) -> bool {
        let since = u64::try_from(now.saturating_sub(self.base)).unwrap_or(0).saturating_mul(1_000);
        self.told.0.store(since, Ordering::Relaxed);
        match self.cells.check() {
            Ok(()) => {
                self.next = None;
                true
            }
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(Since(since)).as_nanos().div_ceil(1_000);
                self.next = Some(now.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)));
                false
            }
        }
    }

    /// When the next attempt may be made, if one was refused.
    pub(super) fn next(&self) -> Option<Micros> {
        self.next
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("settings", &self.settings).field("next", &self.next).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_periods_worth_may_come_at_once_and_then_one_at_a_time() {
        let mut limiter = Limiter::new(Rate { count: 4, per: Duration::from_secs(1) }, 5_000);
        assert_eq!((0..10).filter(|_| limiter.take(5_000)).count(), 4);
        assert_eq!(limiter.next(), Some(255_000));
        assert!(!limiter.take(254_999));
        assert!(limiter.take(255_000));
        assert!(!limiter.take(255_000));
        let minute = 60_000_000;
        assert_eq!((0..10).filter(|_| limiter.take(minute)).count(), 4, "what was not used does not pile up");
    }
}
