//! One attempt of a step or of a compensation: with its timeout, its panic caught, its answer weighed.

use super::{
    Point, SECOND,
    call::unreadable,
    journal::Over,
    transact::Records,
    unwind_safe::{Caught, message},
    worker::Worker,
};
use crate::{
    context::{Held, StepContext},
    core::{Name, decide::Ended},
    machine::{Arguments, Attempt, Attempted, Json, RawValue, Tried},
    policy::Verdict,
    store::{Micros, within},
};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

/// What is attempted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work<'a> {
    /// The step that is called in this strand, by this row.
    Step { path: &'a str, row: u64 },
    /// Its compensation, with the step's output if that is known.
    Undo(Option<&'a RawValue>),
}

/// An attempt that is to be made.
#[derive(Debug)]
pub(super) struct Effort<'a> {
    pub(super) work: Work<'a>,
    /// The step's index.
    pub(super) index: usize,
    pub(super) state: Name,
    pub(super) key: Arc<str>,
    pub(super) undoes: Option<Arc<str>>,
    /// Which, from 1.
    pub(super) attempt: u32,
    /// How long it may take.
    pub(super) timeout: Micros,
    /// What it is recorded as, if it is made in a transaction of the store.
    pub(super) records: Option<Records<'a>>,
}

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) ended: Ended,
    /// The output or the refusal.
    pub(super) json: Option<Json>,
    /// In words, if it failed.
    pub(super) error: Box<str>,
    /// Whether its answer is recorded already, with what it wrote.
    pub(super) recorded: bool,
    /// Whether what it wrote was taken back.
    pub(super) rolled_back: bool,
}

impl Made {
    pub(super) fn failed(ended: Ended, error: impl Into<Box<str>>) -> Self {
        Self { ended, json: None, error: error.into(), recorded: false, rolled_back: false }
    }

    /// Whether it is journaled as a failed attempt.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self.ended, Ended::Failed { .. } | Ended::Panicked | Ended::Unrecordable)
    }

    /// What it says of the participant. What broke on this side, or asks for a person, says nothing.
    pub(super) fn verdict(&self) -> Verdict {
        match self.ended {
            Ended::Done | Ended::Refused => Verdict::Well,
            Ended::Failed { park: false, .. } => Verdict::Ill,
            Ended::Failed { .. } | Ended::Panicked | Ended::Unrecordable | Ended::Unreadable => Verdict::Nothing,
        }
    }

    /// Whether it may have taken effect although it failed.
    pub(super) fn may_have_effect(&self) -> bool {
        !self.rolled_back && !matches!(self.ended, Ended::Failed { effect: false, .. })
    }
}

/// An attempt that is under way, until this is dropped.
struct UnderWay<'w>(&'w Worker);

impl<'w> UnderWay<'w> {
    fn new(worker: &'w Worker) -> Self {
        worker.shared().attempts += 1;
        Self(worker)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.shared().attempts -= 1;
    }
}

