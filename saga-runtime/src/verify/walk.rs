//! A journal, read row by row by rules of its own.

use super::{
    Found, Promise,
    bounded::{Attempts, Bounds},
};
use crate::{
    core::{
        CallId, Called, Callee, Calls, ChildAt, Event, How, Name, ParkCause, Saved, StepAt, Stored, Verb,
        key::{Purpose, key},
    },
    definition::{ChildKind, Class, Definition},
    machine::{Answer, Json},
    store::{Micros, Row},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    sync::Arc,
};

/// A call of a step, or of another saga.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that a row may say")]
pub(crate) struct Call {
    /// The path of the strand that its key is made of.
    pub(crate) path: Box<str>,
    pub(crate) state: Box<str>,
    pub(crate) ordinal: u64,
    pub(crate) step: Box<str>,
    /// Of another saga, only whether it is a pivot.
    pub(crate) class: Option<Class>,
    /// Whether it is to be undone if the saga unwinds.
    pub(crate) compensable: bool,
    /// Whether it is another saga, and no step.
    pub(crate) is_saga: bool,
    /// Whether it commits with its record.
    pub(crate) transactional: bool,
    /// The row from which on it may have begun.
    begun: u64,
    /// The row that holds its output.
    pub(crate) done: Option<u64>,
    /// The row that says that it was undone, and whether by its compensation.
    pub(crate) undone: Option<(u64, bool)>,
    /// Whether the flow has been told that it failed: nothing more of it may begin.
    pub(super) failed: bool,
    /// Whether it may have happened although it has no output: such a one is undone, too.
    doubted: bool,
    /// Whether somebody said that it has happened.
    pub(crate) by_person: bool,
    /// What it was called with, and what it answered.
    pub(crate) arguments: String,
    pub(crate) answer: Box<str>,
    /// The attempts at it.
    pub(super) attempts: Attempts,
    /// The attempts to undo it, once one has failed.
    pub(super) undoing: Option<Attempts>,
}

impl Call {
    /// A call that may begin from this row on.
    fn begun((row, at): (u64, Micros), path: &str, state: &str, ordinal: u64, arguments: String) -> Self {
        Self {
            path: path.into(),
            state: state.into(),
            ordinal,
            step: state.into(),
            class: None,
            compensable: false,
            is_saga: false,
            transactional: false,
            begun: row,
            done: None,
            undone: None,
            failed: false,
            doubted: false,
            by_person: false,
            arguments,
            answer: Box::default(),
            attempts: Attempts::since(at),
            undoing: None,
        }
    }

    /// It is a call of this step.
    fn of_step(self, step: &StepAt) -> Self {
        Self {
            step: (&*step.step).into(),
            class: Some(step.class),
            compensable: step.compensation.is_some(),
            transactional: step.transactional,
            ..self
        }
    }

    /// It is a call of another saga.
    fn of_saga(self, child: &ChildAt) -> Self {
        Self {
            step: child.saga.clone(),
            class: (child.kind == ChildKind::Pivot).then_some(Class::Pivot),
            compensable: child.kind == ChildKind::Compensatable,
            is_saga: true,
            ..self
        }
    }

    /// Whether it began before this other one was undone. What an inner flow or a join undid is not there any more when the flow goes on.
    pub(crate) fn stood_with(&self, other: &Self) -> bool {
        other.undone.is_none_or(|(undone, _)| self.begun < undone)
    }

    pub(crate) fn key(&self, birth: &str, purpose: Purpose) -> Arc<str> {
        key(birth, &self.path, &self.state, self.ordinal, purpose)
    }
}

/// What is parked.
#[derive(Debug, Clone)]
pub(super) struct Stands {
    /// In which strand.
    pub(super) path: Box<str>,
    /// The undo of which call, if it is one.
    pub(super) undo: Option<CallId>,
    /// Whether it is for what ended its process: a retry is one of all that ran.
    pub(super) of_all: bool,
}

