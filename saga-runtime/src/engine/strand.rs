//! A strand as it runs: a flow's machine, or one branch of a join, and the calls that it makes.

use super::{
    SECOND,
    journal::Over,
    load::Payloads,
    pulse::Waits,
    unwind_safe::{Caught, message},
    worker::{Halt, Worker},
};
use crate::{
    context::FlowContext,
    core::{AnswerAt, CallAt, Calling, Doing, Event, Name, ParkCause, Phase, phase::Tries},
    definition::Flow,
    machine::{Answer, Call, Drive, Ended, Entry, Executing, Executor, Json, Resume, Unreadable},
};
use litemap::LiteMap;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::oneshot;

/// Whether the strands beneath a join are to begin nothing more, because one of them has failed.
#[derive(Debug, Default)]
pub(super) struct Stop {
    set: AtomicBool,
    /// The join around that join.
    outer: Option<Arc<Stop>>,
}

impl Stop {
    pub(super) fn within(outer: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { set: AtomicBool::new(false), outer })
    }

    pub(super) fn set(&self) {
        self.set.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire) || self.outer.as_ref().is_some_and(|outer| outer.is_set())
    }
}

/// A strand that runs.
pub(super) struct Strand<'w> {
    pub(super) worker: &'w Worker,
    /// Its path; the main flow's is empty.
    pub(super) path: Box<str>,
    /// The flow that it runs; of a branch that is one call, the flow that the join stands in.
    pub(super) flow: usize,
    pub(super) payloads: Payloads,
    /// Of an inner flow: its arguments, until they are saved among its locals.
    pub(super) begun_with: LiteMap<Name, Json>,
    pub(super) stop: Option<Arc<Stop>>,
    /// What the machine asks for.
    pub(super) asked: Option<Call>,
}

/// The executor of a strand's machine.
struct Hands<'s, 'w> {
    strand: &'s mut Strand<'w>,
    /// How the driver is told to drop the machine.
    halt: Option<oneshot::Sender<Halt>>,
}

impl Hands<'_, '_> {
    /// Tells the driver, and never resolves: the machine is dropped where it stands.
    async fn answer(&mut self, result: Result<Answer, Halt>) -> Answer {
        match result {
            Ok(answer) => answer,
            Err(halt) => {
                if let Some(sender) = self.halt.take() {
                    // The receiver stands in the frame that polls this.
                    let _ = sender.send(halt);
                }
                std::future::pending().await
            }
        }
    }
}

impl Executor for Hands<'_, '_> {
    fn call(&mut self, call: Call) -> Executing<'_, Answer> {
        // Put down here, so that no future has to carry it.
        self.strand.asked = Some(call);
        Box::pin(async move {
            let result = self.strand.call().await;
            self.answer(result).await
        })
    }

    fn resume(&mut self) -> Executing<'_, Answer> {
        Box::pin(async move {
            let result = self.strand.resume().await;
            self.answer(result).await
        })
    }
}

impl<'w> Strand<'w> {
    /// The strand of this path, with what was loaded for it.
    pub(super) fn new(worker: &'w Worker, path: &str, flow: usize, stop: Option<Arc<Stop>>) -> Self {
        let payloads = worker.take_payloads(path);
        let begun_with = if path.is_empty() { LiteMap::new() } else { payloads.locals.clone() };
        Self { worker, path: path.into(), flow, payloads, begun_with, stop, asked: None }
    }

