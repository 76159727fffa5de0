//! Where instances are kept, while a trial lasts.

use crate::Fallible;
use saga_runtime::store::{
    Store,
    memory::Memory,
    postgres::{Postgres, PostgresBuilder},
    sqlite::Sqlite,
};
use sqlx::{
    ConnectOptions as _, PgConnection, SqliteConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// A place for one store, gone with this value; a schema goes with its server.
#[derive(Debug)]
pub enum Place {
    /// In memory.
    Memory(Memory),
    /// A file in a folder of its own.
    Sqlite(tempfile::TempDir),
    /// A schema of a server.
    Postgres {
        /// The server.
        url: String,
        /// The schema.
        schema: String,
    },
}

impl Place {
    /// A new one in memory, for several workers whose leases are short.
    pub fn memory() -> Self {
        Self::Memory(Memory::with_lease(Duration::from_secs(2)))
    }

    /// A new file.
    ///
    /// # Errors
    /// There is no room for a folder.
    pub fn sqlite() -> Fallible<Self> {
        Ok(Self::Sqlite(tempfile::Builder::new().prefix("saga-trial-").tempdir()?))
    }

    /// A new schema of the tests' server.
    pub fn postgres() -> Self {
        Self::postgres_at(saga_test_postgres::url())
    }

    /// A new schema of this server.
    pub fn postgres_at(url: String) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self::Postgres { url, schema: format!("trial_{}", NEXT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// What it is called in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Sqlite(_) => "sqlite",
            Self::Postgres { .. } => "postgres",
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(folder) => Some(folder.path().join("trial.db")),
            _ => None,
        }
    }

    /// A store in it. In memory, and in a schema, it is one more worker's; in a file there can be one at a time.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn open(&self) -> Fallible<Arc<dyn Store>> {
        Ok(match self {
            Self::Memory(memory) => Arc::new(memory.another()),
            Self::Sqlite(folder) => Arc::new(Sqlite::open(folder.path().join("trial.db")).await?),
            Self::Postgres { url, schema } => Arc::new(postgres(url, schema).connect().await?),
        })
    }
}

/// A store in a schema, with a lease that a trial can wait for.
pub(crate) fn postgres(url: &str, schema: &str) -> PostgresBuilder {
    Postgres::builder(url).schema(schema).lease(Duration::from_secs(2))
}

/// Somebody with a prompt at a file that no store has open.
pub(crate) async fn file_prompt(path: &Path) -> Fallible<SqliteConnection> {
    Ok(SqliteConnectOptions::new().filename(path).connect().await?)
}

/// The same, at a file that is not there yet.
pub(crate) async fn new_file_prompt(path: &Path) -> Fallible<SqliteConnection> {
    Ok(SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await?)
}

/// Somebody with a prompt at a server.
pub(crate) async fn server_prompt(url: &str) -> Fallible<PgConnection> {
    Ok(url.parse::<PgConnectOptions>()?.connect().await?)
}
