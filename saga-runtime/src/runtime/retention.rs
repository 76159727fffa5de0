//! How long ended instances are kept.

use super::Error;
use crate::{
    core::decide::micros,
    engine::{Engine, SECOND},
    store::{Burials, Expired, Micros, Status, StoreError, committer::Health},
};
use std::{sync::Arc, time::Duration};

/// So many instances go in one transaction: others wait for no longer than that takes.
const BATCH: usize = 100;
/// After a batch, it rests so many times as long as the batch took: at most a tenth of the store's time is spent on it, as long as that
/// is enough.
const REST: u32 = 9;
/// After so many batches in a row there is more to remove than that: it rests half as long from then on, and in the end not at all.
/// Whatever ends in a second has to go in a second, or the store grows for ever.
const BEHIND: u32 = 50;
/// Looks are at least so far apart, and at most.
const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_hours(1);

/// How long the ended instances of a saga are kept, each age counted from the end. What is not said is kept for ever.
///
/// First an instance's journal goes, and with it its timeline, its result and its messages: what is left is a *tombstone*, the
/// id with how and when it ended, so that a start that is repeated late still finds that it was there. Then the tombstone goes,
/// too, and the id is free.
///
/// Never removed are an instance with debt that nobody has settled, one that is parked, and a child whose parent has
/// not ended for as long itself.
///
/// ```
/// use saga_runtime::runtime::Retention;
/// use std::time::Duration;
///
/// const DAY: Duration = Duration::from_hours(24);
/// let retention = Retention::new().completed(30 * DAY).compensated(90 * DAY).tombstones(365 * DAY);
/// # let _ = retention;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "instances are kept for ever until it is given to the builder"]
pub struct Retention {
    completed: Option<Duration>,
    compensated: Option<Duration>,
    tombstones: Option<Duration>,
}

impl Retention {
    /// Everything is kept for ever.
    pub fn new() -> Self {
        Self::default()
    }

    /// Completed instances are kept so long.
    pub fn completed(mut self, age: Duration) -> Self {
        self.completed = Some(age);
        self
    }

    /// Compensated instances are kept so long; one with debt, until somebody settled that, too.
    pub fn compensated(mut self, age: Duration) -> Self {
        self.compensated = Some(age);
        self
    }

    /// What is left of them is kept so long, from the end of the instance as well: not shorter than the instances.
    pub fn tombstones(mut self, age: Duration) -> Self {
        self.tombstones = Some(age);
        self
    }

    /// What of it cannot be.
    pub(super) fn wrong(&self) -> Option<String> {
        let longest = self.completed.max(self.compensated);
        match self.tombstones {
            _ if longest.is_none() => Some("it keeps everything for ever: say for how long, or leave it out".into()),
            Some(tombstones) if Some(tombstones) < longest => {
                Some("`tombstones` is shorter than the instances themselves are kept: make it at least as long".into())
            }
            _ => None,
        }
    }

    /// How long to wait between two looks.
    fn every(&self) -> Duration {
        let shortest = [self.completed, self.compensated, self.tombstones].into_iter().flatten().min();
        (shortest.unwrap_or(LATEST) / 20).clamp(SOONEST, LATEST)
    }

    /// What the end must have come before, for this age.
    fn before(age: Option<Duration>, now: Micros) -> Option<Micros> {
        age.map(|age| now.saturating_sub(micros(age)))
    }
}

/// The retention of each saga that has one.
pub(super) type Retentions = std::collections::BTreeMap<&'static str, Retention>;

pub(super) fn check(retentions: &Retentions, known: impl Fn(&str) -> bool) -> Result<(), Error> {
    for (saga, retention) in retentions {
        if !known(saga) {
            let wrong = format!("`retention` is given for saga `{saga}`, which is not registered: `.register(..)` it");
            return Err(Error::invalid(&wrong));
        }
        if let Some(wrong) = retention.wrong() {
            return Err(Error::invalid(&format!("the retention of saga `{saga}`: {wrong}")));
        }
    }
    Ok(())
}

