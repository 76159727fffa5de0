//! Schemas of a server that goes with the tests.

use saga_runtime::store::{
    Append, Epoch, InstanceNo, Labels, Row, Start, Status, Store, Touch, Write, Written,
    postgres::{Postgres, PostgresBuilder},
};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions, raw_sql};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// A schema that nobody else has.
pub(crate) fn schema() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    format!("saga_{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A connection string by whose sessions those of this schema's stores can be told from others'.
pub(crate) fn url(schema: &str) -> String {
    format!("{}&application_name=the_{schema}", saga_test_postgres::url())
}

/// A store in this schema, with a lease that a test can wait for.
pub(crate) fn builder(schema: &str) -> PostgresBuilder {
    Postgres::builder(url(schema)).schema(schema).lease(Duration::from_secs(1))
}

pub(crate) async fn open(schema: &str) -> Postgres {
    builder(schema).connect().await.expect("the store opens")
}

/// Somebody at a prompt.
pub(crate) async fn prompt() -> PgConnection {
    let options: PgConnectOptions = saga_test_postgres::url().parse().unwrap();
    options.connect().await.expect("the server is there")
}

/// Runs statements.
pub(crate) async fn run(conn: &mut PgConnection, sql: impl Into<String>) {
    let sql = sql.into();
    raw_sql(AssertSqlSafe(sql.clone())).execute(conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The first column of the first row.
pub(crate) async fn number(conn: &mut PgConnection, sql: impl Into<String>) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.into())).fetch_one(conn).await.unwrap()
}

/// Waits until a session of this schema's stores waits for a lock.
pub(crate) async fn until_somebody_waits(conn: &mut PgConnection, schema: &str) {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'the_{schema}'"
    );
    for _ in 0..1000 {
        if number(conn, sql.clone()).await > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits for anybody");
}

pub(crate) fn row(seq: u64) -> Row {
    Row { seq, at: 0, event: format!(r#"{{"row":{seq}}}"#).into() }
}

pub(crate) fn start(id: &str) -> Start {
    Start {
        saga: "checkout".into(),
        id: id.into(),
        birth: format!("birth of {id}").into(),
        version: 1,
        input_hash: [0; 32],
        owned: true,
        at: 0,
        wake_at: None,
        parent: None,
        labels: Labels::new(),
        rows: vec![row(1)],
    }
}

pub(crate) fn append(instance: InstanceNo, seq: u64) -> Write {
    Write::Append(Append::new(instance, vec![row(seq)]))
}

pub(crate) fn touching(instance: InstanceNo, seq: u64, status: Status) -> Write {
    Write::Append(Append { touch: Some(Touch::new(status, 1)), ..Append::new(instance, vec![row(seq)]) })
}

pub(crate) async fn started(store: &Postgres, epoch: Epoch, id: &str) -> InstanceNo {
    match &*store.commit(epoch, &[Write::Start(start(id))]).await.unwrap() {
        [Written::Started(no)] => *no,
        other => panic!("a start answered {other:?}"),
    }
}
