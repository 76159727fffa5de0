//! What a segment takes from inboxes, and what it says to others.

use crate::store::{
    Epoch, InstanceNo,
    postgres::{Inner, error::Fault, news::Word},
    segment::Segment,
};
use sqlx::{PgConnection, Row as _, query, query_scalar};
use std::collections::{BTreeSet, HashSet};

/// Rows are locked in the order of their numbers, so that two workers who need the same ones never wait for one another. Parameter:
/// numbers.
pub(in crate::store::postgres) const LOCK: &str =
    "SELECT no FROM saga.instance WHERE no = ANY ($1) ORDER BY no FOR NO KEY UPDATE";

/// Parameters: sagas and ids.
pub(in crate::store::postgres) const IDENTIFY: &str = "
    SELECT i.no FROM unnest($1::text[], $2::text[]) AS r (saga, id), LATERAL (
        SELECT no FROM saga.instance WHERE saga = r.saga AND id = r.id LIMIT 1
    ) AS i";

/// Parameters: requests, and whose they are.
pub(in crate::store::postgres) const CONSUME: &str = "
    DELETE FROM saga.request USING unnest($1::bigint[], $2::bigint[]) AS c (no, instance)
    WHERE request.no = c.no AND request.instance = c.instance AND request.no = ANY ($1)";

/// Parameters: messages, and whose they are.
pub(in crate::store::postgres) const RECEIVE: &str = "
    UPDATE saga.message SET consumed = true FROM unnest($1::bigint[], $2::bigint[]) AS r (no, instance)
    WHERE message.no = r.no AND message.instance = r.instance AND message.no = ANY ($1) AND NOT consumed";

/// Parameters: instances, keys, values.
const LABEL: &str = "
    INSERT INTO saga.label (instance, key, value) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])
    ON CONFLICT (instance, key) DO UPDATE SET value = excluded.value";

/// Parameters: instances, keys.
pub(in crate::store::postgres) const UNLABEL: &str = "
    DELETE FROM saga.label USING unnest($1::bigint[], $2::text[]) AS u (instance, key)
    WHERE label.instance = u.instance AND label.key = u.key AND label.instance = ANY ($1)";

/// Stores messages for instances whose rows are locked. None has an earlier moment than one before it. Parameters: instances, names,
/// ids, bodies, moments.
pub(in crate::store::postgres) const DELIVER: &str = "
    WITH wanted AS MATERIALIZED (
        SELECT w.*, i.moment, i.owned, i.epoch, w.name = ANY (i.awaits) AS awaited
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[])
            WITH ORDINALITY AS w (instance, name, id, body, at, place), LATERAL (
            SELECT moment, owned, epoch, awaits FROM saga.instance WHERE no = w.instance AND ended_at IS NULL LIMIT 1
        ) AS i
        WHERE (SELECT 1 FROM saga.message AS m WHERE m.instance = w.instance AND m.name = w.name AND m.id = w.id) IS NULL
    ), stored AS (
        INSERT INTO saga.message (instance, name, id, body, at)
        SELECT instance, name, id, body, greatest(moment, max(at) OVER (PARTITION BY instance ORDER BY place))
        FROM wanted ORDER BY place
    ), raised AS (
        UPDATE saga.instance AS i SET moment = greatest(i.moment, w.at),
            due_at = CASE WHEN w.due_at IS NULL THEN i.due_at ELSE least(coalesce(i.due_at, w.due_at), w.due_at) END
        FROM (
            SELECT instance, max(at) AS at, min(at) FILTER (WHERE awaited) AS due_at FROM wanted GROUP BY instance
        ) AS w
        WHERE i.no = w.instance AND i.no = ANY ($1)
    )
    SELECT instance, owned, epoch, bool_or(awaited) AS due FROM wanted GROUP BY instance, owned, epoch";

/// Puts requests into inboxes of instances whose rows are locked. Parameters: sagas, ids, bodies.
pub(in crate::store::postgres) const FORWARD: &str = "
    WITH wanted AS MATERIALIZED (
        SELECT i.*, r.body, r.place FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS r (saga, id, body, place),
        LATERAL (
            SELECT no, owned, epoch FROM saga.instance WHERE saga = r.saga AND id = r.id AND ended_at IS NULL LIMIT 1
        ) AS i
    ), put AS (
        INSERT INTO saga.request (instance, body) SELECT no, body FROM wanted ORDER BY place
    )
    SELECT DISTINCT no, owned, epoch FROM wanted";

