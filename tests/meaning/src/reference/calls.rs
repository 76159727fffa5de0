//! What a call comes to: steps, scopes, joins, other sagas, time.

use super::{
    Failed, Go, Leave, Mode, Run, Undo, undo,
    values::{Val, first, locals},
};
use crate::{
    program::{Class, Step, Verb},
    script::{ATTEMPTS, Answer, Failing, Script, label, script},
    trace::{Event, Trace},
};

/// What a branch of a join did, and what it came to: nothing if it was stopped; how many attempts ran at a time in it, and when it
/// was refused, if it ended so.
#[derive(Debug)]
struct Branch {
    trace: Trace,
    log: Vec<Undo>,
    end: Option<Result<Val, Failed>>,
    width: usize,
    refused_at: Option<u64>,
}

impl<'p> Run<'p> {
    pub(super) fn verb(&mut self, verb: &'p Verb) -> Go<Val> {
        self.calls += 1;
        self.refused_at = None;
        let is_branch = std::mem::take(&mut self.is_branch);
        match verb {
            Verb::Step { step, tag, argument } => {
                let step = &self.program.sagas[self.saga].steps[*step];
                let tag = self.number(tag)?;
                let argument = match self.expr(argument)? {
                    Val::Numbers(numbers) => numbers,
                    other => vec![other.number()],
                };
                self.step(step, tag, &argument)
            }
            Verb::Inner { flow, tag, number, given } => {
                let (tag, number, given) = (self.number(tag)?, self.number(number)?, self.local(given).numbers());
                self.scope(self.saga, *flow, (tag, number, Some(given)), is_branch)
            }
            Verb::Child { saga, pivot, tag, number } => {
                let (tag, number) = (self.number(tag)?, self.number(number)?);
                let answer = self.scope(*saga, 0, (tag, number, None), false)?;
                if *pivot && matches!(answer, Val::Answer(Ok(_))) {
                    self.log.clear();
                }
                Ok(answer)
            }
            Verb::Join(branches) => self.join(branches.len(), branches.len(), |run, at| run.verb(&branches[at])),
            Verb::Each { list, limit, branch } => {
                let items = first(&self.local(list).numbers());
                self.join(items.len(), usize::try_from(*limit).unwrap_or(1), |run, at| {
                    let (at, item) = items[at];
                    run.locals.insert("at".into(), Val::Number(at));
                    run.locals.insert("item".into(), Val::Number(item));
                    run.verb(branch)
                })
            }
            Verb::Sleep(_) => Ok(Val::Unit),
            Verb::Wait { signals, within } => {
                // The first that was sent.
                let sent = self.signals.iter().position(|(signal, _)| signals.contains(signal));
                let Some(sent) = sent else {
                    let never = || Leave::Other("it waits for what never comes".into());
                    return if *within { Ok(Val::Received(None)) } else { Err(never()) };
                };
                let (signal, value) = self.signals.remove(sent);
                let at = signals.iter().position(|one| *one == signal).unwrap_or_default();
                Ok(if signals.len() == 1 && !within { Val::Number(value) } else { Val::Received(Some((at, value))) })
            }
        }
    }

