//! W1 where ended instances are removed soon after, with a look at what is stored all along.

use super::{
    job::{Boss, Job, Seen},
    ours::{once, said},
    payload::Order,
    sagas::Work,
};
use saga_runtime::{Runtime, runtime::Retention};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

/// What has ended is kept so long, and its id twice as long.
const AGE: Duration = Duration::from_secs(2);
/// What is stored is looked at so many times, each after as many sagas.
const LOOKS: u64 = 10;

/// So many sagas, one after the other.
pub(crate) async fn run(job: &Job, sagas: u64, boss: &mut Boss) -> Result<Seen, String> {
    let store = job.place.store().await?;
    let retention = Retention::new().completed(AGE).tombstones(2 * AGE);
    let builder = Runtime::builder().shared_store(Arc::clone(&store)).register(Work { gate: None });
    let runtime = builder.retention::<Work>(retention).start().await.map_err(said)?;
    boss.ready().await;
    let (begun, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..job.in_flight {
        let (runtime, next, tag) = (runtime.clone(), Arc::clone(&next), job.tag.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= sagas {
                    return Ok::<(), String>(());
                }
                once(runtime.clone(), format!("{tag}-{number}"), Order { number, refused: false }).await?;
            }
        });
    }
    let mut more = BTreeMap::new();
    for look in 1..=LOOKS {
        while next.load(Ordering::Relaxed) < sagas * look / LOOKS {
            sleep(Duration::from_millis(20)).await;
        }
        #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
        let mib = job.place.bytes().await? as f64 / f64::from(1 << 20);
        more.insert(format!("mib_after_{look:02}_tenths"), mib);
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| error.to_string())??;
    }
    #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
    more.insert("sagas_per_s_in_all".to_owned(), sagas as f64 / begun.elapsed().as_secs_f64());
    runtime.shutdown(Duration::from_secs(5)).await;
    Ok(Seen { all: sagas, more, ..Seen::default() })
}
