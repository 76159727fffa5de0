//! The checks, one by one, in the order in which they run: the quick ones first.
//!
//! All of them share one target folder and no flags differ between them, so that a dependency is compiled once for
//! checking and once for running, whichever stage comes first.

use crate::budget::{self, Limit};
use crate::length;
use crate::needs;
use crate::process::Cargo;
use crate::tally::Tally;
use crate::trials;

/// One check, with what `cargo xtask help` says about it.
pub(crate) struct Stage {
    /// The word after `--only`.
    pub(crate) name: &'static str,
    /// What holds when it passes.
    pub(crate) about: &'static str,
    /// Runs it; answers with what the summary says beside its name, which may be nothing.
    pub(crate) run: fn() -> Result<String, Failure>,
}

/// Why a stage did not pass.
#[derive(Debug)]
pub(crate) struct Failure {
    /// A sentence, or several lines.
    pub(crate) why: String,
    /// The one command that failed, where it was a command: what to type to see it alone.
    pub(crate) again: Option<String>,
}

/// Every stage there is.
pub(crate) const ALL: &[Stage] = &[
    Stage { name: "needs", about: "the tools that the others need are here", run: needs::check },
    Stage { name: "format", about: "the code is formatted", run: format },
    Stage { name: "length", about: "no source file is longer than 700 lines, tests apart", run: length::check },
    Stage { name: "budget", about: "saga-runtime brings no more packages than it may", run: budget },
    Stage { name: "clippy", about: "no warning, in any target, with any set of features", run: clippy },
    Stage { name: "features", about: "each library builds alone, with what it asks for itself", run: features },
    Stage { name: "docs", about: "the documentation builds without a warning", run: docs },
    Stage {
        name: "simulate",
        about: "20,000 seeds violate nothing, and planted mistakes are found",
        run: trials::gate,
    },
    Stage { name: "test", about: "every test passes, doc tests too, and none is ignored", run: test },
];

fn format() -> Result<String, Failure> {
    Cargo::new("fmt --all --check").run()?;
    Ok(String::new())
}

fn budget() -> Result<String, Failure> {
    const LIMITS: [Limit; 6] = [
        Limit {
            tree: "tree -e normal -p saga-runtime --prefix depth --no-dedupe",
            title: "with default features",
            most: 115,
        },
        Limit {
            tree: "tree -e normal -p saga-runtime --prefix depth --no-dedupe --no-default-features",
            title: "without",
            most: 40,
        },
        Limit {
            tree: "tree -e normal -p saga-runtime --prefix depth --no-dedupe --features cron",
            title: "with recurring starts",
            most: 135,
        },
        Limit {
            tree: "tree -e normal -p saga-runtime --prefix depth --no-dedupe --no-default-features --features debug",
            title: "with expansions that can be shown",
            most: 41,
        },
        Limit {
            tree: "tree -e normal -p saga-runtime --prefix depth --no-dedupe --features postgres",
            title: "with Postgres",
            most: 140,
        },
        Limit {
            tree: "tree -e normal -p saga-runtime --prefix depth --no-dedupe --features postgres-tls",
            title: "with Postgres, encrypted",
            most: 150,
        },
    ];
    let mut said = Vec::new();
    for limit in LIMITS {
        said.push(budget::check(&limit)?);
    }
    Ok(said.join("; "))
}

fn clippy() -> Result<String, Failure> {
    // The warnings are denied behind the `--`, not by RUSTFLAGS, which would build every dependency once more.
    Cargo::new("clippy --workspace --all-targets --features saga-runtime/cron,saga-runtime/postgres -- -D warnings")
        .run()?;
    Cargo::new("clippy -p saga-runtime --all-targets --no-default-features -- -D warnings").run()?;
    Cargo::new("clippy -p saga-tests --all-targets --features debug -- -D warnings").run()?;
    Ok(String::new())
}

fn features() -> Result<String, Failure> {
    // In a build of the whole workspace a feature that another member asks for is there for all. Alone, it is not.
    Cargo::new("check -p saga-macros").run()?;
    Cargo::new("check -p saga-runtime").run()?;
    Cargo::new("check -p saga-runtime --no-default-features").run()?;
    Cargo::new("check -p saga-runtime --no-default-features --features cron").run()?;
    Cargo::new("check -p saga-runtime --no-default-features --features postgres").run()?;
    Cargo::new("check -p saga-runtime --no-default-features --features postgres-tls").run()?;
    Cargo::new("check -p saga-participant").run()?;
    Cargo::new("check -p saga-participant --no-default-features --features sqlite").run()?;
    Cargo::new("check -p saga-participant --no-default-features --features postgres").run()?;
    Ok(String::new())
}

fn docs() -> Result<String, Failure> {
    Cargo::new("doc --no-deps --workspace --features saga-runtime/cron,saga-runtime/postgres")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(String::new())
}

fn test() -> Result<String, Failure> {
    let call = Cargo::new("test --workspace --features saga-runtime/cron,saga-runtime/postgres");
    let mut tally = Tally::default();
    call.run_watched(|line| tally.see(line))?;
    tally.verdict().map_err(|why| Failure { why, again: Some(call.line()) })
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_stage_has_a_name_of_its_own_that_can_be_typed() {
        for (index, stage) in ALL.iter().enumerate() {
            assert!(stage.name.chars().all(|c| c.is_ascii_lowercase()), "{}", stage.name);
            assert!(ALL[..index].iter().all(|other| other.name != stage.name), "{} stands twice", stage.name);
        }
    }
}
