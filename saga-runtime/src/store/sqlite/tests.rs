//! What can be seen from the inside only: how SQLite is set up, and how it reads what is asked often.

use super::{
    Sqlite, claim,
    list::{self, Part},
    retention,
};
use crate::store::{Claimed, Filter, InstanceNo, Labels, Status, Store as _};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection, query, raw_sql,
    sqlite::SqliteConnectOptions,
};
use std::{fs, path::PathBuf};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("saga-inside-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn text(conn: &mut SqliteConnection, sql: &'static str) -> String {
    let row = query(sql).fetch_one(conn).await.unwrap();
    row.try_get::<String, _>(0).unwrap_or_else(|_| row.get::<i64, _>(0).to_string())
}

#[tokio::test]
async fn the_writer_waits_for_the_disk_and_readers_cannot_write() {
    let folder = Folder::new("pragmas");
    let store = Sqlite::open(folder.0.join("orders.db")).await.unwrap();
    let mut writer = store.writer.take().await.unwrap();
    assert_eq!(text(&mut writer, "PRAGMA journal_mode").await, "wal");
    assert_eq!(text(&mut writer, "PRAGMA synchronous").await, "2", "2 is FULL");
    assert_eq!(text(&mut writer, "PRAGMA foreign_keys").await, "1");
    assert_eq!(text(&mut writer, "PRAGMA locking_mode").await, "normal", "readers are always allowed");
    assert_eq!(text(&mut writer, "PRAGMA page_size").await, "4096", "`max_bytes` counts pages of this size");
    writer.done();
    let mut reader = store.readers.take().await.unwrap();
    assert_eq!(text(&mut reader, "PRAGMA journal_mode").await, "wal");
    query("UPDATE store SET epoch = 100").execute(&mut *reader).await.unwrap_err();
    reader.done();
}

#[tokio::test]
async fn claims_read_from_their_indexes_without_sorting() {
    let folder = Folder::new("plans");
    let store = Sqlite::open(folder.0.join("orders.db")).await.unwrap();
    let mut conn = store.writer.take().await.unwrap();
    for sql in [claim::CANDIDATES, claim::NEXT_WAKE, retention::EXPIRED, retention::BURIED] {
        read_in_order(&mut conn, sql).await;
    }
    conn.done();
}

#[tokio::test]
async fn lists_read_from_their_indexes_without_sorting() {
    let folder = Folder::new("lists");
    let store = Sqlite::open(folder.0.join("orders.db")).await.unwrap();
    let mut conn = store.readers.take().await.unwrap();
    let saga = || Some("checkout".into());
    let filters = [
        Filter { saga: saga(), ..Filter::default() },
        Filter { state: Some("charge".into()), saga: saga(), ..Filter::default() },
        Filter { parent: Some(InstanceNo(1)), ..Filter::default() },
        Filter { labels: Labels::from([("customer".into(), "42".into())]), saga: saga(), ..Filter::default() },
        Filter { error: Some("declined".into()), ..Filter::default() },
    ];
    let rests = Part::Of { saga: "checkout", status: Status::Parked, owned: false };
    for (filter, part) in filters.into_iter().zip([rests, Part::Whole, Part::Whole, Part::Whole, Part::Whole]) {
        for newest_first in [false, true] {
            let filter = Filter { newest_first, ..filter.clone() };
            let part = list::statement(&filter, part, Some(InstanceNo(7)), 10);
            read_in_order(&mut conn, part.sql().as_str()).await;
        }
    }
    read_in_order(&mut conn, list::SAGAS).await;
    // What somebody owns is few: it is found without the rest, and sorted.
    let owned = Part::Of { saga: "checkout", status: Status::Ready, owned: true };
    let owned = list::statement(&Filter::default(), owned, None, 10);
    let plan = plan(&mut conn, owned.sql().as_str()).await;
    assert_eq!(plan[0], "SEARCH instance USING INDEX instance_owned (saga=? AND status=?)", "{plan:#?}");
    conn.done();
}

