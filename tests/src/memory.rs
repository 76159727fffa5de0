//! An executor in memory, which dies where it is told to; and the claim that the machine is the plain method.
//!
//! What is durable is what a store would hold: the state, its arguments, the frame. Participants keep the contract of the
//! key: an effect that happens again for the same call happens once.

use saga_runtime::{FlowContext, Saga, StepContext, Unwind, machine as rt};
use std::{
    collections::BTreeMap,
    fmt::Debug,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

/// What the participants saw, in order.
#[derive(Debug, Default, Clone)]
pub struct World(Arc<Mutex<Vec<String>>>);

impl World {
    /// One effect.
    pub fn effect(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// All of them.
    pub fn effects(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn truncate(&self, to: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).truncate(to);
    }
}

/// What survives a death.
#[derive(Clone, Default)]
struct Durable {
    /// The state, and the answer if it is known.
    at: Option<(usize, Option<rt::Answer>)>,
    arguments: rt::Arguments,
    frame: BTreeMap<Box<str>, rt::Json>,
    /// What was last stored under each name, in the frame or not.
    stored: BTreeMap<Box<str>, rt::Json>,
    /// How many effects there were when the call was begun.
    effects: usize,
}

struct Memory<'a, S> {
    saga: &'a S,
    world: &'a World,
    durable: &'a mut Durable,
    /// Dies at this event, counted from 1; 0: never.
    fuse: usize,
    events: usize,
}

impl<S: Saga> Memory<'_, S> {
    async fn event(&mut self) {
        self.events += 1;
        if self.events == self.fuse {
            std::future::pending::<()>().await;
        }
    }

    async fn attempt(&mut self) -> rt::Answer {
        let (state, _) = self.durable.at.clone().expect("a call was begun");
        let state_of = &S::definition().main().states[state];
        let arguments = self.durable.arguments.clone();
        self.world.truncate(self.durable.effects);
        let step = state_of.step().expect("the test's flows call steps only");
        let attempted = self.saga.__step(step, StepContext::for_test(state_of.name, 1), &arguments).await;
        self.event().await;
        let answer = match attempted {
            rt::Attempted::Done(json) => rt::Answer::Done(json),
            rt::Attempted::Refused(json) => rt::Answer::Refused(json),
            other => panic!("the test's steps answer or refuse: {other:?}"),
        };
        self.durable.at = Some((state, Some(answer.clone())));
        self.event().await;
        answer
    }
}

impl<S: Saga> rt::Executor for Memory<'_, S> {
    fn call(&mut self, call: rt::Call) -> rt::Executing<'_, rt::Answer> {
        Box::pin(async move {
            assert_eq!(call.error, None);
            self.event().await;
            let mut frame = BTreeMap::<Box<str>, rt::Json>::new();
            let mut live: Vec<_> = S::definition().main().states[call.state]
                .live
                .iter()
                .map(|&at| S::definition().main().slots[at])
                .collect();
            for value in call.frame {
                let json = value.changed.unwrap_or_else(|| self.durable.stored[value.name].clone());
                frame.insert(value.name.into(), json);
            }
            live.sort_unstable();
            assert_eq!(
                frame.keys().map(|name| &**name).collect::<Vec<_>>(),
                live,
                "the frame is what the definition says"
            );
            let rt::Asked::Call(arguments) = call.asked else { panic!("the test's flows call steps only") };
            let arguments = arguments.into_iter().map(|a| (a.parameter.into(), a.value)).collect();
            let mut stored = std::mem::take(&mut self.durable.stored);
            stored.extend(frame.clone());
            *self.durable = Durable {
                stored,
                at: Some((call.state, None)),
                arguments: rt::Arguments(arguments),
                frame,
                effects: self.world.effects().len(),
            };
            self.event().await;
            self.attempt().await
        })
    }

    fn resume(&mut self) -> rt::Executing<'_, rt::Answer> {
        Box::pin(self.attempt())
    }
}

/// What a flow comes to.
type End<S> = Result<<S as Saga>::Output, Unwind<<S as Saga>::Refusal>>;

/// The end of the machine, or nothing if it died; with the number of events.
fn drive<S: Saga>(saga: &S, world: &World, durable: &mut Durable, fuse: usize) -> (Option<End<S>>, usize) {
    let entry = match durable.at.clone() {
        None => rt::Entry::Start,
        Some((state, None)) => rt::Entry::Calling(state),
        Some((state, Some(answer))) => rt::Entry::After(state, answer),
    };
    let resume = rt::Resume { entry, frame: durable.frame.clone() };
    let mut memory = Memory { saga, world, durable, fuse, events: 0 };
    let end = now(saga.__flow(FlowContext::detached(), rt::Drive::new(&mut memory, resume)));
    (end, memory.events)
}

/// What a future comes to at once, if it does.
pub fn now<F: Future>(future: F) -> Option<F::Output> {
    match Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(end) => Some(end),
        Poll::Pending => None,
    }
}

/// The claim of this file: run as the plain method, as the machine, and as the machine with a death at every event (and a
/// second one soon after), a flow comes to the same end with the same effects.
///
/// # Panics
/// It does not.
pub fn the_machine_is_the_method<S, F>(
    name: &str,
    make: impl Fn(World) -> S,
    input: &S::Input,
    plain: impl Fn(S, S::Input) -> F,
) where
    S: Saga,
    S::Input: Clone,
    S::Output: Debug,
    S::Refusal: Debug,
    F: Future<Output = End<S>>,
{
    let world = World::default();
    let end = now(plain(make(world.clone()), input.clone())).expect("the test's steps never wait");
    let expected = (format!("{end:?}"), world.effects());

    let parameter = S::definition().main().slots.first().copied();
    let written = rt::encode(input).expect("an input is JSON");
    let frame: BTreeMap<Box<str>, rt::Json> =
        ["input", "order"].into_iter().chain(parameter).map(|name| (name.into(), written.clone())).collect();
    let start = Durable { stored: frame.clone(), frame, ..Durable::default() };
    let mut fuse = 0;
    loop {
        for second in [0, 1, 2, 3] {
            let world = World::default();
            let saga = make(world.clone());
            let mut durable = start.clone();
            let (mut end, events) = drive(&saga, &world, &mut durable, fuse);
            if end.is_none() && second > 0 {
                end = drive(&saga, &world, &mut durable, second).0;
            }
            let end = end.unwrap_or_else(|| drive(&saga, &world, &mut durable, 0).0.expect("without a fuse it ends"));
            let found = (format!("{end:?}"), world.effects());
            assert_eq!(found, expected, "{name}: death at event {fuse}, then at {second}");
            if fuse == 0 {
                break;
            }
            if events < fuse {
                return;
            }
        }
        fuse += 1;
    }
}
