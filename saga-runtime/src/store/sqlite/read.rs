//! What is read, each by one statement, beside whatever is being written.

use super::{Sqlite, error::Fault};
use crate::store::{Epoch, Instance, InstanceNo, Row, Status, StoreError};
use sqlx::{Row as _, SqliteConnection, query, sqlite::SqliteRow};

/// A query for instances' own rows: what follows is its `WHERE` and `ORDER BY`.
macro_rules! select_instances {
    ($rest:literal) => {
        concat!(
            "SELECT no, saga, id, birth, version, input_hash, status, wake_at, state, owned, epoch, started_at, ended_at, \
             buried FROM instance ",
            $rest
        )
    };
}

impl Sqlite {
    pub(super) async fn read_identity(&self, saga: &str, id: &str) -> Result<Option<Instance>, Fault> {
        let mut conn = self.readers.take().await?;
        let found = find(&mut conn, saga, id).await?;
        conn.done();
        Ok(found)
    }

    pub(super) async fn read_list(
        &self,
        statuses: &[Status],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<Instance>, Fault> {
        let after = after.map_or(i64::MIN, |InstanceNo(no)| no);
        let mut conn = self.readers.take().await?;
        let mut found = Vec::new();
        if statuses.is_empty() {
            let all = query(select_instances!("WHERE no > ? ORDER BY no LIMIT ?"));
            found = all.bind(after).bind(count(limit)).fetch_all(&mut *conn).await?;
        }
        // One query for each status: together they could not be read in order from the index.
        for status in Status::ALL.into_iter().filter(|status| statuses.contains(status)) {
            let some = query(select_instances!("WHERE status = ? AND no > ? ORDER BY no LIMIT ?"));
            let some = some.bind(status_name(status)).bind(after).bind(count(limit));
            found.append(&mut some.fetch_all(&mut *conn).await?);
        }
        conn.done();
        let mut found = found.iter().map(instance).collect::<Result<Vec<_>, _>>()?;
        // Read one after the other, an instance that went from one status to another between them would be listed twice.
        found.sort_by_key(|instance| instance.no);
        found.dedup_by_key(|instance| instance.no);
        found.truncate(limit);
        Ok(found)
    }

    pub(super) async fn read_journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Result<Vec<Row>, Fault> {
        // No row is beyond what SQLite can count.
        let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
        let mut conn = self.readers.take().await?;
        let rows = query("SELECT seq, at, event FROM journal WHERE instance = ? AND seq >= ? ORDER BY seq LIMIT ?");
        let rows = rows.bind(instance.0).bind(from).bind(count(limit)).fetch_all(&mut *conn).await?;
        conn.done();
        rows.iter().map(journal_row).collect()
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

/// A status, as it is written.
pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Ready => "ready",
        Status::Sleeping => "sleeping",
        Status::Parked => "parked",
        Status::WaitsForBuild => "waits_for_build",
        Status::Completed => "completed",
        Status::Compensated => "compensated",
        Status::CompensatedWithDebt => "compensated_with_debt",
    }
}

/// Reads an instance's own row.
pub(super) fn instance(row: &SqliteRow) -> Result<Instance, Fault> {
    let no = InstanceNo(row.try_get("no")?);
    let damaged = |what: &str| Fault::from(StoreError::Unusable(format!("instance {}: {what}", no.0).into()));
    let status: &str = row.try_get("status")?;
    let status = Status::ALL.into_iter().find(|known| status_name(*known) == status);
    let input_hash: &[u8] = row.try_get("input_hash")?;
    let owned: bool = row.try_get("owned")?;
    let epoch = Epoch(row.try_get("epoch")?);
    Ok(Instance {
        no,
        saga: row.try_get("saga")?,
        id: row.try_get("id")?,
        birth: row.try_get("birth")?,
        version: row.try_get("version")?,
        input_hash: input_hash.try_into().map_err(|_| damaged("its input's hash is not 32 bytes"))?,
        status: status.ok_or_else(|| damaged("its status is none of this release's"))?,
        wake_at: row.try_get("wake_at")?,
        state: row.try_get("state")?,
        owner: owned.then_some(epoch),
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        buried: row.try_get("buried")?,
    })
}

fn journal_row(row: &SqliteRow) -> Result<Row, Fault> {
    let seq: i64 = row.try_get("seq")?;
    let seq = u64::try_from(seq).map_err(|_| StoreError::Unusable(format!("a journal row has number {seq}").into()))?;
    Ok(Row { seq, at: row.try_get("at")?, event: row.try_get("event")? })
}
