//! The executor: one for each strand of the instance that runs, over what is durable of all of them.

use super::{Script, World};
use saga_runtime::{
    FlowContext, Saga, StepContext,
    clock::SystemClock,
    definition::{Branch, ChildKind, State, Work},
    machine as rt,
};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What survives a death.
#[derive(Clone, Default)]
pub(super) struct Root {
    pub(super) strand: Strand,
    /// The signals that have come and were not received.
    inbox: Vec<(&'static str, rt::Json)>,
    pub(super) labels: BTreeMap<String, String>,
    /// What was asked of others, as text.
    pub(super) asked: Vec<String>,
}

/// What is durable of one flow that runs.
#[derive(Clone, Default)]
pub(super) struct Strand {
    /// The state, and the answer if it is known.
    at: Option<(usize, Option<rt::Answer>)>,
    asked: Asked,
    frame: BTreeMap<Cow<'static, str>, rt::Json>,
    /// What was last stored under each name, in the frame or not.
    stored: BTreeMap<Cow<'static, str>, rt::Json>,
    /// How many calls have been made.
    calls: usize,
    /// What runs beneath the state: the branches of a join, or an inner flow.
    beneath: Vec<Beneath>,
    /// The branch that failed first.
    failed: Option<usize>,
}

/// What was asked for, as far as it has to be kept.
#[derive(Clone, Default)]
enum Asked {
    /// Nothing but to begin.
    #[default]
    Nothing,
    /// A step, with its arguments.
    Call(rt::Arguments),
    /// A join, which runs so many at a time.
    Join(usize),
    /// Messages, or a time.
    Wait { bounded: bool },
    /// Another saga.
    Child(rt::Json),
}

/// A call beneath a state.
#[derive(Clone)]
struct Beneath {
    arguments: rt::Arguments,
    begun: bool,
    answer: Option<rt::Answer>,
    /// Of an inner flow.
    strand: Strand,
}

impl Root {
    pub(super) fn starting<S: Saga>(script: &Script, input: &S::Input) -> Self {
        let written = rt::encode(input).expect("an input is JSON");
        let parameters = S::definition().main().parameters.iter();
        let arguments = parameters.map(|name| ((*name).into(), written.clone())).collect();
        Self { strand: Strand::starting(&rt::Arguments(arguments)), inbox: script.signals.clone(), ..Self::default() }
    }
}

impl Strand {
    fn starting(arguments: &rt::Arguments) -> Self {
        let frame: BTreeMap<_, _> = arguments.0.iter().cloned().collect();
        Self { stored: frame.clone(), frame, ..Self::default() }
    }

    /// Where its machine begins.
    pub(super) fn resume(&self) -> rt::Resume {
        let entry = match self.at.clone() {
            None => rt::Entry::Start,
            Some((state, None)) => rt::Entry::Calling(state),
            Some((state, Some(answer))) => rt::Entry::After(state, answer),
        };
        rt::Resume { entry, frame: self.frame.clone().into_iter().collect() }
    }
}

/// What all strands of a life share.
pub(super) struct Shared {
    pub(super) root: Root,
    /// Dies at this event, counted from 1; 0: never.
    fuse: usize,
    pub(super) events: usize,
}

impl Shared {
    pub(super) fn new(root: Root, fuse: usize) -> Self {
        Self { root, fuse, events: 0 }
    }
}

pub(super) struct Memory<'a, S> {
    saga: &'a S,
    world: &'a World,
    script: &'a Script,
    shared: &'a Mutex<Shared>,
    labels: rt::Labels,
    /// Which flow runs.
    flow: usize,
    /// Where its strand is: a position in each level of what is beneath.
    path: Vec<usize>,
    /// What its calls' keys begin with.
    prefix: String,
}

/// The arguments as a step reads them.
fn arguments(asked: Vec<rt::Argument>) -> rt::Arguments {
    rt::Arguments(asked.into_iter().map(|argument| (argument.parameter.into(), argument.value)).collect())
}

impl<'a, S: Saga> Memory<'a, S> {
    pub(super) fn main(saga: &'a S, world: &'a World, script: &'a Script, shared: &'a Mutex<Shared>) -> Self {
        let labels = rt::Labels::default();
        Self { saga, world, script, shared, labels, flow: 0, path: Vec::new(), prefix: String::new() }
    }

