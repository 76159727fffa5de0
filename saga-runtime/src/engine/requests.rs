//! Requests: the owner alone decides them, and whoever asked is answered with the row that says so.

use super::{journal::Over, pulse::Waits, worker::Worker};
use crate::{
    core::{
        AnswerAt, Decided, Doing, Event, How, ParkAt, Phase, UnwindCause, Verb,
        decide::key_expired,
        request::{Grant, Request, can_cancel, decide},
    },
    definition::Definition,
    machine::Answer,
    store::{Micros, RequestNo},
};

impl Worker {
    /// Decides whatever lies in the inbox, if there may be anything. Nothing of the instance is under way meanwhile, and it may
    /// stand elsewhere afterwards.
    pub(super) async fn heed(&self) -> Result<(), Over> {
        let rung = self.poke.answered();
        let seq = self.journal.inner().state.seq;
        let moved = self.leave().waits_since.is_some_and(|row| row != seq);
        let Some(no) = self.journal.no().filter(|_| rung || moved) else { return Ok(()) };
        let mut asking = self.engine.outage.asking();
        let inbox = match self.engine.store.inbox(no).await {
            Ok(inbox) => {
                asking.answered();
                inbox
            }
            Err(error) => {
                asking.failed("an inbox cannot be read now", &error);
                // Looked at again with the next move.
                self.leave().waits_since = Some(0);
                self.engine.hub.want(no);
                return Ok(());
            }
        };
        self.leave().waits_since = None;
        let mut open = Vec::with_capacity(inbox.len());
        for (number, body) in inbox {
            match serde_json::from_str::<Request>(&body) {
                Ok(request) => open.push((number, request)),
                Err(error) => {
                    tracing::warn!(%error, request = number.0, "a request cannot be read");
                    self.journal.consume(number);
                }
            }
        }
        // What one of them leads to may be what another one waits for.
        loop {
            let before = (open.len(), self.journal.inner().state.seq);
            let mut waiting = Vec::new();
            for (number, request) in open {
                if !self.decide(number, &request).await? {
                    waiting.push((number, request));
                }
            }
            open = waiting;
            if open.is_empty() || before == (open.len(), self.journal.inner().state.seq) {
                break;
            }
        }
        if !open.is_empty() {
            self.leave().waits_since = Some(0);
        }
        let (seq, at_rest) = {
            let inner = self.journal.inner();
            let phase = inner.state.phase();
            (inner.state.seq, matches!(phase, Phase::Parked { .. }) || phase.is_end())
        };
        let at_rest = at_rest || self.begins_later().is_some();
        let waits = self.leave().waits_since.is_some();
        if waits {
            self.leave().waits_since = Some(seq);
            self.engine.hub.want(no);
        }
        if !at_rest {
            // Nothing is promised to whoever asked before it is durable.
            self.commit().await?;
        }
        Ok(())
    }

