//! A forward call: its intent, its attempts, its answer.

use super::{
    SECOND,
    admission::Admission,
    attempt::{Effort, Work},
    journal::Over,
    worker::{Halt, Worker},
};
use crate::{
    core::{
        Called, Event, Failed, ParkCause, Phase, Stored,
        decide::{self, Ended, Next},
        key::{Purpose, key},
    },
    machine::{Answer, Arguments, Asked, Call, Json, Unreadable},
};
use std::collections::BTreeMap;

impl Worker {
    /// The flow has arrived at a call: its intent, with everything before it, is made durable, and then it is attempted.
    pub(super) async fn call(&mut self, call: Call) -> Result<Answer, Halt> {
        self.heed().await?;
        if !matches!(self.journal.state.phase, Phase::Start | Phase::After(_)) {
            return Err(Halt::Turn);
        }
        if self.engine.is_stopping() {
            return Err(self.stop().await.into());
        }
        let definition = self.saga.definition();
        let state = &definition.main().states[call.state];
        let Some(step) = state.step().and_then(|step| definition.steps.get(step)) else {
            return Err(Over::Broken(format!("state `{}` calls no step", state.name).into()).into());
        };
        let (called, arguments) = match self.intent(call) {
            Ok(intent) => intent,
            Err(error) => return Err(self.park(ParkCause::Unsavable, &error).await.into()),
        };
        let effect = step.class.has_effect();
        if self.journal.no.is_none() && !effect {
            // A start waits for no effect's sake: the input is durable first.
            self.commit().await?;
        }
        self.push(&Event::Called(Box::new(called)))?;
        self.payloads.arguments = arguments;
        self.inherited = false;
        if effect || self.engine.clock.now() - self.journal.committed_at >= SECOND {
            self.commit().await?;
        }
        self.attempts().await
    }

    /// The call as it is journaled, and its arguments as they are passed; an error says what cannot be saved.
    fn intent(&self, call: Call) -> Result<(Called, Arguments), String> {
        if let Some(error) = call.error {
            return Err(error.to_string());
        }
        let definition = self.saga.definition();
        let state = &definition.main().states[call.state];
        let (Some(step), Asked::Call(asked)) = (state.step().and_then(|step| definition.steps.get(step)), call.asked)
        else {
            return Err(format!("state `{}` calls no step", state.name));
        };
        let stored = &self.journal.state.stored;
        let row = self.journal.next();
        let never = |name: &str| format!("saved value `{name}`: it was never saved");

        let mut frame = BTreeMap::new();
        let mut frame_size = 0;
        for value in call.frame {
            let saved = if let Some(json) = value.changed {
                frame_size += json.get().len();
                Stored::Value(json)
            } else {
                let held = stored.get(value.name).ok_or_else(|| never(value.name))?;
                frame_size += held.size;
                Stored::Kept { row: held.row, local: value.name.into() }
            };
            frame.insert(Box::from(value.name), saved);
        }
        within("the frame of state", state.name, frame_size, self.engine.limits.instance)?;

        let mut arguments = BTreeMap::new();
        let mut passed = Vec::with_capacity(asked.len());
        let mut size = 0;
        for argument in asked {
            size += argument.value.get().len();
            let saved = match argument.same_as {
                Some(local) if matches!(frame.get(local), Some(Stored::Value(_))) => {
                    Stored::Kept { row, local: local.into() }
                }
                Some(local) => match stored.get(local) {
                    Some(held) => Stored::Kept { row: held.row, local: local.into() },
                    None => Stored::Value(argument.value.clone()),
                },
                None => Stored::Value(argument.value.clone()),
            };
            arguments.insert(Box::from(argument.parameter), saved);
            passed.push((Box::from(argument.parameter), argument.value));
        }
        within("the arguments of step", step.name, size, self.engine.limits.step)?;

        let called = Called {
            state: state.name.into(),
            step: step.name.into(),
            class: step.class,
            compensation: step.compensation.as_ref().map(|compensation| compensation.name.into()),
            fingerprint: state.fingerprint.into(),
            ordinal: self.journal.state.ordinals.get(state.name).map_or(1, |ordinal| ordinal + 1),
            arguments,
            frame,
        };
        Ok((called, Arguments(passed)))
    }

