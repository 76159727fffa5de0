//! The trials that are programs of their own: the simulation, of which a part runs with the tests, and the long forms of all.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::process::Cargo;
use crate::stage::Failure;

/// The simulation, built so that a seed does the same each time: in tokio only an unstable option says which of those who wait for one
/// thing is woken first. In a folder of its own, since the option is one of the whole build.
fn simulation() -> Cargo {
    Cargo::new("run --quiet --release --target-dir target/simulation -p saga-simulation --")
        .env("RUSTFLAGS", "--cfg tokio_unstable")
}

/// `cargo xtask simulate`.
pub(crate) fn simulate(words: Vec<String>) -> ExitCode {
    ended(simulation().with(words).run())
}

/// The part of the simulation that runs with the tests.
pub(crate) fn gate() -> Result<String, Failure> {
    let run = |words: &str| simulation().with(words.split_whitespace().map(str::to_owned)).run();
    run("--seeds 1..20000")?;
    run("--seeds 1..300 --repeat")?;
    run("--planted --table docs/reliability.md")?;
    Ok("20,000 seeds; 300 twice; every planted mistake is found".to_owned())
}

fn ended(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.why);
            ExitCode::FAILURE
        }
    }
}

/// What a soak runs: its name, how many tenths of the time are its own (none, if it ends by itself), and what is called.
struct Long {
    name: &'static str,
    tenths: u64,
    cargo: fn(minutes: u64, seed: u64) -> Cargo,
}

/// The long form of everything that can be run for as long as one likes, under a chance of its own each time.
const LONG: [Long; 5] = [
    Long {
        name: "simulation",
        tenths: 5,
        // Far from those that others have run, and from those of a second later.
        cargo: |minutes, seed| simulation().with(words(&format!("--minutes {minutes} --first {}", seed * 1_000))),
    },
    Long {
        name: "crash points",
        tenths: 2,
        cargo: |minutes, seed| {
            let run = Cargo::new("run --quiet --release -p saga-process-tests --bin crash-points --");
            run.with(words(&format!("--pairs --minutes {minutes} --seed {seed}")))
        },
    },
    Long {
        name: "accidents",
        tenths: 3,
        cargo: |minutes, seed| {
            let run = Cargo::new("run --quiet --release -p saga-trials --bin trials --");
            run.with(words(&format!("rounds --minutes {minutes} --seed {seed}")))
        },
    },
    Long { name: "model", tenths: 0, cargo: |_, _| Cargo::new("run --quiet --release -p saga-model --") },
    Long {
        name: "decoders",
        tenths: 0,
        cargo: |_, seed| {
            Cargo::new("test --quiet --release -p saga-decoders").env("SEED", seed.to_string()).env("CASES", "200000")
        },
    },
];

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// `cargo xtask soak`: all of them, whatever becomes of the others, and a table of what they came to.
pub(crate) fn soak(minutes: u64) -> ExitCode {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs());
    let mut table = format!("\nsoak, seed {seed}, {minutes} minutes and what ends by itself:\n");
    let mut broken = 0;
    for Long { name, tenths, cargo } in LONG {
        let begun = Instant::now();
        let mut last = String::new();
        let result = cargo((minutes * tenths / 10).max(1), seed).run_watched(|line| {
            if !line.trim().is_empty() {
                line.trim().clone_into(&mut last);
            }
        });
        let verdict = if result.is_ok() { "held  " } else { "BROKEN" };
        broken += u8::from(result.is_err());
        let took = begun.elapsed().as_secs().div_ceil(60);
        // Writing to a `String` cannot fail.
        let _ = writeln!(table, "  {verdict}  {name:<12}  {took:>4} min  {last}");
    }
    print!("{table}");
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::LONG;

    #[test]
    fn the_time_of_a_soak_is_given_away_once() {
        assert_eq!(LONG.iter().map(|long| long.tenths).sum::<u64>(), 10);
    }

    #[test]
    fn whatever_depends_on_chance_is_told_it() {
        for long in LONG.iter().filter(|long| long.name != "model") {
            assert!((long.cargo)(7, 4_711).line().contains("4711"), "{}", (long.cargo)(7, 4_711).line());
        }
    }
}
