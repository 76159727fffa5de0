//! `dbos`: a workflow of steps, each of which is a row in Postgres before the next one begins. A compensation is a step.

use crate::{
    process::Job,
    shared::{
        flight::Flown,
        payload::{Answer, Order},
        usage::Server,
    },
};
use dbos::{Config, DBOS, RunOptions, step};
use sqlx::{Connection as _, PgConnection, query_scalar};
use std::sync::Arc;

/// Enough that none of those in flight waits for a connection for long; with its own 10, it is slower.
const CONNECTIONS: u32 = 32;

pub(super) async fn run(job: &Job, ready: impl AsyncFnOnce() -> Result<(), String>) -> Result<Flown, String> {
    let dbos = DBOS::new(Config {
        app_version: Some("1".to_owned()),
        executor_id: Some(job.tag.clone()),
        max_connections: CONNECTIONS,
        schema: job.schema.clone(),
        ..Config::new("peers", job.place.clone())
    });
    let workflow = dbos.register_workflow("work", work).map_err(said)?;
    dbos.launch().await.map_err(said)?;
    let mut conn = PgConnection::connect(&job.place).await.map_err(|error| error.to_string())?;
    let pid: i32 =
        query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await.map_err(|error| error.to_string())?;
    ready().await?;
    let (workflow, tag, refused) = (Arc::new(workflow), job.tag.clone(), job.refused);
    let flown = job.flight(Server::of_session(pid.unsigned_abs())).fly(move |number| {
        let (workflow, id) = (Arc::clone(&workflow), format!("{tag}-{number}"));
        async move {
            let options = RunOptions { workflow_id: Some(&id), ..RunOptions::default() };
            let sent = workflow.run_with(Order { number, refused }, options).await.map_err(said)?;
            if sent.is_some() == refused { Err(format!("{id} did not end as it should")) } else { Ok(()) }
        }
    });
    flown.await
}

/// The reference of the order, unless it was refused.
async fn work(order: Order) -> dbos::Result<Option<String>> {
    let answer = |participant: &'static str| async move { dbos::Result::Ok(Answer::new(participant, order.number)) };
    step("reserve", || answer("inventory")).await?;
    step("charge", || answer("payments")).await?;
    step("pack", || answer("warehouse")).await?;
    let sent: Option<Answer> =
        step(
            "send",
            || async move { dbos::Result::Ok((!order.refused).then(|| Answer::new("shipping", order.number))) },
        )
        .await?;
    if let Some(sent) = sent {
        return Ok(Some(sent.reference));
    }
    for undo in ["unpack", "refund", "release"] {
        step(undo, || async { dbos::Result::Ok(()) }).await?;
    }
    Ok(None)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
