//! The undo log: what is to be undone, the last first.

use super::{
    called::{CallId, ChildAt},
    event::{Name, ParkCause},
    phase::Tries,
};
use serde::{Deserialize, Serialize};

/// What is to be undone of one strand, in order of completion.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Log {
    /// The entries.
    pub(crate) entries: Vec<Entry>,
    /// The row of the snapshot that holds what completed before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) below: Option<u64>,
    /// What is known of the attempts to undo the last one, once it is being undone.
    #[serde(default)]
    pub(crate) tries: Tries,
    /// The undo of the last one needs a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parked: Option<Park>,
}

/// Something that is to be undone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A call of a step.
    Call(Undo),
    /// What the branches of a join, or an inner flow, completed: independent of each other.
    Group(Group),
    /// Another saga, as a whole.
    Child(ChildUndo),
}

/// Logs that are undone independently of each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    /// One for each branch that has something to undo, in any order.
    pub(crate) logs: Vec<Log>,
    /// How many there are.
    pub(crate) left: usize,
}

/// A call that is to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undo {
    /// The call.
    pub(crate) call: CallId,
    /// The row of its answer; nothing if nobody knows the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<u64>,
    /// The step's durable name.
    pub(crate) step: Name,
    /// The compensation's name.
    pub(crate) compensation: Name,
}

/// Another saga that is to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChildUndo {
    /// The call that started it.
    pub(crate) call: CallId,
    /// Which.
    pub(crate) child: ChildAt,
}

/// An undo that needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Park {
    /// The row that parked it: what a verb names.
    pub(crate) row: u64,
    /// Why.
    pub(crate) cause: ParkCause,
}

impl Entry {
    /// A group of what is not empty; nothing if all of them are.
    pub(crate) fn group(logs: impl IntoIterator<Item = Vec<Self>>) -> Option<Self> {
        let filled = logs.into_iter().filter(|entries| !entries.is_empty());
        let logs: Vec<Log> = filled.map(|entries| Log { entries, ..Log::default() }).collect();
        let left = logs.len();
        (left > 0).then_some(Self::Group(Group { logs, left }))
    }

    /// Every undo in it.
    pub(crate) fn undos<'l>(&'l self, found: &mut Vec<&'l Undo>) {
        match self {
            Self::Call(undo) => found.push(undo),
            Self::Group(group) => group.logs.iter().for_each(|log| log.undos(found)),
            Self::Child(_) => {}
        }
    }

    /// The call that is undone, unless it is a group.
    pub(crate) fn call(&self) -> Option<CallId> {
        match self {
            Self::Call(undo) => Some(undo.call),
            Self::Child(undo) => Some(undo.call),
            Self::Group(_) => None,
        }
    }
}

impl Log {
    /// Whether nothing is to be undone, also not in earlier parts.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.below.is_none()
    }

    /// The last entries are to be undone from now on.
    pub(crate) fn activate(&mut self, at: i64) {
        self.tries = Tries::none(at);
        self.parked = None;
        if let Some(Entry::Group(group)) = self.entries.last_mut() {
            group.logs.iter_mut().for_each(|log| log.activate(at));
        }
    }

    /// The log whose last entry is the undo of this call, if that may be undone now.
    pub(crate) fn at(&self, call: CallId) -> Option<&Self> {
        match self.entries.last()? {
            Entry::Group(group) => group.logs.iter().find_map(|log| log.at(call)),
            entry => (entry.call() == Some(call)).then_some(self),
        }
    }

    /// The same, to change it.
    pub(crate) fn at_mut(&mut self, call: CallId) -> Option<&mut Self> {
        if self.entries.last()?.call() == Some(call) {
            return Some(self);
        }
        match self.entries.last_mut()? {
            Entry::Group(group) => group.logs.iter_mut().find_map(|log| log.at_mut(call)),
            Entry::Call(_) | Entry::Child(_) => None,
        }
    }

    /// Takes the undo of this call off its log, if that may be undone now.
    pub(crate) fn take(&mut self, at: i64, call: CallId) -> Option<Entry> {
        if self.entries.last()?.call() == Some(call) {
            let entry = self.entries.pop();
            self.activate(at);
            return entry;
        }
        let Entry::Group(group) = self.entries.last_mut()? else { return None };
        let found = group.logs.iter_mut().enumerate().find_map(|(index, log)| Some((index, log.take(at, call)?)));
        let (index, entry) = found?;
        if group.logs[index].entries.is_empty() {
            // What is over is not looked at again: a join may have thousands of branches.
            group.logs.swap_remove(index);
            group.left = group.logs.len();
        }
        if group.left == 0 {
            self.entries.pop();
            self.activate(at);
        }
        Some(entry)
    }

    /// Every entry that may be undone now, with the log that it is the last of.
    pub(crate) fn current<'l>(&'l self, found: &mut Vec<(&'l Self, &'l Entry)>) {
        match self.entries.last() {
            Some(Entry::Group(group)) => group.logs.iter().for_each(|log| log.current(found)),
            Some(entry) => found.push((self, entry)),
            None => {}
        }
    }

    /// Every undo in it, for whoever asks whether all of them are known.
    pub(crate) fn undos<'l>(&'l self, found: &mut Vec<&'l Undo>) {
        self.entries.iter().for_each(|entry| entry.undos(found));
    }

    /// Every park in it.
    pub(crate) fn parks(&self, found: &mut Vec<(Park, CallId)>) {
        let mut current = Vec::new();
        self.current(&mut current);
        found.extend(current.into_iter().filter_map(|(log, entry)| Some((log.parked?, entry.call()?))));
    }

    /// Takes what this row parked out of its park.
    pub(super) fn unpark(&mut self, at: i64, named: &dyn Fn(u64) -> bool) -> bool {
        if self.parked.is_some_and(|park| named(park.row)) {
            self.parked = None;
            self.tries.forgive(at);
            return true;
        }
        match self.entries.last_mut() {
            Some(Entry::Group(group)) => group.logs.iter_mut().any(|log| log.unpark(at, named)),
            _ => false,
        }
    }

    /// Time and attempts of all that may be undone now count anew, but for what is parked.
    pub(super) fn forgive(&mut self, at: i64) {
        match self.entries.last_mut() {
            Some(Entry::Group(group)) => group.logs.iter_mut().for_each(|log| log.forgive(at)),
            Some(_) if self.parked.is_none() => self.tries.forgive(at),
            _ => {}
        }
    }

    /// The attempts that were running are lost.
    pub(super) fn lost(&mut self, at: i64) {
        match self.entries.last_mut() {
            Some(Entry::Group(group)) => group.logs.iter_mut().for_each(|log| log.lost(at)),
            Some(Entry::Call(_)) if self.parked.is_none() => self.tries.lost(at, true),
            _ => {}
        }
    }
}
