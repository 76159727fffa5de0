//! What the demonstration shows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde_json::json;

use super::story::Story;
use super::{Found, Options, legend};
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
        "missed": found.missed(options),
        "workers": options.workers,
        "violations": violated.len(),
        "violated": violated,
        "verified": found.verified,
        "trouble": found.watched.trouble,
        "seed": options.seed,
        "seconds": found.watched.took.as_secs_f64(),
        "replays": sum(|kept| kept.replays),
        "barriers": sum(|kept| kept.barriers),
        "turned_away": sum(|kept| kept.turned_away),
    })
}

fn tell(options: &Options, found: &Found, out: &mut impl Write) -> Result<(), Failed> {
    let (orders, seconds) = (found.watched.orders.len(), found.watched.took.as_secs_f64());
    writeln!(out, "{} in {seconds:.1} s", counted(orders, "order"))?;
    tell_kills(options, found, out)?;
    writeln!(out, "\nHow they ended\n{}", outcomes(found))?;
    writeln!(out, "\nWhat the participants had to deal with\n{}", participants(found))?;
    writeln!(out, "{}", legend::of_participants())?;
    if let Some(story) = &found.story {
        writeln!(out, "\n{}\n{}", heading(options, story), timeline(&story.moments))?;
    }
    writeln!(out, "\nThe saga is drawn in {}", found.svg.display())?;
    writeln!(out, "Journals held against what the participants accepted: {}", found.verified)?;
    tell_verdict(options, found, out)?;
    if let Some(trouble) = &found.watched.trouble {
        writeln!(out, "\nNot all came to its end: {trouble}")?;
    }
    if found.missed(options) > 0 {
        writeln!(out, "\n{}", too_little(options, found))?;
    }
    Ok(())
}

fn tell_kills(options: &Options, found: &Found, out: &mut impl Write) -> Result<(), Failed> {
    let orders = |counts: &[usize]| {
        let listed = counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if counts == [1] { "1 order".to_owned() } else { format!("{listed} orders") }
    };
    let kills = &found.watched.kills;
    if !kills.is_empty() {
        let times = counted(kills.len(), "time");
        match options.workers {
            1 => writeln!(out, "The orchestrator was killed {times}, with {} in flight.", orders(kills))?,
            workers => {
                let what = format!("Of {workers} orchestrators one was killed {times}");
                writeln!(out, "{what}, with {} in its hands; the others went on.", orders(kills))?;
            }
        }
    }
    let pauses = &found.watched.pauses;
    if !pauses.is_empty() {
        let what = format!("One stood still {} until others had what it had", counted(pauses.len(), "time"));
        writeln!(out, "{what}, and then went on: {}.", orders(pauses))?;
    }
    Ok(())
}

fn tell_verdict(options: &Options, found: &Found, out: &mut impl Write) -> Result<(), Failed> {
    if found.violations.is_empty() {
        writeln!(
            out,
            "\nVerdict: all is well. Every SKU is accounted for and nothing is held; each of the {} \
             has exactly one charge and one parcel, no other has any, and nobody was charged twice.{}",
            counted(count(found, Status::Completed), "completed order"),
            if options.store.is_some() { " No orchestrator wrote to what was no longer its own." } else { "" }
        )?;
        return Ok(());
    }
    let violated = match found.violations.len() {
        1 => "1 VIOLATION".to_owned(),
        several => format!("{several} VIOLATIONS"),
    };
    writeln!(out, "\nVerdict: {violated} (seed {})", options.seed)?;
    for violation in &found.violations {
        writeln!(out, "  {violation}")?;
    }
    Ok(())
}

/// Why a run without violations is none that went well.
fn too_little(options: &Options, found: &Found) -> String {
    let watched = &found.watched;
    let kills = format!("{} of {}", watched.kills.len(), counted(options.kills as usize, "kill"));
    let pauses = match options.pauses {
        0 => String::new(),
        pauses => format!(" and {} of {}", watched.pauses.len(), counted(pauses as usize, "pause")),
    };
    let placed = counted(watched.orders.len(), "order");
    let what = format!("Too little was broken: {kills}{pauses} hit orders in flight, with {placed} placed");
    if watched.trouble.is_some() {
        return format!("{what} until then.");
    }
    let more = u64::from(options.orders).saturating_mul(2).max(100);
    format!("{what} of at most {}. More orders give them more to hit: `--orders {more}`.", watched.most)
}

/// Which order is shown, and why that one.
fn heading(options: &Options, story: &Story) -> String {
    let Story { order, status, recovered, .. } = story;
    if !recovered {
        return format!("What happened to {order}: of those that were undone, one to which much happened");
    }
    let what = if options.pauses > 0 { "a kill or a pause" } else { "a kill" };
    let end = match status {
        Status::Compensated => "was undone",
        Status::Completed => "completed",
        Status::Parked => "waits for a person",
        Status::Running => "has not ended",
    };
    format!(
        "What happened to {order}, which {what} met in flight and which then {end}: from `recovered` on another process \
         goes on with it, and makes the call at hand again with the same key"
    )
}

