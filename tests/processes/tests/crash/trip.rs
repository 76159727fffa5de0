//! A process is killed before and after every single commit and every effect of a saga with a loop, a branch, a caught
//! refusal and a full unwind, and started again.

use crate::{Folder, count, effects, killed, one_key_one_call, points, said};
use saga_process_tests::{Entry, trip::Plan};
use serde_json::Value;

fn folder(name: &str) -> Folder {
    Folder::new(name, env!("CARGO_BIN_EXE_trip-child"), "trips.db")
}

/// The keys of calls (or of compensations), each once, in the order in which they were first asked for.
fn keys(ledger: &[Entry], compensations: bool) -> Vec<&str> {
    let mut keys = Vec::new();
    for entry in ledger {
        if let Entry::Asked { key, undoes, .. } = entry
            && undoes.is_some() == compensations
            && !keys.contains(&key.as_str())
        {
            keys.push(key);
        }
    }
    keys
}

/// What must hold over all lives, given what the dead one left behind.
fn check(ledger: &[Entry], before: usize, journal: &[Value], history: &str) {
    // The n-th key that was asked for is that of the n-th call in the journal, which is recorded once it is answered.
    let recorded: Vec<&str> = keys(ledger, false)
        .into_iter()
        .take(count(journal, "answered"))
        .chain(keys(ledger, true).into_iter().take(count(journal, "undone")))
        .collect();
    for entry in &ledger[before..] {
        let Entry::Asked { action, key, .. } = entry else { continue };
        assert!(!recorded.contains(&key.as_str()), "{history}: `{action}` ran again after its record: {journal:#?}");
    }
    one_key_one_call(ledger, history);
}

async fn killed_at_every_point(name: &str, plan: Plan, expected: &[&str]) {
    let folder = folder(name);
    let reference = said(&folder.life(&plan, 0));
    let ledger = folder.ledger();
    let actions: Vec<&str> = effects(&ledger).into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, expected, "undisturbed");
    let (end, points) = (&reference["end"], points(&reference));
    assert!(points > 6 * expected.len(), "there is a point before and after each commit and effect: {points}");

    for first in 1..=points {
        // Every point alone, and with a second kill somewhere in the life that recovers from it.
        for second in [0, 1 + first * 7 % points] {
            let history = format!("{name}, killed at {first} of {points}, then at {second}");
            let folder = self::folder(&format!("{name}-{first}-{second}"));
            let life = folder.life(&plan, first);
            assert!(killed(&life), "{history}: {}", String::from_utf8_lossy(&life.stderr));
            let (mut before, mut journal) = (folder.ledger().len(), folder.journal().await);
            if second > 0 && killed(&folder.life(&plan, second)) {
                check(&folder.ledger(), before, &journal, &history);
                (before, journal) = (folder.ledger().len(), folder.journal().await);
            }
            let after = said(&folder.life(&plan, 0));
            let disturbed = folder.ledger();
            check(&disturbed, before, &journal, &history);
            assert_eq!(&after["end"], end, "{history}: the same end");
            assert_eq!(effects(&disturbed), effects(&ledger), "{history}: the same effects");
        }
    }
}

fn plan(cities: &[&str], first_card_refused: bool, second_card_refused: bool) -> Plan {
    Plan { cities: cities.iter().map(ToString::to_string).collect(), first_card_refused, second_card_refused }
}

#[tokio::test]
async fn a_short_trip_that_completes_survives_a_kill_at_every_point() {
    killed_at_every_point("short", plan(&["Oslo"], false, false), &["book", "hold_room", "pay", "send_ticket"]).await;
}

#[tokio::test]
async fn a_long_trip_that_pays_by_its_second_card_survives_a_kill_at_every_point() {
    let expected = ["book", "book", "book", "hold_room", "insure", "pay", "send_ticket"];
    killed_at_every_point("long", plan(&["Oslo", "Rome", "Kyiv"], true, false), &expected).await;
}

#[tokio::test]
async fn a_trip_that_is_undone_survives_a_kill_at_every_point() {
    let expected =
        ["book", "book", "book", "hold_room", "insure", "uninsure", "release_room", "unbook", "unbook", "unbook"];
    killed_at_every_point("undone", plan(&["Oslo", "Rome", "Kyiv"], true, true), &expected).await;
}
