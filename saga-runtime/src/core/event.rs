//! What a journal's rows say.
//!
//! Written as JSON with one field that names the kind, so that a person with a SQL prompt can read them. A kind that this
//! build does not know is told apart from a text that is damaged: the first waits for a build that knows it, the second
//! needs a person.

use super::{
    called::{CallId, Called},
    instance::State,
    log::Log,
};
use crate::machine::{Answer, Json};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

/// A name that a definition gives, as a journal has it: the running program's own costs nothing to hand on.
pub(crate) type Name = Cow<'static, str>;

/// One transition of an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// It was started with this input.
    Started {
        /// The saga's version then.
        version: u32,
        /// The name of the flow's parameter.
        parameter: Name,
        /// The input.
        input: Json,
        /// When its time is over, in microseconds since the epoch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<i64>,
        /// When it begins, if that is not at once, in microseconds since the epoch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        begins: Option<i64>,
        /// Who started it, if a saga did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Box<Parent>>,
    },
    /// It happened in a strand beneath the main flow: in an inner flow, or in a branch of a join.
    In {
        /// The strand's path.
        branch: Box<str>,
        /// What.
        event: Box<Event>,
    },
    /// The flow arrived at a call or a wait: it may begin as soon as this row is durable.
    Called(Box<Called>),
    /// These branches of the join may begin as soon as this row is durable.
    Begun {
        /// Their indices.
        branches: Vec<u32>,
    },
    /// An attempt of the call failed.
    AttemptFailed(Failed),
    /// Attempts were lost with the worker that ran them; so many times in a row now.
    Recovered {
        /// How many without progress, this one included.
        count: u32,
    },
    /// The call has its answer.
    #[serde(with = "bare")]
    Answered {
        /// Which.
        answer: Answer,
    },
    /// A branch of a join that is an inner flow has ended.
    #[serde(with = "bare")]
    Returned {
        /// With which answer.
        answer: Answer,
    },
    /// The call failed and left something behind, or ended in doubt: that is undone first, and then the flow is told this.
    Doubted {
        /// What the flow is told.
        then: Answer,
        /// Of which strands beneath it the call at hand may have begun.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        doubt: Vec<Box<str>>,
    },
    /// The saga gave up: what completed is undone.
    Unwinding {
        /// Why.
        cause: UnwindCause,
        /// The strands whose call may have begun, and is undone first; the main flow's path is empty.
        doubt: Vec<Box<str>>,
    },
    /// The undo of a call has ended.
    Undone {
        /// The call.
        call: CallId,
        /// How.
        how: How,
    },
    /// An attempt of a compensation failed.
    CompensationFailed {
        /// The call that it undoes.
        call: CallId,
        /// How.
        failed: Failed,
    },
    /// It needs a person.
    Parked {
        /// Why.
        cause: ParkCause,
        /// In words.
        error: Box<str>,
        /// The call whose undo is parked, if it is an undo.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<CallId>,
    },
    /// A request was decided upon.
    Decided(Box<Decided>),
    /// Its time is over, and there is no way back.
    DeadlinePassed {},
    /// It ended: the flow returned this.
    Completed {
        /// The output.
        output: Json,
    },
    /// It ended: everything was undone, or is debt.
    Compensated {},
    /// Somebody settled what a skipped compensation left behind.
    DebtSettled {
        /// The call that was not undone.
        call: CallId,
        /// Who.
        by: Box<str>,
        /// How.
        why: Box<str>,
    },
    /// What all rows before this one come to, so that nobody has to read them again.
    Snapshot {
        /// The state; what is in its undo log stays here until it is needed.
        state: Box<State>,
    },
    /// A part of the undo log that an earlier snapshot holds, needed now.
    Unfolded {
        /// That part.
        log: Box<Log>,
    },
}

/// The instance that started this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parent {
    /// Its saga's durable name.
    pub(crate) saga: Box<str>,
    /// Its id.
    pub(crate) id: Box<str>,
    /// Whether it waits for this one and may undo it.
    pub(crate) awaits: bool,
}

