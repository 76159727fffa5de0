//! The group commit's one transaction.

use super::{
    Sqlite,
    error::Fault,
    inbox::{deliver, forward},
    read::{find, json, status_name},
};
use crate::store::{Append, Epoch, InstanceNo, Row, Start, Status, StoreError, Touch, Write, Written};
use sqlx::{SqliteConnection, query, query_scalar};

/// Journal rows that one statement inserts, as long as there are so many: three statements to prepare, whatever the batch.
const MANY: usize = 32;
/// The same, for what is left.
const SOME: usize = 8;

macro_rules! eight_rows {
    () => {
        "(?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?)"
    };
}

macro_rules! insert_rows {
    ($($rows:expr),+) => {
        concat!("INSERT INTO journal (instance, seq, at, event) VALUES ", $($rows),+)
    };
}

const INSERT_ONE: &str = insert_rows!("(?, ?, ?, ?)");
const INSERT_SOME: &str = insert_rows!(eight_rows!());
const INSERT_MANY: &str = insert_rows!(eight_rows!(), ", ", eight_rows!(), ", ", eight_rows!(), ", ", eight_rows!());

/// A journal row and whose it is.
type Line<'a> = (InstanceNo, &'a Row);

impl Sqlite {
    /// Writes a batch. If its data are to blame it is tried again one write at a time, which names the culprit.
    pub(super) async fn write_batch(&self, epoch: Epoch, writes: &[Write]) -> Result<Vec<Written>, Fault> {
        match self.try_batch(epoch, writes, false).await {
            Err(fault) if fault.is_of_the_data() => self.try_batch(epoch, writes, true).await,
            result => result,
        }
    }

    async fn try_batch(&self, epoch: Epoch, writes: &[Write], one_by_one: bool) -> Result<Vec<Written>, Fault> {
        let mut transaction = self.begin_as(epoch).await?;
        let written = write_all(&mut transaction, epoch, writes, one_by_one).await;
        transaction.end(written).await
    }
}

pub(super) async fn write_all(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    writes: &[Write],
    one_by_one: bool,
) -> Result<Vec<Written>, Fault> {
    let mut answers = Vec::with_capacity(writes.len());
    let mut lines = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        let mut written = write_own_row(conn, epoch, write, &mut lines).await;
        if one_by_one && written.is_ok() {
            if let Err(fault) = insert(conn, &lines).await {
                written = Err(fault);
            }
            lines.clear();
        }
        answers.push(written.map_err(|fault| fault.of_write(index))?);
    }
    insert(conn, &lines).await?;
    Ok(answers)
}

/// Writes what a write says of the instance's own row and its inbox. The journal's rows are collected: those of all
/// writes are inserted together, in order.
async fn write_own_row<'a>(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    write: &'a Write,
    lines: &mut Vec<Line<'a>>,
) -> Result<Written, Fault> {
    match write {
        Write::Start(start) => {
            let Some(no) = insert_instance(conn, epoch, start).await? else {
                return exists(conn, start).await;
            };
            lines.extend(start.rows.iter().map(|row| (no, row)));
            Ok(Written::Started(no))
        }
        Write::Append(append) => {
            lines.extend(append.rows.iter().map(|row| (append.instance, row)));
            change(conn, epoch, append).await?;
            for start in &append.starts {
                if let Some(no) = insert_instance(conn, epoch, start).await? {
                    lines.extend(start.rows.iter().map(|row| (no, row)));
                }
            }
            for delivery in &append.sends {
                deliver(conn, delivery.to, &delivery.message, delivery.at).await?;
            }
            for request in &append.requests {
                forward(conn, request).await?;
            }
            Ok(Written::Appended)
        }
    }
}

