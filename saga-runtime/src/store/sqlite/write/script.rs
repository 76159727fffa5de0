//! One write, from `BEGIN` to `COMMIT`, as one script: what an instance that runs alone waits for.

use super::set::{
    ALL_CHANGED, Bound, FOLLOWED, INSTANCES, ROW_OF_THE_LAST, ROWS, THERE, TOUCHES, event, instance, row, touch,
};
use crate::store::{
    Append, Epoch, InstanceNo, Start, StoreError, Write, Written,
    pack::{Pack, pack},
    segment::Segment,
    sqlite::{Sqlite, error::Fault},
};
use sqlx::Row as _;
use std::slice;

/// A write that can be one script, with its rows.
pub(super) enum Script<'a> {
    Start(&'a Start, Pack),
    Append(&'a Append, Pack),
}

impl<'a> Script<'a> {
    /// `None` if the write needs more.
    pub(super) fn of(write: &'a Write) -> Option<Self> {
        let (rows, plain) = match write {
            Write::Start(start) => (&start.rows, start.labels.is_empty() && Segment::sound(start).is_ok()),
            Write::Append(append) => (&append.rows, append.starts.is_empty()),
        };
        // Rows that do not follow one another are for others to refuse.
        let segments = Segment::cut(slice::from_ref(write)).ok()?;
        if !plain || !segments.iter().all(Segment::is_one_statement) {
            return None;
        }
        let mut packs = pack(rows);
        let (Some(rows), None) = (packs.next(), packs.next()) else { return None };
        Some(match write {
            Write::Start(start) => Self::Start(start, rows),
            Write::Append(append) => Self::Append(append, rows),
        })
    }

    /// Its statements, each with its end.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut add = |statement: &str| text.extend([statement, ";"]);
        match self {
            Self::Start(..) => {
                add(INSTANCES.one());
                add(ALL_CHANGED);
                add(ROW_OF_THE_LAST);
                add("SELECT seq FROM sqlite_sequence WHERE name = 'instance'");
            }
            Self::Append(append, rows) => {
                if append.touch.is_some() {
                    add(TOUCHES.one());
                    add(ALL_CHANGED);
                }
                add(if rows.first > 1 { FOLLOWED.one() } else { THERE.one() });
                add(ROWS.one());
            }
        }
        text
    }

    /// Binds what [`text`](Self::text) asks for, in its order.
    fn bind<'q>(&self, mut query: Bound<'q>, epoch: Epoch) -> Bound<'q> {
        match self {
            Self::Start(start, rows) => event(instance(query, epoch, start).bind(1), rows),
            Self::Append(append, rows) => {
                let no = append.instance;
                if let Some(change) = &append.touch {
                    query = touch(query, epoch, no, change, change.due_at()).bind(1);
                }
                query = query.bind(1).bind(no.0);
                if rows.first > 1 {
                    query = query.bind(rows.first - 1);
                }
                row(query, no, rows)
            }
        }
    }
}

impl Sqlite {
    /// Writes it. An identity that is taken is an error of the data here.
    pub(super) async fn run_script(&self, epoch: Epoch, script: &Script<'_>) -> Result<Written, Fault> {
        let rows = self.whole(epoch, &script.text(), |query| script.bind(query, epoch)).await?;
        match (script, rows.first()) {
            (Script::Append(..), _) => Ok(Written::Appended),
            (Script::Start(..), Some(row)) => Ok(Written::Started(InstanceNo(row.try_get(0)?))),
            (Script::Start(..), None) => {
                Err(StoreError::InDoubt("SQLite did not say which number an instance got".into()).into())
            }
        }
    }
}
