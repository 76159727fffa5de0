//! Undoing: the compensations of what completed, the last first.

use super::{
    admission::Admission,
    attempt::{Effort, Work},
    journal::Over,
    load::{Unfoldable, row, stored},
    worker::{Halt, Worker},
};
use crate::{
    core::{
        Event, Failed, How, ParkCause, Phase, Stored,
        decide::{self, Ended, NextUndo},
        instance::Undo,
        key::{Purpose, key},
    },
    machine::{Answer, Arguments, Json},
    store::{InstanceNo, Store, StoreError},
};
use std::sync::Arc;

/// What an undo needs of its call.
#[derive(Debug)]
pub(super) struct Undoing {
    /// The row of the call.
    call: u64,
    state: Box<str>,
    ordinal: u64,
    arguments: Arguments,
    /// The step's output, if that is known.
    output: Option<Json>,
}

impl Worker {
    /// Undoes until something else has to be done.
    pub(super) async fn undo(&mut self) -> Result<(), Over> {
        if self.undoing.is_none() {
            // Nobody waits for leave to undo while everybody else waits for this one.
            self.alone = None;
            self.undo_permit().await?;
        }
        loop {
            // Whoever asked before the end is answered before it.
            self.heed().await?;
            match &self.journal.state.phase {
                Phase::Unwinding { .. } if self.journal.state.undo.is_empty() => {
                    self.push(&Event::Compensated {})?;
                    self.release(self.end_status(), None).await?;
                    return Err(Over::Ended);
                }
                Phase::Unwinding { .. } | Phase::Doubted { .. } => self.undo_last().await?,
                _ => {
                    self.undoing = None;
                    return Ok(());
                }
            }
        }
    }

    /// Undoes a call that ended in doubt, and then answers it.
    pub(super) async fn undo_doubted(&mut self) -> Result<Answer, Halt> {
        self.undo_permit().await?;
        while let Phase::Doubted { .. } = self.journal.state.phase {
            self.undo_last().await?;
        }
        self.undoing = None;
        match (&self.journal.state.phase, &self.payloads.answer) {
            (Phase::After(_), Some(answer)) => Ok(answer.clone()),
            _ => Err(Halt::Turn),
        }
    }

    /// Leave to undo. One that only goes back gives up its leave to go forward, and only then.
    pub(super) async fn undo_permit(&mut self) -> Result<(), Over> {
        if self.undoing.is_none() {
            let all = Arc::clone(&self.engine.undoing);
            let permit = all.acquire_owned().await.map_err(|_| Over::Stopped)?;
            self.undoing = Some(permit);
        }
        if let Phase::Unwinding { .. } = self.journal.state.phase.beneath()
            && self.forward.take().is_some()
        {
            self.engine.freed();
        }
        Ok(())
    }