    /// Attempts the call that the instance stands at until there is an answer.
    pub(super) async fn attempts(&mut self) -> Result<Answer, Halt> {
        loop {
            self.due().await?;
            self.heed().await?;
            let Phase::Calling(calling) = &self.journal.state.phase else { return Err(Halt::Turn) };
            let (call, tries) = (calling.call.clone(), calling.tries.clone());
            if self.engine.is_stopping() {
                return Err(self.stop().await.into());
            }
            let definition = self.saga.definition();
            let Some((index, step)) = definition.step(&call.step) else {
                return Err(Over::Broken(format!("there is no step `{}`", call.step).into()).into());
            };
            let now = self.engine.clock.now();
            if decide::key_expired(&tries, step.key_valid, now) {
                let error = format!("the key of step `{}` is no longer valid at the participant", step.name);
                return Err(self.park(ParkCause::KeyExpired, &error).await.into());
            }
            let policy = self.engine.policies.bounds(&step.policy, step.policy_name);
            let by = policy.deadline.map(|deadline| tries.since.saturating_add(decide::micros(deadline)));
            let left = by.map_or(i64::MAX, |by| by.saturating_sub(now));
            let timeout = decide::micros(policy.timeout).min(left).max(1);
            let effort = Effort {
                work: Work::Step,
                index,
                state: call.state.clone(),
                key: key(&self.journal.identity.birth, "", &call.state, call.ordinal, Purpose::Step),
                undoes: None,
                attempt: tries.count + 1,
                timeout,
            };
            let rules = decide::Step {
                class: call.class,
                compensated: call.compensation.is_some(),
                keyed: step.idempotent.is_none(),
                policy: &policy,
                key_valid: step.key_valid,
                pivot_passed: self.journal.state.pivot_passed,
                tries: &tries,
            };
            if let Some(spent) = decide::spent(&rules, now) {
                // The last one was lost in a crash: there is none left to make.
                let error = tries.last_error.clone().unwrap_or_default();
                let exhausted = Answer::Exhausted { step: call.step.clone(), last_error: error.clone() };
                return match spent {
                    Next::Exhausted { undo } => self.answered(exhausted, undo).await,
                    _ => Err(self.park(ParkCause::Exhausted, &error).await.into()),
                };
            }
            let pass = match self.admission(step.policy_name, call.row, false, by).await? {
                Admission::Pass(pass) => pass,
                Admission::Look => continue,
                Admission::TooLate(error) => {
                    let exhausted = Answer::Exhausted { step: call.step.clone(), last_error: error.clone() };
                    return match decide::out_of_time(&rules) {
                        Next::Exhausted { undo } => self.answered(exhausted, undo).await,
                        _ => Err(self.park(ParkCause::Exhausted, &error).await.into()),
                    };
                }
            };
            let arguments = std::mem::take(&mut self.payloads.arguments);
            let made = self.attempt(&effort, &arguments).await;
            self.payloads.arguments = arguments;
            let made = made?;
            pass.ended(made.verdict(), self.engine.clock.now());
            self.inherited = false;

            let at = self.engine.clock.now();
            let next = decide::step_ended(&rules, made.ended, at, self.engine.random());
            if made.is_failure() {
                let retry_at = if let Next::Retry(at) = next { Some(at) } else { None };
                let effect = call.class.has_effect() && made.may_have_effect();
                let failed = Failed { attempt: effort.attempt, error: made.error.clone(), effect, retry_at };
                self.push(&Event::AttemptFailed(failed))?;
            }
            let exhausted = || Answer::Exhausted { step: call.step.clone(), last_error: made.error.clone() };
            let (then, undo) = match next {
                Next::Retry(_) => continue,
                Next::Park(cause) => return Err(self.park(cause, &made.error).await.into()),
                Next::Answer => (made.answer()?, false),
                Next::DoubtedRefusal => (made.answer()?, true),
                Next::Exhausted { undo } => (exhausted(), undo),
            };
            return self.answered(then, undo).await;
        }
    }

    /// The call has its answer; if it may have taken effect all the same, it is undone before the flow is told.
    async fn answered(&mut self, then: Answer, undo: bool) -> Result<Answer, Halt> {
        if !undo {
            self.push(&Event::Answered { answer: then.clone() })?;
            return Ok(then);
        }
        self.push(&Event::Doubted { then })?;
        self.commit().await?;
        self.undo_doubted().await
    }
}

fn within(what: &str, name: &str, size: usize, limit: usize) -> Result<(), String> {
    if size <= limit {
        return Ok(());
    }
    Err(format!("{what} `{name}` would be {size} bytes long, more than the limit of {limit}"))
}

/// The parts of an attempt's end that a call needs.
impl super::attempt::Made {
    fn answer(&self) -> Result<Answer, Over> {
        match (self.ended, &self.json) {
            (Ended::Done, Some(json)) => Ok(Answer::Done(Json::clone(json))),
            (Ended::Refused, Some(json)) => Ok(Answer::Refused(Json::clone(json))),
            _ => Err(Over::Broken("an answer without a value".into())),
        }
    }
}

/// An unreadable value as the error of a park.
pub(super) fn unreadable(error: &Unreadable) -> Box<str> {
    error.to_string().into()
}