    /// A step. What a participant does twice under one key, it does once.
    fn step(&mut self, step: &'p Step, tag: i64, argument: &[i64]) -> Go<Val> {
        let label = label(&step.name, tag, argument);
        let made = self.made.get(&label).copied().unwrap_or_default();
        let call = format!("{label}#{made}");
        let told = script(self.program.seed, step, tag, argument);
        let asked = self.seen.asked.get(&call).copied();
        // A loop may say the same again, so that what was seen may have been a later turn's.
        if self.mode == Mode::Stopped && (asked.is_none() || self.choose(2) == 1) {
            return Err(Leave::Stopped);
        }
        self.made.insert(label, made + 1);
        self.width = self.width.max(1);
        if self.mode == Mode::Stopped {
            self.stopped_at = self.stopped_at.max(asked.map_or(0, |asked| asked.attempted_at));
        }
        let has_effect = step.class != Class::ReadOnly;
        let compensated = step.class == Class::Compensated;
        if self.mode == Mode::Stopped && compensated {
            // Begun without a recorded answer counts as unknown.
            self.in_doubt.insert(Event::Empty(call.clone()));
        }
        match (self.mode, asked) {
            (Mode::Strict, None) => return Err(Leave::Other(format!("{call} was not called"))),
            (Mode::Stopped, Some(asked)) if told.answer != Answer::Never => {
                let unrecorded = asked.undone_in_doubt && matches!(told.answer, Answer::Done(_));
                if (!asked.answered || unrecorded) && asked.took_effect && has_effect {
                    self.trace.push(Trace::Event(Event::Did(call.clone())));
                    if compensated {
                        self.log.push(Undo::Call(call, None));
                    }
                    return if asked.answered {
                        Ok(Val::Answer(answer(step, told.answer)))
                    } else {
                        Err(Leave::Stopped)
                    };
                }
                if !asked.answered {
                    return Err(Leave::Stopped);
                }
            }
            (Mode::Strict, Some(asked)) => self.attempted(&call, step, asked.attempts, told)?,
            _ => {}
        }
        match told.answer {
            Answer::Done(output) => {
                if has_effect {
                    self.trace.push(Trace::Event(Event::Did(call.clone())));
                }
                match step.class {
                    Class::Compensated => self.log.push(Undo::Call(call, Some(output))),
                    // There is no way back.
                    Class::Pivot => self.log.clear(),
                    _ => {}
                }
            }
            // Without a key it says nothing of the attempts before it.
            Answer::Refused(_) if step.keyless => {
                self.doubted(call, if told.failures == 0 { Failing::Clean } else { told.failing });
            }
            Answer::Refused(_) => self.refused_at = asked.map(|asked| asked.ended_at),
            Answer::Never => {
                self.doubted = true;
                match (compensated, told.failing) {
                    (true, failing) => self.doubted(call, failing),
                    (false, Failing::Lost) if has_effect => self.trace.push(Trace::Event(Event::Did(call))),
                    (false, _) => {}
                }
            }
        }
        Ok(Val::Answer(answer(step, told.answer)))
    }

    /// It was attempted until there was an answer, or no attempt was left, and then no more. A crash costs at most one attempt; one
    /// of a read-only step is made before anything is durable (rule 3), so that nobody knows that it was lost.
    fn attempted(&self, call: &str, step: &Step, attempts: u32, told: Script) -> Go<()> {
        let due = if told.answer == Answer::Never { ATTEMPTS } else { told.failures + 1 };
        let allowed = match (self.seen.undisturbed, told.answer) {
            (true, _) => due..=due,
            (false, Answer::Never) if step.class == Class::ReadOnly => due - 1..=due + 1,
            (false, Answer::Never) => due - 1..=due,
            (false, _) => due..=due + 1,
        };
        if allowed.contains(&attempts) {
            return Ok(());
        }
        Err(Leave::Other(format!("{call} was attempted {attempts} times, and not {allowed:?}")))
    }

    /// A call that is in doubt: its undo has ended before the flow is told.
    fn doubted(&mut self, call: String, failing: Failing) {
        self.doubted |= failing != Failing::Clean;
        match failing {
            Failing::Lost => {
                self.trace.push(Trace::Event(Event::Did(call.clone())));
                self.trace.push(Trace::Event(Event::Undid(call, None)));
            }
            Failing::Unknown => self.trace.push(Trace::Event(Event::Empty(call))),
            Failing::Clean => drop(self.in_doubt.insert(Event::Empty(call))),
        }
    }

    /// An inner flow or another saga: if it fails, exactly what it completed is undone before its caller is told; that of a branch
    /// together with what the other branches completed.
    fn scope(
        &mut self,
        saga: usize,
        flow: usize,
        (tag, number, given): (i64, i64, Option<Vec<i64>>),
        is_branch: bool,
    ) -> Go<Val> {
        let outer_locals = std::mem::replace(&mut self.locals, locals(tag, number, given));
        let outer_log = std::mem::take(&mut self.log);
        let outer_saga = std::mem::replace(&mut self.saga, saga);
        let end = self.flow(flow);
        self.locals = outer_locals;
        self.saga = outer_saga;
        let log = std::mem::replace(&mut self.log, outer_log);
        match end {
            Ok(Err(failed)) if is_branch => {
                self.log = log;
                Ok(Val::Answer(Err(failed)))
            }
            Ok(Err(failed)) => {
                if !log.is_empty() {
                    self.refused_at = None;
                }
                self.trace.push(undo(log));
                Ok(Val::Answer(Err(failed)))
            }
            Ok(Ok(value)) => {
                self.log.extend(log);
                Ok(Val::Answer(Ok(Box::new(Val::Number(value)))))
            }
            Err(leave) => {
                // Stopped where it stands: what it did is undone with everything before it.
                self.log.extend(log);
                Err(leave)
            }
        }
    }

