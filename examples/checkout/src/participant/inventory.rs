//! The inventory: what is on the shelf, what is held for an order, what is sold.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use saga_participant::{Decided, Effect, Failed, Participant, Undo, Undone};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite};
use uuid::Uuid;

use super::input::{Check, Input};
use super::luck::Luck;
use super::{Desk, refuse};
use crate::json::{self, Body};
use crate::order::bad_names;
use crate::problem::{FieldError, Problem, kind};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS stock (
        sku       TEXT PRIMARY KEY,
        available INTEGER NOT NULL CHECK (available >= 0),
        held      INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
        sold      INTEGER NOT NULL DEFAULT 0 CHECK (sold >= 0)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS holds (
        id       TEXT PRIMARY KEY,
        order_id TEXT NOT NULL,
        sku      TEXT NOT NULL REFERENCES stock (sku),
        quantity INTEGER NOT NULL,
        state    TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'sold'))
    ) STRICT, WITHOUT ROWID";

/// The most of one thing that fits on the shelf.
const MAX_STOCK: i64 = 1_000_000_000;

/// What its callers ask.
pub(super) fn books() -> Router<Arc<Desk>> {
    Router::new().route("/stock", get(all_stock)).route("/stock/{sku}", get(stock).put(set_stock))
}

/// What the saga has done and undone.
pub(super) fn calls(kit: &Participant<Sqlite>) -> Router<Arc<Desk>> {
    Router::new()
        .route("/holds", kit.action("hold", hold))
        .route("/holds/release", kit.compensation("hold", release))
        .route("/holds/collect", kit.action("collect", collect))
}

/// How much there is of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stock {
    /// The thing.
    pub(crate) sku: String,
    /// On the shelf, for anybody.
    pub(crate) available: i64,
    /// On the shelf, for one order.
    pub(crate) held: i64,
    /// Gone.
    pub(crate) sold: i64,
}

impl Stock {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sku: row.try_get("sku")?,
            available: row.try_get("available")?,
            held: row.try_get("held")?,
            sold: row.try_get("sold")?,
        })
    }
}

async fn all_stock(State(desk): State<Arc<Desk>>) -> Result<Json<Vec<Stock>>, Problem> {
    let rows = sqlx::query("SELECT * FROM stock ORDER BY sku").fetch_all(desk.kit.pool()).await?;
    Ok(Json(rows.iter().map(Stock::from_row).collect::<Result<_, _>>()?))
}

async fn stock(State(desk): State<Arc<Desk>>, Path(sku): Path<String>) -> Result<Json<Stock>, Problem> {
    let row = sqlx::query("SELECT * FROM stock WHERE sku = ?").bind(&sku).fetch_optional(desk.kit.pool()).await?;
    match row {
        Some(row) => Ok(Json(Stock::from_row(&row)?)),
        None => Err(unknown(&sku)),
    }
}

/// The body of `PUT /stock/{sku}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelf {
    available: i64,
}

async fn set_stock(
    State(desk): State<Arc<Desk>>,
    Path(sku): Path<String>,
    Body(body): Body,
) -> Result<Json<Stock>, Problem> {
    let shelf: Shelf = json::read(&body)?;
    let mut errors = bad_names(&[("/sku", &sku)]);
    if !(0..=MAX_STOCK).contains(&shelf.available) {
        errors.push(FieldError::new("/available", format!("must be from 0 to {MAX_STOCK}")));
    }
    Problem::unless_empty(errors)?;
    let row = sqlx::query(
        "INSERT INTO stock (sku, available) VALUES (?, ?)
         ON CONFLICT (sku) DO UPDATE SET available = excluded.available RETURNING *",
    )
    .bind(&sku)
    .bind(shelf.available)
    .fetch_one(desk.kit.pool())
    .await?;
    Ok(Json(Stock::from_row(&row)?))
}

/// Sets goods aside for an order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    order: String,
    sku: String,
    quantity: u32,
}

/// Goods that were set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HoldTaken {
    /// The hold's own id.
    pub(crate) id: String,
    /// What was set aside.
    pub(crate) sku: String,
    /// How much of it.
    pub(crate) quantity: u32,
}

impl Check for Hold {
    fn check(&self) -> Result<(), Problem> {
        let mut errors = bad_names(&[("/order", &self.order), ("/sku", &self.sku)]);
        if self.quantity == 0 {
            errors.push(FieldError::new("/quantity", "must be at least 1"));
        }
        Problem::unless_empty(errors)
    }
}

