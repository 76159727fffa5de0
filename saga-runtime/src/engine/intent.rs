//! A call as it is written down before it is made.

use super::{Limits, strand::Strand};
use crate::{
    core::{
        Called, Callee, Calls, ChildAt, Name, Saved, StepAt, Stored, decide,
        key::{Purpose, key},
        phase::Held,
    },
    definition::{Branch, Definition, State, Step, Work},
    machine::{Argument, Arguments, Asked, Call, FrameValue, Json, Until},
    store::Micros,
};
use litemap::LiteMap;
use std::time::UNIX_EPOCH;

/// What can be written down of a call, and what it is made with.
pub(super) struct Intent {
    pub(super) called: Box<Called>,
    pub(super) arguments: Vec<Arguments>,
}

/// What a call is written down with.
struct Asking<'a> {
    definition: &'static Definition,
    state: &'static State,
    limits: Limits,
    now: Micros,
    /// The row that it will have.
    row: u64,
    /// Where locals are that were saved before.
    stored: &'a LiteMap<Name, Held>,
    /// The live locals in that row.
    frame: Saved,
    /// What makes the key of this very call: the instance's birth, the strand's path, which call in the state it is.
    made_of: (&'a str, &'a str, u64),
}

impl Strand<'_> {
    /// The call as it is journaled, and what it is made with; an error says what cannot be saved.
    pub(super) fn intent(&self, call: Call) -> Result<Intent, String> {
        if let Some(error) = call.error {
            return Err(error.to_string());
        }
        let state = self.definition().states.get(call.state).ok_or("the machine is in a state that does not exist")?;
        let inner = self.worker.journal.inner();
        let strand = inner.state.root.at(&self.path).ok_or("the strand is not there")?;
        let ordinal = strand.ordinals.get(state.name).map_or(1, |ordinal| ordinal.saturating_add(1));
        let mut asking = Asking {
            definition: self.worker.saga.definition(),
            state,
            limits: self.worker.engine.limits,
            now: self.worker.engine.clock.now(),
            row: inner.next(),
            stored: &strand.stored,
            frame: Saved::new(),
            made_of: (&self.worker.journal.identity.birth, &self.path, ordinal),
        };
        asking.frame(call.frame, &self.begun_with)?;
        let (calls, arguments) = asking.calls(call.asked)?;
        let (state, fingerprint) = (state.name.into(), state.fingerprint.into());
        let called = Box::new(Called { state, fingerprint, ordinal, calls, frame: asking.frame });
        Ok(Intent { called, arguments })
    }
}

