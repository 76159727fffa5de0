//! Runs seeds, and says what came of them: `cargo xtask simulate`.

mod options;
mod table;

use options::{Options, USAGE};
use saga_runtime::planted;
use saga_simulation::{
    faults::{Counts, Fault},
    run::{self, Outcome, REPEATS},
    sim::Telling,
};
use serde_json::json;
use std::{
    ops::ControlFlow,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use table::{LONG, PLANTED};

/// A seed that takes longer does not come to an end.
const LONGEST: Duration = Duration::from_mins(2);

/// In so many seeds every kind of fault happens.
const MANY: u64 = 20_000;

/// What a run of many seeds came to.
#[derive(Default)]
struct Sum {
    seeds: u64,
    instances: u64,
    counts: Counts,
    passed: Duration,
    /// Each seed that violated something, and what.
    violations: Vec<(u64, Vec<String>)>,
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if !REPEATS {
        eprintln!(
            "built without `--cfg tokio_unstable`: a seed may go otherwise the next time; `cargo xtask simulate` builds with it"
        );
    }
    if options.planted {
        return all_planted(&options);
    }
    planted::plant(options.plant);
    if let Some(seed) = options.seed {
        return one(seed);
    }
    let begun = Instant::now();
    let sum = many(&options);
    let took = begun.elapsed();
    print(&sum, took);
    if let Some(file) = &options.json
        && let Err(error) = std::fs::write(file, json(&options, &sum, took).to_string())
    {
        eprintln!("{file}: {error}");
        return ExitCode::from(2);
    }
    if let Some(file) = &options.write
        && let Err(error) = table::write(file, &LONG, &table::long(&sum, options.first, took))
    {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    let never: Vec<&str> =
        Fault::ALL.into_iter().filter(|fault| sum.counts.of(*fault) == 0).map(Fault::words).collect();
    if sum.seeds >= MANY && !never.is_empty() {
        println!(
            "{MANY} seeds and more, and this never happened, so that nothing is shown of it: {}",
            never.join(", ")
        );
        return ExitCode::FAILURE;
    }
    if sum.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plants every mistake, and holds the documentation to how they are found.
fn all_planted(options: &Options) -> ExitCode {
    let table = table::planted().and_then(|found| {
        if let Some(file) = &options.write {
            table::write(file, &PLANTED, &found)?;
        }
        options.table.as_ref().map_or(Ok(()), |file| table::check(file, &PLANTED, &found))
    });
    match table {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Tells everything of a seed.
fn one(seed: u64) -> ExitCode {
    let Outcome { violations, passed, instances, workers, .. } = run::run(seed, Telling::Live);
    println!("seed {seed}: {instances} instances, {workers} workers, {} s of their time", passed.as_secs());
    for violation in &violations {
        println!("VIOLATION {violation}");
    }
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs all seeds that were asked for, on several threads.
fn many(options: &Options) -> Sum {
    let (next, stop, sum) = (AtomicU64::new(options.first), AtomicBool::new(false), Mutex::new(Sum::default()));
    let end = options.minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
    thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) && end.is_none_or(|end| Instant::now() < end) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if options.last.is_some_and(|last| seed > last) || watched(seed, options, &sum).is_break() {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a seed; a plant is found once it was found once.
fn watched(seed: u64, options: &Options, sum: &Mutex<Sum>) -> ControlFlow<()> {
    let (over, ended) = std::sync::mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if ended.recv_timeout(LONGEST) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            println!("seed {seed}: ends: it goes on without an end; `cargo xtask simulate --seed {seed}` shows it");
            std::process::exit(1);
        }
    });
    let telling = if options.repeat { Telling::Kept } else { Telling::Nothing };
    let mut outcome = run::run(seed, telling);
    if options.repeat {
        let again = run::run(seed, telling);
        let differs = outcome.story.iter().zip(&again.story).find(|(one, other)| one != other);
        if let Some((one, other)) = differs {
            outcome.violations.push(format!("repeats: it said\n  {one}\nand the second time\n  {other}"));
        } else if outcome.story.len() != again.story.len() {
            outcome.violations.push("repeats: it went on for longer one of the two times".to_owned());
        }
    }
    drop(over);
    let _ = watch.join();
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    sum.seeds += 1;
    sum.instances += outcome.instances as u64;
    sum.counts.join(&outcome.counts);
    sum.passed += outcome.passed;
    if outcome.violations.is_empty() {
        return ControlFlow::Continue(());
    }
    println!("seed {seed}:");
    for violation in outcome.violations.iter().take(5) {
        println!("  {violation}");
    }
    println!("  `cargo xtask simulate --seed {seed}` tells what led to it");
    sum.violations.push((seed, outcome.violations));
    if options.plant.is_some() || sum.violations.len() >= 20 {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

fn print(sum: &Sum, took: Duration) {
    let Sum { seeds, instances, counts, passed, violations } = sum;
    for fault in Fault::ALL {
        println!("{:>12}  {fault}", counts.of(fault));
    }
    println!(
        "{seeds} seeds, {instances} instances, {} hours of their time in {} s: {} of them violated something",
        passed.as_secs() / 3600,
        took.as_secs(),
        violations.len()
    );
}

fn json(options: &Options, sum: &Sum, took: Duration) -> serde_json::Value {
    let faults: serde_json::Map<_, _> =
        Fault::ALL.iter().map(|fault| (fault.words().to_owned(), json!(sum.counts.of(*fault)))).collect();
    json!({
        "trial": "simulation",
        "first_seed": options.first,
        "seeds": sum.seeds,
        "instances": sum.instances,
        "virtual_hours": sum.passed.as_secs() / 3600,
        "seconds": took.as_secs(),
        "faults": faults,
        "violations": sum.violations.iter().map(|(seed, what)| json!({"seed": seed, "what": what})).collect::<Vec<_>>(),
    })
}
