//! Why a store could not do what it was asked.

use std::fmt;

/// Why a store could not do what it was asked.
#[derive(Clone, PartialEq, Eq)]
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

impl fmt::Debug for StoreError {
    /// The message, as it stands: a `main` that returns an error prints it so, and some have lines to be copied.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_that_returns_an_error_prints_its_lines_as_they_are() {
        let error =
            StoreError::Unusable("role \"worker\" may not do that:\n    GRANT USAGE ON SCHEMA saga TO worker".into());
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(format!("{:?}", StoreError::Unavailable("\"db\" is away".into())).ends_with(": \"db\" is away"));
    }
}
