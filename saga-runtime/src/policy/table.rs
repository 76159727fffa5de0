//! The policies of one runtime, by name: each a door behind a lock, and who is to be told that its turn has come.

use super::{
    breaker::{BreakerState, Verdict},
    door::{Door, Inside, Shown},
    settings::NamedPolicy,
};
use crate::{
    core::CallId,
    definition::Policy,
    store::{InstanceNo, Micros},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// How many may wait for a policy in memory at a time, each for a second at the most. The others wait in the store.
const NEAR: usize = 64;

/// Who wants to make an attempt: a call of an instance, or its undo. The call's row tells the calls of one instance apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Who {
    pub(crate) instance: InstanceNo,
    pub(crate) call: CallId,
    pub(crate) undo: bool,
}

/// Every policy of a runtime.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    named: BTreeMap<Box<str>, Mutex<Named>>,
    /// Those whose turn has come and who wait in the store.
    called: Mutex<Vec<InstanceNo>>,
    /// Rung when there is somebody among them, or when another time to look has become known.
    changed: Notify,
}

#[derive(Debug)]
struct Named {
    door: Door<Who>,
    /// Those who wait in memory.
    near: HashMap<Who, Arc<Notify>>,
}

/// The answer to someone who wants to make an attempt.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// It may be made now.
    Now(Pass),
    /// It may not, and this is no attempt. The place is kept.
    Later(Later),
}

/// What someone who has to wait is told.
#[derive(Debug)]
pub(crate) struct Later {
    /// The earliest time, if it is known; otherwise it depends on others.
    pub(crate) at: Option<Micros>,
    /// About how many are before them.
    pub(crate) ahead: u64,
    /// Why, in words.
    pub(crate) why: &'static str,
}

