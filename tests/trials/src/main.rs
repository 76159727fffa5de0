//! The long forms of the trials, each a command.

use clap::{Parser, Subcommand};
use saga_trials::{
    Fallible, Report, corruption, disk, duplicates, old, poison, restarts, rounds, waiting, worker, zombie,
};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// What no accident may change, tried for as long as you like. Each prints its seed, the commit, and how often what happened, and
/// fails if something is broken.
#[derive(Debug, Parser)]
struct Trials {
    /// Which trial.
    #[command(subcommand)]
    trial: Trial,
    /// The chance; taken from the clock if it is not given.
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// Writes the report to this file, as JSON.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Trial {
    /// Bits that flip in stored journals, half of them in files and half in a server's tables.
    Corruption {
        /// So many flips.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
    },
    /// Every start and signal two to ten times in parallel.
    Duplicates {
        /// So many instances on each kind of store.
        #[arg(long, default_value_t = 2_000)]
        count: usize,
    },
    /// Panics, hangs, oversize answers and unreadable rows among healthy instances, and what they cost those.
    Poison {
        /// So many healthy instances in each round.
        #[arg(long, default_value_t = 5_000)]
        count: usize,
        /// So many rounds with poison, and as many without.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// A step that ends the process, beside so many healthy instances.
    Abort {
        /// So many.
        #[arg(long, default_value_t = 1_000)]
        count: usize,
    },
    /// What the databases of earlier releases hold finishes on this build.
    Old {
        /// Writes this build's databases to this folder instead.
        #[arg(long)]
        write: Option<PathBuf>,
    },
    /// A worker that stands still for three leases while another takes over.
    Zombie {
        /// So many times.
        #[arg(long, default_value_t = 5_000)]
        pauses: usize,
        /// With so many instances at hand.
        #[arg(long, default_value_t = 40)]
        at_hand: usize,
    },
    /// A Postgres server that is ended at once, under load, and started again.
    Restarts {
        /// So many times.
        #[arg(long, default_value_t = 100)]
        restarts: usize,
        /// So many instances.
        #[arg(long, default_value_t = 1_000_000)]
        count: usize,
    },
    /// Disks that fail, with each write.
    Disk {
        /// With each write, or only with each so many.
        #[arg(long, default_value_t = 1)]
        step: usize,
    },
    /// Very many instances that wait.
    Waiting {
        /// So many.
        #[arg(long, default_value_t = 1_000_000)]
        count: usize,
        /// Orphans that are to be taken up, and not sleepers.
        #[arg(long)]
        orphans: bool,
        /// In a server's schema, and not in a file.
        #[arg(long)]
        server: bool,
    },
    /// All of them in moderate size, again and again, each time with another chance.
    Rounds {
        /// For so long; what is begun then is ended.
        #[arg(long)]
        minutes: u64,
    },
    /// A process of a trial.
    #[command(hide = true)]
    DiskChild {
        /// Where it works.
        folder: PathBuf,
        /// What goes wrong there.
        fault: usize,
        /// With each so many writes.
        step: usize,
    },
    /// A process of a trial.
    #[command(hide = true)]
    Worker {
        /// What it is to do, as JSON.
        order: String,
    },
}

async fn run(trial: Trial, seed: u64) -> Fallible<Option<Report>> {
    let program = std::env::current_exe()?;
    Ok(Some(match trial {
        Trial::Corruption { count } => corruption::run(corruption::Options { seed, count, sums: true }).await?,
        Trial::Duplicates { count } => duplicates::run(duplicates::Options { seed, count, careless: false }).await?,
        Trial::Poison { count, rounds } => poison::run(poison::Options { seed, count, rounds, leak: false }).await?,
        Trial::Abort { count } => poison::aborts(&program, count).await?,
        Trial::Old { write: None } => old::run(&old::kept()).await?,
        Trial::Old { write: Some(folder) } => {
            old::write(&folder).await?;
            return Ok(None);
        }
        Trial::Zombie { pauses, at_hand } => {
            zombie::run(&program, zombie::Options { pauses, at_hand, forgetful: false }).await?
        }
        Trial::Restarts { restarts, count } => {
            restarts::run(restarts::Options { restarts, count, durable: true, damage: false }).await?
        }
        Trial::Disk { step } => disk::run(&program, &disk::TOLD, step).await?,
        Trial::Waiting { count, orphans, server } => {
            waiting::run(waiting::Options { count, orphans, server, timed: true }).await?
        }
        Trial::Rounds { minutes } => {
            let rounds = rounds::run(&program, seed, Duration::from_mins(minutes)).await?;
            print!("{rounds}");
            return match rounds.violations() {
                0 => Ok(None),
                some => Err(format!("{some} violations").into()),
            };
        }
        Trial::DiskChild { folder, fault, step } => {
            disk::child(&folder, fault, step).await?;
            return Ok(None);
        }
        Trial::Worker { order } => {
            worker::run(&serde_json::from_str(&order)?).await?;
            return Ok(None);
        }
    }))
}

#[tokio::main]
async fn main() -> Fallible<ExitCode> {
    let Trials { trial, seed, json } = Trials::parse();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let Some(report) = run(trial, seed.unwrap_or(now.as_secs())).await? else { return Ok(ExitCode::SUCCESS) };
    print!("{report}");
    if let Some(path) = json {
        std::fs::write(path, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
