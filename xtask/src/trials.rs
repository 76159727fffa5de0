//! The simulation, which is a program of its own beside the tests. The long forms of the other trials are commands that
//! `docs/reliability.md` lists.

use std::process::ExitCode;

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

/// `cargo xtask soak`.
pub(crate) fn soak(minutes: u64) -> ExitCode {
    let words = ["--minutes".to_owned(), minutes.to_string()];
    ended(simulation().with(words).run())
}
