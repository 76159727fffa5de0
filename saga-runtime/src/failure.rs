//! How a step can fail, and what a flow and a compensation know of it.

use crate::{machine::Persist, retry_after};
use std::{
    error::Error,
    fmt,
    time::{Duration, SystemTime},
};

/// A business "no". Derive it: `#[derive(Refusal)]`.
///
/// The derive also lets `?` turn the type into [`Failure::Refused`] in a step and [`Unwind::Refused`] in the flow. A
/// refusal may not also be a [`std::error::Error`], because `?` on an error means *transient, try again*, and a
/// type that is both would turn a "no" into an endless retry.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a refusal",
    label = "a business \"no\" must be a type that derives `Refusal`",
    note = "add `#[derive(Refusal, Serialize, Deserialize)]` to `{Self}`"
)]
pub trait Refusal: Persist + 'static {}

/// Why a step did not return its output.
#[derive(Debug)]
pub enum Failure<R> {
    /// A business "no": permanent, never retried.
    Refused(R),
    /// A technical failure: a delay, not a decision. The runtime tries again; the flow never sees it.
    Transient(Transient),
    /// Attempts or time ran out. Made by the runtime only; the flow sees it after the step's undo has ended.
    Exhausted(Exhausted),
}

/// A step ran out of attempts or time, and has been undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhausted {
    step: Box<str>,
    last_error: Box<str>,
}

impl Exhausted {
    pub(crate) fn new(step: &str, last_error: &str) -> Self {
        Self { step: step.into(), last_error: last_error.into() }
    }

    /// The step's name.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// The error of the last attempt, as text.
    pub fn last_error(&self) -> &str {
        &self.last_error
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step `{}` is exhausted; its last error: {}", self.step, self.last_error)
    }
}

/// A technical failure: the answer is late, not "no".
///
/// `?` on any [`std::error::Error`] makes one. It is deliberately not an `Error` itself, so that the conversions do not
/// overlap. Beware that `error_for_status()?` makes a transient of a 400 as well: decide on the status first, and
/// refuse what will never be accepted.
#[derive(Debug)]
pub struct Transient {
    pub(crate) message: Box<str>,
    pub(crate) effect: bool,
    pub(crate) after: Option<Duration>,
    pub(crate) park: bool,
    pub(crate) exhausted: Option<Exhausted>,
}

impl Transient {
    /// A failure described by a text.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string().into(), effect: true, after: None, park: false, exhausted: None }
    }

    /// A failure that is known to have had no effect at the participant (e.g. connection refused): it does not put
    /// the step in doubt.
    pub fn no_effect(error: impl fmt::Display) -> Self {
        Self { effect: false, ..Self::new(error) }
    }

    /// Try again not before this time has passed (e.g. what `Retry-After` says). Chain [`because`](Self::because) to say
    /// why.
    pub fn after(wait: Duration) -> Self {
        Self { after: Some(wait), ..Self::new("told to wait") }
    }

    /// The same, from the value of an HTTP answer's `Retry-After`: a number of seconds, or a date, which is compared with this
    /// machine's clock. `None` if it is neither. More than a day is taken for a day.
    ///
    /// ```
    /// use saga_runtime::Transient;
    ///
    /// # let (status, header) = (503, Some("120"));
    /// let transient = header.and_then(Transient::retry_after_header);
    /// let transient = transient.unwrap_or_else(|| Transient::new("")).because(format_args!("status {status}"));
    /// # let _ = transient;
    /// ```
    pub fn retry_after_header(value: &str) -> Option<Self> {
        retry_after::wait(value, SystemTime::now()).map(Self::after)
    }

    /// Do not try again: a person has to look at it. The instance is parked with this reason.
    pub fn park(reason: impl fmt::Display) -> Self {
        Self { park: true, ..Self::new(reason) }
    }

    /// The same, with this message.
    #[must_use]
    pub fn because(self, message: impl fmt::Display) -> Self {
        Self { message: message.to_string().into(), ..self }
    }

    /// Whether attempts or time ran out. In a flow this is always so: everything else was retried.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted.is_some()
    }
}

