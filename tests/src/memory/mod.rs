//! An executor in memory, which dies where it is told to; and the claim that the machine is the plain method.
//!
//! What is durable is what a store would hold: for each strand the state, what it asked for, the frame. Participants keep the
//! contract of the key: an effect that happens again for the same call happens once.

mod executor;
mod script;
mod world;

pub use self::{script::Script, world::World};

use executor::{Memory, Root, Shared};
use saga_runtime::{FlowContext, Saga, Unwind, machine as rt};
use std::{
    fmt::Debug,
    future::Future,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

/// What a flow comes to.
type End<S> = Result<<S as Saga>::Output, Unwind<<S as Saga>::Refusal>>;

/// The end of the machine, or nothing if it died; with the number of events.
fn drive<S: Saga>(saga: &S, world: &World, script: &Script, root: &mut Root, fuse: usize) -> (Option<End<S>>, usize) {
    let shared = Mutex::new(Shared::new(std::mem::take(root), fuse));
    let resume = shared.lock().unwrap_or_else(PoisonError::into_inner).root.strand.resume();
    let mut memory = Memory::main(saga, world, script, &shared);
    let context = memory.context();
    let end = now(saga.__flow(context, rt::Drive::new(&mut memory, resume)));
    if end.is_some() {
        memory.labels_set();
    }
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    *root = shared.root;
    (end, shared.events)
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
    let plain = |saga, input, cx| {
        let end = plain(saga, input);
        async move { (end.await, cx) }
    };
    the_machine_is_the_method_when(name, make, input, &Script::default(), plain);
}

/// The same, with what others do in the meantime: the plain method gets it in its context, and gives that back.
///
/// # Panics
/// It is not so.
pub fn the_machine_is_the_method_when<S, F>(
    name: &str,
    make: impl Fn(World) -> S,
    input: &S::Input,
    script: &Script,
    plain: impl Fn(S, S::Input, FlowContext) -> F,
) where
    S: Saga,
    S::Input: Clone,
    S::Output: Debug,
    S::Refusal: Debug,
    F: Future<Output = (End<S>, FlowContext)>,
{
    let world = World::default();
    let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = paused.expect("a runtime of this test's own");
    let (end, cx) = runtime.block_on(plain(make(world.clone()), input.clone(), script.context()));
    let expected = script.seen(format!("{end:?}"), world.effects(), &cx);

    let start = Root::starting::<S>(script, input);
    let mut fuse = 0;
    loop {
        for second in [0, 1, 2, 3] {
            let world = World::default();
            let saga = make(world.clone());
            let mut root = start.clone();
            let (mut end, events) = drive(&saga, &world, script, &mut root, fuse);
            if end.is_none() && second > 0 {
                end = drive(&saga, &world, script, &mut root, second).0;
            }
            let end =
                end.unwrap_or_else(|| drive(&saga, &world, script, &mut root, 0).0.expect("without a fuse it ends"));
            let found = script.found(format!("{end:?}"), world.effects(), &root);
            assert_eq!(found, expected, "{name}: death at event {fuse}, then at {second}; seed {}", script.seed);
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
