//! One running instance: what its task holds, and how it takes turns between going forward and undoing.

use super::{
    Engine, SECOND,
    begun::Begun,
    claimed::load_patiently,
    commit::Release,
    erased::AnySaga,
    gate::Alone,
    hub::Poke,
    journal::{Journal, Over},
    load::{Joined, Loaded, Payloads, Unfoldable, read, row},
    pulse::{Pulse, Waits},
    start::Started,
    strand::Strand,
};
use crate::{
    core::{Doing, Entry, Event, ParkCause, Phase, UnwindCause, child::ChildEnd},
    machine::{Answer, Ended},
    planted::{Mistake, is_planted},
    policy::Who,
    store::{InstanceNo, Micros, Status},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, oneshot};

/// One running instance. Its threads are polled by one task and share this.
pub(crate) struct Worker {
    pub(super) engine: Arc<Engine>,
    pub(super) saga: Arc<dyn AnySaga>,
    pub(super) journal: Journal,
    pub(super) poke: Arc<Poke>,
    pub(super) pulse: Pulse,
    /// The row of a join whose branches are being undone.
    pub(super) joined: Joined,
    leave: Mutex<Leave>,
    /// Held by the thread that asks for leave to undo.
    pub(super) undo_turn: Turn<()>,
    shared: Mutex<Shared>,
}

/// What the instance holds of what is scarce.
#[derive(Default)]
pub(super) struct Leave {
    /// Leave to run forward; given up while it is undone.
    pub(super) forward: Option<OwnedSemaphorePermit>,
    /// Whether that leave is one to decide only.
    pub(super) deciding: bool,
    /// Leave to undo.
    pub(super) undoing: Option<OwnedSemaphorePermit>,
    /// Held until the first attempt of one that may be what kills the process.
    pub(super) alone: Option<Alone>,
    /// A request waited when the instance stood at this row.
    pub(super) waits_since: Option<u64>,
    /// Whoever waits for the start to be durable.
    pub(super) reply: Option<oneshot::Sender<Result<Started, Over>>>,
}

/// What threads hand to each other.
#[derive(Default)]
pub(super) struct Shared {
    /// What strands resume with, by path.
    payloads: BTreeMap<Box<str>, Payloads>,
    /// Whether they are what the journal says.
    stale: bool,
    /// Strands whose call was loaded, so that this process does not know that no attempt of it has begun.
    inherited: BTreeSet<Box<str>>,
    /// Attempts that this process has begun.
    pub(super) begun: Begun,
    /// How many attempts are under way at this moment.
    pub(super) attempts: usize,
    /// Answers of waits, by path.
    answers: BTreeMap<Box<str>, Answer>,
    /// The places it has in the queues of named policies.
    queues: BTreeMap<Who, &'static str>,
}

/// What ends a strand's run before its flow does.
pub(super) enum Halt {
    /// The instance is let go.
    Over(Over),
    /// It stands elsewhere now: look again.
    Turn,
    /// The join around it has failed.
    Stop,
}

impl From<Over> for Halt {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}

