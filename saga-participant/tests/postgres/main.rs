//! The suite on Postgres.

#[path = "../suite/mod.rs"]
mod suite;

use std::sync::atomic::{AtomicU32, Ordering};

use saga_test_postgres as server;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Pool, Postgres};

/// What the suite runs on.
type DB = Postgres;

/// A schema of one test, on the server that the tests of this process share.
struct Database {
    /// Where another process finds it: the server's folder, and the schema's name.
    address: String,
}

impl Database {
    /// A new one. It goes with the server.
    async fn fresh() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let schema = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let database = Self::at(format!("{}#{schema}", server::folder()));
        let pool = database.pool().await;
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&pool).await.unwrap();
        pool.close().await;
        database
    }

    /// One that another process made.
    fn at(address: String) -> Self {
        Self { address }
    }

    async fn pool(&self) -> Pool<Postgres> {
        let (folder, schema) = self.address.split_once('#').unwrap();
        let options = PgConnectOptions::new_without_pgpass()
            .socket(folder)
            .username(server::USER)
            .database("postgres")
            .options([("search_path", schema)]);
        PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap()
    }
}