    /// Decides a request, if that can be decided now; whether it was.
    async fn decide(&self, number: RequestNo, request: &Request) -> Result<bool, Over> {
        let grant = {
            let inner = self.journal.inner();
            decide(&inner.state, request, &|park| self.key_has_expired(park))
        };
        let park = self.named_park(request.park);
        let refused = match grant {
            Grant::Waits => return Ok(false),
            Grant::Refused(reason) => Some(reason.into()),
            Grant::Granted => park.as_ref().and_then(|park| self.wrong_output(park, request)),
        };
        let granted = refused.is_none();
        let ids = &self.journal.identity.ids;
        tracing::info!(
            saga = %ids.saga, id = %ids.instance, verb = request.verb.name(), by = %request.by, granted, "decided"
        );
        // Before the decision takes it out of its park.
        let mut doubt = self.doubts("");
        let (verb, by, why) = (request.verb, request.by.clone(), request.why.clone());
        let row = park.as_ref().map(|park| park.row).filter(|_| verb != Verb::Cancel);
        let decided = Decided { request: number.0, verb, by: by.clone(), why: why.clone(), park: row, refused };
        self.push(&Event::Decided(Box::new(decided)))?;
        self.journal.consume(number);
        if !granted {
            return Ok(true);
        }
        match verb {
            Verb::Retry => {}
            Verb::Cancel | Verb::Undo => self.gives_up(UnwindCause::Cancelled { reason: why }, doubt)?,
            // Past the pivot the only way is forward: it is made again.
            Verb::DidNotHappen if self.journal.inner().state.pivot_passed => {}
            Verb::DidNotHappen => {
                doubt.retain(|path| park.as_ref().is_none_or(|park| *path != park.branch));
                self.gives_up(UnwindCause::Cancelled { reason: why }, doubt)?;
            }
            Verb::Resolve => match (&park, &request.output) {
                (Some(ParkAt { undo: None, branch, .. }), Some(output)) => {
                    self.push(&Event::Answered { answer: Answer::Done(output.clone()) }.within(branch))?;
                }
                _ => self.undone_by(park.as_ref(), How::Resolved { by, why })?,
            },
            Verb::Skip => {
                self.undone_by(park.as_ref(), How::Skipped { by, why: why.clone() })?;
                self.skipped(park.as_ref(), &why).await?;
            }
            Verb::Settle => {
                let debt = self.journal.inner().state.debt.clone();
                for owed in debt {
                    self.push(&Event::DebtSettled { call: owed.call, by: by.clone(), why: why.clone() })?;
                }
            }
        }
        Ok(true)
    }

    /// What a request is about: the park that it names, or the only one.
    fn named_park(&self, row: Option<u64>) -> Option<ParkAt> {
        let parks = self.journal.inner().state.parks();
        match row {
            Some(row) => parks.into_iter().find(|park| park.row == row),
            None => parks.into_iter().next(),
        }
    }

    fn gives_up(&self, cause: UnwindCause, doubt: Vec<Box<str>>) -> Result<(), Over> {
        self.push(&Event::Unwinding { cause, doubt })?;
        self.leave_queues();
        Ok(())
    }

    fn undone_by(&self, park: Option<&ParkAt>, how: How) -> Result<(), Over> {
        let Some((call, branch)) = park.and_then(|park| Some((park.undo?, &park.branch))) else { return Ok(()) };
        self.push(&Event::Undone { call, how }.within(branch)).map(drop)
    }

    /// The flow is promised that a step which it sees fail left nothing behind: this one did, so the flow does not go on.
    async fn skipped(&self, park: Option<&ParkAt>, why: &str) -> Result<(), Over> {
        let Some(park) = park else { return Ok(()) };
        let answer = {
            let inner = self.journal.inner();
            if inner.state.is_undoing() {
                // It gives up once that is over.
                return Ok(());
            }
            inner.state.root.at(&park.branch).and_then(|strand| answered_in(&strand.phase))
        };
        let cause = self.cause_of(answer, why).await;
        self.gives_up(cause, self.doubts(""))
    }

    /// Why a saga gives up that was told this, and would have gone on.
    async fn cause_of(&self, answer: Option<u64>, why: &str) -> UnwindCause {
        let event = match self.journal.no().zip(answer) {
            Some((no, seq)) => self.row(no, seq).await.ok(),
            None => None,
        };
        match event.as_ref().and_then(Event::answer) {
            Some(answer) => UnwindCause::from_answer(answer, why),
            None => UnwindCause::Cancelled { reason: why.into() },
        }
    }

    /// What was skipped while other calls were still being undone: now the saga gives up.
    pub(super) async fn gives_up_for_debt(&self) -> Result<(), Over> {
        let (why, answer) = {
            let inner = self.journal.inner();
            let state = &inner.state;
            let forward = !state.phase().is_end() && !state.is_undoing() && !state.pivot_passed;
            match state.debt.first().filter(|_| forward && state.parks().is_empty()) {
                Some(owed) => (owed.why.clone(), answered_in(state.phase())),
                None => return Ok(()),
            }
        };
        let cause = self.cause_of(answer, &why).await;
        self.gives_up(cause, self.doubts(""))
    }

