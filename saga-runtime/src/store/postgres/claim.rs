//! Who runs what.

use super::{
    Inner,
    error::Fault,
    read::{instance, instance_columns},
    transaction::Transaction,
};
use crate::store::{Claimed, Claims, Epoch, Instance, InstanceNo, Micros, StoreError};
use sqlx::{AssertSqlSafe, Row as _, postgres::PgRow, query, query_as, query_scalar, raw_sql};
use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// No more are taken by one statement.
const ROUND: usize = 1000;
/// Nobody looks further than this past what others are just taking.
const DEEPEST: usize = 1 << 16;

/// The candidates of one kind: read from an index in its order, and no further than they may be needed. How far is written into the
/// statement, so that the planner knows.
macro_rules! kind {
    ($which:literal) => {
        concat!(
            "(SELECT no, saga, due_at, status, owned, epoch FROM saga.instance WHERE saga = s.saga AND ",
            $which,
            " AND due_at IS NOT NULL ORDER BY due_at, no LIMIT 0)"
        )
    };
}

/// Takes what wants to run. No kind has what another one has. The candidates are not locked, only those that are taken: what another worker is just taking is passed
/// over, and what it has taken meanwhile is no longer what it was. Parameters: epoch, sagas, now, limit.
const CLAIM: &str = concat!(
    "WITH found AS (
        SELECT c.* FROM unnest($2::text[]) AS s (saga), LATERAL (",
    kind!("NOT owned AND status = 'ready'"),
    " UNION ALL ",
    kind!("NOT owned AND status = 'sleeping' AND due_at <= $3"),
    " UNION ALL ",
    kind!("NOT owned AND status = 'waiting' AND due_at <= $3"),
    " UNION ALL ",
    kind!("NOT owned AND status = 'waits_for_build' AND NOT $1 = ANY (given_back)"),
    " UNION ALL SELECT o.* FROM saga.dead AS d, LATERAL (",
    kind!("epoch = d.epoch AND owned AND status = 'ready'"),
    " UNION ALL ",
    kind!("epoch = d.epoch AND owned AND status = 'sleeping' AND due_at <= $3"),
    " UNION ALL ",
    kind!("epoch = d.epoch AND owned AND status = 'waiting' AND due_at <= $3"),
    " UNION ALL ",
    kind!("epoch = d.epoch AND owned AND status = 'waits_for_build' AND NOT $1 = ANY (given_back)"),
    " UNION ALL ",
    kind!("epoch = d.epoch AND queued AND status IN ('sleeping', 'waiting') AND due_at > $3"),
    ") AS o) AS c
    ), placed AS MATERIALIZED (
        SELECT found.*, row_number() OVER (PARTITION BY saga ORDER BY due_at, no) AS place FROM found
    ), taken AS MATERIALIZED (
        SELECT l.*, p.place FROM (SELECT * FROM placed ORDER BY place, due_at, no) AS p, LATERAL (
            SELECT ",
    instance_columns!(),
    " FROM saga.instance AS i
            WHERE i.no = p.no AND i.status = p.status AND i.owned = p.owned AND i.epoch = p.epoch AND i.due_at = p.due_at
            FOR UPDATE SKIP LOCKED
        ) AS l
        LIMIT $4
    ), owned AS (
        UPDATE saga.instance SET owned = true, epoch = $1, status = 'ready', wake_at = NULL, awaits = '{}', state = NULL,
            error = NULL, queued = false, lost = lost OR owned, moment = greatest(moment, $3)
        WHERE no = ANY (ARRAY(SELECT no FROM taken))
    )
    SELECT taken.*, seen.number AS seen FROM (SELECT count(*) AS number FROM placed) AS seen LEFT JOIN taken ON true
    ORDER BY place, due_at, no"
);

/// When the next of one kind wants to run.
macro_rules! next {
    ($which:literal) => {
        concat!(
            "(SELECT due_at FROM saga.instance WHERE saga = s.saga AND ",
            $which,
            " AND due_at IS NOT NULL ORDER BY due_at, no LIMIT 1)"
        )
    };
}

/// When the next instance that sleeps or waits wants to run, and whether anybody died. Parameter: sagas.
pub(super) const NEXT_WAKE: &str = concat!(
    "SELECT min(w.due_at) AS next_wake, EXISTS (SELECT FROM saga.dead) AS orphans FROM unnest($1::text[]) AS s (saga), LATERAL (",
    next!("NOT owned AND status = 'sleeping'"),
    " UNION ALL ",
    next!("NOT owned AND status = 'waiting'"),
    " UNION ALL SELECT o.* FROM saga.dead AS d, LATERAL (",
    next!("epoch = d.epoch AND owned AND status = 'sleeping'"),
    " UNION ALL ",
    next!("epoch = d.epoch AND owned AND status = 'waiting'"),
    ") AS o) AS w"
);