impl Inner {
    /// Locks the rows that a segment needs as they are: those of instances that it sends something to, and of those that begin to
    /// wait for what may just be on its way.
    pub(super) async fn lock_rows(&self, conn: &mut PgConnection, segment: &Segment<'_>) -> Result<(), Fault> {
        if !segment.waits() && segment.sends.is_empty() && segment.requests.is_empty() {
            return Ok(());
        }
        let mut numbers: BTreeSet<i64> = segment.touches.keys().map(|no| no.0).collect();
        numbers.extend(segment.sends.iter().map(|delivery| delivery.to.0));
        if !segment.requests.is_empty() {
            let sagas: Vec<&str> = segment.requests.iter().map(|request| &*request.saga).collect();
            let ids: Vec<&str> = segment.requests.iter().map(|request| &*request.id).collect();
            let found = query_scalar(self.names.sql(IDENTIFY)).bind(sagas).bind(ids);
            let found: Vec<i64> = found.fetch_all(&mut *conn).await?;
            numbers.extend(found);
        }
        let numbers: Vec<i64> = numbers.into_iter().collect();
        query(self.names.sql(LOCK)).bind(numbers).execute(conn).await?;
        Ok(())
    }

    /// Takes the requests and messages that a segment's rows answer.
    pub(super) async fn consume(&self, conn: &mut PgConnection, segment: &Segment<'_>) -> Result<(), Fault> {
        if !segment.consumed.is_empty() {
            let (numbers, instances): (Vec<i64>, Vec<i64>) =
                segment.consumed.iter().map(|(request, of)| (request.0, of.0)).unzip();
            query(self.names.sql(CONSUME)).bind(numbers).bind(instances).execute(&mut *conn).await?;
        }
        if !segment.received.is_empty() {
            let (numbers, instances): (Vec<i64>, Vec<i64>) =
                segment.received.iter().map(|(message, of)| (message.0, of.0)).unzip();
            query(self.names.sql(RECEIVE)).bind(numbers).bind(instances).execute(conn).await?;
        }
        Ok(())
    }

    pub(super) async fn set_labels(&self, conn: &mut PgConnection, segment: &Segment<'_>) -> Result<(), Fault> {
        let (mut set, mut removed) = ((Vec::new(), Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for ((no, key), value) in &segment.labels {
            if let Some(value) = value {
                set.0.push(no.0);
                set.1.push(*key);
                set.2.push(*value);
            } else {
                removed.0.push(no.0);
                removed.1.push(*key);
            }
        }
        if !set.0.is_empty() {
            query(self.names.sql(LABEL)).bind(set.0).bind(set.1).bind(set.2).execute(&mut *conn).await?;
        }
        if !removed.0.is_empty() {
            query(self.names.sql(UNLABEL)).bind(removed.0).bind(removed.1).execute(conn).await?;
        }
        Ok(())
    }

    /// Stores what a segment sends.
    pub(super) async fn deliver(
        &self,
        conn: &mut PgConnection,
        segment: &Segment<'_>,
        words: &mut Vec<Word>,
    ) -> Result<(), Fault> {
        if segment.sends.is_empty() {
            return Ok(());
        }
        let mut known = HashSet::new();
        let first = |message: &crate::store::Delivery| {
            known.insert((message.to, message.message.name.clone(), message.message.id.clone()))
        };
        let mut first = first;
        let sends: Vec<_> = segment.sends.iter().copied().filter(|delivery| first(delivery)).collect();
        let texts = |of: fn(&crate::store::Message) -> &str| -> Vec<&str> {
            sends.iter().map(|delivery| of(&delivery.message)).collect()
        };
        let to: Vec<i64> = sends.iter().map(|delivery| delivery.to.0).collect();
        let at: Vec<i64> = sends.iter().map(|delivery| delivery.at).collect();
        let deliver = query(self.names.sql(DELIVER)).bind(to).bind(texts(|message| &message.name));
        let deliver = deliver.bind(texts(|message| &message.id)).bind(texts(|message| &message.body)).bind(at);
        for row in deliver.fetch_all(conn).await? {
            let no = InstanceNo(row.try_get("instance")?);
            if row.try_get("owned")? {
                words.push(Word::Message(Epoch(row.try_get("epoch")?), no));
            } else if row.try_get("due")? {
                words.push(Word::Work);
            }
        }
        Ok(())
    }

    /// Puts what a segment asks into the inboxes of those that it asks.
    pub(super) async fn forward(
        &self,
        conn: &mut PgConnection,
        segment: &Segment<'_>,
        words: &mut Vec<Word>,
    ) -> Result<(), Fault> {
        if segment.requests.is_empty() {
            return Ok(());
        }
        let texts = |of: fn(&crate::store::Request) -> &str| -> Vec<&str> {
            segment.requests.iter().map(|request| of(request)).collect()
        };
        let forward = query(self.names.sql(FORWARD)).bind(texts(|request| &request.saga));
        let forward = forward.bind(texts(|request| &request.id)).bind(texts(|request| &request.body));
        for row in forward.fetch_all(conn).await? {
            let owner = row.try_get::<bool, _>("owned")?.then_some(Epoch(row.try_get("epoch")?));
            words.push(Word::Request(owner, InstanceNo(row.try_get("no")?)));
        }
        Ok(())
    }
}
