//! Payments: charges cards. Each charge that was accepted is a row, so that anybody can count.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use saga_participant::{Decided, Effect, Failed, Participant};
use serde::{Deserialize, Serialize};
use sqlx::{Row, Sqlite};
use uuid::Uuid;

use super::input::{Check, Input};
use super::ledger::ByOrder;
use super::luck::Luck;
use super::mark::{Marked, mark};
use super::{Desk, refuse};
use crate::money::Money;
use crate::order::bad_names;
use crate::problem::{FieldError, Problem, kind};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS charges (
        id       TEXT PRIMARY KEY,
        order_id TEXT NOT NULL,
        card     TEXT NOT NULL,
        amount   TEXT NOT NULL,
        currency TEXT NOT NULL,
        refunded INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS charges_by_order ON charges (order_id)";

/// What its callers ask.
pub(super) fn books() -> Router<Arc<Desk>> {
    Router::new().route("/charges", get(charges))
}

/// What the saga has done. The shop's saga never has a charge refunded: it is its point of no return. Whoever needs a
/// charge that can be undone finds it here.
pub(super) fn calls(kit: &Participant<Sqlite>) -> Router<Arc<Desk>> {
    Router::new()
        .route("/charges", kit.action("charge", charge))
        .route("/charges/refund", kit.compensation("charge", mark::<Charged>))
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
    .fetch_all(desk.kit.pool())
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

impl Check for Charge {
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
}

async fn charge(
    mut effect: Effect<Sqlite>,
    (luck, Input(charge)): (Luck, Input<Charge>),
) -> Result<Decided<Sqlite>, Failed> {
    if charge.is_declined() || luck.refuses(effect.key()) {
        let detail = format!("the card was declined for {}", charge.total);
        return refuse(effect, &Problem::new(StatusCode::PAYMENT_REQUIRED, kind::CARD_DECLINED, detail));
    }
    let Charge { order, card, total } = charge;
    let id = Uuid::now_v7().to_string();
    sqlx::query("INSERT INTO charges (id, order_id, card, amount, currency) VALUES (?, ?, ?, ?, ?)")
        .bind(&id)
        .bind(&order)
        .bind(&card)
        .bind(total.amount())
        .bind(total.currency().to_string())
        .execute(effect.db())
        .await?;
    effect.done_with(StatusCode::CREATED, &Charged { id, order, total, refunded: false })
}

impl Marked for Charged {
    const WHAT: &'static str = "charge";
    const MARK: &'static str = "UPDATE charges SET refunded = 1 WHERE id = ?";

    fn id(&self) -> &str {
        &self.id
    }

    fn order(&self) -> &str {
        &self.order
    }
}
