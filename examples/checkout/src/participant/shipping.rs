//! Shipping: makes a parcel of an order that is paid. It can be slow, it cannot refuse.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use saga_participant::{Decided, Effect, Failed, Participant};
use serde::{Deserialize, Serialize};
use sqlx::{Row, Sqlite};
use uuid::Uuid;

use super::Desk;
use super::input::{Check, Input};
use super::ledger::ByOrder;
use super::luck::Luck;
use super::mark::{Marked, mark};
use crate::order::bad_names;
use crate::problem::{FieldError, Problem};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS parcels (
        id        TEXT PRIMARY KEY,
        order_id  TEXT NOT NULL,
        customer  TEXT NOT NULL,
        items     INTEGER NOT NULL,
        cancelled INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS parcels_by_order ON parcels (order_id)";

/// What its callers ask.
pub(super) fn books() -> Router<Arc<Desk>> {
    Router::new().route("/parcels", get(parcels))
}

/// What the saga has done. The shop's saga never calls a parcel back: what is paid is sent.
pub(super) fn calls(kit: &Participant<Sqlite>) -> Router<Arc<Desk>> {
    Router::new()
        .route("/parcels", kit.action("parcel", parcel))
        .route("/parcels/cancel", kit.compensation("parcel", mark::<Sent>))
}

/// A parcel that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// The parcel's own id.
    pub(crate) id: String,
    /// The order that is in it.
    pub(crate) order: String,
    /// How many things are in it.
    pub(crate) items: u32,
    /// Whether it was called back.
    pub(crate) cancelled: bool,
}

async fn parcels(State(desk): State<Arc<Desk>>, wanted: ByOrder) -> Result<Json<Vec<Sent>>, Problem> {
    let rows = sqlx::query(
        "SELECT id, order_id, items, cancelled FROM parcels
         WHERE ?1 IS NULL OR order_id = ?1 ORDER BY id",
    )
    .bind(wanted.order)
    .fetch_all(desk.kit.pool())
    .await?;
    let sent = rows.iter().map(|row| {
        Ok(Sent {
            id: row.try_get("id")?,
            order: row.try_get("order_id")?,
            items: row.try_get("items")?,
            cancelled: row.try_get("cancelled")?,
        })
    });
    Ok(Json(sent.collect::<Result<_, sqlx::Error>>()?))
}

/// Makes a parcel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parcel {
    order: String,
    customer: String,
    items: u32,
}

impl Check for Parcel {
    fn check(&self) -> Result<(), Problem> {
        let mut errors = bad_names(&[("/order", &self.order)]);
        if self.customer.is_empty() {
            errors.push(FieldError::new("/customer", "must not be empty"));
        }
        if self.items == 0 {
            errors.push(FieldError::new("/items", "must be at least 1"));
        }
        Problem::unless_empty(errors)
    }
}

async fn parcel(
    mut effect: Effect<Sqlite>,
    (_, Input(parcel)): (Luck, Input<Parcel>),
) -> Result<Decided<Sqlite>, Failed> {
    let Parcel { order, customer, items } = parcel;
    let id = Uuid::now_v7().to_string();
    sqlx::query("INSERT INTO parcels (id, order_id, customer, items) VALUES (?, ?, ?, ?)")
        .bind(&id)
        .bind(&order)
        .bind(&customer)
        .bind(items)
        .execute(effect.db())
        .await?;
    effect.done_with(StatusCode::CREATED, &Sent { id, order, items, cancelled: false })
}

impl Marked for Sent {
    const WHAT: &'static str = "parcel";
    const MARK: &'static str = "UPDATE parcels SET cancelled = 1 WHERE id = ?";

    fn id(&self) -> &str {
        &self.id
    }

    fn order(&self) -> &str {
        &self.order
    }
}