impl fmt::Display for Transient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The text of an error and of everything below it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let below = error.to_string();
        if !text.contains(&below) {
            text.push_str(": ");
            text.push_str(&below);
        }
        source = error.source();
    }
    text
}

/// What `?` and `into()` turn into a [`Transient`] in a step: any [`std::error::Error`].
///
/// Whether anything else is a delay or a "no", nobody but the step knows: [`ResultExt`] has a word for each.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `std::error::Error`, so a step does not know whether to try again",
    label = "no `std::error::Error`: say `.transient()?` to try again, or `.or_refuse(..)?` for a \"no\"; a text is `Transient::new(\"..\")`",
    note = "`anyhow::Error` and boxed errors are none",
    note = "help: `.transient()?` tries again, `.or_refuse(Refused::Invalid)?` says no, `Transient::new(\"..\")` is made of a text"
)]
pub trait IsAnErrorToTryAgain {
    /// What is tried again, and why.
    fn try_again(self) -> Transient;
}

#[diagnostic::do_not_recommend]
impl<E: Error> IsAnErrorToTryAgain for E {
    fn try_again(self) -> Transient {
        Transient::new(chain(&self))
    }
}

impl<E: IsAnErrorToTryAgain> From<E> for Transient {
    fn from(error: E) -> Self {
        error.try_again()
    }
}

impl<R, E: IsAnErrorToTryAgain> From<E> for Failure<R> {
    fn from(error: E) -> Self {
        Self::Transient(error.try_again())
    }
}

impl<R> From<Transient> for Failure<R> {
    fn from(transient: Transient) -> Self {
        match transient.exhausted {
            Some(exhausted) => Self::Exhausted(exhausted),
            None => Self::Transient(transient),
        }
    }
}

/// What a flow returns instead of its output: the saga gives up, and what completed is undone.
///
/// It is made from a refusal or from an exhausted step, and from nothing else: a flow cannot make a transient. An error
/// of plain code in the flow belongs in a step, or is mapped to a refusal.
#[derive(Debug)]
pub enum Unwind<R> {
    /// A business "no".
    Refused(R),
    /// A step ran out of attempts or time.
    Exhausted(Exhausted),
}

/// What `?` and `into()` turn into an [`Unwind`] in a flow: a step's failure, or the saga's own refusal
/// (`#[derive(Refusal)]` implements it).
///
/// Plain code in a flow is not tried again, since the same input would give the same error for ever. An error of another
/// kind belongs in a step, where `?` makes it a transient, or is mapped to a refusal.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot end a flow: it is neither a step's failure nor a refusal",
    label = "neither a step's failure nor a refusal: do this in a step, or say which \"no\" it is with `.map_err(..)?`",
    note = "plain code in a flow is not tried again: the same input would give the same error for ever",
    note = "help: put it in a step, where `?` makes it a transient, or make it a \"no\": `.map_err(|_| Refused::Invalid)?`"
)]
pub trait IsARefusalOrAStepsFailure {
    /// What the saga is refused with.
    type Refusal;

    /// The end of the flow.
    fn unwind(self) -> Unwind<Self::Refusal>;
}

impl<E: IsARefusalOrAStepsFailure> From<E> for Unwind<E::Refusal> {
    fn from(end: E) -> Self {
        end.unwind()
    }
}

#[diagnostic::do_not_recommend]
impl<R> IsARefusalOrAStepsFailure for Failure<R> {
    type Refusal = R;

    fn unwind(self) -> Unwind<R> {
        match self {
            Self::Refused(refusal) => Unwind::Refused(refusal),
            Self::Exhausted(exhausted) => Unwind::Exhausted(exhausted),
            // Only where the plain method is called without a runtime, which would have tried again.
            Self::Transient(transient) => Unwind::Exhausted(Exhausted::new("", &transient.message)),
        }
    }
}

