//! The workloads on the library.

use super::{
    job::{Boss, Job, Seen},
    payload::Order,
    sagas::{Gate, Nap, Work},
    usage::Usage,
};
use saga_runtime::{End, Runtime};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// How long a sleeper that is due may take to wake. It is no matter of speed: one that does not is none that the runtime knows.
const WAKES: Duration = Duration::from_secs(30);

/// What the sleepers that are due are called, by number.
pub(crate) fn due_id(number: usize) -> String {
    format!("due-{number}")
}

/// W1 or W2 in the closed loop.
pub(crate) async fn run(job: &Job, refused: bool, due: usize, boss: &mut Boss) -> Result<Seen, String> {
    let opened = Instant::now();
    let store = job.place.store().await?;
    let builder = Runtime::builder().shared_store(Arc::clone(&store));
    let runtime = builder.register(Work { gate: None }).register(Nap { gate: None }).start().await.map_err(said)?;
    runtime.ready().map_err(said)?;
    let ready = opened.elapsed();
    let server = job.place.server().await?;
    boss.ready().await;
    let flight = job.flight(server);
    let (tag, works) = (job.tag.clone(), runtime.clone());
    let flown =
        flight.fly(move |number| once(works.clone(), format!("{tag}-{number}"), Order { number, refused })).await?;
    let mut seen = Seen::from(flown);
    seen.more.insert("ready_ms".to_owned(), ready.as_secs_f64() * 1e3);
    for number in 0..due {
        let nap = runtime.get::<Nap>(&due_id(number)).await.map_err(said)?.ok_or("a sleeper is not there")?;
        let woken = timeout(WAKES, nap.result()).await.map_err(|_| "a sleeper that was due did not wake")?;
        woken.map_err(said)?;
    }
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await.map_err(|error| error.to_string())?;
    Ok(seen)
}

/// One saga, which has to end as it should.
pub(crate) async fn once(runtime: Runtime, id: String, order: Order) -> Result<(), String> {
    let saga = runtime.start::<Work>(&id, order).await.map_err(said)?;
    match saga.result().await.map_err(said)? {
        End::Completed(_) if !order.refused => Ok(()),
        End::Compensated { debt, .. } if order.refused && debt.is_empty() => Ok(()),
        _ => Err(format!("{id} did not end as it should")),
    }
}

/// So many sagas in the middle of a step: what each of them takes of memory.
pub(crate) async fn memory(job: &Job, sagas: usize, boss: &mut Boss) -> Result<Seen, String> {
    let store = job.place.store().await?;
    let gate = Gate::new(false);
    let builder = Runtime::builder().shared_store(store).concurrency(sagas.max(1_000) * 2);
    let runtime = builder.register(Work { gate: Some(gate.clone()) }).start().await.map_err(said)?;
    boss.ready().await;
    let (tag, works) = (job.tag.clone(), runtime.clone());
    let warmed = job.flight(None);
    warmed
        .fly(move |number| once(works.clone(), format!("{tag}-warm-{number}"), Order { number, refused: false }))
        .await?;
    gate.shut(true);
    let before = Usage::now(None).rss;
    let mut handles = Vec::with_capacity(sagas);
    for number in 0..sagas as u64 {
        let order = Order { number, refused: false };
        handles.push(runtime.start::<Work>(format!("{}-{number}", job.tag), order).await.map_err(said)?);
    }
    gate.fills(sagas).await;
    let usage = Usage::now(None);
    gate.shut(false);
    for handle in handles {
        handle.result().await.map_err(said)?;
    }
    let mut seen = Seen { peak: usage.peak, ..Seen::default() };
    #[expect(clippy::cast_precision_loss, reason = "there is no such memory")]
    if let Some((after, before)) = usage.rss.zip(before) {
        seen.more.insert("bytes_in_flight".to_owned(), after.saturating_sub(before) as f64 / sagas as f64);
    }
    Ok(seen)
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
pub(crate) fn said(error: saga_runtime::Error) -> String {
    error.to_string()
}
