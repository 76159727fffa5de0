//! What is read, each by one statement, beside whatever is being written.

use super::{Inner, attempt::reading, error::Fault};
use crate::store::{
    Epoch, Instance, InstanceNo, Row, Status, StoreError,
    pack::{Pack, unpack, unpack_each},
};
use sqlx::{PgConnection, Row as _, postgres::PgRow, query, query_scalar};
use std::collections::BTreeSet;

/// The columns of an instance's own row, with its labels as two arrays. The table is called `i`.
macro_rules! instance_columns {
    () => {
        "i.no, i.saga, i.id, i.birth, i.version, i.input_hash, i.parent, i.status, i.due_at, i.wake_at, i.awaits, i.state, \
         i.error, i.owned, i.lost, i.epoch, i.moment, i.started_at, i.ended_at, i.buried, \
         ARRAY(SELECT key FROM saga.label WHERE label.instance = i.no ORDER BY key) AS label_keys, \
         ARRAY(SELECT value FROM saga.label WHERE label.instance = i.no ORDER BY key) AS label_values"
    };
}
pub(super) use instance_columns;

const BY_IDENTITY: &str =
    concat!("SELECT ", instance_columns!(), " FROM saga.instance AS i WHERE i.saga = $1 AND i.id = $2");

const BY_NUMBER: &str = concat!("SELECT ", instance_columns!(), " FROM saga.instance AS i WHERE i.no = $1");

/// Rows of a journal from one on, with those that stand before it in the same row of the table; from the beginning, all: one whose
/// number has changed by itself stands before the first. Parameters: instance, the number, limit.
pub(super) const JOURNAL: &str = "
    SELECT seq, last, at, event, sum FROM saga.journal
    WHERE instance = $1 AND seq >= coalesce((
        SELECT seq FROM saga.journal WHERE instance = $1 AND seq <= $2 AND $2 > 1 ORDER BY seq DESC LIMIT 1
    ), -9223372036854775807)
    ORDER BY seq LIMIT $3";

/// The first rows of several journals. Parameters: instances, the number of the last.
pub(super) const JOURNALS: &str = "
    SELECT instance, seq, last, at, event, sum FROM saga.journal
    WHERE instance = ANY($1) AND seq <= $2 ORDER BY instance, seq";

/// The rows of the table that hold these rows of a journal. Parameters: instance, numbers.
pub(super) const ROWS: &str = "
    SELECT DISTINCT ON (found.seq) found.* FROM unnest($2::bigint[]) AS wanted (seq), LATERAL (
        SELECT seq, last, at, event, sum FROM saga.journal WHERE instance = $1 AND seq <= wanted.seq ORDER BY seq DESC LIMIT 1
    ) AS found
    ORDER BY found.seq";

impl Inner {
    pub(super) async fn read_identity(&self, saga: &str, id: &str) -> Result<Option<Instance>, Fault> {
        reading!(self, conn => self.find_in(conn, saga, id).await)
    }

    /// The instance of this identity, as this connection sees it.
    pub(super) async fn find_in(
        &self,
        conn: &mut PgConnection,
        saga: &str,
        id: &str,
    ) -> Result<Option<Instance>, Fault> {
        // Neither a saga nor an id has one, and Postgres has no way to ask.
        if saga.contains('\0') || id.contains('\0') {
            return Ok(None);
        }
        let found = query(self.names.sql(BY_IDENTITY)).bind(saga).bind(id).fetch_optional(conn).await?;
        found.as_ref().map(instance).transpose()
    }

    /// The instance of this number, as this connection sees it.
    pub(super) async fn by_number(&self, conn: &mut PgConnection, no: InstanceNo) -> Result<Option<Instance>, Fault> {
        let found = query(self.names.sql(BY_NUMBER)).bind(no.0).fetch_optional(conn).await?;
        found.as_ref().map(instance).transpose()
    }

    pub(super) async fn read_journal(&self, no: InstanceNo, from: u64, limit: usize) -> Result<Vec<Row>, Fault> {
        // No row is beyond what Postgres can count.
        let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
        reading!(self, conn => {
            let packs = query(self.names.sql(JOURNAL)).bind(no.0).bind(from).bind(count(limit));
            let packs = packed(&packs.fetch_all(&mut *conn).await?)?;
            let mut rows = unpack(&packs, |seq| seq.cast_signed() >= from);
            rows.truncate(limit);
            Ok(rows)
        })
    }

