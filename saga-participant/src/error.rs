//! Why a call has no answer.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::key::Key;

/// Why a call was not answered. Nothing is stored under its key, and no effect of this attempt remains.
#[derive(Debug)]
pub struct Error {
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Another attempt holds this key at this moment.
    InProgress(Key),
    /// The key belongs to another request.
    OtherRequest(Key),
    /// The call came after its own undo.
    Undone(Key),
    /// The compensation names a call that it does not undo.
    WrongUndo { undoes: Key, action: Box<str> },
    /// The compensation names itself.
    UndoesItself(Key),
    /// It cannot be undone as things are, and this is what the caller is told.
    Cannot { status: u16, body: String },
    /// A technical failure.
    Failed(Failed),
    /// The tables are of a later release.
    TooNew { found: i64, known: i64 },
}

impl Error {
    /// An attempt of the same call, or of the call that is to be undone, is under way: ask again.
    pub fn is_in_progress(&self) -> bool {
        matches!(self.kind, Kind::InProgress(_))
    }

    /// The key belongs to another request: a mistake of the caller, which asking again does not mend.
    pub fn is_other_request(&self) -> bool {
        matches!(self.kind, Kind::OtherRequest(_))
    }

    /// The call was undone before it arrived, and will never be carried out.
    pub fn is_undone(&self) -> bool {
        matches!(self.kind, Kind::Undone(_))
    }

    /// The compensation names a call that it does not undo, or itself: a mistake of the caller.
    pub fn is_wrong_undo(&self) -> bool {
        matches!(self.kind, Kind::WrongUndo { .. } | Kind::UndoesItself(_))
    }

    /// The action stands, and cannot be undone as things are: a person has to look. It is not stored: under the same key it
    /// can be tried again once things have changed.
    pub fn is_cannot(&self) -> bool {
        matches!(self.kind, Kind::Cannot { .. })
    }

    /// A technical failure: ask again under the same key. If it was the answer of a commit that got lost, the call is
    /// answered then.
    pub fn is_failed(&self) -> bool {
        matches!(self.kind, Kind::Failed(_))
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        Kind::Failed(failed).into()
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Failed::from(error).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::InProgress(key) => write!(f, "a call with the key {key} is being carried out; ask again"),
            Kind::OtherRequest(key) => write!(f, "the key {key} belongs to another request"),
            Kind::Undone(key) => {
                write!(f, "the call with the key {key} was undone before it arrived; it will never be carried out")
            }
            Kind::WrongUndo { undoes, action } => {
                write!(f, "the call with the key {undoes} is not undone by a compensation of `{action}`")
            }
            Kind::UndoesItself(key) => write!(f, "a compensation has a key of its own, other than {key}"),
            Kind::Cannot { body, .. } => write!(f, "it cannot be undone as things are: {body}"),
            Kind::Failed(failed) => write!(f, "the call failed: {failed}"),
            Kind::TooNew { found, known } => {
                write!(f, "the table saga_calls is of a later release (version {found}, known is up to {known})")
            }
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            Kind::Failed(failed) => failed.source.as_deref().map(|source| source as _),
            _ => None,
        }
    }
}

/// A technical failure inside a handler: nothing is stored, everything is rolled back, and the caller is told to ask again.
///
/// `?` on any [`std::error::Error`] makes one. It is deliberately not an `Error` itself, so that the conversions do not
/// overlap. A business "no" is no failure: [`Effect::refuse`](crate::Effect::refuse) says it.
#[derive(Debug)]
pub struct Failed {
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    pub(crate) after: Option<Duration>,
}

impl Failed {
    /// A failure described by a text. It is logged; the caller is told only that the call failed.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), source: None, after: None }
    }

    /// The same, and the caller is asked to wait this long before it tries again.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { after: Some(wait), ..self }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { message: error.to_string(), source: Some(Box::new(error)), after: None }
    }
}
