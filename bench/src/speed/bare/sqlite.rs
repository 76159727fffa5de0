//! On SQLite: one connection on a thread of its own, and a prepared statement for each kind of row.

use super::{Asked, BATCH, Row, Write};
use rusqlite::{Connection, Statement, params};
use std::path::Path;
use tokio::sync::mpsc::UnboundedReceiver;

/// Its two tables.
pub(in super::super) struct Tables(Connection);

impl Tables {
    /// Makes them, in a file with a write-ahead log that is durable at each commit.
    pub(in super::super) fn create(file: &Path) -> Result<Self, String> {
        let conn = Connection::open(file).map_err(said)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;
             CREATE TABLE instance (no INTEGER PRIMARY KEY, input TEXT NOT NULL) STRICT;
             CREATE TABLE journal (instance INTEGER NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL,
                 PRIMARY KEY (instance, seq)) STRICT, WITHOUT ROWID;",
        )
        .map_err(said)?;
        Ok(Self(conn))
    }

    /// Writes until nobody is left who could ask.
    pub(super) fn write(&mut self, mut writes: UnboundedReceiver<Asked>) -> Result<(), String> {
        let mut statements = Statements::new(&self.0).map_err(said)?;
        let mut batch = Vec::with_capacity(BATCH);
        while writes.blocking_recv_many(&mut batch, BATCH) > 0 {
            statements.commit(&batch).map_err(said)?;
            for (_, answer) in batch.drain(..) {
                // Whoever asked may be gone.
                let _ = answer.send(());
            }
        }
        Ok(())
    }

    /// Writes transactions of so many rows, of new instances, until it is told to stop; answers how many there were.
    pub(in super::super) fn write_raw(
        &mut self,
        rows: usize,
        event: &str,
        goes_on: impl Fn() -> bool,
    ) -> Result<u64, String> {
        let mut statements = Statements::new(&self.0).map_err(said)?;
        let (mut number, mut commits) = (0_i64, 0);
        while commits == 0 || goes_on() {
            statements.begin.execute([]).map_err(said)?;
            for _ in 0..rows {
                number += 1;
                statements.append.execute(params![number / 5, number % 5, event]).map_err(said)?;
            }
            statements.commit.execute([]).map_err(said)?;
            commits += 1;
        }
        Ok(commits)
    }
}

/// Prepared once.
struct Statements<'c> {
    begin: Statement<'c>,
    start: Statement<'c>,
    append: Statement<'c>,
    commit: Statement<'c>,
}

impl<'c> Statements<'c> {
    fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            begin: conn.prepare("BEGIN IMMEDIATE")?,
            start: conn.prepare("INSERT INTO instance (no, input) VALUES (?1, ?2)")?,
            append: conn.prepare("INSERT INTO journal (instance, seq, event) VALUES (?1, ?2, ?3)")?,
            commit: conn.prepare("COMMIT")?,
        })
    }

    fn commit(&mut self, batch: &[Asked]) -> rusqlite::Result<()> {
        self.begin.execute([])?;
        for (write, _) in batch {
            match write {
                Write::Start(no, input) => {
                    self.start.execute(params![no, input])?;
                }
                Write::Row(row) => self.append(row)?,
                Write::Rows(rows) => rows.iter().try_for_each(|row| self.append(row))?,
            }
        }
        self.commit.execute([])?;
        Ok(())
    }

    fn append(&mut self, row: &Row) -> rusqlite::Result<()> {
        self.append.execute(params![row.instance, row.seq, row.event])?;
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn said(error: rusqlite::Error) -> String {
    format!("the bare writer: {error}")
}
