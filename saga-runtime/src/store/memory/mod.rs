//! A store in memory: for tests, and for trying things out. It forgets everything with the process.

mod inbox;
mod state;
mod workers;

use super::{
    Burials, Claimed, Claims, Epoch, Expired, Filter, Instance, InstanceNo, Message, Micros, News, Received, Renewed,
    RequestNo, Row, Sent, Store, StoreError, Storing, Write, Written,
};
use crate::planted::{Mistake, is_planted};
use state::State;
use std::{
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A store in memory, with the whole contract but durability.
#[derive(Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    /// The worker that was registered through this value.
    mine: Mutex<Option<Epoch>>,
}

impl Memory {
    /// An empty store, for one worker at a time.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store, for as many workers at a time as there are values of it ([`another`](Self::another)), each with a lease
    /// of this length, by tokio's time.
    pub fn with_lease(lease: Duration) -> Self {
        let store = Self::default();
        store.state().lease = Some(lease);
        store
    }

    /// The same store, as another worker has it.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { state: Arc::clone(&self.state), mine: Mutex::default() }
    }

    /// A panic elsewhere while the lock was held cannot leave a half-made change: every change is checked before it is made.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Storing<'_, T> {
        let mut state = self.state();
        let result =
            if state.closed { Err(StoreError::Unusable("the store is closed".into())) } else { work(&mut state) };
        Box::pin(ready(result))
    }
}

impl Store for Memory {
    fn register(&self) -> Storing<'_, Epoch> {
        self.run(|state| {
            let mut mine = self.mine.lock().unwrap_or_else(PoisonError::into_inner);
            let epoch = state.register(*mine);
            *mine = Some(epoch);
            Ok(epoch)
        })
    }

    fn last_epoch(&self) -> Storing<'_, Option<Epoch>> {
        self.run(|state| Ok(Some(Epoch(state.last_epoch))))
    }

    fn lease(&self) -> Option<Duration> {
        self.state().lease
    }

    fn renew(&self, epoch: Epoch, bury_dead: bool) -> Storing<'_, Renewed> {
        self.run(|state| state.renew(epoch, bury_dead))
    }

    fn retire(&self, epoch: Epoch) -> Storing<'_, ()> {
        self.run(|state| {
            state.end_life(epoch);
            Ok(())
        })
    }

    fn news(&self, epoch: Epoch) -> Storing<'_, Option<Box<dyn News>>> {
        self.run(|state| Ok(state.news(epoch)))
    }

    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>> {
        self.run(|state| {
            if writes.is_empty() || !is_planted(Mistake::LeaseWithoutLock) {
                state.owned_by(epoch)?;
            }
            state.commit(epoch, writes)
        })
    }

    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims> {
        self.run(|state| {
            state.owned_by(epoch)?;
            Ok(state.claim(epoch, sagas, now, limit))
        })
    }

    fn claim_one<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        instance: InstanceNo,
    ) -> Storing<'a, Option<Claimed>> {
        self.run(|state| {
            state.owned_by(epoch)?;
            Ok(state.claim_one(epoch, sagas, instance))
        })
    }

    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>> {
        self.run(|state| Ok(state.find(saga, id).cloned()))
    }

    fn list<'a>(&'a self, filter: &'a Filter, after: Option<InstanceNo>, limit: usize) -> Storing<'a, Vec<Instance>> {
        self.run(|state| Ok(state.list(filter, after, limit)))
    }

    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>> {
        self.run(|state| {
            let rows = state.journal(instance);
            let from = rows.partition_point(|row| row.seq < from);
            Ok(rows[from..].iter().take(limit).cloned().collect())
        })
    }

    fn rows<'a>(&'a self, instance: InstanceNo, seqs: &'a [u64]) -> Storing<'a, Vec<Row>> {
        self.run(|state| {
            let mut seqs = seqs.to_vec();
            seqs.sort_unstable();
            seqs.dedup();
            let rows = state.journal(instance);
            let place = |seq: u64| usize::try_from(seq.checked_sub(1)?).ok();
            Ok(seqs.into_iter().filter_map(|seq| rows.get(place(seq)?)).cloned().collect())
        })
    }

    fn length(&self, instance: InstanceNo) -> Storing<'_, u64> {
        self.run(|state| Ok(state.journal(instance).last().map_or(0, |row| row.seq)))
    }

    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>> {
        self.run(|state| Ok(state.request(instance, body, ended)))
    }

    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>> {
        self.run(|state| Ok(state.inbox(instance)))
    }

    fn inboxes<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<InstanceNo>> {
        self.run(|state| Ok(state.inboxes(epoch, sagas, after, limit)))
    }

    fn send<'a>(&'a self, saga: &'a str, id: &'a str, message: &'a Message, at: Micros) -> Storing<'a, Sent> {
        self.run(|state| {
            let to = state.find(saga, id).map(|instance| instance.no);
            Ok(to.map_or(Sent::Unknown, |to| state.send(to, message, at)))
        })
    }

    fn messages(&self, instance: InstanceNo) -> Storing<'_, Vec<Received>> {
        self.run(|state| Ok(state.messages(instance)))
    }

    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool> {
        self.run(|state| Ok(state.bury(instance, None)))
    }

    fn bury_ended<'a>(&'a self, expired: &'a Expired) -> Storing<'a, Burials> {
        self.run(|state| Ok(state.bury_ended(expired)))
    }

    fn forget_buried<'a>(&'a self, saga: &'a str, before: Micros, limit: usize) -> Storing<'a, u64> {
        self.run(|state| Ok(state.forget_buried(saga, before, limit)))
    }

    fn tick<'a>(&'a self, name: &'a str) -> Storing<'a, Option<Micros>> {
        self.run(|state| Ok(state.ticks.get(name).copied()))
    }

    fn set_tick<'a>(&'a self, name: &'a str, at: Micros) -> Storing<'a, ()> {
        self.run(|state| {
            let last = state.ticks.entry(name.into()).or_insert(at);
            *last = at.max(*last);
            Ok(())
        })
    }

    fn close(&self) -> Storing<'_, ()> {
        let mut state = self.state();
        // Where each worker has a value of its own, the others go on.
        state.closed = state.lease.is_none();
        Box::pin(ready(Ok(())))
    }
}
