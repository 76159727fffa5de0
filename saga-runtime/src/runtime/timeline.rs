//! Everything that happened to an instance.

use super::words::date;
use crate::{
    core::{self, CallAt, CallId, Called, Calls, Event, How, Phase, Saved, State, Stored, UnwindCause},
    definition::ChildKind,
    engine::load::{Unfoldable, apply},
    machine::{Answer, Json},
    store::{Micros, Row},
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// A payload is cut after so many characters.
const LONGEST: usize = 100;

/// A column is not made wider than this for the sake of one long name.
const WIDEST: usize = 32;

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
    /// The strand it happened in, if that is not the main flow: the path of an inner flow or of a branch.
    pub branch: Option<Box<str>>,
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
    /// The flow arrived at a join.
    Joins {
        /// How many branches there are.
        branches: usize,
        /// How many may run at a time.
        limit: Option<u32>,
    },
    /// Branches of the join have begun.
    Begun {
        /// Their indices.
        branches: Vec<u32>,
    },
    /// The flow waits.
    Waits {
        /// For one of these signals.
        signals: Vec<Box<str>>,
        /// Until then, in microseconds since the Unix epoch.
        until: Option<Micros>,
    },
    /// The flow has started another saga.
    StartsSaga {
        /// Its durable name.
        saga: Box<str>,
        /// The id of its instance.
        id: Box<str>,
        /// Whether it waits for it.
        awaited: bool,
        /// Its input, unless that is an unchanged local.
        input: BTreeMap<Box<str>, Json>,
    },
    /// The flow sends a signal.
    Sends {
        /// To an instance of this saga.
        saga: Box<str>,
        /// With this id.
        id: Box<str>,
        /// This signal.
        signal: Box<str>,
        /// With this value.
        value: Json,
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
        /// By this attempt; 0 if what was called is no step.
        attempt: u32,
        /// With this.
        answer: Answer,
    },
    /// The wait is over: a signal was there.
    Received {
        /// Which.
        signal: Box<str>,
        /// Its value.
        value: Json,
    },
    /// The branch, an inner flow, ended.
    Returned {
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
        /// By this attempt; 0 if it is another saga, which was undone as a whole.
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
    /// Its time is over, and there is no way back.
    DeadlinePassed,
    /// What happened before was folded into a snapshot, or a part of it was taken out again.
    Folded,
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

/// What the rows so far come to: what a row is about is told by where the instance stood.
#[derive(Debug, Default)]
pub(super) struct Reader {
    state: State,
    /// The calls of steps, joins and sagas, as far as they were read, with the path of the strand of each.
    calls: BTreeMap<u64, (Box<str>, CallAt)>,
}

/// What a row is about.
#[derive(Default)]
struct About {
    state: Option<Box<str>>,
    /// Attempts so far, this one included; none if it is no attempt.
    attempt: u32,
    /// Where, if that is not where the row was written.
    branch: Option<Box<str>>,
    /// The signal that was received, if one was.
    signal: Option<Box<str>>,
}

impl Reader {
    /// The call whose undo the row is about, if this reader does not know its state.
    pub(super) fn unknown_call(&self, event: &Event) -> Option<u64> {
        match event.unwrapped().1 {
            Event::Undone { call, .. }
            | Event::CompensationFailed { call, .. }
            | Event::Parked { undo: Some(call), .. } => Some(call.row).filter(|row| !self.calls.contains_key(row)),
            _ => None,
        }
    }

    /// Remembers a call.
    pub(super) fn knows(&mut self, row: u64, event: &Event) {
        if let (branch, Event::Called(called)) = event.unwrapped()
            && !matches!(called.calls, Calls::Wait { .. } | Calls::Send { .. } | Calls::Flow(..))
        {
            self.calls.insert(row, (branch.into(), called.at(row)));
        }
    }

    pub(super) fn entry(&mut self, row: &Row, event: Result<Event, Unfoldable>) -> Entry {
        let (branch, event) = match event {
            Ok(Event::In { branch, event }) => (Some(branch), Ok(*event)),
            other => (None, other),
        };
        let strand = branch.as_deref().unwrap_or_default();
        let about = event.as_ref().map_or_else(|_| About::default(), |event| self.about(strand, event));
        if let Ok(event) = &event {
            let event = event.clone().within(strand);
            self.knows(row.seq, &event);
            // A row that makes no sense is shown all the same.
            let _ = apply(&mut self.state, row, &event);
        }
        let what = match (event, about.signal) {
            (Ok(Event::Answered { answer: Answer::Received { value, .. } }), Some(signal)) => {
                Happened::Received { signal, value }
            }
            (Ok(event), _) => happened(event, about.attempt),
            (Err(error), _) => Happened::Unreadable { error: error.to_string().into() },
        };
        Entry { row: row.seq, at: row.at, branch: about.branch.or(branch), state: about.state, what }
    }

    fn about(&self, branch: &str, event: &Event) -> About {
        let strand = self.state.root.at(branch);
        let phase = strand.map(|strand| strand.phase.beneath());
        match event {
            Event::Called(called) => About { state: Some((&*called.state).into()), ..About::default() },
            Event::Undone { call, .. }
            | Event::CompensationFailed { call, .. }
            | Event::Parked { undo: Some(call), .. } => self.about_undo(strand, *call),
            Event::Started { .. }
            | Event::Unwinding { .. }
            | Event::Completed { .. }
            | Event::Compensated {}
            | Event::Returned { .. }
            | Event::DeadlinePassed {}
            | Event::Recovered { .. }
            | Event::Snapshot { .. }
            | Event::Unfolded { .. } => About::default(),
            _ => {
                let attempt = match phase {
                    Some(Phase::Calling(calling)) => match &calling.doing {
                        core::Doing::Step(tries) => tries.count.saturating_add(1),
                        _ => 0,
                    },
                    _ => 0,
                };
                let call = phase.and_then(|phase| phase.call());
                let signal = match (event, phase.and_then(|phase| phase.calling()).map(|calling| &calling.doing)) {
                    (Event::Answered { answer: Answer::Received { signal, .. } }, Some(core::Doing::Wait(wait))) => {
                        wait.signals.get(*signal).map(|signal| (&**signal).into())
                    }
                    _ => None,
                };
                About { state: call.map(|call| (&*call.state).into()), attempt, signal, branch: None }
            }
        }
    }

    /// An undo is told where its call was made.
    fn about_undo(&self, strand: Option<&core::Strand>, id: CallId) -> About {
        let log = strand.and_then(|strand| strand.log.at(id));
        let entry = log.and_then(|log| log.entries.last());
        let attempt = match entry {
            Some(core::Entry::Call(_)) => log.map_or(0, |log| log.tries.count) + 1,
            _ => 0,
        };
        let step = match entry {
            Some(core::Entry::Call(undo)) => Some((&*undo.step).into()),
            _ => None,
        };
        let Some((path, call)) = self.calls.get(&id.row) else {
            return About { state: step, attempt, ..About::default() };
        };
        let (branch, state) = match id.branch {
            Some(_) => (call.path(path, id.branch), step),
            None => (path.clone(), Some((&*call.state).into())),
        };
        About { state, attempt, branch: Some(branch).filter(|branch| !branch.is_empty()), signal: None }
    }
}

/// What a row says, in public words.
fn happened(event: Event, attempt: u32) -> Happened {
    match event {
        Event::In { event, .. } => happened(*event, attempt),
        Event::Started { input, .. } => Happened::Started { input },
        Event::Called(called) => called_for(*called),
        Event::Begun { branches } => Happened::Begun { branches },
        Event::AttemptFailed(failed) => {
            Happened::AttemptFailed { attempt: failed.attempt, error: failed.error, retry_at: failed.retry_at }
        }
        Event::Recovered { count } => Happened::Recovered { count },
        Event::Answered { answer } => Happened::Answered { attempt, answer },
        Event::Returned { answer } => Happened::Returned { answer },
        Event::Doubted { then, .. } => Happened::Doubted { then },
        Event::Unwinding { cause, .. } => Happened::Unwinding { cause: cause_in_words(&cause).into() },
        Event::Undone { how, .. } => {
            let how = match how {
                How::Done => "undone".into(),
                How::Resolved { by, why } => format!("resolved by {by}: {why}").into(),
                How::Skipped { by, why } => format!("skipped by {by}: {why}").into(),
            };
            Happened::Undone { attempt, how }
        }
        Event::CompensationFailed { failed, .. } => {
            let (attempt, error, retry_at) = (failed.attempt, failed.error, failed.retry_at);
            Happened::CompensationFailed { attempt, error, retry_at }
        }
        Event::Parked { cause, error, .. } => Happened::Parked { cause, error },
        Event::Decided(decided) => {
            Happened::Decided { verb: decided.verb.name(), by: decided.by, why: decided.why, refused: decided.refused }
        }
        Event::DeadlinePassed {} => Happened::DeadlinePassed,
        Event::Completed { output } => Happened::Completed { output },
        Event::Compensated {} => Happened::Compensated,
        Event::DebtSettled { by, why, .. } => Happened::DebtSettled { by, why },
        Event::Snapshot { .. } | Event::Unfolded { .. } => Happened::Folded,
    }
}

fn called_for(called: Called) -> Happened {
    let ordinal = called.ordinal;
    let values = |saved: Saved| {
        let values = saved.into_iter().filter_map(|(name, stored)| match stored {
            Stored::Value(json) => Some((name.into(), json)),
            Stored::Kept { .. } => None,
        });
        values.collect()
    };
    match called.calls {
        Calls::Step(_, arguments) | Calls::Flow(_, arguments) => {
            Happened::Called { ordinal, arguments: values(arguments) }
        }
        Calls::Join { branches, limit, .. } => Happened::Joins { branches: branches.len(), limit },
        Calls::Wait { signals, until } => {
            Happened::Waits { signals: signals.into_iter().map(Into::into).collect(), until }
        }
        Calls::Child { child, arguments, .. } => {
            let awaited = child.kind != ChildKind::Launched;
            Happened::StartsSaga { saga: child.saga, id: child.id, awaited, input: values(arguments) }
        }
        Calls::Send { saga, id, signal, value } => Happened::Sends { saga, id, signal, value },
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
                | Self::Received { .. }
                | Self::Returned { .. }
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
            Self::Joins { branches, limit: None } => write!(f, "{branches} branches"),
            Self::Joins { branches, limit: Some(limit) } => write!(f, "{branches} branches, {limit} at a time"),
            Self::Begun { branches } => match (branches.first(), branches.last()) {
                (Some(first), Some(last)) if first != last => write!(f, "branches {first} to {last} begin"),
                (Some(one), _) => write!(f, "branch {one} begins"),
                _ => f.write_str("nothing begins"),
            },
            Self::Waits { signals, until } => {
                match &signals[..] {
                    [] => f.write_str("sleeps")?,
                    signals => write!(f, "waits for {}", signals.join(" or "))?,
                }
                until.map_or(Ok(()), |until| write!(f, " until {}", date(until)))
            }
            Self::StartsSaga { saga, id, awaited, .. } => {
                write!(f, "started saga {saga} {id}{}", if *awaited { ", which it waits for" } else { "" })
            }
            Self::Sends { saga, id, signal, .. } => write!(f, "sends {signal} to {saga} {id}"),
            Self::DeadlinePassed => f.write_str("its time is over, and there is no way back"),
            Self::Folded => f.write_str("folded"),
            Self::AttemptFailed { attempt, error, .. } => write!(f, "attempt {attempt} failed: {error}"),
            Self::Recovered { count } => write!(f, "recovered after a crash ({count} in a row)"),
            // Said of the call, whose attempts are told above, if there was any.
            Self::Answered { answer: answer @ Answer::Exhausted { .. }, .. }
            | Self::Answered { attempt: 0, answer } => in_words(answer, f),
            Self::Answered { attempt, answer } => {
                write!(f, "attempt {attempt} ")?;
                in_words(answer, f)
            }
            Self::Received { signal, value } => write!(f, "received {signal}: {value}"),
            Self::Returned { answer } => {
                f.write_str("the branch ended: ")?;
                in_words(answer, f)
            }
            Self::Doubted { then } => {
                f.write_str("in doubt, undone before the flow is told: ")?;
                in_words(then, f)
            }
            Self::Unwinding { cause } => write!(f, "unwinding, {cause}"),
            Self::Undone { attempt: 0, how } if &**how == "undone" => f.write_str("undone as a whole"),
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

impl fmt::Display for Entry {
    /// One line: when it was, where, and what happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&date(self.at))?;
        for place in [&self.branch, &self.state].into_iter().flatten() {
            write!(f, "  {place}")?;
        }
        write!(f, "  {}", self.short())
    }
}

impl Entry {
    /// What happened. Payloads are cut where they are long, reasons never.
    fn short(&self) -> String {
        let what = self.what.to_string();
        if !self.what.is_payload() || what.chars().count() <= LONGEST {
            return what;
        }
        what.chars().take(LONGEST).chain("..".chars()).collect()
    }
}

impl fmt::Display for Timeline {
    /// One line for each entry: the time since the start, the inner flow or branch (if there is one at all), the state, and what
    /// happened. Payloads are cut where they are long, reasons never.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.saga, self.id)?;
        let start = self.entries.first().map_or(0, |entry| entry.at);
        let widest = |column: fn(&Entry) -> Option<&str>| {
            let widths = self.entries.iter().filter_map(column).map(|text| text.chars().count());
            widths.max().map_or(0, |width| width.min(WIDEST))
        };
        let (branches, states) = (widest(|entry| entry.branch.as_deref()), widest(|entry| entry.state.as_deref()));
        for entry in &self.entries {
            let millis = (entry.at - start) / 1_000;
            let time = format!("+{}.{:03} s", millis / 1_000, millis % 1_000);
            write!(f, "  {time:>12}  ")?;
            if branches > 0 {
                write!(f, "{:<branches$}  ", entry.branch.as_deref().unwrap_or_default())?;
            }
            writeln!(f, "{:<states$}  {}", entry.state.as_deref().unwrap_or_default(), entry.short())?;
        }
        Ok(())
    }
}
