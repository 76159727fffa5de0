//! The participants of the tests: they do as they are told, keep the contract of the key, and remember every call.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// The "no" of every participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub(crate) struct No(pub(crate) String);

/// What a participant does at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Says no.
    Refuse,
    /// Does it, and the answer is lost.
    Lose,
    /// Says no after so many milliseconds.
    Late(u64),
    /// Fails, certainly without effect.
    NoEffect,
    /// Does it, and panics.
    Panic,
    /// Does it, and answers after so many milliseconds.
    Slow(u64),
    /// Does it, and never answers.
    Hang,
}

/// One call that a participant got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    /// What it was about; with `undo ` in front if it was the undo of that.
    pub(crate) what: String,
    pub(crate) key: String,
    pub(crate) undoes: Option<String>,
    /// The step's output, as its undo was told.
    pub(crate) output: Option<String>,
    pub(crate) instance: String,
}

#[derive(Debug, Default)]
struct Inner {
    plans: HashMap<String, VecDeque<Act>>,
    always: HashMap<String, Act>,
    got: Vec<Got>,
    /// The answer that each key has, once it has one: a refusal is kept as well.
    answers: BTreeMap<String, bool>,
    /// What took effect, in order: once for each key.
    effects: Vec<Got>,
    running: usize,
    most: usize,
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

    /// Every call so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.inner().got.clone()
    }

    /// How many calls there were at a time, at the most.
    pub(crate) fn most(&self) -> usize {
        self.inner().most
    }

    /// What took effect, in order.
    pub(crate) fn effects(&self) -> Vec<Got> {
        self.inner().effects.clone()
    }

    /// What took effect, in order, in words.
    pub(crate) fn whats(&self) -> Vec<String> {
        self.effects().into_iter().map(|effect| effect.what).collect()
    }

    /// What took effect and was not undone, in order.
    pub(crate) fn stands(&self) -> Vec<String> {
        let effects = self.effects();
        let undone: BTreeSet<_> = effects.iter().filter_map(|effect| effect.undoes.clone()).collect();
        effects
            .into_iter()
            .filter(|effect| effect.undoes.is_none() && !undone.contains(&effect.key))
            .map(|effect| effect.what)
            .collect()
    }

    /// The call takes effect, once for each key, unless its undo came first. Whether the key has another answer.
    fn act(&self, got: &Got, refuse: bool) -> bool {
        let mut inner = self.inner();
        if let Some(refused) = inner.answers.get(&got.key) {
            return *refused;
        }
        inner.answers.insert(got.key.clone(), refuse);
        if refuse {
            return true;
        }
        if let Some(undoes) = got.undoes.clone() {
            if inner.answers.insert(undoes.clone(), true) == Some(false)
                && inner.effects.iter().any(|effect| effect.key == undoes)
            {
                inner.effects.push(got.clone());
            }
            return false;
        }
        inner.effects.push(got.clone());
        false
    }

    /// One call.
    pub(crate) async fn call(&self, got: Got) -> Result<String, Failure<No>> {
        let act = {
            let mut inner = self.inner();
            inner.got.push(got.clone());
            inner.running += 1;
            inner.most = inner.most.max(inner.running);
            let always = inner.always.get(&got.what).copied();
            always.or_else(|| inner.plans.get_mut(&got.what).and_then(VecDeque::pop_front))
        };
        let running = Running(self);
        let refused = act != Some(Act::NoEffect) && self.act(&got, matches!(act, Some(Act::Refuse | Act::Late(_))));
        if let Some(Act::Slow(millis) | Act::Late(millis)) = act {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        } else {
            tokio::task::yield_now().await;
        }
        if act == Some(Act::Hang) {
            std::future::pending::<()>().await;
        }
        drop(running);
        match act {
            Some(Act::Lose) => Err(Transient::new("the answer is lost").into()),
            Some(Act::NoEffect) => Err(Transient::no_effect("not reached").into()),
            Some(Act::Panic) => panic!("{} was told to panic", got.what),
            _ if refused => Err(No(got.what).into()),
            _ => Ok(format!("{}!", got.what)),
        }
    }
}

/// A call that runs.
struct Running<'w>(&'w World);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.inner().running -= 1;
    }
}

/// A call, as its context tells.
pub(crate) fn got(cx: &StepContext, what: &str, output: Option<String>) -> Got {
    let what = if cx.undoes().is_some() { format!("undo {what}") } else { what.into() };
    let (key, undoes) = (cx.key().into(), cx.undoes().map(Into::into));
    Got { what, key, undoes, output, instance: cx.instance().into() }
}
