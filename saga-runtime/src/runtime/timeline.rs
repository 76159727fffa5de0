//! Everything that happened to an instance.

use crate::{
    core::{Event, How, UnwindCause},
    engine::load::Unfoldable,
    machine::{Answer, Json},
    store::{Micros, Row},
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// Everything that happened to an instance, in order. Prints as a table; serializes for programs.
#[derive(Debug, Clone, Serialize)]
pub struct Timeline {
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The instance's id.
    pub id: Box<str>,
    /// What happened.
    pub entries: Vec<Entry>,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its row in the journal.
    pub row: u64,
    /// When it was recorded, in microseconds since the Unix epoch.
    pub at: Micros,
    /// The state, or the step that is undone, if it is about one.
    pub state: Option<Box<str>>,
    /// What.
    pub what: Happened,
}

/// What can happen to an instance.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happened {
    /// It was started.
    Started {
        /// With this input.
        input: Json,
    },
    /// The flow arrived at a call, whose attempts follow.
    Called {
        /// Which call in this state, from 1.
        ordinal: u64,
        /// The arguments that are saved in this row; those that are an unchanged local are not repeated.
        arguments: BTreeMap<Box<str>, Json>,
    },
    /// An attempt of the call failed.
    AttemptFailed {
        /// Which, from 1.
        attempt: u32,
        /// With this error.
        error: Box<str>,
        /// When the next one is due.
        retry_at: Option<Micros>,
    },
    /// An attempt was lost in a crash.
    Recovered {
        /// How many in a row.
        count: u32,
    },
    /// The call was answered.
    Answered {
        /// By this attempt.
        attempt: u32,
        /// With this.
        answer: Answer,
    },
    /// The call ended in doubt, and is undone before the flow is told this.
    Doubted {
        /// What it will be told.
        then: Answer,
    },
    /// The saga gave up.
    Unwinding {
        /// In words.
        cause: Box<str>,
    },
    /// The call of this state was undone, or its undo was settled by somebody.
    Undone {
        /// By this attempt.
        attempt: u32,
        /// In words.
        how: Box<str>,
    },
    /// An attempt of a compensation failed.
    CompensationFailed {
        /// Which, from 1.
        attempt: u32,
        /// With this error.
        error: Box<str>,
        /// When the next one is due.
        retry_at: Option<Micros>,
    },
    /// It was parked.
    Parked {
        /// Why.
        cause: super::ParkCause,
        /// In words.
        error: Box<str>,
    },
    /// A request was decided.
    Decided {
        /// What was asked for.
        verb: &'static str,
        /// By whom.
        by: Box<str>,
        /// Why.
        why: Box<str>,
        /// Why not, if it was refused.
        refused: Option<Box<str>>,
    },
    /// It ended: the flow returned this.
    Completed {
        /// The output.
        output: Json,
    },
    /// It ended: what had completed was undone.
    Compensated,
    /// A debt was settled.
    DebtSettled {
        /// By whom.
        by: Box<str>,
        /// How.
        why: Box<str>,
    },
    /// A row that cannot be read.
    Unreadable {
        /// Why.
        error: Box<str>,
    },
}

impl Timeline {
    pub(super) fn new(saga: &str, id: &str, rows: Vec<(Row, Result<Event, Unfoldable>)>) -> Self {
        let mut reader = Reader::default();
        let entries = rows.into_iter().map(|(row, event)| reader.entry(&row, event)).collect();
        Self { saga: saga.into(), id: id.into(), entries }
    }
}

/// What the rows so far say about the ones that follow.
#[derive(Default)]
struct Reader {
    states: BTreeMap<u64, Box<str>>,
    /// The state of the call at hand.
    state: Option<Box<str>>,
    /// Attempts of the call, or of the undo, that ended without an answer.
    lost: u32,
    /// The call at hand, if it has a compensation.
    undoable: Option<u64>,
    /// The calls that are to be undone, the last one first to go.
    undo: Vec<u64>,
    /// Whether it gave up.
    unwinding: bool,
}

impl Reader {
    fn entry(&mut self, row: &Row, event: Result<Event, Unfoldable>) -> Entry {
        let mut state = if self.unwinding {
            self.undo.last().and_then(|call| self.states.get(call)).cloned()
        } else {
            self.state.clone()
        };
        let what = match event {
            Err(error) => Happened::Unreadable { error: error.to_string().into() },
            Ok(Event::Started { input, .. }) => Happened::Started { input },
            Ok(Event::Called(called)) => {
                self.states.insert(row.seq, called.state.clone());
                self.state = Some(called.state.clone());
                state.clone_from(&self.state);
                self.lost = 0;
                self.undoable = called.compensation.as_ref().map(|_| row.seq);
                let arguments = called.arguments.into_iter().filter_map(|(name, stored)| match stored {
                    crate::core::Stored::Value(json) => Some((name, json)),
                    crate::core::Stored::Kept { .. } => None,
                });
                Happened::Called { ordinal: called.ordinal, arguments: arguments.collect() }
            }
            Ok(Event::AttemptFailed(failed)) => {
                self.lost += 1;
                Happened::AttemptFailed { attempt: failed.attempt, error: failed.error, retry_at: failed.retry_at }
            }
            Ok(Event::Recovered { count }) => {
                self.lost += 1;
                Happened::Recovered { count }
            }
            Ok(Event::Answered { answer }) => {
                let undoable = self.undoable.take();
                self.undo.extend(undoable.filter(|_| matches!(answer, Answer::Done(_))));
                Happened::Answered { attempt: self.lost + 1, answer }
            }
            Ok(Event::Doubted { then }) => {
                self.lost = 0;
                Happened::Doubted { then }
            }
            Ok(Event::Unwinding { cause, doubt }) => {
                self.lost = 0;
                let undoable = self.undoable.take();
                self.undo.extend(undoable.filter(|_| doubt));
                self.unwinding = true;
                state = None;
                Happened::Unwinding { cause: cause_in_words(&cause).into() }
            }
            Ok(Event::Undone { call, how }) => {
                let attempt = std::mem::take(&mut self.lost) + 1;
                state = self.states.get(&call).cloned();
                self.undo.retain(|other| *other != call);
                let how = match how {
                    How::Done => "undone".into(),
                    How::Resolved { by, why } => format!("resolved by {by}: {why}").into(),
                    How::Skipped { by, why } => format!("skipped by {by}: {why}").into(),
                };
                Happened::Undone { attempt, how }
            }
            Ok(Event::CompensationFailed(failed)) => {
                self.lost += 1;
                let (attempt, error, retry_at) = (failed.attempt, failed.error, failed.retry_at);
                Happened::CompensationFailed { attempt, error, retry_at }
            }
            Ok(Event::Parked { cause, error }) => Happened::Parked { cause, error },
            Ok(Event::Decided(decided)) => Happened::Decided {
                verb: decided.verb.name(),
                by: decided.by,
                why: decided.why,
                refused: decided.refused,
            },
            Ok(Event::Completed { output }) => {
                state = None;
                Happened::Completed { output }
            }
            Ok(Event::Compensated {}) => Happened::Compensated,
            Ok(Event::DebtSettled { by, why, .. }) => Happened::DebtSettled { by, why },
        };
        Entry { row: row.seq, at: row.at, state, what }
    }
}

