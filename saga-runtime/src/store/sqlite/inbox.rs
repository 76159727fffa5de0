//! Requests to instances, and tombstones.

use super::{
    Sqlite,
    error::Fault,
    read::{by_number, count},
};
use crate::store::{InstanceNo, RequestNo, Status};
use sqlx::{Row as _, SqliteConnection, query, query_scalar};

impl Sqlite {
    pub(super) async fn put_request(
        &self,
        to: InstanceNo,
        body: &str,
        ended: bool,
    ) -> Result<Option<RequestNo>, Fault> {
        let mut transaction = self.begin().await?;
        let put = put(&mut transaction, to, body, ended).await;
        transaction.end(put).await
    }

    pub(super) async fn read_inbox(&self, instance: InstanceNo) -> Result<Vec<(RequestNo, Box<str>)>, Fault> {
        let mut conn = self.readers.take().await?;
        let rows = query("SELECT no, body FROM request WHERE instance = ? ORDER BY no");
        let rows = rows.bind(instance.0).fetch_all(&mut *conn).await?;
        conn.done();
        rows.iter().map(|row| Ok((RequestNo(row.try_get("no")?), row.try_get("body")?))).collect()
    }

    pub(super) async fn read_inboxes(&self, after: Option<InstanceNo>, limit: usize) -> Result<Vec<InstanceNo>, Fault> {
        let after = after.map_or(i64::MIN, |InstanceNo(no)| no);
        let mut conn = self.readers.take().await?;
        let found = query_scalar("SELECT DISTINCT instance FROM request WHERE instance > ? ORDER BY instance LIMIT ?");
        let found: Vec<i64> = found.bind(after).bind(count(limit)).fetch_all(&mut *conn).await?;
        conn.done();
        Ok(found.into_iter().map(InstanceNo).collect())
    }

    pub(super) async fn remove_journal(&self, instance: InstanceNo) -> Result<bool, Fault> {
        let mut transaction = self.begin().await?;
        let removed = bury(&mut transaction, instance).await;
        transaction.end(removed).await
    }
}

async fn put(conn: &mut SqliteConnection, to: InstanceNo, body: &str, ended: bool) -> Result<Option<RequestNo>, Fault> {
    let instance = by_number(conn, to).await?;
    if !instance.is_some_and(|instance| !instance.buried && (ended || !instance.status.is_end())) {
        return Ok(None);
    }
    let no = query_scalar("INSERT INTO request (instance, body) VALUES (?, ?) RETURNING no");
    let no = no.bind(to.0).bind(body).fetch_one(conn).await.map_err(Fault::from);
    // A request is a batch of one.
    no.map(|no| Some(RequestNo(no))).map_err(|fault| fault.of_write(0))
}

async fn bury(conn: &mut SqliteConnection, no: InstanceNo) -> Result<bool, Fault> {
    let instance = by_number(conn, no).await?;
    if !instance.is_some_and(|instance| matches!(instance.status, Status::Completed | Status::Compensated)) {
        return Ok(false);
    }
    query("DELETE FROM journal WHERE instance = ?").bind(no.0).execute(&mut *conn).await?;
    query("DELETE FROM request WHERE instance = ?").bind(no.0).execute(&mut *conn).await?;
    query("UPDATE instance SET buried = 1, owned = 0 WHERE no = ?").bind(no.0).execute(conn).await?;
    Ok(true)
}
