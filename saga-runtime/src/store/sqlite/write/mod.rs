//! The group commit.
//!
//! A batch is cut into segments, within which order does not matter, and a segment is written by few statements, however many
//! writes it has: each of them takes many rows. What most batches are is one script. A batch whose data are to blame is tried again one write at a time, which names the culprit.

mod script;
mod set;

use super::{
    Sqlite,
    error::Fault,
    inbox::{deliver, forward},
    read::{count, find, json},
};
use crate::store::{
    Append, Epoch, InstanceNo, Micros, Row, Start, Status, StoreError, Touch, Write, Written, pack::pack,
    segment::Segment,
};
use script::Script;
use set::{Bound, FOLLOWED, INSTANCES, ROWS, THERE, TOUCHES};
use sqlx::{SqliteConnection, query, query_scalar};
use std::slice;

impl Sqlite {
    /// Writes a batch. If its data are to blame it is tried again one write at a time, which names the culprit.
    pub(super) async fn write_batch(&self, epoch: Epoch, writes: &[Write]) -> Result<Vec<Written>, Fault> {
        // What cannot be cut somebody has to look at one by one.
        let segments = Segment::cut(writes).unwrap_or_default();
        if let Some(script) = Script::of(&segments) {
            match self.run_script(epoch, &script, writes).await {
                Err(fault) if fault.is_of_the_data() => {}
                result => return result,
            }
        }
        let tried = self.try_batch(epoch, writes, false).await;
        match tried {
            Err(fault) if fault.is_of_the_data() => self.try_batch(epoch, writes, true).await,
            result => result,
        }
    }

    async fn try_batch(&self, epoch: Epoch, writes: &[Write], one_by_one: bool) -> Result<Vec<Written>, Fault> {
        let mut transaction = self.begin_as(epoch).await?;
        let written = if one_by_one {
            write_one_by_one(&mut transaction, epoch, writes).await
        } else {
            write_together(&mut transaction, epoch, writes).await
        };
        transaction.end(written).await
    }
}