/// What a journal tells.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) calls: BTreeMap<CallId, Call>,
    /// Where a pivot was passed.
    pub(crate) pivot: Option<u64>,
    /// Which call is at hand in each strand; of a join, the join.
    at_hand: HashMap<Box<str>, (u64, Box<Called>)>,
    /// The call that a strand's answer is of.
    pub(super) leaf: HashMap<Box<str>, CallId>,
    ended: Option<u64>,
    /// Those that wait for another saga.
    waits: HashMap<Box<str>, u64>,
    /// The paths of joins: what is in different branches of one is beside each other.
    joins: Vec<Box<str>>,
    /// What was parked, by the row that says so.
    pub(super) parked: HashMap<u64, Stands>,
    /// What rows hold, by local.
    values: HashMap<(u64, Name), Json>,
    /// How often something was tried, and until when.
    pub(super) bounds: Bounds,
    /// Whether anything failed, so that something may have to be undone.
    pub(super) fails: bool,
    /// Whether everything is undone: nothing is called any more.
    pub(super) unwinds: bool,
    /// What somebody skipped, and nobody has settled since.
    pub(super) debt: BTreeSet<CallId>,
}

/// Reads a journal, and says what is wrong with it by itself; of what cannot be read, these events are what comes before that. With
/// the definition by which the instance runs, attempts are held against its policies.
pub(crate) fn walk(rows: &[Row], events: &[Event], definition: Option<&'static Definition>) -> (Journal, Vec<Found>) {
    let mut journal = Journal { bounds: Bounds::by(definition), ..Journal::default() };
    let mut found = Vec::new();
    for ((row, event), expected) in rows.iter().zip(events).zip(1..) {
        let wrong = |promise, what: String| Found { promise, row: Some(row.seq), what };
        if row.seq != expected {
            found.push(wrong(Promise::Chain, format!("row {expected} is missing")));
            break;
        }
        let (path, event) = event.unwrapped();
        for (promise, what) in journal.row((row.seq, row.at), path, event) {
            found.push(wrong(promise, what));
        }
    }
    (journal, found)
}

pub(super) type Wrong = Vec<(Promise, String)>;

impl Journal {
    fn row(&mut self, now: (u64, Micros), path: &str, event: &Event) -> Wrong {
        let (row, at) = now;
        let mut wrong = Wrong::new();
        if matches!(event, Event::Unwinding { .. }) && self.pivot.is_none() {
            // One that had completed is undone as a whole, for the saga that called it.
            self.ended = None;
        }
        let closes = matches!(event, Event::Decided(_) | Event::DebtSettled { .. } | Event::Snapshot { .. });
        if let Some(end) = self.ended.filter(|_| !closes) {
            wrong.push((Promise::Chain, format!("it goes on after its end in row {end}: {}", event.kind())));
        }
        self.is_bounded(now, path, event, &mut wrong);
        match event {
            Event::Started { .. } if row != 1 => wrong.push((Promise::OneStart, "it is started once more".into())),
            Event::Started { parameter, input, .. } => {
                self.values.insert((row, parameter.clone()), input.clone());
            }
            Event::Called(called) => self.called(now, path, called),
            Event::Begun { branches } => self.begun(now, path, branches),
            Event::AttemptFailed(failed) if failed.effect => self.doubt(path),
            Event::Doubted { doubt, .. } => {
                self.fails = true;
                for beneath in doubt {
                    let whole = if path.is_empty() { beneath.clone() } else { format!("{path}/{beneath}").into() };
                    self.doubt(if beneath.is_empty() { path } else { &whole });
                }
            }
            Event::Parked { undo, cause, .. } => {
                let of_all = *cause == ParkCause::CrashLoop;
                self.parked.insert(row, Stands { path: path.into(), undo: *undo, of_all });
            }
            Event::Decided(decided) if decided.refused.is_none() => {
                let strand = decided.park.and_then(|park| self.parked.get(&park));
                if let Some(Stands { path, undo: None, .. }) = strand
                    && let Some(call) = self.leaf.get(path).and_then(|id| self.calls.get_mut(id))
                {
                    call.by_person |= decided.verb == Verb::Resolve;
                    // Whoever says so is believed.
                    call.doubted &= decided.verb != Verb::DidNotHappen;
                }
                self.decided(at, decided);
            }
            Event::Answered { answer } => self.answered(row, path, answer, &mut wrong),
            Event::Undone { call, how } => self.undone(row, *call, how, &mut wrong),
            Event::DebtSettled { call, .. } => {
                self.debt.remove(call);
            }
            Event::Unwinding { doubt, .. } => {
                (self.fails, self.unwinds) = (true, true);
                for path in doubt {
                    self.doubt(path);
                }
                if let Some(pivot) = self.pivot {
                    wrong.push((Promise::OnePivot, format!("it unwinds after the pivot in row {pivot}")));
                }
            }
            Event::Completed { .. } => {
                self.ended = Some(row);
                self.waits_for_children(&mut wrong);
            }
            Event::Compensated {} => {
                self.ended = Some(row);
                self.waits_for_children(&mut wrong);
                for call in self.calls.values().filter(|call| call.compensable && call.undone.is_none()) {
                    let what = match call.done {
                        Some(done) => format!("`{}`, done in row {done}, was never undone", call.step),
                        None if call.doubted => format!("`{}`, which may have happened, was never undone", call.step),
                        None => continue,
                    };
                    wrong.push((Promise::AllOrNone, what));
                }
            }
            _ => {}
        }
        wrong
    }

