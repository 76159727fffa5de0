//! Requests and messages to instances.
//!
//! Whoever sends locks the instance's row first, as does whoever ends it: one comes after the other.

use super::{
    Inner,
    attempt::{reading, writing},
    error::Fault,
    news::Word,
    read::count,
};
use crate::store::{Epoch, InstanceNo, Message, MessageNo, Micros, Received, RequestNo, Sent};
use sqlx::{Row as _, postgres::PgRow, query, query_as, query_scalar};

/// Parameters: instance, body, whether it may have ended.
pub(super) const REQUEST: &str = "
    WITH target AS MATERIALIZED (
        SELECT no, owned, epoch FROM saga.instance WHERE no = $1 AND NOT buried AND ($3 OR ended_at IS NULL) FOR NO KEY UPDATE
    ), put AS (
        INSERT INTO saga.request (instance, body) SELECT no, $2 FROM target RETURNING no
    )
    SELECT put.no, target.owned, target.epoch FROM put, target";

/// Parameters: saga, id, name, the message's id, body, moment. What is read of the instance is what it is once the row is locked.
pub(super) const SEND: &str = "
    WITH target AS MATERIALIZED (
        SELECT no, awaits, moment, owned, epoch, ended_at FROM saga.instance WHERE saga = $1 AND id = $2 FOR NO KEY UPDATE
    ), stored AS (
        INSERT INTO saga.message (instance, name, id, body, at)
        SELECT no, $3, $4, $5, greatest(moment, $6) FROM target WHERE ended_at IS NULL
        ON CONFLICT (instance, name, id) DO NOTHING RETURNING instance
    ), raised AS (
        UPDATE saga.instance AS i SET moment = greatest(i.moment, $6),
            due_at = CASE WHEN $3 = ANY (i.awaits) THEN least(coalesce(i.due_at, $6), $6) ELSE i.due_at END
        WHERE i.no = (SELECT instance FROM stored)
    )
    SELECT no, owned, epoch, $3 = ANY (awaits) AS due, EXISTS (SELECT FROM stored) AS stored FROM target";

/// What is known of a message that was not stored. Parameters: saga, id, name, the message's id.
pub(super) const KNOWN: &str = "
    SELECT i.no, i.ended_at, m.body FROM saga.instance AS i
    LEFT JOIN saga.message AS m ON m.instance = i.no AND m.name = $3 AND m.id = $4
    WHERE i.saga = $1 AND i.id = $2";

/// Parameters: after which instance, limit, epoch, sagas.
pub(super) const INBOXES: &str = "
    SELECT DISTINCT r.instance FROM saga.request AS r, LATERAL (
        SELECT 1 FROM saga.instance AS i
        WHERE i.no = r.instance AND i.saga = ANY ($4) AND NOT i.buried
        AND (i.epoch = $3 OR NOT i.owned OR (SELECT 1 FROM saga.worker WHERE epoch = i.epoch) IS NULL)
        AND NOT (i.status = 'waits_for_build' AND $3 = ANY (i.given_back)) LIMIT 1
    ) AS mine
    WHERE r.instance > $1 ORDER BY r.instance LIMIT $2";

impl Inner {
    pub(super) async fn put_request(
        &self,
        to: InstanceNo,
        body: &str,
        ended: bool,
    ) -> Result<Option<RequestNo>, Fault> {
        let put = writing!(self, conn => {
            let put = query_as(self.names.sql(REQUEST)).bind(to.0).bind(body).bind(ended);
            Ok(put.fetch_optional(&mut *conn).await?)
        });
        // A request is a batch of one.
        let put: Option<(i64, bool, i64)> = put.map_err(|fault| fault.of_write(0))?;
        let Some((no, owned, epoch)) = put else { return Ok(None) };
        self.tell(Word::Request(owned.then_some(Epoch(epoch)), to));
        Ok(Some(RequestNo(no)))
    }