    /// The context of the flow.
    pub(super) fn context(&self) -> FlowContext {
        FlowContext::for_executor("test", "test", Arc::new(SystemClock::default()), self.labels.clone())
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at this strand, or changes it.
    fn strand<T>(&self, look: impl FnOnce(&mut Strand) -> T) -> T {
        let mut shared = self.shared();
        let strand = self.path.iter().fold(&mut shared.root.strand, |strand, &at| &mut strand.beneath[at].strand);
        look(strand)
    }

    /// Writes down the labels that the flow has set.
    pub(super) fn labels_set(&self) {
        for (key, value) in self.labels.take() {
            match value {
                Some(value) => self.shared().root.labels.insert(key.into(), value.into()),
                None => self.shared().root.labels.remove(&*key),
            };
        }
    }

    async fn event(&self) {
        let dies = {
            let mut shared = self.shared();
            shared.events += 1;
            shared.events == shared.fuse
        };
        if dies {
            std::future::pending::<()>().await;
        }
    }

    fn state(&self, state: usize) -> &'static State {
        &S::definition().flows[self.flow].states[state]
    }

    /// The intent: what the flow asks for, durable with everything before it.
    fn commit(&self, call: rt::Call) {
        assert_eq!(call.error, None);
        let state = self.state(call.state);
        let slots = S::definition().flows[self.flow].slots;
        let mut live: Vec<_> = state.live.iter().map(|&at| slots[at]).collect();
        live.sort_unstable();
        let mut frame = BTreeMap::<Cow<'static, str>, rt::Json>::new();
        for value in call.frame {
            let stored = || self.strand(|strand| strand.stored[value.name].clone());
            let json = value.changed.unwrap_or_else(stored);
            frame.insert(value.name.into(), json);
        }
        let names: Vec<_> = frame.keys().map(|name| &**name).collect();
        assert_eq!(names, live, "the frame is what the definition says");

        self.labels_set();
        let beneath = |arguments: rt::Arguments| {
            let strand = Strand::starting(&arguments);
            Beneath { arguments, begun: false, answer: None, strand }
        };
        let (asked, below) = match call.asked {
            rt::Asked::Call(asked) if matches!(state.work, Work::Flow(_)) => {
                (Asked::Nothing, vec![beneath(arguments(asked))])
            }
            rt::Asked::Call(asked) => (Asked::Call(arguments(asked)), Vec::new()),
            rt::Asked::Join { branches, limit } => {
                let below = branches.into_iter().map(|branch| beneath(arguments(branch))).collect();
                (Asked::Join(limit.unwrap_or(usize::MAX)), below)
            }
            rt::Asked::Wait { until } => (Asked::Wait { bounded: until.is_some() }, Vec::new()),
            rt::Asked::Child { input, .. } => {
                if let Work::Child(child) = state.work {
                    let child = S::definition().children[child];
                    if child.kind == ChildKind::Launched {
                        let text = format!("launched {} {}", (child.definition)().name, input.value);
                        self.shared().root.asked.push(text);
                    }
                }
                (Asked::Child(input.value), Vec::new())
            }
            rt::Asked::Send(sent) => {
                let rt::SignalTo { saga, id, signal, value } = sent;
                self.shared().root.asked.push(format!("sent {saga} {id} {signal} {value}"));
                (Asked::Nothing, Vec::new())
            }
        };
        self.strand(|strand| {
            strand.stored.extend(frame.clone());
            let stored = std::mem::take(&mut strand.stored);
            let calls = strand.calls + 1;
            let at = Some((call.state, None));
            *strand = Strand { at, asked, frame, stored, calls, beneath: below, failed: None };
        });
    }

    /// Does what the state says until there is an answer, which is durable then.
    async fn attempt(&self) -> rt::Answer {
        let (at, asked, calls) = self.strand(|strand| {
            let (at, _) = strand.at.clone().expect("a call was begun");
            (at, strand.asked.clone(), strand.calls)
        });
        let state = self.state(at);
        let key = format!("{}{}.{calls}", self.prefix, state.name);
        let answer = match (state.work, asked) {
            (Work::Step(step), Asked::Call(arguments)) => self.step(step, state.name, key, &arguments).await,
            (Work::Flow(flow), _) => self.inner(flow, 0, key).await,
            (Work::Join(branches), Asked::Join(limit)) => {
                self.join(|index| branches[index], state.name, limit, &key).await
            }
            (Work::Each(branch), Asked::Join(limit)) => self.join(|_| branch, state.name, limit, &key).await,
            (Work::Sleep, _) => rt::Answer::Elapsed,
            (Work::Wait(signals), Asked::Wait { bounded }) => {
                let names: Vec<_> = signals.iter().map(|&signal| S::definition().signals[signal].name).collect();
                let mut shared = self.shared();
                if let Some(first) = shared.root.inbox.iter().position(|(name, _)| names.contains(name)) {
                    let (name, value) = shared.root.inbox.remove(first);
                    let signal = names.iter().position(|known| *known == name).expect("it is waited for");
                    rt::Answer::Received { signal, value }
                } else {
                    assert!(bounded, "nobody sends {names:?}");
                    rt::Answer::Elapsed
                }
            }
            (Work::Child(child), Asked::Child(input)) => {
                let child = S::definition().children[child];
                let name = (child.definition)().name;
                match child.kind {
                    ChildKind::Launched => {
                        let started = format!("launched {name} ");
                        let asked = self.shared().root.asked.clone();
                        let number = asked.iter().filter(|text| text.starts_with(&started)).count();
                        rt::Answer::Done(rt::encode(&format!("{name}-{number}")).expect("an id is JSON"))
                    }
                    _ => self.script.children[name](&input),
                }
            }
            (Work::Send, _) => rt::Answer::Done(rt::null()),
            (work, _) => panic!("state `{}` is before {work:?}, and something else was asked for", state.name),
        };
        // A signal that is received is consumed in the very write that records it.
        self.strand(|strand| strand.at = Some((at, Some(answer.clone()))));
        self.event().await;
        answer
    }

