//! Statements over many rows of parameters.

use super::super::read::json;
use crate::store::{Epoch, InstanceNo, Micros, Start, Status, Touch, pack::Pack};
use sqlx::{Arguments as _, Sqlite, query::Query, query_with, sqlite::SqliteArguments};
use std::sync::{Arc, LazyLock};

/// How many rows of parameters statements have: few numbers, so that there are few statements to prepare.
const SIZES: [usize; 6] = [1, 4, 16, 64, 256, 1024];

/// A statement whose parameters are being bound.
pub(super) type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A statement, at each of its sizes. Rows that are NULL from end to end mean nothing to it.
pub(super) struct Set {
    columns: usize,
    texts: [String; SIZES.len()],
}

impl Set {
    /// How many rows one statement takes.
    pub(super) const MOST: usize = SIZES[SIZES.len() - 1];

    /// `text` is given the rows of parameters, each of this many columns.
    fn new(columns: usize, text: impl Fn(&str) -> String) -> Self {
        let row = format!("({})", vec!["?"; columns].join(","));
        Self { columns, texts: SIZES.map(|size| text(&vec![&*row; size].join(","))) }
    }

    /// The statement that takes so many rows; nothing if there are none.
    pub(super) fn for_rows(&'static self, rows: usize) -> Option<&'static str> {
        let size = SIZES.iter().position(|size| rows <= *size)?;
        (rows > 0).then_some(&*self.texts[size])
    }

    /// Binds what such a statement asks for beyond so many rows.
    pub(super) fn fill<'q>(&self, query: Bound<'q>, rows: usize) -> Bound<'q> {
        let size = SIZES.iter().find(|size| rows <= **size).filter(|_| rows > 0);
        let left = size.map_or(0, |size| (size - rows) * self.columns);
        (0..left).fold(query, |query, _| query.bind(None::<i64>))
    }

    /// The statements that take all of these rows, in order, each with those that it takes. What is not bound is NULL.
    pub(super) fn over<'a, T>(&'static self, rows: &'a [T]) -> impl Iterator<Item = (Bound<'static>, &'a [T])> {
        rows.chunks(Self::MOST).filter_map(|some| {
            let mut values = SqliteArguments::default();
            values.reserve(some.len() * self.columns + 1, 0);
            Some((query_with(self.for_rows(some.len())?, values), some))
        })
    }
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

/// Journal rows, packed: instance, numbers of the first and the last, moment, text, sum.
pub(super) static ROWS: LazyLock<Set> = LazyLock::new(|| {
    Set::new(6, |rows| {
        format!(
            "INSERT INTO journal (instance, seq, last, at, event, sum) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL"
        )
    })
});

/// Journal rows of the instances that were started last: how many instances have a higher number, and then the same.
pub(super) static ROWS_OF_STARTS: LazyLock<Set> = LazyLock::new(|| {
    Set::new(6, |rows| {
        format!(
            "INSERT INTO journal (instance, seq, last, at, event, sum)
             SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'instance') - column1, column2, column3, column4, column5,
                column6
             FROM (VALUES {rows}) WHERE column1 IS NOT NULL"
        )
    })
});

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
    Set::new(13, |rows| {
        format!(
            "UPDATE instance SET status = t.column2, due_at = t.column3, wake_at = t.column4, awaits = t.column5,
                state = t.column6, error = t.column7, owned = t.column8, epoch = t.column9, moment = max(moment, t.column10),
                ended_at = iif(t.column11, coalesce(ended_at, t.column10), NULL), queued = t.column12,
                lost = coalesce(t.column13, lost)
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
    query.bind(rows.first).bind(rows.last).bind(rows.at).bind(Arc::clone(&rows.text)).bind(rows.sum)
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
    query.bind(epoch.0).bind(touch.at).bind(ends).bind(touch.queued).bind(touch.lost)
}
