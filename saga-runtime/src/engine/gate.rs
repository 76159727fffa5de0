//! Who may begin an attempt: everybody, or the one instance that may be the one that kills the process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as Turn, Notify, OwnedMutexGuard};

/// Counts running attempts, and holds new ones while a suspect makes its first.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Notify,
    turn: std::sync::Arc<Turn<()>>,
}

#[derive(Debug, Default)]
struct GateState {
    running: usize,
    closed: bool,
}

/// Leave to make an attempt, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass<'a>(&'a Gate);

/// Leave to be the only one that begins attempts, until it is dropped.
pub(crate) struct Alone {
    gate: std::sync::Arc<super::Engine>,
    _turn: OwnedMutexGuard<()>,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while somebody is alone.
    pub(crate) async fn pass(&self) -> Pass<'_> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Enabled before looking, so that an opening in between is not missed.
            changed.as_mut().enable();
            {
                let mut state = self.state();
                if !state.closed {
                    state.running += 1;
                    return Pass(self);
                }
            }
            changed.await;
        }
    }

    /// The one who is alone passes all the same.
    pub(crate) fn pass_alone(&self) -> Pass<'_> {
        self.state().running += 1;
        Pass(self)
    }

    /// Ends when no attempt is running.
    async fn quiet(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.state().running == 0 {
                return;
            }
            changed.await;
        }
    }
}

impl Alone {
    /// Waits for the turn, holds everybody's next attempts, and gives those that run a second to end.
    pub(crate) async fn enter(engine: &std::sync::Arc<super::Engine>) -> Self {
        let turn = std::sync::Arc::clone(&engine.gate.turn).lock_owned().await;
        engine.gate.state().closed = true;
        let alone = Self { gate: std::sync::Arc::clone(engine), _turn: turn };
        let patience = engine.clock.now().saturating_add(super::SECOND);
        tokio::select! {
            biased;
            () = engine.gate.quiet() => {}
            () = engine.clock.sleep_until(patience) => {}
        }
        alone
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.gate.gate.state().closed = false;
        self.gate.gate.changed.notify_waiters();
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.changed.notify_waiters();
    }
}
