//! A process is killed before and after every single commit and every effect of a saga with a loop, a branch, a caught
//! refusal and a full unwind, and started again.

use saga_process_tests::{Entry, Ledger, Plan};
use saga_runtime::store::{Store, sqlite::Sqlite};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A folder of its own for each history, removed when it is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    fn life(&self, plan: &Plan, point: usize) -> Output {
        Command::new(env!("CARGO_BIN_EXE_crash-child"))
            .arg(&self.0)
            .arg(serde_json::to_string(plan).expect("a plan is JSON"))
            .arg(point.to_string())
            .output()
            .expect("the child can be started")
    }

    fn ledger(&self) -> Vec<Entry> {
        Ledger::open(&self.0.join("ledger.jsonl")).entries()
    }

    /// The rows of the journal, as a dead process left them.
    async fn journal(&self) -> Vec<Value> {
        let store = Sqlite::open(self.0.join("trips.db")).await.expect("the store opens after a kill");
        let rows = match store.find("trip", "trip-1").await.expect("it can be read") {
            None => Vec::new(),
            Some(instance) => store.journal(instance.no, 1, 10_000).await.expect("it can be read"),
        };
        store.close().await.expect("it closes");
        rows.iter().map(|row| serde_json::from_str(&row.event).expect("an event is JSON")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a life that was not killed says last.
fn said(output: &Output) -> Value {
    assert!(output.status.success(), "the life ends well: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// What took effect, in order.
fn effects(ledger: &[Entry]) -> Vec<(&str, &str)> {
    ledger
        .iter()
        .filter_map(|entry| match entry {
            Entry::Done { action, about, .. } => Some((action.as_str(), about.as_str())),
            Entry::Asked { .. } => None,
        })
        .collect()
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

fn count(journal: &[Value], kind: &str) -> usize {
    journal.iter().filter(|event| event.get(kind).is_some()).count()
}

/// What must hold over all lives, given what the dead one left behind.
fn check(ledger: &[Entry], before: usize, journal: &[Value], history: &str) {
    // The n-th key that was asked for is that of the n-th call in the journal, which is recorded once it is answered.
    let recorded: Vec<&str> = keys(ledger, false)
        .into_iter()
        .take(count(journal, "answered"))
        .chain(keys(ledger, true).into_iter().take(count(journal, "undone")))
        .collect();
    let mut arguments = BTreeMap::new();
    for (at, entry) in ledger.iter().enumerate() {
        let Entry::Asked { action, key, arguments: these, .. } = entry else { continue };
        assert!(
            at < before || !recorded.contains(&key.as_str()),
            "{history}: `{action}` ran again after its record: {journal:#?}"
        );
        let first = arguments.entry(key).or_insert((action, these));
        assert_eq!(*first, (action, these), "{history}: one key, one call, one set of arguments");
    }
}

async fn killed_at_every_point(name: &str, plan: Plan, expected: &[&str]) {
    let folder = Folder::new(name);
    let reference = said(&folder.life(&plan, 0));
    let ledger = folder.ledger();
    let actions: Vec<&str> = effects(&ledger).into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, expected, "undisturbed");
    let (end, points) = (&reference["end"], reference["points"].as_u64().expect("a number"));
    let points = usize::try_from(points).expect("a small number");
    assert!(points > 6 * expected.len(), "there is a point before and after each commit and effect: {points}");

    for first in 1..=points {
        // Every point alone, and with a second kill somewhere in the life that recovers from it.
        for second in [0, 1 + first * 7 % points] {
            let history = format!("{name}, killed at {first} of {points}, then at {second}");
            let folder = Folder::new(&format!("{name}-{first}-{second}"));
            let life = folder.life(&plan, first);
            assert_eq!(life.status.signal(), Some(9), "{history}: {}", String::from_utf8_lossy(&life.stderr));
            let (mut before, mut journal) = (folder.ledger().len(), folder.journal().await);
            if second > 0 && folder.life(&plan, second).status.signal() == Some(9) {
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
