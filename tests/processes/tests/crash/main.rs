//! Processes are killed at every single point around a commit, an attempt and an effect, and started again on what they left.

mod transaction;
mod trip;
mod voyage;

use saga_process_tests::{Entry, Ledger};
use serde_json::Value;
use sqlx::{ConnectOptions as _, SqliteConnection, query_scalar, sqlite::SqliteConnectOptions};
use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A folder of its own for each history, removed when it is over.
struct Folder {
    path: PathBuf,
    /// The program that is run in it.
    program: &'static str,
    /// Its store.
    store: &'static str,
}

impl Folder {
    fn new(name: &str, program: &'static str, store: &'static str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self { path, program, store }
    }

    fn life(&self, plan: &impl serde::Serialize, point: usize) -> Output {
        Command::new(self.program)
            .arg(&self.path)
            .arg(serde_json::to_string(plan).expect("a plan is JSON"))
            .arg(point.to_string())
            .output()
            .expect("the child can be started")
    }

    fn ledger(&self) -> Vec<Entry> {
        Ledger::open(&self.path.join("ledger.jsonl")).entries()
    }

    /// A connection of its own to the store's file: nobody uses that between two lives.
    async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path.join(self.store)).create_if_missing(true);
        options.connect().await.expect("it connects")
    }

    /// The rows of all journals, as a dead process left them, each without the branch that it stands in.
    async fn journal(&self) -> Vec<Value> {
        let rows = query_scalar::<_, String>("SELECT event FROM journal ORDER BY instance, seq");
        // One that died early has left no tables.
        let rows = rows.fetch_all(&mut self.connect().await).await.unwrap_or_default();
        // What was appended together is one row of the table; each line but the first begins with a moment.
        let lines = rows.iter().flat_map(|rows| rows.split('\n'));
        let events = lines.map(|line| &line[line.find('{').unwrap_or_default()..]);
        let events = events.map(|event| serde_json::from_str(event).expect("an event is JSON"));
        events.map(|event: Value| event.pointer("/in/event").cloned().unwrap_or(event)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn killed(life: &Output) -> bool {
    life.status.signal() == Some(9)
}

/// What a life that was not killed says last.
fn said(output: &Output) -> Value {
    assert!(output.status.success(), "the life ends well: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// How many points it passed.
fn points(said: &Value) -> usize {
    said["points"].as_u64().and_then(|points| usize::try_from(points).ok()).expect("a number")
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

fn count(journal: &[Value], kind: &str) -> usize {
    journal.iter().filter(|event| event.get(kind).is_some()).count()
}

/// Every attempt of one call carries the same arguments.
fn one_key_one_call(ledger: &[Entry], history: &str) {
    let mut arguments = BTreeMap::new();
    for entry in ledger {
        let Entry::Asked { action, key, arguments: these, .. } = entry else { continue };
        let first = arguments.entry(key).or_insert((action, these));
        assert_eq!(*first, (action, these), "{history}: one key, one call, one set of arguments");
    }
}