    pub(super) async fn read_journals(&self, instances: &[InstanceNo], limit: usize) -> Result<Vec<Vec<Row>>, Fault> {
        let numbers: Vec<i64> = instances.iter().map(|instance| instance.0).collect();
        reading!(self, conn => {
            let packs = query(self.names.sql(JOURNALS)).bind(&numbers).bind(count(limit)).fetch_all(&mut *conn).await?;
            let of = |row: &PgRow| Ok::<_, Fault>(InstanceNo(row.try_get("instance")?));
            let of: Vec<InstanceNo> = packs.iter().map(of).collect::<Result<_, _>>()?;
            let packs: Vec<(InstanceNo, Pack)> = of.into_iter().zip(packed(&packs)?).collect();
            Ok(unpack_each(&packs, instances, limit))
        })
    }

    pub(super) async fn read_rows(&self, no: InstanceNo, seqs: &[u64]) -> Result<Vec<Row>, Fault> {
        let numbers: Vec<i64> = seqs.iter().filter_map(|seq| i64::try_from(*seq).ok()).collect();
        let wanted: BTreeSet<u64> = seqs.iter().copied().collect();
        reading!(self, conn => {
            let packs = query(self.names.sql(ROWS)).bind(no.0).bind(&numbers);
            let packs = packed(&packs.fetch_all(&mut *conn).await?)?;
            Ok(unpack(&packs, |seq| wanted.contains(&seq)))
        })
    }

    pub(super) async fn read_length(&self, no: InstanceNo) -> Result<u64, Fault> {
        let sql = "SELECT last FROM saga.journal WHERE instance = $1 ORDER BY seq DESC LIMIT 1";
        reading!(self, conn => {
            let last: Option<i64> =
                query_scalar(self.names.sql(sql)).bind(no.0).fetch_optional(&mut *conn).await?;
            Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
        })
    }

    pub(super) async fn read_tick(&self, name: &str) -> Result<Option<i64>, Fault> {
        let sql = "SELECT at FROM saga.tick WHERE name = $1";
        reading!(self, conn => {
            Ok(query_scalar(self.names.sql(sql)).bind(name).fetch_optional(&mut *conn).await?)
        })
    }
}

/// A limit, as Postgres counts.
pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Reads an instance's own row.
pub(super) fn instance(row: &PgRow) -> Result<Instance, Fault> {
    let no = InstanceNo(row.try_get("no")?);
    let damaged = |what: &str| Fault::from(StoreError::Unusable(format!("instance {}: {what}", no.0).into()));
    let status: &str = row.try_get("status")?;
    let status = Status::of_name(status);
    let input_hash: &[u8] = row.try_get("input_hash")?;
    let owned: bool = row.try_get("owned")?;
    let epoch = Epoch(row.try_get("epoch")?);
    let (keys, values): (Vec<String>, Vec<String>) = (row.try_get("label_keys")?, row.try_get("label_values")?);
    let boxed = |texts: Vec<String>| texts.into_iter().map(String::into_boxed_str);
    Ok(Instance {
        no,
        saga: row.try_get("saga")?,
        id: row.try_get("id")?,
        birth: row.try_get("birth")?,
        version: u32::try_from(row.try_get::<i64, _>("version")?).map_err(|_| damaged("its version is no number"))?,
        input_hash: input_hash.try_into().map_err(|_| damaged("its input's hash is not 32 bytes"))?,
        parent: row.try_get::<Option<i64>, _>("parent")?.map(InstanceNo),
        status: status.ok_or_else(|| damaged("its status is none of this release's"))?,
        wake_at: row.try_get("wake_at")?,
        awaits: boxed(row.try_get("awaits")?).collect(),
        state: row.try_get("state")?,
        error: row.try_get("error")?,
        labels: boxed(keys).zip(boxed(values)).collect(),
        owner: owned.then_some(epoch),
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        buried: row.try_get("buried")?,
    })
}

fn packed(rows: &[PgRow]) -> Result<Vec<Pack>, Fault> {
    let pack = |row: &PgRow| {
        let (first, last, at) = (row.try_get("seq")?, row.try_get("last")?, row.try_get("at")?);
        Ok(Pack::found(first, last, at, row.try_get::<&str, _>("event")?.as_bytes(), row.try_get("sum")?))
    };
    rows.iter().map(pack).collect()
}