    pub(super) fn definition(&self) -> &'static Flow {
        let definition = self.worker.saga.definition();
        definition.flows.get(self.flow).unwrap_or_else(|| definition.main())
    }

    /// Looks at where this strand stands.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Phase) -> T) -> Option<T> {
        self.worker.journal.inner().state.root.at(&self.path).map(|strand| look(&strand.phase))
    }

    /// The call at hand.
    pub(super) fn calling(&self) -> Result<Calling, Halt> {
        // Of a strand that is parked the call is at hand all the same, but nothing is to be done about it.
        self.look(|phase| if let Phase::Calling(calling) = phase { Some((**calling).clone()) } else { None })
            .flatten()
            .ok_or(Halt::Turn)
    }

    /// The step's call at hand, without what may be beneath it.
    pub(super) fn attempted(&self) -> Result<(CallAt, Tries), Halt> {
        let look = |phase: &Phase| match phase {
            Phase::Calling(calling) => match &calling.doing {
                Doing::Step(tries) => Some((calling.call.clone(), tries.clone())),
                _ => None,
            },
            _ => None,
        };
        self.look(look).flatten().ok_or(Halt::Turn)
    }

    /// Applies an event of this strand.
    pub(super) fn push(&self, event: Event) -> Result<u64, Over> {
        self.worker.journal.push(&event.within(&self.path))
    }

    /// The call at hand has this answer.
    pub(super) fn answer_with(&self, answer: Answer) -> Result<Answer, Over> {
        let event = Event::Answered { answer }.within(&self.path);
        self.worker.journal.push(&event)?;
        match event.into_unwrapped() {
            Event::Answered { answer } => Ok(answer),
            _ => Err(Over::Broken("an answer that is none".into())),
        }
    }

    /// Whether nothing more is to begin here.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.is_set())
    }

    /// To be passed before anything begins: waits while requests are decided, and ends the strand if its join has failed.
    pub(super) async fn boundary(&self) -> Result<(), Halt> {
        self.worker.pulse.pass().await;
        if self.is_stopped() { Err(Halt::Stop) } else { Ok(()) }
    }

    /// Parks this strand. Others of the instance go on; this one waits for a person, or for the end of its join.
    pub(super) async fn park(&self, cause: ParkCause, error: &str) -> Halt {
        self.worker.warn_of_park(&self.path, cause, error);
        if let Err(over) = self.push(Event::Parked { cause, error: error.into(), undo: None }) {
            return over.into();
        }
        // The rest of the instance may go on for long: it stands in the journal all the same.
        if !self.path.is_empty()
            && let Err(over) = self.worker.commit().await
        {
            return over.into();
        }
        self.parked().await
    }

    /// Stands where it is parked.
    pub(super) async fn parked(&self) -> Halt {
        loop {
            let changed = self.worker.pulse.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_stopped() {
                return Halt::Stop;
            }
            let _waiting = self.worker.pulse.wait(Waits::Person);
            changed.await;
        }
    }

    /// Runs the strand's machine from where it stands until its flow ends.
    pub(super) async fn run(&mut self) -> Result<Ended, Halt> {
        if self.look(|phase| matches!(phase, Phase::Parked { .. })).unwrap_or(false) {
            return Err(self.parked().await);
        }
        if self.look(|phase| matches!(phase, Phase::Doubted { .. })).unwrap_or(false) {
            Box::pin(self.worker.undo_strand(&self.path)).await?;
        }
        if self.look(|phase| matches!(phase, Phase::After { .. })).unwrap_or(false) {
            self.owes_nothing().await?;
        }
        let Some(entry) = self.entry() else {
            return Err(Over::Broken("there is nothing that the machine could resume from".into()).into());
        };
        let resume = Resume { entry, frame: std::mem::take(&mut self.payloads.locals).into_tuple_vec() };
        let (saga, flow) = (Arc::clone(&self.worker.saga), self.flow);
        let ids = Arc::clone(&self.worker.journal.identity.ids);
        let (sender, halted) = oneshot::channel();
        let driven = {
            let mut hands = Hands { strand: self, halt: Some(sender) };
            let (clock, labels) = (Arc::clone(&hands.strand.worker.engine.clock), hands.strand.worker.journal.labels());
            let cx = FlowContext::for_executor(&ids.saga, &ids.instance, clock, labels);
            let flow = saga.flow(flow, cx, Drive::new(&mut hands, resume));
            tokio::select! {
                biased;
                Ok(halt) = halted => Err(halt),
                end = Caught(flow) => Ok(end),
            }
        };
        match driven? {
            Ok(Ended::Unsavable(error)) => Err(self.park(ParkCause::Unsavable, &error.to_string()).await),
            Ok(end) => {
                self.label().await?;
                Ok(end)
            }
            Err(payload) => Err(match payload.downcast_ref::<Unreadable>() {
                Some(unreadable) => self.park(ParkCause::Unreadable, &unreadable.to_string()).await,
                None => self.park(ParkCause::FlowPanicked, message(&*payload)).await,
            }),
        }
    }

    /// The labels that the flow has set since its last call are durable with the next commit.
    pub(super) async fn label(&self) -> Result<(), Halt> {
        match self.worker.journal.label() {
            Ok(()) => Ok(()),
            Err(error) => Err(self.park(ParkCause::Unsavable, &error).await),
        }
    }

    fn entry(&mut self) -> Option<Entry> {
        let flow = self.definition();
        let (state, after) = self.look(|phase| match phase {
            Phase::Start => Some((None, false)),
            Phase::Calling(calling) => Some((Some(calling.call.state.clone()), false)),
            Phase::After { call, .. } => Some((Some(call.state.clone()), true)),
            _ => None,
        })??;
        let Some(state) = state else { return Some(Entry::Start) };
        let index = flow.state(&state)?.0;
        Some(if after { Entry::After(index, self.payloads.answer.take()?) } else { Entry::Calling(index) })
    }

    /// Goes on with the call that was loaded.
    async fn resume(&mut self) -> Result<Answer, Halt> {
        match self.calling()?.doing {
            Doing::Step(_) => self.attempts().await,
            Doing::Flow(_) => self.inner().await,
            Doing::Join(_) => self.join().await,
            Doing::Wait(_) => self.wait().await,
            Doing::Child(_) => self.await_child().await,
            Doing::Send => self.send().await,
        }
    }

    /// Runs the inner flow that was called.
    pub(super) async fn inner(&mut self) -> Result<Answer, Halt> {
        let call = self.calling()?.call;
        let Some(flow) = self.worker.inner_flow(self.flow, &call.state, None) else {
            return Err(Over::Broken(format!("state `{}` calls no inner flow", call.state).into()).into());
        };
        let path = call.path(&self.path, None);
        let mut inner = Strand::new(self.worker, &path, flow, self.stop.clone());
        // Boxed, since a flow may be called in a flow.
        let end = Box::pin(inner.run()).await?;
        self.boundary().await?;
        let then = answer_of(end);
        self.settled(then, &[]).await
    }

    /// The call has this answer; if it failed and left something behind, that is undone before the flow is told.
    pub(super) async fn settled(&mut self, then: Answer, doubt: &[Box<str>]) -> Result<Answer, Halt> {
        let failed = !matches!(then, Answer::Done(_) | Answer::All(_));
        if failed && self.owes(doubt) {
            let doubt = doubt.iter().filter_map(|path| relative(path, &self.path)).collect();
            self.push(Event::Doubted { then: then.clone(), doubt })?;
            self.worker.commit().await?;
            return self.left_nothing(then).await;
        }
        let then = self.answer_with(then)?;
        if failed {
            self.owes_nothing().await?;
        }
        Ok(then)
    }

    /// What the call at hand left behind is undone; then it has this answer.
    pub(super) async fn left_nothing(&mut self, then: Answer) -> Result<Answer, Halt> {
        Box::pin(self.worker.undo_strand(&self.path)).await?;
        match self.look(|phase| matches!(phase, Phase::After { .. })) {
            Some(true) => self.owes_nothing().await.map(|()| then),
            // A branch that is one call has ended with its undo, and is no more.
            None => Ok(then),
            Some(false) => Err(Halt::Turn),
        }
    }

    /// A flow is promised that what it sees fail left nothing behind. Where an undo was skipped, something did: the flow is not told, and
    /// once everything of the instance stands still, that gives up.
    async fn owes_nothing(&self) -> Result<(), Halt> {
        if !self.worker.owes() {
            return Ok(());
        }
        if self.path.is_empty() {
            return Err(Halt::Turn);
        }
        self.worker.poke.ring();
        Err(self.parked().await)
    }

    /// Whether the call at hand leaves something to be undone.
    fn owes(&self, doubt: &[Box<str>]) -> bool {
        let inner = self.worker.journal.inner();
        let Some(strand) = inner.state.root.at(&self.path) else { return false };
        let doubt = doubt.iter().map(|path| &**path).collect();
        // What the strand completed before stays.
        strand.undo(&self.path, &doubt).len() > strand.log.entries.len()
    }

    /// Waits for a time, a message or a child: whoever drives the instance decides which it is.
    pub(super) async fn wait(&mut self) -> Result<Answer, Halt> {
        loop {
            let changed = self.worker.pulse.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(answer) = self.worker.take_answer(&self.path) {
                return Ok(answer);
            }
            self.boundary().await?;
            if let Some(answer) = self.worker.take_answer(&self.path) {
                // It came while this waited for leave to go on.
                return Ok(answer);
            }
            let until = match self.calling()?.doing {
                Doing::Wait(wait) => wait.until,
                _ => None,
            };
            let _waiting = self.worker.pulse.wait(Waits::Message(until));
            changed.await;
        }
    }

    /// Waits until the next attempt of the step at hand is due.
    pub(super) async fn due(&self) -> Result<(), Halt> {
        loop {
            self.boundary().await?;
            let due = self.attempted()?.1.retry_at;
            let now = self.worker.engine.clock.now();
            if due.is_some() {
                // A failed attempt is durable before its back-off ends, and before the next one.
                self.worker.commit().await?;
            }
            let Some(at) = due.filter(|at| *at > now) else { return Ok(()) };
            self.worker.until(at).await;
        }
    }

    /// Commits what is collected if it is older than a second.
    pub(super) async fn commit_in_time(&self) -> Result<(), Over> {
        let last = self.worker.journal.inner().committed_at;
        if self.worker.engine.clock.now() - last >= SECOND { self.worker.commit().await } else { Ok(()) }
    }

    /// Where the answer of the call is, once it has one.
    pub(super) fn has_answer(&self) -> bool {
        self.look(|phase| matches!(phase, Phase::After { answer: AnswerAt::Rows(_) | AnswerAt::Row(_), .. }))
            .unwrap_or(false)
    }
}

/// The end of a flow as an answer to whoever called it.
pub(super) fn answer_of(end: Ended) -> Answer {
    match end {
        Ended::Completed(json) => Answer::Done(json),
        Ended::Refused(json) => Answer::Refused(json),
        Ended::Exhausted(exhausted) => {
            Answer::Exhausted { step: exhausted.step().into(), last_error: exhausted.last_error().into() }
        }
        Ended::Unsavable(error) => Answer::Exhausted { step: error.name.clone(), last_error: error.to_string().into() },
    }
}

/// The rest of a path beneath another.
fn relative(path: &str, above: &str) -> Option<Box<str>> {
    let rest = path.strip_prefix(above)?;
    Some(rest.strip_prefix('/').unwrap_or(rest).into())
}
