//! One running instance: what its task holds, and how it takes turns between going forward and undoing.

use super::{
    Engine, SECOND,
    erased::AnySaga,
    gate::Alone,
    hub::Poke,
    journal::{Journal, Over, Release},
    known::unknown_to,
    load::{Loaded, Payloads, Unfoldable, load},
    pulse::{Pulse, Waits},
    start::Started,
    strand::Strand,
};
use crate::{
    core::{Doing, Entry, Event, Failed, ParkCause, Phase, State, UnwindCause, child::ChildEnd},
    machine::{Answer, Ended},
    policy::Who,
    store::{Claimed, InstanceNo, Micros, Status, StoreError},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// After so many recoveries without progress, an instance is parked rather than tried once more.
const RECOVERIES: u32 = 3;

/// One running instance. Its threads are polled by one task and share this.
pub(crate) struct Worker {
    pub(super) engine: Arc<Engine>,
    pub(super) saga: Arc<dyn AnySaga>,
    pub(super) journal: Journal,
    pub(super) poke: Arc<Poke>,
    pub(super) pulse: Pulse,
    leave: Mutex<Leave>,
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
struct Shared {
    /// What strands resume with, by path.
    payloads: BTreeMap<Box<str>, Payloads>,
    /// Whether they are what the journal says.
    stale: bool,
    /// Strands whose call was loaded, so that this process does not know that no attempt of it has begun.
    inherited: BTreeSet<Box<str>>,
    /// Answers of waits, by path.
    answers: BTreeMap<Box<str>, Answer>,
    /// The places it has in the queues of named policies.
    queues: HashMap<Who, &'static str>,
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
pub(crate) async fn run_fresh(worker: Worker) {
    let over = worker.go().await;
    let over = worker.settle(over).await;
    let reply = worker.leave().reply.take();
    if let Some(reply) = reply {
        // The starter may be gone.
        let _ = reply.send(Err(over));
    }
    let (engine, no) = (Arc::clone(&worker.engine), worker.journal.no());
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
    let journal = Journal::claimed(engine, instance, status, State::default());
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
    if let Some(unknown) = unknown_to(saga.definition(), &loaded.state) {
        let named = Some(unknown);
        return journal.give_back(Status::WaitsForBuild, named).await.err().unwrap_or(Over::WaitsForBuild);
    }
    // One that was given back by a build that did not know it may have been running before that.
    let lost = claimed.orphaned || instance.status == Status::WaitsForBuild;
    let worker = Worker::new(engine, saga, journal, BTreeMap::new(), Arc::clone(poke));
    worker.loaded(loaded);
    {
        let mut leave = worker.leave();
        leave.forward = Some(permit);
        leave.deciding = decision;
    }
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
async fn park_unfolded(journal: Journal, last: u64, error: &str) -> Over {
    let status = journal.inner().status;
    if status == Status::Parked {
        return journal.give_back(Status::Parked, None).await.err().unwrap_or(Over::Broken(error.into()));
    }
    tracing::error!(id = %journal.identity.ids.instance, error, "parked: the journal cannot be read");
    {
        let mut inner = journal.inner();
        inner.state.seq = last;
        inner.state.root.phase = Phase::Start;
    }
    let event = Event::Parked { cause: ParkCause::Unreadable, error: error.into(), undo: None };
    if let Err(over) = journal.push(&event) {
        return over;
    }
    journal.release(Status::Parked, Release::default()).await.err().unwrap_or(Over::Broken(error.into()))
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
        payloads: BTreeMap<Box<str>, Payloads>,
        poke: Arc<Poke>,
    ) -> Self {
        Self {
            engine: Arc::clone(engine),
            saga: Arc::clone(saga),
            journal,
            poke,
            pulse: Pulse::default(),
            leave: Mutex::default(),
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

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It stands where its journal says.
    fn loaded(&self, loaded: Loaded) {
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
        self.shared().payloads.remove(path).unwrap_or_default()
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
    /// it has begun (SEMANTICS.md rule 6).
    pub(super) fn doubts(&self, beneath: &str) -> Vec<Box<str>> {
        let shared = self.shared();
        let inner = self.journal.inner();
        let mut doubts = Vec::new();
        let Some(strand) = inner.state.root.at(beneath) else { return doubts };
        strand.visit(beneath, &mut |path, strand| {
            if let Some(calling) = strand.phase.calling()
                && let Doing::Step(tries) = &calling.doing
                && calling.call.step.as_ref().is_some_and(|step| step.compensation.is_some())
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
        self.heed().await?;
        self.deadline()?;
        self.gives_up_for_debt()?;
        if self.journal.inner().state.seq != before {
            // What strands resume with is what was loaded before that.
            self.shared().stale = true;
        }
        let next = Next::of(self.journal.inner().state.phase());
        match next {
            Next::Forward => {
                self.forward_permit().await?;
                self.forward().await
            }
            Next::Unwind => self.unwind().await,
            Next::Parked => {
                let named = self.journal.inner().state.state_name();
                self.journal.give_back(Status::Parked, Some(named)).await?;
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
        self.refresh().await?;
        let mut main = Strand::new(self, "", 0, None);
        self.shared().stale = true;
        match self.drive(main.run()).await {
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
            Err((error, _)) => Err(Over::Broken(error.to_string().into())),
        }
    }

    /// Polls what the instance does, and looks after it: answers what it waits for, and decides about it whenever all of it
    /// waits.
    pub(super) async fn drive<T>(&self, work: impl Future<Output = T>) -> Result<T, Halt> {
        let _thread = self.pulse.thread();
        tokio::pin!(work);
        let clock = &self.engine.clock;
        let mut asked = false;
        loop {
            let (due, deadline) = (self.next_time(), self.next_deadline());
            let answers = tokio::select! {
                biased;
                end = &mut work => {
                    self.pulse.open();
                    return Ok(end);
                }
                () = self.pulse.moved() => {
                    if self.pulse.is_newly_still() {
                        let looked = self.look_after().await;
                        asked = false;
                        self.pulse.open();
                        looked?;
                    }
                    false
                }
                () = clock.sleep_until(due.unwrap_or_default()), if due.is_some() => true,
                () = self.poke.rings(), if !asked => {
                    asked = true;
                    self.pulse.close();
                    true
                }
                () = self.engine.stops(), if !asked => {
                    asked = true;
                    self.pulse.close();
                    false
                }
                () = clock.sleep_until(deadline.unwrap_or_default()), if deadline.is_some() && !asked => {
                    asked = true;
                    self.pulse.close();
                    false
                }
            };
            if answers {
                // What is under way goes on meanwhile: it may be writing.
                tokio::select! {
                    biased;
                    end = &mut work => {
                        self.pulse.open();
                        return Ok(end);
                    }
                    answered = self.answer_now() => {
                        answered?;
                    }
                }
            }
        }
    }

    /// Answers what has come of what is waited for.
    async fn answer_now(&self) -> Result<bool, Over> {
        let answered = self.answer_waits().await?;
        if answered {
            self.commit().await?;
            self.pulse.stir();
        }
        Ok(answered)
    }

    /// Every thread waits: requests, times and messages are decided, and the instance is let go if nothing is left to do soon.
    async fn look_after(&self) -> Result<(), Halt> {
        if self.engine.is_stopping() {
            return Err(self.stop().await.into());
        }
        let before = self.journal.inner().state.seq;
        self.heed().await?;
        self.deadline()?;
        let now = self.engine.clock.now();
        if self.journal.inner().state.seq != before {
            self.commit().await?;
            return Err(Halt::Turn);
        }
        if self.answer_now().await? {
            return Ok(());
        }
        let waits = self.pulse.waits();
        if waits.contains(&Waits::Gate) {
            return Ok(());
        }
        let times = waits.iter().filter_map(|wait| match wait {
            Waits::Until(at) | Waits::Message(Some(at)) => Some(*at),
            _ => None,
        });
        let soonest = times.min();
        let listens = waits.iter().any(|wait| matches!(wait, Waits::Message(_)));
        let soon = soonest.is_some_and(|at| at.saturating_sub(now) <= SECOND);
        if soon || !(soonest.is_some() || listens || waits.contains(&Waits::Person)) {
            return Ok(());
        }
        let deadline = self.deadline_at();
        Err(self.rest(soonest, deadline, listens).await.into())
    }

    /// Lets the instance go until then, or until a message comes, or for a person to look at.
    async fn rest(&self, soonest: Option<Micros>, deadline: Option<Micros>, listens: bool) -> Over {
        let wake_at = [soonest, deadline].into_iter().flatten().min();
        let (status, over) = if listens {
            (Status::Waiting, Over::Asleep)
        } else if soonest.is_some() {
            (Status::Sleeping, Over::Asleep)
        } else {
            (Status::Parked, Over::Parked)
        };
        let wake_at = wake_at.filter(|_| status != Status::Parked);
        let awaits = if listens { self.awaited() } else { Vec::new() };
        self.release(status, Release { wake_at, awaits, ..Release::default() }).await.err().unwrap_or(over)
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
                self.tell_parent(ChildEnd::Completed(output))?;
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

    /// One that was taken for a decision goes on forward as any other: with leave, or it waits for that in the store
    /// (SEMANTICS.md rule 23).
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

    /// Counts the attempts that were lost with their worker, before anything runs (SEMANTICS.md rule 14).
    async fn recover(&self, lost: bool) -> Result<(), Over> {
        let (running, undoing, count) = {
            let inner = self.journal.inner();
            let state = &inner.state;
            (may_run(state, self.engine.clock.now()), state.is_undoing(), state.recoveries + 1)
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
        tracing::info!(id = %self.journal.identity.ids.instance, count, "recovered");
        self.push(&Event::Recovered { count })?;
        self.commit().await
    }

    /// Applies an event and collects its row.
    pub(super) fn push(&self, event: &Event) -> Result<u64, Over> {
        self.journal.push(event)
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
        self.journal.release(status, release).await?;
        self.acknowledge();
        if let Some(at) = wake_at {
            self.engine.sleeps(at);
        }
        Ok(())
    }

    /// The start is durable.
    fn acknowledge(&self) {
        let Some(no) = self.journal.no() else { return };
        let reply = self.leave().reply.take();
        if let Some(reply) = reply {
            self.engine.hub.enter(no, &self.poke);
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

    /// The call whose undo is at hand, if the instance unwinds.
    fn first_undo(&self) -> Option<crate::core::CallId> {
        let inner = self.journal.inner();
        if !inner.state.phase().is_undoing() {
            return None;
        }
        let mut current = Vec::new();
        inner.state.root.log.current(&mut current);
        current.first().and_then(|(_, entry)| entry.call())
    }

    /// Gives the instance back because the runtime stops.
    async fn stop(&self) -> Over {
        if self.journal.no().is_none() {
            return Over::Stopped;
        }
        self.release(Status::Ready, Release::default()).await.err().unwrap_or(Over::Stopped)
    }

    /// Waits until then, here; the instance may be put to sleep meanwhile.
    pub(super) async fn until(&self, at: Micros) {
        let changed = self.pulse.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let _waiting = self.pulse.wait(Waits::Until(at));
        tokio::select! {
            () = self.engine.clock.sleep_until(at) => {}
            () = changed => {}
        }
    }

    /// What is left to say of the call at hand when the rows about it cannot be written: it may have taken effect.
    fn lost_rows(&self, reason: &str) -> Option<Event> {
        let inner = self.journal.inner();
        let calling = inner.state.phase().calling()?;
        let (Doing::Step(tries), Some(step)) = (&calling.doing, &calling.call.step) else { return None };
        let effect = step.class.has_effect();
        let (attempt, error) = (tries.count + 1, reason.into());
        effect.then_some(Event::AttemptFailed(Failed { attempt, error, effect, retry_at: None }))
    }

    /// Parks an instance whose last commit was rejected, or whose rows contradict each other: from what is stored.
    async fn settle(&self, over: Over) -> Over {
        self.not_alone();
        let waits_since = self.leave().waits_since;
        if let (Over::Ended, Some(_)) | (Over::Parked | Over::Asleep, Some(0)) = (&over, waits_since) {
            // A request that waited for what came next, and nothing comes any more, or an inbox that could not be read:
            // it is looked at by itself.
            self.poke.ring();
        }
        let (cause, reason) = match &over {
            Over::Rejected(reason) => (ParkCause::Unsavable, reason.clone()),
            Over::Broken(reason) => (ParkCause::Unreadable, reason.clone()),
            _ => return over,
        };
        let Some(no) = self.journal.no() else { return over };
        // What happened is kept, if it is not itself what cannot be written.
        let mut kept = Some(self.journal.forget());
        let mut again = over;
        for _ in 0..2 {
            match load_patiently(&self.engine, no).await {
                Ok(loaded) => self.loaded(loaded),
                Err((error, _)) => return Over::Broken(error.to_string().into()),
            }
            let parked = matches!(self.journal.inner().state.phase(), Phase::Parked { .. });
            if parked || self.journal.inner().state.phase().is_end() {
                return again;
            }
            let answers = kept.take().unwrap_or_default();
            let mut events: Vec<Event> = answers.iter().filter_map(|row| Event::from_text(&row.event).ok()).collect();
            let mut cause = cause;
            if events.is_empty()
                && let Some(lost) = self.lost_rows(&reason)
            {
                events.push(lost);
                cause = ParkCause::Unrecordable;
            }
            if events.iter().any(|event| self.push(event).is_err()) {
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

/// Whether an attempt may have been running when the owner died: not where everything waits, is parked or has ended.
fn may_run(state: &State, now: Micros) -> bool {
    let due = |retry_at: Option<Micros>| retry_at.is_none_or(|due| due <= now);
    let mut running = false;
    state.root.visit("", &mut |_, strand| {
        running |= match &strand.phase {
            Phase::Start | Phase::After { .. } => true,
            Phase::Calling(calling) => matches!(&calling.doing, Doing::Step(tries) if due(tries.retry_at)),
            Phase::Doubted { .. } | Phase::Unwinding { .. } => {
                let mut current = Vec::new();
                strand.log.current(&mut current);
                strand.log.below.is_some()
                    || current.is_empty()
                    || current.iter().any(|(log, entry)| {
                        matches!(entry, Entry::Call(_)) && log.parked.is_none() && due(log.tries.retry_at)
                    })
            }
            _ => false,
        };
    });
    running
}