impl Worker {
    /// Makes one attempt.
    pub(super) async fn attempt(&self, effort: &Effort<'_>, arguments: &Arguments) -> Result<Made, Over> {
        let (engine, saga) = (Arc::clone(&self.engine), Arc::clone(&self.saga));
        let ids = Arc::clone(&self.journal.identity.ids);
        let undo = matches!(effort.work, Work::Undo(_));
        let (instance, state, attempt) = (&*ids.instance, &*effort.state, effort.attempt);
        let (pass, held) = loop {
            let is_alone = self.leave().alone.is_some();
            let pass = if is_alone { engine.gate.pass_alone() } else { engine.gate.pass().await };
            engine.at(Point::BeforeAttempt { instance, state, undo, attempt }).await;
            let held = if effort.records.is_some() { Box::pin(self.begin()).await? } else { Held::default() };
            // The last that is done before the participant hears of it: nothing is awaited in between.
            if self.journal.life.lease.is_good() {
                break (pass, held);
            }
            // Nobody waits for whoever waits for that.
            drop((pass, held));
            Box::pin(self.is_alive()).await;
        };
        let begun = engine.clock.now();
        let _under_way = UnderWay::new(self);
        if let Work::Step { path, row } = effort.work {
            self.begins(path, row, attempt);
        }
        let timeout = Duration::from_micros(u64::try_from(effort.timeout).unwrap_or(1));
        let cx = StepContext {
            ids: Arc::clone(&ids),
            state: effort.state.clone(),
            key: effort.key.clone(),
            undoes: effort.undoes.clone(),
            attempt,
            deadline: Instant::now() + timeout,
            held: held.clone(),
        };
        let attempted = {
            let running: Attempt<'_> = match effort.work {
                Work::Step { .. } => saga.step(effort.index, cx, arguments),
                Work::Undo(output) => saga.compensate(effort.index, cx, arguments, output),
            };
            let running: Attempt<'_> = if held.is_one() { Box::pin(within(state, running)) } else { running };
            let mut running = Caught(running);
            match poll_fn(|cx| Poll::Ready(Pin::new(&mut running).poll(cx))).await {
                // What is over at once needs no timer.
                Poll::Ready(ended) => Some(ended),
                Poll::Pending => self.wait_for(running, begun, effort.timeout, held.is_one()).await?,
            }
        };
        drop(pass);
        self.not_alone();
        engine.at(Point::AfterAttempt { instance, state, undo, attempt }).await;
        let made = self.weighed(attempted, effort, timeout);
        match effort.records {
            Some(records) => Box::pin(self.conclude(&held, records, made)).await,
            None => Ok(made),
        }
    }

    /// Waits for what has begun, and was just polled, but no longer than its timeout.
    async fn wait_for<T>(
        &self,
        mut running: impl Future<Output = T> + Unpin,
        begun: Micros,
        timeout: Micros,
        transactional: bool,
    ) -> Result<Option<T>, Over> {
        let over = self.engine.clock.sleep_until(begun.saturating_add(timeout));
        tokio::pin!(over);
        // It was polled a moment ago and will ring: who only wanted to let others go first is to wait for his turn.
        let mut just_polled = true;
        loop {
            // What may be done while it runs: let the others begin after a second, and save what read-only steps before it have
            // answered.
            let alone_until = self.leave().alone.is_some().then_some(begun.saturating_add(SECOND));
            // In a transaction nothing else is written: there is nothing to save, and it would wait for this one.
            let save_at = self.journal.save_at().filter(|_| !transactional);
            tokio::select! {
                biased;
                ended = poll_fn(|cx| {
                    if std::mem::take(&mut just_polled) { Poll::Pending } else { Pin::new(&mut running).poll(cx) }
                }) => return Ok(Some(ended)),
                () = &mut over => return Ok(None),
                () = self.engine.sleep_until_some(alone_until) => {
                    self.not_alone();
                }
                () = self.engine.sleep_until_some(save_at) => {
                    self.commit().await?;
                }
            }
        }
    }

    /// Waits until this worker has shown once more that it is alive. If it was taken for dead, it ends with everything that ran in
    /// that life.
    async fn is_alive(&self) {
        let lease = &self.journal.life.lease;
        tracing::debug!(id = %self.journal.identity.ids.instance, "waits: this worker may have been taken for dead");
        loop {
            let renewal = lease.renewal();
            tokio::pin!(renewal);
            renewal.as_mut().enable();
            if lease.is_good() {
                return;
            }
            // The instance may be let go meanwhile, or decided upon.
            tokio::select! {
                biased;
                () = renewal => {}
                () = self.until(self.engine.clock.now().saturating_add(SECOND / 2)) => {}
            }
        }
    }

    fn weighed(
        &self,
        attempted: Option<Result<Tried, Box<dyn std::any::Any + Send>>>,
        effort: &Effort<'_>,
        timeout: Duration,
    ) -> Made {
        let limit = self.engine.limits.step;
        let recorded = |ended, json: Json| {
            let size = json.get().len();
            if size <= limit {
                return Made { json: Some(json), ..Made::failed(ended, "") };
            }
            let error =
                format!("the answer of `{}` is {size} bytes long, more than the limit of {limit}", effort.state);
            Made::failed(Ended::Unrecordable, error)
        };
        match attempted {
            None => {
                let error = format!("no answer within {timeout:?}");
                Made::failed(Ended::Failed { effect: true, after: None, park: false }, error)
            }
            Some(Err(payload)) => Made::failed(Ended::Panicked, format!("panicked: {}", message(&*payload))),
            Some(Ok(Ok(Attempted::Done(json)))) => recorded(Ended::Done, json),
            Some(Ok(Ok(Attempted::Refused(json)))) => recorded(Ended::Refused, json),
            Some(Ok(Ok(Attempted::Transient(transient)))) => {
                let ended = Ended::Failed { effect: transient.effect, after: transient.after, park: transient.park };
                Made::failed(ended, transient.message)
            }
            Some(Ok(Ok(Attempted::Unrecordable(error)))) => Made::failed(Ended::Unrecordable, unreadable(&error)),
            Some(Ok(Err(error))) => Made::failed(Ended::Unreadable, unreadable(&error)),
        }
    }
}
