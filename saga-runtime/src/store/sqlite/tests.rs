//! What can be seen from the inside only: how SQLite is set up, and how it reads what is asked often.

use super::{Sqlite, claim};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, query};
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
    for sql in [claim::CANDIDATES, claim::NEXT_WAKE] {
        let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<String> =
            query(explained).fetch_all(&mut *conn).await.unwrap().iter().map(|row| row.get("detail")).collect();
        for step in &plan {
            let slow = step.contains("TEMP B-TREE") || step.starts_with("SCAN instance");
            assert!(!slow, "{step} in {plan:#?}");
        }
    }
    conn.done();
}
