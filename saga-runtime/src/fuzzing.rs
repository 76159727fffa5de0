//! What reads texts that come from outside, for the trials that feed it anything: `tests/decoders/` and `fuzz/`.
//!
//! Each function takes whatever text there is and returns. It panics where the library breaks its word: what comes from a store or
//! from a caller gives an error and never a panic, what was read is written as it was read, and a row that cannot be leaves
//! everything as it was.

use crate::{
    core::{
        Event, State, Stored, Verb,
        child::{self, ChildEnd},
        key::input_hash,
        request::{Request, decide, possible},
    },
    engine::load::{apply, load, read},
    machine::{Answer, Json, same_value},
    runtime::{
        Position,
        input::{check_label, check_said},
        signal_in_order,
    },
    store::{InstanceNo, Labels, Row, Start, Store as _, Write, memory::Memory},
    verify::{read_all, walk},
};
use futures_util::FutureExt as _;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// A text of a store's that is JSON, and what it is read as.
///
/// # Panics
/// It is written otherwise than it was read.
fn again<T: Serialize + DeserializeOwned>(text: &str) -> Option<T> {
    let value: T = serde_json::from_str(text).ok()?;
    let once = serde_json::to_string(&value).expect("what was read can be written");
    let back: T = serde_json::from_str(&once).unwrap_or_else(|error| panic!("{error}: {once}"));
    assert_eq!(serde_json::to_string(&back).ok().as_deref(), Some(&*once));
    Some(value)
}

