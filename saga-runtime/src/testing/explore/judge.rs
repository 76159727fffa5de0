//! What no fault may change, asked of each history.

use super::{
    Ending,
    faults::Effort,
    history::{Rest, Seen},
};
use crate::{
    core::{Calls, Event, key::Purpose},
    definition::{Class, Definition},
    engine::load::read,
    store::{Filter, Row, Status, Store as _, memory::Memory},
    verify::{Effect, Journal, Kept, check, read_all, walk},
};
use futures_util::FutureExt as _;
use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    hash::{DefaultHasher, Hash as _},
};

/// A promise, and how it is broken.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) promise: Box<str>,
    pub(super) what: String,
    /// The history that it is held against, if that had faults of its own.
    pub(super) against: Option<String>,
}

impl Broken {
    pub(super) fn new(promise: &str, what: impl Into<String>) -> Self {
        Self { promise: promise.into(), what: what.into(), against: None }
    }
}

const ENDS: &str = "every instance ends";
const ALL_OR_NONE: &str = "all or none";

/// What the participants looked like at the end of a history.
#[derive(Debug)]
struct Looked {
    state: String,
    history: String,
    faults: usize,
}

/// What was seen of all histories so far.
#[derive(Debug, Default)]
pub(super) struct Judge {
    begin: Option<String>,
    /// For the calls that stand in the end.
    ends: HashMap<String, Looked>,
}

/// How it ended.
pub(super) fn ending(seen: &Seen) -> Ending {
    match (&seen.rest, seen.instance.as_ref().map(|instance| instance.status)) {
        (Rest::Parked(_), _) => Ending::Parked,
        (_, Some(Status::Completed)) => Ending::Completed,
        (_, Some(Status::Compensated | Status::CompensatedWithDebt)) => Ending::Compensated,
        _ => Ending::Waits,
    }
}

impl Judge {
    /// What the participants look like before anything happens, which is always the same.
    pub(super) fn begins(&mut self, state: &str) -> Option<Broken> {
        let begin = self.begin.get_or_insert_with(|| state.to_owned());
        (begin != state).then(|| {
            let what = "the participants look another way before anything has happened: what `make` makes, and what `state` \
                        shows, has to be the same each time (a `HashMap` prints in any order, a `BTreeMap` in one)";
            Broken::new("the same choices lead to the same history", what)
        })
    }

    /// The first promise that this history breaks.
    pub(super) fn judge(
        &mut self,
        definition: &'static Definition,
        seen: &Seen,
        efforts: &[Effort],
        state: Option<&str>,
        (history, faults): (&str, usize),
    ) -> Option<Broken> {
        if let Some(broken) = rest(seen) {
            return Some(broken);
        }
        let instance = seen.instance.as_ref()?;
        let effects = effects(definition, seen, efforts);
        let effects: Vec<&Effect> = effects.iter().collect();
        let steps = definition.steps.iter().filter(|step| step.idempotent.is_none()).map(|step| step.name).collect();
        let kept = Kept { effects: &effects, steps: &steps };
        let violations = check(instance, &seen.rows, Some(kept), true, Some(definition));
        if let Some(violation) = violations.into_iter().next() {
            return Some(Broken::new(&violation.promise.to_string(), violation.what));
        }
        let (journal, _) = walk(&seen.rows, &read_all(&seen.rows).0, None);
        let state = state.filter(|_| seen.rest == Rest::Ended)?;
        if stays(definition, &journal, &instance.birth, efforts) {
            return None;
        }
        self.all_or_none(&journal, state, history, faults)
    }

    fn all_or_none(&mut self, journal: &Journal, state: &str, history: &str, faults: usize) -> Option<Broken> {
        let standing = journal
            .calls
            .values()
            .filter(|call| call.done.is_some() && call.undone.is_none() && call.class.is_none_or(Class::has_effect));
        let text = standing.fold(String::new(), |mut text, call| {
            let within = if call.path.is_empty() { String::new() } else { format!(" in {}", call.path) };
            let _ = writeln!(text, "`{}`{within}{} answered {}", call.step, call.arguments, call.answer);
            text
        });
        if text.is_empty() {
            let begin = self.begin.as_deref().filter(|begin| *begin != state)?;
            let what = "nothing stands, and the participants are not as they were before";
            return Some(Broken::new(ALL_OR_NONE, format!("{what}\n{}", difference(begin, state))));
        }
        let Some(before) = self.ends.get(&text) else {
            self.ends.insert(text, Looked { state: state.to_owned(), history: history.to_owned(), faults });
            return None;
        };
        if before.state == state {
            return None;
        }
        let than = if before.faults == 0 {
            "the same calls stand as in a history without faults, and the participants differ".to_owned()
        } else {
            format!("the same calls stand as in the history \"{}\", and the participants differ", before.history)
        };
        let against = (before.faults > 0).then(|| before.history.clone());
        let what = format!("{than}\n{text}\n{}", difference(&before.state, state));
        Some(Broken { against, ..Broken::new(ALL_OR_NONE, what) })
    }
}

