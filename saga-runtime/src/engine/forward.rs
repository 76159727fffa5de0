//! Driving the machine: the flow's plain code, between the calls that it makes.

use super::{
    journal::Over,
    unwind_safe::{Caught, message},
    worker::{Halt, Worker},
};
use crate::{
    context::FlowContext,
    core::{Event, ParkCause, Phase, UnwindCause},
    machine::{Answer, Call, Drive, Ended, Entry, Executing, Executor, Resume, Unreadable},
    store::Status,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The store-backed executor.
struct Forward<'w> {
    worker: &'w mut Worker,
    /// How the driver is told to drop the machine.
    halt: Option<oneshot::Sender<Halt>>,
}

impl Forward<'_> {
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

impl Executor for Forward<'_> {
    fn call(&mut self, call: Call) -> Executing<'_, Answer> {
        Box::pin(async move {
            let result = self.worker.call(call).await;
            self.answer(result).await
        })
    }

    fn resume(&mut self) -> Executing<'_, Answer> {
        Box::pin(async move {
            let result = self.worker.attempts().await;
            self.answer(result).await
        })
    }
}

impl Worker {
    /// Drives the machine from where the instance stands until the flow ends or something else has to be done.
    pub(super) async fn forward(&mut self) -> Result<(), Over> {
        if self.engine.is_stopping() {
            return Err(self.stop().await);
        }
        let Some(entry) = self.entry() else {
            return Err(Over::Broken("there is nothing that the machine could resume from".into()));
        };
        let resume = Resume { entry, frame: std::mem::take(&mut self.payloads.locals) };
        let saga = Arc::clone(&self.saga);
        let ids = Arc::clone(&self.journal.identity.ids);
        let (sender, halted) = oneshot::channel();
        let driven = {
            let mut executor = Forward { worker: self, halt: Some(sender) };
            let cx = FlowContext::new(&ids.saga, &ids.instance);
            let flow = saga.flow(0, cx, Drive::new(&mut executor, resume));
            tokio::select! {
                biased;
                Ok(halt) = halted => Err(halt),
                end = Caught(flow) => Ok(end),
            }
        };
        match driven {
            Err(Halt::Turn) => Ok(()),
            Err(Halt::Over(over)) => Err(over),
            Ok(Ok(end)) => self.ended(end).await,
            Ok(Err(payload)) => Err(match payload.downcast_ref::<Unreadable>() {
                Some(unreadable) => self.park(ParkCause::Unreadable, &unreadable.to_string()).await,
                None => self.park(ParkCause::FlowPanicked, message(&*payload)).await,
            }),
        }
    }

    fn entry(&mut self) -> Option<Entry> {
        let definition = self.saga.definition();
        match &self.journal.state.phase {
            Phase::Start => Some(Entry::Start),
            Phase::Calling(calling) => Some(Entry::Calling(definition.main().state(&calling.call.state)?.0)),
            Phase::After(call) => {
                Some(Entry::After(definition.main().state(&call.state)?.0, self.payloads.answer.clone()?))
            }
            _ => None,
        }
    }

    /// The flow has returned.
    async fn ended(&mut self, end: Ended) -> Result<(), Over> {
        // Whoever asked before the end is answered before it.
        self.heed().await?;
        if !matches!(self.journal.state.phase, Phase::Start | Phase::After(_)) {
            return Ok(());
        }
        match end {
            Ended::Completed(output) => {
                let (size, limit) = (output.get().len(), self.engine.limits.instance);
                if size > limit {
                    let error = format!("the saga's output is {size} bytes long, more than the limit of {limit}");
                    return Err(self.park(ParkCause::Unsavable, &error).await);
                }
                self.push(&Event::Completed { output })?;
                self.release(Status::Completed, None).await?;
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
    async fn unwinds(&mut self, cause: UnwindCause) -> Result<(), Over> {
        if self.journal.state.pivot_passed {
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
        self.push(&Event::Unwinding { cause, doubt: false })?;
        Ok(())
    }
}
