//! `duroxide`: an orchestration of activities on SQLite. A compensation is an activity.
//!
//! Its provider asks for `synchronous = WAL`, which SQLite does not know and takes for `NORMAL`: a commit is not waited for.

use crate::{
    process::Job,
    shared::{
        flight::Flown,
        payload::{Answer, Order},
    },
};
use duroxide::{
    ActivityContext, Client, OrchestrationContext, OrchestrationRegistry, OrchestrationStatus,
    providers::sqlite::SqliteProvider,
    runtime::{Runtime, RuntimeOptions, registry::ActivityRegistry},
};
use std::{fs::File, path::Path, sync::Arc, time::Duration};

pub(super) async fn run(
    job: &Job,
    eager: bool,
    ready: impl AsyncFnOnce() -> Result<(), String>,
) -> Result<Flown, String> {
    let file = Path::new(&job.place).join(&job.tag).with_extension("db");
    File::create(&file).map_err(said)?;
    let store = Arc::new(SqliteProvider::new(&format!("sqlite:{}", file.display()), None).await.map_err(said)?);
    let step = |participant: &'static str| {
        move |_: ActivityContext, input: String| async move {
            let order = order(&input)?;
            if order.refused && participant == "shipping" {
                return Err("no courier".to_owned());
            }
            serde_json::to_string(&Answer::new(participant, order.number)).map_err(said)
        }
    };
    let undo = |_: ActivityContext, _: String| async { Ok(String::new()) };
    let activities = ActivityRegistry::builder()
        .register("reserve", step("inventory"))
        .register("charge", step("payments"))
        .register("pack", step("warehouse"))
        .register("send", step("shipping"))
        .register("unpack", undo)
        .register("refund", undo)
        .register("release", undo)
        .build();
    let orchestrations = OrchestrationRegistry::builder().register("work", work).build();
    let options = if eager {
        RuntimeOptions { dispatcher_min_poll_interval: Duration::from_millis(1), ..RuntimeOptions::default() }
    } else {
        RuntimeOptions::default()
    };
    let _runtime = Runtime::start_with_options(Arc::clone(&store) as _, activities, orchestrations, options).await;
    let client = Arc::new(Client::new(store));
    ready().await?;
    let (tag, refused) = (job.tag.clone(), job.refused);
    let flown = job.flight(None).fly(move |number| {
        let (client, id) = (Arc::clone(&client), format!("{tag}-{number}"));
        async move {
            let input = serde_json::to_string(&Order { number, refused }).map_err(said)?;
            client.start_orchestration(&id, "work", input).await.map_err(debugged)?;
            match client.wait_for_orchestration(&id, Duration::from_secs(600)).await.map_err(debugged)? {
                OrchestrationStatus::Completed { output, .. } if output.is_empty() == refused => Ok(()),
                other => Err(format!("{id} did not end as it should: {other:?}")),
            }
        }
    });
    flown.await
}

/// The reference of the order, or nothing if it was refused.
async fn work(cx: OrchestrationContext, input: String) -> Result<String, String> {
    for step in ["reserve", "charge", "pack"] {
        cx.schedule_activity(step, input.clone()).await?;
    }
    if let Ok(sent) = cx.schedule_activity("send", input.clone()).await {
        let sent: Answer = serde_json::from_str(&sent).map_err(said)?;
        return Ok(sent.reference);
    }
    for undo in ["unpack", "refund", "release"] {
        cx.schedule_activity(undo, input.clone()).await?;
    }
    Ok(String::new())
}

fn order(input: &str) -> Result<Order, String> {
    serde_json::from_str(input).map_err(said)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn debugged(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
