//! The suite on SQLite.

#[path = "../suite/mod.rs"]
mod suite;

use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{Pool, Sqlite};

/// What the suite runs on.
type DB = Sqlite;

/// A database of one test.
struct Database {
    /// Where another process finds it.
    address: String,
    folder: Option<PathBuf>,
}

impl Database {
    /// A new one, which goes with this value.
    #[expect(clippy::unused_async, reason = "on a server it takes its time")]
    async fn fresh() -> Self {
        let folder = tempfile::Builder::new().prefix("participant-").tempdir().unwrap().keep();
        let address = folder.join("service.db").to_str().unwrap().to_owned();
        Self { address, folder: Some(folder) }
    }

    /// One that another process made.
    fn at(address: String) -> Self {
        Self { address, folder: None }
    }

    async fn pool(&self) -> Pool<Sqlite> {
        let options = SqliteConnectOptions::new()
            .filename(&self.address)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_mins(1));
        SqlitePoolOptions::new().max_connections(8).connect_with(options).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
