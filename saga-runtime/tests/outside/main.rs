//! What somebody outside a saga does with it while it runs: tells it something, and looks at it.

mod builds;
mod log;
mod logs;
mod looking;
mod signals;
mod tour;
mod watching;

use saga_runtime::{Builder, Runtime, store::memory::Memory, testing::ManualClock};
use std::{future::Future, sync::Arc, time::Duration};

/// A store and a clock, for runtimes one after another.
struct Lab {
    store: Arc<Memory>,
    clock: Arc<ManualClock>,
}

impl Lab {
    fn new() -> Self {
        Self { store: Arc::new(Memory::new()), clock: Arc::new(ManualClock::default()) }
    }

    fn builder(&self) -> Builder {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        Runtime::builder().shared_store(store).clock(clock).seed(1)
    }
}

/// Looks again and again until it is so.
async fn until<F: Future<Output = bool>>(mut so: impl FnMut() -> F) {
    let waited = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited).await.expect("it comes to that");
}
