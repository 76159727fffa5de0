//! The participants.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the participants saw, in order.
#[derive(Debug, Default, Clone)]
pub struct World(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    effects: Vec<String>,
    /// The keys of the calls that have been answered.
    known: BTreeSet<String>,
}

impl World {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One effect.
    pub fn effect(&self, what: String) {
        self.seen().effects.push(what);
    }

    /// All of them.
    pub fn effects(&self) -> Vec<String> {
        self.seen().effects.clone()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.seen().effects.len()
    }

    /// A call of this key was made when there were so many effects: what a known one did again did not happen.
    pub(super) fn called(&self, key: String, before: usize) {
        let mut seen = self.seen();
        if !seen.known.insert(key) {
            seen.effects.truncate(before);
        }
    }
}
