//! What whoever operates workers reads in their log.

use super::{
    log::Log,
    tour::{Ticket, World},
};
use saga_runtime::{
    prelude::*,
    store::{Store, memory::Memory},
    testing::{Faulty, TokioClock},
};
use std::{sync::Arc, time::Duration};

const LEASE: Duration = Duration::from_secs(15);

async fn worker(store: Arc<dyn Store>, world: &World) -> Runtime {
    let builder =
        Runtime::builder().shared_store(store).clock(Arc::new(TokioClock::at(0))).register(Ticket(world.clone()));
    builder.start().await.expect("it starts")
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_told_once_then_each_minute_and_once_when_it_is_back() {
    let (log, _listens) = Log::here();
    let store = Memory::with_lease(LEASE);
    let line = Arc::new(Faulty::new(Arc::new(store.another())));
    let _runtime = worker(Arc::clone(&line) as Arc<dyn Store>, &World::default()).await;
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