impl Asking<'_> {
    /// The live locals: those that are not stored as they are now, and where the others are.
    fn frame(&mut self, live: Vec<FrameValue>, begun_with: &LiteMap<Name, Json>) -> Result<(), String> {
        let mut size = 0;
        for value in live {
            let saved = match (value.changed, self.stored.get(value.name)) {
                (Some(json), _) => {
                    size += json.get().len();
                    Stored::Value(json)
                }
                (None, Some(held)) => {
                    size += held.size;
                    Stored::kept(held.row, value.name, value.name)
                }
                // An argument of an inner flow, which is where its call is.
                (None, None) => match begun_with.get(value.name) {
                    Some(json) => {
                        size += json.get().len();
                        Stored::Value(json.clone())
                    }
                    None => return Err(format!("saved value `{}`: it was never saved", value.name)),
                },
            };
            self.frame.insert(value.name.into(), saved);
        }
        within("the frame of state", self.state.name, size, self.limits.instance)
    }

    /// Arguments as they are saved, and as they are passed.
    fn save(&self, asked: Vec<Argument>, size: &mut usize) -> (Saved, Arguments) {
        let mut arguments = Saved::new();
        let mut passed = Vec::with_capacity(asked.len());
        for argument in asked {
            *size += argument.value.get().len();
            let saved = match argument.same_as {
                Some(local) if matches!(self.frame.get(local), Some(Stored::Value(_))) => {
                    Stored::kept(self.row, local, argument.parameter)
                }
                Some(local) => match self.stored.get(local) {
                    Some(held) => Stored::kept(held.row, local, argument.parameter),
                    None => Stored::Value(argument.value.clone()),
                },
                None => Stored::Value(argument.value.clone()),
            };
            arguments.insert(argument.parameter.into(), saved);
            passed.push((argument.parameter.into(), argument.value));
        }
        (arguments, Arguments(passed))
    }

    /// What is called or waited for.
    fn calls(&self, asked: Asked) -> Result<(Calls, Vec<Arguments>), String> {
        let Self { definition, state, limits, now, .. } = self;
        let misfit = || format!("state `{}` does not do what the machine asks for", state.name);
        let mut size = 0;
        Ok(match (state.work, asked) {
            (Work::Step(step), Asked::Call(asked)) => {
                let step = definition.steps.get(step).ok_or_else(misfit)?;
                let (saved, passed) = self.save(asked, &mut size);
                within("the arguments of step", step.name, size, limits.step)?;
                (Calls::Step(step_at(step), saved), vec![passed])
            }
            (Work::Flow(flow), Asked::Call(asked)) => {
                let flow = definition.flows.get(flow).ok_or_else(misfit)?;
                let (saved, passed) = self.save(asked, &mut size);
                within("the arguments of inner flow", flow.name, size, limits.instance)?;
                (Calls::Flow(flow.name.into(), saved), vec![passed])
            }
            (Work::Join(of), Asked::Join { branches, limit }) => self.join(of, branches, limit)?,
            (Work::Each(of), Asked::Join { branches, limit }) => self.join(&[of], branches, limit)?,
            (Work::Sleep, Asked::Wait { until }) => {
                let until = until.map(|until| moment(until, *now));
                (Calls::Wait { signals: Vec::new(), until }, Vec::new())
            }
            (Work::Wait(signals), Asked::Wait { until }) => {
                let names = signals.iter().filter_map(|index| definition.signals.get(*index));
                let signals = names.map(|signal| signal.name.into()).collect();
                (Calls::Wait { signals, until: until.map(|until| moment(until, *now)) }, Vec::new())
            }
            (Work::Send, Asked::Send(to)) => {
                within("the value of signal", to.signal, to.value.get().len(), limits.step)?;
                let (saga, id, signal) = (to.saga.into(), to.id, to.signal.into());
                (Calls::Send { saga, id, signal, value: to.value }, Vec::new())
            }
            (Work::Child(index), Asked::Child { input, deadline }) => {
                let child = definition.children.get(index).ok_or_else(misfit)?;
                let saga = (child.definition)().name;
                let (arguments, passed) = self.save(vec![input], &mut size);
                within("the input of saga", saga, size, limits.instance)?;
                let deadline = deadline.map(|until| moment(until, *now));
                // Its id is the key of this call.
                let (birth, path, ordinal) = self.made_of;
                let id = key(birth, path, state.name, ordinal, Purpose::Step);
                let child = ChildAt { saga: saga.into(), id: (&*id).into(), kind: child.kind };
                (Calls::Child { child, arguments, deadline }, vec![passed])
            }
            _ => return Err(misfit()),
        })
    }

    fn join(
        &self,
        of: &[Branch],
        branches: Vec<Vec<Argument>>,
        limit: Option<usize>,
    ) -> Result<(Calls, Vec<Arguments>), String> {
        let callees: Option<Vec<_>> = of.iter().map(|branch| callee(self.definition, *branch)).collect();
        let callees = callees.ok_or_else(|| format!("state `{}` has a branch that does not exist", self.state.name))?;
        let mut size = 0;
        let (branches, passed) = branches.into_iter().map(|asked| self.save(asked, &mut size)).unzip();
        within("the arguments of all branches of", self.state.name, size, self.limits.instance)?;
        let limit = limit.map(|limit| u32::try_from(limit.max(1)).unwrap_or(u32::MAX));
        Ok((Calls::Join { callees, branches, limit }, passed))
    }
}

fn step_at(step: &Step) -> StepAt {
    StepAt {
        step: step.name.into(),
        class: step.class,
        compensation: step.compensation.as_ref().map(|compensation| compensation.name.into()),
        transactional: step.transactional,
    }
}

fn callee(definition: &Definition, branch: Branch) -> Option<Callee> {
    Some(match branch {
        Branch::Step(step) => Callee::Step(step_at(definition.steps.get(step)?)),
        Branch::Flow(flow) => Callee::Flow(definition.flows.get(flow)?.name.into()),
    })
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
