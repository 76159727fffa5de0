//! What no fault may change, asked of each history.

use super::{
    Ending,
    faults::Effort,
    history::{ID, Rest, Seen},
};
use crate::{
    core::{CallId, Called, Calls, Event, How, State},
    definition::{Class, Definition},
    engine::load::{apply, read},
    machine::Answer,
    store::{Row, Status, Store as _, memory::Memory},
};
use futures_util::FutureExt as _;
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    hash::{DefaultHasher, Hash as _},
};

/// A promise, and how it is broken.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) promise: &'static str,
    pub(super) what: String,
}

fn broken(promise: &'static str, what: impl Into<String>) -> Broken {
    Broken { promise, what: what.into() }
}

const ENDS: &str = "every instance ends";
const ALL_OR_NONE: &str = "all or none";
const REVERSE: &str = "compensations run in reverse order";
const ONE_PIVOT: &str = "nothing is undone after the pivot";
const CHAIN: &str = "the journal says what the store says";

/// What was seen of all histories so far.
#[derive(Debug)]
pub(super) struct Judge {
    /// For the calls that stand in the end, what the participants looked like; and in how many faults that was seen.
    states: HashMap<String, (String, usize)>,
    looks: bool,
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
    pub(super) fn new(looks: bool) -> Self {
        Self { states: HashMap::new(), looks }
    }

    /// What the participants look like before anything happens: so they are to look when nothing stands.
    pub(super) fn begins(&mut self, state: &str) {
        self.states.entry(String::new()).or_insert_with(|| (state.to_owned(), 0));
    }

    /// The first promise that this history breaks.
    pub(super) fn judge(
        &mut self,
        definition: &Definition,
        seen: &Seen,
        efforts: &[Effort],
        state: Option<&str>,
        faults: usize,
    ) -> Option<Broken> {
        rest(seen, efforts)
            .or_else(|| chain(seen))
            .or_else(|| pivot(definition, efforts))
            .or_else(|| reverse(efforts))
            .or_else(|| self.all_or_none(definition, seen, efforts, state, faults))
    }

    fn all_or_none(
        &mut self,
        definition: &Definition,
        seen: &Seen,
        efforts: &[Effort],
        state: Option<&str>,
        faults: usize,
    ) -> Option<Broken> {
        let state = state.filter(|_| self.looks && seen.rest == Rest::Ended)?;
        let standing = standing(&seen.rows);
        if stays(definition, efforts, &standing) {
            return None;
        }
        let text = standing.values().fold(String::new(), |mut text, call| {
            let _ = writeln!(text, "{} answered {}", call.name, call.answer);
            text
        });
        let Some((expected, before)) = self.states.get(&text) else {
            self.states.insert(text, (state.to_owned(), faults));
            return None;
        };
        if expected == state {
            return None;
        }
        let than = match (standing.is_empty(), before) {
            (true, _) => "nothing stands, and the participants are not as they were before".to_owned(),
            (false, 0) => {
                format!("the same calls stand as in a history without faults, and the participants differ\n{text}")
            }
            (false, _) => format!("the same calls stand as in an earlier history, and the participants differ\n{text}"),
        };
        Some(broken(ALL_OR_NONE, format!("{than}\n{}", difference(expected, state))))
    }
}

/// Whether it came to a rest that somebody could expect.
fn rest(seen: &Seen, efforts: &[Effort]) -> Option<Broken> {
    let last = efforts.last();
    match &seen.rest {
        Rest::Broken(error) => Some(broken(CHAIN, &**error)),
        Rest::Hopeless { step, undo } => {
            let what = if *undo { "the compensation of step" } else { "step" };
            Some(broken(ENDS, format!("{what} `{step}` fails again and again although nothing is in its way")))
        }
        Rest::Parked(why) if last.is_none_or(|last| !last.told) => {
            Some(broken(ENDS, format!("it is parked, also when it is tried again, and no fault did that: {why}")))
        }
        Rest::Parked(_) | Rest::Ended | Rest::Left(_) => None,
        Rest::Waits => {
            let status = seen.instance.as_ref().map(|instance| instance.status);
            let waits = matches!(status, Some(Status::Waiting));
            (!waits).then(|| broken(ENDS, format!("nothing happens any more, and it is {status:?}")))
        }
    }
}

/// The journal is gapless, and folding it gives what the store says.
fn chain(seen: &Seen) -> Option<Broken> {
    let instance = seen.instance.as_ref()?;
    let mut state = State::default();
    for (row, expected) in seen.rows.iter().zip(1..) {
        if row.seq != expected {
            return Some(broken(CHAIN, format!("row {expected} is missing")));
        }
        if let Err(error) = read(row).and_then(|event| apply(&mut state, row, &event)) {
            return Some(broken(CHAIN, error.to_string()));
        }
    }
    let ended = state.phase().is_end();
    (ended != instance.status.is_end())
        .then(|| broken(CHAIN, format!("the journal says {}, the store {:?}", state.state_name(), instance.status)))
}

