//! Requests: the owner alone decides them, and whoever asked is answered with the row that says so.

use super::{journal::Over, worker::Worker};
use crate::{
    core::{
        Decided, Event, How, Phase, UnwindCause, Verb,
        decide::key_expired,
        instance::Calling,
        request::{Grant, Request, decide},
    },
    machine::Answer,
    store::RequestNo,
};

impl Worker {
    /// Decides whatever lies in the inbox, if there may be anything. The instance may stand elsewhere afterwards.
    pub(super) async fn heed(&mut self) -> Result<(), Over> {
        let rung = self.poke.answered();
        let moved = self.waits_since.is_some_and(|row| row != self.journal.state.seq);
        let Some(no) = self.journal.no.filter(|_| rung || moved) else { return Ok(()) };
        let inbox = match self.engine.store.inbox(no).await {
            Ok(inbox) => inbox,
            Err(error) => {
                tracing::warn!(%error, "the inbox cannot be read now");
                // Looked at again with the next move.
                self.waits_since = Some(0);
                self.engine.hub.want(no);
                return Ok(());
            }
        };
        self.waits_since = None;
        for (number, body) in inbox {
            match serde_json::from_str::<Request>(&body) {
                Ok(request) => self.decide(number, &request)?,
                Err(error) => {
                    tracing::warn!(%error, request = number.0, "a request cannot be read");
                    self.journal.consume(number);
                }
            }
        }
        if self.waits_since.is_some() {
            self.waits_since = Some(self.journal.state.seq);
            self.engine.hub.want(no);
        }
        if !matches!(self.journal.state.phase, Phase::Parked { .. }) && !self.journal.state.phase.is_end() {
            // Nothing is promised to whoever asked before it is durable.
            self.commit().await?;
        }
        Ok(())
    }

    fn decide(&mut self, number: RequestNo, request: &Request) -> Result<(), Over> {
        let refused = match decide(&self.journal.state, request, self.key_has_expired()) {
            Grant::Waits => {
                self.waits_since = Some(self.journal.state.seq);
                return Ok(());
            }
            Grant::Refused(reason) => Some(reason.into()),
            Grant::Granted => self.wrong_output(request),
        };
        let granted = refused.is_none();
        tracing::info!(
            id = %self.journal.identity.ids.instance, verb = request.verb.name(), by = %request.by, granted, "decided"
        );
        // Before the decision takes it out of its park.
        let doubt = self.may_have_begun();
        let (verb, by, why) = (request.verb, request.by.clone(), request.why.clone());
        let decided = Decided { request: number.0, verb, by: by.clone(), why: why.clone(), refused };
        self.push(&Event::Decided(Box::new(decided)))?;
        self.journal.consume(number);
        if !granted {
            return Ok(());
        }
        match verb {
            Verb::Retry => {}
            Verb::Cancel => self.unwind(why, doubt)?,
            // Past the pivot the only way is forward: it is made again.
            Verb::DidNotHappen if self.journal.state.pivot_passed => {}
            Verb::DidNotHappen => self.unwind(why, false)?,
            Verb::Resolve => match (&self.journal.state.phase, &request.output) {
                (Phase::Calling(_), Some(output)) => {
                    self.push(&Event::Answered { answer: Answer::Done(output.clone()) })?;
                }
                _ => self.undone_by(How::Resolved { by, why })?,
            },
            Verb::Skip => {
                let doubted = matches!(self.journal.state.phase, Phase::Doubted { .. });
                self.undone_by(How::Skipped { by, why: why.clone() })?;
                if doubted {
                    // The flow is promised that a step which it sees fail left nothing behind: this one did, so the flow
                    // does not go on.
                    let cause = match &self.payloads.answer {
                        Some(answer) => UnwindCause::from_answer(answer, &why),
                        None => UnwindCause::Cancelled { reason: why },
                    };
                    self.push(&Event::Unwinding { cause, doubt: false })?;
                }
            }
            Verb::Settle => {
                for owed in self.journal.state.debt.clone() {
                    self.push(&Event::DebtSettled { call: owed.call, by: by.clone(), why: why.clone() })?;
                }
            }
        }
        Ok(())
    }

    fn unwind(&mut self, reason: Box<str>, doubt: bool) -> Result<(), Over> {
        self.push(&Event::Unwinding { cause: UnwindCause::Cancelled { reason }, doubt }).map(drop)
    }

    fn undone_by(&mut self, how: How) -> Result<(), Over> {
        let Some(undo) = self.journal.state.undo.last() else { return Ok(()) };
        let call = undo.call;
        self.push(&Event::Undone { call, how }).map(drop)
    }

    /// Whether the call at hand may have taken effect: unless this very process knows that no attempt of it has begun
    /// (SEMANTICS.md rule 6).
    fn may_have_begun(&self) -> bool {
        match self.journal.state.phase.beneath() {
            Phase::Calling(Calling { call, tries }) => {
                call.compensation.is_some() && (tries.doubt || (self.inherited && tries.count == 0))
            }
            _ => false,
        }
    }

    fn key_has_expired(&self) -> bool {
        let Phase::Calling(Calling { call, tries }) = self.journal.state.phase.beneath() else { return false };
        let step = self.saga.definition().step(&call.step);
        step.is_some_and(|(_, step)| key_expired(tries, step.key_valid, self.engine.clock.now()))
    }

    /// Why the output that a step is to be resolved with is none.
    fn wrong_output(&self, request: &Request) -> Option<Box<str>> {
        let (Verb::Resolve, Phase::Calling(calling)) = (request.verb, self.journal.state.phase.beneath()) else {
            return None;
        };
        let output = request.output.as_ref()?;
        let Some((index, step)) = self.saga.definition().step(&calling.call.step) else {
            return Some("there is no such step".into());
        };
        let limit = self.engine.limits.step;
        if output.get().len() > limit {
            return Some(format!("the output is longer than the limit of {limit} bytes").into());
        }
        let error = self.saga.check_output(index, output).err()?;
        Some(format!("this is no output of step `{}`: {error}", step.name).into())
    }
}
