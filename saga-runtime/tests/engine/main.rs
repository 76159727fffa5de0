//! The engine, by what it promises: each test is named for a rule of the semantics and breaks what the rule is about.

mod clock;
mod corners;
mod doubt;
mod forward;
mod limits;
mod lists;
mod lossy;
#[cfg(feature = "sqlite")]
mod on_disk;
mod pivot;
mod random;
#[cfg(feature = "cron")]
mod recurring;
mod restart;
mod retention;
mod saga;
mod starting;
mod store_trouble;
mod verbs;
mod workers;
mod world;

use saga::{No, Script, Scripted};
use saga_runtime::{
    Builder, End, Handle, Runtime, Saga as _, Settled,
    runtime::{Park, Point},
    store::{Store, memory::Memory},
    testing::TokioClock,
    verify::{Ledger, verify_by},
};
use std::{
    future::Future as _,
    ops::ControlFlow,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};
use world::World;

/// A store, participants, and runtimes one after another.
#[derive(Debug)]
struct Lab {
    store: Arc<Memory>,
    world: World,
    clock: Arc<TokioClock>,
}

impl Lab {
    fn new() -> Self {
        let clock = Arc::new(TokioClock::at(1_767_225_600_000_000));
        Self { store: Arc::new(Memory::new()), world: World::default(), clock }
    }

    fn builder(&self) -> Builder {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        Runtime::builder().shared_store(store).clock(clock).seed(1)
    }

    async fn runtime(&self) -> Runtime {
        self.builder().register(Scripted(self.world.clone())).start().await.expect("it starts")
    }

    /// A runtime, and the rows of each of its commits.
    async fn counting(&self) -> (Runtime, Arc<Mutex<Vec<String>>>) {
        let commits = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&commits);
        let observer = Arc::new(move |point: Point<'_>| {
            if let Point::BeforeCommit { events, .. } = point {
                seen.lock().expect("nobody panics").push(events.join(","));
            }
            ControlFlow::Continue(())
        });
        let builder = self.builder().register(Scripted(self.world.clone())).observer(observer);
        (builder.start().await.expect("it starts"), commits)
    }

    /// Its park, which has to come.
    async fn parked(&self, saga: &Handle<Scripted>) -> Park<Scripted> {
        match settled(saga).await {
            Settled::Parked { .. } => saga.park().await.expect("the store answers").expect("it is parked"),
            Settled::Ended(end) => panic!("it ended: {end:?}\n{}", timeline(saga).await),
        }
    }
}

impl Drop for Lab {
    /// Whatever a test did: what is stored breaks no promise.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (ledger, definitions) = (Ledger::default(), [Scripted::definition()]);
        let mut verdict = pin!(verify_by(&*self.store, &ledger, &definitions));
        let mut cx = Context::from_waker(Waker::noop());
        // A store in memory answers at once; what reads it lets others have their turn.
        let verdict = loop {
            if let Poll::Ready(verdict) = verdict.as_mut().poll(&mut cx) {
                break verdict;
            }
        };
        let verdict = verdict.expect("the store can be read");
        assert!(verdict.violations.is_empty(), "{verdict}");
    }
}

/// Starts an instance.
async fn start(runtime: &Runtime, id: &str, script: Script) -> Handle<Scripted> {
    runtime.start(id, script).await.expect("it is started")
}

/// Its end, which has to come within a month.
async fn end(saga: &Handle<Scripted>) -> End<Vec<String>, No> {
    let month = Duration::from_hours(30 * 24);
    if let Ok(end) = tokio::time::timeout(month, saga.result()).await {
        return end.expect("the store answers");
    }
    panic!("it does not end\n{}", timeline(saga).await)
}

/// Its end or its park, which has to come within a month.
async fn settled(saga: &Handle<Scripted>) -> Settled<Vec<String>, No> {
    let month = Duration::from_hours(30 * 24);
    if let Ok(settled) = tokio::time::timeout(month, saga.settled()).await {
        return settled.expect("the store answers");
    }
    panic!("it neither ends nor parks\n{}", timeline(saga).await)
}

async fn timeline(saga: &Handle<Scripted>) -> String {
    saga.timeline().await.expect("the store answers").to_string()
}

/// The rows of an instance's journal, as stored.
async fn events(lab: &Lab, saga: &Handle<Scripted>) -> Vec<String> {
    let found = lab.store.find("scripted", saga.id()).await.expect("the store answers").expect("it is there");
    let rows = lab.store.journal(found.no, 1, 1_000).await.expect("the store answers");
    rows.into_iter().map(|row| row.event.to_string()).collect()
}

/// Waits until it is so.
async fn until(so: impl Fn() -> bool) {
    let waited = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), waited).await.expect("it comes to that");
}
