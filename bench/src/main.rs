//! What the library costs, measured: each subcommand measures one thing, and prints a table for the documentation.
//!
//! The tests hold it to working, and to no time: a measurement is no check, and a machine that is busy would fail it.

mod compile;
mod median;
mod speed;
mod stats;
mod table;

use std::process::ExitCode;

const HELP: &str = "\
Measures what the library costs. Usage: cargo run --release -p bench -- <what> [options]

  w1 | w2 | w3 | kept | takeover | latency | limits | all [--store sqlite|postgres] [--runs 3] [--seconds 5] [--json]
        How fast sagas run, beside a writer that does nothing but write, in turns. See docs/performance.md.
        `w1`: four steps, each result durable before the next step; `w2`: the fourth refuses and three are undone;
        `w3`: W1 while a million instances sleep; `kept`: a million sagas of which what has ended is removed soon;
        `takeover`: a million orphans and four workers (Postgres);
        `latency`: W1 alone; `limits`: what the database does, and the memory of 10,000 in flight.
        `--store postgres` starts a server that goes with the run; `--store postgres://..` takes one that is there, and
        makes schemas of its own. `--in-flight 1,32,256` says how many at once; `w1 --workers N` starts N processes with
        64 in flight each; `--instances N` and `--sagas N` are for less than a million and 10,000, and
        `takeover --lease SECONDS` for another lease than 15 seconds.
        `--json` prints a line for the machine and one for each case; `all --write` writes the documentation's tables.
  macro [--runs N] [--steps 5,20,100] [--beside async-trait,restate]
        What a saga adds to a build: the time of checking it, and the lines that it becomes, beside the same
        functions without the macro, and beside `async-trait` and `restate-sdk`, or those that are named, or `nothing`.
        Works in `target/bench-macro`.
        `--runs` is the number of rounds, in each of which every program is checked, and 5 if it is not given.
  help
        This.
";

fn main() -> ExitCode {
    // As the compiler's wrapper, by which the command of a build is learned.
    if let Some(code) = compile::as_wrapper() {
        return code;
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    let measured = match words.split_first() {
        Some((what, options)) if what == "macro" => compile::run(options),
        Some((what, options)) if speed::CASES.contains(&what.as_str()) => speed::run(what, options),
        // One of the processes of a run.
        Some((what, options)) if what == "job" => speed::Job::run(options),
        Some((what, _)) if what == "help" => {
            print!("{HELP}");
            Ok(())
        }
        Some((what, _)) => Err(format!("there is nothing to measure by the name of `{what}`\n\n{HELP}")),
        None => Err(format!("say what to measure\n\n{HELP}")),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