/// An answer is all that such a row says.
mod bare {
    use crate::machine::Answer;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(answer: &Answer, serializer: S) -> Result<S::Ok, S::Error> {
        answer.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Answer, D::Error> {
        Answer::deserialize(deserializer)
    }
}

/// A failed attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Failed {
    /// Which attempt of the call it was, from 1.
    pub(crate) attempt: u32,
    /// In words.
    pub(crate) error: Box<str>,
    /// Whether it may have taken effect all the same.
    pub(crate) effect: bool,
    /// When the next one is due, in microseconds since the epoch; nothing if there is none by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_at: Option<i64>,
}

/// Why an instance unwinds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnwindCause {
    /// The flow let a refusal out.
    Refused(Json),
    /// The flow let an exhausted step out.
    Exhausted {
        /// The step.
        step: Box<str>,
        /// Its last error.
        last_error: Box<str>,
    },
    /// Somebody asked for it.
    Cancelled {
        /// Why.
        reason: Box<str>,
    },
    /// Its time ran out.
    Deadline,
}

/// How the undo of a call ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// The compensation has run.
    Done,
    /// Somebody undid it by other means.
    Resolved {
        /// Who.
        by: Box<str>,
        /// How.
        why: Box<str>,
    },
    /// It was given up, and is debt.
    Skipped {
        /// Who.
        by: Box<str>,
        /// Why.
        why: Box<str>,
    },
}

/// Why an instance is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkCause {
    /// A step that may not give up has run out of attempts or time.
    Exhausted,
    /// A step, or a compensation, panicked.
    Panicked,
    /// A step took effect, but what it returned cannot be recorded.
    Unrecordable,
    /// A step, or a compensation, asked for a person.
    Asked,
    /// A step's key is no longer valid at the participant.
    KeyExpired,
    /// A compensation ran out of attempts or time.
    GaveUp,
    /// Plain code of the flow panicked.
    FlowPanicked,
    /// The flow returned an error past the pivot.
    RefusedPastPivot,
    /// It was lost in a crash again and again.
    CrashLoop,
    /// Something cannot be saved.
    Unsavable,
    /// Something saved cannot be read.
    Unreadable,
}

impl ParkCause {
    /// Whether it is about one attempt of a step, which may have taken effect.
    pub(crate) fn is_of_an_attempt(self) -> bool {
        matches!(self, Self::Exhausted | Self::Panicked | Self::Unrecordable | Self::Asked | Self::KeyExpired)
    }
}

impl fmt::Display for ParkCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exhausted => "out of attempts or time",
            Self::Panicked => "a panic in a step or compensation",
            Self::Unrecordable => "an answer that cannot be recorded",
            Self::Asked => "asked for a person",
            Self::KeyExpired => "the idempotency key is no longer valid",
            Self::GaveUp => "a compensation ran out of attempts or time",
            Self::FlowPanicked => "a panic in the flow's plain code",
            Self::RefusedPastPivot => "the flow gave up past the pivot",
            Self::CrashLoop => "lost in a crash again and again",
            Self::Unsavable => "something cannot be saved",
            Self::Unreadable => "something saved cannot be read",
        })
    }
}

/// What somebody asks of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verb {
    /// Give up and undo.
    Cancel,
    /// Try again.
    Retry,
    /// It was done, with this output (a step); it was undone (a compensation).
    Resolve,
    /// The step did not happen: unwind without undoing it.
    DidNotHappen,
    /// Give this compensation up; it stays as debt.
    Skip,
    /// The debt is settled.
    Settle,
    /// Whoever started it is undone: it gives up, or is undone as a whole although it has completed.
    Undo,
}

impl Verb {
    /// The verb in words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Resolve => "resolve",
            Self::DidNotHappen => "did not happen",
            Self::Skip => "skip",
            Self::Settle => "settle",
            Self::Undo => "undo",
        }
    }
}

