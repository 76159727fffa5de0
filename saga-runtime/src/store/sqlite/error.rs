//! What SQLite's errors mean for the store.

use crate::store::StoreError;
use std::{fmt, io, path::Path};

/// An error on its way out of this module.
#[derive(Debug)]
pub(super) enum Fault {
    /// Said by SQLite.
    Sql(sqlx::Error),
    /// Said by us.
    Store(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().map(sqlx::error::DatabaseError::message) {
            // The one check that says so, of a table that no row can be in.
            Some("CHECK constraint failed: fenced") => Self::Store(StoreError::Fenced),
            _ => Self::Sql(error),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// SQLite's primary result codes, as far as they are told apart. <https://www.sqlite.org/rescode.html>
mod code {
    pub(super) const ERROR: i32 = 1;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const SCHEMA: i32 = 17;
    pub(super) const TOO_BIG: i32 = 18;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const MISMATCH: i32 = 20;
    pub(super) const NOT_A_DATABASE: i32 = 26;
}

impl Fault {
    /// SQLite's primary result code, if it is an error of SQLite's.
    fn code(&self) -> Option<i32> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => {
                error.code().and_then(|code| code.parse::<i32>().ok()).map(|extended| extended & 0xff)
            }
            _ => None,
        }
    }

    /// Whether what was to be written is to blame: it would fail again, and without it the rest would not.
    pub(super) fn is_of_the_data(&self) -> bool {
        matches!(self.code(), Some(code::CONSTRAINT | code::TOO_BIG | code::MISMATCH))
            || matches!(self, Self::Sql(sqlx::Error::Encode(_)) | Self::Store(StoreError::Write { .. }))
    }

    /// Whether a failed commit has certainly not happened.
    pub(super) fn is_definite(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Sql(_) => matches!(self.code(), Some(code::BUSY | code::LOCKED | code::FULL | code::CONSTRAINT)),
        }
    }

    /// As the write at this place of a batch is to be told.
    pub(super) fn of_write(self, index: usize) -> Self {
        if self.is_of_the_data() {
            Self::Store(StoreError::Write { index, reason: self.reason().into() })
        } else {
            self
        }
    }

    /// In words.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => match self.code() {
                Some(code::BUSY | code::LOCKED) => format!("another connection keeps the file locked ({error})"),
                Some(code::FULL) => format!("there is no room left on the disk, or within the file's limit ({error})"),
                _ => error.message().to_owned(),
            },
            Self::Sql(error) => error.to_string(),
            Self::Store(StoreError::Write { reason, .. }) => reason.to_string(),
            Self::Store(error) => error.to_string(),
        }
    }

    /// As the store's callers are told.
    pub(super) fn into_store_error(self) -> StoreError {
        if let Self::Store(error) = self {
            return error;
        }
        let reason = self.reason().into();
        match self.code() {
            Some(code::ERROR | code::CORRUPT | code::NOT_A_DATABASE | code::SCHEMA) => StoreError::Unusable(reason),
            _ => StoreError::Unavailable(reason),
        }
    }
}

impl Fault {
    /// As whoever tried to open the file is told.
    pub(super) fn of_open(self, path: &Path) -> StoreError {
        match (self.code(), self) {
            (_, Self::Store(error)) => error,
            (Some(code::NOT_A_DATABASE), _) => unusable(path, "is no SQLite database"),
            (Some(code::CORRUPT), fault) => unusable(path, format_args!("is damaged: {}", fault.reason())),
            (_, fault) => {
                StoreError::Unavailable(format!("{} cannot be opened: {}", path.display(), fault.reason()).into())
            }
        }
    }
}

/// An error that needs a person, about a file.
pub(super) fn unusable(path: &Path, what: impl fmt::Display) -> StoreError {
    StoreError::Unusable(format!("{} {what}", path.display()).into())
}

/// What could not be done to a file, and why.
pub(super) fn failed(path: &Path, what: &str, error: &io::Error) -> StoreError {
    StoreError::Unusable(format!("{} {what}: {error}", path.display()).into())
}
