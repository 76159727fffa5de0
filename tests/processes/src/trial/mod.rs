//! The trial: a process ends at every point, is started again, and whatever must hold is looked at.
//!
//! First every case goes undisturbed, and tells which points it passes. Then there is a history for each of them that is asked for: a
//! life that ends there, and one that goes to the end. Points that are passed only while a dead one's work is taken over get a history
//! with two deaths.

mod history;
mod plan;
mod report;

pub use self::report::{Report, Row, Times};

use self::{
    history::{Happened, History, Place},
    plan::{edges, kills, of_interest},
};
use crate::{
    Kill, Moment, Named, Planted, StoreKind,
    cases::{CASES, Case},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The first and the last time that each saga passes each point, alone.
    Edges,
    /// Every time that each way of each saga passes a point, alone.
    All,
    /// That, and after each of them every point of the life that takes over.
    Pairs,
}

/// What is tried.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The program whose processes live: `crash-points`.
    pub program: PathBuf,
    /// Where histories happen. What is wrong stays there to be looked at.
    pub folder: PathBuf,
    /// On which stores.
    pub stores: Vec<StoreKind>,
    /// Which cases.
    pub cases: Vec<&'static Case>,
    /// How much.
    pub depth: Depth,
    /// Points that have to be hit.
    pub table: Vec<Named>,
    /// How many histories happen at a time. On a server most of a history is waiting for a lease.
    pub at_a_time: usize,
    /// The mistake that is planted.
    pub planted: Option<Planted>,
    /// Instead of all that: lives that end here, one after the other, and that so many times.
    pub exactly: Option<(Vec<Kill>, usize)>,
    /// Nothing more begins after so long; the report says how much was left out.
    pub within: Option<Duration>,
    /// In which order pairs are tried, so that those that are left out are not always the same.
    pub seed: u64,
}

/// The number of the next history: no two of one process have a folder or a schema in common.
static NUMBER: AtomicUsize = AtomicUsize::new(1);

/// How often it is tried again to hit a point that is passed and was not hit: what happens at the same time can come before it, and
/// then it is passed less often.
const AGAIN: usize = 3;

impl Trial {
    /// Everything, with this program, in that folder.
    pub fn new(program: PathBuf, folder: PathBuf) -> Self {
        Self {
            program,
            folder,
            stores: StoreKind::ALL.to_vec(),
            cases: CASES.iter().collect(),
            depth: Depth::Edges,
            table: crate::table(),
            at_a_time: 8,
            planted: None,
            exactly: None,
            within: None,
            seed: 1,
        }
    }

