//! The workloads of `bench` on other libraries, in turns with this one, which is started as a process.

mod library;
#[path = "../../src/median.rs"]
mod median;
mod options;
mod ours;
mod process;
mod rounds;
mod shared;
mod summary;
#[path = "../../src/table.rs"]
mod table;

use std::process::ExitCode;

const HELP: &str = "\
Runs W1 and W2 of `bench` on other libraries, in turns with this one.
Usage: cargo run --release --manifest-path bench/peers/Cargo.toml -- [options]

  --runs 3                    how often each is run
  --seconds 5                 how long each run is measured
  --in-flight 1,32,256        how many sagas are in flight
  --workers 4                 of W1 on Postgres, how many processes with 64 in flight each; 0 for none
  --only dbos,steno           which ones of dbos, restate, steno, duroxide, duroxide-eager: all, but for Restate where its
                              server is neither on PATH nor what RESTATE_SERVER names (the npm package
                              @restatedev/restate-server has it)
  --json                      a line of JSON for each, instead of tables
  --write                     writes the tables of README.md and docs/performance.md
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.first().map(String::as_str) {
        Some("help" | "--help") => {
            print!("{HELP}");
            Ok(())
        }
        // One of the processes of a run.
        Some("job") => process::run(&words[1..]),
        _ => options::Options::parse(&words).and_then(|options| rounds::run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
