//! Payments: charges cards. Each charge that was accepted is a row, so that anybody can count.

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
use crate::money::Money;
use crate::order::bad_names;
use crate::problem::{FieldError, Problem, kind};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS charges (
        id       TEXT PRIMARY KEY,
        key      TEXT NOT NULL UNIQUE,
        order_id TEXT NOT NULL,
        card     TEXT NOT NULL,
        amount   TEXT NOT NULL,
        currency TEXT NOT NULL,
        refunded INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS charges_by_order ON charges (order_id)";

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new().route("/charges", get(charges)).merge(action::<Charge>()).merge(compensation::<Refund>())
}

/// A charge that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Charged {
    /// The charge's own id.
    pub(crate) id: String,
    /// The order it was for.
    pub(crate) order: String,
    /// How much.
    pub(crate) total: Money,
    /// Whether it was given back.
    pub(crate) refunded: bool,
}

async fn charges(State(desk): State<Arc<Desk>>, wanted: ByOrder) -> Result<Json<Vec<Charged>>, Problem> {
    let rows = sqlx::query(
        "SELECT id, order_id, amount, currency, refunded FROM charges
         WHERE ?1 IS NULL OR order_id = ?1 ORDER BY id",
    )
    .bind(wanted.order)
    .fetch_all(&desk.db)
    .await?;
    let charged = rows.iter().map(|row| {
        let currency = row.try_get::<&str, _>("currency")?.parse();
        let amount: &str = row.try_get("amount")?;
        let total = currency.and_then(|currency| Money::parse(amount, currency));
        Ok(Charged {
            id: row.try_get("id")?,
            order: row.try_get("order_id")?,
            total: total.map_err(|error| sqlx::Error::Decode(error.into()))?,
            refunded: row.try_get("refunded")?,
        })
    });
    Ok(Json(charged.collect::<Result<_, sqlx::Error>>()?))
}

/// Charges a card.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Charge {
    order: String,
    card: String,
    total: Money,
}

impl Charge {
    /// Cards for trying things out: tokens that begin with `tok_declined`, and numbers like the
    /// ones that card networks set aside to be declined.
    fn is_declined(&self) -> bool {
        self.card.starts_with("tok_declined") || self.card.ends_with("0002")
    }
}

impl Action for Charge {
    const PATH: &'static str = "/charges";
    type Answer = Charged;

    fn check(&self) -> Result<(), Problem> {
        let mut errors = bad_names(&[("/order", &self.order)]);
        if self.card.is_empty() {
            errors.push(FieldError::new("/card", "must not be empty"));
        }
        if self.total.is_zero() {
            errors.push(FieldError::new("/total/amount", "must be more than zero"));
        }
        Problem::unless_empty(errors)
    }

    fn refusal(&self) -> Option<Problem> {
        let detail = format!("the card was declined for {}", self.total);
        Some(Problem::new(StatusCode::PAYMENT_REQUIRED, kind::CARD_DECLINED, detail))
    }

    async fn carry_out(self, db: &mut SqliteConnection, key: &str) -> Result<Charged, Declined> {
        if let Some(refusal) = self.refusal().filter(|_| self.is_declined()) {
            return Err(Declined::Refused(refusal));
        }
        let id = Uuid::now_v7().to_string();
        sqlx::query(
            "INSERT INTO charges (id, key, order_id, card, amount, currency)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&id)
        .bind(key)
        .bind(&self.order)
        .bind(&self.card)
        .bind(self.total.amount())
        .bind(self.total.currency().to_string())
        .execute(db)
        .await?;
        Ok(Charged { id, order: self.order, total: self.total, refunded: false })
    }
}

/// Gives the money of a charge back. The shop's saga never does: a charge is its point of no
/// return. Whoever needs a charge that can be undone finds it here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refund {
    order: String,
}

impl Undo for Refund {
    const PATH: &'static str = "/charges/refund";
    type Of = Charge;

    fn check(&self) -> Result<(), Problem> {
        Problem::unless_empty(bad_names(&[("/order", &self.order)]))
    }

    async fn undo(self, db: &mut SqliteConnection, undone: &str) -> Result<(), Declined> {
        let done = sqlx::query("UPDATE charges SET refunded = 1 WHERE key = ? AND order_id = ?")
            .bind(undone)
            .bind(&self.order)
            .execute(db)
            .await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        let detail = format!("the charge of this key is not for the order {}", self.order);
        Err(Declined::Refused(Problem::new(StatusCode::CONFLICT, kind::CONFLICT, detail)))
    }
}
