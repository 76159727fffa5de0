//! The desk of a service that holds things and makes tickets: the three of them differ in what they have.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router};
use saga_participant::{Decided, Effect, Failed, Participant, Undo, Undone};
use serde::Deserialize;
use sqlx::{Sqlite, SqlitePool};

use crate::trip::{Hold, Service, Sorry};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS holdings (
        id    INTEGER PRIMARY KEY,
        trip  TEXT NOT NULL,
        what  TEXT NOT NULL,
        who   TEXT NOT NULL,
        price INTEGER NOT NULL,
        stage TEXT NOT NULL DEFAULT 'held' CHECK (stage IN ('held', 'given back', 'issued'))
    ) STRICT";

/// What there is: the kind, how many of it for each destination, and the price in cents.
const OFFERS: [(&str, i64, u64); 5] = [
    ("train", 6, 4_900),
    ("plane", 100, 12_000),
    ("grand hotel", 2, 15_000),
    ("hostel", 100, 4_000),
    ("car", 100, 8_000),
];

/// Where trains and planes go.
const DESTINATIONS: [&str; 3] = ["Lisbon", "Vienna", "Bergen"];

pub(super) fn routes(service: Service, kit: &Participant<Sqlite>) -> Router {
    Router::new()
        .route("/holds", kit.action("hold", hold))
        .route("/holds/undo", kit.compensation("hold", give_back))
        .route("/tickets", kit.action("issue", issue))
        .with_state(service)
}

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    trip: String,
    kind: String,
    to: String,
    /// For whom, if not for everybody.
    who: Option<String>,
    nights: Option<u32>,
}

async fn hold(
    mut effect: Effect<Sqlite>,
    (State(service), Json(wanted)): (State<Service>, Json<Wanted>),
) -> Result<Decided<Sqlite>, Failed> {
    let Wanted { trip, kind, to, who, nights } = wanted;
    if service == Service::Carriers && !DESTINATIONS.contains(&to.as_str()) {
        return effect.refuse(StatusCode::NOT_FOUND, &Sorry::NoWayTo(to));
    }
    let what = format!("{kind} to {to}");
    let Some((_, most, price)) = OFFERS.iter().find(|(offered, ..)| *offered == kind) else {
        return effect.refuse(StatusCode::NOT_FOUND, &Sorry::SoldOut(what));
    };
    let taken = sqlx::query_scalar("SELECT count(*) FROM holdings WHERE what = ? AND stage <> 'given back'");
    let taken: i64 = taken.bind(&what).fetch_one(effect.db()).await?;
    if taken >= *most {
        return effect.refuse(StatusCode::CONFLICT, &Sorry::SoldOut(what));
    }
    let price = price * u64::from(nights.unwrap_or(1));
    let insert = sqlx::query_scalar("INSERT INTO holdings (trip, what, who, price) VALUES (?, ?, ?, ?) RETURNING id");
    let insert = insert.bind(trip).bind(&what).bind(who.as_deref().unwrap_or("everybody")).bind(i64::try_from(price)?);
    let id: i64 = insert.fetch_one(effect.db()).await?;
    effect.done_with(StatusCode::CREATED, &Hold { service, id, what, price })
}

/// Called only where the hold was carried out, and stands.
async fn give_back(mut undo: Undo<Sqlite>, (): ()) -> Result<Undone<Sqlite>, Failed> {
    let hold: Hold = undo.answer()?;
    let update = sqlx::query("UPDATE holdings SET stage = 'given back' WHERE id = ?");
    update.bind(hold.id).execute(undo.db()).await?;
    Ok(undo.undone())
}

/// What was held and is paid now.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paid {
    trip: String,
    hold: i64,
}

async fn issue(mut effect: Effect<Sqlite>, Json(paid): Json<Paid>) -> Result<Decided<Sqlite>, Failed> {
    let update =
        "UPDATE holdings SET stage = 'issued' WHERE id = ? AND trip = ? AND stage = 'held' RETURNING what, who";
    let update = sqlx::query_as::<_, (String, String)>(update).bind(paid.hold).bind(paid.trip);
    let Some((what, who)) = update.fetch_optional(effect.db()).await? else {
        return effect.refuse(StatusCode::CONFLICT, &"nothing is held under this number for this trip");
    };
    effect.done_with(StatusCode::CREATED, &format!("{what} for {who}"))
}

/// A seat, a room or a car that was held for a trip, whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Where it is written down.
    pub(crate) service: Service,
    /// The trip.
    pub(crate) trip: String,
    /// What it costs, in cents.
    pub(crate) price: u64,
    /// What came of it.
    pub(crate) stage: Stage,
}

/// What came of a holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Set aside.
    Held,
    /// For others again.
    GivenBack,
    /// There is a ticket.
    Issued,
}

pub(super) async fn holdings(service: Service, db: &SqlitePool) -> Result<Vec<Holding>, crate::Failed> {
    let rows: Vec<(String, i64, String)> =
        sqlx::query_as("SELECT trip, price, stage FROM holdings ORDER BY id").fetch_all(db).await?;
    let holdings = rows.into_iter().map(|(trip, price, stage)| {
        let stage = match stage.as_str() {
            "held" => Stage::Held,
            "issued" => Stage::Issued,
            _ => Stage::GivenBack,
        };
        Ok(Holding { service, trip, price: u64::try_from(price)?, stage })
    });
    holdings.collect()
}