impl Worker {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        saga: &Arc<dyn AnySaga>,
        journal: Journal,
        payloads: BTreeMap<Box<str>, Payloads>,
        poke: Arc<Poke>,
    ) -> Self {
        Self {
            engine: Arc::clone(engine),
            saga: Arc::clone(saga),
            journal,
            poke,
            pulse: Pulse::default(),
            joined: Joined::default(),
            leave: Mutex::default(),
            undo_turn: Turn::default(),
            shared: Mutex::new(Shared { payloads, ..Shared::default() }),
        }
    }

    /// What it holds of what is scarce. Not to be kept across an await.
    pub(super) fn leave(&self) -> MutexGuard<'_, Leave> {
        self.leave.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It has leave to run forward.
    pub(super) fn has_leave(&self, permit: OwnedSemaphorePermit) {
        let mut leave = self.leave();
        leave.forward = Some(permit);
        leave.deciding = false;
    }

    /// Others may begin attempts, too.
    pub(super) fn not_alone(&self) {
        // Dropped once the lock is free.
        let alone = self.leave().alone.take();
        drop(alone);
    }

    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It stands where its journal says.
    pub(super) fn loaded(&self, loaded: Loaded) {
        let mut inherited = BTreeSet::new();
        loaded.state.root.visit("", &mut |path, _| {
            inherited.insert(path.into());
        });
        {
            let mut shared = self.shared();
            shared.payloads = loaded.payloads;
            shared.stale = false;
            shared.inherited = inherited;
            shared.answers.clear();
        }
        self.journal.inner().state = loaded.state;
    }

    pub(super) fn take_payloads(&self, path: &str) -> Payloads {
        let mut shared = self.shared();
        let payloads = shared.payloads.remove(path).unwrap_or_default();
        if shared.payloads.is_empty() {
            // An empty map keeps its room for eleven.
            shared.payloads = BTreeMap::new();
        }
        payloads
    }

    pub(super) fn put_payloads(&self, path: Box<str>, payloads: Payloads) {
        self.shared().payloads.insert(path, payloads);
    }

    pub(super) fn take_answer(&self, path: &str) -> Option<Answer> {
        self.shared().answers.remove(path)
    }

    pub(super) fn put_answer(&self, path: Box<str>, answer: Answer) {
        self.shared().answers.insert(path, answer);
    }

    /// It waits for a named policy, or does no longer.
    pub(super) fn queues(&self, policy: &'static str, who: Who, waits: bool) {
        let mut shared = self.shared();
        if waits {
            shared.queues.insert(who, policy);
        } else {
            shared.queues.remove(&who);
        }
    }

    /// Whether its turn has come at a named policy for which it waits.
    pub(super) fn is_called(&self) -> bool {
        self.shared().queues.iter().any(|(who, policy)| self.engine.policies.is_called(policy, *who))
    }

    /// It makes no attempt for which it has waited: its places are for others.
    pub(super) fn leave_queues(&self) {
        let queues = std::mem::take(&mut self.shared().queues);
        for (who, policy) in queues {
            self.engine.policies.withdraw(policy, who, self.engine.clock.now());
        }
    }

    /// This process knows of every attempt of the call at hand in this strand.
    pub(super) fn own(&self, path: &str) {
        self.shared().inherited.remove(path);
    }

    /// The inner flow that this state of a flow calls, in this branch if it is a join.
    pub(super) fn inner_flow(&self, flow: usize, state: &str, branch: Option<u32>) -> Option<usize> {
        let (_, state) = self.saga.definition().flows.get(flow)?.state(state)?;
        super::known::inner_flow(state.work, branch)
    }

    /// The strands at or beneath this path whose step may have taken effect: unless this very process knows that no attempt of
    /// it has begun (docs/semantics.md, rule 6).
    pub(super) fn doubts(&self, beneath: &str) -> Vec<Box<str>> {
        let shared = self.shared();
        let inner = self.journal.inner();
        let mut doubts = Vec::new();
        let Some(strand) = inner.state.root.at(beneath).filter(|_| !is_planted(Mistake::DoubtForgotten)) else {
            return doubts;
        };
        strand.visit(beneath, &mut |path, strand| {
            if let Some(calling) = strand.phase.calling()
                && let Doing::Step(tries) = &calling.doing
                && calling.call.step.as_ref().is_some_and(|step| step.compensation.is_some() && !step.transactional)
                && (tries.doubt || (shared.inherited.contains(path) && tries.count == 0))
            {
                doubts.push(path.into());
            }
        });
        doubts
    }

    /// Runs until the instance is let go.
    pub(crate) async fn go(&self) -> Over {
        loop {
            if let Err(over) = self.turn().await {
                return over;
            }
        }
    }

    async fn turn(&self) -> Result<(), Over> {
        let before = self.journal.inner().state.seq;
        self.push_all(&self.lost_attempts("dropped while it was under way"))?;
        self.heed().await?;
        self.deadline()?;
        self.gives_up_for_debt().await?;
        if self.journal.inner().state.seq != before {
            // What strands resume with is what was loaded before that.
            self.shared().stale = true;
        }
        let next = Next::of(self.journal.inner().state.phase());
        match next {
            Next::Forward if let Some(at) = self.begins_later() => {
                // It was taken for a decision, and stands where it did.
                self.release(Status::Sleeping, Release { wake_at: Some(at), ..Release::default() }).await?;
                Err(Over::Asleep)
            }
            Next::Forward => {
                self.forward_permit().await?;
                self.forward().await
            }
            Next::Unwind => self.unwind().await,
            Next::Parked => {
                // Whoever parked it may have died before the store was told why.
                self.release(Status::Parked, Release::default()).await?;
                Err(Over::Parked)
            }
            Next::End => {
                self.release(self.end_status(), Release::default()).await?;
                Err(Over::Ended)
            }
            Next::Nothing => Err(Over::Broken("the journal is empty".into())),
        }
    }

    /// Drives the main flow's machine from where the instance stands until the flow ends or something else has to be done.
    async fn forward(&self) -> Result<(), Over> {
        if self.engine.is_stopping() {
            return Err(self.stop().await);
        }
        Box::pin(self.refresh()).await?;
        let end = {
            let mut main = Strand::new(self, "", 0, None);
            self.shared().stale = true;
            self.drive(pin!(main.run())).await
        };
        match end {
            Ok(Ok(end)) => self.ended(end).await,
            Ok(Err(Halt::Over(over))) | Err(Halt::Over(over)) => Err(over),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Loads what strands resume with if the machine that had it is gone.
    async fn refresh(&self) -> Result<(), Over> {
        let Some(no) = self.journal.no().filter(|_| self.shared().stale) else { return Ok(()) };
        self.commit().await?;
        match load_patiently(&self.engine, no).await {
            Ok(loaded) => {
                // What this process knows of attempts it goes on knowing.
                let inherited = std::mem::take(&mut self.shared().inherited);
                self.loaded(loaded);
                self.shared().inherited = inherited;
                Ok(())
            }
            // It was waited for until the runtime stopped.
            Err((error, _)) if error.passes() => Err(Over::Stopped),
            Err((error, _)) => Err(Over::Broken(error.to_string().into())),
        }
    }

    /// One row of its journal, however long the store is away, and also if it is so new that it is not in the store yet.
    pub(super) async fn row(&self, no: InstanceNo, seq: u64) -> Result<Event, Unfoldable> {
        if let Some(row) = self.journal.pending(seq) {
            return read(&row);
        }
        let mut asking = self.engine.outage.asking();
        loop {
            match row(&*self.engine.store, no, seq).await {
                Err(error) if error.passes() => {
                    asking.failed("a journal cannot be read now", &error);
                    self.until(self.engine.clock.now().saturating_add(SECOND)).await;
                }
                read => {
                    asking.answered();
                    return read;
                }
            }
        }
    }

    /// The flow has returned.
    async fn ended(&self, end: Ended) -> Result<(), Over> {
        // Whoever asked before the end is answered before it.
        self.heed().await?;
        self.deadline()?;
        if !matches!(self.journal.inner().state.phase(), Phase::Start | Phase::After { .. }) {
            return Ok(());
        }
        match end {
            Ended::Completed(output) => {
                let (size, limit) = (output.get().len(), self.engine.limits.instance);
                if size > limit {
                    let error = format!("the saga's output is {size} bytes long, more than the limit of {limit}");
                    return Err(self.park(ParkCause::Unsavable, &error).await);
                }
                self.push(&Event::Completed { output: output.clone() })?;
                self.tell_parent(&ChildEnd::Completed(output))?;
                self.release(Status::Completed, Release::default()).await?;
                Err(Over::Ended)
            }
            Ended::Refused(refusal) => self.unwinds(UnwindCause::Refused(refusal)).await,
            Ended::Exhausted(exhausted) => {
                let (step, last_error) = (exhausted.step().into(), exhausted.last_error().into());
                self.unwinds(UnwindCause::Exhausted { step, last_error }).await
            }
            Ended::Unsavable(error) => Err(self.park(ParkCause::Unsavable, &error.to_string()).await),
        }
    }

    /// The flow has given up.
    async fn unwinds(&self, cause: UnwindCause) -> Result<(), Over> {
        if self.journal.inner().state.pivot_passed {
            let error = match &cause {
                UnwindCause::Refused(refusal) => format!("the flow was refused past the pivot: {refusal}"),
                UnwindCause::Exhausted { step, last_error } => {
                    format!("the flow gave up past the pivot: step `{step}` is exhausted: {last_error}")
                }
                UnwindCause::Cancelled { reason } => format!("the flow gave up past the pivot: {reason}"),
                UnwindCause::Deadline => "the flow gave up past the pivot".into(),
            };
            return Err(self.park(ParkCause::RefusedPastPivot, &error).await);
        }
        if let UnwindCause::Refused(refusal) = &cause {
            let (size, limit) = (refusal.get().len(), self.engine.limits.instance);
            if size > limit {
                let error = format!("the saga's refusal is {size} bytes long, more than the limit of {limit}");
                return Err(self.park(ParkCause::Unsavable, &error).await);
            }
        }
        self.push(&Event::Unwinding { cause, doubt: Vec::new() }).map(drop)
    }

    /// When it is to begin, if that is later.
    pub(super) fn begins_later(&self) -> Option<Micros> {
        let inner = self.journal.inner();
        let begins = inner.state.begins.filter(|_| matches!(inner.state.phase(), Phase::Start))?;
        (begins > self.engine.clock.now()).then_some(begins)
    }

    /// One that was taken for a decision goes on forward as any other: with leave, or it waits for that in the store
    /// (docs/semantics.md, rule 23).
    async fn forward_permit(&self) -> Result<(), Over> {
        {
            let mut leave = self.leave();
            // One that runs alone is not made to wait by those whom it makes wait.
            if !leave.deciding || leave.alone.is_some() {
                return Ok(());
            }
            if let Ok(permit) = Arc::clone(&self.engine.forward).try_acquire_owned() {
                leave.forward = Some(permit);
                leave.deciding = false;
                drop(leave);
                self.engine.freed();
                return Ok(());
            }
        }
        self.release(Status::Ready, Release::default()).await?;
        self.engine.waits();
        Err(Over::Asleep)
    }

    /// Applies an event and collects its row.
    pub(super) fn push(&self, event: &Event) -> Result<u64, Over> {
        self.journal.push(event)
    }

    /// The same with several.
    pub(super) fn push_all(&self, events: &[Event]) -> Result<(), Over> {
        events.iter().try_for_each(|event| self.push(event).map(drop))
    }

    /// Commits what is collected.
    pub(super) async fn commit(&self) -> Result<(), Over> {
        self.journal.commit().await?;
        self.acknowledge();
        Ok(())
    }

    /// Commits what is collected and lets the instance go.
    pub(super) async fn release(&self, status: Status, release: Release) -> Result<(), Over> {
        let wake_at = release.wake_at;
        self.tell_park().await;
        self.journal.release(status, release).await?;
        self.acknowledge();
        if let Some(at) = wake_at {
            self.engine.sleeps(at);
        }
        if status == Status::Waiting {
            // A message that came after the last look, and before this was durable, has told the one who was running: to the
            // store it is due at once, and nobody else will say so.
            self.engine.waits();
        }
        Ok(())
    }

    /// What a row of an earlier run says of the park: it stands in lists again.
    pub(super) async fn tell_park(&self) {
        if let (Some(row), Some(no)) = (self.journal.untold_park(), self.journal.no())
            && let Ok(event) = self.row(no, row).await
            && let (_, Event::Parked { error, .. }) = event.unwrapped()
        {
            self.journal.park_is_for(row, error);
        }
    }

    /// The start is durable.
    fn acknowledge(&self) {
        let Some(no) = self.journal.no() else { return };
        let reply = self.leave().reply.take();
        if let Some(reply) = reply {
            // Let go at once, it may have been claimed here already, and then this run is about to leave.
            let _ = self.engine.hub.enter(no, &self.poke);
            let _ = reply.send(Ok(Started { no, existing: None }));
        }
    }

    pub(super) fn warn_of_park(&self, path: &str, cause: ParkCause, error: &str) {
        let ids = &self.journal.identity.ids;
        let state = self.journal.inner().state.state_name();
        tracing::warn!(saga = %ids.saga, id = %ids.instance, %state, branch = path, %cause, error, "parked");
        self.not_alone();
    }

    /// Parks the instance, of which nothing runs. What is collected goes with it.
    pub(super) async fn park(&self, cause: ParkCause, error: &str) -> Over {
        self.warn_of_park("", cause, error);
        let undo = self.first_undo();
        let done = match self.push(&Event::Parked { cause, error: error.into(), undo }) {
            Ok(_) => self.release(Status::Parked, Release::default()).await,
            Err(over) => Err(over),
        };
        done.err().unwrap_or(Over::Parked)
    }

    /// The call whose undo is at hand and not parked, if the instance unwinds.
    fn first_undo(&self) -> Option<crate::core::CallId> {
        let inner = self.journal.inner();
        if !inner.state.phase().is_undoing() {
            return None;
        }
        let mut current = Vec::new();
        inner.state.root.log.current(&mut current);
        // Another saga is no attempt, and ends no process.
        let mut open = current.iter().filter(|(log, _)| log.parked.is_none()).map(|(_, entry)| *entry);
        let step = open.clone().find(|entry| matches!(entry, Entry::Call(_)));
        step.or_else(|| open.next()).and_then(Entry::call)
    }

    /// Gives the instance back because the runtime stops.
    pub(super) async fn stop(&self) -> Over {
        if self.journal.no().is_none() {
            return Over::Stopped;
        }
        // One that was parked in this very moment is to be seen as that, also if no other worker comes.
        let parked = matches!(self.journal.inner().state.phase(), Phase::Parked { .. });
        let status = if parked { Status::Parked } else { Status::Ready };
        self.release(status, Release::default()).await.err().unwrap_or(Over::Stopped)
    }

    /// Waits until then, here; the instance may be put to sleep meanwhile.
    pub(super) async fn until(&self, at: Micros) {
        self.until_or(at, Waits::Until(at)).await;
    }

    /// The same, for what this is a wait for.
    pub(super) async fn until_or(&self, at: Micros, what: Waits) {
        let changed = self.pulse.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let _waiting = self.pulse.wait(what);
        tokio::select! {
            biased;
            () = self.engine.clock.sleep_until(at) => {}
            () = changed => {}
        }
    }
}

/// Where a turn leads.
enum Next {
    Forward,
    Unwind,
    Parked,
    End,
    Nothing,
}

impl Next {
    fn of(phase: &Phase) -> Self {
        match phase {
            Phase::Start | Phase::Calling(_) | Phase::After { .. } | Phase::Doubted { .. } => Self::Forward,
            Phase::Unwinding { .. } => Self::Unwind,
            Phase::Parked { .. } => Self::Parked,
            Phase::Completed { .. } | Phase::Compensated { .. } => Self::End,
            Phase::Empty => Self::Nothing,
        }
    }
}
