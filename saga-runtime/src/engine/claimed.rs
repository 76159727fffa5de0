//! How an instance comes to run here and how it is let go: claimed or fresh, recovered, parked when its rows are refused.

use super::{
    Engine, SECOND,
    commit::Release,
    gate::Alone,
    hub::Poke,
    journal::{Answers, Journal, Over},
    known::unknown_to,
    life::Life,
    load::{Loaded, Unfoldable, fold, load},
    worker::Worker,
};
use crate::{
    core::{Doing, Entry, Event, Failed, ParkCause, Phase, State},
    machine::Answer,
    planted::{Mistake, is_planted},
    store::{Claimed, InstanceNo, Status, StoreError},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::OwnedSemaphorePermit;

/// After so many recoveries without progress, an instance is parked rather than tried once more.
pub(crate) const RECOVERIES: u32 = 3;

/// Runs an instance that was claimed.
pub(crate) async fn run_claimed(
    engine: Arc<Engine>,
    life: Arc<Life>,
    mut claimed: Claimed,
    permit: OwnedSemaphorePermit,
    decision: bool,
) {
    let no = claimed.instance.no;
    // What a claim of many takes is ready from then on; what is taken for a decision stays what it was.
    let mut status = if decision { claimed.instance.status } else { Status::Ready };
    let mut kept = decision;
    let poke = Arc::new(Poke::default());
    if !engine.takes_up(&life, &mut claimed, (&mut status, &mut kept), &poke).await {
        drop(permit);
        if decision {
            engine.deliver(no);
        }
        // It is free in the store.
        engine.waits();
        return;
    }
    if decision {
        poke.ring();
    }
    let over = claimed_run(&engine, &life, &claimed, (status, kept), permit, &poke, decision).await;
    if matches!(over, Over::WaitsForBuild | Over::Broken(_)) && poke.answered() {
        // A request that nobody here can decide: to try again at once would go on for ever.
        engine.hub.want(no);
    }
    if decision && !matches!(over, Over::Asleep) {
        // Its turn may have come at a policy for which it waited before another worker went on with it.
        engine.policies.forget(no, engine.clock.now());
    }
    tracing::debug!(saga = %claimed.instance.saga, id = %claimed.instance.id, ?over, "let go");
    engine.left(no, &poke);
}

/// Runs an instance that is being started.
pub(crate) async fn run_fresh(worker: Box<Worker>) {
    let over = worker.go().await;
    let over = Box::pin(worker.settle(over)).await;
    let reply = worker.leave().reply.take();
    if let Some(reply) = reply {
        // The starter may be gone.
        let _ = reply.send(Err(over));
    }
    let (engine, no, poke) = (Arc::clone(&worker.engine), worker.journal.no(), Arc::clone(&worker.poke));
    drop(worker);
    if let Some(no) = no {
        engine.left(no, &poke);
    } else {
        engine.freed();
    }
}

async fn claimed_run(
    engine: &Arc<Engine>,
    life: &Arc<Life>,
    claimed: &Claimed,
    (status, kept): (Status, bool),
    permit: OwnedSemaphorePermit,
    poke: &Arc<Poke>,
    decision: bool,
) -> Over {
    let instance = &claimed.instance;
    let journal = Journal::claimed(engine, life, claimed, status, kept, State::default());
    let Some(saga) = engine.sagas.get(&*instance.saga) else {
        return journal.give_back(status, None, false).await.err().unwrap_or(Over::WaitsForBuild);
    };
    let loaded = match Box::pin(load_patiently(engine, instance.no)).await {
        Ok(loaded) => loaded,
        Err((unknown @ Unfoldable::Unknown { .. }, _)) => {
            return give_back_unknown(&journal, unknown.to_string().into(), false).await;
        }
        // The store was waited for until the runtime stopped: nothing is wrong with the instance.
        Err((error, _)) if error.passes() => return Over::Broken(error.to_string().into()),
        Err((error, last)) => {
            return match fold(&*engine.store, instance.no).await {
                // What its rows say is known, and only what they carry is not: another row follows them.
                Ok(state) => {
                    let untold = claimed.orphaned && may_run(&state);
                    let recovery = untold.then(|| state.recoveries.saturating_add(1));
                    Box::pin(park_unfolded(journal, last, recovery, &error.to_string())).await
                }
                Err(_) => park_unread(&journal, &error.to_string()).await,
            };
        }
    };
    // Before any effect, and before any row.
    if let Some(unknown) = unknown_to(saga.definition(), &loaded.state) {
        return give_back_unknown(&journal, unknown, false).await;
    }
    let worker = Box::new(Worker::new(engine, saga, journal, BTreeMap::new(), Arc::clone(poke)));
    worker.loaded(loaded);
    worker.tell_park().await;
    {
        let mut leave = worker.leave();
        leave.forward = Some(permit);
        leave.deciding = decision;
    }
    let over = match Box::pin(worker.recover(claimed.orphaned)).await {
        // The claim has taken it out of the lists of what needs a person: it may do so all the same.
        Ok(()) if !kept && worker.journal.inner().park_error().is_some() => match Box::pin(worker.commit()).await {
            Ok(()) => Box::pin(worker.go()).await,
            Err(over) => over,
        },
        Ok(()) => Box::pin(worker.go()).await,
        Err(over) => over,
    };
    Box::pin(worker.settle(over)).await
}

/// Gives back what this build does not know, and of which something was running here. It is not taken here again, so this is the one
/// time to say so.
pub(super) async fn give_back_unknown(journal: &Journal, unknown: Box<str>, runs: bool) -> Over {
    if let Err(over) = journal.give_back(Status::WaitsForBuild, Some(unknown.clone()), runs).await {
        return over;
    }
    let ids = &journal.identity.ids;
    tracing::warn!(
        saga = %ids.saga, id = %ids.instance, %unknown,
        "given back: this build does not know that name; what was renamed needs its old name, or a build that has it must run"
    );
    Over::WaitsForBuild
}

pub(super) async fn load_patiently(engine: &Arc<Engine>, no: InstanceNo) -> Result<Loaded, (Unfoldable, u64)> {
    loop {
        match load(&*engine.store, no).await {
            Err((error, _)) if error.passes() && !engine.is_stopping() => {
                engine.clock.sleep_until(engine.clock.now().saturating_add(SECOND)).await;
            }
            other => return other,
        }
    }
}

/// Parks an instance of which not all can be read that it needs, and tells before that whether something was lost with a worker, and how
/// often in a row by now: there is no state to apply the rows to, so they are written as they are.
async fn park_unfolded(journal: Journal, last: u64, recovery: Option<u32>, error: &str) -> Over {
    let status = journal.inner().status;
    if status == Status::Parked {
        return journal.give_back(Status::Parked, None, false).await.err().unwrap_or(Over::Broken(error.into()));
    }
    let ids = &journal.identity.ids;
    tracing::error!(saga = %ids.saga, id = %ids.instance, error, "parked: what the journal carries cannot be read");
    let parked = Event::Parked { cause: ParkCause::Unreadable, error: error.into(), undo: None };
    let recovered = recovery.map(|count| Event::Recovered { count });
    for (last, event) in (last..).zip(recovered.iter().chain([&parked])) {
        if let Err(over) = journal.push_beyond(last, event) {
            return over;
        }
    }
    journal.release(Status::Parked, Release::default()).await.err().unwrap_or(Over::Broken(error.into()))
}

/// Parks an instance whose rows make no sense, or cannot be read: without a row, since nobody can say which one would follow them. One
/// that does not fit would be looked for in its whole batch, and keep the others from being written meanwhile.
async fn park_unread(journal: &Journal, error: &str) -> Over {
    let ids = &journal.identity.ids;
    tracing::error!(saga = %ids.saga, id = %ids.instance, error, "parked: the journal cannot be read");
    journal.park_unread(error).await.err().unwrap_or(Over::Broken(error.into()))
}

impl Engine {
    /// Takes up what was claimed, once nothing more is written by whoever ran it here before; `false` if it is nobody's any more.
    ///
    /// Where the answer to its release was lost, that is written once more, perhaps after the claim: then the store says of it what was so
    /// before another worker had it and died, and lets it go. It is taken again, whatever that says: the journal tells.
    async fn takes_up(
        &self,
        life: &Life,
        claimed: &mut Claimed,
        (status, kept): (&mut Status, &mut bool),
        poke: &Arc<Poke>,
    ) -> bool {
        let no = claimed.instance.no;
        let mut waited = false;
        while let Err(other) = self.hub.enter(no, poke) {
            waited = true;
            other.leaves().await;
        }
        if !waited {
            return true;
        }
        let mut asking = self.outage.asking();
        let mut free = false;
        loop {
            // Once it is known to be free, it is asked for until that is answered: a claim of which nobody heard is found again by the
            // next one.
            let error = if free {
                match self.store.claim_one(life.epoch, &self.names(), no).await {
                    Ok(Some(again)) => {
                        (*status, *kept) = (again.instance.status, true);
                        claimed.orphaned |= again.orphaned;
                        claimed.instance = again.instance;
                        return true;
                    }
                    Ok(None) => break,
                    Err(error) => error,
                }
            } else {
                match self.store.find(&claimed.instance.saga, &claimed.instance.id).await {
                    Ok(Some(found)) if found.owner == Some(life.epoch) => return true,
                    Ok(_) => {
                        free = true;
                        continue;
                    }
                    Err(error) => error,
                }
            };
            if error == StoreError::Fenced {
                break;
            }
            asking.failed("it cannot be read who owns an instance", &error);
            self.clock.sleep_until(self.clock.now().saturating_add(SECOND)).await;
        }
        self.hub.leave(no, poke);
        false
    }

    /// An instance no longer runs here.
    fn left(&self, no: InstanceNo, poke: &Arc<Poke>) {
        if self.hub.leave(no, poke) {
            self.deliver(no);
        }
        self.freed();
    }
}

impl Worker {
    /// Counts the attempts that were lost with their worker, before anything runs (docs/semantics.md, rule 14).
    async fn recover(&self, lost: bool) -> Result<(), Over> {
        let (running, undoing, count) = {
            let inner = self.journal.inner();
            let state = &inner.state;
            (may_run(state), state.is_undoing(), state.recoveries.saturating_add(1))
        };
        if !lost || !running {
            return Ok(());
        }
        if count > RECOVERIES {
            let error = format!("{RECOVERIES} recoveries in a row were lost in a crash");
            self.push(&Event::Recovered { count })?;
            return Err(self.park(ParkCause::CrashLoop, &error).await);
        }
        if count > 1 {
            if undoing {
                self.undo_permit().await?;
            }
            let alone = Alone::enter(&self.engine).await;
            self.leave().alone = Some(alone);
        }
        let ids = &self.journal.identity.ids;
        tracing::info!(saga = %ids.saga, id = %ids.instance, count, "recovered");
        self.push(&Event::Recovered { count })?;
        if is_planted(Mistake::ResumedTooLate) {
            self.takes_for_done()?;
        }
        self.commit().await
    }

    /// The mistake that is planted as [`Mistake::ResumedTooLate`].
    fn takes_for_done(&self) -> Result<(), Over> {
        let calls =
            self.journal.inner().state.phase().calling().is_some_and(|call| matches!(call.doing, Doing::Step(_)));
        if calls && let Ok(zero) = serde_json::value::RawValue::from_string("0".into()) {
            let answer = Answer::Done(zero);
            self.push(&Event::Answered { answer: answer.clone() })?;
            self.put_answer("".into(), answer);
        }
        Ok(())
    }

    /// What is left to say of the call at hand when the rows about it cannot be written: it may have taken effect.
    fn lost_rows(&self, reason: &str) -> Option<Event> {
        let inner = self.journal.inner();
        let calling = inner.state.phase().calling()?;
        let (Doing::Step(tries), Some(step)) = (&calling.doing, &calling.call.step) else { return None };
        let effect = step.class.has_effect() && !step.transactional;
        let (attempt, error) = (tries.count.saturating_add(1), reason.into());
        effect.then_some(Event::AttemptFailed(Failed { attempt, error, effect, retry_at: None }))
    }

    /// Parks an instance whose last commit was rejected, or whose rows contradict each other: from what is stored.
    pub(super) async fn settle(&self, over: Over) -> Over {
        self.not_alone();
        let waits_since = self.leave().waits_since;
        if let (Over::Ended, Some(_)) | (Over::Parked | Over::Asleep, Some(0)) = (&over, waits_since) {
            // A request that waited for what came next, and nothing comes any more, or an inbox that could not be read:
            // it is looked at by itself.
            self.poke.ring();
        }
        if is_planted(Mistake::ParkedKeepsPermit)
            && matches!(over, Over::Parked)
            && let Some(permit) = self.leave().forward.take()
        {
            permit.forget();
        }
        let (cause, reason) = match &over {
            Over::Rejected(reason) => (ParkCause::Unsavable, reason.clone()),
            Over::Broken(reason) => (ParkCause::Unreadable, reason.clone()),
            _ => return over,
        };
        let Some(no) = self.journal.no() else { return over };
        // Rows that cannot be written are why this is done, whoever handed them over.
        let _ = self.journal.settled().await;
        // What happened is kept, if it is not itself what cannot be written.
        let mut kept = Some(self.journal.forget());
        let mut again = over;
        for _ in 0..2 {
            match load_patiently(&self.engine, no).await {
                Ok(loaded) => self.loaded(loaded),
                // What stops meanwhile finds it as it is.
                Err((error, _)) if error.passes() => return Over::Broken(error.to_string().into()),
                Err((error, _)) => return park_unread(&self.journal, &error.to_string()).await,
            }
            let parked = matches!(self.journal.inner().state.phase(), Phase::Parked { .. });
            if parked {
                // A decision about it could not be written: somebody else may look at it.
                return self.release(Status::Parked, Release::default()).await.err().unwrap_or(again);
            }
            if self.journal.inner().state.phase().is_end() {
                return self.release(self.end_status(), Release::default()).await.err().unwrap_or(again);
            }
            let Answers { rows, received } = kept.take().unwrap_or_default();
            let mut events: Vec<Event> = rows.iter().filter_map(|row| Event::from_text(&row.event).ok()).collect();
            let mut cause = cause;
            if events.is_empty()
                && let Some(lost) = self.lost_rows(&reason)
            {
                events.push(lost);
                cause = ParkCause::Unrecordable;
            }
            // Of branches, too, it is said what was under way.
            let written = self.push_all(&events).and_then(|()| self.push_all(&self.lost_attempts(&reason)));
            for (message, row) in received {
                self.journal.receive(message, Some(row));
            }
            if written.is_err() {
                self.journal.forget();
                continue;
            }
            again = self.park(cause, &reason).await;
            if !matches!(again, Over::Rejected(_) | Over::Broken(_)) {
                return again;
            }
            self.journal.forget();
        }
        // Nothing can be said of it in rows: it is let go all the same, for a person to look at.
        park_unread(&self.journal, &reason).await
    }
}

/// Whether an attempt may have been running when the owner died: not where everything waits, is parked or has ended.
fn may_run(state: &State) -> bool {
    let mut running = false;
    state.root.visit("", &mut |_, strand| {
        running |= match &strand.phase {
            Phase::Start | Phase::After { .. } => true,
            Phase::Calling(calling) => matches!(calling.doing, Doing::Step(_)),
            Phase::Doubted { .. } | Phase::Unwinding { .. } => {
                let mut current = Vec::new();
                strand.log.current(&mut current);
                strand.log.below.is_some()
                    || current.is_empty()
                    || current.iter().any(|(log, entry)| matches!(entry, Entry::Call(_)) && log.parked.is_none())
            }
            _ => false,
        };
    });
    running
}
