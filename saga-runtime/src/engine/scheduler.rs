//! The one task that takes waiting instances from the store when there is room for them.

use super::{Engine, SECOND, claimed::run_claimed, life::Life, outage::Asking};
use crate::store::{Claims, InstanceNo, Micros, StoreError};
use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, PoisonError, atomic::Ordering},
};

/// At most so many are taken at a time, so that the first can begin before the last has been read.
const BATCH: usize = 256;

impl Engine {
    /// The sagas that run here.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.sagas.keys().copied().collect()
    }

    /// A permit is free again.
    pub(super) fn freed(&self) {
        if self.backlog.load(Ordering::Acquire) {
            self.wake.notify_one();
        }
    }

    /// An instance went to sleep until then.
    pub(super) fn sleeps(&self, at: Micros) {
        if self.wake_at.fetch_min(at, Ordering::AcqRel) > at {
            self.wake.notify_one();
        }
    }
}

/// Where several workers live, one looks so often for what none of them was told of.
const LOOK: Micros = SECOND;

/// How soon it is looked again for what is due and could not be taken.
const PAUSE: Micros = SECOND / 50;

/// So often an instance that cannot be taken is asked for before that is left to the next look at all inboxes.
const TRIES: u32 = 20;

/// An instance that somebody asked something of.
#[derive(Debug, Clone, Copy)]
struct Asked {
    no: InstanceNo,
    /// How often it could not be taken.
    tries: u32,
}

/// Those whom somebody asked something.
#[derive(Debug, Default)]
struct Requests {
    asked: VecDeque<Asked>,
    /// How far the look at all inboxes has come, if it is not through.
    seen: Option<InstanceNo>,
}

impl Requests {
    /// Goes on with the look at all inboxes: so many at a time, so that what wants to run is taken in between. While there is as much
    /// to decide as one look finds, it does not go on.
    async fn look(
        &mut self,
        engine: &Engine,
        life: &Life,
        names: &[&str],
        asking: &mut Asking<'_>,
    ) -> Result<(), StoreError> {
        if self.asked.len() >= BATCH || (self.seen.is_none() && !engine.inboxes_unseen.swap(false, Ordering::AcqRel)) {
            return Ok(());
        }
        if self.seen.is_none() && engine.lives_again() {
            engine.hub.forget_wanted();
        }
        let page = engine.store.inboxes(life.epoch, names, self.seen, BATCH).await;
        let page = page.inspect_err(|_| engine.inboxes_unseen.store(true, Ordering::Release))?;
        asking.answered();
        self.seen = page.last().copied().filter(|_| page.len() == BATCH);
        let known: HashSet<InstanceNo> = self.asked.iter().map(|asked| asked.no).collect();
        // Where it is looked again and again, one that cannot be taken now is left to the next look.
        let tries = if engine.lives_again() { TRIES } else { 0 };
        self.asked.extend(page.into_iter().filter(|no| !known.contains(no)).map(|no| Asked { no, tries }));
        Ok(())
    }
}

/// Runs until the runtime stops or has lost its work to another for good.
pub(crate) async fn run(engine: Arc<Engine>) {
    let mut requests = Requests::default();
    let mut asking = engine.outage.asking();
    let looks = engine.lives_again();
    let mut look_at = engine.clock.now();
    loop {
        if engine.is_stopping() {
            return;
        }
        // However often it is woken for something else meanwhile, as by each renewal of its lease.
        if looks && engine.clock.now() >= look_at {
            engine.backlog.store(true, Ordering::Release);
            look_at = engine.clock.now().saturating_add(LOOK);
        }
        let life = engine.life();
        let result = match decisions(&engine, &life, &mut requests, &mut asking).await {
            Ok(()) => claims(&engine, &life, &mut asking).await,
            Err(error) => Err(error),
        };
        let now = engine.clock.now();
        let again = match result {
            Ok(true) => continue,
            Ok(false) if requests.asked.is_empty() && requests.seen.is_none() => engine.wake_at.load(Ordering::Acquire),
            // One that was just being started, or let go, when it was asked for.
            Ok(false) => now.saturating_add(SECOND / 20),
            Err(error @ (StoreError::Unavailable(_) | StoreError::InDoubt(_))) => {
                asking.failed("no instances can be taken now", &error);
                engine.backlog.store(true, Ordering::Release);
                now.saturating_add(SECOND / 2)
            }
            Err(StoreError::Fenced) if engine.lives_again() => {
                engine.backlog.store(true, Ordering::Release);
                now.saturating_add(SECOND / 10)
            }
            // Nobody else takes what it owns, and what is wrong may be put right: a file that was moved away and back.
            Err(error) if engine.lives_again() || error != StoreError::Fenced => {
                asking.failed_for_good("no instances can be taken", &error);
                engine.backlog.store(true, Ordering::Release);
                now.saturating_add(SECOND)
            }
            Err(error) => {
                tracing::error!(%error, "the scheduler has stopped");
                return;
            }
        };
        let again = if looks { again.min(look_at) } else { again };
        // Without room a due instance has to wait for a permit, which rings.
        let timed = again < Micros::MAX && (again > now || engine.has_room());
        tokio::select! {
            biased;
            () = engine.wake.notified() => {}
            () = engine.clock.sleep_until(again), if timed => {}
            () = engine.stops() => return,
        }
    }
}