/// A row's text.
///
/// # Panics
/// The library breaks its word.
pub fn row(text: &str) {
    match Event::from_text(text) {
        Ok(event) => {
            let once = event.to_text().expect("what was read can be written");
            let back = Event::from_text(&once).unwrap_or_else(|error| panic!("{error}: {once}"));
            assert_eq!(back.to_text().ok().as_deref(), Some(&*once));
            assert_eq!((back.kind(), back.unwrapped().0), (event.kind(), event.unwrapped().0));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A journal: a row in each line, numbered from 1, or from the number after `#` in the first line. A line may begin with the
/// moment of its row: `@12 {..}`.
///
/// # Panics
/// The library breaks its word.
pub fn journal(text: &str) {
    let rows = rows(text);
    let mut state = State::default();
    for row in &rows {
        let Ok(event) = read(row) else { break };
        let (begun, before) = (state.seq > 0, written(&state));
        if apply(&mut state, row, &event).is_err() {
            if !begun {
                // The first one may have been a snapshot, of which nothing is kept.
                break;
            }
            assert_eq!(written(&state), before, "a row that cannot be has changed something: {}", row.event);
        }
        asked(&state);
    }
    let snapshot = written(&state);
    again::<Event>(&snapshot);
    // By rules of its own, and with what a strand resumes with.
    let _ = walk(&rows, &read_all(&rows).0, None);
    loaded(rows);
}

/// What is asked of a state that was folded.
fn asked(state: &State) {
    let parks = state.parks();
    let _ = (state.state_name(), state.tries(), state.undos(), state.is_undoing());
    for park in &parks {
        let _ = possible(state, park, &|_| false);
    }
    for verb in [Verb::Cancel, Verb::Undo, Verb::Settle, Verb::Retry] {
        let request = Request { verb, by: "".into(), why: "".into(), park: None, output: None };
        let _ = decide(state, &request, &|_| true);
    }
}

fn written(state: &State) -> Arc<str> {
    Event::Snapshot { state: Box::new(state.clone()) }.to_text().expect("a state can be written")
}

fn rows(text: &str) -> Vec<Row> {
    let mut lines = text.lines().peekable();
    let first = lines.peek().and_then(|line| line.strip_prefix('#')?.parse().ok());
    if first.is_some() {
        lines.next();
    }
    let mut at = 0;
    let numbers = first.unwrap_or(1)..u64::MAX;
    let row = |(seq, line): (u64, &str)| {
        let timed = line.strip_prefix('@').and_then(|line| line.split_once(' '));
        let timed = timed.and_then(|(moment, line)| Some((moment.parse().ok()?, line)));
        let (moment, event) = timed.unwrap_or((at, line));
        at = moment;
        Row { seq, at, event: event.into() }
    };
    numbers.zip(lines).map(row).collect()
}

/// The same from a store, with frames and arguments.
fn loaded(rows: Vec<Row>) {
    if rows.first().is_none_or(|row| row.seq != 1) {
        return;
    }
    let store = Memory::default();
    let epoch = store.register().now_or_never().and_then(Result::ok).expect("memory answers at once");
    let start = Start {
        saga: "fuzzed".into(),
        id: "a".into(),
        birth: "a".into(),
        version: 1,
        input_hash: [0; 32],
        owned: true,
        at: 0,
        wake_at: None,
        parent: None,
        labels: Labels::new(),
        rows,
    };
    if store.commit(epoch, &[Write::Start(start)]).now_or_never().is_some_and(|written| written.is_ok()) {
        let _ = load(&store, InstanceNo(1)).now_or_never().expect("memory answers at once");
    }
}

/// What the rows of a journal come to, as the row of a snapshot after them.
///
/// # Errors
/// They come to nothing.
pub fn snapshot(rows: &[Row]) -> Result<String, String> {
    let mut state = State::default();
    for row in rows {
        let event = read(row).map_err(|error| error.to_string())?;
        apply(&mut state, row, &event).map_err(|error| error.to_string())?;
    }
    Ok(written(&state).as_ref().into())
}

/// Rows that a database holds as one: the number of the first and of the last, and a text.
///
/// # Panics
/// The library breaks its word.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub fn packed(first: i64, last: i64, at: i64, text: &str) {
    crate::store::packed(first, last, at, text);
}

/// What lies in an inbox, or is told to a parent.
///
/// # Panics
/// The library breaks its word.
pub fn inbox(text: &str) {
    again::<Request>(text);
    if let Some(end) = again::<ChildEnd>(text) {
        let answer = Answer::from(end);
        again::<Answer>(&serde_json::to_string(&answer).expect("an answer can be written"));
    }
    assert_eq!(child::is_end(text), text.starts_with("end of "));
}

/// A value that is saved: of a frame, of an answer, of a signal, of an input.
///
/// # Panics
/// The library breaks its word.
pub fn value(text: &str) {
    again::<Stored>(text);
    again::<Answer>(text);
    let Some(json) = again::<Json>(text) else { return };
    let ordered = signal_in_order(&json);
    let once: Json = serde_json::from_str(&ordered).unwrap_or_else(|error| panic!("{error}: {ordered}"));
    assert_eq!(signal_in_order(&once), ordered);
    assert!(same_value(&json, &json));
    assert_eq!(input_hash(&json), input_hash(&json));
    for (name, read) in READ {
        read(&json).unwrap_or_else(|error| panic!("as {name}: {error}"));
    }
}

/// Reads a value, writes it, and says what has changed.
type Reads = fn(&Json) -> Result<(), String>;

/// Types that steps have, each read from a value and written again.
const READ: [(&str, Reads); 5] = [
    ("a text", typed::<String>),
    ("numbers", typed::<Vec<f64>>),
    ("an option", typed::<Option<Vec<Option<i64>>>>),
    ("a map", typed::<std::collections::BTreeMap<String, serde_json::Value>>),
    ("a result", typed::<Result<u128, (bool, char)>>),
];

fn typed<T: Serialize + DeserializeOwned>(json: &Json) -> Result<(), String> {
    let Ok(value) = serde_json::from_str::<T>(json.get()) else { return Ok(()) };
    let once = serde_json::to_string(&value).map_err(|error| error.to_string())?;
    let back: T = serde_json::from_str(&once).map_err(|error| format!("{error}: {once}"))?;
    let twice = serde_json::to_string(&back).map_err(|error| error.to_string())?;
    if once == twice { Ok(()) } else { Err(format!("{once} became {twice}")) }
}

/// Names that a caller makes up.
///
/// # Panics
/// The library breaks its word.
pub fn name(text: &str) {
    let (key, value) = text.split_once('=').unwrap_or((text, text));
    for wrong in [check_label(key, value), check_said("why", text)].into_iter().filter_map(Result::err) {
        assert!(!wrong.is_empty());
    }
    if let Ok(position) = text.parse::<Position>() {
        assert_eq!(position.to_string().parse::<Position>().ok(), Some(position));
    }
}
