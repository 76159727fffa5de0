//! When orders are placed and when the orchestrator is killed: work is held back so that every kill finds some.

use std::time::{Duration, Instant};

use super::{Options, schema};
use crate::chance::pick;

/// The shortest life of an orchestrator, from its start to the next kill.
///
/// It is longer than an attempt may take (2 s). An instance that is lost three times in a row without any progress is
/// parked, as one that takes its process down with it; whoever kills a process faster than its calls can time out looks
/// just the same from within.
const LIFE: Duration = Duration::from_millis(2_500);

/// How much longer a life may be, at random, in milliseconds, after enough time to place a few orders.
const LONGER: u32 = 300;

/// The share of the orders during which kills happen, in percent: the rest is placed after the last one.
const KILLING: usize = 85;

/// How far the plan of kills has come.
pub(super) struct Pace {
    total: usize,
    /// Kills and pauses.
    kills: usize,
    /// So many of them are pauses, which come first.
    pauses: usize,
    seed: u64,
    /// The shortest life.
    life: Duration,
    /// Kills that counted.
    done: usize,
    /// When this orchestrator was started.
    born: Instant,
}

impl Pace {
    /// The plan of a demonstration, at its begin.
    pub(super) fn new(options: &Options, total: usize) -> Self {
        // Where several work, what the dead one had is taken over after a lease.
        let lease = if options.store.is_some() { schema::LEASE_SECONDS } else { 0 };
        let life = LIFE + Duration::from_secs(lease.into());
        let pauses = options.pauses as usize;
        let kills = options.kills as usize + pauses;
        Self { total, kills, pauses, seed: options.seed, life, done: 0, born: Instant::now() }
    }

    /// How many orders may have been placed by now, of which so many have ended.
    ///
    /// Each life has its share. Most of it is held back until the kill is near, so that it finds orders in flight however fast
    /// the others were.
    pub(super) fn placed(&self, ended: usize) -> usize {
        if self.done == self.kills {
            return self.total;
        }
        let share = |life: usize| self.total * KILLING * life / self.kills / 100;
        let (begin, end) = (share(self.done), share(self.done + 1));
        let near = if self.near() { end } else { begin + (end - begin) / 3 };
        // Where a life's share is nothing, or all has ended, there is one more.
        near.max(ended + 1).min(self.total)
    }

    /// Whether the kill is near.
    fn near(&self) -> bool {
        self.born.elapsed() >= self.life
    }

    /// Whether it is time for the next kill.
    pub(super) fn is_due(&self) -> bool {
        let longer = pick(self.seed, "kill", &self.done.to_string(), LONGER);
        self.done < self.kills && self.born.elapsed() >= self.life + Duration::from_millis(u64::from(50 + longer))
    }

    /// Whether the next one is none, but a pause.
    pub(super) fn stands(&self) -> bool {
        self.done < self.pauses
    }

    /// Which of so many workers it hits.
    pub(super) fn victim(&self, workers: usize) -> usize {
        let among = u32::try_from(workers).unwrap_or(1);
        pick(self.seed, "victim", &self.done.to_string(), among) as usize
    }

    /// The orchestrator was started again, after a kill that counted or not.
    pub(super) fn reborn(&mut self, counted: bool) {
        self.done += usize::from(counted);
        self.born = Instant::now();
    }

    /// Whether there are kills left.
    pub(super) fn is_open(&self) -> bool {
        self.done < self.kills
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(orders: u32, kills: u32, done: usize, age: Duration) -> Pace {
        let options = Options { orders, kills, store: None, workers: 1, pauses: 0, seed: 7, json: false, dir: None };
        let born = Instant::now().checked_sub(age).unwrap();
        Pace { done, born, ..Pace::new(&options, orders as usize) }
    }

    #[test]
    fn each_life_has_its_share_of_the_orders_and_the_last_one_all_that_are_left() {
        let old = 2 * LIFE;
        let placed: Vec<_> = (0..=10).map(|done| pace(200, 10, done, old).placed(0)).collect();
        assert_eq!(placed, [17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 200]);
        assert_eq!(pace(200, 10, 1, Duration::ZERO).placed(0), 22, "some are held back until the kill is near");
    }

    #[test]
    fn no_kill_comes_before_a_life_is_over_nor_more_than_are_wanted() {
        assert!(!pace(200, 10, 0, Duration::ZERO).is_due());
        assert!(pace(200, 10, 9, 2 * LIFE).is_due());
        assert!(!pace(200, 10, 10, 2 * LIFE).is_due());
        assert!(!pace(200, 0, 0, 2 * LIFE).is_due());
        assert_eq!(pace(200, 0, 0, Duration::ZERO).placed(0), 200);
    }

    #[test]
    fn there_is_always_one_more_order_until_there_are_no_more() {
        assert_eq!(pace(3, 10, 0, Duration::ZERO).placed(0), 1);
        assert_eq!(pace(3, 10, 0, Duration::ZERO).placed(2), 3);
        assert_eq!(pace(3, 10, 0, Duration::ZERO).placed(3), 3);
    }
}