    /// Branches that run at the same time. If one fails, what the join has completed is undone, each branch independently of the
    /// others, before the flow is told the first failure.
    fn join(&mut self, count: usize, limit: usize, body: impl Fn(&mut Self, usize) -> Go<Val>) -> Go<Val> {
        let mode = self.mode;
        // Either all went well, or this one was the first that did not.
        let first = if mode == Mode::Strict { self.choose(count + 1).checked_sub(1) } else { None };
        let mut branches = Vec::new();
        let before = std::mem::take(&mut self.stopped_at);
        for at in 0..count {
            if first.is_some_and(|first| first != at) {
                self.mode = Mode::Stopped;
            }
            branches.push(self.branch(at, &body)?);
            self.mode = mode;
        }
        let mut widths: Vec<usize> = branches.iter().map(|branch| branch.width).collect();
        widths.sort_unstable_by(|a, b| b.cmp(a));
        self.width = self.width.max(widths.into_iter().take(limit).sum());
        let stopped_at = self.stopped_at;
        self.stopped_at = stopped_at.max(before);
        let failing: Vec<usize> = (0..count).filter(|at| matches!(branches[*at].end, Some(Err(_)))).collect();
        let first = match mode {
            Mode::Strict if first.is_none() && !failing.is_empty() => {
                return Err(Leave::Other(format!("branch {} failed", failing[0])));
            }
            Mode::Strict => first,
            Mode::Free => failing.first().copied(),
            Mode::Stopped if failing.is_empty() => None,
            Mode::Stopped => Some(failing[self.choose(failing.len())]),
        };
        let Some(first) = first else {
            let stopped = branches.iter().any(|branch| branch.end.is_none());
            let mut outputs = Vec::new();
            let (mut traces, mut logs) = (Vec::new(), Vec::new());
            for Branch { trace, log, end, .. } in branches {
                traces.push(trace);
                logs.push(log);
                outputs.extend(end.and_then(Result::ok).map(|value| value.number()));
            }
            self.trace.push(Trace::Par(traces));
            self.log.push(Undo::Branches(logs));
            return if stopped { Err(Leave::Stopped) } else { Ok(Val::Answer(Ok(Box::new(Val::Numbers(outputs))))) };
        };
        self.joins_failed = true;
        let Some(Err(failed)) = branches[first].end.clone() else {
            return Err(Leave::Other(format!("branch {first} did not fail")));
        };
        if mode == Mode::Strict
            && self.seen.undisturbed
            && let Some(refused_at) = branches[first].refused_at
            && stopped_at > refused_at
        {
            return Err(Leave::Other(format!("an attempt began at {stopped_at}, after the refusal at {refused_at}")));
        }
        self.trace.push(Trace::Failed(branches.into_iter().map(|branch| (branch.trace, undo(branch.log))).collect()));
        Ok(Val::Answer(Err(failed)))
    }

    /// Which of so many was the first.
    fn choose(&mut self, among: usize) -> usize {
        if self.chosen == self.choices.len() {
            self.choices.push((0, among));
        }
        self.chosen += 1;
        self.choices[self.chosen - 1].0
    }

    fn branch(&mut self, at: usize, body: &impl Fn(&mut Self, usize) -> Go<Val>) -> Go<Branch> {
        let outer = (std::mem::take(&mut self.trace), std::mem::take(&mut self.log), std::mem::take(&mut self.width));
        self.is_branch = true;
        let end = match body(self, at) {
            Ok(value) => Some(value.answer()),
            Err(Leave::Stopped) => None,
            Err(leave) => return Err(leave),
        };
        let trace = Trace::Seq(std::mem::replace(&mut self.trace, outer.0));
        let log = std::mem::replace(&mut self.log, outer.1);
        let width = std::mem::replace(&mut self.width, outer.2);
        Ok(Branch { trace, log, end, width, refused_at: self.refused_at.take() })
    }
}

/// What the flow is told.
fn answer(step: &Step, answer: Answer) -> Result<Box<Val>, Failed> {
    match answer {
        Answer::Done(output) => Ok(Box::new(Val::Number(output))),
        Answer::Refused(no) => Err(Failed::Refused(no)),
        Answer::Never => Err(Failed::Exhausted(step.name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use crate::reference::branch;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_branches_beside_or_beneath_each_other_have_one_tag() {
        let tags: BTreeSet<i64> = (0..4).flat_map(|at| (0..4).map(move |below| branch(branch(0, at), below))).collect();
        assert_eq!(tags.len(), 16);
        assert!((0..4).all(|at| !tags.contains(&branch(0, at))));
    }
}
