//! Why a store could not do what it was asked.

use std::fmt;

/// Why a store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// Another worker has taken over: this one's writes change nothing any more.
    Fenced,
    /// This write of the batch cannot be written as it is (its data, or its sequence is taken); without it the others can.
    Write {
        /// Its index in the batch.
        index: usize,
        /// Why.
        reason: Box<str>,
    },
    /// The store cannot be reached, or has no room; nothing was written, and it may work later.
    Unavailable(Box<str>),
    /// The answer to a commit was lost: it must be read back whether it happened.
    InDoubt(Box<str>),
    /// It will not work without a person: e.g. the file is in use by another process, was copied, or is of a later version.
    Unusable(Box<str>),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced => f.write_str("another worker has taken over this one's work"),
            Self::Write { reason, .. } => write!(f, "this cannot be written: {reason}"),
            Self::Unavailable(reason) => write!(f, "the store is not available: {reason}"),
            Self::InDoubt(reason) => write!(f, "the answer to a commit was lost: {reason}"),
            Self::Unusable(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for StoreError {}
