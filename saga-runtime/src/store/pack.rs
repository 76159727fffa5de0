//! The rows that one write appends to a journal, as one row of a table: a line for each.
//!
//! A database has its work with each row, however short, and an instance that goes from one step to the next appends two at a time:
//! an answer, and the call after it. The first line is the first row's text as it is; each further one begins with by how many
//! microseconds its row is later than the one before, as in `+12 {"called":..}`. A row that has lines of its own stays alone.
//!
//! With it stands a sum of all that it says. A disk, a memory or a person that changes a letter of it can make another price, or
//! another customer, of what an instance saved, and nobody who reads that could tell. What does not have its sum is told as damaged
//! rows, which cannot be read: they park their own instance, and keep nobody else from anything.

use super::{InstanceNo, Row, instance::DAMAGED};
use std::{collections::HashMap, fmt::Write as _, sync::Arc};

/// Rows are packed up to this many bytes: whoever needs one of them reads all.
const BYTES: usize = 4 << 10;

/// Rows that follow one another, as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pack {
    /// The number of the first.
    pub(super) first: i64,
    /// The number of the last.
    pub(super) last: i64,
    /// The moment of the first.
    pub(super) at: i64,
    pub(super) text: Arc<str>,
    /// The sum of all that; none if an earlier release wrote it.
    pub(super) sum: Option<i64>,
}

/// Packs rows that follow one another, of which none is beyond what a database can count.
pub(super) fn pack(rows: &[Row]) -> impl Iterator<Item = Pack> {
    let apart = |before: &Row, after: &Row| before.event.contains('\n') || after.event.contains('\n');
    let mut bytes = 0;
    rows.chunk_by(move |before, after| {
        bytes += before.event.len();
        let together = bytes + after.event.len() <= BYTES && !apart(before, after);
        if !together {
            bytes = 0;
        }
        together
    })
    .filter_map(|rows| {
        let (first, last) = (rows.first()?, rows.last()?);
        let text = if rows.len() == 1 { Arc::clone(&first.event) } else { lines(rows).into() };
        let (first, last, at) = (first.seq.cast_signed(), last.seq.cast_signed(), first.at);
        let sum = Some(sum(first, last, at, &text));
        Some(Pack { first, last, at, text, sum })
    })
}

fn lines(rows: &[Row]) -> String {
    let mut text = String::with_capacity(rows.iter().map(|row| row.event.len() + 24).sum());
    let mut before: Option<i64> = None;
    for row in rows {
        if let Some(before) = before {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{:+} ", row.at.wrapping_sub(before));
        }
        text.push_str(&row.event);
        before = Some(row.at);
    }
    text
}

