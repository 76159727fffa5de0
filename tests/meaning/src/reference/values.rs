//! The values of a flow's locals, and what can be done with them.

use std::collections::BTreeMap;

/// Why a flow gave up, or a call has no output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// A "no".
    Refused(i64),
    /// This step ran out of attempts.
    Exhausted(String),
}

/// What the participants saw.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Of each call, by its name and how often it was made before.
    pub asked: BTreeMap<String, Asked>,
    /// Nothing disturbed them, so that times mean something.
    pub undisturbed: bool,
}

/// What a participant saw of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// How often it was attempted.
    pub attempts: u32,
    /// It took effect.
    pub took_effect: bool,
    /// It was answered with something else than a failure.
    pub answered: bool,
    /// It was undone, with nothing known of its output.
    pub undone_in_doubt: bool,
    /// When the last attempt began, in milliseconds.
    pub attempted_at: u64,
    /// When the last attempt ended, in milliseconds.
    pub ended_at: u64,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Val {
    Unit,
    Number(i64),
    Bool(bool),
    Numbers(Vec<i64>),
    Answer(Result<Box<Val>, Failed>),
    /// The place of the signal in the wait, and its value; nothing if the time was over.
    Received(Option<(usize, i64)>),
}

impl Val {
    pub(super) fn number(&self) -> i64 {
        if let Self::Number(number) = self { *number } else { 0 }
    }

    pub(super) fn numbers(self) -> Vec<i64> {
        if let Self::Numbers(numbers) = self { numbers } else { Vec::new() }
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    pub(super) fn answer(self) -> Result<Self, Failed> {
        match self {
            Self::Answer(answer) => answer.map(|value| *value),
            other => Ok(other),
        }
    }
}

/// The locals that a flow begins with.
pub(super) fn locals(tag: i64, number: i64, given: Option<Vec<i64>>) -> BTreeMap<String, Val> {
    let mut locals = BTreeMap::from([("tag".into(), Val::Number(tag)), ("n0".into(), Val::Number(number))]);
    locals.extend(given.map(|given| ("given".into(), Val::Numbers(given))));
    locals
}

/// What `mix` is in a flow.
pub fn mix(a: i64, b: i64) -> i64 {
    (a * 3 + b) % 97
}

/// What `sum` is in a flow.
pub fn sum(list: &[i64]) -> i64 {
    list.iter().sum::<i64>() % 97
}

/// What `length` is in a flow.
pub fn length(list: &[i64]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

/// What `branch` is in a flow: another for each branch of each join beneath each other.
pub fn branch(tag: i64, at: i64) -> i64 {
    tag * 16 + 1 + at
}

/// What `first` is in a flow: what a fan-out goes through.
pub fn first(list: &[i64]) -> Vec<(i64, i64)> {
    (0..).zip(list.iter().copied().take(4)).collect()
}