    /// Whether something was skipped, and the instance is not giving up for it yet.
    pub(super) fn owes(&self) -> bool {
        let inner = self.journal.inner();
        let gives_up = inner.state.pivot_passed || matches!(inner.state.phase().beneath(), Phase::Unwinding { .. });
        !gives_up && !inner.state.debt.is_empty()
    }

    /// When the instance's time is over, if that is still to come or to be told.
    pub(super) fn deadline_at(&self) -> Option<Micros> {
        let inner = self.journal.inner();
        let state = &inner.state;
        let over = state.late || state.phase().is_end() || matches!(state.phase().beneath(), Phase::Unwinding { .. });
        state.deadline.filter(|_| !over)
    }

    /// When the first wait of the instance ends by time.
    pub(super) fn next_time(&self) -> Option<Micros> {
        let times = self.pulse.waits().into_iter().filter_map(|wait| match wait {
            Waits::Message(until) => until,
            _ => None,
        });
        times.min()
    }

    /// When the instance's time is over, if it is not yet.
    pub(super) fn next_deadline(&self) -> Option<Micros> {
        let now = self.engine.clock.now();
        self.deadline_at().filter(|at| *at > now)
    }

    /// Decides what it means that the instance's time is over, if it is: it unwinds, unless there is no way back.
    pub(super) fn deadline(&self) -> Result<(), Over> {
        let Some(at) = self.deadline_at().filter(|at| *at <= self.engine.clock.now()) else { return Ok(()) };
        let (passed, grant, parked) = {
            let state = &self.journal.inner().state;
            (state.pivot_passed, can_cancel(state), !state.parks().is_empty())
        };
        if passed {
            let ids = &self.journal.identity.ids;
            tracing::warn!(saga = %ids.saga, id = %ids.instance, at, "its time is over, and there is no way back");
            return self.push(&Event::DeadlinePassed {}).map(drop);
        }
        // What is parked waits for a person, and a pivot in flight for its answer.
        if grant == Grant::Granted && !parked {
            return self.gives_up(UnwindCause::Deadline, self.doubts(""));
        }
        Ok(())
    }

    /// Whether a request that could not be decided may be decided now.
    pub(super) fn is_asked(&self) -> bool {
        let seq = self.journal.inner().state.seq;
        self.leave().waits_since.is_some_and(|row| row != seq)
    }

    /// Whether the flow is to be interrupted before it begins anything more.
    pub(super) fn is_overdue(&self) -> bool {
        self.deadline_at().is_some_and(|at| at <= self.engine.clock.now())
    }

    fn key_has_expired(&self, park: &ParkAt) -> bool {
        // Asked under the lock of the journal, which is not taken again here.
        key_has_expired(self.saga.definition(), park, self.engine.clock.now())
    }

    /// Why the output that a step is to be resolved with is none.
    fn wrong_output(&self, park: &ParkAt, request: &Request) -> Option<Box<str>> {
        let (Verb::Resolve, None) = (request.verb, park.undo) else { return None };
        let output = request.output.as_ref()?;
        let step = {
            let inner = self.journal.inner();
            let calling = inner.state.root.at(&park.branch)?.phase.calling()?;
            let (Doing::Step(_), Some(step)) = (&calling.doing, &calling.call.step) else { return None };
            step.step.clone()
        };
        let Some((index, step)) = self.saga.definition().step(&step) else {
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

/// Whether the key of the step that is parked is no longer valid at its participant.
pub(crate) fn key_has_expired(definition: &Definition, park: &ParkAt, now: Micros) -> bool {
    let Some(expires) = &park.key else { return false };
    let step = definition.step(&expires.step);
    step.is_some_and(|(_, step)| key_expired(&expires.tries, step.key_valid, now))
}

/// The row of the answer that a flow is about to be told here.
fn answered_in(phase: &Phase) -> Option<u64> {
    match phase {
        Phase::After { answer: AnswerAt::Row(row), .. } => Some(*row),
        _ => None,
    }
}
