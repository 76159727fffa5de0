//! A call of a step, as data: what the machine asks for and what it is told.

use super::{
    check::Codec,
    json::{Json, JsonError, decode, encode_checked},
    slot::Persist,
};
use crate::failure::{Exhausted, Failure, Refusal, Transient};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{borrow::Cow, future::Future, pin::Pin};

/// The arguments of a call, by parameter name, in the owned form that is saved.
///
/// Read by name, so that a compensation can pick what it needs.
#[derive(Debug, Default, Clone)]
pub struct Arguments(pub Vec<(Cow<'static, str>, Json)>);

impl Arguments {
    /// The argument for this parameter.
    ///
    /// # Errors
    /// It is missing, or is not a `T`.
    pub fn get<T>(&self, parameter: &str, codec: &Codec<T>) -> Result<T, Unreadable> {
        let unreadable = |reason| Unreadable { what: "argument", name: parameter.into(), reason };
        let (_, json) =
            self.0.iter().find(|(name, _)| **name == *parameter).ok_or_else(|| unreadable("it is missing".into()))?;
        (codec.read)(json).map_err(|error| unreadable(error.0))
    }
}

/// A saved value that could not be read back, or one that could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What kind of value it is: `argument`, `saved value`, `output`, `refusal`.
    pub what: &'static str,
    /// Its name in the user's code.
    pub name: Box<str>,
    /// Why.
    pub reason: String,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}`: {}", self.what, self.name, self.reason)
    }
}

/// What one attempt of a step, or of a compensation, came to.
#[derive(Debug)]
pub enum Attempted {
    /// It answered with this output (`null` from a compensation).
    Done(Json),
    /// It was refused.
    Refused(Json),
    /// It failed, and is to be tried again by policy.
    Transient(Transient),
    /// It took effect, but what it returned cannot be recorded.
    Unrecordable(Unreadable),
}

/// The same; an error means that nothing was called, since the saved arguments cannot be read.
pub type Tried = Result<Attempted, Unreadable>;

/// One running attempt.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Tried> + Send + 'a>>;

/// The answer of a call, as the flow is told it. It has been recorded, or is about to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The step's output.
    Done(Json),
    /// The step's refusal.
    Refused(Json),
    /// The step ran out of attempts or time, and its undo has ended.
    Exhausted {
        /// The step's name.
        step: Box<str>,
        /// The error of its last attempt.
        last_error: Box<str>,
    },
    /// Every branch of a join is done: their outputs, in the order of the branches.
    All(Vec<Json>),
    /// A branch of a join failed first, and what the others completed has been undone.
    Branch {
        /// Which.
        index: usize,
        /// How: refused or exhausted.
        answer: Box<Answer>,
    },
    /// A signal came.
    Received {
        /// Which: an index into those that were waited for.
        signal: usize,
        /// Its value.
        value: Json,
    },
    /// The time came.
    Elapsed,
    /// A signal was not taken.
    NotSent(NotSent),
}

impl Answer {
    /// What kind of answer it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Done(_) => "an output",
            Self::Refused(_) => "a refusal",
            Self::Exhausted { .. } => "an exhausted step",
            Self::All(_) => "the outputs of a join",
            Self::Branch { .. } => "the failure of a join",
            Self::Received { .. } => "a signal",
            Self::Elapsed => "a time that came",
            Self::NotSent(_) => "a signal that was not taken",
        }
    }
}

/// Why a signal was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotSent {
    /// There is no such instance.
    Unknown,
    /// The instance has ended.
    Ended,
    /// A signal of that id has come with another value.
    Conflict,
}

impl std::fmt::Display for NotSent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such instance",
            Self::Ended => "the instance has ended: it waits for nothing any more",
            Self::Conflict => "a signal of this id has come with another value",
        })
    }
}

impl std::error::Error for NotSent {}

/// What a step returns: a `Result` whose error is [`Failure`] or [`Transient`].
#[diagnostic::on_unimplemented(
    message = "a step returns `Result<T, Failure<R>>` or `Result<T, Transient>`, not `{Self}`",
    label = "not what a step returns"
)]
pub trait StepResult: Sized {
    /// What it returns when it is done.
    type Output: Persist;
    /// How it fails.
    type Error: StepError;

    /// The end of an attempt, as data.
    fn into_attempted(self, step: &'static str) -> Attempted;
    /// The value that the flow gets.
    fn from_answer(answer: &Answer) -> Result<Self, Unreadable>;
    /// Whether this text is an output of the step.
    fn check_output(output: &RawValue) -> Result<(), JsonError> {
        decode::<Self::Output>(output).map(drop)
    }
}

/// How a step fails: [`Failure`] or [`Transient`].
#[diagnostic::on_unimplemented(
    message = "a step fails with `Failure<R>` or `Transient`, not with `{Self}`",
    label = "not how a step fails"
)]
pub trait StepError: Sized {
    /// The end of an attempt, as data.
    fn into_attempted(self, step: &'static str) -> Attempted;
    /// A recorded refusal, if this can be one.
    fn refused(refusal: &RawValue) -> Result<Self, Unreadable>;
    /// The runtime gave up.
    fn exhausted(exhausted: Exhausted) -> Self;
}

/// A step's failure that cannot be a refusal: `Transient`. For steps after the point of no return.
#[diagnostic::on_unimplemented(
    message = "this step can be refused, but it stands where the saga can only go forward",
    label = "must fail with `Transient`",
    note = "past the pivot nothing is undone: the step must return `Result<T, Transient>`"
)]
pub trait CannotBeRefused {}
impl<T> CannotBeRefused for Result<T, Transient> {}

impl<T: Persist, E: StepError> StepResult for Result<T, E> {
    type Output = T;
    type Error = E;

    fn into_attempted(self, step: &'static str) -> Attempted {
        match self {
            Ok(output) => match encode_checked(&output) {
                Ok(json) => Attempted::Done(json),
                Err(error) => {
                    Attempted::Unrecordable(Unreadable { what: "output of step", name: step.into(), reason: error.0 })
                }
            },
            Err(error) => error.into_attempted(step),
        }
    }

    fn from_answer(answer: &Answer) -> Result<Self, Unreadable> {
        Ok(match answer {
            Answer::Done(json) => Ok(decode(json).map_err(|error| Unreadable {
                what: "saved",
                name: "output".into(),
                reason: error.0,
            })?),
            Answer::Refused(json) => Err(E::refused(json)?),
            Answer::Exhausted { step, last_error } => Err(E::exhausted(Exhausted::new(step, last_error))),
            other => {
                return Err(Unreadable { what: "saved", name: "answer".into(), reason: other.kind().into() });
            }
        })
    }
}

impl<R: Refusal> StepError for Failure<R> {
    fn into_attempted(self, step: &'static str) -> Attempted {
        match self {
            Self::Refused(refusal) => match encode_checked(&refusal) {
                Ok(json) => Attempted::Refused(json),
                Err(error) => {
                    Attempted::Unrecordable(Unreadable { what: "refusal of step", name: step.into(), reason: error.0 })
                }
            },
            Self::Transient(transient) => Attempted::Transient(transient),
            Self::Exhausted(exhausted) => Attempted::Transient(Transient::new(exhausted)),
        }
    }

    fn refused(refusal: &RawValue) -> Result<Self, Unreadable> {
        decode(refusal).map(Self::Refused).map_err(|error| Unreadable {
            what: "saved",
            name: "refusal".into(),
            reason: error.0,
        })
    }

    fn exhausted(exhausted: Exhausted) -> Self {
        Self::Exhausted(exhausted)
    }
}

impl StepError for Transient {
    fn into_attempted(self, _: &'static str) -> Attempted {
        Attempted::Transient(self)
    }

    fn refused(_: &RawValue) -> Result<Self, Unreadable> {
        Err(Unreadable { what: "saved", name: "refusal".into(), reason: "the step cannot be refused".into() })
    }

    fn exhausted(exhausted: Exhausted) -> Self {
        Self { exhausted: Some(exhausted.clone()), ..Self::new(exhausted) }
    }
}