/// So many of something, whose plural ends in `s`.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The table of ends, with its legend.
fn outcomes(found: &Found) -> String {
    let mut counts: BTreeMap<(Status, &str), usize> = BTreeMap::new();
    for (_, view) in &found.watched.orders {
        *counts.entry((view.status, view.cause.as_deref().unwrap_or_default())).or_default() += 1;
    }
    let mut table = table(&["end", "because", "orders"]);
    for ((status, cause), orders) in &counts {
        table.add_row([status.to_string(), (*cause).to_owned(), orders.to_string()]);
    }
    align_right(&mut table, 2..3);
    format!("{table}\n{}", legend::of_ends(&counts.into_keys().collect::<BTreeSet<_>>()))
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::demo::verdict::Violation;
    use crate::demo::watch::Watched;
    use crate::order::Order;
    use crate::participant::KeysKept;
    use crate::shop::OrderView;

    /// What is told of a demonstration with these options of one order, in which one kill hit it.
    fn told(options: &[&str], change: impl FnOnce(&mut Found)) -> (String, bool) {
        let options = Options::parse_from([&["demo"], options].concat());
        let order: Order = r#"{"id":"o-1","customer":"Zoe","currency":"EUR","card":"tok_visa",
            "lines":[{"sku":"mug","quantity":1,"unit_price":"1"}]}"#
            .parse()
            .unwrap();
        let cause = Some("reserve-exhausted".to_owned());
        let view = OrderView { id: "o-1".into(), status: Status::Compensated, receipt: None, cause, reason: None };
        let watched = Watched {
            orders: vec![(order, view)],
            kills: vec![1],
            pauses: Vec::new(),
            met: BTreeSet::new(),
            most: 31,
            took: std::time::Duration::from_millis(100),
            trouble: None,
        };
        let kept = vec![("inventory", KeysKept::default())];
        let verified = "1 instance, 9 rows, 4 effects: no violation".to_owned();
        let svg = PathBuf::new();
        let mut found = Found { watched, violations: Vec::new(), kept, verified, story: None, svg };
        change(&mut found);
        let mut out = Vec::new();
        tell(&options, &found, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), found.is_fine(&options))
    }

    #[test]
    fn one_is_not_told_as_several_and_every_word_of_the_tables_is_explained() {
        let (told, fine) = told(&["--kills", "1", "--orders", "1"], |_| {});
        assert!(fine);
        assert!(
            told.starts_with("1 order in 0.1 s\nThe orchestrator was killed 1 time, with 1 order in flight."),
            "{told}"
        );
        let explained = [
            "compensated        given up",
            "reserve-exhausted  every attempt",
            "late          fault:",
            "undone first  an undo",
            "turned away   a call",
        ];
        for line in explained {
            assert!(told.contains(line), "{line}: {told}");
        }
        assert!(
            told.contains("what the participants accepted: 1 instance, 9 rows, 4 effects: no violation\n"),
            "{told}"
        );
        assert!(told.contains("Verdict: all is well"), "{told}");
    }

    #[test]
    fn kills_that_hit_nothing_are_told_after_the_verdict_and_are_no_success() {
        let options = ["--kills", "2", "--orders", "1", "--store", "postgres://", "--workers", "2", "--pauses", "1"];
        let (told, fine) = told(&options, |_| {});
        assert!(!fine);
        let (_, end) = told.split_once("Verdict: all is well").expect("the verdict is there, and the tables before");
        assert!(
            end.contains("Too little was broken: 1 of 2 kills and 0 of 1 pause hit orders in flight, with 1 order placed of at most 31"),
            "{told}"
        );
    }

    #[test]
    fn what_ended_the_watching_is_told_after_the_verdict_and_is_no_success() {
        let (told, fine) = told(&["--kills", "1"], |found| {
            found.watched.kills.clear();
            found.watched.trouble = Some("orders-2 was not given up within 30s".to_owned());
            found.violations.push(Violation::NotEnded { order: "o-1".into() });
        });
        assert!(!fine);
        assert!(told.contains("Verdict: 1 VIOLATION (seed 1)\n  o-1 has not ended"), "{told}");
        let end = "Not all came to its end: orders-2 was not given up within 30s\n\nToo little was broken: 0 of 1 kill hit orders \
            in flight, with 1 order placed until then.\n";
        assert!(told.ends_with(end), "{told}");
    }

    #[test]
    fn it_is_said_why_one_order_is_shown() {
        let options = Options::parse_from(["demo"]);
        let story =
            |recovered| Story { order: "o-1".into(), status: Status::Completed, recovered, moments: Vec::new() };
        assert!(
            heading(&options, &story(true))
                .starts_with("What happened to o-1, which a kill met in flight and which then completed")
        );
        assert!(heading(&options, &story(false)).contains("of those that were undone"));
    }
}