/// A decision on a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Decided {
    /// The request's number.
    pub(crate) request: i64,
    /// What was asked for.
    pub(crate) verb: Verb,
    /// By whom.
    pub(crate) by: Box<str>,
    /// Why.
    pub(crate) why: Box<str>,
    /// The row of the park that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) park: Option<u64>,
    /// Why not, if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<Box<str>>,
}

/// Why a row could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// Its kind is not known to this build.
    UnknownKind(Box<str>),
    /// It is damaged.
    Damaged(Box<str>),
}

impl Event {
    /// Every kind there is, as written.
    const KINDS: [&'static str; 20] = [
        "started",
        "in",
        "called",
        "begun",
        "attempt_failed",
        "recovered",
        "answered",
        "returned",
        "doubted",
        "unwinding",
        "undone",
        "compensation_failed",
        "parked",
        "decided",
        "deadline_passed",
        "completed",
        "compensated",
        "debt_settled",
        "snapshot",
        "unfolded",
    ];

    /// Every kind that a row can be of, wherever it happened.
    pub(crate) fn kinds() -> impl Iterator<Item = &'static str> {
        // That of what happened in a strand beneath is the kind of that.
        Self::KINDS.into_iter().filter(|kind| *kind != "in")
    }

    /// The kind, as written; of what happened in a strand beneath, the kind of that.
    pub(crate) fn kind(&self) -> &'static str {
        let index = match self {
            Self::In { event, .. } => return event.kind(),
            Self::Started { .. } => 0,
            Self::Called(_) => 2,
            Self::Begun { .. } => 3,
            Self::AttemptFailed(_) => 4,
            Self::Recovered { .. } => 5,
            Self::Answered { .. } => 6,
            Self::Returned { .. } => 7,
            Self::Doubted { .. } => 8,
            Self::Unwinding { .. } => 9,
            Self::Undone { .. } => 10,
            Self::CompensationFailed { .. } => 11,
            Self::Parked { .. } => 12,
            Self::Decided(_) => 13,
            Self::DeadlinePassed {} => 14,
            Self::Completed { .. } => 15,
            Self::Compensated {} => 16,
            Self::DebtSettled { .. } => 17,
            Self::Snapshot { .. } => 18,
            Self::Unfolded { .. } => 19,
        };
        Self::KINDS[index]
    }

    /// The row's text.
    pub(crate) fn to_text(&self) -> Result<Arc<str>, serde_json::Error> {
        let mut text = Vec::with_capacity(512);
        serde_json::to_writer(&mut text, self)?;
        // What JSON is written as is UTF-8.
        str::from_utf8(&text).map(Into::into).map_err(serde::ser::Error::custom)
    }

    /// Reads a row's text.
    pub(crate) fn from_text(text: &str) -> Result<Self, Undecodable> {
        serde_json::from_str(text).map_err(|error| {
            if let Some(how) = crate::store::damage(text) {
                return Undecodable::Damaged(how.into());
            }
            let fields = serde_json::from_str::<BTreeMap<Box<str>, Json>>(text).unwrap_or_default();
            match fields.into_keys().next() {
                Some(kind) if !Self::KINDS.contains(&&*kind) => Undecodable::UnknownKind(kind),
                _ => Undecodable::Damaged(error.to_string().into()),
            }
        })
    }

    /// The same, in the strand of this path.
    pub(crate) fn within(self, branch: &str) -> Self {
        if branch.is_empty() { self } else { Self::In { branch: branch.into(), event: Box::new(self) } }
    }

    /// Where it happened, and what.
    pub(crate) fn unwrapped(&self) -> (&str, &Self) {
        match self {
            Self::In { branch, event } => (branch, event),
            event => ("", event),
        }
    }

    /// What happened, wherever that was.
    pub(crate) fn into_unwrapped(self) -> Self {
        match self {
            Self::In { event, .. } => *event,
            event => event,
        }
    }

    /// What a flow is told of a call, if this row says so.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        match self.unwrapped().1 {
            Self::Answered { answer } | Self::Returned { answer } | Self::Doubted { then: answer, .. } => Some(answer),
            _ => None,
        }
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind(kind) => write!(f, "a row of kind `{kind}`, which this build does not know"),
            Self::Damaged(error) => f.write_str(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_kind_of_a_later_build_is_told_apart_from_damage() {
        let unknown = Event::from_text(r#"{"merged":{"branches":2}}"#).expect_err("not a kind of this build");
        assert_eq!(unknown, Undecodable::UnknownKind("merged".into()));
        for damaged in ["", "{", "null", r#"{"recovered":{"count":"two"}}"#, r#"{"recovered":{}}"#] {
            assert!(matches!(Event::from_text(damaged), Err(Undecodable::Damaged(_))), "{damaged}");
        }
    }

    #[test]
    fn what_it_is_called_is_said_and_is_no_other_ones_name() {
        let causes = [
            ParkCause::Exhausted,
            ParkCause::Panicked,
            ParkCause::Unrecordable,
            ParkCause::Asked,
            ParkCause::KeyExpired,
            ParkCause::GaveUp,
            ParkCause::FlowPanicked,
            ParkCause::RefusedPastPivot,
            ParkCause::CrashLoop,
            ParkCause::Unsavable,
            ParkCause::Unreadable,
        ];
        let verbs =
            [Verb::Cancel, Verb::Retry, Verb::Resolve, Verb::DidNotHappen, Verb::Skip, Verb::Settle, Verb::Undo];
        let names: Vec<String> =
            causes.iter().map(ToString::to_string).chain(verbs.map(|verb| verb.name().to_owned())).collect();
        let different: BTreeSet<&str> = names.iter().map(String::as_str).filter(|name| name.len() > 3).collect();
        assert_eq!(different.len(), causes.len() + verbs.len(), "{names:?}");
        assert_eq!(ParkCause::Asked.to_string(), "asked for a person");
        let unknown = Undecodable::UnknownKind("merged".into());
        assert_eq!(unknown.to_string(), "a row of kind `merged`, which this build does not know");
        assert_eq!(Undecodable::Damaged("it is torn".into()).to_string(), "it is torn");
    }

    #[test]
    fn every_kind_of_row_is_known_wherever_it_happened() {
        let kinds: BTreeSet<&str> = Event::kinds().collect();
        assert_eq!(kinds.len(), Event::KINDS.len() - 1);
        let beneath = Event::Compensated {}.within("a.1");
        assert!(kinds.contains(beneath.kind()) && !kinds.contains("in"), "{kinds:?}");
        assert!(Event::KINDS.iter().all(|kind| *kind == "in" || kinds.contains(kind)));
    }

    #[test]
    fn what_a_flow_is_told_is_said_by_its_row_wherever_it_happened() {
        let done = || Answer::Done(crate::machine::null());
        let told = [
            Event::Answered { answer: done() },
            Event::Returned { answer: done() },
            Event::Doubted { then: done(), doubt: Vec::new() },
            Event::Answered { answer: done() }.within("a.1"),
        ];
        assert!(told.iter().all(|event| matches!(event.answer(), Some(Answer::Done(_)))));
        assert!(Event::Compensated {}.answer().is_none());
    }

    #[test]
    fn a_row_reads_as_a_person_would_write_it() {
        let event = Event::Recovered { count: 2 };
        assert_eq!(&*event.to_text().expect("it is JSON"), r#"{"recovered":{"count":2}}"#);
        let event = Event::Compensated {};
        assert_eq!(&*event.to_text().expect("it is JSON"), r#"{"compensated":{}}"#);
        assert_eq!(Event::from_text(r#"{"compensated":{}}"#).expect("it reads back").kind(), "compensated");
    }
}
