//! One flow, and the claim that it does what it means.

use crate::{
    life::{Ended, Lab, Running, run},
    world::{No, World},
};
use saga_meaning::{
    generate::generate,
    print::print,
    program::Program,
    reference::{Failed, Meaning, meaning, meaning_of},
    trace::Event,
};
use saga_runtime::{Builder, FlowContext, Runtime, Saga, Signal, Unwind, store::memory::Memory, testing::TokioClock};
use std::{collections::BTreeSet, future::Future, pin::Pin, sync::Arc};

/// The plain method, as it runs.
pub type Plain = Pin<Box<dyn Future<Output = Result<i64, Unwind<No>>>>>;

/// One flow.
pub struct Subject {
    seed: u64,
    register: fn(Builder, &World) -> Builder,
    run: for<'r> fn(&'r Runtime, &'r [(usize, i64)]) -> Running<'r>,
    plain: fn(World, FlowContext, (i64, i64)) -> Plain,
    put: fn(FlowContext, usize, i64) -> FlowContext,
}

impl Subject {
    /// The flow of this saga.
    pub fn of<S>(
        seed: u64,
        register: fn(Builder, &World) -> Builder,
        plain: fn(World, FlowContext, (i64, i64)) -> Plain,
    ) -> Self
    where
        S: Saga<Input = (i64, i64), Output = i64, Refusal = No>,
    {
        let put = |cx: FlowContext, signal: usize, value: i64| {
            cx.with_signal(Signal::<S, i64>::new(if signal == 0 { "a" } else { "b" }), value)
        };
        Self { seed, register, run: run::<S>, plain, put }
    }
}

/// The claim: undisturbed, and with a crash before and after every commit, it does what it means.
///
/// # Panics
/// It does not.
pub fn check(subject: &Subject) {
    let program = generate(subject.seed);
    let at_rest = meaning(&program).expect("the generator has run it");
    as_the_method(subject, &program, &at_rest);
    let (end, points) = paused(lives(subject, &program, 0));
    agree(&program, end, 0, points);
    for last in 1..=points {
        let (end, _) = paused(lives(subject, &program, last));
        agree(&program, end, last, points);
    }
}

/// A runtime whose time is skipped.
fn paused<T>(future: impl Future<Output = T>) -> T {
    let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    paused.expect("a runtime of this test's own").block_on(future)
}

/// A life that ends at this point, and the one after it; with how many points the first had.
async fn lives(subject: &Subject, program: &Program, last: usize) -> ((Ended, World), usize) {
    let world = World::of(program, false);
    let lab = Lab {
        store: Arc::new(Memory::new()),
        clock: Arc::new(TokioClock::at(1_767_225_600_000_000)),
        world: world.clone(),
        register: subject.register,
        run: subject.run,
        signals: program.signals.clone(),
    };
    let (mut ended, points) = lab.life(last).await;
    if ended.is_none() {
        ended = lab.life(0).await.0;
    }
    ((ended.expect("nobody ends the second life"), world), points)
}

/// What was seen has to be a meaning of the program.
fn agree(program: &Program, ((end, timeline), world): (Ended, World), last: usize, points: usize) {
    let sight = world.sight(last == 0);
    let fits = |meaning: &Meaning| {
        if meaning.end != end {
            return Err(format!("it ends with {end:?}, and not with {:?}", meaning.end));
        }
        if sight.most > meaning.width {
            return Err(format!("{} attempts ran at a time, and not {}", sight.most, meaning.width));
        }
        let none = BTreeSet::new();
        let in_doubt = if last == 0 && !meaning.joins_failed { &none } else { &meaning.in_doubt };
        meaning.trace.allows(&sight.events, in_doubt).map_err(|why| format!("{why}\n{}", meaning.trace))
    };
    let meaning = meaning_of(program, &sight.seen, fits);
    if let (Ok(_), []) = (&meaning, &sight.broken[..]) {
        return;
    }
    let events: Vec<String> = sight.events.iter().map(Event::to_string).collect();
    panic!(
        "seed {}, a crash at {last} of {points} points: {:?} {:?}\nsent: {:?}\n{}\nended: {end:?}\nseen: {}\n\n{timeline}",
        program.seed,
        sight.broken,
        meaning.err().unwrap_or_default(),
        program.signals,
        print(program),
        events.join("; "),
    );
}

/// Where nothing fails on the way and no scope is undone, the plain method does the same.
fn as_the_method(subject: &Subject, program: &Program, meaning: &Meaning) {
    if meaning.doubted || meaning.joins_failed || program.sagas.len() > 1 {
        return;
    }
    let world = World::of(program, true);
    let cx =
        program.signals.iter().fold(FlowContext::detached(), |cx, (signal, value)| (subject.put)(cx, *signal, *value));
    let end = paused((subject.plain)(world.clone(), cx, (0, 1)));
    let end = match end {
        Ok(value) => Ok(value),
        Err(Unwind::Refused(No(no))) => Err(Failed::Refused(no)),
        Err(other) => panic!("seed {}: nothing is exhausted here: {other:?}", program.seed),
    };
    let order = meaning.trace.effects().allows(&world.sight(true).events, &BTreeSet::new());
    assert_eq!(
        (&end, order),
        (&meaning.end, Ok(())),
        "the plain method of seed {} means {}\n{}",
        program.seed,
        meaning.trace,
        print(program)
    );
}