/// A sum that changes with any single change of 8 bytes that stand together, and with most others: every step is a bijection, of the
/// sum and of the number that comes in. It is written to databases, and never changes.
fn sum(first: i64, last: i64, at: i64, text: &str) -> i64 {
    let step = |sum: u64, number: u64| (sum ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let start = [first, last, at].into_iter().fold(text.len() as u64, |sum, number| step(sum, number.cast_unsigned()));
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let sum = words.iter().fold(start, |sum, word| step(sum, u64::from_le_bytes(*word)));
    let mut end = [0; 8];
    end[..rest.len()].copy_from_slice(rest);
    step(sum, u64::from_le_bytes(end)).cast_signed()
}

impl Pack {
    /// As it was found. A text that is none is as damaged as one that has another sum.
    pub(super) fn found(first: i64, last: i64, at: i64, text: &[u8], sum: Option<i64>) -> Self {
        let text = str::from_utf8(text).map_or_else(|_| format!("{DAMAGED}it is no text").into(), Arc::from);
        Self { first, last, at, text, sum }
    }

    /// The rows again. In place of damaged ones stand the first and the last of them, each with a text that says so.
    pub(super) fn rows(&self) -> Vec<Row> {
        let sound = self.sum.is_none_or(|known| known == sum(self.first, self.last, self.at, &self.text));
        if let Some(rows) = self.lines().filter(|_| sound) {
            return rows;
        }
        let Self { first, last, at, .. } = *self;
        let which = if first == last { format!("row {first} is") } else { format!("rows {first} to {last} are") };
        let event: Arc<str> = format!("{DAMAGED}{which} not what was written").into();
        let row = |seq: i64| Row { seq: seq.max(1).cast_unsigned(), at, event: Arc::clone(&event) };
        if first == last { vec![row(first)] } else { vec![row(first), row(last)] }
    }

    fn lines(&self) -> Option<Vec<Row>> {
        let (first, last) = (u64::try_from(self.first).ok()?, u64::try_from(self.last).ok()?);
        if first == last {
            return Some(vec![Row { seq: first, at: self.at, event: Arc::clone(&self.text) }]);
        }
        let mut at = self.at;
        let mut rows = Vec::new();
        for (seq, line) in (first..).zip(self.text.split('\n')) {
            let mut event = line;
            if seq > first {
                let (later, rest) = line.split_once(' ')?;
                at = at.wrapping_add(later.parse().ok()?);
                event = rest;
            }
            rows.push(Row { seq, at, event: event.into() });
        }
        (rows.last()?.seq == last).then_some(rows)
    }
}

/// The rows of these packs that are wanted.
pub(super) fn unpack(packs: &[Pack], wanted: impl Fn(u64) -> bool) -> Vec<Row> {
    packs.iter().flat_map(Pack::rows).filter(|row| wanted(row.seq)).collect()
}

/// For [`fuzzing`](crate::fuzzing): what was read from one row of a table comes out of another one as it was.
pub(crate) fn fuzzed(first: i64, last: i64, at: i64, text: &str) {
    let found = Pack::found(first, last, at, text.as_bytes(), None);
    let Some(rows) = found.lines() else { return };
    let packs: Vec<Pack> = pack(&rows).collect();
    assert_eq!(unpack(&packs, |_| true), rows);
    assert_eq!(rows.len() as u64, last.abs_diff(first) + 1);
}

/// The first rows of these instances' journals, at most `limit` of each, of packs by instance and number.
pub(super) fn unpack_each(packs: &[(InstanceNo, Pack)], instances: &[InstanceNo], limit: usize) -> Vec<Vec<Row>> {
    let mut each: HashMap<InstanceNo, Vec<Row>> = HashMap::with_capacity(instances.len());
    for (instance, pack) in packs {
        let rows = each.entry(*instance).or_default();
        rows.extend(pack.rows());
        rows.truncate(limit);
    }
    // One that is asked for twice is answered twice.
    instances.iter().map(|instance| each.get(instance).cloned().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::instance::damage, *};

    fn row(seq: u64, at: i64, event: &str) -> Row {
        Row { seq, at, event: event.into() }
    }

    fn again(rows: &[Row]) -> (usize, Vec<Row>) {
        let packs: Vec<Pack> = pack(rows).collect();
        (packs.len(), unpack(&packs, |_| true))
    }

    #[test]
    fn what_was_packed_comes_out_as_it_was() {
        let long = "x".repeat(BYTES);
        let cases: [(usize, Vec<Row>); 6] = [
            (0, vec![]),
            (1, vec![row(1, 7, "a b")]),
            (1, vec![row(1, 7, "{}"), row(2, 19, "{\"called\":1}"), row(3, 19, ""), row(4, 3, "+5 x")]),
            (3, vec![row(1, 7, "a"), row(2, 8, "b\nc"), row(3, 9, "d")]),
            (3, vec![row(5, i64::MAX, "a"), row(6, i64::MIN, &long), row(7, 0, "b")]),
            (2, vec![row(1, 0, "a"), row(2, 0, &long[..BYTES - 1]), row(3, 0, "b")]),
        ];
        for (packs, rows) in cases {
            assert_eq!(again(&rows), (packs, rows.clone()), "{rows:?}");
        }
    }

    /// The numbers of the rows, and in which way they are damaged.
    fn damaged(pack: &Pack) -> Option<(Vec<u64>, String)> {
        let rows = pack.rows();
        let how = damage(&rows[0].event)?.to_owned();
        Some((rows.iter().map(|row| row.seq).collect(), how))
    }

    #[test]
    fn what_nobody_has_packed_is_damaged() {
        let pack = |first, last, text: &str| Pack { first, last, at: 0, text: text.into(), sum: None };
        for pack in
            [pack(1, 2, "a"), pack(1, 2, "a\nb"), pack(1, 2, "a\n+x b"), pack(1, 2, "a\n+1 b\n+1 c"), pack(-1, 2, "a")]
        {
            assert!(damaged(&pack).is_some(), "{pack:?}");
        }
        assert_eq!(damaged(&pack(1, 2, "a\n+1 b")), None);
    }

    #[test]
    fn a_change_of_any_bit_is_damage_and_an_earlier_release_had_no_sums() {
        let rows = [row(7, 1_000, r#"{"answered":{"done":"10 cents"}}"#), row(8, 1_012, r#"{"called":1}"#)];
        let Some(pack) = pack(&rows).next() else { panic!("there are rows") };
        assert_eq!((pack.rows(), pack.sum), (rows.to_vec(), Some(1_590_585_561_287_301_117)));
        let numbers = (0..64).flat_map(|bit| {
            let flipped = |number: i64| number ^ (1 << bit);
            let text = Arc::clone(&pack.text);
            [
                Pack { first: flipped(pack.first), text: Arc::clone(&text), ..pack.clone() },
                Pack { last: flipped(pack.last), text: Arc::clone(&text), ..pack.clone() },
                Pack { at: flipped(pack.at), text, ..pack.clone() },
            ]
        });
        let texts = (0..pack.text.len() * 8).map(|bit| {
            let mut text = pack.text.as_bytes().to_vec();
            text[bit / 8] ^= 1 << (bit % 8);
            Pack::found(pack.first, pack.last, pack.at, &text, pack.sum)
        });
        for changed in numbers.chain(texts) {
            assert!(damaged(&changed).is_some_and(|(rows, _)| rows.len() <= 2), "{changed:?}");
        }
        let text = pack.text.replace("10", "90");
        let changed = Pack::found(7, 8, 1_000, text.as_bytes(), pack.sum);
        assert_eq!(damaged(&changed), Some((vec![7, 8], "rows 7 to 8 are not what was written".to_owned())));
        assert_eq!(damaged(&Pack { sum: None, ..changed }), None, "nobody can tell");
    }
}
