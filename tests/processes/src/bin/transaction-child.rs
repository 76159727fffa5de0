//! One life of a process whose saga writes to tables in the store's own file, and that kills itself at a point if told to.
//!
//! `transaction-child DIR UNDONE POINT`: works in `DIR`, with a saga that is undone if `UNDONE` is `true`, and sends itself
//! SIGKILL at the `POINT`-th point (never, if that is 0). If it lives, it prints as JSON how many points it passed.

use saga_process_tests::Points;
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use sqlx::query;
use std::{path::Path, sync::Arc, time::Duration};

struct Books(Arc<Points>);

#[derive(Debug, Serialize, Deserialize, Refusal)]
struct Refused;

#[saga(name = "books", version = 1)]
impl Books {
    /// Two entries, and then a decision.
    #[flow]
    async fn run(&self, cx: &FlowContext, undone: bool) -> Result<i64, Unwind<Refused>> {
        let first = self.enter(cx, 100).await?;
        let second = #[state("enter_again")]
        self.enter(cx, first + 1).await?;
        self.decide(cx, undone).await?;
        Ok(first + second)
    }

    #[step(transaction)]
    async fn enter(&self, cx: &StepContext, amount: i64) -> Result<i64, Failure<Refused>> {
        self.write(cx, "enter", amount).await?;
        Ok(amount)
    }

    #[compensate(enter)]
    async fn strike(&self, cx: &StepContext, entered: i64) -> Result<(), Transient> {
        self.write(cx, "strike", entered).await
    }

    #[step(pivot, transaction)]
    async fn decide(&self, cx: &StepContext, undone: bool) -> Result<(), Failure<Refused>> {
        self.write(cx, "decide", 0).await?;
        if undone { Err(Refused.into()) } else { Ok(()) }
    }
}

impl Books {
    async fn write(&self, cx: &StepContext, what: &str, amount: i64) -> Result<(), Transient> {
        self.0.pass();
        let entry = query("INSERT INTO entry (what, amount) VALUES (?, ?)").bind(what).bind(amount);
        entry.execute(&mut *cx.transaction()?).await?;
        self.0.pass();
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, undone, point] = &arguments[..] else { return Err("transaction-child DIR UNDONE POINT".into()) };
    let points = Points::until(point.parse()?);
    let runtime = Runtime::builder()
        .store(Sqlite::builder(Path::new(dir).join("books.db")).beside_other_tables().open().await?)
        .register(Books(Arc::clone(&points)))
        .observer(points.observer())
        .start()
        .await?;
    let end = runtime.start::<Books>("one", undone.parse()?).await?.result().await?;
    if !matches!(end, End::Completed(201)) && !matches!(end, End::Compensated { .. }) {
        return Err(format!("{end:?}").into());
    }
    runtime.shutdown(Duration::from_secs(5)).await;
    println!("{}", serde_json::json!({ "points": points.passed() }));
    Ok(())
}
