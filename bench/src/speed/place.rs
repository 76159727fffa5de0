//! Where a run keeps its data: a file, or a schema of a server, that nobody has used before.

use super::{options::StoreKind, usage::Server};
use saga_runtime::store::{Store, postgres::Postgres, sqlite::Sqlite};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, postgres::PgConnectOptions, query_scalar, raw_sql};
use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// One of them, as the processes of a run are told of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Place {
    Sqlite {
        file: PathBuf,
    },
    Postgres {
        url: String,
        schema: String,
        /// The workers' lease, in seconds.
        lease: f64,
    },
}

impl Place {
    /// The library's store there, made if it is not.
    pub(crate) async fn store(&self) -> Result<Arc<dyn Store>, String> {
        match self {
            Self::Sqlite { file } => Ok(Arc::new(Sqlite::open(file).await.map_err(|error| error.to_string())?)),
            Self::Postgres { url, schema, lease } => {
                let store =
                    Postgres::builder(url).schema(schema).lease(Duration::from_secs_f64(*lease)).connect().await;
                Ok(Arc::new(store.map_err(|error| error.to_string())?))
            }
        }
    }

    /// What is kept there, in bytes. Of a file whose log has not been written back yet, the log counts, too.
    pub(crate) async fn bytes(&self) -> Result<u64, String> {
        match self {
            Self::Sqlite { file } => {
                let log = file.with_extension("db-wal");
                let length = |file: &Path| fs::metadata(file).map_or(0, |found| found.len());
                Ok(length(file) + length(&log))
            }
            Self::Postgres { url, schema, .. } => {
                let sum = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                           WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND relkind IN ('r', 'S')";
                let bytes: i64 =
                    query_scalar(sql(sum)).bind(schema).fetch_one(&mut connect(url).await?).await.map_err(said)?;
                Ok(bytes.unsigned_abs())
            }
        }
    }

    /// Does what the database does by itself some time after so many rows were written, so that it does not do it later.
    pub(crate) async fn settle(&self) -> Result<(), String> {
        let Self::Postgres { url, schema, .. } = self else { return Ok(()) };
        let mut conn = connect(url).await?;
        let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::regnamespace";
        let tables: Vec<String> = query_scalar(sql(tables)).bind(schema).fetch_all(&mut conn).await.map_err(said)?;
        for table in tables {
            execute(&mut conn, format!("VACUUM ANALYZE {schema}.{table}")).await?;
        }
        // Who may not ask for one measures without.
        let _ = execute(&mut conn, "CHECKPOINT".to_owned()).await;
        Ok(())
    }

    /// Removes what is there.
    pub(crate) async fn leave(&self) -> Result<(), String> {
        match self {
            Self::Sqlite { file } => {
                let folder = file.parent().unwrap_or(file);
                fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
            }
            Self::Postgres { url, schema, .. } => {
                execute(&mut connect(url).await?, format!("DROP SCHEMA {schema} CASCADE")).await
            }
        }
    }

    /// The server, if there is one and it is on this machine.
    pub(crate) async fn server(&self) -> Result<Option<Server>, String> {
        let Self::Postgres { url, .. } = self else { return Ok(None) };
        let mut conn = connect(url).await?;
        let pid: i32 = query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await.map_err(said)?;
        Ok(Server::of_session(pid.unsigned_abs()))
    }
}

/// A connection to a server.
pub(crate) async fn connect(url: &str) -> Result<PgConnection, String> {
    let options = PgConnectOptions::from_str(url).map_err(|error| format!("`{url}` cannot be read: {error}"))?;
    let options = options.disable_statement_logging().application_name("bench");
    options.connect().await.map_err(|error| format!("the server does not let us in: {error}"))
}

/// Runs statements.
pub(crate) async fn execute(conn: &mut PgConnection, statements: String) -> Result<(), String> {
    raw_sql(AssertSqlSafe(statements)).execute(conn).await.map_err(said)?;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
pub(crate) fn said(error: sqlx::Error) -> String {
    error.to_string()
}

fn sql(statement: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(statement.to_owned())
}

/// Where the places of all runs are.
pub(crate) enum Site {
    Sqlite(TempDir),
    Postgres(String),
}

impl Site {
    /// Makes a folder, or looks for a server, which it starts if none is named.
    pub(crate) fn open(store: &StoreKind) -> Result<Self, String> {
        match store {
            StoreKind::Sqlite => {
                let folder = target().join("bench-speed");
                fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
                let folder = tempfile::Builder::new().tempdir_in(&folder);
                Ok(Self::Sqlite(folder.map_err(|error| error.to_string())?))
            }
            StoreKind::Postgres(Some(url)) => Ok(Self::Postgres(url.clone())),
            StoreKind::Postgres(None) => Ok(Self::Postgres(saga_test_postgres::durable_url())),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// A place that nobody has used, with nothing left to be written of what was before.
    pub(crate) async fn place(&self, lease: f64) -> Result<Place, String> {
        thread_local!(static NUMBER: Cell<u32> = const { Cell::new(0) });
        let number = NUMBER.replace(NUMBER.get() + 1);
        match self {
            Self::Sqlite(folder) => {
                let folder = folder.path().join(format!("run-{number}"));
                fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
                Ok(Place::Sqlite { file: folder.join("store.db") })
            }
            Self::Postgres(url) => {
                let schema = format!("bench_{}_{number}", std::process::id());
                let mut conn = connect(url).await?;
                execute(&mut conn, format!("CREATE SCHEMA {schema}")).await?;
                // Who may not ask for one measures without.
                let _ = execute(&mut conn, "CHECKPOINT".to_owned()).await;
                Ok(Place::Postgres { url: url.clone(), schema, lease })
            }
        }
    }
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    let root = root();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |named| root.join(named))
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
