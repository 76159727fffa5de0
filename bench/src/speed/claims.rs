//! Workers that take what the dead have left.

use super::{
    fill::away,
    job::{Boss, Job, Seen},
    ours::said,
    sagas::Nap,
};
use saga_runtime::Runtime;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

/// So many are claimed at once.
const BATCH: usize = 1000;

/// By the store alone, until nothing is left. What was claimed becomes an orphan again when this process ends.
pub(crate) async fn claim(job: &Job, boss: &mut Boss) -> Result<Seen, String> {
    let store = job.place.store().await?;
    let epoch = store.register().await.map_err(away)?;
    boss.ready().await;
    let (begun, mut renewed) = (Instant::now(), Instant::now());
    let mut seen = Seen::default();
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let claims = store.claim(epoch, &["nap"], now, BATCH).await.map_err(away)?;
        if claims.claimed.is_empty() {
            return Ok(seen);
        }
        seen.all += claims.claimed.len() as u64;
        seen.seconds = begun.elapsed().as_secs_f64();
        if renewed.elapsed() > Duration::from_secs(4) {
            store.renew(epoch, false).await.map_err(away)?;
            renewed = Instant::now();
        }
    }
}

/// As a runtime does it: it finds the dead by itself, and runs what it takes.
pub(crate) async fn take_over(job: &Job, boss: &mut Boss) -> Result<Seen, String> {
    let store = job.place.store().await?;
    let runtime = Runtime::builder().shared_store(store).register(Nap { gate: None }).start().await.map_err(said)?;
    boss.ready().await;
    while let Err(error) = runtime.ready() {
        if error.is_stopped() {
            return Err(error.to_string());
        }
        sleep(Duration::from_millis(10)).await;
    }
    boss.told().await;
    runtime.shutdown(Duration::from_secs(5)).await;
    Ok(Seen::default())
}
