//! A batch from `BEGIN` to `COMMIT`, as one script.
//!
//! SQLite has a thread of its own, and on a busy runtime whoever waits for its answer waits for others besides: one script waits once,
//! however much is in it. What needs to look at something first, or is more than one statement of each kind takes, is none.

use super::set::{
    ALL_CHANGED, Bound, FOLLOWED, INSTANCES, ROWS, ROWS_OF_STARTS, Set, TOUCHES, event, instance, row, touch,
};
use crate::store::{
    Epoch, InstanceNo, StoreError, Write, Written,
    pack::{Pack, pack},
    segment::Segment,
    sqlite::{Sqlite, error::Fault},
};
use sqlx::Row as _;

/// A segment that can be one script.
pub(super) struct Script<'s, 'a> {
    segment: &'s Segment<'a>,
    /// The rows of its starts, each with how many instances get a higher number than its own.
    begun: Vec<(i64, Pack)>,
}

impl<'s, 'a> Script<'s, 'a> {
    /// `None` if it needs more.
    pub(super) fn of(segments: &'s [Segment<'a>]) -> Option<Self> {
        let [segment] = segments else { return None };
        let plain = segment.is_one_statement()
            && segment.starts.iter().all(|(start, _)| start.labels.is_empty() && Segment::sound(start).is_ok())
            && segment.firsts.iter().all(|(_, first)| *first > 1);
        let above = (0..i64::try_from(segment.starts.len()).ok()?).rev();
        let starts = above.zip(&segment.starts);
        let begun: Vec<_> =
            starts.flat_map(|(above, (start, _))| pack(&start.rows).map(move |rows| (above, rows))).collect();
        let lengths =
            [segment.rows.len(), segment.touches.len(), segment.firsts.len(), segment.starts.len(), begun.len()];
        let fits = lengths.iter().all(|length| *length <= Set::MOST);
        (plain && fits).then_some(Self { segment, begun })
    }

    /// The statements, each with its end.
    fn text(&self) -> String {
        let Segment { touches, firsts, rows, starts, .. } = self.segment;
        let mut text = String::new();
        let mut add = |statement: Option<&str>| text.extend(statement.into_iter().flat_map(|text| [text, ";"]));
        add(TOUCHES.for_rows(touches.len()));
        add((!touches.is_empty()).then_some(ALL_CHANGED));
        add(FOLLOWED.for_rows(firsts.len()));
        add(ROWS.for_rows(rows.len()));
        add(INSTANCES.for_rows(starts.len()));
        add(ROWS_OF_STARTS.for_rows(self.begun.len()));
        // The number of the last one, which is the highest.
        add((!starts.is_empty()).then_some("SELECT seq FROM sqlite_sequence WHERE name = 'instance'"));
        text
    }

    /// Binds what [`text`](Self::text) asks for, in its order.
    fn bind<'q>(&self, mut query: Bound<'q>, epoch: Epoch) -> Bound<'q> {
        let Segment { touches, firsts, rows, starts, .. } = self.segment;
        let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        if !touches.is_empty() {
            let bind = |query, (no, change): (&InstanceNo, &&_)| touch(query, epoch, *no, change, change.due_at());
            query = TOUCHES.fill(touches.iter().fold(query, bind), touches.len()).bind(count(touches.len()));
        }
        if !firsts.is_empty() {
            query = query.bind(count(firsts.len()));
            let bind = |query: Bound<'q>, (no, first): &(i64, i64)| query.bind(*no).bind(*first - 1);
            query = FOLLOWED.fill(firsts.iter().fold(query, bind), firsts.len());
        }
        query = ROWS.fill(rows.iter().fold(query, |query, (no, rows)| row(query, *no, rows)), rows.len());
        let bind = |query, (start, _): &(&_, _)| instance(query, epoch, start);
        query = INSTANCES.fill(starts.iter().fold(query, bind), starts.len());
        let bind = |query: Bound<'q>, (above, rows): &(i64, Pack)| event(query.bind(*above), rows);
        ROWS_OF_STARTS.fill(self.begun.iter().fold(query, bind), self.begun.len())
    }
}

impl Sqlite {
    /// Writes it. An identity that is taken is an error of the data here.
    pub(super) async fn run_script(
        &self,
        epoch: Epoch,
        script: &Script<'_, '_>,
        writes: &[Write],
    ) -> Result<Vec<Written>, Fault> {
        let rows = self.whole(epoch, &script.text(), |query| script.bind(query, epoch)).await?;
        let starts = script.segment.starts.len();
        let numbers: Vec<_> = match rows.first() {
            Some(row) => {
                let last: i64 = row.try_get(0)?;
                let before = last - i64::try_from(starts).unwrap_or(0);
                (before + 1..=last).map(|no| Some(InstanceNo(no))).collect()
            }
            None => Vec::new(),
        };
        if numbers.len() != starts {
            return Err(StoreError::InDoubt("SQLite did not say which numbers instances got".into()).into());
        }
        let mut answers = Vec::with_capacity(writes.len());
        script.segment.answer(&numbers, &mut answers);
        Ok(answers)
    }
}
