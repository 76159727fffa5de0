//! A forward call: its intent, its attempts, its answer.

use super::{
    admission::Admission,
    attempt::{Effort, Work},
    journal::Over,
    load::Payloads,
    strand::Strand,
    worker::Halt,
};
use crate::{
    core::{
        Called, Callee, Calls, Event, Failed, ParkCause, Saved, StepAt, Stored,
        decide::{self, Ended, Next},
        key::{Purpose, key},
        phase::Tries,
    },
    definition::{Branch, Definition, Policy, Step, Work as Works},
    machine::{Answer, Argument, Arguments, Asked, Call, Json, Unreadable, Until},
    store::Micros,
};
use std::{collections::BTreeMap, time::UNIX_EPOCH};

/// What can be written down of a call, and what it is made with.
struct Intent {
    called: Called,
    arguments: Vec<Arguments>,
}

impl Strand<'_> {
    /// The flow has arrived at a call: its intent, with everything before it, is made durable, and then it is made.
    pub(super) async fn call(&mut self, call: Call) -> Result<Answer, Halt> {
        self.boundary().await?;
        if self.path.is_empty() && (self.worker.is_overdue() || self.worker.is_asked()) {
            return Err(Halt::Turn);
        }
        self.label().await?;
        let intent = match self.intent(call) {
            Ok(intent) => intent,
            Err(error) => return Err(self.park(ParkCause::Unsavable, &error).await),
        };
        let Intent { called, arguments } = intent;
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
        let (at, child) = (called.at(0), called.calls.clone());
        self.push(Event::Called(Box::new(called)))?;
        self.begun_with.clear();
        self.worker.own(&self.path);
        self.payloads = Payloads { arguments, ..Payloads::default() };
        match calls {
            Kind::Step => {
                if effect {
                    self.worker.commit().await?;
                } else {
                    self.commit_in_time().await?;
                }
                self.attempts().await
            }
            Kind::Flow => {
                let begin = self.payloads.arguments.first().cloned().unwrap_or_default();
                self.worker.put_payloads(at.path(&self.path, None), Payloads::start(begin));
                self.inner().await
            }
            Kind::Join => self.join().await,
            Kind::Wait => {
                self.worker.commit().await?;
                self.wait().await
            }
            Kind::Child => self.child(child).await,
            Kind::Send => {
                self.worker.commit().await?;
                self.send().await
            }
        }
    }

    /// The call as it is journaled, and what it is made with; an error says what cannot be saved.
    fn intent(&self, call: Call) -> Result<Intent, String> {
        if let Some(error) = call.error {
            return Err(error.to_string());
        }
        let definition = self.worker.saga.definition();
        let state = self.definition().states.get(call.state).ok_or("the machine is in a state that does not exist")?;
        let limits = self.worker.engine.limits;
        let now = self.worker.engine.clock.now();
        let inner = self.worker.journal.inner();
        let strand = inner.state.root.at(&self.path).ok_or("the strand is not there")?;
        let stored = &strand.stored;
        let row = inner.next();

        let mut frame = BTreeMap::new();
        let mut frame_size = 0;
        for value in call.frame {
            let saved = match (value.changed, stored.get(value.name)) {
                (Some(json), _) => {
                    frame_size += json.get().len();
                    Stored::Value(json)
                }
                (None, Some(held)) => {
                    frame_size += held.size;
                    Stored::Kept { row: held.row, local: value.name.into() }
                }
                // An argument of an inner flow, which is where its call is.
                (None, None) => match self.begun_with.get(value.name) {
                    Some(json) => {
                        frame_size += json.get().len();
                        Stored::Value(json.clone())
                    }
                    None => return Err(format!("saved value `{}`: it was never saved", value.name)),
                },
            };
            frame.insert(Box::from(value.name), saved);
        }
        within("the frame of state", state.name, frame_size, limits.instance)?;

        let save = |asked: Vec<Argument>, size: &mut usize| {
            let mut arguments = Saved::new();
            let mut passed = Vec::with_capacity(asked.len());
            for argument in asked {
                *size += argument.value.get().len();
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
            (arguments, Arguments(passed))
        };
        let misfit = || format!("state `{}` does not do what the machine asks for", state.name);
        let mut size = 0;
        let (calls, arguments) = match (state.work, call.asked) {
            (Works::Step(step), Asked::Call(asked)) => {
                let step = definition.steps.get(step).ok_or_else(misfit)?;
                let (saved, passed) = save(asked, &mut size);
                within("the arguments of step", step.name, size, limits.step)?;
                (Calls::Step(step_at(step), saved), vec![passed])
            }
            (Works::Flow(flow), Asked::Call(asked)) => {
                let flow = definition.flows.get(flow).ok_or_else(misfit)?;
                let (saved, passed) = save(asked, &mut size);
                within("the arguments of inner flow", flow.name, size, limits.instance)?;
                (Calls::Flow(flow.name.into(), saved), vec![passed])
            }
            (Works::Join(_) | Works::Each(_), Asked::Join { branches, limit }) => {
                let callees = match state.work {
                    Works::Join(branches) => branches.to_vec(),
                    Works::Each(branch) => vec![branch],
                    _ => Vec::new(),
                };
                let callees = callees.into_iter().map(|branch| callee(definition, branch)).collect::<Option<_>>();
                let (saved, passed): (Vec<_>, Vec<_>) =
                    branches.into_iter().map(|asked| save(asked, &mut size)).unzip();
                within("the arguments of all branches of", state.name, size, limits.instance)?;
                let limit = limit.map(|limit| u32::try_from(limit.max(1)).unwrap_or(u32::MAX));
                (Calls::Join { callees: callees.ok_or_else(misfit)?, branches: saved, limit }, passed)
            }
            (Works::Sleep | Works::Wait(_), Asked::Wait { until }) => {
                let signals = if let Works::Wait(signals) = state.work { signals } else { &[] };
                let names = signals.iter().filter_map(|index| definition.signals.get(*index));
                let signals = names.map(|signal| signal.name.into()).collect();
                (Calls::Wait { signals, until: until.map(|until| moment(until, now)) }, Vec::new())
            }
            (Works::Send, Asked::Send(to)) => {
                within("the value of signal", to.signal, to.value.get().len(), limits.step)?;
                let (saga, id, signal) = (to.saga.into(), to.id, to.signal.into());
                (Calls::Send { saga, id, signal, value: to.value }, Vec::new())
            }
            (Works::Child(index), asked) => {
                let child = definition.children.get(index).ok_or_else(misfit)?;
                let ordinal = strand.ordinals.get(state.name).map_or(1, |ordinal| ordinal + 1);
                let id = key(&self.worker.journal.identity.birth, &self.path, state.name, ordinal, Purpose::Step);
                let (asked, deadline) = child_asked(asked).ok_or_else(misfit)?;
                let (saved, passed) = save(asked, &mut size);
                within("the input of saga", (child.definition)().name, size, limits.instance)?;
                let deadline = deadline.map(|until| moment(until, now));
                (self.child_calls(child, id, saved, deadline), vec![passed])
            }
            _ => return Err(misfit()),
        };
        let called = Called {
            state: state.name.into(),
            fingerprint: state.fingerprint.into(),
            ordinal: strand.ordinals.get(state.name).map_or(1, |ordinal| ordinal + 1),
            calls,
            frame,
        };
        Ok(Intent { called, arguments })
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
                work: Work::Step,
                index,
                state: call.state.clone(),
                key: key(birth, &self.path, &call.state, call.ordinal, Purpose::Step),
                undoes: None,
                attempt: tries.count + 1,
                timeout: decide::micros(policy.timeout).min(left).max(1),
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

            let next = decide::step_ended(&rules, made.ended, worker.engine.clock.now(), worker.engine.random());
            if made.is_failure() {
                let retry_at = if let Next::Retry(at) = next { Some(at) } else { None };
                let effect = step.class.has_effect() && made.may_have_effect();
                let failed = Failed { attempt: effort.attempt, error: made.error.clone(), effect, retry_at };
                self.push(Event::AttemptFailed(failed))?;
            }
            let exhausted = || Answer::Exhausted { step: step.name.into(), last_error: made.error.clone() };
            let (then, undo) = match next {
                Next::Retry(_) => continue,
                Next::Park(cause) => return Err(self.park(cause, &made.error).await),
                Next::Answer => (made.answer()?, false),
                Next::DoubtedRefusal => (made.answer()?, true),
                Next::Exhausted { undo } => (exhausted(), undo),
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
        self.push(Event::Answered { answer: then.clone() })?;
        Ok(then)
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

fn step_at(step: &Step) -> StepAt {
    StepAt {
        step: step.name.into(),
        class: step.class,
        compensation: step.compensation.as_ref().map(|compensation| compensation.name.into()),
    }
}

fn callee(definition: &Definition, branch: Branch) -> Option<Callee> {
    Some(match branch {
        Branch::Step(step) => Callee::Step(step_at(definition.steps.get(step)?)),
        Branch::Flow(flow) => Callee::Flow(definition.flows.get(flow)?.name.into()),
    })
}

/// The input of another saga, and when its time is over.
fn child_asked(asked: Asked) -> Option<(Vec<Argument>, Option<Until>)> {
    match asked {
        Asked::Child { input, deadline } => Some((vec![input], deadline)),
        _ => None,
    }
}

/// The end of a wait as a moment.
fn moment(until: Until, now: Micros) -> Micros {
    match until {
        Until::After(span) => now.saturating_add(decide::micros(span)),
        Until::At(at) => at.duration_since(UNIX_EPOCH).map_or(0, decide::micros),
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
