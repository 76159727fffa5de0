//! What Postgres's errors mean for the store.

use crate::store::StoreError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use std::io;

/// An error on its way out of this module.
#[derive(Debug)]
pub(super) enum Fault {
    /// Said by Postgres, or by the connection to it.
    Sql(sqlx::Error),
    /// Said by us.
    Store(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Postgres's error codes, as far as they are told apart. <https://www.postgresql.org/docs/current/errcodes-appendix.html>
mod code {
    /// What our own statements end with if a write does not fit what is there.
    pub(super) const DIVISION_BY_ZERO: &str = "22012";
    pub(super) const DEADLOCK: &str = "40P01";
    pub(super) const SERIALIZATION: &str = "40001";
    pub(super) const ABORTED: &str = "25P02";
    pub(super) const PRIVILEGE: &str = "42501";
    /// A row that no index can hold, or a value that is too long.
    pub(super) const LIMITS: &str = "54";
    pub(super) const DATA: &str = "22";
    pub(super) const CONSTRAINT: &str = "23";
    /// A server that shuts down, was told to end this session, or is not there yet.
    pub(super) const SHUTDOWN: &str = "57P0";
    pub(super) const CONNECTION: &str = "08";
    pub(super) const RESOURCES: &str = "53";
    pub(super) const SYSTEM: &str = "58";
    pub(super) const CANCELED: &str = "57014";
    pub(super) const LOCK: &str = "55";
    /// A transaction that Postgres ended because it waited or idled for too long.
    pub(super) const IDLE: &str = "25P03";
    /// A server that only reads, for the time being or because another one is the primary by now.
    pub(super) const READ_ONLY: &str = "25006";
    /// Something that the server does not do; among which is a plan that it made before a table was changed.
    pub(super) const NOT_SUPPORTED: &str = "0A000";
    /// What should not happen: a catalog that is being changed, a file that cannot be read, a proxy that cannot reach its server.
    pub(super) const INTERNAL: &str = "XX000";
}

/// Where in Postgres a plan is found not to fit any more. Its message is in the server's language.
const STALE_PLAN: &str = "RevalidateCachedQuery";

impl Fault {
    /// The five characters, if it is an error of Postgres's.
    fn code(&self) -> Option<String> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.code().map(String::from),
            _ => None,
        }
    }

    fn has(&self, codes: &[&str]) -> bool {
        self.code().is_some_and(|code| codes.iter().any(|known| code.starts_with(known)))
    }

    /// Whether what was to be written is to blame: it would fail again, and without it the rest would not.
    pub(super) fn is_of_the_data(&self) -> bool {
        self.has(&[code::DATA, code::CONSTRAINT, code::LIMITS])
            || matches!(self, Self::Sql(sqlx::Error::Encode(_)) | Self::Store(StoreError::Write { .. }))
    }

    /// Whether a statement of ours found that a write does not fit what is there, so that somebody has to look why.
    pub(super) fn is_a_misfit(&self) -> bool {
        self.has(&[code::DIVISION_BY_ZERO, "23505"])
    }

    /// Whether it is nobody's fault, and trying once more is all that is needed.
    pub(super) fn is_a_collision(&self) -> bool {
        self.has(&[code::DEADLOCK, code::SERIALIZATION])
    }

    /// Whether the transaction was over before whoever had it wanted to end it.
    pub(super) fn is_of_an_aborted_transaction(&self) -> bool {
        self.has(&[code::ABORTED])
    }

    /// Whether the role may not do this.
    pub(super) fn is_of_privileges(&self) -> bool {
        self.has(&[code::PRIVILEGE])
    }

    /// Whether the connection is of no more use.
    pub(super) fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Store(_) => false,
            Self::Sql(sqlx::Error::Database(_)) => {
                self.has(&[code::SHUTDOWN, code::CONNECTION, code::IDLE, code::INTERNAL]) || self.is_of_the_session()
            }
            Self::Sql(error) => !matches!(
                error,
                sqlx::Error::Encode(_)
                    | sqlx::Error::Decode(_)
                    | sqlx::Error::ColumnDecode { .. }
                    | sqlx::Error::ColumnNotFound(_)
                    | sqlx::Error::RowNotFound
            ),
        }
    }

    /// Whether the session is of no more use although it answers: another one may be on a server that writes, and plans anew. What it
    /// answered is an error, so nothing was written.
    fn is_of_the_session(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(error)) = self else { return false };
        let Some(error) = error.try_downcast_ref::<PgDatabaseError>() else { return false };
        match error.code() {
            // Otherwise the server ends the session, and perhaps itself, in the middle of whatever it did.
            code::READ_ONLY | code::INTERNAL => error.severity() == PgSeverity::Error,
            code::NOT_SUPPORTED => error.routine() == Some(STALE_PLAN),
            _ => false,
        }
    }

    /// As whoever waited for the end of a transaction is told: an answer that was lost is no answer.
    pub(super) fn of_commit(self) -> Self {
        if self.is_of_the_connection() && !self.is_of_the_session() {
            StoreError::InDoubt(self.reason().into()).into()
        } else {
            self
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
            Self::Sql(sqlx::Error::Database(error)) => error.message().to_owned(),
            Self::Sql(sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                "the server closed the connection".to_owned()
            }
            Self::Sql(error) => error.to_string(),
            Self::Store(StoreError::Write { reason, .. }) => reason.to_string(),
            Self::Store(error) => error.to_string(),
        }
    }

    /// As the store's callers are told.
    pub(super) fn into_store_error(self) -> StoreError {
        let passes = self.is_of_the_connection()
            || self.is_a_collision()
            || self.has(&[code::RESOURCES, code::SYSTEM, code::CANCELED, code::LOCK, code::IDLE]);
        let reason = self.reason().into();
        match self {
            Self::Store(error) => error,
            Self::Sql(_) if passes => StoreError::Unavailable(reason),
            // A statement that the server does not understand, a table that is gone, a right that was taken away.
            Self::Sql(_) => StoreError::Unusable(reason),
        }
    }
}
