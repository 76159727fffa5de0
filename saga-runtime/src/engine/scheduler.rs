//! The one task that takes waiting instances from the store when there is room for them.

use super::{Engine, SECOND, claimed::run_claimed};
use crate::store::{Claims, InstanceNo, Micros, StoreError};
use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, atomic::Ordering},
};

/// At most so many are taken at a time, so that the first can begin before the last has been read.
const BATCH: usize = 256;

impl Engine {
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

/// Runs until the runtime stops or has lost its work to another.
pub(crate) async fn run(engine: Arc<Engine>) {
    let mut asked = match all_asked(&engine).await {
        Ok(asked) => asked,
        Err(error) => {
            tracing::error!(%error, "the scheduler has stopped");
            return;
        }
    };
    loop {
        if engine.is_stopping() {
            return;
        }
        let result = match decisions(&engine, &mut asked).await {
            Ok(()) => claims(&engine).await,
            Err(error) => Err(error),
        };
        let now = engine.clock.now();
        let again = match result {
            Ok(true) => continue,
            Ok(false) if asked.is_empty() => engine.wake_at.load(Ordering::Acquire),
            // One that was just being started, or let go, when it was asked for.
            Ok(false) => now.saturating_add(SECOND / 20),
            Err(error @ (StoreError::Unavailable(_) | StoreError::InDoubt(_))) => {
                tracing::warn!(%error, "no instances can be taken now");
                engine.backlog.store(true, Ordering::Release);
                now.saturating_add(SECOND / 2)
            }
            Err(error) => {
                tracing::error!(%error, "the scheduler has stopped");
                return;
            }
        };
        // Without room a due instance has to wait for a permit, which rings.
        let timed = again < Micros::MAX && (again > now || engine.has_room());
        tokio::select! {
            () = engine.wake.notified() => {}
            () = engine.clock.sleep_until(again), if timed => {}
            () = engine.stops() => return,
        }
    }
}

/// Every instance with a request that nobody has decided.
async fn all_asked(engine: &Engine) -> Result<VecDeque<InstanceNo>, StoreError> {
    let mut asked = VecDeque::new();
    let mut after = None;
    loop {
        match engine.store.inboxes(after, BATCH).await {
            Ok(page) => {
                asked.extend(&page);
                match page.last() {
                    Some(last) => after = Some(*last),
                    None => return Ok(asked),
                }
            }
            Err(StoreError::Unavailable(_)) if !engine.is_stopping() => {
                engine.clock.sleep_until(engine.clock.now().saturating_add(SECOND)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Takes the instances that somebody asked something of, one by one, whatever they wait for.
async fn decisions(engine: &Arc<Engine>, asked: &mut VecDeque<InstanceNo>) -> Result<(), StoreError> {
    asked.extend(std::mem::take(&mut *engine.asked.lock().unwrap_or_else(PoisonError::into_inner)));
    for _ in 0..asked.len() {
        let Ok(permit) = Arc::clone(&engine.deciding).try_acquire_owned() else { return Ok(()) };
        let Some(no) = asked.pop_front() else { return Ok(()) };
        if engine.hub.runs(no) {
            engine.hub.ring(no);
            continue;
        }
        match engine.store.claim_one(engine.epoch, no).await {
            Ok(Some(claimed)) => engine.spawn(run_claimed(Arc::clone(engine), claimed, permit, true)),
            // It is being started or let go at this moment, or it is gone: asked again as long as its inbox is not empty.
            Ok(None) => {
                // Not forgotten, should the inbox not be readable now.
                asked.push_back(no);
                if engine.store.inbox(no).await?.is_empty() {
                    asked.pop_back();
                }
            }
            Err(error) => {
                asked.push_back(no);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Takes as many waiting instances as there is room for; whether there may be more.
async fn claims(engine: &Arc<Engine>) -> Result<bool, StoreError> {
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
    let names: Vec<&str> = engine.sagas.keys().copied().collect();
    let limit = permits.len();
    let Claims { claimed, next_wake } = engine.store.claim(engine.epoch, &names, engine.clock.now(), limit).await?;
    let more = claimed.len() == limit;
    if more {
        engine.backlog.store(true, Ordering::Release);
    }
    engine.wake_at.fetch_min(next_wake.unwrap_or(Micros::MAX), Ordering::AcqRel);
    for (claimed, permit) in claimed.into_iter().zip(permits) {
        engine.spawn(run_claimed(Arc::clone(engine), claimed, permit, false));
    }
    Ok(more)
}
