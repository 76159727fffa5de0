//! The services that the saga calls: each a process of its own with a database of its own.
//!
//! What they have in common is the contract that makes a saga safe, in three layers: [`wire`]
//! and [`faults`] decide how badly a call goes, [`endpoint`] reads it, and [`once`] carries it
//! out once, however often and in whatever order it arrives.

mod endpoint;
mod faults;
mod inventory;
mod key;
mod ledger;
mod once;
mod payments;
mod shipping;
mod wire;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use clap::Args;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub(crate) use faults::{Faults, Fired};
pub(crate) use inventory::{HoldTaken, Stock};
pub(crate) use key::{IDEMPOTENCY_KEY, UNDOES};
pub(crate) use ledger::KeysKept;
pub(crate) use payments::Charged;
pub(crate) use shipping::Sent;

use crate::serve::{self, Listen};

/// What every participant is told on its command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The SQLite file; it is created where there is none.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    #[command(flatten)]
    listen: Listen,
    /// How to misbehave: shares of the calls, e.g.
    /// `refuse=0.05,unavailable=0.1,lost=0.05,slow=0.02,late=0.1,slow_ms=2500,late_ms=1500`.
    #[arg(long, value_name = "SHARES", default_value = "none")]
    faults: Faults,
    /// What the misbehaviour is drawn from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Which participant this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Keeps the stock.
    Inventory,
    /// Charges cards.
    Payments,
    /// Sends parcels.
    Shipping,
}

/// What the handlers of one service share.
struct Desk {
    service: Service,
    db: SqlitePool,
    faults: faults::Dice,
    /// The keys whose call is being carried out at this moment.
    in_progress: Mutex<HashSet<String>>,
}

impl Desk {
    /// Claims a key for one call, until the claim is dropped. Nothing if another call has it.
    fn claim(self: &Arc<Self>, key: &str) -> Option<Claim> {
        let mut keys = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.to_owned()).then(|| Claim { desk: Arc::clone(self), key: key.to_owned() })
    }
}

/// A key that one call is being carried out under.
struct Claim {
    desk: Arc<Desk>,
    key: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut keys = self.desk.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
    }
}

/// Runs one participant until it is told to stop.
pub(crate) async fn run(service: Service, options: Options) -> Result<(), crate::Failed> {
    let (schema, own): (_, Router<Arc<Desk>>) = match service {
        Service::Inventory => (inventory::SCHEMA, inventory::routes()),
        Service::Payments => (payments::SCHEMA, payments::routes()),
        Service::Shipping => (shipping::SCHEMA, shipping::routes()),
    };
    options.faults.suit(service)?;
    let db = open(&options.db).await?;
    sqlx::raw_sql(once::SCHEMA).execute(&db).await?;
    sqlx::raw_sql(schema).execute(&db).await?;
    let desk = Arc::new(Desk {
        service,
        db: db.clone(),
        faults: faults::Dice::new(options.faults, options.seed),
        in_progress: Mutex::default(),
    });
    let router = own
        .merge(ledger::routes())
        .fallback(crate::problem::nothing_here)
        .method_not_allowed_fallback(crate::problem::not_like_this)
        .layer(DefaultBodyLimit::max(crate::json::BODY_LIMIT))
        .with_state(desk);
    let service = router.into_make_service_with_connect_info::<wire::Wire>();
    serve::until_stopped(options.listen, |listener, stop| async move {
        axum::serve(wire::Cuttable::new(listener), service).with_graceful_shutdown(stop).await
    })
    .await?;
    db.close().await;
    Ok(())
}

/// Opens a database. Everything goes through one connection: SQLite has one writer at a time, and
/// a queue in front of it is kinder than its busy handler.
async fn open(file: &std::path::Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    SqlitePoolOptions::new().max_connections(1).connect_with(options).await
}
