//! A strand: one run of a flow, or of one branch of a join, within an instance.

use super::{
    called::{CallId, Called, Callee, Calls, StepAt, Stored},
    event::{Event, Name},
    log::{ChildUndo, Entry, Log, Park, Undo},
    phase::{AnswerAt, Beneath, CallAt, Calling, Doing, Held, Join, Phase, Tries, Wait},
};
use crate::{
    definition::{ChildKind, Class},
    machine::Answer,
};
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One run of a flow, or one branch of a join.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Strand {
    /// Where it stands.
    pub(crate) phase: Phase,
    /// For each local that was ever saved, the row that holds what was saved last.
    pub(crate) stored: LiteMap<Name, Held>,
    /// How many calls there were in each state.
    pub(crate) ordinals: LiteMap<Name, u64>,
    /// What is to be undone of it.
    pub(crate) log: Log,
}

/// When and where a row is applied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) row: u64,
    pub(super) at: i64,
}

/// What a row in a strand means to the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// Nothing beyond the strand.
    Nothing,
    /// There is no way back.
    Pivot,
}

/// Whether the strand of this path is the other one, or beneath it.
pub(crate) fn is_within(path: &str, around: &str) -> bool {
    path.strip_prefix(around).is_some_and(|rest| rest.is_empty() || around.is_empty() || rest.starts_with('/'))
}

