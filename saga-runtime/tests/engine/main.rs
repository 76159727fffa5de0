//! The engine, by what it promises: each test is named for a rule of the semantics and breaks what the rule is about.

mod forward;
mod saga;
mod world;

use saga::{No, Script, Scripted};
use saga_runtime::{Builder, End, Handle, Runtime, Settled, store::memory::Memory, testing::TokioClock};
use std::{sync::Arc, time::Duration};
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
        Self {
            store: Arc::new(Memory::new()),
            world: World::default(),
            clock: Arc::new(TokioClock::at(1_767_225_600_000_000)),
        }
    }

    fn builder(&self) -> Builder {
        let clock = Arc::clone(&self.clock);
        Runtime::builder().shared_store(Arc::clone(&self.store) as _).clock(clock).seed(1)
    }

    async fn runtime(&self) -> Runtime {
        self.builder().register(Scripted(self.world.clone())).start().await.expect("it starts")
    }
}

/// Starts an instance.
async fn start(runtime: &Runtime, id: &str, script: Script) -> Handle<Scripted> {
    runtime.start(id, script).await.expect("it is started")
}

/// Its end, which has to come within a month.
async fn end(saga: &Handle<Scripted>) -> End<Vec<String>, No> {
    match settled(saga).await {
        Settled::Ended(end) => end,
        Settled::Parked { cause, error } => panic!("parked, {cause}: {error}\n{}", timeline(saga).await),
    }
}

/// Its end or its park, which has to come within a month.
async fn settled(saga: &Handle<Scripted>) -> Settled<Vec<String>, No> {
    let month = Duration::from_hours(30 * 24);
    match tokio::time::timeout(month, saga.settled()).await {
        Ok(settled) => settled.expect("the store answers"),
        Err(_) => panic!("it neither ends nor parks\n{}", timeline(saga).await),
    }
}

async fn timeline(saga: &Handle<Scripted>) -> String {
    saga.timeline().await.expect("the store answers").to_string()
}
