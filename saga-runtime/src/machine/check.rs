//! What only types can tell of a saga, as traits whose failure is a message for the user.
//!
//! One trait for one reason, so that a type that cannot be saved is told which of the three it lacks. The blanket impls
//! are not recommended: what the user has to mend is the type, not the bound below it.

use super::{
    call::{Attempt, Attempted, CannotBeRefused, Unreadable},
    json::decode,
};
use crate::failure::{Outcome, Refusal, Transient, Unwind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::future::Future;

/// Can be written when it is saved.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved: it does not implement `Serialize`",
    label = "is saved, so it must implement `Serialize`",
    note = "help: add `#[derive(Serialize)]` to the type that lacks it"
)]
pub trait Written: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Written for T {}

/// Can be read back after a crash.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read back after a crash: it does not implement `Deserialize`",
    label = "is saved, so it must implement `Deserialize`, without borrowing",
    note = "help: add `#[derive(Deserialize)]` to the type that lacks it"
)]
pub trait ReadBack: DeserializeOwned {}
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ReadBack for T {}

/// Can go from one thread to another between two steps.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent between threads, as everything that lives across a step is",
    label = "is saved, so it must be `Send`",
    note = "help: use `Arc` in the place of `Rc`, `Mutex` in the place of `RefCell`"
)]
pub trait Sent: Send {}
#[diagnostic::do_not_recommend]
impl<T: Send> Sent for T {}

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
            Ok(()) => Attempted::Done(super::json::null()),
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

/// Compiles if a compensation's outcome fits.
pub fn takes_what_the_step_returns<T: ReturnedByTheStep<Returned>, Returned>() {}

/// Compiles if a retriable step cannot be refused.
pub fn a_retriable_step_cannot_be_refused<T: CannotBeRefused>() {}

/// Boxes an attempt, which may go on on another thread after each of its awaits.
pub fn attempt_on_any_thread<'a>(attempt: impl Future<Output = Attempted> + Send + 'a) -> Attempt<'a> {
    Box::pin(attempt)
}

/// What a compensation is told of its step's output.
///
/// # Errors
/// The output was recorded, but is not a `T`.
pub fn outcome<T: DeserializeOwned>(output: Option<&RawValue>) -> Result<Outcome<T>, Unreadable> {
    output.map_or(Ok(Outcome::Unknown), |output| {
        decode(output).map(Outcome::Done).map_err(|error| Unreadable {
            what: "output",
            name: "of the step".into(),
            reason: error.0,
        })
    })
}

/// Stands in for the refusal of a saga that does not compile.
#[derive(Debug, Serialize, Deserialize)]
pub struct Inert;
impl Refusal for Inert {}
