//! What a trial tells.

use super::{Happened, Trial};
use crate::{Named, StoreKind};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, process::Command};

/// What came of a trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The commit that was tried; with a `+`, if there was more than that.
    pub commit: String,
    /// The stores on which it was tried.
    pub stores: Vec<StoreKind>,
    /// How many histories happened.
    pub histories: usize,
    /// How many processes were killed.
    pub deaths: usize,
    /// Each point of the table, in its order.
    pub points: Vec<Row>,
    /// What did not hold, with the history.
    pub violations: Vec<String>,
}

/// A point.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// What it is called.
    pub point: String,
    /// The store that alone has it, if not each of them has.
    pub only: Option<StoreKind>,
    /// By store and saga.
    pub times: BTreeMap<StoreKind, BTreeMap<String, Times>>,
}

/// What happened at a point.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Times {
    /// How often a process ended there.
    pub hit: usize,
    /// How many of the histories in which one did broke a promise.
    pub violated: usize,
}

impl Report {
    pub(super) fn new(trial: &Trial) -> Self {
        let row = |point: &Named| Row { point: point.name.clone(), only: point.only, times: BTreeMap::new() };
        Self {
            commit: commit(),
            stores: trial.stores.clone(),
            histories: 0,
            deaths: 0,
            points: trial.table.iter().map(row).collect(),
            violations: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, happened: &Happened) {
        self.histories += 1;
        self.deaths += happened.deaths.len();
        let (store, saga) = (happened.history.store, happened.history.case.saga);
        for name in happened.deaths.iter().flatten() {
            if let Some(row) = self.points.iter_mut().find(|row| row.point == *name) {
                let times = row.times.entry(store).or_default().entry(saga.to_owned()).or_default();
                times.hit += 1;
                times.violated += usize::from(!happened.violations.is_empty());
            }
        }
        let history = &happened.history;
        self.violations.extend(happened.violations.iter().map(|what| format!("{history}: {what}")));
    }

    /// The points that nobody was killed at, by store.
    pub fn missed(&self) -> Vec<(StoreKind, String)> {
        let mut missed = Vec::new();
        for store in &self.stores {
            let here = self.points.iter().filter(|row| row.only.is_none_or(|only| only == *store));
            let not_hit = here.filter(|row| row.all(*store).hit == 0);
            missed.extend(not_hit.map(|row| (*store, row.point.clone())));
        }
        missed
    }

    /// Whether every point was hit and every promise kept.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.missed().is_empty()
    }
}

impl Row {
    /// How often a process of this saga ended there, on this store.
    pub fn hit(&self, store: StoreKind, saga: &str) -> usize {
        self.times.get(&store).and_then(|sagas| sagas.get(saga)).map_or(0, |times| times.hit)
    }

    /// On this store, in all sagas.
    fn all(&self, store: StoreKind) -> Times {
        let mut all = Times::default();
        for times in self.times.get(&store).into_iter().flat_map(BTreeMap::values) {
            all.hit += times.hit;
            all.violated += times.violated;
        }
        all
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.points.iter().map(|row| row.point.len()).max().unwrap_or_default();
        write!(f, "{:width$}", "point")?;
        for store in &self.stores {
            write!(f, "  {:>8} {:>10}", store.to_string(), "violations")?;
        }
        writeln!(f)?;
        for row in &self.points {
            write!(f, "{:width$}", row.point)?;
            for store in &self.stores {
                if row.only.is_some_and(|only| only != *store) {
                    write!(f, "  {:>8} {:>10}", "-", "-")?;
                } else {
                    let Times { hit, violated } = row.all(*store);
                    write!(f, "  {hit:>8} {violated:>10}")?;
                }
            }
            writeln!(f)?;
        }
        let Self { commit, histories, deaths, points, violations, .. } = self;
        let missed = self.missed();
        writeln!(f, "commit {commit}: {} points, {histories} histories, {deaths} processes killed", points.len())?;
        for (store, point) in &missed {
            writeln!(f, "never hit on {store}: {point}")?;
        }
        for violation in violations {
            writeln!(f, "violated: {violation}")?;
        }
        write!(f, "{} violations, {} points not hit", violations.len(), missed.len())
    }
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let clean = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| changes.is_empty());
    if clean { commit } else { commit + "+" }
}
