//! One running instance: what its task holds, and how it takes turns between going forward and undoing.

use super::{
    Engine, SECOND,
    erased::AnySaga,
    gate::Alone,
    hub::Poke,
    journal::{Journal, Over},
    load::{Loaded, Payloads, Unfoldable, load},
    start::Started,
    undo::Undoing,
};
use crate::{
    core::{Event, Failed, ParkCause, Phase, State},
    definition::Definition,
    store::{Claimed, InstanceNo, Micros, Status, StoreError},
};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// After so many recoveries without progress, an instance is parked rather than tried once more.
const RECOVERIES: u32 = 3;

/// One running instance.
pub(crate) struct Worker {
    pub(super) engine: Arc<Engine>,
    pub(super) saga: Arc<dyn AnySaga>,
    pub(super) journal: Journal,
    pub(super) payloads: Payloads,
    pub(super) poke: Arc<Poke>,
    /// Leave to run forward; given up while it is undone.
    pub(super) forward: Option<OwnedSemaphorePermit>,
    /// Whether that leave is one to decide only.
    pub(super) deciding: bool,
    /// Leave to undo.
    pub(super) undoing: Option<OwnedSemaphorePermit>,
    /// Held until the first attempt of one that may be what kills the process.
    pub(super) alone: Option<Alone>,
    /// Whether the call at hand was loaded, so that this process does not know that no attempt of it has begun.
    pub(super) inherited: bool,
    /// A request waited when the instance stood at this row.
    pub(super) waits_since: Option<u64>,
    /// The payloads of the undo at hand.
    pub(super) undo_at: Option<Undoing>,
    /// Whoever waits for the start to be durable.
    pub(super) reply: Option<oneshot::Sender<Result<Started, Over>>>,
}

/// What ends a machine's drive before the flow does.
pub(super) enum Halt {
    /// The instance is let go.
    Over(Over),
    /// It stands elsewhere now: look again.
    Turn,
}

impl From<Over> for Halt {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}

/// Runs an instance that was claimed.
pub(crate) async fn run_claimed(engine: Arc<Engine>, claimed: Claimed, permit: OwnedSemaphorePermit, decision: bool) {
    let no = claimed.instance.no;
    let poke = Arc::new(Poke::default());
    engine.hub.enter(no, &poke);
    if decision {
        poke.ring();
    }
    let over = claimed_run(&engine, &claimed, permit, &poke, decision).await;
    if matches!(over, Over::WaitsForBuild | Over::Broken(_)) && poke.answered() {
        // A request that nobody here can decide: to try again at once would go on for ever.
        engine.hub.want(no);
    }
    tracing::debug!(saga = %claimed.instance.saga, id = %claimed.instance.id, ?over, "let go");
    engine.left(no);
}

/// Runs an instance that is being started.
pub(crate) async fn run_fresh(mut worker: Worker) {
    let over = worker.go().await;
    let over = worker.settle(over).await;
    if let Some(reply) = worker.reply.take() {
        // The starter may be gone.
        let _ = reply.send(Err(over));
    }
    let (engine, no) = (Arc::clone(&worker.engine), worker.journal.no);
    drop(worker);
    if let Some(no) = no {
        engine.left(no);
    } else {
        engine.freed();
    }
}

async fn claimed_run(
    engine: &Arc<Engine>,
    claimed: &Claimed,
    permit: OwnedSemaphorePermit,
    poke: &Arc<Poke>,
    decision: bool,
) -> Over {
    let instance = &claimed.instance;
    // What a claim of many takes is ready from then on; what is taken for a decision stays what it was.
    let status = if decision { instance.status } else { Status::Ready };
    let mut journal = Journal::claimed(engine, instance, status, State::default());
    let Some(saga) = engine.sagas.get(&*instance.saga) else {
        return journal.give_back(status, None).await.err().unwrap_or(Over::WaitsForBuild);
    };
    let loaded = match load_patiently(engine, instance.no).await {
        Ok(loaded) => loaded,
        Err((Unfoldable::Store(error), _)) => return Over::Broken(error.to_string().into()),
        Err((unknown @ Unfoldable::Unknown { .. }, _)) => {
            let named = Some(unknown.to_string().into());
            return journal.give_back(Status::WaitsForBuild, named).await.err().unwrap_or(Over::WaitsForBuild);
        }
        Err((error, last)) => return park_unfolded(journal, last, &error.to_string()).await,
    };
    if let Some(unknown) = unknown_to(saga.definition(), &loaded) {
        let named = Some(unknown);
        return journal.give_back(Status::WaitsForBuild, named).await.err().unwrap_or(Over::WaitsForBuild);
    }
    journal.state = loaded.state;
    // One that was given back by a build that did not know it may have been running before that.
    let lost = claimed.orphaned || instance.status == Status::WaitsForBuild;
    let mut worker = Worker::new(engine, saga, journal, loaded.payloads, Arc::clone(poke));
    worker.forward = Some(permit);
    worker.deciding = decision;
    worker.inherited = true;
    let over = match worker.recover(lost).await {
        Ok(()) => worker.go().await,
        Err(over) => over,
    };
    worker.settle(over).await
}

