//! The schema of a PostgreSQL database in which a demonstration keeps its sagas.

use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Connection, PgConnection, query};

use crate::Failed;

/// How long a worker is taken for alive in a demonstration: nobody wants to watch others wait for longer.
pub(super) const LEASE_SECONDS: u32 = 2;

/// A schema of its own for each run.
pub(super) struct Schema {
    url: String,
    name: String,
}

impl Schema {
    /// A name that no other run has had. The first worker makes the schema.
    pub(super) fn new(url: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { url: url.to_owned(), name: format!("checkout_demo_{}_{}", since.as_millis(), std::process::id()) }
    }

    /// How a worker is told of it.
    pub(super) fn options(&self) -> Vec<String> {
        let lease = LEASE_SECONDS.to_string();
        ["--store", &self.url, "--schema", &self.name, "--lease", &lease].map(str::to_owned).to_vec()
    }

    /// Takes it away, if nothing in it is needed to find out what went wrong.
    pub(super) async fn close(self, fine: bool) -> Result<(), Failed> {
        let drop = format!("DROP SCHEMA \"{}\" CASCADE", self.name);
        if !fine {
            eprintln!("the sagas are kept in the database: {drop}; takes them away");
            return Ok(());
        }
        let mut database = PgConnection::connect(&self.url).await?;
        query(AssertSqlSafe(drop)).execute(&mut database).await?;
        Ok(database.close().await?)
    }
}
