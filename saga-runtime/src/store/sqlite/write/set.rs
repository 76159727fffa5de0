//! Statements over many rows of parameters.

use super::super::read::json;
use crate::store::{Epoch, InstanceNo, Micros, Start, Status, Touch, pack::Pack};
use sqlx::{Arguments as _, Sqlite, query::Query, query_with, sqlite::SqliteArguments};
use std::{
    iter,
    sync::{Arc, LazyLock},
};

/// How many rows of parameters statements have: few numbers, so that there are few statements to prepare. The last is one.
const SIZES: [usize; 6] = [512, 128, 32, 8, 2, 1];

/// A statement whose parameters are being bound.
pub(super) type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A statement, at each of its sizes. Rows that are not bound are NULL from end to end, and mean nothing.
pub(super) struct Set {
    columns: usize,
    texts: [String; SIZES.len()],
}

impl Set {
    /// `text` is given the rows of parameters, each of this many columns.
    fn new(columns: usize, text: impl Fn(&str) -> String) -> Self {
        let row = format!("({})", vec!["?"; columns].join(", "));
        Self { columns, texts: SIZES.map(|size| text(&vec![&*row; size].join(", "))) }
    }

    /// The statement for one row.
    pub(super) fn one(&'static self) -> &'static str {
        &self.texts[SIZES.len() - 1]
    }

    /// The statements that take all of these rows, in order, each with those that it takes.
    pub(super) fn over<'a, T>(&'static self, mut rows: &'a [T]) -> impl Iterator<Item = (Bound<'static>, &'a [T])> {
        iter::from_fn(move || {
            let size = size(rows.len())?;
            let (some, rest) = rows.split_at(SIZES[size].min(rows.len()));
            rows = rest;
            let mut values = SqliteArguments::default();
            values.reserve(some.len() * self.columns + 1, 0);
            Some((query_with(&*self.texts[size], values), some))
        })
    }
}

/// Which size is best for so many rows: one that they nearly fill, or else one that they fill.
fn size(rows: usize) -> Option<usize> {
    let nearly = |size: &usize| rows <= *size && rows * 2 > *size;
    SIZES.iter().rposition(nearly).or_else(|| SIZES.iter().position(|size| *size <= rows))
}

/// Instances that start.
pub(super) static INSTANCES: LazyLock<Set> = LazyLock::new(|| {
    Set::new(13, |rows| {
        format!(
            "INSERT INTO instance (saga, id, birth, version, input_hash, parent, status, due_at, wake_at, owned, epoch, moment,
                started_at) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL"
        )
    })
});

/// Journal rows, packed: instance, numbers of the first and the last, moment, text.
pub(super) static ROWS: LazyLock<Set> = LazyLock::new(|| {
    Set::new(5, |rows| {
        format!(
            "INSERT INTO journal (instance, seq, last, at, event) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL"
        )
    })
});

/// A journal row of the instance that was started last: the same without the instance.
pub(super) const ROW_OF_THE_LAST: &str = "INSERT INTO journal (instance, seq, last, at, event)
    SELECT seq, ?, ?, ?, ? FROM sqlite_sequence WHERE name = 'instance'";

/// Looks whether this is the last row of so many instances: instance, number.
pub(super) static FOLLOWED: LazyLock<Set> = LazyLock::new(|| {
    Set::new(2, |rows| {
        format!(
            "INSERT INTO refused (misfit) SELECT 1 WHERE ? <> (
                SELECT count(*) FROM (VALUES {rows}) AS f WHERE f.column2 = (
                    SELECT last FROM journal WHERE instance = f.column1 ORDER BY seq DESC LIMIT 1))"
        )
    })
});

/// Looks whether so many instances are there, of these, and are no tombstones.
pub(super) static THERE: LazyLock<Set> = LazyLock::new(|| {
    Set::new(1, |rows| {
        format!(
            "INSERT INTO refused (misfit) SELECT 1 WHERE ? <> (
                SELECT count(*) FROM (VALUES {rows}) AS f CROSS JOIN instance AS i ON i.no = f.column1 AND NOT i.buried)"
        )
    })
});

/// Changes of instances' own rows.
pub(super) static TOUCHES: LazyLock<Set> = LazyLock::new(|| {
    Set::new(12, |rows| {
        format!(
            "UPDATE instance SET status = t.column2, due_at = t.column3, wake_at = t.column4, awaits = t.column5,
                state = t.column6, error = t.column7, owned = t.column8, epoch = t.column9, moment = max(moment, t.column10),
                ended_at = iif(t.column11, coalesce(ended_at, t.column10), NULL), queued = t.column12
             FROM (VALUES {rows}) AS t WHERE no = t.column1 AND NOT buried"
        )
    })
});

/// Fails unless the statement before it changed this many rows.
pub(super) const ALL_CHANGED: &str = "INSERT INTO refused (misfit) SELECT 1 WHERE changes() <> ?";

pub(super) fn instance<'q>(query: Bound<'q>, epoch: Epoch, start: &Start) -> Bound<'q> {
    let status = if start.wake_at.is_some() { Status::Sleeping } else { Status::Ready };
    let query = query.bind(&*start.saga).bind(&*start.id).bind(&*start.birth).bind(start.version);
    let query = query.bind(&start.input_hash[..]).bind(start.parent.map(|InstanceNo(no)| no)).bind(status.name());
    let query = query.bind(start.wake_at.unwrap_or(start.at)).bind(start.wake_at).bind(start.owned);
    query.bind(epoch.0).bind(start.at).bind(start.at)
}

pub(super) fn row<'q>(query: Bound<'q>, no: InstanceNo, rows: &Pack) -> Bound<'q> {
    event(query.bind(no.0), rows)
}

/// Rows whose instance the statement finds by itself.
pub(super) fn event<'q>(query: Bound<'q>, rows: &Pack) -> Bound<'q> {
    query.bind(rows.first).bind(rows.last).bind(rows.at).bind(Arc::clone(&rows.text))
}

pub(super) fn touch<'q>(
    query: Bound<'q>,
    epoch: Epoch,
    no: InstanceNo,
    touch: &Touch,
    due_at: Option<Micros>,
) -> Bound<'q> {
    let ends = touch.status.is_end();
    let awaits = (touch.status == Status::Waiting).then(|| json(&touch.awaits));
    let query = query.bind(no.0).bind(touch.status.name()).bind(due_at).bind(touch.wake_at).bind(awaits);
    let query = query.bind(touch.state.as_deref()).bind(touch.error.as_deref()).bind(touch.owned && !ends);
    query.bind(epoch.0).bind(touch.at).bind(ends).bind(touch.queued)
}