/// Whether it came to a rest that somebody could expect.
fn rest(seen: &Seen) -> Option<Broken> {
    match &seen.rest {
        Rest::Ended | Rest::Left(_) | Rest::Unstarted(_) => None,
        Rest::Broken(error) => Some(Broken::new("the engine goes on", &**error)),
        Rest::Hopeless { step, undo } => {
            let what = if *undo { "the compensation of step" } else { "step" };
            let what = format!("{what} `{step}` fails again and again although nothing is in its way");
            Some(Broken::new(ENDS, what))
        }
        Rest::Parked(why) => {
            let what = format!("it is parked, also when it is tried again without a fault: {why}");
            Some(Broken::new(ENDS, what))
        }
        Rest::Waits => {
            let status = seen.instance.as_ref().map(|instance| instance.status);
            let waits = matches!(status, Some(Status::Waiting));
            (!waits).then(|| Broken::new(ENDS, format!("nothing happens any more, and it is {status:?}")))
        }
    }
}

/// What the participants accepted, of what they were asked for: the first time under each key.
fn effects(definition: &Definition, seen: &Seen, efforts: &[Effort]) -> Vec<Effect> {
    let Some(instance) = &seen.instance else { return Vec::new() };
    let mut accepted = HashSet::new();
    let mut effects = Vec::new();
    // What only reads has no effect, and may happen before anything is durable.
    let has_effect = |name: &str| definition.step(name).is_some_and(|(_, step)| step.class.has_effect());
    let done = efforts.iter().filter(|effort| effort.reached && effort.ended == "done");
    for effort in done.filter(|effort| has_effect(effort.step)) {
        let changed = match &effort.undoes {
            None => true,
            Some(undoes) => accepted.contains(undoes),
        };
        if accepted.insert(effort.key.clone()) {
            effects.push(Effect {
                saga: instance.saga.clone(),
                id: instance.id.clone(),
                step: effort.step.into(),
                key: effort.key.clone(),
                undoes: effort.undoes.clone(),
                changed,
            });
        }
    }
    effects
}

/// Whether something stays of which nothing tells: a step that is never undone may have happened, and its answer is not known.
fn stays(definition: &Definition, journal: &Journal, birth: &str, efforts: &[Effort]) -> bool {
    let done = journal.calls.values().filter(|call| call.done.is_some());
    let known: HashSet<_> = done.map(|call| call.key(birth, Purpose::Step)).collect();
    efforts.iter().any(|effort| {
        let step = definition.step(effort.step).map(|(_, step)| step);
        let forever = step.is_some_and(|step| step.class == Class::NotCompensated);
        !effort.undo && effort.reached && effort.ended != "refused" && forever && !known.contains(&*effort.key)
    })
}

/// The lines that are not the same.
fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let before = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let rest = (&expected[before..], &found[before..]);
    let after = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
    let mut told = String::new();
    for line in &rest.0[..rest.0.len() - after] {
        let _ = writeln!(told, "  expected  {line}");
    }
    for line in &rest.1[..rest.1.len() - after] {
        let _ = writeln!(told, "  found     {line}");
    }
    told
}

/// What the store holds, whenever that was.
pub(super) fn timeless(store: &Memory, hasher: &mut DefaultHasher) {
    let all = store.list(&Filter::default(), None, usize::MAX).now_or_never().and_then(Result::ok).unwrap_or_default();
    for instance in all {
        (&instance.saga, &instance.id, format!("{:?}", instance.status)).hash(hasher);
        let rows = store.journal(instance.no, 1, usize::MAX).now_or_never().and_then(Result::ok).unwrap_or_default();
        for row in rows {
            momentless(&row).hash(hasher);
        }
        let messages = store.messages(instance.no).now_or_never().and_then(Result::ok).unwrap_or_default();
        for message in messages {
            (message.name, message.body).hash(hasher);
        }
        let inbox = store.inbox(instance.no).now_or_never().and_then(Result::ok).unwrap_or_default();
        for (_, body) in inbox {
            body.hash(hasher);
        }
    }
}

/// A row without the moments that it tells of.
fn momentless(row: &Row) -> String {
    let Ok(mut event) = read(row) else { return row.event.to_string() };
    let mut within = &mut event;
    while let Event::In { event, .. } = within {
        within = event;
    }
    match within {
        Event::Started { deadline, .. } => *deadline = deadline.map(|_| 0),
        Event::AttemptFailed(failed) | Event::CompensationFailed { failed, .. } => {
            failed.retry_at = failed.retry_at.map(|_| 0);
        }
        Event::Called(called) => match &mut called.calls {
            Calls::Wait { until, .. } => *until = until.map(|_| 0),
            Calls::Child { deadline, .. } => *deadline = deadline.map(|_| 0),
            _ => {}
        },
        // What all rows before it say.
        Event::Snapshot { .. } => return String::new(),
        _ => {}
    }
    event.to_text().map_or_else(|_| row.event.to_string(), |text| text.to_string())
}
