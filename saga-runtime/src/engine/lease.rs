//! For how long a worker may take itself for alive (docs/semantics.md, rule 10).
//!
//! A fence keeps a worker that was taken for dead from writing to the store, and not from sending something to a participant. So
//! each attempt looks first whether the lease may be over. That it is over nobody has to say: a worker that stood still finds out by
//! its own clocks, which have gone on meanwhile.

use super::life::StoreClock;
use crate::{
    core::decide::micros,
    planted::{Mistake, is_planted},
    store::Micros,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, futures::Notified};

/// This part of a lease is left to clocks that do not go alike, and to what lies between a look and what is sent after it.
const MARGIN: u32 = 6;

/// A moment, by two clocks: one that also goes on while the machine is suspended but can be set, and one that nobody can set but
/// that stands still then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    clock: Micros,
    steady: Option<Duration>,
}

impl Moment {
    /// Now, by this machine's clocks.
    pub(super) fn now(clock: &StoreClock) -> Self {
        Self { clock: clock.own(), steady: clock.own_steady() }
    }
}

/// What a life was promised when it was last renewed: until then nobody takes what it owns.
#[derive(Debug)]
pub(crate) struct Lease {
    clock: Arc<StoreClock>,
    /// How long the promise holds; nothing where it holds until another worker is registered.
    length: Option<Duration>,
    /// Until when, by each of the two clocks. Whichever is there first counts.
    until: AtomicI64,
    steadily_until: AtomicI64,
    /// Rung when it was renewed.
    renewed: Notify,
    /// Rung when somebody waits for that.
    wanted: Notify,
}

impl Lease {
    /// The promise that was asked for at this moment.
    pub(super) fn new(clock: &Arc<StoreClock>, length: Option<Duration>, asked: Moment) -> Self {
        let lease = Self {
            clock: Arc::clone(clock),
            length,
            until: AtomicI64::new(0),
            steadily_until: AtomicI64::new(0),
            renewed: Notify::new(),
            wanted: Notify::new(),
        };
        lease.renew(asked);
        lease
    }

    pub(super) fn clock(&self) -> &Arc<StoreClock> {
        &self.clock
    }

    /// It was renewed, which was asked for at this moment: the store's own may be later, and is not earlier.
    pub(super) fn renew(&self, asked: Moment) {
        let Some(length) = self.length else { return };
        let good = micros(length.saturating_sub(length / MARGIN));
        let steadily = asked.steady.map_or(Micros::MAX, |steady| micros(steady).saturating_add(good));
        self.until.store(asked.clock.saturating_add(good), Ordering::Release);
        self.steadily_until.store(steadily, Ordering::Release);
        self.renewed.notify_waiters();
    }

    /// Whether nobody can have taken anything yet.
    pub(super) fn is_good(&self) -> bool {
        if self.length.is_none() || is_planted(Mistake::LeaseIgnored) {
            return true;
        }
        let now = Moment::now(&self.clock);
        now.clock < self.until.load(Ordering::Acquire)
            && now.steady.is_none_or(|steady| micros(steady) < self.steadily_until.load(Ordering::Acquire))
    }

    /// Asks for a renewal, and ends with the next one. To be made before looking.
    pub(super) fn renewal(&self) -> Notified<'_> {
        self.wanted.notify_one();
        self.renewed.notified()
    }

    /// Ends when somebody wants it to be renewed now.
    pub(super) async fn is_wanted(&self) {
        self.wanted.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, testing::ManualClock};

    const LEASE: Duration = Duration::from_secs(12);

    #[test]
    fn a_lease_is_over_by_whichever_clock_says_so_first_and_a_margin_before_its_end() {
        let machine = Arc::new(ManualClock::default());
        let clock = Arc::new(StoreClock::new(Arc::clone(&machine) as Arc<dyn Clock>));
        let lease = Lease::new(&clock, Some(LEASE), Moment::now(&clock));
        let good_for = |seconds| machine.advance(Duration::from_secs(seconds));
        good_for(9);
        assert!(lease.is_good());
        good_for(1);
        assert!(!lease.is_good(), "a sixth of it is left");
        let asked = Moment::now(&clock);
        good_for(4);
        lease.renew(asked);
        good_for(5);
        assert!(lease.is_good());
        good_for(1);
        assert!(!lease.is_good(), "it counts from when it was asked for");
        lease.renew(Moment::now(&clock));
        machine.set_back(Duration::from_hours(3));
        good_for(10);
        assert!(!lease.is_good(), "a clock that is set back makes no lease longer");
        lease.renew(Moment::now(&clock));
        // Suspended, a machine goes on with the clock that shows the time of day, and not with the other one.
        machine.set_forward(Duration::from_secs(10));
        assert!(!lease.is_good());
        let forever = Lease::new(&clock, None, Moment::now(&clock));
        good_for(1_000_000);
        assert!(forever.is_good(), "without a lease nobody takes anything before another worker is registered");
    }
}
