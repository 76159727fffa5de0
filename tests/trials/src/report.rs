//! What a trial tells: what was tried, how often each accident happened, what was broken.

use serde::Serialize;
use std::{collections::BTreeMap, fmt, process::Command};

/// What was tried, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The trial's name.
    pub trial: &'static str,
    /// With which chance it can be repeated.
    pub seed: u64,
    /// On which sources it ran.
    pub commit: String,
    /// How often what was tried, what happened, and what came of it.
    pub counts: BTreeMap<String, u64>,
    /// What was measured, in words.
    pub measured: BTreeMap<String, String>,
    /// What must not be.
    pub violations: Vec<String>,
}

impl Report {
    /// Nothing yet.
    pub fn new(trial: &'static str, seed: u64) -> Self {
        Self {
            trial,
            seed,
            commit: commit(),
            counts: BTreeMap::new(),
            measured: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    /// It happened once more.
    pub fn count(&mut self, what: impl Into<String>) {
        self.add(what, 1);
    }

    /// It happened so many times more.
    pub fn add(&mut self, what: impl Into<String>, times: usize) {
        *self.counts.entry(what.into()).or_default() += times as u64;
    }

    /// How often it happened.
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Something was measured.
    pub fn measure(&mut self, what: impl Into<String>, found: impl fmt::Display) {
        self.measured.insert(what.into(), found.to_string());
    }

    /// Something is broken.
    pub fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// How often all of that happened that is called like this.
    pub fn all(&self, like: impl Fn(&str) -> bool) -> u64 {
        self.counts.iter().filter(|(what, _)| like(what)).map(|(_, times)| times).sum()
    }

    /// The same trial once more, under another chance.
    pub fn join(&mut self, other: Self) {
        for (what, times) in other.counts {
            *self.counts.entry(what).or_default() += times;
        }
        self.measured.extend(other.measured);
        let seed = other.seed;
        self.violations.extend(other.violations.into_iter().map(|what| format!("seed {seed}: {what}")));
    }

    /// What the verifier found.
    pub fn verdict(&mut self, of: &str, verdict: &saga_runtime::verify::Verdict) {
        self.add(format!("{of}: instances verified"), verdict.instances);
        self.add(format!("{of}: effects held against them"), verdict.effects);
        self.violations.extend(verdict.violations.iter().map(|violation| format!("{of}: {violation}")));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trial, seed, commit, counts, measured, violations } = self;
        writeln!(f, "trial {trial}, seed {seed}, commit {commit}")?;
        let width = counts.keys().chain(measured.keys()).map(|what| what.chars().count()).max().unwrap_or(0);
        for (what, times) in counts {
            writeln!(f, "  {what:width$}  {times:>9}")?;
        }
        for (what, found) in measured {
            writeln!(f, "  {what:width$}  {found}")?;
        }
        match violations.len() {
            0 => writeln!(f, "  no violation"),
            some => {
                writeln!(f, "  violations: {some}")?;
                violations.iter().take(50).try_for_each(|violation| writeln!(f, "    {violation}"))
            }
        }
    }
}

/// The commit of the sources, with a mark if they were changed since; "unknown" where there is no git.
pub fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|changes| !changes.is_empty());
    if changed { commit + " with changes" } else { commit }
}
