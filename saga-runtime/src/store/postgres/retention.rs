//! How ended instances go: first the journal, then the tombstone.
//!
//! What is to go is looked for beside whatever is being written, and looked at once more when it goes. What a living worker owns
//! stays: it was taken for a decision, and rows may be on their way to its journal.

use super::{
    Inner,
    attempt::{again, reading, writing},
    error::Fault,
    read::count,
};
use crate::store::{Burials, Expired, InstanceNo, Micros};
use sqlx::{PgConnection, query, query_as, query_scalar};

/// The ended instances of one saga and status, the earliest first. Parameters: saga, status, before, limit, and the end
/// and the number of the last one before them.
pub(super) const EXPIRED: &str = "
    SELECT i.ended_at, i.no FROM saga.instance AS i
    WHERE i.saga = $1 AND i.status = $2 AND i.ended_at < $3 AND i.ended_at IS NOT NULL AND NOT i.buried
    AND (i.ended_at, i.no) > ($5, $6)
    AND NOT EXISTS (
        WITH RECURSIVE above (no, parent, ended_at) AS (
            SELECT a.no, a.parent, a.ended_at FROM saga.instance AS a WHERE a.no = i.parent AND a.no < i.no
            UNION ALL
            SELECT a.no, a.parent, a.ended_at FROM above JOIN saga.instance AS a ON a.no = above.parent AND a.no < above.no
        )
        SELECT FROM above WHERE ended_at IS NULL OR ended_at >= $3
    )
    ORDER BY i.ended_at, i.no LIMIT $4";

/// The tombstones of one saga, the earliest first. Parameters: saga, before, limit.
pub(super) const BURIED: &str = "
    SELECT no FROM saga.instance WHERE saga = $1 AND ended_at < $2 AND buried ORDER BY ended_at, no LIMIT $3";

/// Those of these numbers that may be buried, which nobody touches from then on. Parameters: numbers, the moment before which a
/// parent must have ended, if it matters.
pub(super) const BURIABLE: &str = "
    SELECT i.no FROM saga.instance AS i
    WHERE i.no = ANY ($1) AND i.status IN ('completed', 'compensated') AND NOT i.buried
    AND NOT (i.owned AND EXISTS (SELECT FROM saga.worker WHERE worker.epoch = i.epoch))
    AND NOT EXISTS (
        WITH RECURSIVE above (no, parent, ended_at) AS (
            SELECT a.no, a.parent, a.ended_at FROM saga.instance AS a WHERE a.no = i.parent AND a.no < i.no
            UNION ALL
            SELECT a.no, a.parent, a.ended_at FROM above JOIN saga.instance AS a ON a.no = above.parent AND a.no < above.no
        )
        SELECT FROM above WHERE ended_at IS NULL OR ended_at >= $2
    )
    ORDER BY i.no FOR UPDATE OF i";

/// Parameter: numbers.
pub(super) const REMOVE: &str = "
    WITH rows AS (
        DELETE FROM saga.journal WHERE instance = ANY ($1)
    ), requests AS (
        DELETE FROM saga.request WHERE instance = ANY ($1)
    ), messages AS (
        DELETE FROM saga.message WHERE instance = ANY ($1)
    ), labels AS (
        DELETE FROM saga.label WHERE instance = ANY ($1)
    )
    UPDATE saga.instance SET buried = true, owned = false WHERE no = ANY ($1)";

/// Parameter: numbers.
const FORGET: &str = "
    DELETE FROM saga.instance WHERE no = ANY (ARRAY(
        SELECT no FROM saga.instance WHERE no = ANY ($1) AND buried ORDER BY no FOR UPDATE
    ))";

impl Inner {
    pub(super) async fn bury_one(&self, no: InstanceNo) -> Result<bool, Fault> {
        again!({
            let mut transaction = self.begin(&self.work).await?;
            let buried = async {
                if self.bury(&mut transaction, &[no.0], None).await? == 1 {
                    return Ok(true);
                }
                let sql = "SELECT buried FROM saga.instance WHERE no = $1";
                let buried = query_scalar(self.names.sql(sql)).bind(no.0).fetch_optional(&mut *transaction).await?;
                Ok(buried == Some(true))
            };
            let buried = buried.await;
            transaction.end(buried).await
        })
    }

    pub(super) async fn bury_expired(&self, expired: &Expired) -> Result<Burials, Fault> {
        let (after, above) = expired.after.map_or((Micros::MIN, i64::MIN), |(ended, no)| (ended, no.0));
        let found = reading!(self, conn => {
            let mut found: Vec<(Micros, i64)> = Vec::new();
            for status in expired.statuses.iter().filter(|status| status.is_settled()) {
                let some = query_as(self.names.sql(EXPIRED)).bind(&*expired.saga).bind(status.name());
                let some = some.bind(expired.before).bind(count(expired.limit)).bind(after).bind(above);
                found.append(&mut some.fetch_all(&mut *conn).await?);
            }
            Ok(found)
        });
        let mut found = found?;
        found.sort_unstable();
        found.dedup();
        found.truncate(expired.limit);
        let last = found.last().filter(|_| found.len() == expired.limit).map(|&(ended, no)| (ended, InstanceNo(no)));
        let numbers: Vec<_> = found.into_iter().map(|(_, no)| no).collect();
        if numbers.is_empty() {
            return Ok(Burials::default());
        }
        let gone = again!({
            let mut transaction = self.begin(&self.work).await?;
            let buried = self.bury(&mut transaction, &numbers, Some(expired.before)).await;
            transaction.end(buried).await
        });
        Ok(Burials { gone: gone?, last })
    }

    async fn bury(&self, conn: &mut PgConnection, numbers: &[i64], before: Option<Micros>) -> Result<u64, Fault> {
        let found = query_scalar(self.names.sql(BURIABLE)).bind(numbers).bind(before);
        let found: Vec<i64> = found.fetch_all(&mut *conn).await?;
        if found.is_empty() {
            return Ok(0);
        }
        let removed = query(self.names.sql(REMOVE)).bind(&found).execute(conn).await?;
        Ok(removed.rows_affected())
    }

    pub(super) async fn forget_tombstones(&self, saga: &str, before: Micros, limit: usize) -> Result<u64, Fault> {
        let found = reading!(self, conn => {
            let found = query_scalar(self.names.sql(BURIED)).bind(saga).bind(before).bind(count(limit));
            Ok(found.fetch_all(&mut *conn).await?)
        });
        let found: Vec<i64> = found?;
        if found.is_empty() {
            return Ok(0);
        }
        writing!(self, conn => {
            Ok(query(self.names.sql(FORGET)).bind(&found).execute(&mut *conn).await?.rows_affected())
        })
    }

    pub(super) async fn write_tick(&self, name: &str, at: Micros) -> Result<(), Fault> {
        let sql = "INSERT INTO saga.tick AS t (name, at) VALUES ($1, $2)
                   ON CONFLICT (name) DO UPDATE SET at = greatest(t.at, excluded.at)";
        writing!(self, conn => {
            query(self.names.sql(sql)).bind(name).bind(at).execute(&mut *conn).await?;
            Ok(())
        })
    }
}
