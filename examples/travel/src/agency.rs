//! The agency: takes trips, payments and cancellations over HTTP, and runs one saga for each trip.

use std::fmt;
use std::path::{Path, PathBuf};

use axum::extract::{Path as At, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use saga_runtime::prelude::*;
use saga_runtime::runtime::Progress;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::Failed;
use crate::client::Client;
use crate::saga::Travel;
use crate::trip::{Booked, Card, Sorry, Trip};

/// More travel in groups.
const MOST_PASSENGERS: usize = 50;

/// Where the trips are kept.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("trips.db")
}

/// Runs the sagas of the store in this folder, old ones first, and takes new ones.
pub(crate) async fn serve(folder: &Path, listener: TcpListener, services: &str) -> Result<(), Failed> {
    let store = Sqlite::open(file(folder)).await?;
    let travel = Travel { services: Client::at(services) };
    let runtime = Runtime::builder().store(store).register(travel).start().await?;
    let router = Router::new()
        .route("/trips/{id}", get(show).put(book))
        .route("/trips/{id}/timeline", get(timeline))
        .route("/trips/{id}/payment", post(pay))
        .route("/trips/{id}/cancellation", post(cancel))
        .with_state(runtime);
    Ok(axum::serve(listener, router).await?)
}

/// How a trip stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stand {
    /// Something is being done; here.
    UnderWay(String),
    /// All is held, and the traveller has to pay.
    WaitsForPayment,
    /// All is being given back.
    BeingUndone,
    /// Somebody has to look at it, because of this.
    NeedsAPerson(String),
    /// It is paid, and there are tickets.
    Booked(Booked),
    /// Nothing is left of it, because of this.
    Undone(String),
}

impl Stand {
    /// Whether nothing more will happen.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Booked(_) | Self::Undone(_))
    }
}

/// What a cancellation came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancellation {
    /// Whether all is given back.
    pub(crate) granted: bool,
    /// Why not.
    pub(crate) reason: Option<String>,
}

/// What goes wrong for a caller: a status, and why.
struct No(StatusCode, String);

impl IntoResponse for No {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl From<saga_runtime::Error> for No {
    fn from(error: saga_runtime::Error) -> Self {
        let status = if error.is_conflict() || error.is_ended() {
            StatusCode::CONFLICT
        } else if error.is_invalid() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        Self(status, error.to_string())
    }
}

/// Takes a trip. When this answers, it is durable; who asks again with the same trip is told the same.
async fn book(State(runtime): State<Runtime>, At(id): At<String>, Json(trip): Json<Trip>) -> Result<StatusCode, No> {
    let passengers = &trip.passengers;
    if passengers.is_empty() || passengers.len() > MOST_PASSENGERS || passengers.iter().any(String::is_empty) {
        let no = format!("a trip needs 1 to {MOST_PASSENGERS} passengers, each with a name");
        return Err(No(StatusCode::UNPROCESSABLE_ENTITY, no));
    }
    runtime.start::<Travel>(id, trip).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The traveller pays. However often this is sent, it counts once.
async fn pay(State(runtime): State<Runtime>, At(id): At<String>, Json(card): Json<Card>) -> Result<StatusCode, No> {
    find(&runtime, &id).await?.signal_once(Travel::PAID, "the payment", card).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The traveller does not want to go any more. The answer is the decision: too late if it is paid.
async fn cancel(
    State(runtime): State<Runtime>,
    At(id): At<String>,
    Json(because): Json<String>,
) -> Result<Json<Cancellation>, No> {
    let decision = find(&runtime, &id).await?.cancel(&because).await?;
    Ok(Json(Cancellation { granted: decision.granted, reason: decision.reason.map(Into::into) }))
}

async fn show(State(runtime): State<Runtime>, At(id): At<String>) -> Result<Json<Stand>, No> {
    let trip = find(&runtime, &id).await?;
    let status = trip.status().await?;
    Ok(Json(match status.progress {
        Progress::Completed | Progress::Compensated | Progress::CompensatedWithDebt => ended(trip.result().await?),
        Progress::Waiting => Stand::WaitsForPayment,
        Progress::Unwinding => Stand::BeingUndone,
        Progress::Parked | Progress::WaitsForBuild => Stand::NeedsAPerson(status.reason.unwrap_or_default().into()),
        Progress::Running | Progress::Sleeping => Stand::UnderWay(status.state.into()),
    }))
}

async fn timeline(State(runtime): State<Runtime>, At(id): At<String>) -> Result<String, No> {
    Ok(find(&runtime, &id).await?.timeline().await?.to_string())
}

async fn find(runtime: &Runtime, id: &str) -> Result<Handle<Travel>, No> {
    let found = runtime.get::<Travel>(id).await?;
    found.ok_or_else(|| No(StatusCode::NOT_FOUND, format!("there is no trip {id}")))
}

/// The end of a trip, as its traveller is told.
pub(crate) fn ended(end: End<Booked, Sorry>) -> Stand {
    match end {
        End::Completed(booked) => Stand::Booked(booked),
        End::Compensated { cause: Cause::Refused(sorry), .. } => Stand::Undone(sorry.to_string()),
        End::Compensated { cause: Cause::Cancelled(reason), .. } => Stand::Undone(format!("cancelled: {reason}")),
        End::Compensated { cause, .. } => Stand::Undone(format!("{cause:?}")),
    }
}

impl fmt::Display for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnderWay(state) => write!(f, "under way, at {state}"),
            Self::WaitsForPayment => f.write_str("held, and waits for the payment"),
            Self::BeingUndone => f.write_str("being undone"),
            Self::NeedsAPerson(why) => write!(f, "needs a person: {why}"),
            Self::Booked(Booked { paid, tickets }) => {
                write!(f, "booked for {}.{:02}: ", paid / 100, paid % 100)?;
                // A ticket begins with what it is for, and those of one kind stand together.
                let kinds = tickets.iter().map(|ticket| ticket.split(" to ").next().unwrap_or_default());
                let kinds: Vec<&str> = kinds.collect();
                let counted = kinds.chunk_by(|a, b| a == b).map(|same| format!("{} {}", same.len(), same[0]));
                f.write_str(&counted.collect::<Vec<_>>().join(", "))
            }
            Self::Undone(why) => write!(f, "undone: {why}"),
        }
    }
}
