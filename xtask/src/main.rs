//! The project's own commands: `cargo xtask help` lists them.
//!
//! One crate with no dependencies, so that it builds in a second on a machine that has nothing but a Rust toolchain.
//! `cargo xtask test` is what developers type and what the gate runs: there is no other list of checks anywhere.

mod budget;
mod cli;
mod length;
mod needs;
mod process;
mod stage;
mod summary;
mod tally;
mod trials;

use std::process::ExitCode;

use cli::Command;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match cli::parse(&words) {
        Ok(Command::Help) => {
            print!("{}", cli::help());
            ExitCode::SUCCESS
        }
        Ok(Command::Test { only }) => summary::run(&only),
        Ok(Command::Simulate(words)) => trials::simulate(words),
        Ok(Command::Soak { minutes }) => trials::soak(minutes),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