    /// The call at hand in this strand may have happened.
    fn doubt(&mut self, path: &str) {
        if let Some(call) = self.leaf.get(path).and_then(|id| self.calls.get_mut(id)) {
            call.doubted = !call.transactional;
        }
    }

    /// Arguments as they were passed.
    fn passed(&self, arguments: &Saved) -> String {
        arguments.iter().fold(String::new(), |mut text, (name, stored)| {
            let value = match stored {
                Stored::Value(json) => json.get(),
                Stored::Kept { row, local } => {
                    let held = self.values.get(&(*row, local.as_ref().unwrap_or(name).clone()));
                    held.map_or("?", |json| json.get())
                }
            };
            let _ = write!(text, " {name}={value}");
            text
        })
    }

    fn waits_for_children(&self, wrong: &mut Wrong) {
        for row in self.waits.values() {
            let what = format!("the saga that it started in row {row}, and waits for, has not told its end");
            wrong.push((Promise::NoOrphan, what));
        }
    }

    fn called(&mut self, now: (u64, Micros), path: &str, called: &Called) {
        let (row, _) = now;
        let id = CallId { row, branch: None };
        for (name, stored) in &called.frame {
            if let Stored::Value(json) = stored {
                self.values.insert((row, name.clone()), json.clone());
            }
        }
        self.leaf.remove(path);
        let begun = |arguments| Call::begun(now, path, &called.state, called.ordinal, self.passed(arguments));
        match &called.calls {
            Calls::Step(step, arguments) => {
                let call = begun(arguments).of_step(step);
                self.calls.insert(id, call);
                self.leaf.insert(path.into(), id);
            }
            Calls::Child { child, arguments, .. } => {
                let call = begun(arguments).of_saga(child);
                self.calls.insert(id, call);
                self.leaf.insert(path.into(), id);
                if child.kind != ChildKind::Launched {
                    self.waits.insert(path.into(), row);
                }
            }
            Calls::Join { .. } => self.joins.push(called.at(row).path(path, None)),
            _ => {}
        }
        self.at_hand.insert(path.into(), (row, Box::new(called.clone())));
    }

