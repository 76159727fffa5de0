//! The other side of the steps' calls: whoever keeps the contract of the key, and has a barrier.

use crate::plan::Fate;
use saga_runtime::{
    planted::{Mistake, is_planted},
    verify::Effect,
};
use std::collections::HashMap;

/// What is asked of a participant.
#[derive(Debug, Clone)]
pub struct Request {
    /// The saga's name.
    pub saga: Box<str>,
    /// The instance's id.
    pub id: Box<str>,
    /// The step.
    pub step: &'static str,
    /// The call's key.
    pub key: Box<str>,
    /// The key of the call to be undone, of an undo.
    pub undoes: Option<Box<str>>,
    /// What of.
    pub what: u32,
    /// What is said to it.
    pub fate: Fate,
}

/// What a participant says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done(u32),
    /// No.
    No(u32),
    /// It is done, and whoever hears of it panics.
    Panics(u32),
    /// It is done, and nothing is heard of it.
    Silence,
    /// Nothing is done before somebody has looked.
    Park,
    /// It was undone before it came.
    Barred,
}

/// What they remember.
#[derive(Debug, Default)]
pub struct Participants {
    calls: HashMap<Box<str>, Call>,
    /// What they have accepted, in order.
    pub ledger: Vec<Effect>,
}

#[derive(Debug, Default)]
struct Call {
    /// What was asked under this key: always the same.
    body: Option<(&'static str, u32)>,
    /// The answer that every later request with this key gets.
    answer: Option<Answer>,
    /// Whether the call took effect.
    done: bool,
    /// Whether it was undone, perhaps before it came.
    undone: bool,
    /// Whether somebody has looked, and allows it.
    allowed: bool,
    /// How often somebody was asked to look at its undo.
    looks: u32,
}

/// The value of what was asked for.
pub fn value(step: &str, what: u32) -> u32 {
    what * 10 + u32::try_from(step.len()).unwrap_or_default() % 10
}

impl Participants {
    /// What is wrong with what is asked under a key, and with what is to be undone: one key, one body.
    fn differs(&mut self, request: &Request) -> Option<String> {
        let undo = request.undoes.is_some();
        let body = (request.step, request.what);
        let calls = [Some(&request.key), request.undoes.as_ref()];
        let mut wrong = calls.into_iter().flatten().filter_map(|key| {
            let first = *self.calls.entry(key.clone()).or_default().body.get_or_insert(body);
            (first != body).then_some(first)
        });
        let first = wrong.next()?;
        let Request { saga, id, step, what, .. } = request;
        let verb = if undo { "undone" } else { "asked for" };
        Some(format!("all or none: {saga} {id}: {step} {what} is {verb} under the key of {first:?}"))
    }

    /// A request arrives; with what is wrong with it.
    pub fn arrives(&mut self, request: &Request) -> (Answer, Option<String>) {
        let wrong = self.differs(request);
        let answer = match &request.undoes {
            None => self.does(request),
            Some(undoes) => self.undoes(request, undoes),
        };
        (answer, wrong)
    }

    /// Whether somebody has allowed what was asked under this key: a request that is still on its way may do it any time.
    pub fn is_allowed(&self, key: &str) -> bool {
        self.calls.get(key).is_some_and(|call| call.allowed)
    }

    /// Somebody has looked at what was asked under this key: from now on it is done.
    pub fn allow(&mut self, key: &str) {
        self.calls.entry(key.into()).or_default().allowed = true;
    }

    fn does(&mut self, request: &Request) -> Answer {
        let call = self.calls.entry(request.key.clone()).or_default();
        if let Some(answer) = call.answer {
            return answer;
        }
        if call.undone && !is_planted(Mistake::NoBarrier) {
            return Answer::Barred;
        }
        if request.fate == Fate::Refused {
            call.answer = Some(Answer::No(request.what));
            return Answer::No(request.what);
        }
        if request.fate == Fate::Parks && !call.allowed {
            return Answer::Park;
        }
        let value = value(request.step, request.what);
        call.answer = Some(Answer::Done(value));
        call.done = true;
        if request.step != "look" {
            self.ledger.push(effect(request, true));
        }
        match request.fate {
            Fate::Panics => Answer::Panics(value),
            Fate::Hangs => Answer::Silence,
            _ => Answer::Done(value),
        }
    }

    fn undoes(&mut self, request: &Request, undoes: &str) -> Answer {
        let undo = self.calls.entry(request.key.clone()).or_default();
        if let Some(answer) = undo.answer {
            return answer;
        }
        let call = self.calls.entry(undoes.into()).or_default();
        if request.fate == Fate::UndoParks && call.looks == 0 {
            call.looks = 1;
            return Answer::Park;
        }
        call.undone = true;
        let changed = std::mem::take(&mut call.done);
        self.ledger.push(effect(request, changed));
        self.calls.entry(request.key.clone()).or_default().answer = Some(Answer::Done(0));
        Answer::Done(0)
    }
}

fn effect(request: &Request, changed: bool) -> Effect {
    Effect {
        saga: request.saga.clone(),
        id: request.id.clone(),
        step: request.step.into(),
        key: request.key.clone(),
        undoes: request.undoes.clone(),
        changed,
    }
}