/// Leave to make one attempt. Dropped without a word it says nothing of the participant.
#[derive(Debug)]
pub(crate) struct Pass(Option<(Arc<Policies>, &'static str, Inside, Micros)>);

/// A place in memory to wait at for a short while; dropped, the turn is told through the store.
#[derive(Debug)]
pub(crate) struct Near {
    policies: Arc<Policies>,
    name: &'static str,
    who: Who,
    bell: Arc<Notify>,
}

impl Near {
    /// Ends when the turn has come.
    pub(crate) async fn turn(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        if let Some(mut named) = self.policies.named(self.name) {
            named.near.remove(&self.who);
        }
    }
}

impl Pass {
    /// Leave that nobody has to give.
    pub(crate) fn free() -> Self {
        Self(None)
    }

    /// The attempt has ended, and this is what it says of the participant.
    pub(crate) fn ended(mut self, verdict: Verdict, now: Micros) {
        if let Some((policies, name, inside, _)) = self.0.take() {
            policies.left(name, inside, verdict, now);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some((policies, name, inside, since)) = self.0.take() {
            policies.left(name, inside, Verdict::Nothing, since);
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Policies {
    pub(crate) fn new(settings: BTreeMap<Box<str>, NamedPolicy>, now: Micros) -> Self {
        let named = |settings| Mutex::new(Named { door: Door::new(settings, now), near: HashMap::new() });
        let named = settings.into_iter().map(|(name, settings)| (name, named(settings))).collect();
        Self { named, ..Self::default() }
    }

    /// Whether there is none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    fn named(&self, name: &str) -> Option<MutexGuard<'_, Named>> {
        self.named.get(name).map(held)
    }

    /// How the attempts of a step or a compensation are bounded at this moment: by its own word, else by its policy's.
    pub(crate) fn bounds(&self, own: &Policy, name: Option<&str>) -> Policy {
        let mut policy = *own;
        if let Some(named) = name.and_then(|name| self.named(name)) {
            let settings = named.door.settings();
            if !own.own_timeout {
                policy.timeout = settings.timeout.unwrap_or(own.timeout);
            }
            if !own.own_retry {
                policy.retry = settings.retry.unwrap_or(own.retry);
            }
        }
        policy
    }

    /// Leave for one attempt, or a place among those who wait.
    pub(crate) fn admit(self: &Arc<Self>, name: &'static str, who: Who, now: Micros) -> Admitted {
        // Every name was looked up when the runtime started.
        let Some(mut named) = self.named(name) else { return Admitted::Now(Pass::free()) };
        let admitted = match named.door.admit(who, now) {
            Ok(inside) => Admitted::Now(Pass(Some((Arc::clone(self), name, inside, now)))),
            Err(refused) => Admitted::Later(Later { at: refused.at, ahead: refused.ahead, why: refused.why }),
        };
        self.call(&mut named, now);
        admitted
    }

    /// A place to wait at in memory, if there is one left.
    pub(crate) fn near(self: &Arc<Self>, name: &'static str, who: Who) -> Option<Near> {
        let mut named = self.named(name)?;
        if named.near.len() >= NEAR {
            return None;
        }
        let bell = Arc::new(Notify::new());
        if named.door.is_called(who) {
            bell.notify_one();
        }
        named.near.insert(who, Arc::clone(&bell));
        Some(Near { policies: Arc::clone(self), name, who, bell })
    }

    /// Whether somebody's turn has come.
    pub(crate) fn is_called(&self, name: &str, who: Who) -> bool {
        self.named(name).is_some_and(|named| named.door.is_called(who))
    }

    /// Why somebody waits, if they do.
    pub(crate) fn keeps_out(&self, name: &str, who: Who, now: Micros) -> Option<&'static str> {
        self.named(name)?.door.keeps_out(who, now)
    }

    /// Somebody no longer waits: something else is to be done.
    pub(crate) fn withdraw(&self, name: &str, who: Who, now: Micros) {
        if let Some(mut named) = self.named(name) {
            named.door.withdraw(who, now);
            self.call(&mut named, now);
        }
    }

    /// Whoever waits here waits elsewhere from now on.
    pub(crate) fn forget_waiting(&self, now: Micros) {
        for named in self.named.values() {
            let mut named = held(named);
            named.door.withdraw_all(|_| true, now);
            self.call(&mut named, now);
        }
        held(&self.called).clear();
    }

    /// This instance wants nothing here any more: it has ended, or another worker has it.
    pub(crate) fn forget(&self, instance: InstanceNo, now: Micros) {
        for named in self.named.values() {
            let mut named = held(named);
            named.door.withdraw_all(|who| who.instance == instance, now);
            self.call(&mut named, now);
        }
    }

    fn left(&self, name: &str, inside: Inside, verdict: Verdict, now: Micros) {
        if let Some(mut named) = self.named(name) {
            named.door.leaves(inside, verdict, now);
            self.call(&mut named, now);
        }
    }

    /// Tells those whose turn has come.
    fn call(&self, named: &mut Named, now: Micros) {
        if named.door.is_wanted() {
            // Another time to look may have become known.
            self.changed.notify_one();
        }
        self.tell(named, now);
    }

    fn tell(&self, named: &mut Named, now: Micros) {
        for who in named.door.call(now) {
            if let Some(bell) = named.near.get(&who) {
                bell.notify_one();
            } else {
                held(&self.called).push(who.instance);
            }
        }
    }

    /// Looks at every policy; those whose turn has come and who wait in the store, and when to look again.
    pub(crate) fn look(&self, now: Micros) -> (Vec<InstanceNo>, Option<Micros>) {
        let mut again: Option<Micros> = None;
        for named in self.named.values() {
            let mut named = held(named);
            self.tell(&mut named, now);
            if let Some(at) = named.door.wakes(now) {
                again = Some(again.map_or(at, |again| again.min(at)));
            }
        }
        (std::mem::take(&mut *held(&self.called)), again)
    }

    /// Ends when there is a reason to look.
    pub(crate) async fn changes(&self) {
        self.changed.notified().await;
    }

    /// Other limits from now on; whether there is a policy of this name.
    pub(crate) fn set(&self, name: &str, settings: NamedPolicy, now: Micros) -> bool {
        let Some(mut named) = self.named(name) else { return false };
        named.door.set(settings, now);
        self.call(&mut named, now);
        true
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(|name| &**name)
    }

    /// What every policy is doing, by name.
    pub(crate) fn snapshot(&self, now: Micros) -> Vec<PolicyStatus> {
        let mut all = Vec::with_capacity(self.named.len());
        for (name, named) in &self.named {
            let named = held(named);
            let Shown { breaker, in_flight, waiting, admitted, refused } = named.door.shown(now);
            let (name, limits) = (name.clone(), *named.door.settings());
            all.push(PolicyStatus { name, limits, breaker, in_flight, waiting, admitted, refused });
        }
        all
    }
}

/// What a named policy is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyStatus {
    /// Its name.
    pub name: Box<str>,
    /// What it says at this moment.
    pub limits: NamedPolicy,
    /// What its circuit breaker is doing, if it has one.
    pub breaker: Option<BreakerState>,
    /// Attempts that are being made.
    pub in_flight: usize,
    /// Calls that wait for their turn, in memory or in the store.
    pub waiting: usize,
    /// Attempts that were let through since the runtime started.
    pub admitted: u64,
    /// Calls that were told to wait since the runtime started.
    pub refused: u64,
}