    async fn step(&self, step: usize, state: &str, key: String, arguments: &rt::Arguments) -> rt::Answer {
        let before = self.world.count();
        let attempted = self.saga.__step(step, StepContext::for_test(state, 1), arguments).await;
        self.world.called(key, before);
        self.event().await;
        match attempted {
            Ok(rt::Attempted::Done(json)) => rt::Answer::Done(json),
            Ok(rt::Attempted::Refused(json)) => rt::Answer::Refused(json),
            other => panic!("the test's steps answer or refuse: {other:?}"),
        }
    }

    /// An inner flow, whose strand is at this position beneath this one.
    async fn inner(&self, flow: usize, position: usize, key: String) -> rt::Answer {
        let mut path = self.path.clone();
        path.push(position);
        let prefix = format!("{key}/");
        let mut memory = Memory { labels: self.labels.clone(), flow, path, prefix, ..*self };
        let resume = memory.strand(|strand| strand.resume());
        let context = memory.context();
        match self.saga.__inner(flow, context, rt::Drive::new(&mut memory, resume)).await {
            rt::Ended::Completed(json) => rt::Answer::Done(json),
            rt::Ended::Refused(json) => rt::Answer::Refused(json),
            rt::Ended::Exhausted(why) => {
                rt::Answer::Exhausted { step: why.step().into(), last_error: why.last_error().into() }
            }
            rt::Ended::Unsavable(error) => panic!("{error}"),
        }
    }

    /// Branches, one after the other in an order that the seed says; each that is done is durable.
    async fn join(&self, branch: impl Fn(usize) -> Branch, state: &str, limit: usize, key: &str) -> rt::Answer {
        loop {
            let running: Vec<usize> = self.strand(|strand| {
                let mut running =
                    strand.beneath.iter().filter(|branch| branch.begun && branch.answer.is_none()).count();
                for branch in &mut strand.beneath {
                    if strand.failed.is_none() && !branch.begun && running < limit {
                        branch.begun = true;
                        running += 1;
                    }
                }
                let open = |branch: &Beneath| branch.begun && branch.answer.is_none();
                strand.beneath.iter().enumerate().filter(|(_, branch)| open(branch)).map(|(at, _)| at).collect()
            });
            if running.is_empty() {
                break;
            }
            let next = running[self.draw(running.len())];
            let key = format!("{key}.{next}");
            let answer = match branch(next) {
                Branch::Step(step) => {
                    let arguments = self.strand(|strand| strand.beneath[next].arguments.clone());
                    self.step(step, state, key, &arguments).await
                }
                Branch::Flow(flow) => self.inner(flow, next, key).await,
            };
            self.strand(|strand| {
                if !matches!(answer, rt::Answer::Done(_)) {
                    strand.failed.get_or_insert(next);
                }
                strand.beneath[next].answer = Some(answer);
            });
            self.event().await;
        }
        self.strand(|strand| {
            let answer = |index: usize| strand.beneath[index].answer.clone().expect("it has ended");
            if let Some(index) = strand.failed {
                return rt::Answer::Branch { index, answer: Box::new(answer(index)) };
            }
            let outputs = (0..strand.beneath.len()).map(|index| match answer(index) {
                rt::Answer::Done(json) => json,
                other => panic!("none has failed: {other:?}"),
            });
            rt::Answer::All(outputs.collect())
        })
    }

    /// A number below `count`: the same for the same seed at the same event.
    fn draw(&self, count: usize) -> usize {
        if self.script.seed == 0 {
            return 0;
        }
        let events = u64::try_from(self.shared().events).unwrap_or(0);
        // SplitMix64 (Steele, Lea and Flood, 2014).
        let mut z = self.script.seed.wrapping_add(events.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(count).unwrap_or(1)).unwrap_or(0)
    }
}

impl<S: Saga> rt::Executor for Memory<'_, S> {
    fn call(&mut self, call: rt::Call) -> rt::Executing<'_, rt::Answer> {
        Box::pin(async move {
            self.event().await;
            self.commit(call);
            self.event().await;
            self.attempt().await
        })
    }

    fn resume(&mut self) -> rt::Executing<'_, rt::Answer> {
        Box::pin(self.attempt())
    }
}
