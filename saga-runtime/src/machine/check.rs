//! What only types can tell of a saga, as traits whose failure is a message for the user.
//!
//! One trait for one reason, so that a type that cannot be saved is told which of the three it lacks. The blanket impls
//! are not recommended: what the user has to mend is the type, not the bound below it.

use super::{
    answers::Answers,
    call::{Answer, Attempt, Attempted, CannotBeRefused, StepError, StepResult, Tried, Unreadable},
    iterate::gone,
    json::{Json, JsonError, null},
    lossless,
};
use crate::failure::{Outcome, Refusal, Transient, Unwind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{fmt, future::Future, marker::PhantomData};

/// Can be written when it is saved.
///
/// Not a subtrait of `Serialize`: rustc would then report the missing supertrait in its own words.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved: it does not implement `Serialize`",
    label = "is saved, so it must implement `Serialize`",
    note = "add `#[derive(Serialize)]` to the type that lacks it; one of another crate may have a feature for serde",
    note = "a guard, a handle or a connection is no value: take it where it is used, in a step, or drop it before the next one"
)]
pub trait Written {
    /// The value as JSON.
    #[doc(hidden)]
    fn write(&self) -> Result<Json, JsonError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Written for T {
    fn write(&self) -> Result<Json, JsonError> {
        let json = serde_json::value::to_raw_value(self).map_err(|error| JsonError(error.to_string()))?;
        if json.get().contains("null") {
            lossless::check(self).map_err(|lost| JsonError(lost.to_string()))?;
        }
        Ok(json)
    }
}

/// Can be read back after a crash.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read back after a crash: it does not implement `Deserialize`",
    label = "is saved, so it must implement `Deserialize`, without borrowing",
    note = "add `#[derive(Deserialize)]` to the type that lacks it; one of another crate may have a feature for serde",
    note = "what borrows cannot be read back: keep an owned value, or borrow again after the step"
)]
pub trait ReadBack: Sized {
    /// The value that this JSON says.
    #[doc(hidden)]
    fn read(json: &RawValue) -> Result<Self, JsonError>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ReadBack for T {
    fn read(json: &RawValue) -> Result<Self, JsonError> {
        serde_json::from_str(json.get()).map_err(|error| JsonError(error.to_string()))
    }
}

/// Stays whole although a part of it goes elsewhere.
#[diagnostic::on_unimplemented(
    message = "a part of this is moved out, and the whole is needed after a step: it cannot be saved without its `{Self}`",
    label = "moved out of what is saved as a whole",
    note = "help: take apart what you need before, `let (first, second) = pair;`, so that each is saved by itself; or `.clone()` the part"
)]
pub trait CopiedOut {}

#[diagnostic::do_not_recommend]
impl<T: Copy> CopiedOut for T {}

/// Compiles if a part that goes elsewhere is copied.
pub fn a_part_is_copied_out<T: CopiedOut>(_: &T) {}

/// What a flow returns: a `Result` whose error is [`Unwind`].
#[diagnostic::on_unimplemented(
    message = "a flow returns `Result<T, Unwind<R>>`, not `{Self}`",
    label = "not what a flow returns"
)]
pub trait FlowResult {
    /// What it returns when it is completed.
    type Output;
    /// The business "no" that unwinds it.
    type Refusal;
}

impl<T, R> FlowResult for Result<T, Unwind<R>> {
    type Output = T;
    type Refusal = R;
}

/// What a compensation returns: `Result<(), Transient>`.
#[diagnostic::on_unimplemented(
    message = "a compensation returns `Result<(), Transient>`, not `{Self}`",
    label = "not what a compensation returns",
    note = "an undo cannot be refused: it is tried until it succeeds, or parked with `Transient::park(\"why\")`"
)]
pub trait CompensationResult: Sized {
    /// The end of an attempt, as data.
    fn into_attempted(self) -> Attempted;
}

impl CompensationResult for Result<(), Transient> {
    fn into_attempted(self) -> Attempted {
        match self {
            Ok(()) => Attempted::Done(null()),
            Err(transient) => Attempted::Transient(transient),
        }
    }
}

/// The type of a compensation's parameter is the one that the step has under the same name.
#[diagnostic::on_unimplemented(
    message = "the compensation takes `{Self}`, but the step takes `{Taken}` under this name",
    label = "not what the step takes"
)]
pub trait TakenByTheStep<Taken> {}
impl<T> TakenByTheStep<T> for T {}

/// The type within a compensation's `Outcome` is what the step returns.
#[diagnostic::on_unimplemented(
    message = "the compensation takes `Outcome<{Self}>`, but the step returns `{Returned}`",
    label = "not what the step returns"
)]
pub trait ReturnedByTheStep<Returned> {}
impl<T> ReturnedByTheStep<T> for T {}

/// Compiles if a compensation's parameter fits.
pub fn takes_what_the_step_takes<T: TakenByTheStep<Taken>, Taken>() {}

/// Compiles if a retriable step cannot be refused.
pub fn a_retriable_step_cannot_be_refused<T: CannotBeRefused>() {}

