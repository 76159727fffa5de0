//! Fills a store with very many instances that a runtime would wake, or take over.
//!
//! A runtime makes the first of a kind. What the store then has of it, row by row, is written again under other ids by the store's
//! own commits: so it is what a runtime writes, whatever that is, and a thousand at a time.

use super::{
    job::{Boss, Job, Seen},
    ours::{due_id, said},
    sagas::{Gate, Nap},
};
use saga_runtime::{
    Runtime,
    store::{
        Append, Epoch, Instance, InstanceNo, Labels, Row, Start, Status, Store, StoreError, Touch, Write, Written,
    },
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// So many are written by one commit.
const BATCH: usize = 1000;
/// How long the many sleep. Nobody sees them wake.
const YEAR: u64 = 365 * 86_400;
/// The lease is renewed so often.
const RENEW: Duration = Duration::from_secs(4);

/// So many that sleep for a year, and some that are due at once.
pub(crate) async fn sleepers(job: &Job, number: usize, due: usize, boss: &mut Boss) -> Result<Seen, String> {
    let store = job.place.store().await?;
    let mut copies = Vec::new();
    for (id, seconds) in [("year", YEAR), ("moment", 2)] {
        let runtime = runtime(&store, None).await?;
        runtime.start::<Nap>(id, seconds).await.map_err(said)?;
        let asleep = until(&store, id, Status::Sleeping).await?;
        runtime.shutdown(Duration::from_secs(5)).await;
        copies.push(Copy::of(&store, asleep).await?);
    }
    let mut filler = Filler::new(Arc::clone(&store)).await?;
    filler.write(&copies[0], (0..number).map(|number| format!("sleeper-{number}")), true).await?;
    filler.write(&copies[1], (0..due).map(due_id), true).await?;
    filler.store.retire(filler.epoch).await.map_err(away)?;
    store.close().await.map_err(away)?;
    boss.ready().await;
    Ok(Seen::default())
}

/// So many in the middle of their only step. At the first word their owner retires; without it, it dies with the process.
pub(crate) async fn orphans(job: &Job, number: usize, boss: &mut Boss) -> Result<Seen, String> {
    let store = job.place.store().await?;
    let gate = Gate::new(true);
    let runtime = runtime(&store, Some(gate.clone())).await?;
    let first = runtime.start::<Nap>("first", 0).await.map_err(said)?;
    gate.fills(1).await;
    let copy = Copy::of(&store, until(&store, "first", Status::Ready).await?).await?;
    gate.shut(false);
    first.result().await.map_err(said)?;
    runtime.shutdown(Duration::from_secs(5)).await;
    let mut filler = Filler::new(Arc::clone(&store)).await?;
    filler.write(&copy, (0..number).map(|number| format!("orphan-{number}")), false).await?;
    tokio::select! {
        () = boss.ready() => {}
        error = filler.live() => return Err(error),
    }
    filler.store.retire(filler.epoch).await.map_err(away)?;
    Ok(Seen::default())
}

async fn runtime(store: &Arc<dyn Store>, gate: Option<Gate>) -> Result<Runtime, String> {
    Runtime::builder().shared_store(Arc::clone(store)).register(Nap { gate }).start().await.map_err(said)
}

/// Waits until the instance has this status.
async fn until(store: &Arc<dyn Store>, id: &str, status: Status) -> Result<Instance, String> {
    loop {
        let found = store.find("nap", id).await.map_err(away)?;
        if let Some(instance) = found.filter(|instance| instance.status == status) {
            return Ok(instance);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// What the store has of one instance.
struct Copy {
    instance: Instance,
    rows: Vec<Row>,
}

impl Copy {
    async fn of(store: &Arc<dyn Store>, instance: Instance) -> Result<Self, String> {
        let rows = store.journal(instance.no, 1, 100).await.map_err(away)?;
        Ok(Self { instance, rows })
    }

    /// The same under another id.
    fn start(&self, id: &str) -> Write {
        let Instance { saga, version, input_hash, started_at, .. } = &self.instance;
        Write::Start(Start {
            saga: saga.clone(),
            id: id.into(),
            // It sorts like the others, and no two have the same.
            birth: format!("{}-{id}", self.instance.birth).into(),
            version: *version,
            input_hash: *input_hash,
            owned: true,
            at: *started_at,
            wake_at: None,
            parent: None,
            labels: Labels::new(),
            rows: self.rows.clone(),
        })
    }

    /// It is put to sleep as the first one was.
    fn sleeps(&self, no: InstanceNo) -> Write {
        let at = self.rows.last().map_or(self.instance.started_at, |row| row.at);
        let touch = Touch {
            wake_at: self.instance.wake_at,
            state: self.instance.state.clone(),
            ..Touch::new(self.instance.status, at)
        };
        Write::Append(Append { touch: Some(touch), ..Append::new(no, Vec::new()) })
    }
}

/// A worker that does nothing but write.
struct Filler {
    store: Arc<dyn Store>,
    epoch: Epoch,
    renewed: Instant,
}

impl Filler {
    async fn new(store: Arc<dyn Store>) -> Result<Self, String> {
        let epoch = store.register().await.map_err(away)?;
        Ok(Self { store, epoch, renewed: Instant::now() })
    }

    async fn write(&mut self, copy: &Copy, ids: impl Iterator<Item = String>, asleep: bool) -> Result<(), String> {
        let ids: Vec<String> = ids.collect();
        for ids in ids.chunks(BATCH) {
            let starts: Vec<Write> = ids.iter().map(|id| copy.start(id)).collect();
            let written = self.store.commit(self.epoch, &starts).await.map_err(away)?;
            if asleep {
                let started = written.iter().filter_map(|written| match written {
                    Written::Started(no) => Some(copy.sleeps(*no)),
                    _ => None,
                });
                let sleeps: Vec<Write> = started.collect();
                self.store.commit(self.epoch, &sleeps).await.map_err(away)?;
            }
            if self.renewed.elapsed() > RENEW {
                self.renew().await?;
            }
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), String> {
        if self.store.lease().is_some() {
            self.store.renew(self.epoch, false).await.map_err(away)?;
        }
        self.renewed = Instant::now();
        Ok(())
    }

    /// Lives on, and answers with what ends it.
    async fn live(&mut self) -> String {
        loop {
            sleep(RENEW).await;
            if let Err(error) = self.renew().await {
                return error;
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
pub(crate) fn away(error: StoreError) -> String {
    error.to_string()
}