async fn hold(mut effect: Effect<Sqlite>, (luck, Input(hold)): (Luck, Input<Hold>)) -> Result<Decided<Sqlite>, Failed> {
    let Hold { order, sku, quantity } = hold;
    if luck.refuses(effect.key()) {
        return refuse(effect, &out_of_stock(&sku, quantity));
    }
    let taken = sqlx::query(
        "UPDATE stock SET available = available - ?1, held = held + ?1
         WHERE sku = ?2 AND available >= ?1",
    )
    .bind(quantity)
    .bind(&sku)
    .execute(effect.db())
    .await?;
    if taken.rows_affected() == 0 {
        let row = sqlx::query("SELECT 1 FROM stock WHERE sku = ?").bind(&sku);
        let known = row.fetch_optional(effect.db()).await?.is_some();
        return refuse(effect, &if known { out_of_stock(&sku, quantity) } else { unknown(&sku) });
    }
    let id = Uuid::now_v7().to_string();
    sqlx::query("INSERT INTO holds (id, order_id, sku, quantity) VALUES (?, ?, ?, ?)")
        .bind(&id)
        .bind(&order)
        .bind(&sku)
        .bind(quantity)
        .execute(effect.db())
        .await?;
    effect.done_with(StatusCode::CREATED, &HoldTaken { id, sku, quantity })
}

/// Puts goods back that were set aside. Which ones, the `Undoes` header says; the hold's id is a
/// cross-check for callers that know it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    order: String,
    hold: Option<String>,
}

impl Check for Release {
    fn check(&self) -> Result<(), Problem> {
        Problem::unless_empty(bad_names(&[("/order", &self.order)]))
    }
}

async fn release(
    mut undo: Undo<Sqlite>,
    (_, Input(release)): (Luck, Input<Release>),
) -> Result<Undone<Sqlite>, Failed> {
    let HoldTaken { id, sku, quantity } = undo.answer()?;
    let row = sqlx::query("SELECT order_id, state FROM holds WHERE id = ?").bind(&id).fetch_one(undo.db()).await?;
    let (order, state): (String, String) = (row.try_get("order_id")?, row.try_get("state")?);
    if order != release.order || release.hold.is_some_and(|hold| hold != id) {
        let detail = format!("the hold of this key is {id}, for the order {order}");
        return undo.cannot(StatusCode::CONFLICT, &conflict(detail));
    }
    if state == "sold" {
        let detail = format!("the hold {id} was collected and is sold");
        return undo.cannot(StatusCode::CONFLICT, &conflict(detail));
    }
    sqlx::query("UPDATE holds SET state = 'released' WHERE id = ?").bind(&id).execute(undo.db()).await?;
    sqlx::query("UPDATE stock SET available = available + ?1, held = held - ?1 WHERE sku = ?2")
        .bind(quantity)
        .bind(&sku)
        .execute(undo.db())
        .await?;
    Ok(undo.undone())
}

/// Takes what was set aside off the shelf: it is sold. All of it or nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Collect {
    order: String,
    holds: Vec<String>,
}

/// What was taken off the shelf.
#[derive(Serialize)]
struct Collected {
    holds: usize,
}

impl Check for Collect {
    fn check(&self) -> Result<(), Problem> {
        Problem::unless_empty(bad_names(&[("/order", &self.order)]))
    }
}

async fn collect(
    mut effect: Effect<Sqlite>,
    (_, Input(collect)): (Luck, Input<Collect>),
) -> Result<Decided<Sqlite>, Failed> {
    for id in &collect.holds {
        let row = sqlx::query(
            "UPDATE holds SET state = 'sold'
             WHERE id = ? AND order_id = ? AND state = 'held' RETURNING sku, quantity",
        )
        .bind(id)
        .bind(&collect.order)
        .fetch_optional(effect.db())
        .await?;
        let Some(row) = row else {
            let detail = format!("{id} is no hold for the order {} that stands", collect.order);
            return refuse(effect, &conflict(detail));
        };
        let (sku, quantity): (String, i64) = (row.try_get("sku")?, row.try_get("quantity")?);
        sqlx::query("UPDATE stock SET held = held - ?1, sold = sold + ?1 WHERE sku = ?2")
            .bind(quantity)
            .bind(&sku)
            .execute(effect.db())
            .await?;
    }
    effect.done_with(StatusCode::CREATED, &Collected { holds: collect.holds.len() })
}

fn out_of_stock(sku: &str, quantity: u32) -> Problem {
    let detail = format!("there are not {quantity} of {sku} on the shelf");
    Problem::new(StatusCode::CONFLICT, kind::OUT_OF_STOCK, detail)
}

fn unknown(sku: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, kind::UNKNOWN_SKU, format!("{sku} was never on the shelf"))
}

fn conflict(detail: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, kind::CONFLICT, detail)
}
