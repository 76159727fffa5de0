//! The participants: they do what their script says, keep the contract of the key, and remember everything.

use saga_meaning::{
    program::{Class, Program, Step},
    reference::{Asked, Seen},
    script::{Answer, Failing, label, script, undo_script},
    trace::Event,
};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The "no" of every participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub struct No(pub i64);

/// The participants of a program.
#[derive(Debug, Clone)]
pub struct World(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    seed: u64,
    steps: HashMap<String, Step>,
    /// Nothing ever fails, and nobody has to wait.
    plain: bool,
    since: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By its key: which call it is.
    calls: HashMap<String, String>,
    /// How many calls say the same.
    same: HashMap<String, usize>,
    asked: BTreeMap<String, Asked>,
    undos: HashMap<String, Undo>,
    events: Vec<Event>,
    broken: Vec<String>,
    running: usize,
    most: usize,
}

/// What is known of the undo of a call.
#[derive(Debug)]
struct Undo {
    key: String,
    attempts: u32,
}

/// What the participants saw.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) seen: Seen,
    pub(crate) events: Vec<Event>,
    /// Where the engine broke a promise that it gives to participants.
    pub(crate) broken: Vec<String>,
    /// How many attempts ran at a time, at the most.
    pub(crate) most: usize,
}

/// An attempt that runs.
struct Running<'w>(&'w World);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.inner().running -= 1;
    }
}

impl World {
    pub(crate) fn of(program: &Program, plain: bool) -> Self {
        let steps = program.sagas.iter().flat_map(|saga| &saga.steps);
        let steps = steps.map(|step| (step.name.clone(), step.clone())).collect();
        Self(Arc::new(Shared { seed: program.seed, steps, plain, since: Instant::now(), inner: Mutex::default() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn sight(&self, undisturbed: bool) -> Sight {
        let inner = self.inner();
        let (events, broken) = (inner.events.clone(), inner.broken.clone());
        Sight { seen: Seen { asked: inner.asked.clone(), undisturbed }, events, broken, most: inner.most }
    }

    /// One attempt of a call.
    ///
    /// # Errors
    /// What its script says.
    pub async fn call(&self, cx: &StepContext, step: &str, tag: i64, argument: &[i64]) -> Result<i64, Failure<No>> {
        let label = label(step, tag, argument);
        let step = &self.0.steps[step];
        let told = script(self.0.seed, step, tag, argument);
        let (call, attempt) = {
            let mut inner = self.inner();
            let call = inner.call(cx.key(), &label);
            if inner.undos.contains_key(&call) {
                inner.broken.push(format!("{call} was attempted after its undo"));
            }
            let asked = inner.asked.entry(call.clone()).or_default();
            asked.attempts += 1;
            asked.attempted_at = self.now();
            let attempt = asked.attempts;
            inner.running += 1;
            inner.most = inner.most.max(inner.running);
            (call, attempt)
        };
        let _running = Running(self);
        let fails = attempt <= told.failures && !self.0.plain;
        if !fails || told.failing == Failing::Lost {
            self.act(&call, step, told.answer, !fails);
        }
        if !self.0.plain {
            let length = told.failures.wrapping_add(attempt) % 3 + u32::try_from(label.len() % 4).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(length.into())).await;
        }
        self.inner().asked.entry(call).or_default().ended_at = self.now();
        match (fails, told.answer) {
            (true, _) if told.failing == Failing::Clean => Err(Transient::no_effect("not reached").into()),
            (true, _) | (false, Answer::Never) => Err(Transient::new("no answer").into()),
            (false, Answer::Done(output)) => Ok(output),
            (false, Answer::Refused(no)) => Err(No(no).into()),
        }
    }

    /// What is done under a key is done once.
    fn act(&self, call: &str, step: &Step, answer: Answer, answered: bool) {
        let mut inner = self.inner();
        let asked = inner.asked.entry(call.into()).or_default();
        asked.answered |= answered;
        // What was not asked for under a key may be done, and the next time refused.
        let does = !matches!(answer, Answer::Refused(_)) || (step.keyless && !answered);
        let acts = does && step.class != Class::ReadOnly && !asked.took_effect;
        if acts {
            asked.took_effect = true;
            inner.events.push(Event::Did(call.into()));
        }
    }

    /// One attempt to undo a call.
    ///
    /// # Errors
    /// What its script says.
    pub async fn undo(
        &self,
        cx: &StepContext,
        step: &str,
        tag: i64,
        argument: &[i64],
        done: Outcome<i64>,
    ) -> Result<(), Transient> {
        let label = label(step, tag, argument);
        let (failures, at_once) = undo_script(self.0.seed, &label);
        let fails = {
            let mut inner = self.inner();
            let call = inner.call(cx.undoes().unwrap_or_default(), &label);
            // It may have begun and never been attempted.
            inner.asked.entry(call.clone()).or_default();
            let undo = inner.undos.entry(call.clone());
            let undo = undo.or_insert_with(|| Undo { key: cx.key().into(), attempts: 0 });
            undo.attempts += 1;
            let (fails, first) = (undo.attempts <= failures, undo.attempts == 1);
            if undo.key != cx.key() {
                inner.broken.push(format!("the undo of {call} has two keys"));
            }
            // The first attempt that does it.
            let acts = if at_once { first } else { !fails };
            if acts {
                inner.undone(&call, done);
            }
            fails
        };
        tokio::time::sleep(Duration::from_millis((label.len() % 3) as u64)).await;
        if fails { Err(Transient::new("not undone yet")) } else { Ok(()) }
    }
}

impl Inner {
    /// Which call has this key.
    fn call(&mut self, key: &str, label: &str) -> String {
        if let Some(call) = self.calls.get(key) {
            if !call.starts_with(&format!("{label}#")) {
                self.broken.push(format!("{label} has the key of {call}"));
            }
            return call.clone();
        }
        let same = self.same.entry(label.into()).or_default();
        let call = format!("{label}#{same}");
        *same += 1;
        self.calls.insert(key.into(), call.clone());
        call
    }

    /// A call is undone, once.
    fn undone(&mut self, call: &str, done: Outcome<i64>) {
        let asked = self.asked.get(call).copied().unwrap_or_default();
        let event = if asked.took_effect {
            Event::Undid(call.into(), done.done())
        } else {
            if !done.is_unknown() {
                self.broken.push(format!("{call} never was, and its undo was told {done:?}"));
            }
            Event::Empty(call.into())
        };
        let undid = |event: &&Event| matches!(event, Event::Undid(other, _) | Event::Empty(other) if other == call);
        match self.events.iter().find(undid) {
            Some(known) if *known == event => {}
            Some(known) => self.broken.push(format!("{known}, and then {event}")),
            None => {
                if let Some(asked) = self.asked.get_mut(call) {
                    asked.undone_in_doubt = done.is_unknown();
                }
                self.events.push(event);
            }
        }
    }
}

/// The failure of what cannot be refused.
///
/// # Panics
/// It was refused.
pub fn unrefused(failure: Failure<No>) -> Transient {
    match failure {
        Failure::Transient(transient) => transient,
        other => panic!("its script does not refuse: {other:?}"),
    }
}