async fn load_patiently(engine: &Arc<Engine>, no: InstanceNo) -> Result<Loaded, (Unfoldable, u64)> {
    loop {
        match load(&*engine.store, no).await {
            Err((Unfoldable::Store(StoreError::Unavailable(_)), _)) if !engine.is_stopping() => {
                engine.clock.sleep_until(engine.clock.now().saturating_add(SECOND)).await;
            }
            other => return other,
        }
    }
}

/// Parks an instance whose rows make no sense: there is no state to apply the row to, so it is written as it is.
async fn park_unfolded(mut journal: Journal, last: u64, error: &str) -> Over {
    if journal.status == Status::Parked {
        return journal.give_back(Status::Parked, None).await.err().unwrap_or(Over::Broken(error.into()));
    }
    tracing::error!(id = %journal.identity.ids.instance, error, "parked: the journal cannot be read");
    journal.state.seq = last;
    journal.state.phase = Phase::Start;
    let event = Event::Parked { cause: ParkCause::Unreadable, error: error.into() };
    if let Err(over) = journal.push(&event) {
        return over;
    }
    journal.release(Status::Parked, None).await.err().unwrap_or(Over::Broken(error.into()))
}

/// What this build does not know of where an instance stands (SEMANTICS.md rule 32).
fn unknown_to(definition: &Definition, loaded: &Loaded) -> Option<Box<str>> {
    let state = &loaded.state;
    if let Phase::Start = state.phase.beneath() {
        let parameter = definition.main().slots.first().copied().unwrap_or_default();
        if !state.stored.contains_key(parameter) {
            return Some("start, with another input".into());
        }
    }
    if let Some(call) = state.phase.call() {
        let known = definition.main().state(&call.state).is_some_and(|(_, state)| {
            let step = state.step().and_then(|step| definition.steps.get(step));
            *state.fingerprint == *call.fingerprint && step.is_some_and(|step| *step.name == *call.step)
        });
        if !known {
            return Some(call.state.clone());
        }
    }
    let unknown = state.undo.iter().find(|undo| {
        let step = definition.step(&undo.step).and_then(|(_, step)| step.compensation.as_ref());
        step.is_none_or(|compensation| *compensation.name != *undo.compensation)
    })?;
    Some(format!("{} (compensation {})", unknown.step, unknown.compensation).into())
}

impl Engine {
    /// An instance no longer runs here.
    fn left(&self, no: InstanceNo) {
        if self.hub.leave(no) {
            self.deliver(no);
        }
        self.freed();
    }
}

