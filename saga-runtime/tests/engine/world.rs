//! The participants of the tests: they do as they are told, and remember every call.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

/// What a participant does at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Does it.
    Done,
    /// Says no.
    Refuse,
    /// Fails, nobody knows with what effect.
    Fail,
    /// Fails, certainly without effect.
    NoEffect,
    /// Says when to come again, in seconds.
    Later(u64),
    /// Asks for a person.
    Park,
    /// Panics.
    Panic,
    /// Never answers.
    Hang,
    /// Answers after so many milliseconds.
    Slow(u64),
    /// Answers with more than anybody can keep.
    Big,
}

/// One call that a participant got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    /// What it was about; with `undo ` in front if it was the undo of that.
    pub(crate) what: String,
    pub(crate) key: String,
    pub(crate) undoes: Option<String>,
    pub(crate) attempt: u32,
    /// The step's output, as its undo was told.
    pub(crate) output: Option<String>,
    pub(crate) instance: String,
}

#[derive(Debug, Default)]
struct Inner {
    plans: HashMap<String, VecDeque<Act>>,
    always: HashMap<String, Act>,
    got: Vec<Got>,
}

/// The participants.
#[derive(Debug, Clone, Default)]
pub(crate) struct World(Arc<Mutex<Inner>>);

impl World {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no participant panics with the lock in its hands")
    }

    /// What is done at the next calls about this; after that, it is done.
    pub(crate) fn plan(&self, what: &str, acts: impl IntoIterator<Item = Act>) {
        self.inner().plans.entry(what.into()).or_default().extend(acts);
    }

    /// What is done at every call about this.
    pub(crate) fn always(&self, what: &str, act: Act) {
        self.inner().always.insert(what.into(), act);
    }

    /// What is to be done now.
    pub(crate) fn next(&self, what: &str) -> Act {
        let mut inner = self.inner();
        if let Some(act) = inner.always.get(what) {
            return *act;
        }
        inner.plans.get_mut(what).and_then(VecDeque::pop_front).unwrap_or(Act::Done)
    }

    /// Remembers a call.
    pub(crate) fn note(&self, got: Got) {
        self.inner().got.push(got);
    }

    /// Every call so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.inner().got.clone()
    }

    /// What the calls so far were about.
    pub(crate) fn whats(&self) -> Vec<String> {
        self.got().into_iter().map(|got| got.what).collect()
    }

    /// The calls about this.
    pub(crate) fn about(&self, what: &str) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.what == what).collect()
    }
}
