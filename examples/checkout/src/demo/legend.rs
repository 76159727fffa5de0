//! What the words in the tables mean, below each of them.

use std::collections::BTreeSet;

use crate::shop::Status;

/// Below the table of ends: the words that stand in it.
pub(super) fn of_ends(ends: &BTreeSet<(Status, &str)>) -> String {
    let ended: BTreeSet<Status> = ends.iter().map(|(status, _)| *status).collect();
    let because: BTreeSet<&str> = ends.iter().map(|(_, cause)| *cause).collect();
    let ended = ended.iter().map(|status| (status.to_string(), end(*status).to_owned()));
    let because = because.iter().filter_map(|cause| Some(((*cause).to_owned(), reason(cause)?)));
    lines(ended.chain(because))
}

fn end(status: Status) -> &'static str {
    match status {
        Status::Running => "has not ended",
        Status::Completed => "charged once, and sent",
        Status::Compensated => "given up before the card was charged; what had been done was undone",
        Status::Parked => "waits for a person",
    }
}

fn reason(cause: &str) -> Option<String> {
    if let Some(step) = cause.strip_suffix("-exhausted") {
        let what = format!("every attempt that the step `{step}` may make failed by a fault");
        return Some(format!("{what}; the saga gave up, as after a refusal"));
    }
    let words = match cause {
        "card-declined" => "payments refused: the card is one of those that are declined, or a fault said no",
        "out-of-stock" => "the inventory refused: the shelf has not so many, or a fault said no",
        "unknown-sku" => "the shop never sold that",
        "too-much" => "the sum is more than the shop accepts",
        _ => return None,
    };
    Some(words.to_owned())
}

/// Below the table of participants: its columns.
pub(super) fn of_participants() -> String {
    let columns = [
        ("calls", "calls that were answered, each under a key of its own; refusals and undos are among them"),
        ("repeated", "a key came again, and got the stored answer without a second effect"),
        ("answered 503", "fault: turned away, without an effect"),
        ("answer lost", "fault: carried out, and the connection closed without an answer"),
        ("slow", "fault: carried out after up to 3 s; the saga waits for 2 s, and tries again"),
        (
            "late",
            "fault: the connection closed at once, and the call was carried out up to 2.5 s later, perhaps after its undo",
        ),
        ("undone first", "an undo came before its call, or without one: it left a barrier"),
        ("turned away", "a call came after its own undo: the barrier kept it from having an effect"),
    ];
    lines(columns.map(|(word, meaning)| (word.to_owned(), meaning.to_owned())).into_iter())
}

/// A line for each word, with the meanings below one another.
fn lines(words: impl Iterator<Item = (String, String)>) -> String {
    let words: Vec<(String, String)> = words.collect();
    let width = words.iter().map(|(word, _)| word.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> = words.iter().map(|(word, meaning)| format!("  {word:width$}  {meaning}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::FAULTS;

    #[test]
    fn how_long_calls_are_slow_and_late_is_what_the_participants_are_told() {
        let legend = of_participants();
        assert!(legend.contains("after up to 3 s;") && legend.contains("up to 2.5 s later"), "{legend}");
        for (_, faults) in FAULTS {
            assert!(faults.contains("slow_ms=3000,late_ms=2500"), "{faults}");
        }
    }
}
