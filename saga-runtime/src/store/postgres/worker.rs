//! Who lives.

use super::{Inner, attempt::on, error::Fault, news::Word};
use crate::store::{Dead, Epoch, Micros, Renewed, StoreError};
use sqlx::{Row as _, query, query_scalar};
use std::{sync::atomic::Ordering, time::Duration};

/// Ends the life that was begun in the same place, and begins another one. Parameters: the epoch before, the lease.
const REGISTER: &str = "
    WITH gone AS (
        DELETE FROM saga.worker WHERE epoch = $1 RETURNING epoch
    ), left_behind AS (
        INSERT INTO saga.dead (epoch) SELECT epoch FROM gone ON CONFLICT DO NOTHING
    )
    INSERT INTO saga.worker (expires_at) VALUES (clock_timestamp() + $2::bigint * interval '1 microsecond')
    RETURNING epoch";

/// Parameters: the epoch, the lease. Touches no key, so that it waits for no commit and no commit waits for it.
const RENEW: &str = "
    UPDATE saga.worker SET expires_at = clock_timestamp() + $2::bigint * interval '1 microsecond' WHERE epoch = $1
    RETURNING (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// Ends the lives whose lease has run out. It waits for what these workers are just committing: afterwards all of it is there, and
/// nothing follows. Parameter: the epoch of the one who looks.
const BURY: &str = "
    WITH late AS MATERIALIZED (
        SELECT epoch FROM saga.worker WHERE expires_at <= clock_timestamp() AND epoch <> $1 ORDER BY epoch FOR UPDATE
    ), gone AS (
        DELETE FROM saga.worker WHERE epoch = ANY (ARRAY(SELECT epoch FROM late)) RETURNING epoch
    ), left_behind AS (
        INSERT INTO saga.dead (epoch) SELECT epoch FROM gone ON CONFLICT DO NOTHING
    )
    SELECT epoch FROM gone ORDER BY epoch";

/// Which of these lives owned something that goes on. A statement of its own: what they were just committing is there by now.
pub(super) const OWNED: &str = "
    SELECT EXISTS (SELECT FROM saga.instance AS i WHERE i.owned AND i.epoch = dead.epoch AND i.due_at IS NOT NULL)
    FROM unnest($1::bigint[]) WITH ORDINALITY AS dead (epoch, place) ORDER BY place";

/// How many others there are, and in how long the first of their leases runs out.
const OTHERS: &str = "
    SELECT count(*) AS others, (extract(epoch FROM min(expires_at) - clock_timestamp()) * 1000000)::bigint AS next
    FROM saga.worker WHERE epoch <> $1";

const RETIRE: &str = "
    WITH gone AS (
        DELETE FROM saga.worker WHERE epoch = $1 RETURNING epoch
    )
    INSERT INTO saga.dead (epoch) SELECT epoch FROM gone ON CONFLICT DO NOTHING";

impl Inner {
    pub(super) async fn begin_life(&self) -> Result<Epoch, Fault> {
        // One at a time: each ends the one before it.
        let mut mine = self.mine.lock().await;
        // A life of which nobody has heard ends with its lease.
        let registered = on!(self.aside, conn => {
            let register = query_scalar(self.names.sql(REGISTER)).bind(mine.map(|Epoch(epoch)| epoch));
            Ok(register.bind(self.micros()).fetch_one(&mut *conn).await?)
        });
        let epoch = Epoch(registered.map_err(Fault::of_commit)?);
        if mine.replace(epoch).is_some() {
            self.tell(Word::Work);
        }
        self.lost.forget();
        self.doubt.begin();
        self.me.store(epoch.0, Ordering::Release);
        self.company.others.store(true, Ordering::Release);
        self.tell(Word::Hello);
        Ok(epoch)
    }

    pub(super) async fn renew_lease(&self, epoch: Epoch, bury_dead: bool) -> Result<Renewed, Fault> {
        let renewed = on!(self.aside, conn => {
            let renew = query_scalar(self.names.sql(RENEW)).bind(epoch.0).bind(self.micros());
            let now: Option<Micros> = renew.fetch_optional(&mut *conn).await?;
            let Some(now) = now else { return Err(StoreError::Fenced.into()) };
            let mut dead: Vec<i64> = Vec::new();
            if bury_dead {
                dead = query_scalar(self.names.sql(BURY)).bind(epoch.0).fetch_all(&mut *conn).await?;
            }
            let mut owned: Vec<bool> = Vec::new();
            if !dead.is_empty() {
                owned = query_scalar(self.names.sql(OWNED)).bind(&dead).fetch_all(&mut *conn).await?;
            }
            let dead = dead.into_iter().zip(owned).map(|(epoch, owned)| Dead { epoch: Epoch(epoch), owned }).collect();
            let row = query(self.names.sql(OTHERS)).bind(epoch.0).fetch_one(&mut *conn).await?;
            let (others, next): (i64, Option<i64>) = (row.try_get("others")?, row.try_get("next")?);
            let next = next.map(|micros| Duration::from_micros(micros.try_into().unwrap_or(0)));
            Ok((others, Renewed { now: Some(now), dead, next }))
        });
        let (others, renewed) = renewed?;
        self.company.others.store(others > 0, Ordering::Release);
        if !renewed.dead.is_empty() {
            self.tell(Word::Work);
        }
        Ok(renewed)
    }

    pub(super) async fn end_life(&self, epoch: Epoch) -> Result<(), Fault> {
        let retired = on!(self.aside, conn => {
            Ok(query(self.names.sql(RETIRE)).bind(epoch.0).execute(&mut *conn).await?)
        });
        if retired.map_err(Fault::of_commit)?.rows_affected() > 0 {
            self.tell(Word::Work);
        }
        Ok(())
    }

    fn micros(&self) -> i64 {
        i64::try_from(self.lease.as_micros()).unwrap_or(i64::MAX / 1000)
    }
}