/// What the machine does with what a step returns, once it is known that it can.
///
/// `S` is what the step returns, `T` its output. Generated code asks at several places; it asks in the same words, so that
/// rustc says what is missing once.
pub struct Returning<S, T> {
    output: PhantomData<fn() -> T>,
    attempted: fn(S, &'static str) -> Attempted,
    answer: fn(&Answer) -> Result<S, Unreadable>,
    check: fn(&RawValue) -> Result<(), JsonError>,
}

impl<S, T> Returning<S, T> {
    /// Compiles if a compensation's `Outcome<Taken>` fits.
    pub fn is_taken_as<Taken: ReturnedByTheStep<T>>(&self) {}

    /// The end of an attempt, as data.
    pub fn attempted(&self, result: S, step: &'static str) -> Attempted {
        (self.attempted)(result, step)
    }

    /// Whether this text is an output of the step.
    pub fn check_output(&self, output: &RawValue) -> Result<(), JsonError> {
        (self.check)(output)
    }
}

impl<S, T> Answers for Returning<S, T> {
    type Gives = S;

    fn gives(&self, answer: Answer) -> Result<S, Unreadable> {
        (self.answer)(&answer)
    }
}

impl<S, T> fmt::Debug for Returning<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<S>())
    }
}

/// Compiles if a value of this type can be saved: asked of each type once, where it first stands in the saga.
pub fn a_value_is_saved<T: Written + ReadBack + Send>() {}

/// Compiles if an argument of this type can be saved: asked of each type once. Whether it can go from thread to thread is asked
/// of the attempt that takes it.
pub fn an_argument_is_saved<T: Written + ReadBack>() {}

/// Compiles if a step can fail like this: asked of each type once.
pub fn a_step_fails_with<E: StepError>() {}

/// How a value is written and read.
#[derive(Debug)]
pub struct Codec<T> {
    /// As JSON.
    pub write: fn(&T) -> Result<Json, JsonError>,
    /// From JSON.
    pub read: fn(&RawValue) -> Result<T, JsonError>,
}

/// A type that is asked elsewhere, with [`a_value_is_saved`] or by the trait: what cannot be saved is told there, and not at
/// each place where it is used. Here it has an inherent method if it can be saved, and otherwise that of a trait, which has
/// no value to give and in a program that compiles is never called.
#[derive(Debug)]
pub struct Savable<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: Written + ReadBack> Savable<T> {
    /// How a value is written and read.
    pub fn codec() -> Codec<T> {
        Codec { write: T::write, read: T::read }
    }
}

impl<T: Written + ?Sized> Savable<T> {
    /// How an argument of this type is written.
    pub fn writes() -> fn(&T) -> Result<Json, JsonError> {
        T::write
    }
}

/// What is told elsewhere.
pub trait Told<T: ?Sized> {
    /// Never called.
    fn codec() -> Codec<T>
    where
        T: Sized,
    {
        gone()
    }
    /// Never called.
    fn writes() -> fn(&T) -> Result<Json, JsonError> {
        gone()
    }
}

impl<T: ?Sized> Told<T> for Savable<T> {}

/// A step whose return type is written out as `Result<T, E>`, which is asked elsewhere as [`Savable`] is.
#[derive(Debug)]
pub struct StepReturns<T, E>(PhantomData<fn() -> (T, E)>);

impl<T: Written + ReadBack + Send, E: StepError> StepReturns<T, E> {
    /// What the machine does with it.
    pub fn returning() -> Returning<Result<T, E>, T> {
        a_step_returns_this()
    }
}

/// What is told elsewhere.
pub trait ToldOfReturns<R> {
    /// Never called.
    fn returning() -> R {
        gone()
    }
}

impl<T, E> ToldOfReturns<Returning<Result<T, E>, T>> for StepReturns<T, E> {}

/// For a step whose return type is an alias.
pub fn a_step_returns_this<S: StepResult>() -> Returning<S, S::Output> {
    Returning { output: PhantomData, attempted: S::into_attempted, answer: S::from_answer, check: S::check_output }
}

/// Compiles if a signal's value can be saved.
pub fn a_signal_is_saved<T: Written + ReadBack + Send>() {}

/// Boxes an attempt, which may go on on another thread after each of its awaits.
pub fn attempt_on_any_thread<'a>(attempt: impl Future<Output = Tried> + Send + 'a) -> Attempt<'a> {
    Box::pin(attempt)
}

/// What a compensation is told of its step's output.
///
/// # Errors
/// The output was recorded, but is not a `T`.
pub fn outcome<T>(output: Option<&RawValue>, codec: &Codec<T>) -> Result<Outcome<T>, Unreadable> {
    output.map_or(Ok(Outcome::Unknown), |output| {
        (codec.read)(output).map(Outcome::Done).map_err(|error| Unreadable {
            what: "output",
            name: "of the step".into(),
            reason: error.0,
        })
    })
}

/// What the compensation of a transactional step is told of its output, which is never lost.
///
/// # Errors
/// The output was recorded, but is not a `T`; or it was not: the step was not a transactional one when it was called.
pub fn known_output<T>(output: Option<&RawValue>, codec: &Codec<T>) -> Result<T, Unreadable> {
    let unreadable = |reason| Unreadable { what: "output", name: "of the step".into(), reason };
    let output =
        output.ok_or_else(|| unreadable("it is not known, since the step was called without a transaction".into()))?;
    (codec.read)(output).map_err(|error| unreadable(error.0))
}

/// Stands in for the refusal of a saga that does not compile.
#[derive(Debug, Serialize, Deserialize)]
pub struct Inert;
impl Refusal for Inert {}
