//! The one statement that writes instances and their rows.
//!
//! Everything in it happens or nothing does: what does not fit what is there ends it with an error. Its first part locks the
//! worker's row, and if there is none, nothing else is done.

use crate::store::{
    Epoch, InstanceNo, Status, StoreError,
    pack::{Pack, pack},
    postgres::{Inner, error::Fault},
    segment::Segment,
};
use sqlx::{PgConnection, Row as _, query};

/// The worker's life, and whether each instance's first row follows one that is there. The key of the journal does the rest: a
/// number that is taken is an error. Each look is a subquery that can only be made row by row: no plan reads a whole table.
/// Parameters: epoch; instances and the numbers of their first rows; five columns of rows; the number of the writer, if it matters; the
/// rows' sums, whose number the statement says.
macro_rules! sound {
    ($sums:literal) => {
        concat!(
            "WITH held AS MATERIALIZED (
            SELECT epoch FROM saga.worker WHERE epoch = $1 AND writer = coalesce($9, writer) FOR KEY SHARE
        ), sound AS MATERIALIZED (
            SELECT EXISTS (SELECT FROM held) AS held, (
                SELECT count(*) FROM unnest($2::bigint[], $3::bigint[]) AS f (instance, seq)
                WHERE CASE
                    WHEN f.seq > 1 THEN nullif(f.seq - 1 = (
                        SELECT last FROM saga.journal WHERE instance = f.instance ORDER BY seq DESC LIMIT 1
                    ), false)
                    ELSE (SELECT true FROM saga.instance WHERE no = f.instance AND NOT buried)
                END IS NULL
            ) AS gaps
        ), appended AS (
            INSERT INTO saga.journal (instance, seq, last, at, event, sum)
            SELECT * FROM unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $",
            $sums,
            "::bigint[])
            WHERE (SELECT held AND gaps = 0 FROM sound)
        )"
        )
    };
}

/// Rows alone: what most commits are.
pub(in crate::store::postgres) const ROWS: &str = concat!(
    sound!("10"),
    " SELECT held, CASE WHEN gaps = 0 OR NOT held THEN 1 ELSE 1 / (gaps - gaps) END AS fits FROM sound"
);

/// What the touch of the instance `i` says in this column: its place among the touched is found by bisection. A join would compare
/// each of them with each.
macro_rules! touch {
    ($column:literal, $type:literal) => {
        concat!("($", $column, "::", $type, "[])[width_bucket(i.no, $10::bigint[])]")
    };
}

