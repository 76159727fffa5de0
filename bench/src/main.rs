//! What the library costs, measured: each subcommand measures one thing, and prints a table for the documentation.
//!
//! The tests hold it to working, and to no time: a measurement is no check, and a machine that is busy would fail it.

mod compile;
mod stats;
mod table;

use std::process::ExitCode;

const HELP: &str = "\
Measures what the library costs. Usage: cargo run --release -p bench -- <what> [options]

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
