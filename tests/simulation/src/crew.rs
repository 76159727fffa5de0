//! The workers: each is a real runtime, one life after the other.

use crate::{
    faults::Fault,
    link::{Link, WorkerClock},
    sim::{Sim, lock},
    store::Connection,
    tour::{Leg, Tour},
    world::Door,
};
use saga_runtime::{
    Runtime,
    clock::Clock,
    policy::{Breaker, NamedPolicy},
    runtime::Point,
    store::Store,
};
use std::{
    future::Future,
    ops::ControlFlow,
    sync::{Arc, Mutex, atomic::AtomicI64},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

/// Nobody waits longer than this for a worker's answer, and asks another one.
const PATIENCE: Duration = Duration::from_secs(8);

/// All workers.
#[derive(Debug)]
pub struct Crew {
    sim: Arc<Sim>,
    workers: Vec<Worker>,
}

/// A worker.
#[derive(Debug)]
struct Worker {
    number: usize,
    concurrency: usize,
    compensations: usize,
    /// What bounds the steps of the other saga.
    legs: NamedPolicy,
    /// How much its clock is ahead.
    ahead: Arc<AtomicI64>,
    life: Mutex<Option<Life>>,
}

/// One of its lives.
#[derive(Debug, Clone)]
pub struct Life {
    /// What connects it with the others.
    pub link: Arc<Link>,
    /// What runs in it.
    pub runtime: Runtime,
}

impl Crew {
    /// So many workers, which do not live yet.
    pub fn new(sim: &Arc<Sim>, count: usize) -> Arc<Self> {
        let workers = (0..count).map(|number| {
            let mut dice = sim.dice();
            Worker {
                number,
                concurrency: [1, 2, 4, 16, 1000][dice.index(5)],
                compensations: [1, 2, 1000][dice.index(3)],
                legs: match dice.index(6) {
                    0 => NamedPolicy::new().bulkhead(1),
                    1 => NamedPolicy::new().bulkhead(2),
                    2 => NamedPolicy::new().breaker(Breaker::after(2).open(Duration::from_secs(5))),
                    _ => NamedPolicy::new(),
                },
                ahead: Arc::new(AtomicI64::new(dice.number(4_000_000) - 2_000_000)),
                life: Mutex::default(),
            }
        });
        Arc::new(Self { sim: Arc::clone(sim), workers: workers.collect() })
    }

    /// Keeps every worker alive, one life after the other, for as long as the tasks are there.
    pub fn live(self: &Arc<Self>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for number in 0..self.workers.len() {
            let crew = Arc::clone(self);
            tasks.spawn(async move {
                for life in 1_u64.. {
                    crew.life(number, life).await;
                    sleep(crew.sim.up_to(Duration::from_secs(10))).await;
                }
            });
        }
        tasks
    }

    async fn life(&self, number: usize, life: u64) {
        let worker = &self.workers[number];
        let link = Link::new(format!("worker {number}.{life}"));
        let begun = tokio::select! {
            biased;
            () = link.dies() => return,
            begun = self.runtime(worker, &link) => begun,
        };
        match begun {
            Ok(runtime) => {
                self.sim.tell(|| format!("{} begins", link.name));
                *lock(&worker.life) = Some(Life { link: Arc::clone(&link), runtime });
            }
            // The store was not there; it is tried again.
            Err(error) if error.is_unavailable() => return,
            Err(error) => {
                self.sim.violated(format!("ends: a worker could not begin: {error}"));
                return;
            }
        }
        link.dies().await;
        let ended = lock(&worker.life).take();
        drop(ended);
        self.sim.tell(|| format!("{} is gone", link.name));
    }

    async fn runtime(&self, worker: &Worker, link: &Arc<Link>) -> Result<Runtime, saga_runtime::Error> {
        let sim = &self.sim;
        let door = Door { sim: Arc::clone(sim), link: Arc::clone(link) };
        let seed = sim.dice().roll(u64::MAX);
        let observed = Observed { sim: Arc::clone(sim), link: Arc::clone(link) };
        Runtime::builder()
            .shared_store(Arc::new(Connection::new(sim, link)) as Arc<dyn Store>)
            .clock(Arc::new(WorkerClock::new(sim, link, &worker.ahead)) as Arc<dyn Clock>)
            .observer(Arc::new(move |point| observed.at(point)))
            .seed(seed)
            .concurrency(worker.concurrency)
            .compensation_concurrency(worker.compensations)
            .policy("legs", worker.legs)
            .register(Tour(door.clone()))
            .register(Leg(door))
            .start()
            .await
    }

    /// Somebody who lives, if anybody does.
    pub fn anybody(&self) -> Option<Life> {
        let alive: Vec<Life> = self.workers.iter().filter_map(|worker| lock(&worker.life).clone()).collect();
        self.sim.dice().pick(&alive).cloned()
    }

    /// All who live, by number.
    pub fn alive(&self) -> Vec<(usize, Life)> {
        let life = |worker: &Worker| Some((worker.number, lock(&worker.life).clone()?));
        self.workers.iter().filter_map(life).collect()
    }

    /// How much a worker's clock is ahead.
    pub fn ahead(&self, number: usize) -> Option<&AtomicI64> {
        self.workers.get(number).map(|worker| &*worker.ahead)
    }

    /// Asks somebody for something; nothing, if nobody lives, or he dies or says nothing.
    pub async fn ask<T, F: Future<Output = T>>(&self, what: impl FnOnce(Runtime) -> F) -> Option<T> {
        let Some(Life { link, runtime }) = self.anybody() else {
            sleep(Duration::from_secs(1)).await;
            return None;
        };
        let answer = timeout(PATIENCE, what(runtime));
        tokio::select! {
            biased;
            () = link.dies() => None,
            answer = answer => answer.ok(),
        }
    }
}

/// Looks at a worker's named points, at some of which it is killed.
struct Observed {
    sim: Arc<Sim>,
    link: Arc<Link>,
}

impl Observed {
    fn at(&self, point: Point<'_>) -> ControlFlow<()> {
        if self.link.is_dead() {
            return ControlFlow::Break(());
        }
        let fault = match point {
            Point::BeforeCommit { .. } => Fault::KilledBeforeCommit,
            Point::AfterCommit { instance, events } => {
                self.sim.tell(|| format!("{} has committed {instance}: {}", self.link.name, events.join(", ")));
                Fault::KilledAfterCommit
            }
            Point::BeforeAttempt { .. } => Fault::KilledBeforeAttempt,
            Point::AfterAttempt { .. } => Fault::KilledAfterAttempt,
            _ => return ControlFlow::Continue(()),
        };
        if !self.sim.goes_wrong(self.sim.weather.kills) || !self.link.kill() {
            return ControlFlow::Continue(());
        }
        self.sim.count(fault);
        self.sim.tell(|| format!("{}: {fault}", self.link.name));
        ControlFlow::Break(())
    }
}
