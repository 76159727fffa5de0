//! What is read, each by one statement, beside whatever is being written.

use super::{Sqlite, error::Fault};
use crate::store::{
    Epoch, Instance, InstanceNo, Row, Status, StoreError,
    pack::{Pack, unpack, unpack_each},
};
use serde::de::DeserializeOwned;
use sqlx::{Row as _, SqliteConnection, query, query_scalar, sqlite::SqliteRow};
use std::collections::BTreeSet;

/// The columns of an instance's own row, with its labels as a JSON object.
macro_rules! instance_columns {
    () => {
        "no, saga, id, birth, version, input_hash, parent, status, due_at, wake_at, awaits, state, error, owned, lost, epoch, \
         moment, started_at, ended_at, buried, (SELECT json_group_object(key, value) FROM label WHERE label.instance = \
         instance.no) AS labels"
    };
}
pub(super) use instance_columns;

/// A query for instances' own rows: what follows is its `WHERE` and `ORDER BY`.
macro_rules! select_instances {
    ($rest:literal) => {
        concat!("SELECT ", instance_columns!(), " FROM instance ", $rest)
    };
}

impl Sqlite {
    pub(super) async fn read_identity(&self, saga: &str, id: &str) -> Result<Option<Instance>, Fault> {
        let mut conn = self.readers.take().await?;
        let found = find(&mut conn, saga, id).await?;
        conn.done();
        Ok(found)
    }

    pub(super) async fn read_journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Result<Vec<Row>, Fault> {
        // No row is beyond what SQLite can count.
        let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
        let mut conn = self.readers.take().await?;
        // With those that stand before it in the same row of the table; from the beginning, all: one whose number has changed by itself
        // stands before the first.
        let packs = query(
            "SELECT seq, last, at, event, sum FROM journal WHERE instance = ?1 AND seq >= coalesce((
                SELECT max(seq) FROM journal WHERE instance = ?1 AND seq <= ?2 AND ?2 > 1
             ), -9223372036854775807) ORDER BY seq LIMIT ?3",
        );
        let packs = packs.bind(instance.0).bind(from).bind(count(limit)).fetch_all(&mut *conn).await?;
        conn.done();
        let mut rows = unpack(&packed(&packs)?, |seq| seq.cast_signed() >= from);
        rows.truncate(limit);
        Ok(rows)
    }

    pub(super) async fn read_journals(&self, instances: &[InstanceNo], limit: usize) -> Result<Vec<Vec<Row>>, Fault> {
        let mut conn = self.readers.take().await?;
        let packs = query(
            "SELECT instance, seq, last, at, event, sum FROM journal
             WHERE instance IN (SELECT value FROM json_each(?1)) AND seq <= ?2 ORDER BY instance, seq",
        );
        let numbers: Vec<i64> = instances.iter().map(|instance| instance.0).collect();
        let packs = packs.bind(json(&numbers)).bind(count(limit)).fetch_all(&mut *conn).await?;
        conn.done();
        let of = |row: &SqliteRow| Ok::<_, Fault>(InstanceNo(row.try_get("instance")?));
        let of: Vec<InstanceNo> = packs.iter().map(of).collect::<Result<_, _>>()?;
        let packs: Vec<(InstanceNo, Pack)> = of.into_iter().zip(packed(&packs)?).collect();
        Ok(unpack_each(&packs, instances, limit))
    }

    pub(super) async fn read_rows(&self, instance: InstanceNo, seqs: &[u64]) -> Result<Vec<Row>, Fault> {
        let mut conn = self.readers.take().await?;
        let packs = query(
            "SELECT seq, last, at, event, sum FROM journal WHERE instance = ?1 AND seq IN (
                SELECT (SELECT max(seq) FROM journal WHERE instance = ?1 AND seq <= value) FROM json_each(?2)
             ) ORDER BY seq",
        );
        let packs = packs.bind(instance.0).bind(json(seqs)).fetch_all(&mut *conn).await?;
        conn.done();
        let wanted: BTreeSet<u64> = seqs.iter().copied().collect();
        Ok(unpack(&packed(&packs)?, |seq| wanted.contains(&seq)))
    }

    pub(super) async fn read_length(&self, instance: InstanceNo) -> Result<u64, Fault> {
        let mut conn = self.readers.take().await?;
        let last: Option<i64> = query_scalar("SELECT last FROM journal WHERE instance = ? ORDER BY seq DESC LIMIT 1")
            .bind(instance.0)
            .fetch_optional(&mut *conn)
            .await?;
        conn.done();
        Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
    }

    pub(super) async fn read_last_epoch(&self) -> Result<Option<Epoch>, Fault> {
        let mut conn = self.readers.take().await?;
        let last = query_scalar("SELECT epoch FROM store").fetch_one(&mut *conn).await?;
        conn.done();
        Ok(Some(Epoch(last)))
    }

    pub(super) async fn read_tick(&self, name: &str) -> Result<Option<i64>, Fault> {
        let mut conn = self.readers.take().await?;
        let at = query_scalar("SELECT at FROM tick WHERE name = ?").bind(name).fetch_optional(&mut *conn).await?;
        conn.done();
        Ok(at)
    }
}