impl Strand {
    /// The strand of this path, beneath this one.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        if path.is_empty() {
            return Some(self);
        }
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        let calling = self.phase.calling()?;
        match (&calling.doing, calling.call.beneath(segment)) {
            (Doing::Flow(inner), Beneath::Flow) => inner.at(rest),
            (Doing::Join(join), Beneath::Branch(index)) => join.running.get(&index)?.at(rest),
            _ => None,
        }
    }

    /// Calls `visit` for this strand and every one beneath it, with their paths.
    pub(crate) fn visit<'s>(&'s self, path: &str, visit: &mut dyn FnMut(&str, &'s Self)) {
        visit(path, self);
        let Some(calling) = self.phase.calling() else { return };
        match &calling.doing {
            Doing::Flow(inner) => inner.visit(&calling.call.path(path, None), visit),
            Doing::Join(join) => {
                for (index, strand) in &join.running {
                    strand.visit(&calling.call.path(path, Some(*index)), visit);
                }
            }
            _ => {}
        }
    }

    pub(super) fn visit_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        visit(self);
        let Some(calling) = self.phase.calling_mut() else { return };
        match &mut calling.doing {
            Doing::Flow(inner) => inner.visit_mut(visit),
            Doing::Join(join) => join.running.values_mut().for_each(|strand| strand.visit_mut(visit)),
            _ => {}
        }
    }

    /// The same, to change it.
    pub(super) fn at_mut(&mut self, path: &str) -> Option<&mut Self> {
        if path.is_empty() {
            return Some(self);
        }
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        let calling = self.phase.calling_mut()?;
        match (calling.call.beneath(segment), &mut calling.doing) {
            (Beneath::Flow, Doing::Flow(inner)) => inner.at_mut(rest),
            (Beneath::Branch(index), Doing::Join(join)) => join.running.get_mut(&index)?.at_mut(rest),
            _ => None,
        }
    }

    /// Ends the branch of this path if it is one call that has its answer by now.
    pub(super) fn settle(&mut self, path: &str) {
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        let Phase::Calling(calling) = &mut self.phase else { return };
        match (calling.call.beneath(segment), &mut calling.doing) {
            (Beneath::Flow, Doing::Flow(inner)) if !rest.is_empty() => inner.settle(rest),
            (Beneath::Branch(index), Doing::Join(join)) => {
                let leaf = matches!(join.callee(index), Some(Callee::Step(_)));
                let Some(strand) = join.running.get_mut(&index) else { return };
                if !rest.is_empty() {
                    strand.settle(rest);
                } else if leaf && let Phase::After { answer: AnswerAt::Row(row), .. } = strand.phase {
                    // Only what failed is undone.
                    join.ended(index, row, false);
                }
            }
            _ => {}
        }
    }

    /// Takes what this row parked out of its park, or whatever is parked here if no row is named.
    pub(super) fn unpark(&mut self, at: i64, row: Option<u64>) -> bool {
        let named = |parked: u64| row.is_none_or(|row| row == parked);
        match std::mem::take(&mut self.phase) {
            Phase::Parked { row: parked, beneath, .. } if named(parked) => {
                self.phase = *beneath;
                self.forgive(at);
                true
            }
            other => {
                self.phase = other;
                self.phase.is_undoing() && self.log.unpark(at, &named)
            }
        }
    }

    /// Time and attempts of all that is at hand here count anew, but for what is parked by itself: that waits for a decision of its own.
    pub(super) fn forgive(&mut self, at: i64) {
        if self.phase.is_undoing() {
            self.log.forgive(at);
        }
        let Phase::Calling(calling) = &mut self.phase else { return };
        match &mut calling.doing {
            Doing::Step(tries) => tries.forgive(at),
            Doing::Flow(inner) => inner.forgive(at),
            Doing::Join(join) => join.running.values_mut().for_each(|strand| strand.forgive(at)),
            _ => {}
        }
    }

    /// Everything that is to be undone of this strand and those beneath it; `doubt` names the strands whose call may have
    /// begun.
    pub(crate) fn undo(&self, path: &str, doubt: &BTreeSet<&str>) -> Vec<Entry> {
        let mut entries = self.log.entries.clone();
        if let Some(calling) = self.phase.calling() {
            entries.extend(calling.undo(path, doubt));
        }
        entries
    }

    /// Applies a row that is about the strand of this path beneath it.
    pub(super) fn descend(
        &mut self,
        path: &str,
        now: Moment,
        event: &Event,
        pivot_passed: bool,
    ) -> Result<Passed, &'static str> {
        const NONE: &str = "there is no such branch";
        if path.is_empty() {
            return self.apply(now, event, pivot_passed);
        }
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        let Phase::Calling(calling) = &mut self.phase else { return Err(NONE) };
        match (&mut calling.doing, calling.call.beneath(segment)) {
            (Doing::Flow(inner), Beneath::Flow) => inner.descend(rest, now, event, pivot_passed),
            (Doing::Join(join), Beneath::Branch(index)) => {
                let leaf = matches!(join.callee(index), Some(Callee::Step(_)));
                let strand = join.running.get_mut(&index).ok_or(NONE)?;
                if rest.is_empty() && leaf && matches!(event, Event::Called(_) | Event::Returned { .. }) {
                    return Err("the branch is one call");
                }
                strand.descend(rest, now, event, pivot_passed)?;
                if rest.is_empty()
                    && let Some((row, done)) = strand.end(leaf, now, event)
                {
                    join.ended(index, row, done);
                    if join.is_done() {
                        self.joined(pivot_passed);
                    }
                }
                Ok(Passed::Nothing)
            }
            _ => Err(NONE),
        }
    }

    /// Of a branch: the row of its answer and whether it is done rather than failed, if this row was its end.
    fn end(&self, leaf: bool, now: Moment, event: &Event) -> Option<(u64, bool)> {
        match (&self.phase, event) {
            (_, Event::Returned { answer }) => Some((now.row, matches!(answer, Answer::Done(_)))),
            (Phase::After { answer: AnswerAt::Row(row), .. }, event) if leaf => {
                Some((*row, matches!(event, Event::Answered { answer: Answer::Done(_) })))
            }
            _ => None,
        }
    }

    /// Every branch of the join at hand is done.
    fn joined(&mut self, pivot_passed: bool) {
        let Phase::Calling(calling) = std::mem::take(&mut self.phase) else { return };
        let Calling { call, doing: Doing::Join(join) } = *calling else { return };
        if !pivot_passed {
            self.log.entries.extend(Entry::group(join.undo.into_values()));
        }
        self.phase = Phase::After { call: Box::new(call), answer: AnswerAt::Rows(join.done.into_values().collect()) };
    }

    /// One arm for each event; in each, the phases in which it may happen. On an error nothing has changed.
    pub(super) fn apply(&mut self, now: Moment, event: &Event, pivot_passed: bool) -> Result<Passed, &'static str> {
        match event {
            Event::Called(called) => {
                let (Phase::Start | Phase::After { .. }) = self.phase else { return Err("") };
                self.called(now, called);
            }
            Event::Begun { branches } => self.begin(now, branches)?,
            Event::AttemptFailed(failed) => {
                let Phase::Calling(calling) = &mut self.phase else { return Err("") };
                let Doing::Step(tries) = &mut calling.doing else { return Err("no step is called") };
                tries.failed(failed);
            }
            Event::Answered { answer } => return self.answered(now, answer, pivot_passed),
            Event::Returned { .. } => {
                let (Phase::Start | Phase::After { .. }) = self.phase else { return Err("") };
            }
            Event::Doubted { doubt, .. } => self.doubted(now, doubt, pivot_passed)?,
            Event::CompensationFailed { call, failed } => {
                if !matches!(self.phase, Phase::Doubted { .. } | Phase::Unwinding { .. }) {
                    return Err("");
                }
                let Some(log) = self.log.at_mut(*call) else { return Err("another call is to be undone first") };
                log.tries.failed(failed);
            }
            Event::Parked { cause, undo: Some(call), .. } => {
                if !matches!(self.phase, Phase::Doubted { .. } | Phase::Unwinding { .. }) {
                    return Err("");
                }
                let Some(log) = self.log.at_mut(*call) else { return Err("another call is to be undone first") };
                log.parked = Some(Park { row: now.row, cause: *cause });
            }
            Event::Parked { cause, undo: None, .. } => {
                if matches!(self.phase, Phase::Empty | Phase::Parked { .. }) || self.phase.is_end() {
                    return Err("");
                }
                let beneath = Box::new(std::mem::take(&mut self.phase));
                self.phase = Phase::Parked { row: now.row, cause: *cause, beneath };
            }
            _ => return Err("it is about the whole instance"),
        }
        Ok(Passed::Nothing)
    }

    fn called(&mut self, now: Moment, called: &Called) {
        for (name, stored) in &called.frame {
            if let Stored::Value(json) = stored {
                self.stored.insert(name.clone(), Held { row: now.row, size: json.get().len() });
            }
        }
        self.ordinals.insert(called.state.clone(), called.ordinal);
        let doing = match &called.calls {
            Calls::Step(..) => Doing::Step(Tries::none(now.at)),
            // Where its arguments are, the row of the call tells.
            Calls::Flow(..) => Doing::Flow(Box::new(Self { phase: Phase::Start, ..Self::default() })),
            Calls::Join { callees, branches, limit } => Doing::Join(Join {
                callees: callees.clone(),
                count: u32::try_from(branches.len()).unwrap_or(u32::MAX),
                limit: *limit,
                ..Join::default()
            }),
            Calls::Wait { signals, until } => Doing::Wait(Wait { signals: signals.clone(), until: *until }),
            Calls::Child { child, .. } => Doing::Child(child.clone()),
            Calls::Send { .. } => Doing::Send,
        };
        let call = called.at(now.row);
        let empty = matches!(&doing, Doing::Join(join) if join.is_done());
        self.phase = Phase::Calling(Box::new(Calling { call, doing }));
        if empty {
            self.joined(false);
        }
    }

    fn begin(&mut self, now: Moment, branches: &[u32]) -> Result<(), &'static str> {
        let Phase::Calling(calling) = &mut self.phase else { return Err("") };
        let Calling { call, doing: Doing::Join(join) } = &mut **calling else { return Err("no join is under way") };
        if join.failed.is_some() {
            return Err("a branch has failed");
        }
        for (next, index) in (join.begun..join.count).zip(branches) {
            if next != *index {
                return Err("branches begin in order");
            }
        }
        let left = join.count.saturating_sub(join.begun) as usize;
        if branches.len() > left || branches.iter().any(|index| join.callee(*index).is_none()) {
            return Err("there is no such branch");
        }
        for index in branches {
            let strand = match join.callee(*index) {
                Some(Callee::Step(step)) => {
                    let call = CallAt {
                        row: call.row,
                        state: step.step.clone(),
                        fingerprint: call.fingerprint.clone(),
                        ordinal: 1,
                        branch: Some(*index),
                        step: Some(step.clone()),
                    };
                    let doing = Doing::Step(Tries::none(now.at));
                    Self { phase: Phase::Calling(Box::new(Calling { call, doing })), ..Self::default() }
                }
                // Where its arguments are, the row of the call and the index tell.
                Some(Callee::Flow(_)) => Self { phase: Phase::Start, ..Self::default() },
                None => return Err("there is no such branch"),
            };
            join.running.insert(*index, strand);
            join.begun += 1;
        }
        Ok(())
    }

    fn answered(&mut self, now: Moment, answer: &Answer, pivot_passed: bool) -> Result<Passed, &'static str> {
        let Phase::Calling(calling) = &mut self.phase else { return Err("") };
        let Calling { call, doing } = &mut **calling;
        let done = matches!(answer, Answer::Done(_));
        let id = call.id();
        let mut passed = Passed::Nothing;
        let mut undo = Vec::new();
        match doing {
            Doing::Step(_) => match &call.step {
                Some(step) if done && step.class == Class::Pivot => passed = Passed::Pivot,
                Some(step) if done => undo.extend(undo_of(id, step, Some(now.row)).map(Entry::Call)),
                _ => {}
            },
            Doing::Flow(inner) => {
                if !matches!(inner.phase, Phase::Start | Phase::After { .. }) {
                    return Err("the inner flow has not ended");
                }
                if !done && !inner.log.entries.is_empty() {
                    return Err("what it completed is to be undone first");
                }
                undo = std::mem::take(&mut inner.log.entries);
            }
            Doing::Join(join) => {
                let Answer::Branch { .. } = answer else { return Err("a join is answered by its branches") };
                if join.failed.is_none() || !calling.undo("", &BTreeSet::new()).is_empty() {
                    return Err("what its branches completed is to be undone first");
                }
            }
            Doing::Child(child) => match child.kind {
                ChildKind::Pivot if done => passed = Passed::Pivot,
                ChildKind::Compensatable if done => {
                    undo.push(Entry::Child(ChildUndo { call: id, child: child.clone() }));
                }
                _ => {}
            },
            Doing::Wait(_) | Doing::Send => {}
        }
        if !pivot_passed {
            self.log.entries.extend(undo);
        }
        self.after(AnswerAt::Row(now.row));
        Ok(passed)
    }

    fn after(&mut self, answer: AnswerAt) {
        self.phase = match std::mem::take(&mut self.phase) {
            Phase::Calling(calling) => Phase::After { call: Box::new(calling.call), answer },
            Phase::Doubted { call, answer, .. } => Phase::After { call, answer: AnswerAt::Row(answer) },
            other => other,
        };
    }

    fn doubted(&mut self, now: Moment, doubt: &[Box<str>], pivot_passed: bool) -> Result<(), &'static str> {
        let Phase::Calling(calling) = &self.phase else { return Err("") };
        if pivot_passed {
            return Err("the pivot has been passed");
        }
        if self.phase.has_pivot() {
            return Err("a pivot in doubt is not undone by guess");
        }
        let mut doubt: BTreeSet<&str> = doubt.iter().map(|path| &**path).collect();
        if let Doing::Step(_) = calling.doing {
            doubt.insert("");
        }
        let entries = match &calling.doing {
            // It has ended, and what it left behind is looked for, of whatever kind it is.
            Doing::Child(child) => vec![Entry::Child(ChildUndo { call: calling.call.id(), child: child.clone() })],
            _ => calling.undo("", &doubt),
        };
        if entries.is_empty() {
            return Err("there is nothing to undo");
        }
        let (call, stays) = (Box::new(calling.call.clone()), self.log.entries.len());
        self.log.entries.extend(entries);
        self.log.activate(now.at);
        self.phase = Phase::Doubted { call, answer: now.row, stays };
        Ok(())
    }

    /// Takes the undo of a call off the log.
    pub(super) fn undone(&mut self, now: Moment, call: CallId) -> Result<Entry, &'static str> {
        if !matches!(self.phase, Phase::Doubted { .. } | Phase::Unwinding { .. }) {
            return Err("");
        }
        let entry = self.log.take(now.at, call).ok_or("another call is to be undone first")?;
        if let Phase::Doubted { stays, answer, .. } = self.phase
            && self.log.entries.len() == stays
        {
            self.after(AnswerAt::Row(answer));
        }
        Ok(entry)
    }
}