impl Worker {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        saga: &Arc<dyn AnySaga>,
        journal: Journal,
        payloads: Payloads,
        poke: Arc<Poke>,
    ) -> Self {
        Self {
            engine: Arc::clone(engine),
            saga: Arc::clone(saga),
            journal,
            payloads,
            poke,
            forward: None,
            deciding: false,
            undoing: None,
            alone: None,
            inherited: false,
            waits_since: None,
            undo_at: None,
            reply: None,
        }
    }

    /// Runs until the instance is let go.
    pub(crate) async fn go(&mut self) -> Over {
        loop {
            if let Err(over) = self.turn().await {
                return over;
            }
        }
    }

    async fn turn(&mut self) -> Result<(), Over> {
        self.heed().await?;
        match &self.journal.state.phase {
            Phase::Start | Phase::Calling(_) | Phase::After(_) => {
                self.forward_permit().await?;
                self.forward().await
            }
            Phase::Doubted { .. } | Phase::Unwinding { .. } => self.undo().await,
            Phase::Parked { .. } => {
                self.journal.give_back(Status::Parked, Some(self.journal.state.state_name())).await?;
                Err(Over::Parked)
            }
            Phase::Completed { .. } | Phase::Compensated { .. } => {
                self.release(self.end_status(), None).await?;
                Err(Over::Ended)
            }
            Phase::Empty => Err(Over::Broken("the journal is empty".into())),
        }
    }

    /// One that was taken for a decision goes on forward as any other: with leave, or it waits for that in the store
    /// (SEMANTICS.md rule 23).
    async fn forward_permit(&mut self) -> Result<(), Over> {
        // One that runs alone is not made to wait by those whom it makes wait.
        if !self.deciding || self.alone.is_some() {
            return Ok(());
        }
        if let Ok(permit) = Arc::clone(&self.engine.forward).try_acquire_owned() {
            self.forward = Some(permit);
            self.deciding = false;
            self.engine.freed();
            return Ok(());
        }
        self.release(Status::Ready, None).await?;
        self.engine.waits();
        Err(Over::Asleep)
    }

    /// The status of an instance that has ended.
    pub(super) fn end_status(&self) -> Status {
        match (&self.journal.state.phase, self.journal.state.debt.is_empty()) {
            (Phase::Completed { .. }, _) => Status::Completed,
            (_, true) => Status::Compensated,
            (_, false) => Status::CompensatedWithDebt,
        }
    }

    /// Counts the attempt that was lost with its worker, before anything runs (SEMANTICS.md rule 14).
    async fn recover(&mut self, lost: bool) -> Result<(), Over> {
        let state = &self.journal.state;
        if !lost || state.phase.is_end() || matches!(state.phase, Phase::Parked { .. }) {
            return Ok(());
        }
        // In a back-off that is not over, nothing can have been running.
        let due = state.phase.tries().and_then(|tries| tries.retry_at);
        if due.is_some_and(|due| due > self.engine.clock.now()) {
            return Ok(());
        }
        let count = state.recoveries + 1;
        if count > RECOVERIES {
            let error = format!("{RECOVERIES} recoveries in a row were lost in a crash");
            self.push(&Event::Recovered { count })?;
            return Err(self.park(ParkCause::CrashLoop, &error).await);
        }
        if count > 1 {
            if state.phase.is_undoing() {
                self.undo_permit().await?;
            }
            self.alone = Some(Alone::enter(&self.engine).await);
        }
        tracing::info!(id = %self.journal.identity.ids.instance, count, "recovered");
        self.push(&Event::Recovered { count })?;
        self.commit().await
    }

    /// Applies an event, collects its row, and keeps what it carries.
    pub(super) fn push(&mut self, event: &Event) -> Result<u64, Over> {
        let row = self.journal.push(event)?;
        match event {
            // The machine holds the locals; whoever pushes a call has its arguments at hand.
            Event::Called(_) => self.payloads = Payloads::default(),
            event => self.payloads.follow(event).map_err(Over::Broken)?,
        }
        Ok(row)
    }

    /// Commits what is collected.
    pub(super) async fn commit(&mut self) -> Result<(), Over> {
        self.journal.commit().await?;
        self.acknowledge();
        Ok(())
    }

    /// Commits what is collected and lets the instance go.
    pub(super) async fn release(&mut self, status: Status, wake_at: Option<Micros>) -> Result<(), Over> {
        self.journal.release(status, wake_at).await?;
        self.acknowledge();
        if let Some(at) = wake_at {
            self.engine.sleeps(at);
        }
        Ok(())
    }

    /// The start is durable.
    fn acknowledge(&mut self) {
        if let (Some(_), Some(no)) = (&self.reply, self.journal.no) {
            self.engine.hub.enter(no, &self.poke);
            if let Some(reply) = self.reply.take() {
                let _ = reply.send(Ok(Started { no, existing: None }));
            }
        }
    }

    /// Parks the instance. What is collected goes with it.
    pub(super) async fn park(&mut self, cause: ParkCause, error: &str) -> Over {
        let ids = Arc::clone(&self.journal.identity.ids);
        let state = self.journal.state.state_name();
        tracing::warn!(saga = %ids.saga, id = %ids.instance, %state, %cause, error, "parked");
        self.alone = None;
        let parked = Event::Parked { cause, error: error.into() };
        let done = match self.push(&parked) {
            Ok(_) => self.release(Status::Parked, None).await,
            Err(over) => Err(over),
        };
        done.err().unwrap_or(Over::Parked)
    }

    /// Gives the instance back because the runtime stops.
    pub(super) async fn stop(&mut self) -> Over {
        if self.journal.no.is_none() {
            return Over::Stopped;
        }
        self.release(Status::Ready, None).await.err().unwrap_or(Over::Stopped)
    }

    /// Waits until the next attempt is due: here, if that is soon, or in the store.
    pub(super) async fn due(&mut self) -> Result<(), Over> {
        let engine = Arc::clone(&self.engine);
        loop {
            let due = self.journal.state.phase.tries().and_then(|tries| tries.retry_at);
            let Some(at) = due.filter(|at| *at > engine.clock.now()) else {
                if due.is_some() {
                    // A failed attempt is durable before the next one, also if there is nothing to wait for.
                    self.commit().await?;
                }
                return Ok(());
            };
            if at - engine.clock.now() > SECOND {
                self.release(Status::Sleeping, Some(at)).await?;
                return Err(Over::Asleep);
            }
            // A failed attempt is durable before its back-off ends.
            self.commit().await?;
            let before = self.journal.state.seq;
            tokio::select! {
                () = engine.clock.sleep_until(at) => {}
                () = self.poke.rings() => self.heed().await?,
                () = engine.stops() => return Err(self.stop().await),
            }
            if self.journal.state.seq != before {
                return Ok(());
            }
        }
    }

    /// What is left to say of the call at hand when the rows about it cannot be written: it may have taken effect.
    fn lost_rows(&self, reason: &str) -> Option<Event> {
        let Phase::Calling(calling) = &self.journal.state.phase else { return None };
        let effect = calling.call.class.has_effect();
        let (attempt, error) = (calling.tries.count + 1, reason.into());
        effect.then_some(Event::AttemptFailed(Failed { attempt, error, effect, retry_at: None }))
    }

    /// Parks an instance whose last commit was rejected, or whose rows contradict each other: from what is stored.
    async fn settle(&mut self, over: Over) -> Over {
        self.alone = None;
        if let (Over::Ended, Some(_)) | (Over::Parked | Over::Asleep, Some(0)) = (&over, self.waits_since) {
            // A request that waited for what came next, and nothing comes any more, or an inbox that could not be read:
            // it is looked at by itself.
            self.poke.ring();
        }
        let (cause, reason) = match &over {
            Over::Rejected(reason) => (ParkCause::Unsavable, reason.clone()),
            Over::Broken(reason) => (ParkCause::Unreadable, reason.clone()),
            _ => return over,
        };
        let Some(no) = self.journal.no else { return over };
        // What happened is kept, if it is not itself what cannot be written.
        let answered = self.journal.forget();
        let mut again = over;
        for kept in [answered, None] {
            match load_patiently(&self.engine, no).await {
                Ok(loaded) => (self.journal.state, self.payloads) = (loaded.state, loaded.payloads),
                Err((error, _)) => return Over::Broken(error.to_string().into()),
            }
            if self.journal.state.phase.is_end() || matches!(self.journal.state.phase, Phase::Parked { .. }) {
                return again;
            }
            let kept = kept.and_then(|row| Event::from_text(&row.event).ok());
            let event = kept.or_else(|| self.lost_rows(&reason));
            let cause = if event.as_ref().is_some_and(|event| event.answer().is_none()) {
                ParkCause::Unrecordable
            } else {
                cause
            };
            if let Some(event) = event
                && self.push(&event).is_err()
            {
                self.journal.forget();
                continue;
            }
            again = self.park(cause, &reason).await;
            if !matches!(again, Over::Rejected(_)) {
                break;
            }
            self.journal.forget();
        }
        again
    }
}
