//! Shipping: makes a parcel of an order that is paid. It can be slow, it cannot refuse.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::Desk;
use super::endpoint::{action, compensation};
use super::ledger::ByOrder;
use super::once::{Action, Declined, Undo};
use crate::order::bad_names;
use crate::problem::{FieldError, Problem, kind};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS parcels (
        id        TEXT PRIMARY KEY,
        key       TEXT NOT NULL UNIQUE,
        order_id  TEXT NOT NULL,
        customer  TEXT NOT NULL,
        items     INTEGER NOT NULL,
        cancelled INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS parcels_by_order ON parcels (order_id)";

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new().route("/parcels", get(parcels)).merge(action::<Parcel>()).merge(compensation::<Cancel>())
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
    .fetch_all(&desk.db)
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

impl Action for Parcel {
    const PATH: &'static str = "/parcels";
    type Answer = Sent;

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

    async fn carry_out(self, db: &mut SqliteConnection, key: &str) -> Result<Sent, Declined> {
        let id = Uuid::now_v7().to_string();
        sqlx::query("INSERT INTO parcels (id, key, order_id, customer, items) VALUES (?, ?, ?, ?, ?)")
            .bind(&id)
            .bind(key)
            .bind(&self.order)
            .bind(&self.customer)
            .bind(self.items)
            .execute(db)
            .await?;
        Ok(Sent { id, order: self.order, items: self.items, cancelled: false })
    }
}

/// Calls a parcel back. The shop's saga never does: what is paid is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    order: String,
}

impl Undo for Cancel {
    const PATH: &'static str = "/parcels/cancel";
    type Of = Parcel;

    fn check(&self) -> Result<(), Problem> {
        Problem::unless_empty(bad_names(&[("/order", &self.order)]))
    }

    async fn undo(self, db: &mut SqliteConnection, undone: &str) -> Result<(), Declined> {
        let done = sqlx::query("UPDATE parcels SET cancelled = 1 WHERE key = ? AND order_id = ?")
            .bind(undone)
            .bind(&self.order)
            .execute(db)
            .await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        let detail = format!("the parcel of this key is not for the order {}", self.order);
        Err(Declined::Refused(Problem::new(StatusCode::CONFLICT, kind::CONFLICT, detail)))
    }
}
