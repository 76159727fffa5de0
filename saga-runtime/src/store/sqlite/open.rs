//! How a file becomes a store.

use super::{
    Sqlite,
    error::{Fault, unusable},
    lock::Lock,
    pool::Pool,
    schema::{self, Found},
    transaction::Transaction,
};
use crate::store::{Store as _, StoreError, after};
use sqlx::{
    ConnectOptions, SqliteConnection, query, query_scalar,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How many connections read at the same time.
const READERS: u32 = 3;
/// How long another program's write is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// Options for opening a [`Sqlite`] store. The defaults are right for nearly everybody.
#[derive(Debug, Clone)]
#[must_use = "nothing is opened before `open`"]
pub struct SqliteBuilder {
    path: PathBuf,
    wait: Duration,
    adopt: bool,
    beside: bool,
    max_bytes: Option<u64>,
}

impl SqliteBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, wait: Duration::ZERO, adopt: false, beside: false, max_bytes: None }
    }

    /// Waits so long for another runtime to let go of the file, instead of failing at once. For a replacement that is
    /// started before its predecessor has ended.
    pub fn wait(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    /// Makes a copied, restored or moved file this runtime's own.
    ///
    /// Only if no runtime will ever again work on the file that it was copied from: both would go on with the same
    /// instances, under the same idempotency keys, and neither would know of the other.
    pub fn adopt(mut self) -> Self {
        self.adopt = true;
        self
    }

    /// Makes the store's tables in a database that has other tables already: the application's own, which
    /// [transactional steps](crate::StepContext::transaction) write to.
    ///
    /// The store's are called `store`, `instance`, `journal`, `request`, `message`, `label` and `tick`; the file gets a
    /// write-ahead log, and its `application_id` and `user_version` are the store's from then on. The application may have
    /// connections of its own to the file. In a file that is new or a store already this changes nothing.
    pub fn beside_other_tables(mut self) -> Self {
        self.beside = true;
        self
    }

    /// The size that the file may not exceed. A store that is full refuses what is new and keeps what it has; opened again
    /// with a higher limit it goes on.
    pub fn max_bytes(mut self, limit: u64) -> Self {
        self.max_bytes = Some(limit);
        self
    }

    /// Opens the store.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub async fn open(self) -> Result<Sqlite, StoreError> {
        named(&self.path)?;
        let lock = Lock::acquire(&self.path, after(self.wait)).await?;
        let options = SqliteConnectOptions::new()
            .filename(lock.path())
            .busy_timeout(BUSY)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // Statements carry payloads, and whoever logs everything does not ask for those.
            .disable_statement_logging();
        // Inserts land all over the indexes: with SQLite's own 2 MiB a large file is read again at each commit.
        let mut writing = options.clone().pragma("cache_size", "-16384");
        // Scripts of batches of many sizes are kept.
        writing = writing.statement_cache_capacity(256);
        // The log keeps its size from then on; one large transaction shall not make it large for ever.
        writing = writing.pragma("journal_size_limit", "67108864");
        if let Some(limit) = self.max_bytes {
            // The size of a page of every file that this library makes.
            writing = writing.pragma("max_page_count", (limit / 4096).max(1).to_string());
        }
        let readers = Arc::new(Pool::new(options.pragma("query_only", "ON"), READERS, Arc::clone(&lock)));
        let store = Sqlite {
            writer: Arc::new(Pool::new(writing, 1, Arc::clone(&lock))),
            readers,
            path: lock.path().to_owned(),
            identity: lock.identity(),
            lock: Arc::downgrade(&lock),
        };
        drop(lock);
        match store.prepare(self.adopt, self.beside).await {
            Ok(()) => Ok(store),
            Err(fault) => {
                // Whatever went wrong with closing says less than what went wrong before.
                let _ = store.close().await;
                Err(fault.of_open(&store.path))
            }
        }
    }
}

/// Refuses what SQLite would take for something else than a file's name.
fn named(path: &Path) -> Result<(), StoreError> {
    let refused = |what: &str| Err(StoreError::Unusable(what.into()));
    let Some(name) = path.to_str() else {
        return refused("the path of a SQLite store must be valid UTF-8");
    };
    if name.is_empty() {
        return refused("the path of a SQLite store is empty");
    }
    if name.contains('\0') {
        return refused("the path of a SQLite store contains a NUL");
    }
    if name.contains(":memory:") {
        return refused("a SQLite store lives in a file; for a store in memory use `store::memory::Memory`");
    }
    if name.starts_with("file:") || name.starts_with("sqlite:") {
        return Err(unusable(path, "is a URL: a SQLite store is opened by a plain path"));
    }
    Ok(())
}

impl Sqlite {
    /// Looks at the file, and makes it ready if it is ours to use.
    async fn prepare(&self, adopt: bool, beside: bool) -> Result<(), Fault> {
        let mut conn = self.writer.take().await?;
        let found = schema::inspect(&mut conn, self.path(), beside).await?;
        if let Found::Store(_) = found {
            self.check_file(&mut conn, adopt).await?;
        }
        let mode: String = query_scalar("PRAGMA journal_mode = WAL").fetch_one(&mut *conn).await?;
        if mode != "wal" {
            let what = format!("is on a file system without write-ahead logs (SQLite stays in `{mode}` mode)");
            return Err(unusable(self.path(), what).into());
        }
        conn.done();
        let mut transaction = self.begin().await?;
        let prepared = self.write_tables(&mut transaction, found).await;
        transaction.end(prepared).await
    }

    async fn write_tables(&self, transaction: &mut Transaction, found: Found) -> Result<(), Fault> {
        schema::migrate(transaction, found, self.identity).await?;
        let adopt = query("UPDATE store SET file = ?1 WHERE file <> ?1");
        adopt.bind(self.identity.to_string()).execute(&mut **transaction).await?;
        Ok(())
    }

    /// Whether the file is the one that the store was made in, or is to be adopted.
    async fn check_file(&self, conn: &mut SqliteConnection, adopt: bool) -> Result<(), Fault> {
        let written: Option<String> = query_scalar("SELECT file FROM store").fetch_optional(conn).await?;
        let Some(written) = written else {
            return Err(unusable(self.path(), "is damaged: the row that describes the store is missing").into());
        };
        let identity = self.identity.to_string();
        if written == identity || adopt {
            return Ok(());
        }
        let what = format!(
            "is a copy, or was restored or moved from another disk (written as {written}, this is {identity}): if no \
             runtime will work on the original again, open this one with `Sqlite::builder(path).adopt()`"
        );
        Err(unusable(self.path(), what).into())
    }
}
