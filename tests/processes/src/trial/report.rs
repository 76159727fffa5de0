//! What a trial tells.

use super::{Happened, Trial};
use crate::{Named, StoreKind};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    process::Command,
};

/// What came of a trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The commit that was tried; with a `+`, if there was more than that.
    pub commit: String,
    /// The stores on which it was tried.
    pub stores: Vec<StoreKind>,
    /// How many histories happened.
    pub histories: usize,
    /// How many were left out, since the time was over.
    pub left_out: usize,
    /// What says the order of pairs.
    pub seed: u64,
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
            left_out: 0,
            seed: trial.seed,
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
        let again = history.command();
        self.violations.extend(happened.violations.iter().map(|what| format!("{history}: {what}\n  again: {again}")));
    }

    pub(super) fn leave_out(&mut self) {
        self.left_out += 1;
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
        let sagas: BTreeSet<&str> = self
            .points
            .iter()
            .flat_map(|row| row.times.values().flat_map(BTreeMap::keys))
            .map(String::as_str)
            .collect();
        write!(f, "{:width$}", "times hit")?;
        for store in &self.stores {
            sagas.iter().try_for_each(|saga| write!(f, "  {:>15}", format!("{store} {saga}")))?;
        }
        writeln!(f, "  violations")?;
        for row in &self.points {
            write!(f, "{:width$}", row.point)?;
            for store in &self.stores {
                for saga in &sagas {
                    match row.hit(*store, saga) {
                        0 => write!(f, "  {:>15}", "-")?,
                        hit => write!(f, "  {hit:>15}")?,
                    }
                }
            }
            let violated: usize = self.stores.iter().map(|store| row.all(*store).violated).sum();
            writeln!(f, "  {violated:>10}")?;
        }
        let Self { commit, histories, left_out, seed, deaths, points, violations, .. } = self;
        let missed = self.missed();
        let points = points.len();
        writeln!(f, "commit {commit}, seed {seed}: {points} points, {histories} histories, {deaths} processes killed")?;
        if *left_out > 0 {
            writeln!(f, "left out, since the time was over: {left_out} histories")?;
        }
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