/// Removes what has been kept long enough, until the runtime stops or has lost its work to another.
pub(super) async fn sweep(engine: Arc<Engine>, retentions: Retentions) {
    let every = retentions.values().map(Retention::every).min().unwrap_or(LATEST);
    loop {
        if matches!(engine.health(), Health::Fenced | Health::Stopped) && !engine.lives_again() {
            return;
        }
        // From the beginning of this look: what comes of age meanwhile is not passed over until the one after the next.
        let next = engine.clock.now().saturating_add(micros(every));
        for (saga, retention) in &retentions {
            if let Err(error) = sweep_one(&engine, saga, retention).await {
                // Whatever it was, what is to go is still there at the next look.
                tracing::warn!(saga, %error, "ended instances cannot be removed now");
            }
        }
        tokio::select! {
            biased;
            () = engine.clock.sleep_until(next) => {}
            () = engine.stops() => return,
        }
    }
}

async fn sweep_one(engine: &Engine, saga: &str, retention: &Retention) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let ends = [(Status::Completed, retention.completed), (Status::Compensated, retention.compensated)];
    for (status, age) in ends {
        let Some(before) = Retention::before(age, now) else { continue };
        let gone =
            bury(engine, Expired { saga: saga.into(), statuses: vec![status], before, after: None, limit: BATCH })
                .await?;
        if gone > 0 {
            tracing::info!(saga, ?status, gone, "removed ended instances");
        }
    }
    if let Some(before) = Retention::before(retention.tombstones, now) {
        let gone = forget(engine, saga, before).await?;
        if gone > 0 {
            tracing::info!(saga, gone, "removed tombstones");
        }
    }
    Ok(())
}

/// Buries all of these, batch by batch, with rests in between; how many those were.
async fn bury(engine: &Engine, mut expired: Expired) -> Result<u64, StoreError> {
    let (mut all, mut pace) = (0, Pace::new(engine));
    loop {
        let Burials { gone, last } = engine.store.bury_ended(&expired).await?;
        all += gone;
        if last.is_none() || engine.is_stopping() {
            return Ok(all);
        }
        expired.after = last;
        pace.rest().await;
    }
}

/// The same of the tombstones of a saga.
async fn forget(engine: &Engine, saga: &str, before: Micros) -> Result<u64, StoreError> {
    let (mut all, mut pace) = (0, Pace::new(engine));
    loop {
        let gone = engine.store.forget_buried(saga, before, BATCH).await?;
        all += gone;
        if gone < BATCH as u64 || engine.is_stopping() {
            return Ok(all);
        }
        pace.rest().await;
    }
}

/// A batch that takes longer is rested from as if it had taken so long.
const LONG: Micros = 10 * SECOND;

/// The rests between batches.
struct Pace<'e> {
    engine: &'e Engine,
    batches: u32,
    begun: Micros,
}

impl<'e> Pace<'e> {
    fn new(engine: &'e Engine) -> Self {
        Self { engine, batches: 0, begun: engine.clock.now() }
    }

    /// Rests from the batch that has just ended.
    async fn rest(&mut self) {
        let clock = &self.engine.clock;
        // A clock that was set, or a machine that slept, is no reason to rest for days.
        let took = clock.now().saturating_sub(self.begun).min(LONG);
        let rest = took.saturating_mul(rest_after(self.batches).into());
        clock.sleep_until(clock.now().saturating_add(rest)).await;
        // On a clock that stands still, others have their turn, too.
        tokio::task::yield_now().await;
        self.batches = self.batches.saturating_add(1);
        self.begun = clock.now();
    }
}

/// How many times as long as it took it rests after this batch.
fn rest_after(count: u32) -> u32 {
    REST.checked_shr(count / BEHIND).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_behind_rests_less_and_in_the_end_not_at_all() {
        let rests: Vec<u32> = (0..6).map(|times| rest_after(times * BEHIND)).collect();
        assert_eq!(rests, [9, 4, 2, 1, 0, 0]);
        assert_eq!((rest_after(BEHIND - 1), rest_after(u32::MAX)), (9, 0));
    }
}