    /// One attempt to undo the last call in the log, with the wait before it.
    async fn undo_last(&mut self) -> Result<(), Over> {
        self.due().await?;
        self.heed().await?;
        if !matches!(self.journal.state.phase, Phase::Doubted { .. } | Phase::Unwinding { .. }) {
            return Ok(());
        }
        let (Some(undo), Some(tries)) =
            (self.journal.state.undo.last().cloned(), self.journal.state.phase.tries().cloned())
        else {
            return Ok(());
        };
        if self.engine.is_stopping() {
            return Err(self.stop().await);
        }
        // What led here is durable before the undo begins.
        self.commit().await?;
        let definition = self.saga.definition();
        let found = definition.step(&undo.step).and_then(|(index, step)| Some((index, step.compensation.as_ref()?)));
        let Some((index, compensation)) = found else {
            return Err(Over::Broken(format!("there is no compensation `{}`", undo.compensation).into()));
        };
        let at = match self.undo_at.take().filter(|at| at.call == undo.call) {
            Some(at) => at,
            None => match self.undoing_of(&undo).await {
                Ok(at) => at,
                Err(Unfoldable::Store(StoreError::Unavailable(_))) => {
                    let again = self.engine.clock.now().saturating_add(super::SECOND);
                    self.engine.clock.sleep_until(again).await;
                    return Ok(());
                }
                Err(error) => return Err(self.park(ParkCause::Unreadable, &error.to_string()).await),
            },
        };
        let by = tries.since.saturating_add(decide::micros(compensation.within));
        let pass = match self.admission(compensation.policy_name, undo.call, true, Some(by)).await? {
            Admission::Pass(pass) => pass,
            Admission::Look => {
                self.undo_at = Some(at);
                return Ok(());
            }
            Admission::TooLate(error) => return Err(self.park(ParkCause::GaveUp, &error).await),
        };
        let policy = self.engine.policies.bounds(&compensation.policy, compensation.policy_name);
        let birth = &self.journal.identity.birth;
        let effort = Effort {
            work: Work::Undo(at.output.as_deref()),
            index,
            state: at.state.clone(),
            key: key(birth, "", &at.state, at.ordinal, Purpose::Compensation),
            undoes: Some(key(birth, "", &at.state, at.ordinal, Purpose::Step)),
            attempt: tries.count + 1,
            timeout: decide::micros(policy.timeout),
        };
        let made = self.attempt(&effort, &at.arguments).await?;
        pass.ended(made.verdict(), self.engine.clock.now());
        let (now, random) = (self.engine.clock.now(), self.engine.random());
        let next = decide::undo_ended(&policy, compensation.within, &tries, made.ended, now, random);
        if made.is_failure() || made.ended == Ended::Refused {
            let retry_at = if let NextUndo::Retry(at) = next { Some(at) } else { None };
            let (error, effect) = (made.error.clone(), made.may_have_effect());
            let failed = Failed { attempt: effort.attempt, error, effect, retry_at };
            self.push(&Event::CompensationFailed(failed))?;
        }
        match next {
            NextUndo::Undone => {
                self.push(&Event::Undone { call: undo.call, how: How::Done })?;
                Ok(())
            }
            NextUndo::Retry(_) => {
                self.undo_at = Some(at);
                Ok(())
            }
            NextUndo::Park(cause) => {
                let error = if made.error.is_empty() { "a compensation cannot be refused".into() } else { made.error };
                Err(self.park(cause, &error).await)
            }
        }
    }

    async fn undoing_of(&self, undo: &Undo) -> Result<Undoing, Unfoldable> {
        let missing = |row, error: &str| Unfoldable::Damaged { row, error: error.into() };
        let Some(no) = self.journal.no else { return Err(missing(undo.call, "the start is not durable")) };
        undoing_of(&*self.engine.store, no, undo).await
    }
}

async fn undoing_of(store: &dyn Store, no: InstanceNo, undo: &Undo) -> Result<Undoing, Unfoldable> {
    let Event::Called(called) = row(store, no, undo.call).await? else {
        return Err(Unfoldable::Damaged { row: undo.call, error: "it is no call".into() });
    };
    let mut arguments = Arguments(Vec::with_capacity(called.arguments.len()));
    for (name, value) in &called.arguments {
        let json = match value {
            // Saved in the frame of this very row.
            Stored::Kept { row, local } if *row == undo.call => match called.frame.get(local) {
                Some(inner) => stored(store, no, inner).await?,
                None => return Err(Unfoldable::Damaged { row: undo.call, error: "an argument is missing".into() }),
            },
            value => stored(store, no, value).await?,
        };
        arguments.0.push((name.clone(), json));
    }
    let output = match undo.answer {
        None => None,
        Some(answer) => match row(store, no, answer).await?.answer() {
            Some(Answer::Done(json)) => Some(json.clone()),
            _ => return Err(Unfoldable::Damaged { row: answer, error: "it is no output".into() }),
        },
    };
    Ok(Undoing { call: undo.call, state: called.state, ordinal: called.ordinal, arguments, output })
}