/// `None` if the identity is taken.
async fn insert_instance(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    start: &Start,
) -> Result<Option<InstanceNo>, Fault> {
    let insert = query_scalar(
        "INSERT INTO instance (saga, id, birth, version, input_hash, parent, status, due_at, wake_at, owned, epoch, moment,
         started_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, iif(?7 IS NULL, 'ready', 'sleeping'), coalesce(?7, ?8), ?7, ?9, ?10, ?8, ?8
         WHERE NOT EXISTS (SELECT 1 FROM instance WHERE saga = ?1 AND id = ?2) RETURNING no",
    );
    let insert = insert.bind(&*start.saga).bind(&*start.id).bind(&*start.birth).bind(start.version);
    let insert = insert.bind(&start.input_hash[..]).bind(start.parent.map(|InstanceNo(no)| no)).bind(start.wake_at);
    let insert = insert.bind(start.at).bind(start.owned).bind(epoch.0);
    let Some(no) = insert.fetch_optional(&mut *conn).await?.map(InstanceNo) else { return Ok(None) };
    for (key, value) in &start.labels {
        label(conn, no, key, Some(value)).await?;
    }
    Ok(Some(no))
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

async fn exists(conn: &mut SqliteConnection, start: &Start) -> Result<Written, Fault> {
    match find(conn, &start.saga, &start.id).await? {
        Some(instance) => Ok(Written::Exists(Box::new(instance))),
        None => Err(StoreError::Unusable("an identity is taken by an instance that is not there".into()).into()),
    }
}

/// What an append says of the instance itself, in the order that the contract gives.
async fn change(conn: &mut SqliteConnection, epoch: Epoch, append: &Append) -> Result<(), Fault> {
    let no = append.instance;
    for request in &append.consumed {
        query("DELETE FROM request WHERE no = ? AND instance = ?")
            .bind(request.0)
            .bind(no.0)
            .execute(&mut *conn)
            .await?;
    }
    for message in &append.received {
        query("UPDATE message SET consumed = 1 WHERE no = ? AND instance = ? AND NOT consumed")
            .bind(message.0)
            .bind(no.0)
            .execute(&mut *conn)
            .await?;
    }
    for (key, value) in &append.labels {
        label(conn, no, key, value.as_deref()).await?;
    }
    let found = match &append.touch {
        Some(touch) => update_instance(conn, epoch, no, touch).await?,
        // The journal's own trigger looks.
        None if !append.rows.is_empty() => true,
        None => query("SELECT 1 FROM instance WHERE no = ? AND NOT buried")
            .bind(no.0)
            .fetch_optional(&mut *conn)
            .await?
            .is_some(),
    };
    if !found {
        // Which write of the batch it is, the caller knows.
        return Err(StoreError::Write { index: 0, reason: "there is no such instance".into() }.into());
    }
    Ok(())
}

/// `false` if there is no such instance.
async fn update_instance(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    no: InstanceNo,
    touch: &Touch,
) -> Result<bool, Fault> {
    let ends = touch.status.is_end();
    let awaits = (touch.status == Status::Waiting).then(|| json(&touch.awaits));
    let due = match touch.status {
        Status::Ready | Status::Sleeping | Status::WaitsForBuild => Some(touch.wake_at.unwrap_or(touch.at)),
        Status::Waiting if message_waits(conn, no, awaits.as_deref()).await? => {
            Some(touch.wake_at.map_or(touch.at, |wake_at| wake_at.min(touch.at)))
        }
        Status::Waiting => touch.wake_at,
        Status::Parked | Status::Completed | Status::Compensated | Status::CompensatedWithDebt => None,
    };
    let update = query(
        "UPDATE instance SET status = ?1, due_at = ?2, wake_at = ?3, awaits = ?4, state = ?5, error = ?6, owned = ?7,
         epoch = ?8, moment = max(moment, ?9), ended_at = CASE WHEN ?10 THEN coalesce(ended_at, ?9) END, queued = ?12
         WHERE no = ?11 AND NOT buried",
    );
    let update = update.bind(status_name(touch.status)).bind(due).bind(touch.wake_at).bind(awaits);
    let update = update.bind(touch.state.as_deref()).bind(touch.error.as_deref()).bind(touch.owned && !ends);
    let update = update.bind(epoch.0).bind(touch.at).bind(ends).bind(no.0).bind(touch.queued);
    Ok(update.execute(conn).await?.rows_affected() == 1)
}

/// Whether a message is there, not consumed, that has one of these names (as a JSON array).
async fn message_waits(conn: &mut SqliteConnection, no: InstanceNo, names: Option<&str>) -> Result<bool, Fault> {
    let found = query(
        "SELECT 1 FROM message INDEXED BY message_waiting
         WHERE instance = ? AND name IN (SELECT value FROM json_each(?)) AND NOT consumed LIMIT 1",
    );
    Ok(found.bind(no.0).bind(names).fetch_optional(conn).await?.is_some())
}

/// Inserts journal rows, in order.
async fn insert(conn: &mut SqliteConnection, lines: &[Line<'_>]) -> Result<(), Fault> {
    let (many, rest) = lines.as_chunks::<MANY>();
    let (some, rest) = rest.as_chunks::<SOME>();
    let chunks = many.iter().map(|chunk| (INSERT_MANY, &chunk[..]));
    let chunks = chunks.chain(some.iter().map(|chunk| (INSERT_SOME, &chunk[..])));
    let chunks = chunks.chain(rest.chunks(1).map(|chunk| (INSERT_ONE, chunk)));
    for (statement, chunk) in chunks {
        let mut insert = query(statement);
        for (no, row) in chunk {
            let seq = i64::try_from(row.seq).map_err(|_| StoreError::Write {
                index: 0,
                reason: format!("row {} is beyond what SQLite can count", row.seq).into(),
            })?;
            insert = insert.bind(no.0).bind(seq).bind(row.at).bind(&*row.event);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}