impl Happened {
    /// Whether it is told by what was stored, which may be long.
    fn is_payload(&self) -> bool {
        matches!(
            self,
            Self::Started { .. }
                | Self::Called { .. }
                | Self::Answered { .. }
                | Self::Doubted { .. }
                | Self::Completed { .. }
        )
    }
}

fn cause_in_words(cause: &UnwindCause) -> String {
    match cause {
        UnwindCause::Refused(refusal) => format!("refused: {refusal}"),
        UnwindCause::Exhausted { step, last_error } => format!("step `{step}` is exhausted: {last_error}"),
        UnwindCause::Cancelled { reason } => format!("cancelled: {reason}"),
        UnwindCause::Deadline => "its time ran out".into(),
    }
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { input } => write!(f, "started with {input}"),
            Self::Called { ordinal, arguments } => {
                write!(f, "called (#{ordinal})")?;
                for (name, value) in arguments {
                    write!(f, " {name}={value}")?;
                }
                Ok(())
            }
            Self::AttemptFailed { attempt, error, .. } => write!(f, "attempt {attempt} failed: {error}"),
            Self::Recovered { count } => write!(f, "recovered after a crash ({count} in a row)"),
            // Said of the call, whose attempts are told above, if there was any.
            Self::Answered { answer: answer @ Answer::Exhausted { .. }, .. } => in_words(answer, f),
            Self::Answered { attempt, answer } => {
                write!(f, "attempt {attempt} ")?;
                in_words(answer, f)
            }
            Self::Doubted { then } => {
                f.write_str("in doubt, undone before the flow is told: ")?;
                in_words(then, f)
            }
            Self::Unwinding { cause } => write!(f, "unwinding, {cause}"),
            Self::Undone { attempt, how } if &**how == "undone" => write!(f, "undone by attempt {attempt}"),
            Self::Undone { how, .. } => f.write_str(how),
            Self::CompensationFailed { attempt, error, .. } => {
                write!(f, "compensation, attempt {attempt} failed: {error}")
            }
            Self::Parked { cause, error } => write!(f, "parked, {cause}: {error}"),
            Self::Decided { verb, by, why, refused } => {
                write!(f, "{verb} asked by {by} ({why}): ")?;
                match refused {
                    Some(reason) => write!(f, "refused, {reason}"),
                    None => f.write_str("granted"),
                }
            }
            Self::Completed { output } => write!(f, "completed with {output}"),
            Self::Compensated => f.write_str("compensated"),
            Self::DebtSettled { by, why } => write!(f, "debt settled by {by}: {why}"),
            Self::Unreadable { error } => write!(f, "unreadable: {error}"),
        }
    }
}

fn in_words(answer: &Answer, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match answer {
        Answer::Done(output) => write!(f, "answered {output}"),
        Answer::Refused(refusal) => write!(f, "refused {refusal}"),
        Answer::Exhausted { last_error, .. } => write!(f, "exhausted, {last_error}"),
        Answer::All(outputs) => write!(f, "all {} branches are done", outputs.len()),
        Answer::Branch { index, answer } => {
            write!(f, "branch {index} failed: ")?;
            in_words(answer, f)
        }
        Answer::Received { value, .. } => write!(f, "received {value}"),
        Answer::Elapsed => f.write_str("the time came"),
        Answer::NotSent(why) => write!(f, "not sent: {why}"),
    }
}

impl fmt::Display for Timeline {
    /// One line for each entry: the time since the start, the state, and what happened. Payloads are cut where they are long, reasons
    /// never.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.saga, self.id)?;
        let start = self.entries.first().map_or(0, |entry| entry.at);
        let width = self.entries.iter().filter_map(|e| e.state.as_ref()).map(|s| s.chars().count()).max().unwrap_or(0);
        for entry in &self.entries {
            let millis = (entry.at - start) / 1_000;
            let time = format!("+{}.{:03} s", millis / 1_000, millis % 1_000);
            let what = entry.what.to_string();
            let most = if entry.what.is_payload() { 100 } else { usize::MAX };
            let short: String = what.chars().take(most).collect();
            let cut = if short.len() < what.len() { ".." } else { "" };
            writeln!(f, "  {time:>12}  {:<width$}  {short}{cut}", entry.state.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}
