//! Who runs what.

use super::{
    Sqlite,
    error::Fault,
    read::{by_number, count, instance, instance_columns, json},
};
use crate::store::{Claimed, Claims, Epoch, Instance, InstanceNo, Micros};
use sqlx::{Row as _, SqliteConnection, query, query_as, query_scalar};
use std::collections::HashMap;

/// The candidates of one saga, from each kind the ones that waited longest; each kind is read from an index of its own, in
/// its order, and no further than asked for. Parameters: saga, epoch, now, limit.
macro_rules! candidates {
    ($($index:literal $kind:literal $order:literal),+) => {
        candidates!(@ "" $(, $index $kind $order)+)
    };
    (@ $union:literal, $index:literal $kind:literal $order:literal $($rest:tt)*) => {
        concat!(
            $union,
            "SELECT * FROM (SELECT ", instance_columns!(), " FROM instance INDEXED BY ", $index, " WHERE saga = ?1 AND ",
            $kind, " ORDER BY ", $order, " LIMIT ?4)",
            candidates!(@ " UNION ALL " $($rest)*)
        )
    };
    (@ $union:literal) => { "" };
}

pub(super) const CANDIDATES: &str = candidates!(
    "instance_free" "status = 'ready' AND owned = 0 AND due_at IS NOT NULL" "due_at",
    "instance_free" "status = 'sleeping' AND owned = 0 AND due_at <= ?3" "due_at",
    "instance_free" "status = 'waiting' AND owned = 0 AND due_at <= ?3" "due_at",
    "instance_owned" "status = 'ready' AND owned = 1 AND epoch < ?2 AND due_at IS NOT NULL" "epoch, due_at",
    "instance_owned" "status = 'sleeping' AND owned = 1 AND epoch < ?2 AND due_at <= ?3" "epoch, due_at",
    "instance_owned" "status = 'waiting' AND owned = 1 AND epoch < ?2 AND due_at <= ?3" "epoch, due_at",
    "instance_queued" "queued = 1 AND status IN ('sleeping', 'waiting') AND epoch < ?2 AND due_at IS NOT NULL" "epoch, due_at",
    "instance_given_back" "status = 'waits_for_build' AND epoch < ?2" "epoch, due_at"
);

/// When the next instance of a saga that sleeps or waits wants to run. Parameters: saga, epoch.
pub(super) const NEXT_WAKE: &str = "
    SELECT min(due_at) FROM (
        SELECT * FROM (
            SELECT due_at FROM instance INDEXED BY instance_free
            WHERE saga = ?1 AND status = 'sleeping' AND owned = 0 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1
        )
        UNION ALL
        SELECT * FROM (
            SELECT due_at FROM instance INDEXED BY instance_free
            WHERE saga = ?1 AND status = 'waiting' AND owned = 0 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1
        )
        UNION ALL
        SELECT due_at FROM instance INDEXED BY instance_owned
        WHERE saga = ?1 AND status IN ('sleeping', 'waiting') AND owned = 1 AND epoch < ?2 AND due_at IS NOT NULL
    )";

impl Sqlite {
    pub(super) async fn claim_many(
        &self,
        epoch: Epoch,
        sagas: &[&str],
        now: Micros,
        limit: usize,
    ) -> Result<Claims, Fault> {
        let mut transaction = self.begin_as(epoch).await?;
        let claims = claim(&mut transaction, epoch, sagas, now, limit).await;
        transaction.end(claims).await
    }

    pub(super) async fn claim_this(
        &self,
        epoch: Epoch,
        sagas: &[&str],
        no: InstanceNo,
    ) -> Result<Option<Claimed>, Fault> {
        let mut transaction = self.begin_as(epoch).await?;
        let claimed = claim_one(&mut transaction, epoch, sagas, no).await;
        transaction.end(claimed).await
    }
}

async fn claim(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    sagas: &[&str],
    now: Micros,
    limit: usize,
) -> Result<Claims, Fault> {
    let mut found = Vec::new();
    for saga in sagas {
        let rows =
            query(CANDIDATES).bind(*saga).bind(epoch.0).bind(now).bind(count(limit)).fetch_all(&mut *conn).await?;
        for row in &rows {
            let due: Micros = row.try_get("due_at")?;
            found.push((due, of(instance(row)?, row.try_get("lost")?)));
        }
    }
    found.sort_by_key(|(due, claimed)| (*due, claimed.instance.no));
    // A saga that is named twice is one saga.
    found.dedup_by_key(|(_, claimed)| claimed.instance.no);
    let claimed = in_turns(found, limit);
    let numbers: Vec<_> = claimed.iter().map(|claimed| claimed.instance.no).collect();
    let own = query(
        "UPDATE instance SET owned = 1, epoch = ?, status = 'ready', wake_at = NULL, awaits = NULL, state = NULL,
         error = NULL, queued = 0, lost = lost OR owned, moment = max(moment, ?) WHERE no IN (SELECT value FROM json_each(?))",
    );
    own.bind(epoch.0).bind(now).bind(json(&numbers)).execute(&mut *conn).await?;
    let mut next_wake = None;
    for saga in sagas {
        let wake: Option<Micros> = query_scalar(NEXT_WAKE).bind(*saga).bind(epoch.0).fetch_one(&mut *conn).await?;
        next_wake = next_wake.into_iter().chain(wake).min();
    }
    Ok(Claims { claimed, next_wake })
}

/// The sagas take turns: of each, the first ones before anybody's second ones.
fn in_turns(found: Vec<(Micros, Claimed)>, limit: usize) -> Vec<Claimed> {
    let mut places: HashMap<Box<str>, usize> = HashMap::new();
    let place = |(_, claimed): &(Micros, Claimed)| {
        let place = places.entry(claimed.instance.saga.clone()).or_default();
        *place += 1;
        *place
    };
    let turns: Vec<usize> = found.iter().map(place).collect();
    let mut all: Vec<_> = turns.into_iter().zip(found).collect();
    // Stable: within a turn, whoever waited longest comes first.
    all.sort_by_key(|(turn, _)| *turn);
    all.into_iter().take(limit).map(|(_, (_, claimed))| claimed).collect()
}

async fn claim_one(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    sagas: &[&str],
    no: InstanceNo,
) -> Result<Option<Claimed>, Fault> {
    let found = by_number(conn, no).await?;
    let sql = "SELECT status = 'waits_for_build' AND NOT owned AND epoch = ?2, lost FROM instance WHERE no = ?1";
    let found_here: Option<(bool, bool)> = query_as(sql).bind(no.0).bind(epoch.0).fetch_optional(&mut *conn).await?;
    let Some((given_back, lost)) = found_here else { return Ok(None) };
    let free =
        |instance: &Instance| !instance.buried && !given_back && instance.owner.is_none_or(|owner| owner < epoch);
    let found = found.filter(|instance| sagas.contains(&&*instance.saga) && free(instance));
    let Some(found) = found else { return Ok(None) };
    let own = query("UPDATE instance SET owned = 1, lost = lost OR owned, epoch = ? WHERE no = ?");
    own.bind(epoch.0).bind(no.0).execute(conn).await?;
    Ok(Some(of(found, lost)))
}

fn of(instance: Instance, lost: bool) -> Claimed {
    Claimed { orphaned: lost || instance.owner.is_some(), instance }
}
