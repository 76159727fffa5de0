//! Who of one instance does something at this moment, and who waits for what.
//!
//! An instance has as many threads as it has calls under way at a time; they are polled by one task. When all of them wait, the
//! instance can be put to sleep, and requests about it can be decided: nobody is in the middle of an attempt.

use crate::store::Micros;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, futures::Notified};

/// What a thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// For threads of its own.
    Threads,
    /// For a moment, at which it goes on by itself.
    Until(Micros),
    /// For its turn at a named policy, or a moment at which it looks by itself.
    Turn(Micros),
    /// For a moment, or a message, of which it is told.
    Message(Option<Micros>),
    /// For a person.
    Person,
    /// For leave to go on.
    Gate,
}

/// The threads of one instance.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    state: Mutex<State>,
    /// For those who wait: they look again.
    changed: Notify,
    /// For the one who drives them: somebody waits now.
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    threads: usize,
    waits: BTreeMap<u64, Waits>,
    next: u64,
    closed: bool,
    /// Whether the present stillness has been looked at.
    seen: bool,
}

/// A thread that waits, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'p> {
    pulse: &'p Pulse,
    id: u64,
}

/// A thread, until it is dropped.
#[derive(Debug)]
pub(super) struct Thread<'p>(&'p Pulse);

impl Pulse {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is another thread.
    pub(super) fn thread(&self) -> Thread<'_> {
        let mut state = self.state();
        state.threads += 1;
        state.seen = false;
        Thread(self)
    }

    /// A thread waits for this.
    pub(super) fn wait(&self, what: Waits) -> Waiting<'_> {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.waits.insert(id, what);
        state.seen = false;
        drop(state);
        self.moved.notify_one();
        Waiting { pulse: self, id }
    }

    /// Ends with the next change: whoever waits looks again. To be made before looking.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Whoever waits looks again.
    pub(super) fn stir(&self) {
        self.changed.notify_waiters();
    }

    /// Nobody begins anything until it is opened again.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.seen = false;
        drop(state);
        self.moved.notify_one();
    }

    /// Whoever waits for leave has it.
    pub(super) fn open(&self) {
        if std::mem::take(&mut self.state().closed) {
            self.changed.notify_waiters();
        }
    }

    /// Waits while it is closed. To be passed before anything begins.
    pub(super) async fn pass(&self) {
        loop {
            let changed = self.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.state().closed {
                return;
            }
            let _waiting = self.wait(Waits::Gate);
            changed.await;
        }
    }

    /// Ends when somebody waits for something else than before.
    pub(super) async fn moved(&self) {
        self.moved.notified().await;
    }

    /// Whether every thread waits; once for each time that this comes about.
    pub(super) fn is_newly_still(&self) -> bool {
        let mut state = self.state();
        let still = state.waits.len() >= state.threads && !state.seen;
        state.seen |= still;
        still
    }

    /// Whether every thread waits.
    pub(super) fn is_still(&self) -> bool {
        let state = self.state();
        state.waits.len() >= state.threads
    }

    /// What is waited for.
    pub(super) fn waits(&self) -> Vec<Waits> {
        self.state().waits.values().copied().collect()
    }

    /// The present stillness is to be looked at once more.
    pub(super) fn look_again(&self) {
        self.state().seen = false;
        self.moved.notify_one();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.pulse.state();
        state.waits.remove(&self.id);
        state.seen = false;
    }
}

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.threads -= 1;
        state.seen = false;
        drop(state);
        self.0.moved.notify_one();
    }
}