/// Writes each write on its own, and names the first that cannot be written.
pub(super) async fn write_one_by_one(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    writes: &[Write],
) -> Result<Vec<Written>, Fault> {
    let mut answers = Vec::with_capacity(writes.len());
    for (index, write) in writes.iter().enumerate() {
        match write_together(conn, epoch, slice::from_ref(write)).await {
            Ok(mut written) => answers.append(&mut written),
            Err(fault) if fault.is_of_the_data() => {
                let reason = misfit(conn, write).await?.unwrap_or_else(|| fault.reason().into());
                return Err(StoreError::Write { index, reason }.into());
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(answers)
}

/// Writes all of them, or fails.
async fn write_together(conn: &mut SqliteConnection, epoch: Epoch, writes: &[Write]) -> Result<Vec<Written>, Fault> {
    let mut answers = Vec::with_capacity(writes.len());
    for segment in Segment::cut(writes)? {
        let numbers = write_segment(conn, epoch, &segment).await?;
        for index in segment.answer(&numbers, &mut answers) {
            let Write::Start(start) = &writes[index] else { continue };
            let found = find(conn, &start.saga, &start.id).await?;
            let found = found
                .ok_or_else(|| StoreError::Unusable("an identity is taken by an instance that is not there".into()))?;
            if segment.changes(found.no) && segment.len() > 1 {
                // It shows what comes later in the batch, too.
                return Err(StoreError::Write { index, reason: "it is to be seen as it was before".into() }.into());
            }
            answers[index] = Written::Exists(Box::new(found));
        }
    }
    Ok(answers)
}

/// Writes a segment. The number of each of its starts, unless its identity was taken.
async fn write_segment(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    segment: &Segment<'_>,
) -> Result<Vec<Option<InstanceNo>>, Fault> {
    for (request, of) in &segment.consumed {
        let consume = query("DELETE FROM request WHERE no = ? AND instance = ?");
        consume.bind(request.0).bind(of.0).execute(&mut *conn).await?;
    }
    for (message, of) in &segment.received {
        let receive = query("UPDATE message SET consumed = 1 WHERE no = ? AND instance = ? AND NOT consumed");
        receive.bind(message.0).bind(of.0).execute(&mut *conn).await?;
    }
    for ((no, key), value) in &segment.labels {
        label(conn, *no, key, *value).await?;
    }
    touch(conn, epoch, segment).await?;
    look(conn, segment).await?;
    let numbers = start(conn, epoch, &segment.starts).await?;
    let mut rows = segment.rows.clone();
    for ((start, _), no) in segment.starts.iter().zip(&numbers) {
        let Some(no) = no else { continue };
        Segment::sound(start)?;
        rows.extend(pack(&start.rows).map(|rows| (*no, rows)));
    }
    for (insert, rows) in ROWS.over(&rows) {
        let insert = rows.iter().fold(insert, |insert, (no, rows)| set::row(insert, *no, rows));
        insert.execute(&mut *conn).await?;
    }
    for delivery in &segment.sends {
        deliver(conn, delivery.to, &delivery.message, delivery.at).await?;
    }
    for request in &segment.requests {
        forward(conn, request).await?;
    }
    Ok(numbers)
}

/// Looks whether the first row of each instance follows one that is there. That none is there twice, the journal's key says.
async fn look(conn: &mut SqliteConnection, segment: &Segment<'_>) -> Result<(), Fault> {
    let (firsts, later): (Vec<_>, Vec<_>) = segment.firsts.iter().partition(|(_, seq)| *seq <= 1);
    for (look, firsts) in THERE.over(&firsts) {
        let look = firsts.iter().fold(look.bind(count(firsts.len())), |look, (no, _)| look.bind(*no));
        look.execute(&mut *conn).await?;
    }
    for (look, firsts) in FOLLOWED.over(&later) {
        let look = look.bind(count(firsts.len()));
        let look = firsts.iter().fold(look, |look, (no, seq)| look.bind(*no).bind(*seq - 1));
        look.execute(&mut *conn).await?;
    }
    Ok(())
}

/// Inserts instances. The number of each, unless its identity was taken.
async fn start(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    starts: &[(&Start, Option<usize>)],
) -> Result<Vec<Option<InstanceNo>>, Fault> {
    let mut numbers = Vec::with_capacity(starts.len());
    for (statement, starts) in INSTANCES.over(starts) {
        match insert(conn, epoch, statement, starts).await {
            // Each got the number after the one before it.
            Ok(last) => {
                let before = last - i64::try_from(starts.len()).unwrap_or(0);
                numbers.extend((before + 1..=last).map(|no| Some(InstanceNo(no))));
            }
            // Nothing of the statement was done. Nearly always an identity is taken.
            Err(fault) if fault.is_of_the_data() => {
                for start in starts.chunks(1) {
                    let taken = query("SELECT 1 FROM instance WHERE saga = ? AND id = ?");
                    let taken = taken.bind(&*start[0].0.saga).bind(&*start[0].0.id).fetch_optional(&mut *conn).await?;
                    let no = match taken {
                        Some(_) => None,
                        None => Some(InstanceNo(
                            insert(conn, epoch, query(INSTANCES.for_rows(1).unwrap_or_default()), start).await?,
                        )),
                    };
                    numbers.push(no);
                }
            }
            Err(fault) => return Err(fault),
        }
    }
    for ((start, _), no) in starts.iter().zip(&numbers) {
        let Some(no) = no else { continue };
        for (key, value) in &start.labels {
            label(conn, *no, key, Some(value)).await?;
        }
    }
    Ok(numbers)
}

/// The number of the last of them.
async fn insert(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    statement: Bound<'static>,
    starts: &[(&Start, Option<usize>)],
) -> Result<i64, Fault> {
    let insert = starts.iter().fold(statement, |insert, (start, _)| set::instance(insert, epoch, start));
    Ok(insert.execute(conn).await?.last_insert_rowid())
}

/// Sets a label, or removes it.
async fn label(conn: &mut SqliteConnection, no: InstanceNo, key: &str, value: Option<&str>) -> Result<(), Fault> {
    let statement = match value {
        Some(_) => "INSERT INTO label (instance, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = ?3",
        None => "DELETE FROM label WHERE instance = ?1 AND key = ?2",
    };
    let mut change = query(statement).bind(no.0).bind(key);
    if let Some(value) = value {
        change = change.bind(value);
    }
    change.execute(conn).await?;
    Ok(())
}

/// Changes instances' own rows.
async fn touch(conn: &mut SqliteConnection, epoch: Epoch, segment: &Segment<'_>) -> Result<(), Fault> {
    let mut touches: Vec<(InstanceNo, &Touch, Option<Micros>)> = Vec::with_capacity(segment.touches.len());
    for (no, touch) in &segment.touches {
        let mut due_at = touch.due_at();
        if touch.status == Status::Waiting && message_waits(conn, *no, &json(&touch.awaits)).await? {
            due_at = Some(due_at.map_or(touch.at, |due_at| due_at.min(touch.at)));
        }
        touches.push((*no, *touch, due_at));
    }
    for (change, touches) in TOUCHES.over(&touches) {
        let change =
            touches.iter().fold(change, |change, (no, touch, due_at)| set::touch(change, epoch, *no, touch, *due_at));
        let changed = change.execute(&mut *conn).await?;
        if changed.rows_affected() != touches.len() as u64 {
            // Which write of the batch it is, is found out by one that has no other.
            return Err(StoreError::Write { index: 0, reason: "there is no such instance".into() }.into());
        }
    }
    Ok(())
}

/// Whether a message is there, not consumed, that has one of these names (as a JSON array).
async fn message_waits(conn: &mut SqliteConnection, no: InstanceNo, names: &str) -> Result<bool, Fault> {
    let found = query(
        "SELECT 1 FROM message INDEXED BY message_waiting
         WHERE instance = ? AND name IN (SELECT value FROM json_each(?)) AND NOT consumed LIMIT 1",
    );
    Ok(found.bind(no.0).bind(names).fetch_optional(conn).await?.is_some())
}

/// Why a write does not fit what is there, if that can be said.
async fn misfit(conn: &mut SqliteConnection, write: &Write) -> Result<Option<Box<str>>, Fault> {
    let Write::Append(Append { instance: InstanceNo(no), rows, .. }) = write else { return Ok(None) };
    let there = query("SELECT 1 FROM instance WHERE no = ? AND NOT buried").bind(no);
    if there.fetch_optional(&mut *conn).await?.is_none() {
        return Ok(Some(format!("there is no instance {no}").into()));
    }
    let last: Option<i64> =
        query_scalar("SELECT max(last) FROM journal WHERE instance = ?").bind(no).fetch_one(conn).await?;
    let last = last.map_or(0, i64::cast_unsigned);
    let first = rows.first().filter(|Row { seq, .. }| *seq != last + 1);
    Ok(first.map(|first| format!("row {} does not follow row {last}", first.seq).into()))
}