/// Rows, touches and starts. A touch counts only while the instance is this worker's, or was so last: one that is written once more,
/// because its answer was lost, may come after somebody else has taken what it let go. Parameters from 10: the instances touched, in
/// order, and ten columns, of which the last one is 41; from 21: nine columns of the starts; from 30: which of them, and their rows; from 35: which of them, and
/// their labels; 38: whether a start whose identity is taken does not fit; 39 and 40: the sums
/// of the rows, and of those of the starts.
pub(in crate::store::postgres) const ALL: &str = concat!(
    sound!("39"),
    ", touched AS (
        UPDATE saga.instance AS i SET status = ", touch!("11", "text"), ", wake_at = ", touch!("13", "bigint"), ",
            state = ", touch!("15", "text"), ", error = ", touch!("16", "text"), ", owned = ", touch!("17", "boolean"), ",
            due_at = CASE
                WHEN ", touch!("14", "text"), " IS NOT NULL AND (
                    SELECT 1 FROM saga.message AS m
                    WHERE m.instance = i.no AND NOT m.consumed AND m.name = ANY (", touch!("14", "text"), "::text[]) LIMIT 1
                ) IS NOT NULL THEN least(coalesce(", touch!("12", "bigint"), ", ", touch!("18", "bigint"), "), ", touch!("18", "bigint"), ")
                ELSE ", touch!("12", "bigint"), "
            END,
            awaits = coalesce(", touch!("14", "text"), "::text[], '{}'), epoch = $1,
            moment = greatest(i.moment, ", touch!("18", "bigint"), "),
            ended_at = CASE WHEN ", touch!("19", "boolean"), " THEN coalesce(i.ended_at, ", touch!("18", "bigint"), ") END,
            queued = ", touch!("20", "boolean"), ", lost = coalesce(", touch!("41", "boolean"), ", i.lost),
            given_back = CASE
                WHEN ", touch!("11", "text"), " <> 'waits_for_build' THEN '{}'
                WHEN $1 <> ALL (i.given_back) THEN i.given_back || $1
                ELSE i.given_back
            END
        WHERE i.no = ANY ($10) AND i.epoch = $1 AND NOT i.buried AND (SELECT held AND gaps = 0 FROM sound)
        RETURNING i.status = 'waiting' AND NOT i.owned AND i.due_at IS DISTINCT FROM i.wake_at AS found
    ), numbered AS MATERIALIZED (
        SELECT nextval('saga.instance_no') AS no, s.*
        FROM unnest($21::text[], $22::text[], $23::text[], $24::bigint[], $25::bytea[], $26::bigint[], $27::bigint[],
            $28::boolean[], $29::bigint[])
            WITH ORDINALITY AS s (saga, id, birth, version, input_hash, parent, wake_at, owned, at, place)
        WHERE (SELECT held AND gaps = 0 FROM sound)
    ), started AS (
        INSERT INTO saga.instance (no, saga, id, birth, version, input_hash, parent, status, due_at, wake_at, owned, epoch, moment,
            started_at)
        SELECT no, saga, id, birth, version, input_hash, parent, CASE WHEN wake_at IS NULL THEN 'ready' ELSE 'sleeping' END,
            coalesce(wake_at, at), wake_at, owned, $1, at, at
        FROM numbered ORDER BY place
        ON CONFLICT (saga, id) DO NOTHING RETURNING no
    ), begun AS (
        INSERT INTO saga.journal (instance, seq, last, at, event, sum)
        SELECT n.no, l.seq, l.last, l.at, l.event, l.sum
        FROM unnest($30::bigint[], $31::bigint[], $32::bigint[], $33::bigint[], $34::text[], $40::bigint[])
            AS l (place, seq, last, at, event, sum)
        JOIN numbered AS n USING (place) JOIN started USING (no)
    ), labelled AS (
        INSERT INTO saga.label (instance, key, value)
        SELECT n.no, l.key, l.value FROM unnest($35::bigint[], $36::text[], $37::text[]) AS l (place, key, value)
        JOIN numbered AS n USING (place) JOIN started USING (no)
    )
    SELECT held, CASE
        WHEN NOT held THEN 1
        WHEN gaps = 0 AND ((SELECT count(*) FROM touched) = cardinality($10) OR (SELECT count(*) FROM touched) + (
                SELECT count(*) FROM saga.instance WHERE no = ANY ($10) AND epoch <> $1 AND NOT buried
            ) = cardinality($10))
            AND (NOT $38 OR (SELECT count(*) FROM started) = cardinality($21)) THEN 1
        ELSE 1 / (gaps - gaps)
    END AS fits,
    coalesce((SELECT bool_or(found) FROM touched), false) AS found,
    ARRAY(SELECT n.place FROM numbered AS n JOIN started USING (no) ORDER BY n.place) AS places,
    ARRAY(SELECT n.no FROM numbered AS n JOIN started USING (no) ORDER BY n.place) AS numbers
    FROM sound"
);

/// What became of a segment's starts and touches.
#[derive(Debug)]
pub(super) struct Started {
    /// The number of each start, unless its identity was taken.
    pub(super) numbers: Vec<Option<InstanceNo>>,
    /// Whether an instance that began to wait found its message there.
    pub(super) found_messages: bool,
}

impl Inner {
    /// Writes what a segment says of its own instances, and what it starts.
    pub(super) async fn write_own(
        &self,
        conn: &mut PgConnection,
        (epoch, writer): (Epoch, Option<i64>),
        segment: &Segment<'_>,
    ) -> Result<Started, Fault> {
        for (start, _) in &segment.starts {
            Segment::sound(start)?;
        }
        let (instances, firsts): (Vec<i64>, Vec<i64>) = segment.firsts.iter().copied().unzip();
        let rows_only = segment.touches.is_empty() && segment.starts.is_empty();
        let statement =
            query(self.names.sql(if rows_only { ROWS } else { ALL })).bind(epoch.0).bind(instances).bind(firsts);
        let column =
            |of: fn(i64, &Pack) -> i64| -> Vec<i64> { segment.rows.iter().map(|(no, rows)| of(no.0, rows)).collect() };
        let texts: Vec<&str> = segment.rows.iter().map(|(_, rows)| &*rows.text).collect();
        let statement = statement.bind(column(|no, _| no)).bind(column(|_, rows| rows.first));
        let statement = statement.bind(column(|_, rows| rows.last)).bind(column(|_, rows| rows.at));
        let statement = statement.bind(texts).bind(writer);
        let sums: Vec<Option<i64>> = segment.rows.iter().map(|(_, rows)| rows.sum).collect();
        if rows_only {
            let row = statement.bind(sums).fetch_one(conn).await?;
            held(row.try_get("held")?)?;
            return Ok(Started { numbers: Vec::new(), found_messages: false });
        }
        let touches = Touches::of(segment);
        let statement = statement.bind(touches.no).bind(touches.status).bind(touches.due_at).bind(touches.wake_at);
        let statement = statement.bind(touches.awaits).bind(touches.state).bind(touches.error).bind(touches.owned);
        let statement = statement.bind(touches.at).bind(touches.ends).bind(touches.queued);
        let starts = Starts::of(segment);
        let statement = statement.bind(starts.saga).bind(starts.id).bind(starts.birth).bind(starts.version);
        let statement = statement.bind(starts.input_hash).bind(starts.parent).bind(starts.wake_at).bind(starts.owned);
        let statement = statement.bind(starts.at);
        let statement = statement.bind(starts.row_of).bind(starts.row_seq).bind(starts.row_last).bind(starts.row_at);
        let statement = statement.bind(starts.row_text);
        let statement = statement.bind(starts.label_of).bind(starts.label_key).bind(starts.label_value);
        // Once it is written, an instance that was there shows what comes later in the batch, too.
        let statement = statement.bind(!segment.touches.is_empty() && segment.is_one_statement());
        let row = statement.bind(sums).bind(starts.row_sum).bind(touches.lost).fetch_one(conn).await?;
        held(row.try_get("held")?)?;
        let (places, numbers): (Vec<i64>, Vec<i64>) = (row.try_get("places")?, row.try_get("numbers")?);
        let mut all = vec![None; segment.starts.len()];
        for (place, no) in places.into_iter().zip(numbers) {
            if let Some(one) = usize::try_from(place - 1).ok().and_then(|place| all.get_mut(place)) {
                *one = Some(InstanceNo(no));
            }
        }
        Ok(Started { numbers: all, found_messages: row.try_get("found")? })
    }
}

