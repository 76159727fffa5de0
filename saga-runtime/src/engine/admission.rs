//! The leave of a named policy, before an attempt is made.
//!
//! A policy that says no is not an attempt (docs/semantics.md, rule 27), and whoever waits for one holds no leave to run (rule 23):
//! for up to a second the instance waits here without its permits, and after that in the store. There it is woken when its
//! turn has come; the time at which it wakes by itself is only for the case that nobody is left who would call it.

use super::{Engine, SECOND, gate::Alone, journal::Over, pulse::Waits, worker::Worker};
use crate::{
    core::{CallId, Entry, State},
    policy::{Admitted, Pass, Who},
    store::{InstanceNo, Micros},
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
    /// Time has passed: look again where the call stands, and what bounds the attempt.
    Look,
    /// The time for all attempts ran out while none was let through.
    TooLate(Box<str>),
}

impl Worker {
    /// Asks the named policy, if there is one, for leave to make an attempt of this call, or of its undo. All attempts
    /// together must have ended `by` then.
    pub(super) async fn admission(
        &self,
        policy: Option<&'static str>,
        call: CallId,
        undo: bool,
        by: Option<Micros>,
    ) -> Result<Admission, Over> {
        let (Some(name), Some(instance)) = (policy, self.journal.no()) else {
            return Ok(Admission::Pass(Pass::free()));
        };
        let engine = &self.engine;
        let who = Who { instance, call, undo };
        let now = engine.clock.now();
        if by.is_some_and(|by| by <= now) {
            engine.policies.withdraw(name, who, now);
            self.queues(name, who, false);
            let error = format!("time ran out before policy `{name}` let an attempt through");
            return Ok(Admission::TooLate(error.into()));
        }
        let later = match engine.policies.admit(name, who, now) {
            Admitted::Now(pass) => {
                self.queues(name, who, false);
                // A suspect that had to wait did not keep the others waiting meanwhile (rule 14).
                let suspect = self.journal.inner().state.recoveries > 1 && self.leave().alone.is_none();
                if suspect {
                    let alone = Alone::enter(engine).await;
                    self.leave().alone = Some(alone);
                }
                return Ok(Admission::Pass(pass));
            }
            Admitted::Later(later) => later,
        };
        self.queues(name, who, true);
        tracing::debug!(id = %self.journal.identity.ids.instance, policy = name, why = later.why, "waits");
        // What is known so far is durable before a wait.
        self.commit().await?;
        self.not_alone();
        let patience = now.saturating_add(SECOND).min(by.unwrap_or(Micros::MAX));
        if later.at.is_none_or(|at| at <= patience)
            && let Some(near) = engine.policies.near(name, who)
        {
            let changed = self.pulse.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let waiting = self.pulse.wait(Waits::Until(patience));
            // Where several calls are under way, leave is needed by the others.
            let given = if self.pulse.is_still() { self.give_permits() } else { (false, false) };
            let patient = tokio::select! {
                biased;
                () = near.turn() => false,
                () = changed => false,
                () = engine.clock.sleep_until(patience) => true,
            };
            drop((near, waiting));
            let called = engine.policies.is_called(name, who) || by.is_some_and(|by| by <= engine.clock.now());
            if !patient || called {
                self.take_permits(given).await?;
                return Ok(Admission::Look);
            }
        }
        let apart = i64::try_from(later.ahead).unwrap_or(i64::MAX).saturating_mul(APART);
        let again = later.at.unwrap_or_default().max(engine.clock.now()).saturating_add(CHECK).saturating_add(apart);
        let again = again.min(by.unwrap_or(Micros::MAX));
        self.until_or(again, Waits::Turn(again)).await;
        Ok(Admission::Look)
    }

    /// Nobody is kept waiting by one that waits itself.
    fn give_permits(&self) -> (bool, bool) {
        let mut leave = self.leave();
        let (forward, undoing) = (leave.forward.take(), leave.undoing.take());
        drop(leave);
        let given = (forward.is_some(), undoing.is_some());
        drop((forward, undoing));
        self.engine.freed();
        given
    }

    /// Takes again what was given up for a wait, in the order in which everybody takes them: leave to go forward first.
    async fn take_permits(&self, (forward, undoing): (bool, bool)) -> Result<(), Over> {
        if forward {
            let permit = Arc::clone(&self.engine.forward).acquire_owned().await.map_err(|_| Over::Stopped)?;
            // One that was taken for a decision has leave to run from now on.
            self.has_leave(permit);
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
        let mut reason = None;
        state.root.visit("", &mut |_, strand| {
            let mut current = Vec::new();
            if strand.phase.is_undoing() {
                strand.log.current(&mut current);
            }
            let undos = current.into_iter().filter_map(|(_, entry)| match entry {
                Entry::Call(undo) => {
                    let compensation = definition.step(&undo.step)?.1.compensation.as_ref()?;
                    Some((undo.call, true, compensation.policy_name?))
                }
                _ => None,
            });
            let call = strand.phase.calling().and_then(|calling| {
                let step = calling.call.step.as_ref()?;
                Some((calling.call.id(), false, definition.step(&step.step)?.1.policy_name?))
            });
            for (call, undo, policy) in undos.chain(call) {
                let why = self.policies.keeps_out(policy, Who { instance, call, undo }, self.clock.now());
                if let Some(why) = why {
                    reason.get_or_insert_with(|| format!("waits for policy `{policy}`: {why}").into());
                }
            }
        });
        reason
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
            biased;
            () = engine.policies.changes() => {}
            () = engine.sleep_until_some(again) => {}
            () = engine.stops() => return,
        }
    }
}
