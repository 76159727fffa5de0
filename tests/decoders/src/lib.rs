//! Everything that reads what comes from outside, as functions of bytes.
//!
//! A row of a journal may have been damaged on its disk, a body comes from anybody: it gives a value or an error, and never a
//! panic, a stack that overflows or a value that is written otherwise than it was read. Each [`Decoder`] says so of one kind of
//! text. The test of this crate feeds them changed versions of what the library writes itself; `fuzz/` has a target for libFuzzer
//! around each. The macro's input has a trial of its own, in `saga-macros/src/tests/never_a_panic.rs`.

mod journals;
mod mutate;

pub use journals::Written;
pub use mutate::Mutator;

use saga_runtime::fuzzing;

/// Something that reads.
#[derive(Debug)]
pub struct Decoder {
    /// Its name: that of its target in `fuzz/`, and of its folder in `cases/`.
    pub name: &'static str,
    /// Reads; panics if the library breaks its word.
    pub read: fn(&[u8]),
    /// One is fed to it where others are fed so many: it takes that much longer.
    pub weighs: u64,
    /// What is read without an error, made of what the library wrote.
    pub seeds: fn(&Written) -> Vec<String>,
}

/// All of them.
pub const ALL: [Decoder; 8] = [
    Decoder { name: "row", read: row, weighs: 1, seeds: |written| written.rows.clone() },
    Decoder { name: "journal", read: journal, weighs: 5, seeds: |written| written.journals.clone() },
    Decoder { name: "packed", read: packed, weighs: 1, seeds: |written| written.packs() },
    Decoder { name: "inbox", read: inbox, weighs: 1, seeds: |_| texts(&INBOX) },
    Decoder { name: "value", read: value, weighs: 1, seeds: |written| written.values() },
    Decoder { name: "name", read: name, weighs: 1, seeds: |_| texts(&NAMES) },
    Decoder { name: "order", read: order, weighs: 1, seeds: |_| texts(&[ORDER]) },
    Decoder { name: "call", read: call, weighs: 1, seeds: |_| texts(&CALLS) },
];

const INBOX: [&str; 7] = [
    r#"{"verb":"cancel","by":"ada","why":"changed her mind"}"#,
    r#"{"verb":"resolve","by":"ada","why":"it was there","park":7,"output":{"seat":[1,2.5]}}"#,
    r#"{"verb":"did_not_happen","by":"","why":"","park":18446744073709551615}"#,
    r#"{"completed":{"a":[1]}}"#,
    r#"{"compensated":{"refused":"Full"}}"#,
    r#"{"compensated":{"exhausted":{"step":"seat","last_error":"late"}}}"#,
    "end of 1.seats.1",
];

const NAMES: [&str; 6] = ["order-42", "42", "tenant=acme", " padded ", "größe=\u{1F600}", "9223372036854775807"];

const ORDER: &str = r#"{"id":"o-1","customer":"Ada","currency":"EUR","card":"tok_1","lines":[{"sku":"tea","quantity":2,"unit_price":"3.50"}]}"#;

const CALLS: [&str; 4] = [
    "order-42.charge\n{\"b\":[true,null,1.10],\"a\":\"\\u00fc\",\"a\":{}}",
    "k\n[1,2,{\"x\":{\"y\":[]}}]",
    "0123456789abcdef\nno JSON",
    "a b\n\"text\"",
];

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|&text| text.to_owned()).collect()
}

/// A decoder of text gets what bytes say as text; what is not, is replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn row(bytes: &[u8]) {
    fuzzing::row(&text(bytes));
}

fn journal(bytes: &[u8]) {
    fuzzing::journal(&text(bytes));
}

/// A first line with the number of the first row, that of the last and the moment of the first, and then what is in the table.
fn packed(bytes: &[u8]) {
    let text = text(bytes);
    let (numbers, text) = text.split_once('\n').unwrap_or((&text, ""));
    let mut numbers = numbers.split(' ').map(|number| number.parse().unwrap_or(1));
    let mut next = || numbers.next().unwrap_or(1);
    fuzzing::packed(next(), next(), next(), text);
}

fn inbox(bytes: &[u8]) {
    fuzzing::inbox(&text(bytes));
}

fn value(bytes: &[u8]) {
    fuzzing::value(&text(bytes));
}

fn name(bytes: &[u8]) {
    fuzzing::name(&text(bytes));
}

/// The body of the request that places an order with the example's service.
fn order(bytes: &[u8]) {
    match text(bytes).parse::<checkout::Order>() {
        Ok(order) => {
            let once = serde_json::to_string(&order).expect("an order can be written");
            let back: checkout::Order = serde_json::from_str(&once).unwrap_or_else(|error| panic!("{error}: {once}"));
            assert_eq!(back, order);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A call at a participant: a line with its key, and a body.
fn call(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (key, body) = (text(&bytes[..end]), bytes.get(end + 1..).unwrap_or_default());
    saga_participant::fuzzed(&key, body);
}