    pub(super) async fn read_inbox(&self, instance: InstanceNo) -> Result<Vec<(RequestNo, Box<str>)>, Fault> {
        let sql = "SELECT no, body FROM saga.request WHERE instance = $1 ORDER BY no";
        reading!(self, conn => {
            let rows = query(self.names.sql(sql)).bind(instance.0).fetch_all(&mut *conn).await?;
            rows.iter().map(|row| Ok((RequestNo(row.try_get("no")?), row.try_get("body")?))).collect()
        })
    }

    pub(super) async fn read_inboxes(
        &self,
        epoch: Epoch,
        sagas: &[&str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Result<Vec<InstanceNo>, Fault> {
        let after = after.map_or(i64::MIN, |InstanceNo(no)| no);
        reading!(self, conn => {
            let found = query_scalar(self.names.sql(INBOXES)).bind(after).bind(count(limit)).bind(epoch.0).bind(sagas);
            let found: Vec<i64> = found.fetch_all(&mut *conn).await?;
            Ok(found.into_iter().map(InstanceNo).collect())
        })
    }

    pub(super) async fn send_message(
        &self,
        saga: &str,
        id: &str,
        message: &Message,
        at: Micros,
    ) -> Result<Sent, Fault> {
        if saga.contains('\0') || id.contains('\0') {
            return Ok(Sent::Unknown);
        }
        loop {
            let sent = writing!(self, conn => {
                let send = query(self.names.sql(SEND)).bind(saga).bind(id).bind(&*message.name).bind(&*message.id);
                let target = send.bind(&*message.body).bind(at).fetch_optional(&mut *conn).await?;
                let Some(target) = target else { return Ok(Some(Sent::Unknown)) };
                let no = InstanceNo(target.try_get("no")?);
                if target.try_get("stored")? {
                    self.tell_of_message(&target, no)?;
                    return Ok(Some(Sent::Stored(no)));
                }
                let known = query_as(self.names.sql(KNOWN)).bind(saga).bind(id).bind(&*message.name).bind(&*message.id);
                let known: Option<(i64, Option<i64>, Option<Box<str>>)> = known.fetch_optional(&mut *conn).await?;
                Ok(match known {
                    None => Some(Sent::Unknown),
                    Some((no, _, Some(body))) if body == message.body => Some(Sent::Duplicate(InstanceNo(no))),
                    Some((no, _, Some(_))) => Some(Sent::Conflict(InstanceNo(no))),
                    Some((no, Some(_), None)) => Some(Sent::Ended(InstanceNo(no))),
                    // Another instance has this identity by now.
                    Some((_, None, None)) => None,
                })
            });
            // A message is a batch of one.
            if let Some(sent) = sent.map_err(|fault| fault.of_write(0))? {
                return Ok(sent);
            }
        }
    }

    fn tell_of_message(&self, target: &PgRow, no: InstanceNo) -> Result<(), Fault> {
        let (owned, epoch, due): (bool, i64, bool) =
            (target.try_get("owned")?, target.try_get("epoch")?, target.try_get("due")?);
        if owned {
            self.tell(Word::Message(Epoch(epoch), no));
        } else if due {
            self.tell(Word::Work);
        }
        Ok(())
    }

    pub(super) async fn read_messages(&self, instance: InstanceNo) -> Result<Vec<Received>, Fault> {
        let sql = "SELECT no, name, id, body, at FROM saga.message WHERE instance = $1 AND NOT consumed ORDER BY no";
        reading!(self, conn => {
            let rows = query(self.names.sql(sql)).bind(instance.0).fetch_all(&mut *conn).await?;
            rows.iter().map(received).collect()
        })
    }
}

fn received(row: &PgRow) -> Result<Received, Fault> {
    Ok(Received {
        no: MessageNo(row.try_get("no")?),
        name: row.try_get("name")?,
        id: row.try_get("id")?,
        body: row.try_get("body")?,
        at: row.try_get("at")?,
    })
}
