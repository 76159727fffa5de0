//! The participants: they keep the contract of the key, remember what they accepted, and misbehave as they are told.

use saga_runtime::{
    store::Micros,
    verify::{Effect, Ledger},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// What a step asks a participant for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ask {
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The instance's id.
    pub id: Box<str>,
    /// The step; of an undo, the one that it undoes.
    pub step: Box<str>,
    /// The call's key.
    pub key: Box<str>,
    /// Of an undo: the key of what it undoes.
    pub undoes: Option<Box<str>>,
    /// What it is about.
    pub about: Box<str>,
}

/// What it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// No.
    No,
    /// Not now.
    Later,
    /// The step is to do this, after its effect.
    Act(Act),
}

/// What a step does in place of answering. The effect has been accepted then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Act {
    /// Never ends.
    Hang,
    /// Panics.
    Panic,
    /// Answers with more than can be recorded.
    Oversize,
    /// Ends the whole process.
    Abort,
}

/// What a participant has in mind about one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Refuses it.
    Refuse,
    /// Accepts it, and has the step do this, so many times.
    Then(Act, u32),
    /// Says "not now" so many times.
    Later(u32),
    /// Accepts it, and answers when [`World::let_go`] says so.
    Hold,
    /// Has it undone later, for ever.
    NotBack,
}

/// An effect, and what it was about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Accepted {
    /// As the verifier wants it.
    pub effect: Effect,
    /// What it was about.
    pub about: Box<str>,
}

/// What participants keep for ever.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Memory {
    /// What they accepted, in order.
    pub accepted: Vec<Accepted>,
    /// What they answered under each key: whether it was done, or refused.
    pub answers: BTreeMap<Box<str>, bool>,
    /// The keys that were undone, and mean nothing any more.
    pub barred: BTreeSet<Box<str>>,
}

#[derive(Default)]
struct Inner {
    memory: Memory,
    plans: HashMap<Box<str>, Plan>,
    asked: u64,
    again: u64,
    held: usize,
    forgets_keys: bool,
    open: bool,
}

/// All participants of a trial. Clones are the same ones.
#[derive(Clone, Default)]
pub struct World {
    inner: Arc<Mutex<Inner>>,
    told: Arc<Notify>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What a participant has in hand is whole at any moment.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Participants that ignore keys: a trial that does not notice is worth nothing.
    pub fn forgetful() -> Self {
        let world = Self::default();
        world.inner().forgets_keys = true;
        world
    }

    /// Participants that remember this.
    pub fn remembering(memory: Memory) -> Self {
        let world = Self::default();
        world.inner().memory = memory;
        world
    }

    /// What they would keep.
    pub fn memory(&self) -> Memory {
        self.inner().memory.clone()
    }

    /// What is to happen about this thing.
    pub fn plan(&self, about: impl Into<Box<str>>, plan: Plan) {
        self.inner().plans.insert(about.into(), plan);
    }

    /// Whoever is held is answered, and nobody is held any more.
    pub fn let_go(&self) {
        self.inner().open = true;
        self.told.notify_waiters();
    }

    /// Whoever comes from now on is held again, if that is planned.
    pub fn hold_again(&self) {
        self.inner().open = false;
    }

    /// How many are held at this moment.
    pub fn held(&self) -> usize {
        self.inner().held
    }

    /// How often anything was asked for, and how often something that had been answered before.
    pub fn asked(&self) -> (u64, u64) {
        let inner = self.inner();
        (inner.asked, inner.again)
    }

    /// Everything that was accepted, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.inner().memory.accepted.clone()
    }

    /// What the verifier is given: everything, collected now.
    pub fn ledger(&self) -> Ledger {
        let effects = self.inner().memory.accepted.iter().map(|accepted| accepted.effect.clone()).collect();
        Ledger { effects, collected_at: Micros::MAX }
    }

    /// A step asks.
    pub async fn ask(&self, ask: &Ask) -> Reply {
        let (reply, waits) = self.answer(ask);
        if waits {
            self.inner().held += 1;
            let held = Held(self);
            loop {
                let told = self.told.notified();
                if held.0.inner().open {
                    break;
                }
                told.await;
            }
        }
        reply
    }

    fn answer(&self, ask: &Ask) -> (Reply, bool) {
        let mut guard = self.inner();
        let inner = &mut *guard;
        inner.asked += 1;
        if let Some(done) = inner.memory.answers.get(&ask.key).copied().filter(|_| !inner.forgets_keys) {
            inner.again += 1;
            let reply = if done { Reply::Done } else { Reply::No };
            let act = match inner.plans.get_mut(&ask.about) {
                Some(Plan::Then(act, times)) if *times > 0 && ask.undoes.is_none() => {
                    *times -= 1;
                    Some(*act)
                }
                _ => None,
            };
            return (act.map_or(reply, Reply::Act), false);
        }
        if ask.undoes.is_some() && inner.plans.get(&ask.about) == Some(&Plan::NotBack) {
            return (Reply::Later, false);
        }
        let plan = inner.plans.get_mut(&ask.about).filter(|_| ask.undoes.is_none());
        let (mut reply, mut hold) = (Reply::Done, false);
        match plan {
            Some(Plan::Refuse) => {
                inner.memory.answers.insert(ask.key.clone(), false);
                return (Reply::No, false);
            }
            Some(Plan::Later(times)) if *times > 0 => {
                *times -= 1;
                return (Reply::Later, false);
            }
            Some(Plan::Then(act, times)) if *times > 0 => {
                *times -= 1;
                reply = Reply::Act(*act);
            }
            Some(Plan::Hold) => hold = !inner.open,
            _ => {}
        }
        // What was undone before it came does not happen any more.
        if inner.memory.barred.contains(&ask.key) {
            return (Reply::No, false);
        }
        let mut changed = true;
        if let Some(undoes) = &ask.undoes {
            changed = inner.memory.answers.get(undoes).copied().unwrap_or(false);
            inner.memory.barred.insert(undoes.clone());
        }
        inner.memory.answers.insert(ask.key.clone(), true);
        let effect = Effect {
            saga: ask.saga.clone(),
            id: ask.id.clone(),
            step: ask.step.clone(),
            key: ask.key.clone(),
            undoes: ask.undoes.clone(),
            changed,
        };
        inner.memory.accepted.push(Accepted { effect, about: ask.about.clone() });
        (reply, hold)
    }
}

/// Somebody who is held; no longer, once it is dropped.
struct Held<'w>(&'w World);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.inner().held -= 1;
    }
}
