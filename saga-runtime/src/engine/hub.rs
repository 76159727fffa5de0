//! Who runs here, and who waits for news of whom.

use crate::{core::child::ChildEnd, store::InstanceNo};
use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{Notify, watch};

/// A running instance's doorbell: there is a request in its inbox.
#[derive(Debug, Default)]
pub(crate) struct Poke {
    rung: AtomicBool,
    /// It is let go: what is stored of it says how.
    rests: AtomicBool,
    notify: Notify,
    /// Nothing of this run is written any more.
    gone: AtomicBool,
    left: Notify,
}

impl Poke {
    /// Rings.
    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Whether it was rung since the last time.
    pub(crate) fn answered(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }

    /// Ends when this run is over.
    pub(crate) async fn leaves(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            // Enabled before looking, so that nothing in between is missed.
            left.as_mut().enable();
            if self.gone.load(Ordering::Acquire) {
                return;
            }
            left.await;
        }
    }

    /// Ends when it is rung.
    pub(crate) async fn rings(&self) {
        while !self.rung.load(Ordering::Acquire) {
            self.notify.notified().await;
        }
    }
}

/// What is told of an instance that is let go: how it ended, if that is known here and is all there is to say of it.
pub(crate) type Rest = Option<Arc<ChildEnd>>;

/// The running instances of this worker, and those who want news of one.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    running: Mutex<HashMap<InstanceNo, Arc<Poke>>>,
    /// Instances that do not run here and have a request waiting.
    wanted: Mutex<HashSet<InstanceNo>>,
    watched: Mutex<HashMap<InstanceNo, watch::Sender<()>>>,
    awaited: Mutex<HashMap<InstanceNo, watch::Sender<Rest>>>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_order<T>(map: &HashMap<InstanceNo, T>) -> impl Iterator<Item = &T> {
    let mut all: Vec<_> = map.iter().collect();
    all.sort_unstable_by_key(|(instance, _)| **instance);
    all.into_iter().map(|(_, value)| value)
}

impl Hub {
    /// It runs here from now on. A request that came before rings at once.
    ///
    /// # Errors
    /// It runs here already, and this is how.
    pub(crate) fn enter(&self, instance: InstanceNo, poke: &Arc<Poke>) -> Result<(), Arc<Poke>> {
        match held(&self.running).entry(instance) {
            Entry::Occupied(other) => return Err(Arc::clone(other.get())),
            Entry::Vacant(place) => place.insert(Arc::clone(poke)),
        };
        if held(&self.wanted).remove(&instance) {
            poke.ring();
        }
        Ok(())
    }

    /// It no longer runs here. Whether it was rung for and did not look.
    pub(crate) fn leave(&self, instance: InstanceNo, poke: &Arc<Poke>) -> bool {
        let mut running = held(&self.running);
        // Not in the place of one that runs it in a later life of this worker.
        if running.get(&instance).is_some_and(|other| Arc::ptr_eq(other, poke)) {
            running.remove(&instance);
        }
        drop(running);
        poke.gone.store(true, Ordering::Release);
        poke.left.notify_waiters();
        poke.answered()
    }

    /// There is a request for it. Whether it runs here and has been told.
    pub(crate) fn ring(&self, instance: InstanceNo) -> bool {
        let running = held(&self.running);
        if let Some(poke) = running.get(&instance) {
            poke.ring();
            return true;
        }
        // Still under the lock, so that whoever enters next finds it.
        held(&self.wanted).insert(instance);
        false
    }

    /// There may be a message for it. Whether it runs here and has been told.
    pub(crate) fn poke(&self, instance: InstanceNo) -> bool {
        let running = held(&self.running);
        running.get(&instance).is_some_and(|poke| {
            poke.ring();
            true
        })
    }

    /// A request for it waits for what comes next: whoever runs it next is told of it.
    pub(crate) fn want(&self, instance: InstanceNo) {
        held(&self.wanted).insert(instance);
    }

    /// Whoever has a request waiting is found by looking, from now on: those who will never run here are not kept for ever.
    pub(crate) fn forget_wanted(&self) {
        held(&self.wanted).clear();
    }

    /// Whether it runs here.
    pub(crate) fn runs(&self, instance: InstanceNo) -> bool {
        held(&self.running).contains_key(&instance)
    }

    /// Whether it runs here and will be told of when it is let go.
    pub(crate) fn goes_on(&self, instance: InstanceNo) -> bool {
        held(&self.running).get(&instance).is_some_and(|poke| !poke.rests.load(Ordering::Acquire))
    }

    /// None of them runs here any more.
    pub(crate) fn forget_running(&self) {
        held(&self.running).clear();
        held(&self.wanted).clear();
    }

    /// How many run here.
    pub(crate) fn count(&self) -> usize {
        held(&self.running).len()
    }

    /// News of an instance: what it resolves to has changed since this call.
    pub(crate) fn watch(&self, instance: InstanceNo) -> watch::Receiver<()> {
        let mut watched = held(&self.watched);
        if watched.len() == watched.capacity() {
            watched.retain(|_, sender| sender.receiver_count() > 0);
        }
        watched.entry(instance).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// News of how it is let go: it ended, was parked, or waits in the store.
    pub(crate) fn await_rest(&self, instance: InstanceNo) -> watch::Receiver<Rest> {
        let mut awaited = held(&self.awaited);
        if awaited.len() == awaited.capacity() {
            awaited.retain(|_, sender| sender.receiver_count() > 0);
        }
        awaited.entry(instance).or_insert_with(|| watch::Sender::new(None)).subscribe()
    }

    /// It is let go, and this is how it ended, if it did.
    pub(crate) fn rests(&self, instance: InstanceNo, end: Rest) {
        // Before it is told: whoever asks from now on whether it goes on looks for himself.
        if let Some(poke) = held(&self.running).get(&instance) {
            poke.rests.store(true, Ordering::Release);
        }
        if let Some(sender) = held(&self.awaited).get(&instance) {
            sender.send_replace(end);
        }
    }

    /// News may have been missed: everybody looks, in an order that is the same each time.
    pub(crate) fn stir(&self) {
        in_order(&held(&self.watched)).for_each(|sender| {
            sender.send_replace(());
        });
        in_order(&held(&self.awaited)).for_each(|sender| {
            sender.send_replace(None);
        });
    }

    /// Something of it was committed.
    pub(crate) fn changed(&self, instance: InstanceNo) {
        if let Some(sender) = held(&self.watched).get(&instance) {
            sender.send_replace(());
        }
    }
}
