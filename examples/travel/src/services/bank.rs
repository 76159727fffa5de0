//! The bank: takes money, once for each key.

use axum::http::StatusCode;
use axum::{Json, Router};
use saga_participant::{Decided, Effect, Failed, Participant};
use serde::Deserialize;
use sqlx::{Sqlite, SqlitePool};

use crate::trip::{Card, Sorry};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS payments (
        id    INTEGER PRIMARY KEY,
        trip  TEXT NOT NULL,
        cents INTEGER NOT NULL
    ) STRICT";

pub(super) fn routes(kit: &Participant<Sqlite>) -> Router {
    Router::new().route("/payments", kit.action("pay", pay))
}

/// A payment that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Due {
    trip: String,
    card: Card,
    cents: i64,
}

async fn pay(mut effect: Effect<Sqlite>, Json(due): Json<Due>) -> Result<Decided<Sqlite>, Failed> {
    if due.card.0.starts_with("tok_declined") {
        return effect.refuse(StatusCode::PAYMENT_REQUIRED, &Sorry::CardDeclined);
    }
    let insert = sqlx::query("INSERT INTO payments (trip, cents) VALUES (?, ?)").bind(due.trip).bind(due.cents);
    insert.execute(effect.db()).await?;
    effect.done_with(StatusCode::CREATED, &())
}

/// Money that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payment {
    /// For this trip.
    pub(crate) trip: String,
    /// So much.
    pub(crate) cents: u64,
}

pub(super) async fn payments(db: &SqlitePool) -> Result<Vec<Payment>, crate::Failed> {
    let rows: Vec<(String, i64)> = sqlx::query_as("SELECT trip, cents FROM payments ORDER BY id").fetch_all(db).await?;
    rows.into_iter().map(|(trip, cents)| Ok(Payment { trip, cents: u64::try_from(cents)? })).collect()
}
