//! What the demonstration shows.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde_json::json;

use super::{Found, Options};
use crate::Failed;
use crate::orders;
use crate::shop::{Moment, Status};

/// How much of an event is shown.
const WIDTH: usize = 90;

/// Prints everything on standard output. With `--json`, only the one object goes there, and the
/// rest goes to standard error.
pub(super) fn print(options: &Options, found: &Found) -> Result<(), Failed> {
    if options.json {
        tell(options, found, &mut io::stderr().lock())?;
        writeln!(io::stdout(), "{}", object(options, found))?;
        return Ok(());
    }
    tell(options, found, &mut io::stdout().lock())
}

fn count(found: &Found, status: Status) -> usize {
    found.watched.orders.iter().filter(|(_, view)| view.status == status).count()
}

fn object(options: &Options, found: &Found) -> serde_json::Value {
    let sum = |of: fn(&crate::participant::KeysKept) -> i64| found.kept.iter().map(|(_, kept)| of(kept)).sum::<i64>();
    let violated: Vec<String> = found.violations.iter().map(ToString::to_string).collect();
    json!({
        "orders": found.watched.orders.len(),
        "completed": count(found, Status::Completed),
        "compensated": count(found, Status::Compensated),
        "parked": count(found, Status::Parked),
        "kills": found.watched.kills.len(),
        "pauses": found.watched.pauses.len(),
        "workers": options.workers,
        "violations": violated.len(),
        "violated": violated,
        "seed": options.seed,
        "seconds": found.watched.took.as_secs_f64(),
        "replays": sum(|kept| kept.replays),
        "barriers": sum(|kept| kept.barriers),
        "turned_away": sum(|kept| kept.turned_away),
    })
}

fn tell(options: &Options, found: &Found, out: &mut impl Write) -> Result<(), Failed> {
    let kills: Vec<String> = found.watched.kills.iter().map(ToString::to_string).collect();
    writeln!(out, "{} orders in {:.1} s", found.watched.orders.len(), found.watched.took.as_secs_f64())?;
    if !kills.is_empty() {
        let (times, in_flight) = (kills.len(), kills.join(", "));
        match options.workers {
            1 => writeln!(out, "The orchestrator was killed {times} times, with {in_flight} orders in flight.")?,
            workers => {
                let what = format!("Of {workers} orchestrators one was killed {times} times");
                writeln!(out, "{what}, with {in_flight} orders in flight; the others went on.")?;
            }
        }
    }
    let pauses: Vec<String> = found.watched.pauses.iter().map(ToString::to_string).collect();
    if !pauses.is_empty() {
        let (times, in_flight) = (pauses.len(), pauses.join(", "));
        let what = format!("One stood still {times} times until others had what it had, and then went on");
        writeln!(out, "{what}; they were {in_flight} orders.")?;
    }
    writeln!(out, "\nHow they ended\n{}", outcomes(found))?;
    writeln!(out, "\nWhat the participants had to deal with\n{}", participants(found))?;
    if let Some((id, story)) = &found.compensated {
        writeln!(out, "\nWhat happened to {id}\n{}", timeline(story))?;
    }
    writeln!(out, "\nThe saga is drawn in {}", found.svg.display())?;
    if found.violations.is_empty() {
        writeln!(
            out,
            "\nVerdict: all is well. Every SKU is accounted for and nothing is held; each of the {} completed orders \
             has exactly one charge and one parcel, no other has any, and nobody was charged twice.{}",
            count(found, Status::Completed),
            if options.store.is_some() { " No orchestrator wrote to what was no longer its own." } else { "" }
        )?;
        return Ok(());
    }
    writeln!(out, "\nVerdict: {} VIOLATIONS (seed {})", found.violations.len(), options.seed)?;
    for violation in &found.violations {
        writeln!(out, "  {violation}")?;
    }
    Ok(())
}

fn outcomes(found: &Found) -> Table {
    let mut counts: BTreeMap<(Status, &str), usize> = BTreeMap::new();
    for (_, view) in &found.watched.orders {
        *counts.entry((view.status, view.cause.as_deref().unwrap_or_default())).or_default() += 1;
    }
    let mut table = table(&["end", "because", "orders"]);
    for ((status, cause), orders) in counts {
        table.add_row([status.to_string(), cause.to_owned(), orders.to_string()]);
    }
    align_right(&mut table, 2..3);
    table
}

fn participants(found: &Found) -> Table {
    let mut table = table(&[
        "participant",
        "calls",
        "repeated",
        "answered 503",
        "answer lost",
        "slow",
        "late",
        "undone first",
        "turned away",
    ]);
    for (name, kept) in &found.kept {
        let fired = kept.fired;
        let mut row = vec![(*name).to_owned()];
        row.extend([kept.answers, kept.replays].map(|count| count.to_string()));
        row.extend([fired.unavailable, fired.lost, fired.slow, fired.late].map(|count| count.to_string()));
        row.extend([kept.barriers, kept.turned_away].map(|count| count.to_string()));
        table.add_row(row);
    }
    align_right(&mut table, 1..9);
    table
}

fn timeline(story: &[Moment]) -> Table {
    let mut table = table(&["after", "state", "what happened"]);
    let start = story.first().map_or(0, |moment| moment.at_micros);
    for moment in story {
        let millis = (moment.at_micros - start) / 1000;
        let mut detail: String = moment.detail.chars().take(WIDTH).collect();
        if detail.len() < moment.detail.len() {
            detail.push('…');
        }
        table.add_row([format!("{millis} ms"), moment.state.clone(), detail]);
    }
    align_right(&mut table, 0..1);
    table
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header.to_vec());
    table
}

fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Draws the saga, and says where: beside the databases if they are kept, else where temporary files are.
pub(super) fn draw(folder: Option<&Path>) -> Result<PathBuf, Failed> {
    let temporary = std::env::temp_dir();
    let file = folder.unwrap_or(&temporary).join("checkout-saga.svg");
    std::fs::write(&file, orders::svg())?;
    Ok(file)
}