impl Join {
    fn ended(&mut self, index: u32, row: u64, done: bool) {
        let Some(strand) = self.running.remove(&index) else { return };
        if done {
            self.done.insert(index, row);
        } else if self.failed.is_none() {
            self.failed = Some((index, row));
        }
        if !strand.log.entries.is_empty() {
            self.undo.insert(index, strand.log.entries);
        }
    }
}

impl Calling {
    /// What is to be undone of the call at hand and everything beneath it. Paths in `doubt` begin at the strand of `path`.
    fn undo(&self, path: &str, doubt: &BTreeSet<&str>) -> Vec<Entry> {
        match &self.doing {
            Doing::Step(_) if doubt.contains(path) => {
                let undo = self.call.step.as_ref().and_then(|step| undo_of(self.call.id(), step, None));
                undo.map(Entry::Call).into_iter().collect()
            }
            Doing::Flow(inner) => inner.undo(&self.call.path(path, None), doubt),
            Doing::Join(join) => {
                let mut logs: BTreeMap<u32, Vec<Entry>> = join.undo.clone();
                for (index, strand) in &join.running {
                    logs.insert(*index, strand.undo(&self.call.path(path, Some(*index)), doubt));
                }
                Entry::group(logs.into_values()).into_iter().collect()
            }
            // A child that has been started may complete as long as nobody has told it otherwise.
            Doing::Child(child) if child.kind == ChildKind::Compensatable => {
                vec![Entry::Child(ChildUndo { call: self.call.id(), child: child.clone() })]
            }
            _ => Vec::new(),
        }
    }
}

fn undo_of(call: CallId, step: &StepAt, answer: Option<u64>) -> Option<Undo> {
    let compensation = step.compensation.clone()?;
    Some(Undo { call, answer, step: step.step.clone(), compensation })
}

#[cfg(test)]
mod tests;