    fn begun(&mut self, now: (u64, Micros), path: &str, branches: &[u32]) {
        let Some((join, called)) = self.at_hand.get(path) else { return };
        let Calls::Join { callees, branches: each, .. } = &called.calls else { return };
        for branch in branches {
            let one = if callees.len() == 1 { callees.first() } else { callees.get(*branch as usize) };
            let Some(Callee::Step(step)) = one else { continue };
            let id = CallId { row: *join, branch: Some(*branch) };
            let within = called.at(*join).path(path, Some(*branch));
            let arguments = each.get(*branch as usize).map(|arguments| self.passed(arguments));
            let call = Call::begun(now, &within, &step.step, 1, arguments.unwrap_or_default()).of_step(step);
            self.calls.insert(id, call);
            self.leaf.insert(within, id);
        }
    }

    fn answered(&mut self, row: u64, path: &str, answer: &Answer, wrong: &mut Wrong) {
        self.waits.remove(path);
        let Some(id) = self.leaf.get(path) else { return };
        let Some(call) = self.calls.get_mut(id) else { return };
        let Answer::Done(output) = answer else {
            if call.doubted && call.compensable && !matches!(answer, Answer::Refused(_)) {
                let what = format!("`{}`, which may have happened, is answered before it is undone", call.step);
                wrong.push((Promise::AllOrNone, what));
            }
            // Under the contract of the key a refusal says that no attempt has happened.
            call.doubted = false;
            call.failed = true;
            self.fails = true;
            return;
        };
        call.answer = output.get().into();
        if let Some(done) = call.done.replace(row) {
            wrong.push((Promise::Chain, format!("`{}` is answered twice, first in row {done}", call.step)));
        }
        if call.class == Some(Class::Pivot)
            && let Some(pivot) = self.pivot.replace(row)
        {
            wrong.push((Promise::OnePivot, format!("`{}` is a second pivot after that of row {pivot}", call.step)));
        }
    }

    fn undone(&mut self, row: u64, id: CallId, how: &How, wrong: &mut Wrong) {
        let Some(call) = self.calls.get(&id) else {
            wrong.push((Promise::Reverse, format!("what was never called is undone: the call of row {}", id.row)));
            return;
        };
        let step = &call.step;
        if let Some(pivot) = self.pivot.filter(|pivot| *pivot > call.begun) {
            wrong.push((Promise::OnePivot, format!("`{step}` is undone after the pivot in row {pivot}")));
        }
        if let Some((before, _)) = call.undone {
            wrong.push((Promise::Reverse, format!("`{step}` is undone twice, first in row {before}")));
        }
        if call.done.is_some() {
            // Strands beside each other are undone as they like.
            let later = self.calls.values().find(|later| {
                let stands = later.compensable && later.undone.is_none() && (later.done.is_some() || later.doubted);
                stands && self.follows(later, call)
            });
            if let Some(later) = later {
                let what = format!("`{step}` is undone before `{}`, which was done after it", later.step);
                wrong.push((Promise::Reverse, what));
            }
        }
        self.waits.retain(|_, waits| *waits != id.row);
        if let Some(call) = self.calls.get_mut(&id) {
            call.undone = Some((row, matches!(how, How::Done)));
            if matches!(how, How::Skipped { .. }) {
                self.debt.insert(id);
            }
        }
    }

    /// Whether a call was made after another one had its output, and not beside it.
    pub(crate) fn follows(&self, later: &Call, earlier: &Call) -> bool {
        earlier.done.is_some_and(|done| later.begun > done) && !self.are_beside(&later.path, &earlier.path)
    }

    /// Whether these strands are in different branches of one join.
    fn are_beside(&self, one: &str, other: &str) -> bool {
        self.joins.iter().any(|join| {
            let branch = |path: &str| -> Option<String> {
                let rest = path.strip_prefix(&**join)?.strip_prefix('.')?;
                rest.split('/').next().map(str::to_owned)
            };
            matches!((branch(one), branch(other)), (Some(one), Some(other)) if one != other)
        })
    }
}