fn held(held: bool) -> Result<(), Fault> {
    if held { Ok(()) } else { Err(StoreError::Fenced.into()) }
}

/// The touches, column by column.
#[derive(Debug, Default)]
struct Touches<'a> {
    no: Vec<i64>,
    status: Vec<&'static str>,
    due_at: Vec<Option<i64>>,
    wake_at: Vec<Option<i64>>,
    awaits: Vec<Option<String>>,
    state: Vec<Option<&'a str>>,
    error: Vec<Option<&'a str>>,
    owned: Vec<bool>,
    at: Vec<i64>,
    ends: Vec<bool>,
    queued: Vec<bool>,
    lost: Vec<Option<bool>>,
}

impl<'a> Touches<'a> {
    fn of(segment: &Segment<'a>) -> Self {
        let mut all = Self::default();
        for (no, touch) in &segment.touches {
            let ends = touch.status.is_end();
            all.no.push(no.0);
            all.status.push(touch.status.name());
            all.due_at.push(touch.due_at());
            all.wake_at.push(touch.wake_at);
            all.awaits.push((touch.status == Status::Waiting).then(|| array(&touch.awaits)));
            all.state.push(touch.state.as_deref());
            all.error.push(touch.error.as_deref());
            all.owned.push(touch.owned && !ends);
            all.at.push(touch.at);
            all.ends.push(ends);
            all.queued.push(touch.queued);
            all.lost.push(touch.lost);
        }
        all
    }
}

/// Names, as Postgres writes an array of texts: a column of arrays of different lengths cannot be passed otherwise.
fn array(names: &[Box<str>]) -> String {
    let quoted = names.iter().map(|name| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")));
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

/// The starts, their rows and their labels, column by column.
#[derive(Debug, Default)]
struct Starts<'a> {
    saga: Vec<&'a str>,
    id: Vec<&'a str>,
    birth: Vec<&'a str>,
    version: Vec<i64>,
    input_hash: Vec<&'a [u8]>,
    parent: Vec<Option<i64>>,
    wake_at: Vec<Option<i64>>,
    owned: Vec<bool>,
    at: Vec<i64>,
    row_of: Vec<i64>,
    row_seq: Vec<i64>,
    row_last: Vec<i64>,
    row_at: Vec<i64>,
    row_text: Vec<String>,
    row_sum: Vec<Option<i64>>,
    label_of: Vec<i64>,
    label_key: Vec<&'a str>,
    label_value: Vec<&'a str>,
}

impl<'a> Starts<'a> {
    fn of(segment: &Segment<'a>) -> Self {
        let mut all = Self::default();
        for (place, (start, _)) in (1..).zip(&segment.starts) {
            all.saga.push(&start.saga);
            all.id.push(&start.id);
            all.birth.push(&start.birth);
            all.version.push(start.version.into());
            all.input_hash.push(&start.input_hash);
            all.parent.push(start.parent.map(|InstanceNo(no)| no));
            all.wake_at.push(start.wake_at);
            all.owned.push(start.owned);
            all.at.push(start.at);
            for rows in pack(&start.rows) {
                all.row_of.push(place);
                all.row_seq.push(rows.first);
                all.row_last.push(rows.last);
                all.row_at.push(rows.at);
                all.row_text.push(rows.text.as_ref().into());
                all.row_sum.push(rows.sum);
            }
            for (key, value) in &start.labels {
                all.label_of.push(place);
                all.label_key.push(key);
                all.label_value.push(value);
            }
        }
        all
    }
}