/// Forgets the dead who have left nothing.
pub(super) const SETTLE: &str = "
    DELETE FROM saga.dead WHERE epoch = ANY (ARRAY(
        SELECT d.epoch FROM saga.dead AS d
        WHERE (SELECT 1 FROM saga.instance WHERE epoch = d.epoch AND owned AND due_at IS NOT NULL LIMIT 1) IS NULL
        AND (SELECT 1 FROM saga.instance WHERE epoch = d.epoch AND queued AND due_at IS NOT NULL LIMIT 1) IS NULL
        FOR UPDATE SKIP LOCKED
    ))";

/// The statement that looks so far.
pub(super) fn claim_to_depth(depth: usize) -> String {
    CLAIM.replace("LIMIT 0", &format!("LIMIT {depth}"))
}

/// How far one looks for so many: few different depths make few different statements.
fn depth_for(wanted: usize) -> usize {
    let mut depth = 64;
    while depth < wanted.saturating_mul(2) {
        depth *= 2;
    }
    depth.min(DEEPEST)
}

impl Inner {
    pub(super) async fn claim_many(
        &self,
        epoch: Epoch,
        sagas: &[&str],
        now: Micros,
        limit: usize,
    ) -> Result<Claims, Fault> {
        let sagas: Vec<&str> = sagas.iter().copied().collect::<HashSet<_>>().into_iter().collect();
        loop {
            let mut transaction = self.begin_as(&self.work, epoch).await?;
            let mut pending = self.lost.pending();
            let found = self.claim_in(&mut transaction, epoch, &sagas, now, limit, &mut pending).await;
            match pending.commit(transaction, found).await {
                Err(fault) if fault.is_a_collision() => {}
                Err(fault) => return Err(fault),
                Ok((claimed, next_wake)) => return Ok(Claims { claimed, next_wake }),
            }
        }
    }

    async fn claim_in(
        &self,
        transaction: &mut Transaction,
        epoch: Epoch,
        sagas: &[&str],
        now: Micros,
        limit: usize,
        pending: &mut Pending<'_>,
    ) -> Result<Option<Micros>, Fault> {
        self.find_lost(transaction, epoch, limit, pending).await?;
        let mut depth = depth_for(limit.min(ROUND));
        while pending.len() < limit && !sagas.is_empty() {
            let wanted = ROUND.min(limit - pending.len());
            let claim = AssertSqlSafe(self.names.put_in(&claim_to_depth(depth)));
            let claim = query(claim).bind(epoch.0).bind(sagas).bind(now).bind(i64::try_from(wanted).unwrap_or(1));
            let rows = claim.fetch_all(&mut **transaction).await?;
            let seen = rows.first().map_or(Ok(0), |row| row.try_get::<i64, _>("seen"))?;
            let before = pending.claimed.len();
            for row in &rows {
                // Where none was taken, a row says how many were seen.
                if row.try_get::<Option<i64>, _>("no")?.is_some() {
                    pending.claimed.push(of(instance(row)?, row.try_get("lost")?));
                }
            }
            if pending.claimed.len() < before + wanted {
                // None are left, or nobody has looked behind those that others are just taking.
                if depth == DEEPEST || usize::try_from(seen).unwrap_or(0) < depth {
                    break;
                }
                depth = DEEPEST.min(depth * 4);
            }
        }
        let wake: PgRow = query(self.names.sql(NEXT_WAKE)).bind(sagas).fetch_one(&mut **transaction).await?;
        if wake.try_get("orphans")? {
            query(self.names.sql(SETTLE)).execute(&mut **transaction).await?;
        }
        if pending.len() == 0 {
            // Nothing was taken that a crash of the server could give to somebody else.
            raw_sql("SET LOCAL synchronous_commit = off").execute(&mut **transaction).await?;
        }
        Ok(wake.try_get("next_wake")?)
    }

