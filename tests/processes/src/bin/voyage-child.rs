//! One life of a process that runs the sagas of [`saga_process_tests::voyage`], and that kills itself at a point if told to.
//!
//! `voyage-child DIR PLAN POINT`: works in `DIR`, with `PLAN` as JSON, and sends itself SIGKILL at the `POINT`-th point
//! (never, if that is 0). If it lives, it prints the end as JSON, and how many points it passed.

use saga_process_tests::{
    Entry, Ledger, Points,
    voyage::{Meals, Plan, Port, Survey, Voyage},
};
use saga_runtime::{
    prelude::*,
    runtime::{Filter, Handle},
    store::sqlite::Sqlite,
};
use std::{path::Path, sync::Arc, time::Duration};

/// What somebody outside does: the passenger goes aboard, at any time and more than once; or gives up once all is booked.
async fn outside(saga: &Handle<Voyage>, plan: &Plan, ledger: &Ledger) -> Result<(), Box<dyn std::error::Error>> {
    if !plan.cancelled {
        for _ in 0..2 {
            saga.signal_once(Voyage::ABOARD, "gangway", 1).await.or_else(ended)?;
        }
        return Ok(());
    }
    let booked = |entry: &Entry| matches!(entry, Entry::Done { about, .. } if about == "dinner");
    while !ledger.entries().iter().any(booked) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // The second question is answered with the same decision, or finds that it has ended.
    let _ = saga.cancel("seasick").await;
    Ok(())
}

/// In a life that finds it ended there is nobody to tell.
fn ended(error: saga_runtime::Error) -> Result<(), saga_runtime::Error> {
    if error.is_ended() { Ok(()) } else { Err(error) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, plan, point] = &arguments[..] else { return Err("voyage-child DIR PLAN POINT".into()) };
    let (dir, plan, point) = (Path::new(dir), serde_json::from_str::<Plan>(plan)?, point.parse()?);
    let points = Points::until(point);
    let port = Port { ledger: Arc::new(Ledger::open(&dir.join("ledger.jsonl"))), points: Arc::clone(&points) };

    let runtime = Runtime::builder()
        .store(Sqlite::open(dir.join("voyages.db")).await?)
        .register(Voyage(port.clone()))
        .register(Meals(port.clone()))
        .register(Survey(port.clone()))
        .observer(points.observer())
        .start()
        .await?;
    let saga = runtime.start::<Voyage>("1", plan.clone()).await?;
    outside(&saga, &plan, &port.ledger).await?;
    // Of what happens here, nothing takes a second: an instance that nobody wakes would hang the test.
    let Ok(end) = tokio::time::timeout(Duration::from_mins(1), saga.result()).await else {
        return Err(format!("it does not end\n{}\n{}", saga.status().await?, saga.timeline().await?).into());
    };
    let end = match end? {
        End::Completed(log) => serde_json::json!({ "completed": log }),
        End::Compensated { cause, debt } => {
            serde_json::json!({ "compensated": format!("{cause:?}"), "debt": debt.len() })
        }
    };
    // What was launched goes its own way.
    let mut instances = 0;
    for listed in runtime.list(&Filter::new()).await?.instances {
        instances += 1;
        if &*listed.saga == "survey"
            && let Some(survey) = runtime.get::<Survey>(&listed.id).await?
        {
            survey.result().await?;
        }
    }
    runtime.shutdown(Duration::from_secs(5)).await;
    println!("{}", serde_json::json!({ "end": end, "instances": instances, "points": points.passed() }));
    Ok(())
}
