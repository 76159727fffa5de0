//! The rows that one write appends to a journal, as one row of a table: a line for each.
//!
//! A database has its work with each row, however short, and an instance that goes from one step to the next appends two at a time:
//! an answer, and the call after it. The first line is the first row's text as it is; each further one begins with by how many
//! microseconds its row is later than the one before, as in `+12 {"called":..}`. A row that has lines of its own stays alone.

use super::{InstanceNo, Row, StoreError};
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
        Some(Pack { first: first.seq.cast_signed(), last: last.seq.cast_signed(), at: first.at, text })
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

impl Pack {
    /// The rows again.
    pub(super) fn rows(&self) -> Result<Vec<Row>, StoreError> {
        let damaged = || StoreError::Unusable(format!("journal row {} is not what was written", self.first).into());
        let seq = |number: i64| u64::try_from(number).map_err(|_| damaged());
        let (first, last) = (seq(self.first)?, seq(self.last)?);
        if first == last {
            return Ok(vec![Row { seq: first, at: self.at, event: Arc::clone(&self.text) }]);
        }
        let mut at = self.at;
        let mut rows = Vec::new();
        for (seq, line) in (first..).zip(self.text.split('\n')) {
            let mut event = line;
            if seq > first {
                let (later, rest) = line.split_once(' ').ok_or_else(damaged)?;
                at = at.wrapping_add(later.parse().map_err(|_| damaged())?);
                event = rest;
            }
            rows.push(Row { seq, at, event: event.into() });
        }
        if rows.last().map(|row| row.seq) == Some(last) { Ok(rows) } else { Err(damaged()) }
    }
}

/// The rows of these packs that are wanted.
pub(super) fn unpack(packs: &[Pack], wanted: impl Fn(u64) -> bool) -> Result<Vec<Row>, StoreError> {
    let mut all = Vec::with_capacity(packs.len());
    for pack in packs {
        all.extend(pack.rows()?.into_iter().filter(|row| wanted(row.seq)));
    }
    Ok(all)
}

/// For [`fuzzing`](crate::fuzzing): what was read from one row of a table comes out of another one as it was.
pub(crate) fn fuzzed(first: i64, last: i64, at: i64, text: &str) {
    let Ok(rows) = (Pack { first, last, at, text: text.into() }).rows() else { return };
    let packs: Vec<Pack> = pack(&rows).collect();
    assert_eq!(unpack(&packs, |_| true).as_deref(), Ok(&*rows));
    assert_eq!(rows.len() as u64, last.abs_diff(first) + 1);
}

/// The first rows of these instances' journals, at most `limit` of each, of packs by instance and number.
pub(super) fn unpack_each(
    packs: &[(InstanceNo, Pack)],
    instances: &[InstanceNo],
    limit: usize,
) -> Result<Vec<Vec<Row>>, StoreError> {
    let mut each: HashMap<InstanceNo, Vec<Row>> = HashMap::with_capacity(instances.len());
    for (instance, pack) in packs {
        let rows = each.entry(*instance).or_default();
        rows.extend(pack.rows()?);
        rows.truncate(limit);
    }
    // One that is asked for twice is answered twice.
    Ok(instances.iter().map(|instance| each.get(instance).cloned().unwrap_or_default()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64, at: i64, event: &str) -> Row {
        Row { seq, at, event: event.into() }
    }

    fn again(rows: &[Row]) -> (usize, Vec<Row>) {
        let packs: Vec<Pack> = pack(rows).collect();
        (packs.len(), unpack(&packs, |_| true).expect("what was packed"))
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

    #[test]
    fn what_nobody_has_packed_is_damaged() {
        let pack = |first, last, text: &str| Pack { first, last, at: 0, text: text.into() };
        for damaged in
            [pack(1, 2, "a"), pack(1, 2, "a\nb"), pack(1, 2, "a\n+x b"), pack(1, 2, "a\n+1 b\n+1 c"), pack(-1, 2, "a")]
        {
            assert!(damaged.rows().is_err(), "{damaged:?}");
        }
    }
}
