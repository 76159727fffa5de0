//! Schemas of a server that goes with the tests.

use saga_runtime::store::postgres::{Postgres, PostgresBuilder};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// A schema that nobody else has.
pub(crate) fn schema() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    format!("saga_{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A store in this schema, with a lease that a test can wait for.
pub(crate) fn builder(schema: &str) -> PostgresBuilder {
    Postgres::builder(saga_test_postgres::url()).schema(schema).lease(Duration::from_secs(1))
}