/// The instance of this identity, as this connection sees it.
pub(super) async fn find(conn: &mut SqliteConnection, saga: &str, id: &str) -> Result<Option<Instance>, Fault> {
    let found = query(select_instances!("WHERE saga = ? AND id = ?")).bind(saga).bind(id);
    found.fetch_optional(conn).await?.as_ref().map(instance).transpose()
}

/// The instance of this number, as this connection sees it.
pub(super) async fn by_number(conn: &mut SqliteConnection, no: InstanceNo) -> Result<Option<Instance>, Fault> {
    let found = query(select_instances!("WHERE no = ?")).bind(no.0);
    found.fetch_optional(conn).await?.as_ref().map(instance).transpose()
}

/// A limit, as SQLite counts.
pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A list of names or numbers, as one parameter.
pub(super) fn json(values: &(impl serde::Serialize + ?Sized)) -> String {
    // Names and numbers have no way to fail.
    serde_json::to_string(values).unwrap_or_default()
}

/// Reads an instance's own row.
///
/// What is damaged in it is read as well as it can be: a row that were an error would be one of every claim and every list that it is
/// in, and keep the others from running.
pub(super) fn instance(row: &SqliteRow) -> Result<Instance, Fault> {
    let no = InstanceNo(row.try_get("no")?);
    let damaged = |what: &str| Fault::from(StoreError::Unusable(format!("instance {}: {what}", no.0).into()));
    let status: &str = row.try_get("status")?;
    let status = Status::of_name(status);
    let input_hash: &[u8] = row.try_get("input_hash")?;
    let owned: bool = row.try_get("owned")?;
    let epoch = Epoch(row.try_get("epoch")?);
    Ok(Instance {
        no,
        saga: text(row, "saga")?.unwrap_or_default(),
        id: text(row, "id")?.unwrap_or_default(),
        birth: text(row, "birth")?.unwrap_or_default(),
        version: row.try_get("version")?,
        input_hash: input_hash.try_into().map_err(|_| damaged("its input's hash is not 32 bytes"))?,
        parent: row.try_get::<Option<i64>, _>("parent")?.map(InstanceNo),
        status: status.ok_or_else(|| damaged("its status is none of this release's"))?,
        wake_at: row.try_get("wake_at")?,
        awaits: parsed(row, "awaits")?,
        state: text(row, "state")?,
        error: text(row, "error")?,
        labels: parsed(row, "labels")?,
        owner: owned.then_some(epoch),
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        buried: row.try_get("buried")?,
    })
}

/// A text, with a mark in place of what is none.
fn text(row: &SqliteRow, column: &str) -> Result<Option<Box<str>>, Fault> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into()))
}

/// A column that holds JSON; nothing, if it is none.
fn parsed<T: DeserializeOwned + Default>(row: &SqliteRow, column: &str) -> Result<T, Fault> {
    let text = text(row, column)?.unwrap_or_default();
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

fn packed(rows: &[SqliteRow]) -> Result<Vec<Pack>, Fault> {
    let pack = |row: &SqliteRow| {
        let (first, last, at) = (row.try_get("seq")?, row.try_get("last")?, row.try_get("at")?);
        Ok(Pack::found(first, last, at, row.try_get("event")?, row.try_get("sum")?))
    };
    rows.iter().map(pack).collect()
}