async fn plan(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    query(explained).fetch_all(conn).await.unwrap().iter().map(|row| row.get("detail")).collect()
}

/// Fails unless the query reads what it needs from an index, in the order in which it gives it.
async fn read_in_order(conn: &mut SqliteConnection, sql: &str) {
    let plan = plan(conn, sql).await;
    for step in &plan {
        let slow = step.contains("TEMP B-TREE") || step.starts_with("SCAN instance");
        assert!(!slow, "{step} in {plan:#?}");
    }
}

/// What a worker of the first tables left: one instance of each kind, the first with a request.
const OF_VERSION_1: &str = "
    PRAGMA application_id = 0x53414741;
    PRAGMA user_version = 1;
    INSERT INTO store (id, file, epoch) VALUES (1, 'another', 3);
    INSERT INTO instance (saga, id, birth, version, input_hash, status, due_at, wake_at, state, owned, epoch, started_at,
        ended_at, buried) VALUES
        ('checkout', 'runs', 'b1', 1, zeroblob(32), 'ready', 10, NULL, NULL, 1, 3, 10, NULL, 0),
        ('checkout', 'sleeps', 'b2', 1, zeroblob(32), 'sleeping', 50, 50, 'charge', 0, 3, 10, NULL, 0),
        ('checkout', 'ended', 'b3', 1, zeroblob(32), 'completed', NULL, NULL, NULL, 0, 3, 10, 20, 0),
        ('checkout', 'buried', 'b4', 1, zeroblob(32), 'compensated', NULL, NULL, NULL, 0, 3, 10, 20, 1);
    INSERT INTO journal (instance, seq, at, event) VALUES (1, 1, 10, 'a'), (1, 2, 11, 'b'), (2, 1, 10, 'c'), (3, 1, 10, 'd');
    INSERT INTO request (instance, body) VALUES (1, 'cancel');";

#[tokio::test]
async fn a_file_of_the_first_tables_goes_on_with_everything_it_had() {
    let folder = Folder::new("first-tables");
    let path = folder.0.join("orders.db");
    let mut old = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    raw_sql(include_str!("migrations/0001.sql")).execute(&mut old).await.unwrap();
    raw_sql(OF_VERSION_1).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    let store = Sqlite::builder(&path).adopt().open().await.unwrap();
    let all = store.list(&Filter::default(), None, 10).await.unwrap();
    let ids: Vec<_> = all.iter().map(|instance| (instance.no.0, &*instance.id, instance.status)).collect();
    assert_eq!(
        ids,
        [
            (1, "runs", Status::Ready),
            (2, "sleeps", Status::Sleeping),
            (3, "ended", Status::Completed),
            (4, "buried", Status::Compensated)
        ]
    );
    assert!(all[3].buried && all[2].ended_at == Some(20) && all[1].state.as_deref() == Some("charge"));
    assert_eq!(store.length(InstanceNo(1)).await, Ok(2));
    assert_eq!(store.inbox(InstanceNo(1)).await.unwrap().len(), 1);
    let epoch = store.register().await.unwrap();
    let claims = store.claim(epoch, &["checkout"], 50, 10).await.unwrap();
    let claimed: Vec<_> =
        claims.claimed.iter().map(|Claimed { instance, orphaned }| (instance.no.0, *orphaned)).collect();
    assert_eq!(claimed, [(1, true), (2, false)]);
    let mut conn = store.writer.take().await.unwrap();
    assert!(query("PRAGMA foreign_key_check").fetch_all(&mut *conn).await.unwrap().is_empty());
    assert_eq!(text(&mut conn, "PRAGMA integrity_check").await, "ok");
    assert_eq!(text(&mut conn, "SELECT seq FROM sqlite_sequence WHERE name = 'instance'").await, "4");
    conn.done();
}
