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

/// So many orders are to be in flight when a kill or a pause comes.
const MANY: usize = 10;

/// So many more for each further worker, since only what one of them has in its hands is hit.
const MORE: usize = 3;

/// So many times as many may be placed for each kill and pause, beyond those that were asked for.
const ROOM: usize = 3;

/// How long one that is due waits for more in flight; then fewer will do.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often in a row one that hits nothing is made before it is given up.
const TRIES: u32 = 3;

/// How far the plan of kills has come.
pub(super) struct Pace {
    /// How many orders were asked for: the least that are placed.
    asked: usize,
    /// The most that are placed for the sake of kills and pauses.
    most: usize,
    /// Kills and pauses.
    kills: usize,
    /// So many of them are pauses, which come first.
    pauses: usize,
    seed: u64,
    /// How many orders are to be in flight when one comes.
    wanted: usize,
    /// The shortest life.
    life: Duration,
    /// Kills and pauses that have hit something, or were given up.
    done: usize,
    /// How often in a row the one whose turn it is has hit nothing.
    missed: u32,
    /// When this orchestrator was started.
    born: Instant,
}

impl Pace {
    /// The plan of a demonstration, at its begin.
    pub(super) fn new(options: &Options) -> Self {
        // Where several work, what the dead one had is taken over after a lease.
        let lease = if options.store.is_some() { schema::LEASE_SECONDS } else { 0 };
        let life = LIFE + Duration::from_secs(lease.into());
        let pauses = options.pauses as usize;
        let kills = options.kills as usize + pauses;
        let asked = options.orders as usize;
        let many = MANY + MORE * (options.workers as usize - 1);
        let share = (asked * KILLING / 100).checked_div(kills).unwrap_or_default();
        // Where the orders that were asked for are too few, there are more. Where they are not, there are exactly those: what has
        // ended of a share when the kill comes is not made up for, as long as half of it is left.
        let wanted = if share < many { many } else { many.min(share / 2) };
        let most = asked + kills * ROOM * many;
        Self { asked, most, kills, pauses, seed: options.seed, wanted, life, done: 0, missed: 0, born: Instant::now() }
    }

    /// How many orders may have been placed by now, of which so many have ended.
    ///
    /// Each life has its share. Most of it is held back until the kill is near, so that it finds orders in flight however fast
    /// the others were. Where the share is too small for that, more are placed.
    pub(super) fn placed(&self, ended: usize) -> usize {
        if !self.is_open() {
            return self.asked;
        }
        let share = |life: usize| self.asked * KILLING * life / self.kills / 100;
        let (begin, end) = (share(self.done), share(self.done + 1));
        if !self.near() {
            return begin + (end - begin) / 3;
        }
        end.max(ended + self.wanted).min(self.most)
    }

    /// The most orders that are ever placed.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Whether the kill is near.
    fn near(&self) -> bool {
        self.born.elapsed() >= self.life
    }

    /// How long ago it was time for the next kill; nothing before.
    fn overdue(&self) -> Option<Duration> {
        let longer = pick(self.seed, "kill", &self.done.to_string(), LONGER);
        self.born.elapsed().checked_sub(self.life + Duration::from_millis(u64::from(50 + longer)))
    }

    /// Whether it is time for the next kill.
    pub(super) fn is_due(&self) -> bool {
        self.is_open() && self.overdue().is_some()
    }

    /// Whether it has waited for more orders in flight for long enough.
    pub(super) fn is_late(&self) -> bool {
        self.overdue().is_some_and(|late| late >= PATIENCE)
    }

    /// Whether so many in flight are enough for a kill, `ended` others having ended.
    pub(super) fn is_enough(&self, in_flight: usize, ended: usize) -> bool {
        let no_more = in_flight + ended >= self.most;
        in_flight >= self.wanted || in_flight > 0 && (no_more || self.is_late())
    }

    /// Whether the next one is none, but a pause.
    pub(super) fn stands(&self) -> bool {
        self.done < self.pauses
    }

