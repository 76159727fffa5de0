//! A clock that somebody sets (rule 26).

use crate::{
    Lab, end,
    saga::{Scripted, script},
    start, until,
    world::{Act, World},
};
use saga_runtime::{
    End, Runtime,
    clock::Clock,
    runtime::Filter,
    store::{Store, memory::Memory},
    testing::ManualClock,
};
use std::{sync::Arc, time::Duration};

const HOUR: Duration = Duration::from_hours(1);

async fn on_a_manual_clock() -> (Runtime, World, Arc<ManualClock>) {
    let (world, clock) = (World::default(), Arc::new(ManualClock::default()));
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let builder = Runtime::builder().shared_store(store).clock(Arc::clone(&clock) as Arc<dyn Clock>).seed(1);
    (builder.register(Scripted(world.clone())).start().await.expect("it starts"), world, clock)
}

/// Whatever can go on without time has gone on.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn rule_26_a_jump_of_more_than_an_hour_holds_timers_until_somebody_confirms_it() {
    let (runtime, world, clock) = on_a_manual_clock().await;
    world.plan("a", [Act::Later(90 * 60)]);
    let saga = start(&runtime, "1", script("book:a")).await;
    until(|| world.got().len() == 1 && runtime.running() == 0).await;
    clock.set_forward(2 * HOUR);
    settle().await;
    assert_eq!(world.got().len(), 1, "a timer does not fire because somebody set the clock");
    let not_ready = runtime.ready().expect_err("somebody has to look");
    assert!(not_ready.is_clock_jumped() && not_ready.to_string().contains("forward by 7200 s"), "{not_ready}");
    assert!(runtime.clock_jump().is_some());
    let started = start(&runtime, "2", script("book:b")).await;
    assert!(matches!(end(&started).await, End::Completed(_)), "what needs no timer goes on");
    assert!(runtime.confirm_clock());
    assert!(matches!(end(&saga).await, End::Completed(_)), "it is two hours later indeed");
    runtime.ready().expect("ready again");
    assert!(!runtime.confirm_clock(), "there is nothing more to confirm");
}

#[tokio::test]
async fn rule_26_while_a_jump_is_held_timers_fire_when_their_time_has_really_passed() {
    for back in [false, true] {
        let (runtime, world, clock) = on_a_manual_clock().await;
        world.plan("a", [Act::Later(90 * 60)]);
        let saga = start(&runtime, "1", script("book:a")).await;
        until(|| world.got().len() == 1 && runtime.running() == 0).await;
        let set = if back { ManualClock::set_back } else { ManualClock::set_forward };
        set(&clock, 24 * HOUR);
        settle().await;
        assert!(runtime.ready().is_err_and(|error| error.is_clock_jumped()));
        clock.advance(HOUR);
        settle().await;
        assert_eq!(world.got().len(), 1, "not early");
        clock.advance(HOUR);
        assert!(matches!(end(&saga).await, End::Completed(_)));
        let listed = runtime.list(&Filter::new()).await.expect("the store answers").instances;
        let took = listed[0].ended_at.expect("it ended") - listed[0].started_at;
        assert_eq!(took, 2 * 3_600_000_000, "its rows tell the time that has passed");
    }
}

#[tokio::test(start_paused = true)]
async fn rule_26_a_year_of_sleeping_is_no_jump() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = runtime.start::<Scripted>("1", script("book:a")).after(365 * 24 * HOUR).await.expect("it is started");
    assert!(matches!(saga.result().await, Ok(End::Completed(_))));
    runtime.ready().expect("time passed, and nobody set it");
    let (runtime, world, clock) = on_a_manual_clock().await;
    runtime.start::<Scripted>("1", script("book:a")).after(365 * 24 * HOUR).await.expect("it is started");
    clock.advance(365 * 24 * HOUR);
    until(|| world.got().len() == 1).await;
    runtime.ready().expect("time passed, and nobody set it");
}
