//! A forward call: its intent, its attempts, its answer.

use super::{
    admission::Admission,
    attempt::{Effort, Work},
    intent::Intent,
    journal::Over,
    load::Payloads,
    strand::Strand,
    transact::Records,
    worker::Halt,
};
use crate::{
    core::{
        Calls, Event, Failed, ParkCause,
        decide::{self, Ended, Next},
        key::{Purpose, key},
        phase::Tries,
    },
    definition::{Policy, Step},
    machine::{Answer, Arguments, Unreadable},
    planted::{Mistake, is_planted},
    store::Micros,
};

impl Strand<'_> {
    /// The flow has arrived at a call: its intent, with everything before it, is made durable, and then it is made.
    pub(super) async fn call(&mut self) -> Result<Answer, Halt> {
        self.boundary().await?;
        if self.worker.is_overdue() || self.worker.is_asked() {
            if self.path.is_empty() {
                return Err(Halt::Turn);
            }
            // Others may be under way beside it: it is decided once everything stands still.
            self.worker.pulse.close();
            self.boundary().await?;
        }
        self.label().await?;
        let Some(call) = self.asked.take() else { return Err(Halt::Turn) };
        let Intent { called, arguments } = match self.intent(call) {
            Ok(intent) => intent,
            Err(error) => return Err(self.park(ParkCause::Unsavable, &error).await),
        };
        let effect = match &called.calls {
            Calls::Step(step, _) => step.class.has_effect(),
            Calls::Flow(..) => false,
            _ => true,
        };
        if self.worker.journal.no().is_none() && !matches!(called.calls, Calls::Step(..) if effect) {
            // A start waits for no effect's sake: the input is durable first.
            self.worker.commit().await?;
        }
        let calls = Kind::of(&called.calls);
        let path = matches!(calls, Kind::Flow).then(|| called.at(0).path(&self.path, None));
        let child = matches!(calls, Kind::Child).then(|| Box::new(called.calls.clone()));
        self.push(Event::Called(called))?;
        self.begun_with.clear();
        self.worker.own(&self.path);
        self.payloads = Payloads { arguments, ..Payloads::default() };
        match calls {
            Kind::Step => {
                if effect && !is_planted(Mistake::EffectBeforeRecord) {
                    self.worker.commit().await?;
                } else {
                    self.commit_in_time().await?;
                }
                self.attempts().await
            }
            Kind::Flow => {
                let begin = self.payloads.arguments.first().cloned().unwrap_or_default();
                self.worker.put_payloads(path.unwrap_or_default(), Payloads::start(begin));
                self.inner().await
            }
            Kind::Join => self.join().await,
            Kind::Wait => {
                self.worker.commit().await?;
                self.wait().await
            }
            Kind::Child => match child {
                Some(child) => self.child(*child).await,
                None => Err(Halt::Turn),
            },
            Kind::Send => {
                self.worker.commit().await?;
                self.send().await
            }
        }
    }

    /// Attempts the step's call that the strand stands at until there is an answer.
    pub(super) async fn attempts(&mut self) -> Result<Answer, Halt> {
        let worker = self.worker;
        loop {
            self.due().await?;
            let (call, tries) = self.attempted()?;
            let definition = worker.saga.definition();
            let named = call.step.as_ref().map_or("", |step| &step.step);
            let Some((index, step)) = definition.step(named) else {
                return Err(Over::Broken(format!("there is no step `{named}`").into()).into());
            };
            let now = worker.engine.clock.now();
            if decide::key_expired(&tries, step.key_valid, now) {
                let error = format!("the key of step `{}` is no longer valid at the participant", step.name);
                return Err(self.park(ParkCause::KeyExpired, &error).await);
            }
            let policy = worker.engine.policies.bounds(&step.policy, step.policy_name);
            let rules = self.rules(step, &policy, &tries);
            if let Some(spent) = decide::spent(&rules, now) {
                // The last attempt was lost in a crash: there is none left to make.
                let error = tries.last_error.clone().unwrap_or_default();
                let exhausted = Answer::Exhausted { step: step.name.into(), last_error: error.clone() };
                return match spent {
                    Next::Exhausted { undo } => self.answered(exhausted, undo).await,
                    _ => Err(self.park(ParkCause::Exhausted, &error).await),
                };
            }
            let by = policy.deadline.map(|deadline| tries.since.saturating_add(decide::micros(deadline)));
            let left = by.map_or(Micros::MAX, |by| by.saturating_sub(now));
            let birth = &worker.journal.identity.birth;
            let effort = Effort {
                work: Work::Step { path: &self.path, row: call.row },
                index,
                state: call.state.clone(),
                key: key(birth, &self.path, &call.state, call.ordinal, Purpose::Step),
                undoes: None,
                attempt: tries.count.saturating_add(1),
                timeout: worker.timeout(step, &policy).min(left).max(1),
                records: step.transactional.then_some(Records::Answer { path: &self.path }),
            };
            let pass = match worker.admission(step.policy_name, call.id(), false, by).await? {
                Admission::Pass(pass) => pass,
                Admission::Look => continue,
                Admission::TooLate(error) => {
                    let exhausted = Answer::Exhausted { step: step.name.into(), last_error: error.clone() };
                    return match decide::out_of_time(&rules) {
                        Next::Exhausted { undo } => self.answered(exhausted, undo).await,
                        _ => Err(self.park(ParkCause::Exhausted, &error).await),
                    };
                }
            };
            let none = Arguments::default();
            let made = worker.attempt(&effort, self.payloads.arguments.first().unwrap_or(&none)).await?;
            pass.ended(made.verdict(), worker.engine.clock.now());
            worker.own(&self.path);
            if made.recorded {
                return Ok(made.answer()?);
            }

            let next = decide::step_ended(&rules, made.ended, worker.engine.clock.now(), worker.engine.random());
            if made.is_failure() {
                let retry_at = if let Next::Retry(at) = next { Some(at) } else { None };
                let effect = step.class.has_effect() && made.may_have_effect();
                let failed = Failed { attempt: effort.attempt, error: made.error.clone(), effect, retry_at };
                self.push(Event::AttemptFailed(failed))?;
            }
            let (then, undo) = match next {
                Next::Retry(_) => continue,
                Next::Park(cause) => {
                    if !made.is_failure() {
                        worker.has_told(&self.path);
                    }
                    return Err(self.park(cause, &made.error).await);
                }
                Next::Answer => (made.answer()?, false),
                Next::DoubtedRefusal => (made.answer()?, true),
                Next::Exhausted { undo } => {
                    (Answer::Exhausted { step: step.name.into(), last_error: made.error }, undo)
                }
            };
            return self.answered(then, undo).await;
        }
    }

    /// What a decision about the step depends on.
    fn rules<'a>(&self, step: &Step, policy: &'a Policy, tries: &'a Tries) -> decide::Step<'a> {
        decide::Step {
            class: step.class,
            compensated: step.compensation.is_some(),
            keyed: step.idempotent.is_none(),
            policy,
            key_valid: step.key_valid,
            pivot_passed: self.worker.journal.inner().state.pivot_passed,
            tries,
        }
    }

    /// The call has its answer; if it may have taken effect all the same, it is undone before the flow is told.
    async fn answered(&mut self, then: Answer, undo: bool) -> Result<Answer, Halt> {
        let doubt = [self.path.clone()];
        if undo {
            return self.settled(then, &doubt).await;
        }
        Ok(self.answer_with(then)?)
    }
}

/// What kind of call it is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Step,
    Flow,
    Join,
    Wait,
    Child,
    Send,
}

impl Kind {
    fn of(calls: &Calls) -> Self {
        match calls {
            Calls::Step(..) => Self::Step,
            Calls::Flow(..) => Self::Flow,
            Calls::Join { .. } => Self::Join,
            Calls::Wait { .. } => Self::Wait,
            Calls::Child { .. } => Self::Child,
            Calls::Send { .. } => Self::Send,
        }
    }
}

/// The parts of an attempt's end that a call needs.
impl super::attempt::Made {
    fn answer(self) -> Result<Answer, Over> {
        match (self.ended, self.json) {
            (Ended::Done, Some(json)) => Ok(Answer::Done(json)),
            (Ended::Refused, Some(json)) => Ok(Answer::Refused(json)),
            _ => Err(Over::Broken("an answer without a value".into())),
        }
    }
}

/// An unreadable value as the error of a park.
pub(super) fn unreadable(error: &Unreadable) -> Box<str> {
    error.to_string().into()
}
