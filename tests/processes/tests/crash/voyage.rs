//! A process is killed before and after every single commit and effect of sagas with branches, inner flows, waits, a child and a
//! cancel. What happens at the same time need not happen in the same order in each life: what is compared is what stands.

use crate::{Folder, count, effects, killed, one_key_one_call, points, said};
use saga_process_tests::{Entry, voyage::Plan};
use serde_json::Value;
use std::collections::BTreeSet;

fn folder(name: &str) -> Folder {
    Folder::new(name, env!("CARGO_BIN_EXE_voyage-child"), "voyages.db")
}

/// What took effect and was not undone, sorted.
fn stands(ledger: &[Entry]) -> Vec<&str> {
    let effects = effects(ledger);
    let undone: BTreeSet<&str> =
        effects.iter().filter_map(|(action, about)| (*action == "unbook").then_some(*about)).collect();
    let mut stands: Vec<&str> = effects
        .into_iter()
        .filter_map(|(action, about)| (action != "unbook" && !undone.contains(about)).then_some(about))
        .collect();
    stands.sort_unstable();
    stands
}

/// What the calls that are recorded as done were about: each answers with that.
fn recorded(journal: &[Value]) -> BTreeSet<&str> {
    journal.iter().filter_map(|event| event.pointer("/answered/done")?.as_str()).collect()
}

/// The keys under which undos were asked for.
fn undos(ledger: &[Entry]) -> BTreeSet<&str> {
    let key = |entry: &'_ Entry| matches!(entry, Entry::Asked { undoes: Some(_), .. });
    let undos = ledger.iter().filter(|entry| key(entry));
    undos.filter_map(|entry| if let Entry::Asked { key, .. } = entry { Some(key.as_str()) } else { None }).collect()
}

/// What must hold of what happened after a death, given what the dead one left behind.
fn check(ledger: &[Entry], before: usize, journal: &[Value], history: &str) {
    one_key_one_call(ledger, history);
    let (recorded, later) = (recorded(journal), &ledger[before..]);
    for entry in later {
        if let Entry::Asked { action, arguments, undoes: None, .. } = entry {
            let booking: Value = serde_json::from_str(arguments).expect("arguments are JSON");
            let what = booking["what"].as_str().expect("it says what");
            assert!(!recorded.contains(what), "{history}: `{action}` of {what} ran again after its record");
        }
    }
    let (all, again) = (undos(ledger).len(), undos(later).len());
    // A child that was undone is one row more in its parent's journal, and nobody was asked for that.
    let children = journal.iter().filter(|event| event.pointer("/called/calls/child").is_some()).count();
    let undone = count(journal, "undone").saturating_sub(children);
    assert!(again + undone <= all, "{history}: of {all} undos {undone} are recorded, and {again} were made later");
    let effects = effects(ledger);
    let distinct: BTreeSet<_> = effects.iter().collect();
    assert_eq!(distinct.len(), effects.len(), "{history}: each took effect once: {effects:?}");
}

/// The undos that end the saga run backwards through these groups, within each of them in any order.
fn backwards(ledger: &[Entry], groups: &[&[&str]], history: &str) {
    let effects = effects(ledger);
    let last = effects.iter().rposition(|(action, _)| *action != "unbook").map_or(0, |at| at + 1);
    let ranks: Vec<usize> = effects[last..]
        .iter()
        .map(|(_, about)| groups.iter().position(|group| group.contains(about)).expect("it is in a group"))
        .collect();
    assert!(ranks.is_sorted_by(|a, b| a >= b), "{history}: the last first: {:?}", &effects[last..]);
}

struct Voyage {
    name: &'static str,
    plan: Plan,
    /// What stands at the end.
    stands: &'static [&'static str],
    /// What is undone at the end, if it gives up.
    undone: &'static [&'static [&'static str]],
    /// How many instances there are: it, the meals, the survey.
    instances: usize,
}

