//! The tables of the documentation: each planted mistake and how it is found, and what a long run came to.

use crate::Sum;
use saga_runtime::planted::{Mistake, plant};
use saga_simulation::{faults::Fault, run, sim::Telling};
use std::{fmt::Write as _, fs, process::Command, time::Duration};

/// A mistake is to be found within so many seeds.
const SEEDS: u64 = 5_000;

/// A table stands between two lines.
pub(crate) struct Place {
    begin: &'static str,
    end: &'static str,
}

/// The planted mistakes.
pub(crate) const PLANTED: Place = Place {
    begin: "<!-- planted mistakes: written by `cargo xtask simulate --planted --write FILE` -->",
    end: "<!-- end of planted mistakes -->",
};

/// The last long run.
pub(crate) const LONG: Place = Place {
    begin: "<!-- long run: written by `cargo xtask simulate --seeds A..B --write FILE` -->",
    end: "<!-- end of long run -->",
};

/// Plants every mistake, one after the other, and says how each was found.
///
/// # Errors
/// One was not found.
pub(crate) fn planted() -> Result<String, String> {
    let mut table = String::from("| planted mistake | found by | as broken |\n|---|---|---|\n");
    for mistake in Mistake::ALL {
        plant(Some(mistake));
        let breaks = |what: &String| what.starts_with(mistake.breaks());
        let found = (1..=SEEDS).find_map(|seed| {
            run::run(seed, Telling::Nothing).violations.into_iter().find(breaks).map(|what| (seed, what))
        });
        plant(None);
        let Some((seed, what)) = found else {
            return Err(format!(
                "`{}` was planted, and {SEEDS} seeds did not find that it breaks `{}`",
                mistake.name(),
                mistake.breaks()
            ));
        };
        println!("{:<24} seed {seed:>5}: {}", mistake.name(), what.chars().take(120).collect::<String>());
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {} (`{}`) | simulation | {} |", mistake.words(), mistake.name(), mistake.breaks());
    }
    Ok(table)
}

/// What a run of many seeds came to.
pub(crate) fn long(sum: &Sum, first: u64, took: Duration) -> String {
    let git = Command::new("git").args(["rev-parse", "--short=10", "HEAD"]).output();
    let commit = git.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let Sum { seeds, instances, counts, passed, violations, .. } = sum;
    let mut table = format!(
        "Seeds {first} to {}, at commit `{}`: {instances} instances, {} hours of their time in {} minutes, {} seeds with a violation.\n\n\
         | what went wrong on purpose | times |\n|---|---|\n",
        first + seeds.saturating_sub(1),
        commit.trim(),
        passed.as_secs() / 3600,
        took.as_secs().div_ceil(60),
        violations.len()
    );
    for fault in Fault::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {fault} | {} |", counts.of(fault));
    }
    table
}

/// Holds the table in this file to this one.
///
/// # Errors
/// It is another one.
pub(crate) fn check(file: &str, place: &Place, table: &str) -> Result<(), String> {
    let (_, between, _) = place.parts(file)?;
    if between.trim() == table.trim() {
        return Ok(());
    }
    Err(format!(
        "{file}: its table of planted mistakes is not what was found:\n\n{table}\n`cargo xtask simulate --planted --write {file}` writes it"
    ))
}

/// Writes the table into this file.
///
/// # Errors
/// There is no place for it.
pub(crate) fn write(file: &str, place: &Place, table: &str) -> Result<(), String> {
    let (before, _, after) = place.parts(file)?;
    let Place { begin, end } = place;
    fs::write(file, format!("{before}{begin}\n{table}{end}{after}")).map_err(|error| format!("{file}: {error}"))
}

impl Place {
    /// What is before it, in it, and after it.
    fn parts(&self, file: &str) -> Result<(String, String, String), String> {
        let Self { begin, end } = self;
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let missing = || format!("{file}: there is no place for the table, between `{begin}` and `{end}`");
        let (before, rest) = text.split_once(begin).ok_or_else(missing)?;
        let (between, after) = rest.split_once(end).ok_or_else(missing)?;
        Ok((before.into(), between.into(), after.into()))
    }
}
