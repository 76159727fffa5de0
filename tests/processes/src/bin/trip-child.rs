//! One life of a process that runs the saga of [`saga_process_tests::trip`], and that kills itself at a point if told to.
//!
//! `trip-child DIR PLAN POINT`: works in `DIR`, with `PLAN` as JSON, and sends itself SIGKILL at the `POINT`-th point
//! (never, if that is 0). If it lives, it prints the end as JSON, and how many points it passed.

use saga_process_tests::{
    Ledger, Points,
    trip::{Plan, Trip},
};
use saga_runtime::{prelude::*, store::sqlite::Sqlite};
use std::{path::Path, sync::Arc, time::Duration};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, plan, point] = &arguments[..] else { return Err("trip-child DIR PLAN POINT".into()) };
    let (dir, plan, point) = (Path::new(dir), serde_json::from_str::<Plan>(plan)?, point.parse()?);
    let points = Points::until(point);

    let trip = Trip { ledger: Arc::new(Ledger::open(&dir.join("ledger.jsonl"))), points: Arc::clone(&points) };
    let runtime = Runtime::builder()
        .store(Sqlite::open(dir.join("trips.db")).await?)
        .register(trip)
        .observer(points.observer())
        .start()
        .await?;
    let end = runtime.start::<Trip>("trip-1", plan).await?.result().await?;
    let end = match end {
        End::Completed(ticket) => serde_json::json!({ "completed": ticket }),
        End::Compensated { cause, debt } => {
            serde_json::json!({ "compensated": format!("{cause:?}"), "debt": debt.len() })
        }
    };
    runtime.shutdown(Duration::from_secs(5)).await;
    println!("{}", serde_json::json!({ "end": end, "points": points.passed() }));
    Ok(())
}