    /// Finds what was claimed while the answer was lost: it is this worker's, and nobody runs it.
    async fn find_lost(
        &self,
        transaction: &mut Transaction,
        epoch: Epoch,
        limit: usize,
        pending: &mut Pending<'_>,
    ) -> Result<(), Fault> {
        let (due, asked) = self.lost.take();
        pending.again = due;
        if !pending.again.is_empty() {
            let numbers: Vec<i64> = pending.again.iter().map(|claimed| claimed.instance.no.0).collect();
            // A commit whose answer nobody waits for may still be on its way: whoever has the row has it until then.
            let sql = "SELECT no, owned, epoch FROM saga.instance WHERE no = ANY ($1) ORDER BY no FOR UPDATE";
            let rows = query_as(self.names.sql(sql)).bind(numbers);
            let rows: Vec<(i64, bool, i64)> = rows.fetch_all(&mut **transaction).await?;
            let mine = |no: i64| rows.contains(&(no, true, epoch.0));
            pending.again.retain(|claimed| mine(claimed.instance.no.0));
            pending.kept = pending.again.split_off(limit.min(pending.again.len()));
        }
        pending.let_go = asked;
        // One that was let go in the meantime, and taken again, is run.
        let runs = |no: InstanceNo| pending.again.iter().chain(&pending.kept).any(|claimed| claimed.instance.no == no);
        pending.let_go.retain(|claimed| !runs(claimed.instance.no));
        if !pending.let_go.is_empty() {
            let numbers: Vec<i64> = pending.let_go.iter().map(|claimed| claimed.instance.no.0).collect();
            let sql = "UPDATE saga.instance SET owned = false WHERE no = ANY ($1) AND owned AND epoch = $2";
            query(self.names.sql(sql)).bind(numbers).bind(epoch.0).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    pub(super) async fn claim_this(
        &self,
        epoch: Epoch,
        sagas: &[&str],
        no: InstanceNo,
    ) -> Result<Option<Claimed>, Fault> {
        let mut transaction = self.begin_as(&self.work, epoch).await?;
        let mut pending = self.lost.pending();
        pending.asked = true;
        let found = self.claim_one_in(&mut transaction, epoch, sagas, no, &mut pending).await;
        let (mut claimed, ()) = pending.commit(transaction, found).await?;
        Ok(claimed.pop())
    }

    async fn claim_one_in(
        &self,
        transaction: &mut Transaction,
        epoch: Epoch,
        sagas: &[&str],
        no: InstanceNo,
        pending: &mut Pending<'_>,
    ) -> Result<(), Fault> {
        // Whoever has the row has it until then; what is read afterwards is what it is.
        let sql = "SELECT status = 'waits_for_build' AND $2 = ANY (given_back), lost FROM saga.instance WHERE no = $1 FOR UPDATE";
        let locked = query_as(self.names.sql(sql)).bind(no.0).bind(epoch.0);
        let Some((given_back, lost)) = locked.fetch_optional(&mut **transaction).await? else { return Ok(()) };
        let found = self.by_number(transaction, no).await?;
        let found = found.filter(|instance| sagas.contains(&&*instance.saga) && !instance.buried);
        let Some(found) = found else { return Ok(()) };
        match found.owner {
            // Nobody has changed it since.
            None if given_back => return Ok(()),
            Some(owner) if owner == epoch => {
                // Unless it was claimed for this, and the answer was lost.
                pending.again.extend(self.lost.take_asked(no));
                return Ok(());
            }
            Some(owner) => {
                let sql = "SELECT EXISTS (SELECT FROM saga.worker WHERE epoch = $1)";
                if query_scalar(self.names.sql(sql)).bind(owner.0).fetch_one(&mut **transaction).await? {
                    return Ok(());
                }
            }
            None => {}
        }
        // Nothing is left to let go of it for.
        self.lost.take_asked(no);
        // What waits for a message alone is due some day from here on: should this worker die before it has decided, the dead are not
        // forgotten while the message may still come.
        let sql = "UPDATE saga.instance SET owned = true, lost = lost OR owned, epoch = $1, due_at = \
            CASE WHEN status = 'waiting' THEN coalesce(due_at, $3) ELSE due_at END WHERE no = $2";
        query(self.names.sql(sql)).bind(epoch.0).bind(no.0).bind(Micros::MAX).execute(&mut **transaction).await?;
        pending.claimed.push(of(found, lost));
        Ok(())
    }
}

fn of(instance: Instance, lost: bool) -> Claimed {
    Claimed { orphaned: lost || instance.owner.is_some(), instance }
}

/// What this worker may own without knowing: the answers to these claims were lost.
#[derive(Debug, Default)]
pub(super) struct Lost(Mutex<Claimings>);

#[derive(Debug, Default)]
struct Claimings {
    /// Taken to be run.
    due: Vec<Claimed>,
    /// Taken for a decision.
    asked: Vec<Claimed>,
}

impl Lost {
    /// A new life owns nothing.
    pub(super) fn forget(&self) {
        *self.all() = Claimings::default();
    }

    fn pending(&self) -> Pending<'_> {
        Pending {
            lost: self,
            claimed: Vec::new(),
            again: Vec::new(),
            kept: Vec::new(),
            let_go: Vec::new(),
            asked: false,
        }
    }

    /// What was to be run, and what was taken for a decision.
    fn take(&self) -> (Vec<Claimed>, Vec<Claimed>) {
        let mut all = self.all();
        (mem::take(&mut all.due), mem::take(&mut all.asked))
    }

    fn take_asked(&self, no: InstanceNo) -> Option<Claimed> {
        let mut all = self.all();
        let place = all.asked.iter().position(|claimed| claimed.instance.no == no)?;
        Some(all.asked.swap_remove(place))
    }

    fn all(&self) -> MutexGuard<'_, Claimings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is being claimed. Dropped before it is known what became of it, it is lost.
struct Pending<'a> {
    lost: &'a Lost,
    claimed: Vec<Claimed>,
    /// What was lost before, and is handed over now.
    again: Vec<Claimed>,
    /// What was lost before, and is more than was asked for.
    kept: Vec<Claimed>,
    /// What was taken for a decision and lost, and is let go.
    let_go: Vec<Claimed>,
    asked: bool,
}

impl Pending<'_> {
    fn len(&self) -> usize {
        self.again.len() + self.claimed.len()
    }