    /// Which of so many workers it hits.
    pub(super) fn victim(&self, workers: usize) -> usize {
        let among = u32::try_from(workers).unwrap_or(1);
        // After one that hit nothing it is another one's turn.
        (pick(self.seed, "victim", &self.done.to_string(), among) + self.missed) as usize % workers.max(1)
    }

    /// The orchestrator was started again, after a kill that hit something or not.
    pub(super) fn reborn(&mut self, hit: bool) {
        self.missed = if hit { 0 } else { self.missed + 1 };
        if hit || self.missed == TRIES {
            self.done += 1;
            self.missed = 0;
        }
        self.born = Instant::now();
    }

    /// Whether there are kills left.
    fn is_open(&self) -> bool {
        self.done < self.kills
    }

    /// Whether no kill comes any more: each has had its turn, or there is nothing left that it could hit.
    pub(super) fn is_over(&self, ended: usize) -> bool {
        !self.is_open() || ended >= self.most
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn pace(orders: u32, kills: u32, done: usize, age: Duration) -> Pace {
        let options = Options { orders, kills, store: None, workers: 1, pauses: 0, seed: 7, json: false, dir: None };
        let born = Instant::now().checked_sub(age).unwrap();
        Pace { done, born, ..Pace::new(&options) }
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
    fn a_kill_that_is_near_finds_many_in_flight_however_few_orders_were_asked_for() {
        assert_eq!(pace(1, 5, 0, Duration::ZERO).placed(0), 0, "none is placed too early to be hit");
        assert_eq!(pace(1, 5, 0, 2 * LIFE).placed(0), MANY);
        assert_eq!(pace(1, 5, 0, 2 * LIFE).placed(7), 7 + MANY, "what has ended is made up for");
    }

    #[test]
    fn orders_that_were_asked_for_are_not_exceeded_where_they_suffice() {
        let pace = pace(200, 10, 9, 2 * LIFE);
        assert_eq!((pace.wanted, pace.placed(150)), (8, 170));
        assert_eq!(pace.placed(165), 165 + 8, "unless they have ended meanwhile");
    }

    #[test]
    fn several_workers_have_more_in_flight() {
        let line = ["demo", "--store", "postgres://", "--workers", "4", "--pauses", "5"];
        assert_eq!(Pace::new(&Options::parse_from(line)).wanted, MANY + 3 * MORE);
    }

    #[test]
    fn orders_beyond_those_asked_for_have_a_bound() {
        let pace = pace(1, 5, 4, 2 * LIFE);
        assert_eq!((pace.placed(1000), pace.most()), (1 + 5 * ROOM * MANY, 1 + 5 * ROOM * MANY));
        assert!(!pace.is_over(5 * ROOM * MANY) && pace.is_over(1 + 5 * ROOM * MANY));
        assert!(!pace.is_enough(0, 1 + 5 * ROOM * MANY));
        assert!(pace.is_enough(1, 5 * ROOM * MANY), "there will be no more than that");
    }

    #[test]
    fn a_kill_that_is_due_waits_for_many_in_flight_but_not_for_ever() {
        let due = LIFE + Duration::from_millis(50) + Duration::from_millis(LONGER.into());
        assert!(!pace(200, 10, 0, due).is_enough(7, 20));
        assert!(pace(200, 10, 0, due).is_enough(8, 20));
        assert!(pace(200, 10, 0, due + PATIENCE).is_enough(1, 20));
        assert!(!pace(200, 10, 0, due + PATIENCE).is_enough(0, 20));
    }

    #[test]
    fn one_that_hits_nothing_is_made_again_and_then_given_up() {
        let mut pace = pace(200, 2, 0, 2 * LIFE);
        let first = pace.victim(3);
        pace.reborn(false);
        assert_ne!(pace.victim(3), first, "another one is tried");
        pace.reborn(false);
        assert_eq!(pace.done, 0);
        pace.reborn(false);
        assert_eq!(pace.done, 1);
        pace.reborn(true);
        assert!(pace.is_over(0));
    }
}
