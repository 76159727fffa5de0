//! The leave of a named policy, before an attempt is made.
//!
//! A policy that says no is not an attempt (SEMANTICS.md rule 27), and whoever waits for one holds no leave to run (rule 23):
//! for up to a second the instance waits here without its permits, and after that in the store. There it is woken when its
//! turn has come; the time at which it wakes by itself is only for the case that nobody is left who would call it.

use super::{Engine, SECOND, gate::Alone, journal::Over, worker::Worker};
use crate::{
    core::State,
    policy::{Admitted, Pass, Who},
    store::{InstanceNo, Micros, Status},
};
use std::sync::Arc;

/// When the first of the instances that wait in the store for their turn looks again by itself.
const CHECK: Micros = 60 * SECOND;

/// How much later each further one does: so that many of them cost little, and that they come in their order if the process
/// that kept it has died.
const APART: Micros = SECOND / 100;

/// Whether an attempt may be made.
pub(super) enum Admission {
    /// It may; to be told how it ended.
    Pass(Pass),
    /// Time has passed: look again where the instance stands, and what bounds the attempt.
    Look,
    /// The time for all attempts ran out while none was let through.
    TooLate(Box<str>),
}

impl Worker {
    /// Asks the named policy, if there is one, for leave to make an attempt of the call in this row, or of its undo. All
    /// attempts together must have ended `by` then.
    pub(super) async fn admission(
        &mut self,
        policy: Option<&'static str>,
        call: u64,
        undo: bool,
        by: Option<Micros>,
    ) -> Result<Admission, Over> {
        let (Some(name), Some(instance)) = (policy, self.journal.no) else { return Ok(Admission::Pass(Pass::free())) };
        let engine = Arc::clone(&self.engine);
        let who = Who { instance, call, undo };
        let now = engine.clock.now();
        if by.is_some_and(|by| by <= now) {
            engine.policies.withdraw(name, who, now);
            let error = format!("time ran out before policy `{name}` let an attempt through");
            return Ok(Admission::TooLate(error.into()));
        }
        let later = match engine.policies.admit(name, who, now) {
            Admitted::Now(pass) => {
                // A suspect that had to wait did not keep the others waiting meanwhile (rule 14).
                if self.journal.state.recoveries > 1 && self.alone.is_none() {
                    self.alone = Some(Alone::enter(&engine).await);
                }
                return Ok(Admission::Pass(pass));
            }
            Admitted::Later(later) => later,
        };
        tracing::debug!(id = %self.journal.identity.ids.instance, policy = name, why = later.why, "waits");
        // What is known so far is durable before a wait.
        self.commit().await?;
        self.alone = None;
        let patience = now.saturating_add(SECOND).min(by.unwrap_or(Micros::MAX));
        if later.at.is_none_or(|at| at <= patience)
            && let Some(near) = engine.policies.near(name, who)
        {
            let (forward, undoing) = (self.forward.take().is_some(), self.undoing.take().is_some());
            engine.freed();
            let before = self.journal.state.seq;
            let look = tokio::select! {
                biased;
                () = engine.stops() => return Err(self.stop().await),
                () = near.turn() => true,
                () = self.poke.rings() => true,
                () = engine.clock.sleep_until(patience) => false,
            };
            drop(near);
            if look {
                self.take_permits(forward, undoing).await?;
                self.heed().await?;
                if self.journal.state.seq != before {
                    engine.policies.withdraw(name, who, engine.clock.now());
                }
                return Ok(Admission::Look);
            }
            if engine.policies.is_called(name, who) || by.is_some_and(|by| by <= engine.clock.now()) {
                self.take_permits(forward, undoing).await?;
                return Ok(Admission::Look);
            }
        }
        let apart = i64::try_from(later.ahead).unwrap_or(i64::MAX).saturating_mul(APART);
        let again = later.at.unwrap_or_default().max(engine.clock.now()).saturating_add(CHECK).saturating_add(apart);
        self.release(Status::Sleeping, Some(again.min(by.unwrap_or(Micros::MAX)))).await?;
        Err(Over::Asleep)
    }

    /// Takes again what was given up for a wait, in the order in which everybody takes them: leave to go forward first.
    async fn take_permits(&mut self, forward: bool, undoing: bool) -> Result<(), Over> {
        if forward {
            let all = Arc::clone(&self.engine.forward);
            self.forward = Some(all.acquire_owned().await.map_err(|_| Over::Stopped)?);
            // One that was taken for a decision has leave to run from now on.
            self.deciding = false;
        }
        if undoing {
            self.undo_permit().await?;
        }
        Ok(())
    }
}

impl Engine {
    /// In words, which policy an instance of this saga waits for, if it does so here.
    pub(crate) fn waits_for(&self, saga: &str, instance: InstanceNo, state: &State) -> Option<Box<str>> {
        let definition = self.sagas.get(saga)?.definition();
        let (call, undo, policy) = if state.phase.is_undoing() {
            let undo = state.undo.last()?;
            (undo.call, true, definition.step(&undo.step)?.1.compensation.as_ref()?.policy_name?)
        } else {
            let call = state.phase.call()?;
            (call.row, false, definition.step(&call.step)?.1.policy_name?)
        };
        let why = self.policies.keeps_out(policy, Who { instance, call, undo }, self.clock.now())?;
        Some(format!("waits for policy `{policy}`: {why}").into())
    }
}

/// Wakes those who wait in the store for a policy when their turn has come; runs until the runtime stops.
pub(crate) async fn call_sleepers(engine: Arc<Engine>) {
    loop {
        let (called, again) = engine.policies.look(engine.clock.now());
        for instance in called {
            engine.deliver(instance);
        }
        tokio::select! {
            () = engine.policies.changes() => {}
            () = engine.clock.sleep_until(again.unwrap_or(Micros::MAX)), if again.is_some() => {}
            () = engine.stops() => return,
        }
    }
}
