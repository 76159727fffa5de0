//! Sagas as they are written, on the engine as it is: every construct with its refusals, parks, requests and times, on the
//! store in memory, with time skipped.

mod branches;
mod bulkheads;
mod debt;
mod errand;
mod families;
mod joins;
mod killed;
mod random;
mod rejected;
mod takeover;
mod times;
mod undoing;
mod world;

use errand::{Delivery, Errand, Hasty, Helper, Op, Plan, Work};
use saga_runtime::{
    Builder, End, Handle, Runtime, Saga, Settled,
    runtime::Park,
    store::{Store as _, memory::Memory},
    testing::TokioClock,
    verify::{Ledger, verify_by},
};
use std::{
    future::Future as _,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use world::{No, World};

/// A store, participants, and runtimes one after another.
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
        let world = || self.world.clone();
        Runtime::builder()
            .shared_store(store)
            .clock(clock)
            .seed(1)
            .register(Errand(world()))
            .register(Hasty(world()))
            .register(Helper(world()))
            .register(Delivery(world()))
    }

    async fn runtime(&self) -> Runtime {
        self.builder().start().await.expect("it starts")
    }
}

impl Drop for Lab {
    /// Whatever a test did: what is stored breaks no promise.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let definitions = [Errand::definition(), Hasty::definition(), Helper::definition(), Delivery::definition()];
        let ledger = Ledger::default();
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

/// What an errand does, before its end.
fn plan(works: impl IntoIterator<Item = Work>) -> Plan {
    Plan { ops: works.into_iter().map(|work| Op { work, catch: false }).collect(), ..Plan::default() }
}

/// The same, going on when one of them is refused.
fn catching(works: impl IntoIterator<Item = Work>) -> Plan {
    Plan { ops: works.into_iter().map(|work| Op { work, catch: true }).collect(), ..Plan::default() }
}

fn texts(whats: &[&str]) -> Vec<String> {
    whats.iter().map(ToString::to_string).collect()
}

async fn start(runtime: &Runtime, id: &str, plan: Plan) -> Handle<Errand> {
    runtime.start(id, plan).await.expect("it is started")
}

/// Its end, which has to come within a month.
async fn end<S: Saga<Output = Vec<String>, Refusal = No>>(saga: &Handle<S>) -> End<Vec<String>, No> {
    let month = Duration::from_hours(500 * 24);
    if let Ok(end) = tokio::time::timeout(month, saga.result()).await {
        return end.expect("the store answers");
    }
    panic!("it does not end\n{}", timeline(saga).await)
}

/// What it completed with.
async fn completed<S: Saga<Output = Vec<String>, Refusal = No>>(saga: &Handle<S>) -> Vec<String> {
    match end(saga).await {
        End::Completed(log) => log,
        other @ End::Compensated { .. } => panic!("{other:?}\n{}", timeline(saga).await),
    }
}

/// That it was undone, for this reason.
async fn cause<S: Saga<Output = Vec<String>, Refusal = No>>(saga: &Handle<S>) -> String {
    match end(saga).await {
        End::Compensated { cause, debt } if debt.is_empty() => format!("{cause:?}"),
        other => panic!("{other:?}\n{}", timeline(saga).await),
    }
}

/// Its park, which has to come.
async fn parked<S: Saga<Output = Vec<String>, Refusal = No>>(saga: &Handle<S>) -> Park<S> {
    let month = Duration::from_hours(30 * 24);
    match tokio::time::timeout(month, saga.settled()).await.map(|settled| settled.expect("the store answers")) {
        Ok(Settled::Parked { .. }) => saga.park().await.expect("the store answers").expect("it is parked"),
        other => panic!("{other:?}\n{}", timeline(saga).await),
    }
}

async fn timeline<S: Saga>(saga: &Handle<S>) -> String {
    saga.timeline().await.expect("the store answers").to_string()
}

/// The rows of an instance's journal, as stored.
async fn rows(lab: &Lab, saga: &str, id: &str) -> Vec<String> {
    let found = lab.store.find(saga, id).await.expect("the store answers").expect("it is there");
    let rows = lab.store.journal(found.no, 1, 100_000).await.expect("the store answers");
    rows.into_iter().map(|row| row.event.to_string()).collect()
}
