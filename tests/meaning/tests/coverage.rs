//! What is written at random has everything in it that a flow can be made of, and comes to every kind of end.

use saga_meaning::{
    generate::generate,
    print::print,
    reference::{Failed, meaning},
    trace::Event,
};
use std::collections::BTreeMap;

/// What a construct cannot be written without.
const CONSTRUCTS: [&str; 39] = [
    "join!(",
    "cx.join_all(",
    "#[flow(inner)]",
    "cx.sleep(",
    ").within(",
    ").forever()",
    "cx.wait((",
    "cx.child::<",
    ".pivot()",
    "#[step(retriable",
    "#[step(read_only",
    "#[step(no_compensation",
    "#[step(idempotent",
    "#[state(",
    ": while ",
    ": loop ",
    ": for ",
    ").rev()",
    "..=",
    ".to_vec()",
    "in &list",
    "break '",
    "continue '",
    "let Ok(",
    "if let Ok(",
    "match self.",
    "Refused(No(",
    "Exhausted(_))",
    "Err(_) =>",
    "return Ok(",
    "return Err(No(",
    ".is_ok()",
    " && ",
    " || ",
    "match mix",
    "+= ",
    ".push(",
    "OneOf2::Second",
    "Err(Elapsed)",
];

#[test]
fn every_construct_and_every_kind_of_end_is_there_many_times() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |what: &str, yes: bool| *counts.entry(what.into()).or_default() += usize::from(yes);
    for seed in 1..=520 {
        let program = generate(seed);
        let text = print(&program);
        for construct in CONSTRUCTS {
            count(construct, text.contains(construct));
        }
        let meaning = meaning(&program).expect("the generator has run it");
        count("it completes", meaning.end.is_ok());
        count("it is refused", matches!(meaning.end, Err(Failed::Refused(_))));
        count("it is exhausted", matches!(meaning.end, Err(Failed::Exhausted(_))));
        count("a join fails", meaning.joins_failed);
        count("a step is in doubt", meaning.doubted);
        let undone = meaning.trace.events().into_iter().filter(|event| matches!(event, Event::Undid(..)));
        count("several calls are undone", undone.count() > 1);
    }
    let rare: Vec<_> = counts.into_iter().filter(|(_, times)| *times < 25).collect();
    assert!(rare.is_empty(), "of 520 programs only so many have these: {rare:?}");
}
