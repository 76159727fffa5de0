//! The services that the saga calls: each a process of its own with a database of its own.
//!
//! What makes a saga safe, one answer for each key and a barrier against what comes too late, they have from
//! `saga-participant`. What is left here is their business ([`inventory`], [`payments`], [`shipping`]), and how badly a
//! call goes ([`wire`], [`faults`], [`luck`]).

mod faults;
mod input;
mod inventory;
mod ledger;
mod luck;
mod mark;
mod payments;
mod shipping;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::middleware;
use clap::Args;
use saga_participant::{Decided, Effect, Failed, Participant};
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool};
use tokio::net::TcpListener;

pub(crate) use faults::{Faults, Fired};
pub(crate) use inventory::{HoldTaken, Stock};
pub(crate) use ledger::{AcceptedCall, KeysKept};
pub(crate) use payments::Charged;
pub(crate) use shipping::Sent;

use crate::problem::Problem;
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
    kit: Participant<Sqlite>,
    faults: faults::Dice,
}

/// Runs one participant until it is told to stop.
pub(crate) async fn run(service: Service, options: Options) -> Result<(), crate::Failed> {
    options.faults.suit(service).map_err(|error| format!("`--faults`: {error}"))?;
    let dice = faults::Dice::new(options.faults, options.seed);
    let (router, db) = route(service, &options.db, dice).await?;
    serve::until_stopped(options.listen, |listener, stop| async move {
        axum::serve(wire::Cuttable::new(listener), router).with_graceful_shutdown(stop).await
    })
    .await?;
    db.close().await;
    Ok(())
}

/// Opens one that behaves, which is served for as long as the future that this gives is polled.
pub(crate) async fn serving(
    service: Service,
    db: &Path,
    listener: TcpListener,
) -> Result<impl Future<Output = std::io::Result<()>> + use<>, crate::Failed> {
    let (router, _db) = route(service, db, faults::Dice::new(Faults::default(), 0)).await?;
    Ok(axum::serve(wire::Cuttable::new(listener), router).into_future())
}

/// What a participant answers, and its database.
async fn route(service: Service, file: &Path, faults: faults::Dice) -> Result<(Routes, SqlitePool), crate::Failed> {
    let db = open(file).await?;
    let kit = Participant::open(db.clone()).await?;
    // What others ask, and what the saga has done: only that goes wrong.
    let (schema, books, calls): (_, Router<Arc<Desk>>, Router<Arc<Desk>>) = match service {
        Service::Inventory => (inventory::SCHEMA, inventory::books(), inventory::calls(&kit)),
        Service::Payments => (payments::SCHEMA, payments::books(), payments::calls(&kit)),
        Service::Shipping => (shipping::SCHEMA, shipping::books(), shipping::calls(&kit)),
    };
    sqlx::raw_sql(schema).execute(&db).await?;
    let desk = Arc::new(Desk { service, kit, faults });
    let calls = calls.route_layer(middleware::from_fn_with_state(Arc::clone(&desk), luck::misbehave));
    let router = books
        .merge(calls)
        .merge(ledger::routes())
        .fallback(crate::problem::nothing_here)
        .method_not_allowed_fallback(crate::problem::not_like_this)
        .layer(DefaultBodyLimit::max(crate::json::BODY_LIMIT))
        .with_state(desk);
    Ok((router.into_make_service_with_connect_info::<wire::Wire>(), db))
}

/// A router that knows the connection of each of its requests.
type Routes = IntoMakeServiceWithConnectInfo<Router, wire::Wire>;

/// The business says no, with this problem.
fn refuse(effect: Effect<Sqlite>, problem: &Problem) -> Result<Decided<Sqlite>, Failed> {
    effect.refuse(problem.status(), problem)
}

/// Opens a database. Everything goes through one connection: SQLite has one writer at a time, and
/// a queue in front of it is kinder than its busy handler.
async fn open(file: &Path) -> Result<SqlitePool, crate::Failed> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let opened = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    opened.map_err(|error| unopened(file, &error).into())
}

/// Why a database cannot be opened, and what to give instead.
fn unopened(file: &Path, error: &sqlx::Error) -> String {
    let file = file.display();
    let sqlite = error.as_database_error();
    let reason = sqlite.map_or_else(|| error.to_string(), |error| error.message().to_owned());
    match sqlite.and_then(DatabaseError::code).as_deref() {
        // SQLITE_NOTADB
        Some("26") => format!("{file} is no SQLite database; give `--db` one, or a name that no file has yet"),
        // SQLITE_CANTOPEN, which does not tell a folder that is missing from one that is somebody else's.
        Some("14") => format!(
            "{file} cannot be opened: {reason}; give `--db` a file in a folder that is there and can be written to"
        ),
        _ => format!("{file} cannot be opened: {reason}"),
    }
}
