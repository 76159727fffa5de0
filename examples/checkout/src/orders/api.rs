//! The orchestrator's HTTP interface.

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use saga_runtime::prelude::*;
use saga_runtime::runtime::Filter;
use serde_json::json;

use super::saga::Checkout;
use super::verify::Services;
use super::view;
use crate::json::{BODY_LIMIT, Body};
use crate::order::Order;
use crate::problem::{self, Problem, kind};
use crate::shop::{Listed, Moment, OrderView, Verdict};

/// How many orders are read at a time when all are listed.
const PAGE: usize = 1000;

pub(super) fn router(runtime: Runtime, services: Services) -> Router {
    Router::new()
        .route("/orders", get(list).post(place))
        .route("/orders/{id}", get(order))
        .route("/orders/{id}/timeline", get(timeline))
        .route("/verdict", get(move |State(runtime): State<Runtime>| verdict(runtime, services.clone())))
        .fallback(problem::nothing_here)
        .method_not_allowed_fallback(problem::not_like_this)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(runtime)
}

/// Takes an order. When this answers 202 the order is durable, whatever happens to this process. The order's id is the
/// saga's: whoever sends it again finds the same saga.
async fn place(State(runtime): State<Runtime>, Body(body): Body) -> Result<Response, Problem> {
    let order = Order::read(&body)?;
    let id = order.id.clone();
    runtime.start::<Checkout>(&id, order).await.map_err(|error| not_started(&id, &error))?;
    let location = format!("/orders/{id}");
    let body = json!({ "id": id, "order": location });
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(body)).into_response())
}

async fn list(State(runtime): State<Runtime>) -> Result<Json<Vec<Listed>>, Problem> {
    let mut filter = Filter::new().of::<Checkout>().limit(PAGE);
    let mut orders = Vec::new();
    loop {
        let page = runtime.list(&filter).await.map_err(|error| unreadable(&error))?;
        orders.extend(page.instances.iter().map(view::listed));
        match page.next {
            Some(next) => filter = filter.after(next),
            None => return Ok(Json(orders)),
        }
    }
}

async fn order(State(runtime): State<Runtime>, Path(id): Path<String>) -> Result<Json<OrderView>, Problem> {
    let handle = find(&runtime, &id).await?;
    Ok(Json(view::order(&handle).await.map_err(|error| unreadable(&error))?))
}

async fn timeline(State(runtime): State<Runtime>, Path(id): Path<String>) -> Result<Json<Vec<Moment>>, Problem> {
    let timeline = find(&runtime, &id).await?.timeline().await.map_err(|error| unreadable(&error))?;
    Ok(Json(timeline.entries.iter().map(view::moment).collect()))
}

/// Whether the sagas, those under way too, are what the services have accepted.
async fn verdict(runtime: Runtime, services: Services) -> Result<Json<Verdict>, Problem> {
    let ledger = services.ledger().await.map_err(|error| {
        tracing::warn!(%error, "a service does not say what it has accepted");
        Problem::new(StatusCode::BAD_GATEWAY, "unavailable", "a service does not answer; ask again")
    })?;
    let verdict = runtime.verify(&ledger).await.map_err(|error| unreadable(&error))?;
    let told = verdict.to_string();
    let line = told.lines().next().unwrap_or_default().to_owned();
    Ok(Json(Verdict { line, violations: verdict.violations.iter().map(ToString::to_string).collect() }))
}

async fn find(runtime: &Runtime, id: &str) -> Result<Handle<Checkout>, Problem> {
    let found = runtime.get::<Checkout>(id).await.map_err(|error| unreadable(&error))?;
    found.ok_or_else(|| Problem::not_found(format!("there is no order {id}")))
}

/// Why a saga could not be started. In no case anything of it is stored, but where a saga of this id is there already.
fn not_started(id: &str, error: &saga_runtime::Error) -> Problem {
    if error.is_conflict() {
        let detail = format!("the order {id} is known, and it is another one");
        return Problem::new(StatusCode::CONFLICT, kind::OTHER_ORDER, detail);
    }
    if error.is_invalid() {
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-input", error.to_string());
    }
    unreadable(error)
}

/// What a caller is told when the store, or the runtime, does not work.
fn unreadable(error: &saga_runtime::Error) -> Problem {
    if error.is_unavailable() || error.is_stopped() || error.is_fenced() {
        tracing::warn!(%error, "orders cannot be taken or read");
        let detail = "the orders cannot be reached at the moment; ask again";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
    }
    Problem::internal(error)
}
