//! What can go wrong for a caller.

use crate::{
    engine::{Engine, load::Unfoldable},
    machine::JsonError,
    store::{
        StoreError,
        committer::{CommitError, Health},
    },
};
use serde_json::value::RawValue;
use std::fmt;

/// Why the runtime could not do what it was asked.
pub struct Error {
    kind: Kind,
    message: Box<str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    TooLarge,
    Conflict,
    Unavailable,
    Fenced,
    Stopped,
    UnknownSaga,
    Unreadable,
    Buried,
    UnknownInstance,
    Ended,
    ClockJumped,
}

impl Error {
    fn new(kind: Kind, message: impl Into<Box<str>>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// What was given is not fit for it; the message names it.
    pub fn is_invalid(&self) -> bool {
        matches!(self.kind, Kind::Invalid | Kind::TooLarge)
    }

    /// What was given is longer than the limit; the message names both.
    pub fn is_too_large(&self) -> bool {
        self.kind == Kind::TooLarge
    }

    /// The id is taken: by an instance with another input, or by a message with another value.
    pub fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    /// The store is away, full or gone; it may work later, with the same call.
    pub fn is_unavailable(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// Another worker has taken over this one's work: this runtime does nothing any more.
    pub fn is_fenced(&self) -> bool {
        self.kind == Kind::Fenced
    }

    /// The runtime has stopped, or is about to.
    pub fn is_stopped(&self) -> bool {
        self.kind == Kind::Stopped
    }

    /// The saga was not registered with this runtime, nor said to be run elsewhere.
    pub fn is_unknown_saga(&self) -> bool {
        self.kind == Kind::UnknownSaga
    }

    /// What is stored cannot be read as what it should be.
    pub fn is_unreadable(&self) -> bool {
        self.kind == Kind::Unreadable
    }

    /// Only the instance's tombstone is left: that it was there, and how it ended.
    pub fn is_buried(&self) -> bool {
        self.kind == Kind::Buried
    }

    /// There is no instance of this id.
    pub fn is_unknown_instance(&self) -> bool {
        self.kind == Kind::UnknownInstance
    }

    /// The instance has ended: nothing reaches it any more.
    pub fn is_ended(&self) -> bool {
        self.kind == Kind::Ended
    }

    /// The clock was set by more than an hour, and nobody has confirmed it: see
    /// [`Runtime::confirm_clock`](super::Runtime::confirm_clock).
    pub fn is_clock_jumped(&self) -> bool {
        self.kind == Kind::ClockJumped
    }

    pub(crate) fn invalid(message: &str) -> Self {
        Self::new(Kind::Invalid, message)
    }

    pub(crate) fn too_large(message: &str) -> Self {
        Self::new(Kind::TooLarge, message)
    }

    pub(crate) fn unavailable(reason: &str) -> Self {
        Self::new(Kind::Unavailable, format!("the store is not available: {reason}"))
    }

    pub(crate) fn fenced() -> Self {
        Self::new(Kind::Fenced, "another worker has taken over: this runtime does nothing any more")
    }

    pub(super) fn clock_jumped(jump: super::ClockJump) -> Self {
        let message = format!("{jump}: timers are held until it is set right, or `Runtime::confirm_clock` is called");
        Self::new(Kind::ClockJumped, message)
    }

    pub(crate) fn stopped() -> Self {
        Self::new(Kind::Stopped, "the runtime has stopped")
    }

    pub(crate) fn unknown_saga(name: &str) -> Self {
        let message = format!(
            "saga `{name}` was not registered with this runtime: `.register(..)` it, or, if another runtime on this store runs it, \
             `.elsewhere::<..>()`"
        );
        Self::new(Kind::UnknownSaga, message)
    }

    pub(crate) fn buried(id: &str) -> Self {
        Self::new(Kind::Buried, format!("of instance `{id}` only the tombstone is left"))
    }

    /// What the store says: one that was closed with the runtime is no store that is away for a while.
    pub(super) fn of_store(engine: &Engine, error: StoreError) -> Self {
        match engine.health() {
            Health::Stopped => Self::stopped(),
            _ => error.into(),
        }
    }

    pub(super) fn unknown_instance(saga: &str, id: &str) -> Self {
        Self::new(Kind::UnknownInstance, format!("there is no instance `{id}` of saga `{saga}`"))
    }

    pub(super) fn ended(saga: &str, id: &str, signal: &str) -> Self {
        let message = format!("instance `{id}` of saga `{saga}` has ended: signal `{signal}` was not sent");
        Self::new(Kind::Ended, message)
    }

    pub(super) fn message_conflict(saga: &str, instance: &str, signal: &str, id: &str) -> Self {
        let message = format!(
            "signal `{signal}` with the id `{id}` was sent to instance `{instance}` of saga `{saga}` before, with another value"
        );
        Self::new(Kind::Conflict, message)
    }

    pub(crate) fn unreadable(what: &str, error: JsonError) -> Self {
        Self { source: Some(Box::new(error)), ..Self::new(Kind::Unreadable, format!("{what} cannot be read")) }
    }

    pub(crate) fn conflict(saga: &str, id: &str, old: Option<&RawValue>, new: &RawValue) -> Self {
        let shown = |json: &RawValue| {
            let text = json.get();
            if text.chars().count() <= 200 {
                text.to_owned()
            } else {
                format!("{}..", text.chars().take(200).collect::<String>())
            }
        };
        let old = old.map_or_else(|| "which is no longer kept".to_owned(), shown);
        let new = shown(new);
        let message = format!(
            "instance `{id}` of saga `{saga}` was started with another input: it has {old}, and now it is given {new}"
        );
        Self::new(Kind::Conflict, message)
    }

    /// A start that did not come about.
    pub(crate) fn from_start(saga: &str, id: &str, over: crate::engine::Over) -> Self {
        use crate::engine::Over;
        match over {
            Over::Cut(error) => error.into(),
            Over::Rejected(reason) => {
                Self::invalid(&format!("instance `{id}` of saga `{saga}` cannot be stored: {reason}"))
            }
            Over::WaitsForBuild => Self::unknown_saga(saga),
            Over::Broken(reason) => Self::new(Kind::Unreadable, reason),
            Over::Ended | Over::Asleep | Over::Parked | Over::Stopped | Over::Exists(_) => Self::stopped(),
        }
    }
}

impl fmt::Debug for Error {
    /// The message, as it stands: a `main` that returns an error prints it so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Fenced => Kind::Fenced,
            StoreError::Write { .. } => Kind::Invalid,
            _ => Kind::Unavailable,
        };
        Self { source: Some(Box::new(error.clone())), ..Self::new(kind, error.to_string()) }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        let kind = match &error {
            CommitError::Fenced => Kind::Fenced,
            CommitError::Rejected(_) => Kind::Invalid,
            CommitError::Unavailable(_) => Kind::Unavailable,
            CommitError::Stopped => Kind::Stopped,
        };
        Self { source: Some(Box::new(error.clone())), ..Self::new(kind, error.to_string()) }
    }
}

impl From<Unfoldable> for Error {
    fn from(error: Unfoldable) -> Self {
        match error {
            Unfoldable::Store(error) => error.into(),
            other => Self::new(Kind::Unreadable, other.to_string()),
        }
    }
}
