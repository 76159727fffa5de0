//! Waiting for something to happen to an instance.

use super::Error;
use crate::{
    engine::{Engine, SECOND, hub::Rest},
    store::{InstanceNo, Micros, committer::Health},
};
use tokio::sync::watch;

/// News of an instance. What this runtime writes is told at once; what another one writes is looked for.
#[derive(Debug)]
pub(super) struct News<T = ()> {
    told: watch::Receiver<T>,
    /// Whether something was told since the last look.
    heard: bool,
    pause: Micros,
    /// The longest pause between two looks.
    most: Micros,
}

impl News {
    /// News of everything that is written of it, from now on. Where nothing is heard of the instance, it is looked for after a
    /// second, and then after twice as long each time, up to `most`.
    pub(super) fn of(engine: &Engine, instance: InstanceNo, most: Micros) -> Self {
        Self { told: engine.hub.watch(instance), heard: false, pause: SECOND, most }
    }
}

impl News<Rest> {
    /// The same, of how it is let go.
    pub(super) fn of_rest(engine: &Engine, instance: InstanceNo, most: Micros) -> Self {
        Self { told: engine.hub.await_rest(instance), heard: false, pause: SECOND, most }
    }

    /// Whoever calls this looks now; how it ended, if that was told since the last time.
    pub(super) fn told(&mut self) -> Rest {
        let told = self.told.borrow_and_update().clone();
        told.filter(|_| std::mem::take(&mut self.heard))
    }
}

impl<T> News<T> {
    /// Whoever calls this looks now.
    pub(super) fn looking(&mut self) {
        self.told.mark_unchanged();
    }

    /// Something was found.
    pub(super) fn found(&mut self) {
        self.pause = SECOND;
    }

    /// Ends when it is time to look again.
    ///
    /// # Errors
    /// The runtime stops.
    pub(super) async fn come(&mut self, engine: &Engine) -> Result<(), Error> {
        let at = engine.clock.now().saturating_add(self.pause);
        tokio::select! {
            biased;
            told = self.told.changed() => {
                self.heard = told.is_ok();
                self.pause = SECOND;
            }
            () = engine.clock.sleep_until(at) => self.pause = self.pause.saturating_mul(2).min(self.most),
            () = engine.stops() => return Err(Error::stopped()),
        }
        Ok(())
    }

    /// The same, as long as this runtime can do anything for the instance.
    ///
    /// # Errors
    /// The runtime stops, or has lost its work to another one.
    pub(super) async fn come_here(&mut self, engine: &Engine) -> Result<(), Error> {
        if engine.lives_again() {
            // Another worker goes on with it.
            return self.come(engine).await;
        }
        let mut health = engine.life().committer.health();
        let cut = health.wait_for(|health| matches!(health, Health::Fenced | Health::Stopped));
        tokio::select! {
            come = self.come(engine) => come,
            health = cut => match health.map(|health| health.clone()) {
                Ok(Health::Fenced) => Err(Error::fenced()),
                _ => Err(Error::stopped()),
            },
        }
    }
}
