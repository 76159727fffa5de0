//! What everybody in a simulation shares: chance, time, what went wrong, and what is told of it.

use crate::{
    faults::{Counts, Fault},
    participants::Participants,
    plan::Errand,
};
use saga_meaning::dice::Dice;
use saga_runtime::store::{Epoch, InstanceNo, Micros, Store as _, memory::Memory};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The beginning of 2026.
pub const BEGINNING: Micros = 1_767_225_600_000_000;

/// How much goes wrong, which differs from seed to seed.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// In how many of a hundred requests to a participant.
    pub network: u64,
    /// In how many of a thousand operations of the store.
    pub store: u64,
    /// In how many of a thousand points of the engine its worker is killed.
    pub kills: u64,
    /// The longest that an operation of the store takes on each of its ways.
    pub lag: Duration,
}

/// What is told of what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// Nothing.
    Nothing,
    /// Everything, when it is over.
    Kept,
    /// Everything, as it happens.
    Live,
}

/// What everybody shares.
#[derive(Debug)]
pub struct Sim {
    /// The store that all workers have.
    pub store: Memory,
    /// How much goes wrong.
    pub weather: Weather,
    /// How long a worker is taken for alive.
    pub lease: Duration,
    /// Whether the store has a clock of its own, which all workers go by.
    pub has_clock: bool,
    /// Every so many rows of a journal are a snapshot.
    pub snapshots: u64,
    /// How many reasons there are for the store to be away.
    pub away: AtomicUsize,
    /// Who has been called, and what came of it.
    pub participants: Mutex<Participants>,
    dice: Mutex<Dice>,
    since: Instant,
    quiet: AtomicBool,
    counts: Mutex<Counts>,
    violations: Mutex<Vec<String>>,
    telling: Telling,
    story: Option<Mutex<Vec<String>>>,
    owners: Mutex<HashMap<InstanceNo, Epoch>>,
}

/// The lock, whoever panicked while it was held: what it guards is changed in one step each time.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    /// That of this seed.
    pub fn new(seed: u64, telling: Telling) -> Self {
        let mut dice = Dice::new(seed);
        let lease = Duration::from_secs([6, 10, 15][dice.index(3)]);
        let weather = Weather {
            network: [0, 3, 10, 30, 60][dice.index(5)],
            store: [0, 3, 10, 40][dice.index(4)],
            kills: [0, 2, 5, 15][dice.index(4)],
            lag: Duration::from_millis([0, 2, 10, 60][dice.index(4)]),
        };
        Self {
            store: Memory::with_lease(lease),
            weather,
            lease,
            has_clock: dice.chance(50),
            snapshots: [3, 4, 7, 20, 1_000][dice.index(5)],
            away: AtomicUsize::new(0),
            participants: Mutex::default(),
            dice: Mutex::new(dice),
            since: Instant::now(),
            quiet: AtomicBool::new(false),
            counts: Mutex::default(),
            violations: Mutex::default(),
            story: (telling != Telling::Nothing).then(Mutex::default),
            telling,
            owners: Mutex::default(),
        }
    }

    /// Chance.
    pub fn dice(&self) -> MutexGuard<'_, Dice> {
        lock(&self.dice)
    }

    /// What the store's clock says.
    pub fn now(&self) -> Micros {
        BEGINNING.saturating_add(i64::try_from(self.passed().as_micros()).unwrap_or(i64::MAX))
    }

    /// How much time has passed.
    pub fn passed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Nothing goes wrong any more.
    pub fn be_quiet(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    /// Whether something goes wrong that does so in so many of a thousand cases.
    pub fn goes_wrong(&self, of_a_thousand: u64) -> bool {
        !self.quiet.load(Ordering::Relaxed) && of_a_thousand > 0 && self.dice().roll(1000) < of_a_thousand
    }

    /// A time up to this one, at random.
    pub fn up_to(&self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        if most == 0 { Duration::ZERO } else { Duration::from_micros(self.dice().roll(most)) }
    }

    /// Something has gone wrong on purpose.
    pub fn count(&self, fault: Fault) {
        lock(&self.counts).add(fault);
    }

    /// How often each thing did.
    pub fn counts(&self) -> Counts {
        *lock(&self.counts)
    }

    /// Whether anybody has set a clock.
    pub fn has_set_a_clock(&self) -> bool {
        let counts = self.counts();
        counts.of(Fault::ClockSet) + counts.of(Fault::ClockJumped) > 0
    }

    /// Whether any worker died, or may have been taken for dead.
    pub fn has_lost_a_worker(&self) -> bool {
        use Fault::{
            CommitSlow, Killed, KilledAfterAttempt, KilledAfterCommit, KilledBeforeAttempt, KilledBeforeCommit,
            PausedBeyondLease, Stopped, StoreAway,
        };
        let counts = self.counts();
        let kills = [Killed, KilledBeforeCommit, KilledAfterCommit, KilledBeforeAttempt, KilledAfterAttempt];
        let rest = [PausedBeyondLease, Stopped, StoreAway, CommitSlow];
        kills.into_iter().chain(rest).any(|fault| counts.of(fault) > 0)
    }

    /// Something happened that must not.
    pub fn violated(&self, what: impl Into<String>) {
        let what = what.into();
        self.tell(|| format!("VIOLATION {what}"));
        lock(&self.violations).push(what);
    }

    /// Everything that must not have happened.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    /// Something happened, which is told if there is a story.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            let at = self.passed();
            let line = format!("{:>5}.{:03}  {}", at.as_secs(), at.subsec_millis(), what());
            if self.telling == Telling::Live {
                println!("{line}");
            } else {
                lock(story).push(line);
            }
        }
    }

    /// Everything that was told.
    pub fn story(&self) -> Vec<String> {
        self.story.as_ref().map(|story| lock(story).clone()).unwrap_or_default()
    }

    /// What an instance of the other saga was started with.
    pub async fn errand_of(&self, id: &str) -> Option<Errand> {
        let instance = self.store.find("leg", id).await.ok()??;
        let rows = self.store.journal(instance.no, 1, 1).await.ok()?;
        let started: serde_json::Value = serde_json::from_str(&rows.first()?.event).ok()?;
        serde_json::from_value(started.pointer("/started/input")?.clone()).ok()
    }

    /// A worker's life has taken this instance: nobody else writes to it before he does.
    pub fn taken(&self, instance: InstanceNo, by: Epoch) {
        lock(&self.owners).insert(instance, by);
    }

    /// A write to this instance was accepted.
    pub fn accepted(&self, instance: InstanceNo, of: Epoch) {
        let owner = lock(&self.owners).get(&instance).copied();
        if owner != Some(of) {
            self.violated(format!(
                "fence: a write of worker life {} to instance {} was accepted, which is that of {owner:?}",
                of.0, instance.0
            ));
        }
    }
}
