//! What connects a worker with everything else: cut, it is dead; held, it stands still.

use crate::sim::Sim;
use saga_runtime::{
    clock::{Clock, Sleeping},
    store::{Epoch, Micros, StoreError},
};
use std::{
    fmt,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

/// How it is with a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct State {
    dead: bool,
    paused: bool,
}

/// The only way of one life of a worker to the store, to the participants and to time.
pub struct Link {
    /// What the worker is called in a story.
    pub name: String,
    /// The epoch under which it is registered.
    pub epoch: Mutex<Option<Epoch>>,
    state: watch::Sender<State>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.name).finish()
    }
}

impl Link {
    /// Of a worker that lives.
    pub fn new(name: String) -> Arc<Self> {
        Arc::new(Self { name, epoch: Mutex::default(), state: watch::Sender::new(State::default()) })
    }

    /// Nothing that it does reaches anybody any more. Whether it lived until now.
    pub fn kill(&self) -> bool {
        self.state.send_if_modified(|state| !std::mem::replace(&mut state.dead, true))
    }

    /// Whether nothing of it reaches anybody.
    pub fn is_dead(&self) -> bool {
        self.state.borrow().dead
    }

    /// Waits until it is killed.
    pub async fn dies(&self) {
        let mut state = self.state.subscribe();
        if state.wait_for(|state| state.dead).await.is_err() {
            pending::<()>().await;
        }
    }

    /// It stands still, or goes on.
    pub fn pause(&self, paused: bool) {
        self.state.send_modify(|state| state.paused = paused);
    }

    /// Goes on once the worker does not stand still, and never if it is dead.
    pub async fn passes(&self) {
        let mut state = self.state.subscribe();
        match state.wait_for(|state| state.dead || !state.paused).await.map(|state| state.dead) {
            Ok(false) => {}
            _ => pending().await,
        }
    }

    /// Goes on once the worker does not stand still, if the store is there then.
    ///
    /// # Errors
    /// It is away.
    pub async fn reaches_the_store(&self, sim: &Sim) -> Result<(), StoreError> {
        self.passes().await;
        if sim.away.load(Ordering::Relaxed) > 0 {
            Err(StoreError::Unavailable("the store is away".into()))
        } else {
            Ok(())
        }
    }
}

/// A worker's clock, which somebody may set.
#[derive(Debug)]
pub struct WorkerClock {
    sim: Arc<Sim>,
    link: Arc<Link>,
    /// How much it is ahead, which outlives the worker's lives.
    ahead: Arc<AtomicI64>,
}

impl WorkerClock {
    /// That of this life of a worker.
    pub fn new(sim: &Arc<Sim>, link: &Arc<Link>, ahead: &Arc<AtomicI64>) -> Self {
        Self { sim: Arc::clone(sim), link: Arc::clone(link), ahead: Arc::clone(ahead) }
    }
}

impl Clock for WorkerClock {
    fn now(&self) -> Micros {
        self.sim.now() + self.ahead.load(Ordering::Relaxed)
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        Box::pin(async move {
            loop {
                let left = at.saturating_sub(self.now());
                let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { break };
                // In pieces, so that a clock that is set is noticed.
                sleep(Duration::from_micros(left).min(Duration::from_mins(1))).await;
            }
            self.link.passes().await;
        })
    }

    fn steady(&self) -> Option<Duration> {
        Some(self.sim.passed())
    }

    fn sleep(&self, span: Duration) -> Sleeping<'_> {
        Box::pin(async move {
            sleep(span.min(Duration::from_mins(1))).await;
            self.link.passes().await;
        })
    }
}