impl<R> From<Transient> for Unwind<R> {
    fn from(transient: Transient) -> Self {
        Self::Exhausted(transient.exhausted.unwrap_or_else(|| Exhausted::new("", &transient.message)))
    }
}

/// What a compensation knows of its step.
///
/// A step with an effect can end in doubt: the request may have taken effect though no answer came, or never have
/// arrived. Its compensation takes this, and succeeds when there is nothing to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome<T> {
    /// The step answered with this.
    Done(T),
    /// Nobody knows whether the step took effect. Never having happened is one of the cases.
    Unknown,
}

impl<T> Outcome<T> {
    /// What the step answered, if it did.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(output) => Some(output),
            Self::Unknown => None,
        }
    }

    /// The same, by reference.
    pub fn as_ref(&self) -> Outcome<&T> {
        match self {
            Self::Done(output) => Outcome::Done(output),
            Self::Unknown => Outcome::Unknown,
        }
    }

    /// Whether nobody knows.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// What `?` cannot say: for errors that are no [`std::error::Error`] (`anyhow`, boxed ones), and for `Option`.
pub trait ResultExt<T, E>: Sized {
    /// The error as a [`Transient`].
    fn transient(self) -> Result<T, Transient>
    where
        E: fmt::Display;

    /// Whatever the error is, the answer is "no", with this refusal.
    fn or_refuse<R: Refusal>(self, refusal: R) -> Result<T, Failure<R>>;
}

impl<T, E> ResultExt<T, E> for Result<T, E> {
    fn transient(self) -> Result<T, Transient>
    where
        E: fmt::Display,
    {
        self.map_err(|error| Transient::new(format_args!("{error:#}")))
    }

    fn or_refuse<R: Refusal>(self, refusal: R) -> Result<T, Failure<R>> {
        self.map_err(|_| Failure::Refused(refusal))
    }
}

/// [`ResultExt`] for `Option`.
pub trait OptionExt<T>: Sized {
    /// `None` as a [`Transient`] with this message.
    fn transient(self, message: impl fmt::Display) -> Result<T, Transient>;

    /// `None` is a "no", with this refusal.
    fn or_refuse<R: Refusal>(self, refusal: R) -> Result<T, Failure<R>>;
}

impl<T> OptionExt<T> for Option<T> {
    fn transient(self, message: impl fmt::Display) -> Result<T, Transient> {
        self.ok_or_else(|| Transient::new(message))
    }

    fn or_refuse<R: Refusal>(self, refusal: R) -> Result<T, Failure<R>> {
        self.ok_or(Failure::Refused(refusal))
    }
}

impl<R> Failure<R> {
    /// The same failure, with its refusal turned into another: for a `match` on a child saga or a step whose refusal type is
    /// another one than the saga's, `Err(failed) => Err(failed.refuse_as(Refused::NotForSale).into())`.
    ///
    /// ```
    /// use saga_runtime::Failure;
    ///
    /// let failed: Failure<u8> = Failure::Refused(7);
    /// assert!(matches!(failed.refuse_as(|no| no + 1), Failure::Refused(8)));
    /// ```
    pub fn refuse_as<S>(self, turn: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Self::Refused(refusal) => Failure::Refused(turn(refusal)),
            Self::Transient(transient) => Failure::Transient(transient),
            Self::Exhausted(exhausted) => Failure::Exhausted(exhausted),
        }
    }
}

/// For a step whose refusal type is another one than the saga's.
pub trait RefuseAs<T, R> {
    /// The same answer, with its refusal turned into another.
    fn refuse_as<S>(self, turn: impl FnOnce(R) -> S) -> Result<T, Failure<S>>;
}

impl<T, R> RefuseAs<T, R> for Result<T, Failure<R>> {
    fn refuse_as<S>(self, turn: impl FnOnce(R) -> S) -> Result<T, Failure<S>> {
        self.map_err(|failure| failure.refuse_as(turn))
    }
}