async fn killed_at_every_point(voyage: Voyage) {
    let Voyage { name, plan, stands: expected, undone, instances } = voyage;
    let undisturbed = folder(name);
    let reference = said(&undisturbed.life(&plan, 0));
    let ledger = undisturbed.ledger();
    assert_eq!(stands(&ledger), expected, "undisturbed: {ledger:#?}");
    assert_eq!(reference["instances"], instances, "undisturbed");
    backwards(&ledger, undone, "undisturbed");
    let (end, points) = (&reference["end"], points(&reference));
    assert!(points > 6 * effects(&ledger).len(), "there is a point before and after each commit and effect: {points}");

    let mut deaths = 0;
    for first in 1..=points {
        // Every point alone, and every third one with a second kill somewhere in the life that recovers from it.
        for second in [Some(0), (first % 3 == 0).then_some(1 + first * 7 % points)].into_iter().flatten() {
            let history = format!("{name}, killed at {first} of {points}, then at {second}");
            let folder = folder(&format!("{name}-{first}-{second}"));
            for point in [first, second, 0] {
                let (before, journal) = (folder.ledger().len(), folder.journal().await);
                let life = folder.life(&plan, point);
                check(&folder.ledger(), before, &journal, &history);
                if killed(&life) {
                    deaths += 1;
                    continue;
                }
                let after = said(&life);
                assert_eq!(&after["end"], end, "{history}: the same end");
                assert_eq!(after["instances"], instances, "{history}: nobody is started twice");
                break;
            }
            let disturbed = folder.ledger();
            assert_eq!(stands(&disturbed), expected, "{history}: {disturbed:#?}");
            backwards(&disturbed, undone, &history);
        }
    }
    // What runs at the same time may share a commit or not, so that a life can have a few points less than another.
    assert!(deaths + 8 > points, "{deaths} deaths at {points} points");
}

/// What a voyage has booked when all is booked, one after the other.
const ALL: &[&[&str]] = &[
    &["cabin", "train", "bus"],
    &["fjord", "guide", "museum", "sauna", "towel"],
    &["ferry"],
    &["pilot"],
    &["breakfast"],
    &["dinner"],
];

fn plan(refused: &[&str], cancelled: bool) -> Plan {
    let pieces = |pieces: &[&str]| pieces.iter().map(ToString::to_string).collect();
    let excursions = vec![pieces(&["fjord", "guide"]), pieces(&["museum"]), pieces(&["sauna", "towel"])];
    Plan { excursions, refused: pieces(refused), cancelled }
}

#[tokio::test]
async fn a_voyage_whose_first_way_is_refused_survives_a_kill_at_every_point() {
    killed_at_every_point(Voyage {
        name: "completed",
        plan: plan(&["pilot"], false),
        stands: &[
            "breakfast",
            "bridge",
            "bus",
            "cabin",
            "dinner",
            "fjord",
            "guide",
            "money",
            "museum",
            "sauna",
            "survey",
            "ticket",
            "towel",
            "train",
        ],
        undone: &[],
        instances: 3,
    })
    .await;
}

#[tokio::test]
async fn a_voyage_that_cannot_be_paid_is_undone_with_its_child_and_survives_a_kill_at_every_point() {
    killed_at_every_point(Voyage {
        name: "undone",
        plan: plan(&["money"], false),
        stands: &[],
        undone: ALL,
        instances: 2,
    })
    .await;
}

#[tokio::test]
async fn a_voyage_of_which_a_branch_is_refused_survives_a_kill_at_every_point() {
    killed_at_every_point(Voyage {
        name: "branch",
        plan: plan(&["towel"], false),
        stands: &[],
        undone: &[&["cabin", "train", "bus"], &["fjord", "guide", "museum", "sauna"]],
        instances: 1,
    })
    .await;
}

#[tokio::test]
async fn a_voyage_that_is_cancelled_while_it_waits_survives_a_kill_at_every_point() {
    killed_at_every_point(Voyage { name: "cancelled", plan: plan(&[], true), stands: &[], undone: ALL, instances: 2 })
        .await;
}