    /// Tries it.
    pub fn run(&self) -> Report {
        let place = Place { program: self.program.clone(), folder: self.folder.clone(), planted: self.planted };
        let until = self.within.map(|within| Instant::now() + within);
        let report = Mutex::new(Report::new(self));
        Running { trial: self, place, until, ends: BTreeMap::new(), report: &report }.run();
        let _ = std::fs::remove_dir(&self.folder);
        report.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A case on a store.
type On = (StoreKind, &'static str);

struct Running<'t> {
    trial: &'t Trial,
    place: Place,
    /// What each case ends with, undisturbed.
    ends: BTreeMap<On, Value>,
    until: Option<Instant>,
    report: &'t Mutex<Report>,
}

impl Running<'_> {
    fn run(&mut self) {
        let undisturbed = self.trial.stores.iter().flat_map(|store| {
            let store = *store;
            self.trial.cases.iter().map(move |case| History { store, case, kills: Vec::new() })
        });
        let mut passed: BTreeMap<On, Vec<Moment>> = BTreeMap::new();
        for happened in self.kept(undisturbed.collect()) {
            let on = (happened.history.store, happened.history.case.name);
            if let Some(survived) = happened.survived {
                self.ends.insert(on, survived.with);
                passed.insert(on, survived.moments);
            }
        }
        if let Some((kills, times)) = &self.trial.exactly {
            let on =
                self.trial.stores.iter().flat_map(|store| self.trial.cases.iter().map(move |case| (*store, *case)));
            let history = |(store, case)| History { store, case, kills: kills.clone() };
            self.all(on.map(history).flat_map(|history| std::iter::repeat_n(history, *times)).collect(), drop);
            return;
        }
        let happened = self.kept(self.first(&passed));
        // Of many nothing is kept but what the report says.
        self.all(self.second(&passed, &happened), drop);
        self.again(&passed, &happened);
    }

    /// A death at each point that is asked for.
    fn first(&self, passed: &BTreeMap<On, Vec<Moment>>) -> Vec<History> {
        let mut histories = Vec::new();
        let sagas: BTreeSet<&str> = self.trial.cases.iter().map(|case| case.saga).collect();
        for store in &self.trial.stores {
            for saga in &sagas {
                let ways: Vec<(&'static Case, &[Moment])> = self
                    .trial
                    .cases
                    .iter()
                    .filter(|case| case.saga == *saga)
                    .filter_map(|case| Some((*case, passed.get(&(*store, case.name))?.as_slice())))
                    .collect();
                let edges = edges(&ways);
                for ((case, moments), edges) in ways.into_iter().zip(edges) {
                    let asked: Vec<usize> = match self.trial.depth {
                        Depth::Edges => edges.into_iter().collect(),
                        Depth::All | Depth::Pairs => of_interest(case, moments),
                    };
                    let kills = kills(moments);
                    let history = |index: usize| History { store: *store, case, kills: vec![kills[index].clone()] };
                    histories.extend(asked.into_iter().map(history));
                }
            }
        }
        // A server lets one wait, and the file keeps a processor busy: in turns.
        let (mut here, there): (Vec<_>, Vec<_>) =
            histories.into_iter().partition(|history| history.store == StoreKind::Sqlite);
        let mut turns = Vec::new();
        let mut there = there.into_iter();
        here.reverse();
        while let Some(history) = here.pop() {
            turns.push(history);
            turns.extend(there.next());
        }
        turns.extend(there);
        turns
    }

    /// Two deaths: at each point that is passed only by lives that take over, or at every one of them.
    fn second(&self, passed: &BTreeMap<On, Vec<Moment>>, happened: &[Happened]) -> Vec<History> {
        let mut histories = Vec::new();
        let mut known: BTreeMap<(StoreKind, &str), BTreeSet<&str>> = BTreeMap::new();
        for ((store, case), moments) in passed {
            if let Some(case) = Case::named(case) {
                known.entry((*store, case.saga)).or_default().extend(moments.iter().flatten().map(String::as_str));
            }
        }
        for happened in happened {
            let History { store, case, kills: before } = &happened.history;
            let (Some(survived), [_, ..]) = (&happened.survived, &happened.deaths[..]) else { continue };
            let known = known.entry((*store, case.saga)).or_default();
            let asked: BTreeSet<usize> = of_interest(case, &survived.moments).into_iter().collect();
            for (index, (names, kill)) in survived.moments.iter().zip(kills(&survived.moments)).enumerate() {
                let mut new = false;
                for name in names {
                    new |= known.insert(name);
                }
                if new || (self.trial.depth == Depth::Pairs && asked.contains(&index)) {
                    let kills = before.iter().cloned().chain([kill]).collect();
                    histories.push(History { store: *store, case, kills });
                }
            }
        }
        shuffled(histories, self.trial.seed)
    }

    /// What was passed and not hit is tried again.
    fn again(&self, passed: &BTreeMap<On, Vec<Moment>>, happened: &[Happened]) {
        for _ in 0..AGAIN {
            let missed: BTreeSet<(StoreKind, String)> = lock(self.report).missed().into_iter().collect();
            if missed.is_empty() {
                return;
            }
            let mut histories = Vec::new();
            for (store, name) in missed {
                let direct = passed.iter().filter(|((on, _), _)| *on == store).find_map(|((_, case), moments)| {
                    moments.iter().flatten().any(|passed| *passed == name).then_some((Case::named(case)?, Vec::new()))
                });
                let later = || {
                    let mut lives = happened.iter().filter(|happened| happened.history.store == store);
                    lives.find_map(|happened| {
                        let moments = &happened.survived.as_ref()?.moments;
                        let there = moments.iter().flatten().any(|passed| *passed == name);
                        there.then(|| (happened.history.case, happened.history.kills.clone()))
                    })
                };
                if let Some((case, mut kills)) = direct.or_else(later) {
                    kills.push(Kill { point: name, nth: 1 });
                    histories.push(History { store, case, kills });
                }
            }
            if histories.is_empty() {
                return;
            }
            self.all(histories, drop);
        }
    }

    /// Lets all of them happen, and keeps what came of each.
    fn kept(&self, histories: Vec<History>) -> Vec<Happened> {
        let kept = Mutex::new(Vec::new());
        self.all(histories, |happened| lock(&kept).push(happened));
        kept.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all of them happen, some at a time.
    fn all(&self, histories: Vec<History>, take: impl Fn(Happened) + Sync) {
        let queue = Mutex::new(histories.into_iter());
        std::thread::scope(|scope| {
            for _ in 0..self.trial.at_a_time {
                scope.spawn(|| {
                    loop {
                        let next = lock(&queue).next();
                        let Some(history) = next else { return };
                        if self.until.is_some_and(|until| Instant::now() >= until) {
                            lock(self.report).leave_out();
                            continue;
                        }
                        let undisturbed = self.ends.get(&(history.store, history.case.name));
                        let happened = self.place.run(history, NUMBER.fetch_add(1, Ordering::Relaxed), undisturbed);
                        lock(self.report).add(&happened);
                        take(happened);
                    }
                });
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In an order that the seed says (splitmix64, Steele et al. 2014).
fn shuffled(mut histories: Vec<History>, seed: u64) -> Vec<History> {
    let mut state = seed;
    histories.sort_by_cached_key(|_| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    });
    histories
}
