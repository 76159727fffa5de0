//! What whoever operates workers reads in their log.

use super::{log::Log, until};
use saga_runtime::{
    prelude::*,
    store::{Epoch, Store, memory::Memory},
    testing::{Faulty, TokioClock},
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

#[derive(Debug, Serialize, Deserialize, Refusal)]
struct No;

/// Its one step does at the first attempt what the input says. The number is that of attempts.
#[derive(Clone, Default)]
struct Errand(Arc<AtomicUsize>);

#[saga(name = "errand", version = 1)]
impl Errand {
    #[flow]
    async fn run(&self, cx: &FlowContext, first: String) -> Result<(), Unwind<No>> {
        Ok(self.go(cx, &first).await?)
    }

    #[step]
    async fn go(&self, cx: &StepContext, first: &str) -> Result<(), Failure<No>> {
        assert!(!cx.key().is_empty());
        match (self.0.fetch_add(1, Ordering::Relaxed), first) {
            (0, "hang") => std::future::pending().await,
            (0, "park") => Err(Transient::park("ask at the counter").into()),
            _ => Ok(()),
        }
    }

    #[compensate(go)]
    async fn come_back(&self, _cx: &StepContext) -> Result<(), Transient> {
        Ok(())
    }
}

const LEASE: Duration = Duration::from_secs(15);

async fn worker(store: Arc<dyn Store>, errand: &Errand) -> Runtime {
    let builder = Runtime::builder().shared_store(store).clock(Arc::new(TokioClock::at(0))).register(errand.clone());
    builder.start().await.expect("it starts")
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_told_once_then_each_minute_and_once_when_it_is_back() {
    let (log, _listens) = Log::here();
    let store = Memory::with_lease(LEASE);
    let line = Arc::new(Faulty::new(Arc::new(store.another())));
    let _runtime = worker(Arc::clone(&line) as Arc<dyn Store>, &Errand::default()).await;
    tokio::time::sleep(LEASE).await;
    assert_eq!(log.lines("WARN").len(), 0);
    line.leave("the line is cut");
    tokio::time::sleep(Duration::from_secs(150)).await;
    let told = log.lines("WARN");
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told.iter().all(|line| line.contains("the line is cut")), "{told:#?}");
    assert!(told[1].contains(", for 60 s now") && told[2].contains(", for 120 s now"), "{told:#?}");
    assert_eq!(log.lines("answers again").len(), 0);
    line.come_back();
    tokio::time::sleep(LEASE).await;
    let back = log.lines("answers again");
    assert!(matches!(&back[..], [back] if back.starts_with("INFO ") && back.contains("after 15")), "{back:?}");
    assert_eq!(log.lines("WARN").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_worker_says_who_it_is_and_who_is_found_dead_is_named_so() {
    let (log, _listens) = Log::here();
    let store = Memory::with_lease(LEASE);
    let errand = Errand::default();
    let alone = worker(Arc::new(store.another()), &errand).await;
    let process = std::process::id();
    assert_eq!(
        log.lines("worker registered"),
        [format!("INFO worker registered epoch=1 process={process} sagas=[\"errand\"]")]
    );
    let dying = worker(Arc::new(store.another()), &errand).await;
    let idle = worker(Arc::new(store.another()), &errand).await;
    dying.start::<Errand>("1", "hang".into()).await.expect("it is started");
    until(async || errand.0.load(Ordering::Relaxed) == 1).await;
    drop((dying, idle));
    tokio::time::sleep(2 * LEASE).await;
    assert_eq!(log.lines("found dead").len(), 2, "{:?}", log.lines(""));
    assert_eq!(log.lines("WARN"), ["WARN found dead: their instances are taken over epochs=[2]"]);
    assert_eq!(log.lines("owned nothing"), ["INFO found dead: they owned nothing epochs=[3]"]);
    assert_eq!(log.lines("recovered"), ["INFO recovered saga=errand id=1 count=1"]);

    let saga = alone.get::<Errand>("1").await.expect("the store answers").expect("it is there");
    saga.result().await.expect("it ends");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_was_taken_for_dead_says_what_it_does_about_it() {
    let (log, _listens) = Log::here();
    let store = Memory::with_lease(LEASE);
    let line = Arc::new(store.another());
    let _cut_off = worker(Arc::clone(&line) as Arc<dyn Store>, &Errand::default()).await;
    line.retire(Epoch(1)).await.expect("the store answers");
    tokio::time::sleep(LEASE).await;
    assert_eq!(
        log.lines("WARN"),
        [
            "WARN this worker stood still for longer than its lease and was taken for dead: the others take over, it drops what it ran \
          and registers anew epoch=1"
        ]
    );
    assert!(log.lines("worker registered").last().is_some_and(|line| line.contains("epoch=2")));
}

#[tokio::test]
async fn a_decision_names_the_saga_and_the_instance() {
    let (log, _listens) = Log::here();
    let errand = Errand::default();
    let runtime = worker(Arc::new(Memory::new()), &errand).await;
    let saga = runtime.start::<Errand>("1", "park".into()).await.expect("it is started");
    saga.settled().await.expect("it is parked");
    let park = saga.park().await.expect("the store answers").expect("it is parked");
    assert!(park.retry("ann", "asked them").await.expect("decided").granted);
    assert_eq!(log.lines("decided"), ["INFO decided saga=errand id=1 verb=\"retry\" by=ann granted=true"]);
}
