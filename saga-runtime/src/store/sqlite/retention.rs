//! How ended instances go: first the journal, then the tombstone.
//!
//! What is to go is looked for beside whatever is being written, and looked at once more when it goes.

use super::{
    Sqlite,
    error::Fault,
    read::{count, json},
};
use crate::store::{Burials, Expired, InstanceNo, Micros};
use sqlx::{SqliteConnection, query, query_scalar};

/// The ended instances of one saga and status, the earliest first, but for those above which somebody has not ended: they may have to be
/// undone. Parameters: saga, status, before, limit, and the end and the number of the last one before them.
pub(super) const EXPIRED: &str = "
    SELECT ended_at, no FROM instance INDEXED BY instance_ended
    WHERE saga = ?1 AND status = ?2 AND ended_at < ?3 AND (ended_at, no) > (?5, ?6) AND NOT buried
    AND NOT EXISTS (
        WITH RECURSIVE above (no, parent, ended_at) AS (
            SELECT i.no, i.parent, i.ended_at FROM instance AS i WHERE i.no = instance.parent AND i.no < instance.no
            UNION ALL
            SELECT i.no, i.parent, i.ended_at FROM above JOIN instance AS i ON i.no = above.parent AND i.no < above.no
        )
        SELECT 1 FROM above WHERE ended_at IS NULL OR ended_at >= ?3
    )
    ORDER BY ended_at, no LIMIT ?4";

/// The tombstones of one saga, the earliest first. Parameters: saga, before, limit.
pub(super) const BURIED: &str = "
    SELECT no FROM instance INDEXED BY instance_buried WHERE saga = ?1 AND ended_at < ?2 AND buried
    ORDER BY ended_at, no LIMIT ?3";

/// Those of these numbers that may be buried. Parameters: numbers as a JSON array, the moment before which a parent must
/// have ended, if it matters.
const BURIABLE: &str = "
    SELECT no FROM instance
    WHERE no IN (SELECT value FROM json_each(?1)) AND status IN ('completed', 'compensated') AND NOT buried
    AND NOT EXISTS (
        WITH RECURSIVE above (no, parent, ended_at) AS (
            SELECT i.no, i.parent, i.ended_at FROM instance AS i WHERE i.no = instance.parent AND i.no < instance.no
            UNION ALL
            SELECT i.no, i.parent, i.ended_at FROM above JOIN instance AS i ON i.no = above.parent AND i.no < above.no
        )
        SELECT 1 FROM above WHERE ended_at IS NULL OR ended_at >= ?2
    )";

impl Sqlite {
    pub(super) async fn bury_one(&self, no: InstanceNo) -> Result<bool, Fault> {
        let mut transaction = self.begin().await?;
        let buried = bury_one(&mut transaction, no).await;
        transaction.end(buried).await
    }

    pub(super) async fn bury_expired(&self, expired: &Expired) -> Result<Burials, Fault> {
        let (after, above) = expired.after.map_or((Micros::MIN, i64::MIN), |(ended, no)| (ended, no.0));
        let mut found: Vec<(Micros, i64)> = Vec::new();
        let mut conn = self.readers.take().await?;
        for status in expired.statuses.iter().filter(|status| status.is_settled()) {
            let some = sqlx::query_as(EXPIRED).bind(&*expired.saga).bind(status.name());
            let some = some.bind(expired.before).bind(count(expired.limit)).bind(after).bind(above);
            found.append(&mut some.fetch_all(&mut *conn).await?);
        }
        conn.done();
        found.sort_unstable();
        found.dedup();
        found.truncate(expired.limit);
        let last = found.last().filter(|_| found.len() == expired.limit).map(|&(ended, no)| (ended, InstanceNo(no)));
        let numbers: Vec<_> = found.into_iter().map(|(_, no)| no).collect();
        if numbers.is_empty() {
            return Ok(Burials::default());
        }
        let mut transaction = self.begin().await?;
        let buried = bury(&mut transaction, &numbers, Some(expired.before)).await;
        transaction.end(buried.map(|gone| Burials { gone, last })).await
    }

    pub(super) async fn forget_tombstones(&self, saga: &str, before: Micros, limit: usize) -> Result<u64, Fault> {
        let mut conn = self.readers.take().await?;
        let found = query_scalar(BURIED).bind(saga).bind(before).bind(count(limit));
        let found: Vec<i64> = found.fetch_all(&mut *conn).await?;
        conn.done();
        if found.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.begin().await?;
        let forget = query("DELETE FROM instance WHERE no IN (SELECT value FROM json_each(?)) AND buried");
        let forgotten = forget.bind(json(&found)).execute(&mut *transaction).await;
        transaction.end(forgotten.map(|done| done.rows_affected()).map_err(Fault::from)).await
    }

    pub(super) async fn write_tick(&self, name: &str, at: Micros) -> Result<(), Fault> {
        let mut transaction = self.begin().await?;
        let set =
            query("INSERT INTO tick (name, at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)");
        let set = set.bind(name).bind(at).execute(&mut *transaction).await;
        transaction.end(set.map(|_| ()).map_err(Fault::from)).await
    }
}

async fn bury_one(conn: &mut SqliteConnection, no: InstanceNo) -> Result<bool, Fault> {
    let buried: Option<bool> =
        query_scalar("SELECT buried FROM instance WHERE no = ?").bind(no.0).fetch_optional(&mut *conn).await?;
    Ok(buried == Some(true) || bury(conn, &[no.0], None).await? == 1)
}

async fn bury(conn: &mut SqliteConnection, numbers: &[i64], before: Option<Micros>) -> Result<u64, Fault> {
    let found: Vec<i64> = query_scalar(BURIABLE).bind(json(numbers)).bind(before).fetch_all(&mut *conn).await?;
    let numbers = json(&found);
    for statement in [
        "DELETE FROM journal WHERE instance IN (SELECT value FROM json_each(?))",
        "DELETE FROM request WHERE instance IN (SELECT value FROM json_each(?))",
        "DELETE FROM message WHERE instance IN (SELECT value FROM json_each(?))",
        "DELETE FROM label WHERE instance IN (SELECT value FROM json_each(?))",
    ] {
        query(statement).bind(&*numbers).execute(&mut *conn).await?;
    }
    let mark = query("UPDATE instance SET buried = 1, owned = 0 WHERE no IN (SELECT value FROM json_each(?))");
    Ok(mark.bind(numbers).execute(conn).await?.rows_affected())
}
