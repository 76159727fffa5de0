//! On Postgres: one connection, and one statement for each batch, which is a transaction of its own.

use super::{Asked, BATCH, Row, Write};
use crate::speed::place::{connect, execute, said};
use sqlx::{AssertSqlSafe, PgConnection, query};
use tokio::sync::mpsc::UnboundedReceiver;

/// Its two tables.
pub(in super::super) struct Tables {
    conn: PgConnection,
    /// Rows alone.
    append: String,
    /// Instances and rows.
    both: String,
}

impl Tables {
    /// Makes them.
    pub(in super::super) async fn create(url: &str, schema: &str) -> Result<Self, String> {
        let mut conn = connect(url).await?;
        let tables = format!(
            "SET synchronous_commit = on;
             CREATE TABLE {schema}.instance (no bigint PRIMARY KEY, input text NOT NULL);
             CREATE TABLE {schema}.journal (instance bigint NOT NULL, seq bigint NOT NULL, event text NOT NULL,
                 PRIMARY KEY (instance, seq));"
        );
        execute(&mut conn, tables).await?;
        let append = format!(
            "INSERT INTO {schema}.journal (instance, seq, event)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])"
        );
        let both = format!(
            "WITH started AS (
                INSERT INTO {schema}.instance (no, input) SELECT * FROM unnest($4::bigint[], $5::text[])
            ) {append}"
        );
        Ok(Self { conn, append, both })
    }

    /// Writes until nobody is left who could ask.
    pub(super) async fn write(&mut self, mut writes: UnboundedReceiver<Asked>) -> Result<(), String> {
        let mut batch = Vec::with_capacity(BATCH);
        while writes.recv_many(&mut batch, BATCH).await > 0 {
            self.commit(&batch).await?;
            for (_, answer) in batch.drain(..) {
                // Whoever asked may be gone.
                let _ = answer.send(());
            }
        }
        Ok(())
    }

    async fn commit(&mut self, batch: &[Asked]) -> Result<(), String> {
        let mut columns = Columns::default();
        let (mut numbers, mut inputs) = (Vec::new(), Vec::new());
        for (write, _) in batch {
            match write {
                Write::Start(no, input) => {
                    numbers.push(*no);
                    inputs.push(input.as_str());
                }
                Write::Row(row) => columns.add(row),
                Write::Rows(rows) => rows.iter().for_each(|row| columns.add(row)),
            }
        }
        if numbers.is_empty() {
            return self.append(columns).await;
        }
        let insert = query(AssertSqlSafe(self.both.clone())).bind(columns.instances).bind(columns.seqs);
        let insert = insert.bind(columns.events).bind(numbers).bind(inputs);
        insert.execute(&mut self.conn).await.map_err(said)?;
        Ok(())
    }

    async fn append(&mut self, columns: Columns<'_>) -> Result<(), String> {
        let insert = query(AssertSqlSafe(self.append.clone())).bind(columns.instances).bind(columns.seqs);
        insert.bind(columns.events).execute(&mut self.conn).await.map_err(said)?;
        Ok(())
    }

    /// Writes transactions of so many rows, of new instances, until it is told to stop; answers how many there were.
    pub(in super::super) async fn write_raw(
        &mut self,
        rows: usize,
        event: &str,
        goes_on: impl Fn() -> bool,
    ) -> Result<u64, String> {
        let mut number = 0_i64;
        let mut commits = 0;
        while commits == 0 || goes_on() {
            let mut columns = Columns::default();
            for _ in 0..rows {
                number += 1;
                columns.instances.push(number / 5);
                columns.seqs.push(number % 5);
                columns.events.push(event);
            }
            self.append(columns).await?;
            commits += 1;
        }
        Ok(commits)
    }
}

/// Rows of the journal, column by column.
#[derive(Default)]
struct Columns<'a> {
    instances: Vec<i64>,
    seqs: Vec<i64>,
    events: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn add(&mut self, row: &'a Row) {
        self.instances.push(row.instance);
        self.seqs.push(row.seq);
        self.events.push(&row.event);
    }
}