/// At most one pivot, and nothing is undone after it.
fn pivot(definition: &Definition, efforts: &[Effort]) -> Option<Broken> {
    let pivots = |effort: &&Effort| {
        !effort.undo
            && effort.ended == "done"
            && definition.step(effort.step).is_some_and(|(_, step)| step.class == Class::Pivot)
    };
    let passed = efforts.iter().position(|effort| pivots(&effort))?;
    let pivot = &efforts[passed];
    let after = &efforts[passed + 1..];
    if let Some(undo) = after.iter().find(|effort| effort.undo && effort.reached) {
        return Some(broken(ONE_PIVOT, format!("step `{}` was undone after pivot `{}`", undo.step, pivot.step)));
    }
    let other = after.iter().find(|effort| pivots(effort) && effort.key != pivot.key)?;
    Some(broken(ONE_PIVOT, format!("pivot `{}` was passed, and then pivot `{}`", pivot.step, other.step)))
}

/// What was done before something else had begun is undone after that is undone.
fn reverse(efforts: &[Effort]) -> Option<Broken> {
    struct Span<'e> {
        step: &'static str,
        key: &'e str,
        first: usize,
        done: Option<usize>,
    }
    let mut forward: Vec<Span<'_>> = Vec::new();
    let mut undos: HashMap<&str, Span<'_>> = HashMap::new();
    for (at, effort) in efforts.iter().enumerate().filter(|(_, effort)| effort.reached) {
        let new = Span { step: effort.step, key: &effort.key, first: at, done: None };
        let span = if let Some(of) = &effort.undoes {
            undos.entry(of).or_insert(new)
        } else {
            let known = forward.iter().position(|span| span.key == &*effort.key);
            let index = known.unwrap_or_else(|| {
                forward.push(new);
                forward.len() - 1
            });
            &mut forward[index]
        };
        if effort.ended == "done" {
            span.done.get_or_insert(at);
        }
    }
    for earlier in &forward {
        for later in &forward {
            let sequential = earlier.done.is_some_and(|done| done < later.first);
            let (Some(first), Some(second)) = (undos.get(earlier.key), undos.get(later.key)) else { continue };
            if sequential && second.done.is_none_or(|done| done > first.first) {
                let what = format!("`{}` was undone before `{}`, which was done after it", earlier.step, later.step);
                return Some(broken(REVERSE, what));
            }
        }
    }
    None
}

/// A call that has been done, and not undone.
#[derive(Debug)]
struct Standing {
    name: String,
    step: Option<Box<str>>,
    answer: String,
}

/// The calls that stand in the end.
fn standing(rows: &[Row]) -> BTreeMap<CallId, Standing> {
    let mut calls: HashMap<Box<str>, (u64, Box<Called>)> = HashMap::new();
    let mut leaves: HashMap<Box<str>, (CallId, Box<str>)> = HashMap::new();
    let mut standing = BTreeMap::new();
    for row in rows {
        let Ok(event) = read(row) else { break };
        let (path, event) = event.unwrapped();
        match event {
            Event::Called(called) => {
                calls.insert(path.into(), (row.seq, called.clone()));
                if let Calls::Step(step, _) = &called.calls {
                    let id = CallId { row: row.seq, branch: None };
                    leaves.insert(path.into(), (id, (&*step.step).into()));
                }
            }
            Event::Begun { branches } => {
                let Some((join, called)) = calls.get(path) else { continue };
                let Calls::Join { callees, .. } = &called.calls else { continue };
                for branch in branches {
                    let one = callees.get(*branch as usize).or_else(|| callees.first().filter(|_| callees.len() == 1));
                    if let Some(crate::core::Callee::Step(step)) = one {
                        let id = CallId { row: *join, branch: Some(*branch) };
                        leaves.insert(called.at(*join).path(path, Some(*branch)), (id, (&*step.step).into()));
                    }
                }
            }
            Event::Answered { answer: Answer::Done(json) } => {
                if let Some((id, step)) = leaves.get(path) {
                    let name = if path.is_empty() { format!("`{step}`") } else { format!("`{step}` in {path}") };
                    standing.insert(*id, Standing { name, step: Some(step.clone()), answer: json.get().to_owned() });
                }
            }
            Event::Undone { call, how: How::Done | How::Resolved { .. } } => {
                standing.remove(call);
            }
            _ => {}
        }
    }
    standing
}

/// Whether something stays that nothing tells: a step that is never undone may have been done, and its answer is not known.
fn stays(definition: &Definition, efforts: &[Effort], standing: &BTreeMap<CallId, Standing>) -> bool {
    efforts.iter().any(|effort| {
        let step = definition.step(effort.step).map(|(_, step)| step);
        let forever = step.is_some_and(|step| step.class == Class::NotCompensated);
        let known = standing.values().any(|call| call.step.as_deref() == Some(effort.step));
        !effort.undo && effort.reached && forever && !known
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

/// What the store holds of the instance, whenever that was.
pub(super) fn timeless(store: &Memory, definition: &Definition, hasher: &mut DefaultHasher) {
    let found = store.find(definition.name, ID).now_or_never().and_then(Result::ok).flatten();
    let Some(instance) = found else { return };
    format!("{:?}", instance.status).hash(hasher);
    let rows = store.journal(instance.no, 1, usize::MAX).now_or_never().and_then(Result::ok).unwrap_or_default();
    for row in rows {
        let mut rest = &*row.event;
        // Moments are told by these names only.
        while let Some((before, after)) = ["\"retry_at\":", "\"until\":", "\"deadline\":"]
            .iter()
            .filter_map(|name| rest.split_once(name))
            .min_by_key(|(before, _)| before.len())
        {
            before.hash(hasher);
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        rest.hash(hasher);
    }
}