    /// Ends the transaction, and hands over what was claimed.
    async fn commit<T>(
        mut self,
        transaction: Transaction,
        found: Result<T, Fault>,
    ) -> Result<(Vec<Claimed>, T), Fault> {
        let ended = transaction.end(found).await;
        match &ended {
            Ok(_) => {
                self.let_go.clear();
                let mut all = mem::take(&mut self.again);
                all.append(&mut self.claimed);
                return ended.map(|found| (all, found));
            }
            Err(Fault::Store(StoreError::InDoubt(_))) => {}
            // Nothing of it was written.
            Err(_) => self.claimed.clear(),
        }
        ended.map(|found| (Vec::new(), found))
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let claimed = [&mut self.claimed, &mut self.again, &mut self.kept].map(mem::take).concat();
        let mut all = self.lost.all();
        all.asked.append(&mut self.let_go);
        if self.asked { all.asked.extend(claimed) } else { all.due.extend(claimed) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Postgres;
    use crate::store::{Append, InstanceNo, Labels, Row, Start, Status, Store as _, Touch, Write, Written};
    use sqlx::{AssertSqlSafe, ConnectOptions as _, postgres::PgConnectOptions, raw_sql};
    use std::time::Duration;
    use tokio::time::timeout;

    async fn write(store: &Postgres, epoch: crate::store::Epoch, write: Write) -> Option<InstanceNo> {
        match store.commit(epoch, &[write]).await.unwrap().first() {
            Some(Written::Started(no)) => Some(*no),
            _ => None,
        }
    }

    /// What nobody was told of is let go by the next claim, or by the one after it if that one does not come through.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_lost_claim_for_a_decision_is_not_forgotten_by_a_claim_that_fails() {
        let store = Postgres::builder(saga_test_postgres::url()).schema("saga_lost").connect().await.unwrap();
        let epoch = store.register().await.unwrap();
        let rows = vec![Row { seq: 1, at: 0, event: "{}".into() }];
        let start = Start {
            saga: "checkout".into(),
            id: "a".into(),
            birth: "a".into(),
            version: 1,
            input_hash: [0; 32],
            owned: true,
            at: 0,
            wake_at: None,
            parent: None,
            labels: Labels::new(),
            rows,
        };
        let no = write(&store, epoch, Write::Start(start)).await.expect("it is new");
        let parked = Append { touch: Some(Touch::new(Status::Parked, 0)), ..Append::new(no, Vec::new()) };
        write(&store, epoch, Write::Append(parked)).await;
        let claimed = store.claim_one(epoch, &["checkout"], no).await.unwrap().expect("nobody owns it");
        {
            let mut lost = store.0.lost.pending();
            lost.asked = true;
            lost.claimed.push(claimed);
        }
        let options: PgConnectOptions = saga_test_postgres::url().parse().unwrap();
        let mut other = options.connect().await.unwrap();
        let lock = AssertSqlSafe(store.0.names.put_in("BEGIN; SELECT FROM saga.instance FOR UPDATE"));
        raw_sql(lock).execute(&mut other).await.unwrap();
        let claim = timeout(Duration::from_millis(300), store.claim(epoch, &["checkout"], 1, 1)).await;
        assert!(claim.is_err(), "it waits for the row");
        raw_sql("COMMIT").execute(&mut other).await.unwrap();
        store.claim(epoch, &["checkout"], 1, 1).await.unwrap();
        assert_eq!(store.find("checkout", "a").await.unwrap().and_then(|found| found.owner), None);
    }
}