/// Takes the instances that somebody asked something of, one by one, whatever they wait for.
async fn decisions(
    engine: &Arc<Engine>,
    life: &Arc<Life>,
    requests: &mut Requests,
    asking: &mut Asking<'_>,
) -> Result<(), StoreError> {
    let told = std::mem::take(&mut *engine.asked.lock().unwrap_or_else(PoisonError::into_inner));
    requests.asked.extend(told.into_iter().map(|no| Asked { no, tries: 0 }));
    let names = engine.names();
    requests.look(engine, life, &names, asking).await?;
    let asked = &mut requests.asked;
    for _ in 0..asked.len() {
        let Ok(permit) = Arc::clone(&engine.deciding).try_acquire_owned() else { return Ok(()) };
        let Some(Asked { no, tries }) = asked.pop_front() else { return Ok(()) };
        if engine.hub.runs(no) {
            engine.hub.ring(no);
            continue;
        }
        // Not forgotten, should the store not answer now.
        asked.push_back(Asked { no, tries: tries + 1 });
        let claimed = engine.store.claim_one(life.epoch, &names, no).await?;
        asking.answered();
        match claimed {
            Some(claimed) => {
                asked.pop_back();
                engine.run(life, run_claimed(Arc::clone(engine), Arc::clone(life), claimed, permit, true));
            }
            // It is being started or let go at this moment, another worker owns it, or it is gone: asked again as long as its
            // inbox is not empty.
            None if engine.store.inbox(no).await?.is_empty() => {
                asked.pop_back();
                // Where its turn had come, it is the next one's; unless it has begun to run here meanwhile, and takes it.
                if !engine.hub.runs(no) {
                    engine.policies.forget(no, engine.clock.now());
                }
            }
            None if tries >= TRIES => {
                asked.pop_back();
                engine.hub.want(no);
            }
            None => {}
        }
    }
    Ok(())
}

/// Takes as many waiting instances as there is room for; whether there may be more.
async fn claims(engine: &Arc<Engine>, life: &Arc<Life>, asking: &mut Asking<'_>) -> Result<bool, StoreError> {
    let due = engine.wake_at.load(Ordering::Acquire) <= engine.clock.now();
    if !due && !engine.backlog.load(Ordering::Acquire) {
        return Ok(false);
    }
    let mut permits = Vec::new();
    while permits.len() < BATCH {
        match Arc::clone(&engine.forward).try_acquire_owned() {
            Ok(permit) => permits.push(permit),
            Err(_) => break,
        }
    }
    if permits.is_empty() {
        // Whoever frees a permit rings.
        engine.backlog.store(true, Ordering::Release);
        // A permit that was freed in between has not rung.
        return Ok(engine.forward.available_permits() > 0);
    }
    // Before the claim looks: what changes from now on rings again.
    engine.backlog.store(false, Ordering::Release);
    engine.wake_at.store(Micros::MAX, Ordering::Release);
    let (names, limit) = (engine.names(), permits.len());
    let now = engine.clock.now();
    let Claims { claimed, next_wake } = engine.store.claim(life.epoch, &names, now, limit).await?;
    asking.answered();
    // What was due and was not taken is just being taken by another worker, which may stand still in the middle of it.
    let left = claimed.is_empty() && next_wake.is_some_and(|at| at <= now);
    let next_wake = if left { Some(engine.clock.now().saturating_add(PAUSE)) } else { next_wake };
    let more = claimed.len() == limit;
    if more {
        engine.backlog.store(true, Ordering::Release);
    }
    engine.wake_at.fetch_min(next_wake.unwrap_or(Micros::MAX), Ordering::AcqRel);
    for (claimed, permit) in claimed.into_iter().zip(permits) {
        engine.run(life, run_claimed(Arc::clone(engine), Arc::clone(life), claimed, permit, false));
    }
    Ok(more)
}
