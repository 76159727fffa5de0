//! A saga to be killed whose steps write to a table of their own in the store's database, in the store's own transaction.

use crate::{
    Points,
    ledger::{Done, Receipt},
    table::effect,
};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, SqliteConnection, postgres::PgConnectOptions,
    query, query_scalar, sqlite::SqliteConnectOptions,
};
use std::{path::Path, sync::Arc};

/// The table, by which the books are kept: a line for each entry.
#[derive(Debug, Clone)]
pub enum Table {
    /// In this file.
    Sqlite(std::path::PathBuf),
    /// Of this server, of this name.
    Postgres {
        /// The connection string.
        url: String,
        /// The table.
        name: String,
    },
}

/// The saga.
pub struct Books {
    /// One is right before and one right after each thing that is written.
    pub points: Arc<Points>,
    /// Where it is written.
    pub table: Table,
}

/// The business "no".
#[derive(Debug, Serialize, Deserialize, Refusal)]
pub struct Refused;

#[saga(name = "books", version = 1)]
impl Books {
    /// Two entries, and then a decision.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, undone: bool) -> Result<i64, Unwind<Refused>> {
        let first = self.enter(cx, 100).await?;
        let second = #[state("enter_again")]
        self.enter(cx, first.amount + 1).await?;
        self.decide(cx, undone).await?;
        Ok(first.amount + second.amount)
    }

    #[step(transaction)]
    async fn enter(&self, cx: &StepContext, amount: i64) -> Result<Entered, Failure<Refused>> {
        let receipt = self.write(cx, "enter", "enter", amount).await?;
        Ok(Entered { amount, receipt })
    }

    #[compensate(enter)]
    async fn strike(&self, cx: &StepContext, entered: Entered) -> Result<(), Transient> {
        self.write(cx, "enter", "strike", entered.amount).await.map(drop)
    }

    #[step(pivot, transaction)]
    async fn decide(&self, cx: &StepContext, undone: bool) -> Result<Entered, Failure<Refused>> {
        let receipt = self.write(cx, "decide", "decide", 0).await?;
        if undone { Err(Refused.into()) } else { Ok(Entered { amount: 0, receipt }) }
    }
}

/// An entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entered {
    /// Of how much.
    pub amount: i64,
    /// Under which key.
    pub receipt: Receipt,
}

impl Books {
    async fn write(&self, cx: &StepContext, step: &str, action: &str, amount: i64) -> Result<Receipt, Transient> {
        let what = if cx.undoes().is_some() { effect::UNDO_WITHIN } else { effect::STEP_WITHIN };
        let about = amount.to_string();
        let done = serde_json::to_string(&Done::new(cx, step, action, &about, true)).map_err(Transient::new)?;
        self.points.pass_one("before effect", what);
        match &self.table {
            Table::Sqlite(_) => {
                let entry = query("INSERT INTO entry (done) VALUES (?)").bind(done);
                entry.execute(&mut *cx.transaction()?).await?;
            }
            Table::Postgres { name, .. } => {
                let entry = query(AssertSqlSafe(format!("INSERT INTO {name} (done) VALUES ($1)"))).bind(done);
                entry.execute(&mut *cx.postgres_transaction()?).await?;
            }
        }
        self.points.pass_one("after effect", what);
        Ok(Receipt { about, key: cx.key().to_owned() })
    }
}

impl Table {
    /// Makes it, if it is not there.
    ///
    /// # Errors
    /// The database does not say why not.
    pub async fn make(&self) -> Result<(), sqlx::Error> {
        match self {
            // A file that is there was left by a dead process: the store is to open it first.
            Self::Sqlite(file) if file.exists() => {}
            Self::Sqlite(file) => {
                let mut conn = sqlite(file).await?;
                conn.execute("CREATE TABLE entry (no INTEGER PRIMARY KEY, done TEXT NOT NULL)").await?;
            }
            Self::Postgres { url, name } => {
                let sql = format!("CREATE TABLE IF NOT EXISTS {name} (no bigserial PRIMARY KEY, done text NOT NULL)");
                postgres(url).await?.execute(AssertSqlSafe(sql)).await?;
            }
        }
        Ok(())
    }

    /// What is in it, in order.
    ///
    /// # Errors
    /// The database does not say, or what it says is no entry.
    pub async fn entries(&self) -> Result<Vec<Done>, Box<dyn std::error::Error>> {
        let texts: Vec<String> = match self {
            Self::Sqlite(file) => {
                query_scalar("SELECT done FROM entry ORDER BY no").fetch_all(&mut sqlite(file).await?).await?
            }
            Self::Postgres { url, name } => {
                let sql = AssertSqlSafe(format!("SELECT done FROM {name} ORDER BY no"));
                query_scalar(sql).fetch_all(&mut postgres(url).await?).await?
            }
        };
        texts.iter().map(|text| Ok(serde_json::from_str(text)?)).collect()
    }
}

async fn sqlite(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(file).create_if_missing(true).connect().await
}

async fn postgres(url: &str) -> Result<PgConnection, sqlx::Error> {
    url.parse::<PgConnectOptions>()?.connect().await
}
