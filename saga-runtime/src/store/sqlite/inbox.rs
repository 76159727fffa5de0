//! Requests and messages to instances.

use super::{
    Sqlite,
    error::Fault,
    read::{by_number, count, find, json},
};
use crate::store::{Epoch, InstanceNo, Message, MessageNo, Micros, Received, Request, RequestNo, Sent};
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

    pub(super) async fn read_inboxes(
        &self,
        epoch: Epoch,
        sagas: &[&str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<InstanceNo>, Fault> {
        let after = after.map_or(i64::MIN, |InstanceNo(no)| no);
        let mut conn = self.readers.take().await?;
        let found = query_scalar(
            "SELECT DISTINCT request.instance FROM request CROSS JOIN instance ON instance.no = request.instance
             WHERE request.instance > ? AND saga IN (SELECT value FROM json_each(?))
             AND NOT (status = 'waits_for_build' AND NOT owned AND epoch = ?) ORDER BY request.instance LIMIT ?",
        );
        let found = found.bind(after).bind(json(sagas)).bind(epoch.0).bind(count(limit));
        let found: Vec<i64> = found.fetch_all(&mut *conn).await?;
        conn.done();
        Ok(found.into_iter().map(InstanceNo).collect())
    }

    pub(super) async fn send_message(
        &self,
        saga: &str,
        id: &str,
        message: &Message,
        at: Micros,
    ) -> Result<Sent, Fault> {
        let mut transaction = self.begin().await?;
        let sent = send(&mut transaction, saga, id, message, at).await;
        transaction.end(sent).await
    }

    pub(super) async fn read_messages(&self, instance: InstanceNo) -> Result<Vec<Received>, Fault> {
        let mut conn = self.readers.take().await?;
        let rows = query(
            "SELECT no, name, id, body, at FROM message INDEXED BY message_waiting
             WHERE instance = ? AND NOT consumed ORDER BY no",
        );
        let rows = rows.bind(instance.0).fetch_all(&mut *conn).await?;
        conn.done();
        let received = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Received {
                no: MessageNo(row.try_get("no")?),
                name: row.try_get("name")?,
                id: row.try_get("id")?,
                body: row.try_get("body")?,
                at: row.try_get("at")?,
            })
        };
        rows.iter().map(received).collect()
    }
}

async fn send(conn: &mut SqliteConnection, saga: &str, id: &str, message: &Message, at: Micros) -> Result<Sent, Fault> {
    match find(conn, saga, id).await? {
        // A message is a batch of one.
        Some(instance) => deliver(conn, instance.no, message, at).await.map_err(|fault| fault.of_write(0)),
        None => Ok(Sent::Unknown),
    }
}

/// Stores a message for an instance, and makes it due if it waits for one of this name.
pub(super) async fn deliver(
    conn: &mut SqliteConnection,
    to: InstanceNo,
    message: &Message,
    at: Micros,
) -> Result<Sent, Fault> {
    let known = query_scalar("SELECT body FROM message WHERE instance = ? AND name = ? AND id = ?");
    let known: Option<Box<str>> =
        known.bind(to.0).bind(&*message.name).bind(&*message.id).fetch_optional(&mut *conn).await?;
    if let Some(body) = known {
        return Ok(if body == message.body { Sent::Duplicate(to) } else { Sent::Conflict(to) });
    }
    let Some(instance) = by_number(conn, to).await? else { return Ok(Sent::Unknown) };
    if instance.status.is_end() {
        return Ok(Sent::Ended(to));
    }
    let due = instance.awaits.contains(&message.name);
    let raise = query(
        "UPDATE instance SET moment = max(moment, ?1), due_at = iif(?2, min(coalesce(due_at, ?1), ?1), due_at)
         WHERE no = ?3",
    );
    raise.bind(at).bind(due).bind(to.0).execute(&mut *conn).await?;
    let insert = query(
        "INSERT INTO message (instance, name, id, body, at) SELECT no, ?2, ?3, ?4, moment FROM instance WHERE no = ?1",
    );
    let insert = insert.bind(to.0).bind(&*message.name).bind(&*message.id).bind(&*message.body);
    insert.execute(conn).await?;
    Ok(Sent::Stored(to))
}

/// Puts a request of another instance into the inbox, if there is one that takes it.
pub(super) async fn forward(conn: &mut SqliteConnection, request: &Request) -> Result<(), Fault> {
    if let Some(instance) = find(conn, &request.saga, &request.id).await? {
        put(conn, instance.no, &request.body, false).await?;
    }
    Ok(())
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
