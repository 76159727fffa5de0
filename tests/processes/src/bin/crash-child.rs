//! One life of a process that runs the saga of [`saga_process_tests`], and that kills itself at a point if told to.
//!
//! `crash-child DIR PLAN POINT`: works in `DIR`, with `PLAN` as JSON, and sends itself SIGKILL at the `POINT`-th point
//! (never, if that is 0). If it lives, it prints the end as JSON, and how many points it passed.

use saga_process_tests::{Ledger, Plan, Trip};
use saga_runtime::{prelude::*, store::sqlite::Sqlite};
use std::{
    ops::ControlFlow,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Counts points, and does not come back from the one it is told.
fn points(last: usize) -> (Arc<dyn Fn() + Send + Sync>, Arc<AtomicUsize>) {
    let passed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&passed);
    let pass = move || {
        if counter.fetch_add(1, Ordering::SeqCst) + 1 == last {
            // The only thread that makes progress waits here, so nothing happens between the point and the end.
            let process = std::process::id().to_string();
            let _ = Command::new("sh").args(["-c", r#"kill -KILL "$0""#, &process]).status();
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    };
    (Arc::new(pass), passed)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, plan, point] = &arguments[..] else { return Err("crash-child DIR PLAN POINT".into()) };
    let (dir, plan, point) = (Path::new(dir), serde_json::from_str::<Plan>(plan)?, point.parse()?);
    let (pass, passed) = points(point);

    let trip = Trip { ledger: Arc::new(Ledger::open(&dir.join("ledger.jsonl"))), around_effect: Arc::clone(&pass) };
    let runtime = Runtime::builder()
        .store(Sqlite::open(dir.join("trips.db")).await?)
        .register(trip)
        .observer(Arc::new(move |_| {
            pass();
            ControlFlow::Continue(())
        }))
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
    println!("{}", serde_json::json!({ "end": end, "points": passed.load(Ordering::SeqCst) }));
    Ok(())
}
