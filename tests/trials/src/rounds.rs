//! All trials, round after round, each round under another chance, until the time is over.

use crate::{Fallible, Report, corruption, disk, duplicates, old, poison, restarts, waiting, zombie};
use std::{
    fmt,
    path::Path,
    time::{Duration, Instant},
};

/// What all rounds came to.
#[derive(Debug)]
pub struct Rounds {
    /// How often each trial was made, and what it came to altogether.
    pub trials: Vec<(u32, Report)>,
}

/// The trials, in the order in which they are made.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Corruption,
    Duplicates,
    Poison,
    Abort,
    Old,
    Zombie,
    Restarts,
    Disk,
    Sleepers,
    Orphans,
}

const ALL: [Kind; 10] = [
    Kind::Corruption,
    Kind::Duplicates,
    Kind::Poison,
    Kind::Abort,
    Kind::Old,
    Kind::Zombie,
    Kind::Restarts,
    Kind::Disk,
    Kind::Sleepers,
    Kind::Orphans,
];

impl Kind {
    /// As much of it as belongs into a round.
    async fn run(self, program: &Path, seed: u64) -> Fallible<Report> {
        let waiting = |orphans, server| waiting::Options { count: 50_000, orphans, server, timed: true };
        match self {
            Self::Corruption => corruption::run(corruption::Options { seed, count: 1_000, sums: true }).await,
            Self::Duplicates => duplicates::run(duplicates::Options { seed, count: 300, careless: false }).await,
            Self::Poison => poison::run(poison::Options { seed, count: 500, rounds: 0, leak: false }).await,
            Self::Abort => poison::aborts(program, 200).await,
            Self::Old => old::run(&old::kept()).await,
            Self::Zombie => zombie::run(program, zombie::Options { pauses: 15, at_hand: 40, forgetful: false }).await,
            Self::Restarts => {
                restarts::run(restarts::Options { restarts: 3, count: 20_000, durable: true, damage: false }).await
            }
            Self::Disk => disk::run(program, &disk::TOLD, 5).await,
            Self::Sleepers => waiting::run(waiting(false, false)).await,
            Self::Orphans => waiting::run(waiting(true, true)).await,
        }
    }

    /// What was tried, and how often.
    fn tried(self, report: &Report) -> String {
        let all = |end: &str| report.all(|what| what.ends_with(end));
        match self {
            Self::Corruption => format!("{} bits flipped", report.all(|what| what.contains(": flipped in "))),
            Self::Duplicates => format!("{} starts and signals", all(": starts sent") + all(": signals sent")),
            Self::Poison => format!("{} poisoned", report.all(|what| what.contains(": poison that "))),
            Self::Abort => format!("{} processes ended", report.all(|what| what.starts_with("processes that ended"))),
            Self::Old => format!("{} kept instances", report.all(|what| what.contains(": found "))),
            Self::Zombie => format!("{} pauses of three leases", report.of("pauses of three leases")),
            Self::Restarts => {
                format!("{} restarts under {} starts", report.of("restarts under load"), report.of("starts"))
            }
            Self::Disk => format!("{} writes that a fault began with", all(": writes that it began with")),
            Self::Sleepers => format!("{} sleepers", report.of("instances in the store")),
            Self::Orphans => format!("{} orphans", report.of("instances in the store")),
        }
    }
}

/// Makes round after round, with this chance for the first; what is begun is ended.
///
/// # Errors
/// A trial itself cannot be made.
pub async fn run(program: &Path, seed: u64, within: Duration) -> Fallible<Rounds> {
    let end = Instant::now() + within;
    let mut trials: Vec<(u32, Report)> = Vec::new();
    for seed in seed.. {
        for (place, kind) in ALL.into_iter().enumerate() {
            if Instant::now() >= end {
                return Ok(Rounds { trials });
            }
            let report = kind.run(program, seed).await?;
            print!("{report}");
            if place == trials.len() {
                trials.push((0, Report::new(report.trial, seed)));
            }
            let (rounds, all) = &mut trials[place];
            *rounds += 1;
            all.join(report);
        }
    }
    Ok(Rounds { trials })
}

impl Rounds {
    /// Everything that must not be.
    pub fn violations(&self) -> usize {
        self.trials.iter().map(|(_, report)| report.violations.len()).sum()
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, (rounds, report)) in ALL.into_iter().zip(&self.trials) {
            let (name, tried, wrong) = (report.trial, kind.tried(report), report.violations.len());
            writeln!(f, "{name:<12} {rounds:>4} rounds  {tried:<40} {wrong:>4} violations")?;
            report.violations.iter().take(20).try_for_each(|what| writeln!(f, "    {what}"))?;
        }
        let (rounds, wrong) = (self.trials.iter().map(|(rounds, _)| rounds).sum::<u32>(), self.violations());
        writeln!(f, "{rounds} trials of {} kinds: {wrong} violations", self.trials.len())
    }
}
