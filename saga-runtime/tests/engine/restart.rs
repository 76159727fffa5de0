//! Crashes, builds that do not know a state, journals that cannot be read, shutdown (rules 6, 14, 31, 32; I10).

use crate::{
    Lab, end, events,
    saga::{Newer, No, Scripted, script},
    settled, start, until,
    world::Act,
};
use saga_runtime::{
    Settled,
    prelude::*,
    runtime::{ParkCause, Point, Progress},
    store::{Append, Row, Store, Write},
};
use std::{
    ops::ControlFlow,
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

#[tokio::test(start_paused = true)]
async fn rule_14_three_recoveries_without_progress_park_a_crash_loop_which_retry_lifts() {
    let lab = Lab::new();
    lab.world.plan("b", [Act::Hang, Act::Hang, Act::Hang, Act::Hang]);
    let runtime = lab.runtime().await;
    start(&runtime, "1", script("book:a book:b pay:p")).await;
    until(|| lab.world.about("b").len() == 1).await;
    drop(runtime);
    for lives in 2..=4 {
        let runtime = lab.runtime().await;
        until(|| lab.world.about("b").len() == lives).await;
        drop(runtime);
    }
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    let park = lab.parked(&saga).await;
    assert_eq!(park.cause(), ParkCause::CrashLoop);
    assert_eq!(lab.world.about("b").len(), 4, "it was not tried once more");
    assert!(park.retry("ann", "the driver is mended").await.expect("decided").granted);
    assert!(matches!(end(&saga).await, End::Completed(_)));
    let b = lab.world.about("b");
    assert_eq!((b[4].attempt, &b[4].key), (5, &b[0].key), "each recovery counts as an attempt");
}

#[tokio::test(start_paused = true)]
async fn rule_14_progress_resets_the_count() {
    let lab = Lab::new();
    lab.world.plan("a", [Act::Hang, Act::Hang, Act::Done]);
    lab.world.plan("b", [Act::Hang, Act::Hang, Act::Done]);
    for (what, calls) in [("a", 1), ("a", 2), ("b", 1), ("b", 2)] {
        let runtime = lab.runtime().await;
        start(&runtime, "1", script("book:a book:b")).await;
        until(|| lab.world.about(what).len() == calls).await;
        drop(runtime);
    }
    let runtime = lab.runtime().await;
    assert!(matches!(end(&start(&runtime, "1", script("book:a book:b")).await).await, End::Completed(_)));
}

#[tokio::test(start_paused = true)]
async fn rule_14_no_recovery_is_written_for_one_that_slept() {
    let lab = Lab::new();
    lab.world.plan("a", [Act::Later(100)]);
    let runtime = lab.runtime().await;
    let saga = start(&runtime, "1", script("book:a")).await;
    until(|| !lab.world.got().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(saga.status().await.expect("the store answers").progress, Progress::Sleeping);
    assert_eq!(runtime.running(), 0, "a sleeping instance is a row, not a task");
    drop((saga, runtime));
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    end(&saga).await;
    assert!(events(&lab, &saga).await.iter().all(|row| !row.contains("recovered")));
}

/// A step that ends the process, beside a hundred healthy instances: each life of the process ends when the bad one's
/// attempt begins.
#[tokio::test(start_paused = true)]
async fn rule_14_a_step_that_ends_the_process_beside_a_hundred_healthy_instances_parks_alone() {
    let lab = Lab::new();
    let mut lives = 0;
    let runtime = loop {
        lives += 1;
        assert!(lives < 20, "it is parked at some time");
        let died = Arc::new(AtomicUsize::new(0));
        let deaths = Arc::clone(&died);
        let observer = Arc::new(move |point: Point<'_>| match point {
            Point::BeforeAttempt { instance: "bad", .. } => {
                deaths.fetch_add(1, Ordering::Relaxed);
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        });
        let builder = lab.builder().register(Scripted(lab.world.clone())).observer(observer);
        let runtime = builder.start().await.expect("it starts");
        if lives == 1 {
            for number in 0..100 {
                let steps = format!("book:{number} ").repeat(5);
                lab.world.plan(&number.to_string(), [Act::Slow(300); 5]);
                let runtime = runtime.clone();
                tokio::spawn(async move { runtime.start::<Scripted>(number.to_string(), script(&steps)).await });
            }
            let runtime = runtime.clone();
            tokio::spawn(async move { runtime.start::<Scripted>("bad", script("book:bad")).await });
        }
        tokio::select! {
            () = until_died(&died) => drop(runtime),
            () = tokio::time::sleep(Duration::from_mins(10)) => break runtime,
        }
    };
    let parked = runtime.parked().await.expect("the store answers");
    assert_eq!(parked.iter().map(|listed| &*listed.id).collect::<Vec<_>>(), ["bad"], "after {lives} lives");
    for number in 0..100 {
        let saga = runtime.get::<Scripted>(&number.to_string()).await.expect("the store answers");
        if let Some(saga) = saga {
            assert!(matches!(end(&saga).await, End::Completed(_)));
        }
    }
}

async fn until_died(died: &AtomicUsize) {
    while died.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rule_32_a_build_that_does_not_know_the_state_gives_it_back_before_any_effect() {
    let lab = Lab::new();
    lab.world.plan("a", [Act::Later(5)]);
    let runtime = lab.runtime().await;
    let saga = start(&runtime, "1", script("book:a")).await;
    until(|| !lab.world.got().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rows = events(&lab, &saga).await.len();
    drop((saga, runtime));

    let newer = lab.builder().register(Newer(lab.world.clone())).start().await.expect("it starts");
    tokio::time::sleep(Duration::from_mins(10)).await;
    let waiting = newer.waiting_for_build().await.expect("the store answers");
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].state.as_deref(), waiting[0].version), (Some("book"), 1));
    assert_eq!(lab.world.got().len(), 1, "nothing was called");
    drop(newer);

    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(end(&saga).await, End::Completed(_)));
    let after = events(&lab, &saga).await;
    assert!(after.len() > rows);
}

/// Two builds side by side, as at each deploy: what sleeps is taken by either.
#[tokio::test(start_paused = true)]
async fn rule_32_a_build_that_does_not_know_the_state_takes_no_attempt_from_the_one_that_does() {
    for dies in [false, true] {
        let lab = Lab::new();
        // It may be attempted twice.
        lab.world.plan("a", if dies { [Act::Hang] } else { [Act::Later(30)] });
        let runtime = lab.runtime().await;
        start(&runtime, "1", script("twice:a")).await;
        until(|| !lab.world.got().is_empty()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(runtime);
        for _ in 0..2 {
            let newer = lab.builder().register(Newer(lab.world.clone())).start().await.expect("it starts");
            tokio::time::sleep(Duration::from_mins(10)).await;
            assert_eq!(newer.waiting_for_build().await.expect("the store answers").len(), 1);
            newer.shutdown(Duration::ZERO).await;
        }
        let runtime = lab.runtime().await;
        let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
        assert!(matches!(end(&saga).await, End::Completed(_)), "the second attempt is made");
        assert_eq!(lab.world.whats(), ["a", "a"]);
        let lost = events(&lab, &saga).await.iter().filter(|row| row.starts_with("{\"recovered\"")).count();
        assert_eq!(lost, usize::from(dies), "what was lost is told of once, and nothing else is");
    }
}

#[tokio::test(start_paused = true)]
async fn rule_32_a_row_of_a_kind_of_a_later_build_waits_for_that_build() {
    let lab = Lab::new();
    broken(&lab, r#"{"joined":{"branches":2}}"#).await;
    let runtime = lab.runtime().await;
    let healthy = start(&runtime, "2", script("book:b")).await;
    assert!(matches!(end(&healthy).await, End::Completed(_)));
    let waiting = runtime.waiting_for_build().await.expect("the store answers");
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].state.as_deref().is_some_and(|state| state.contains("joined")), "{waiting:?}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_read_parks_that_one_instance_and_not_the_start_up() {
    for row in ["{", r#"{"undone":{"call":2,"how":"done"}}"#, r#"{"answered":{"done":}}"#] {
        let lab = Lab::new();
        broken(&lab, row).await;
        let runtime = lab.runtime().await;
        let healthy = start(&runtime, "2", script("book:b")).await;
        assert!(matches!(end(&healthy).await, End::Completed(_)));
        let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
        let Settled::Parked { cause, error } = settled(&saga).await else { panic!("it is parked") };
        assert_eq!(cause, ParkCause::Unreadable);
        assert!(error.contains("row 3"), "{error}");
        assert_eq!(runtime.running(), 0, "it holds no task and no permit");
    }
}

/// Its compensation may be tried twice, and nobody answers it.
struct Unheard(Arc<AtomicUsize>);

#[saga(name = "unheard", version = 1)]
impl Unheard {
    #[flow]
    async fn run(&self, cx: &FlowContext, _n: u32) -> Result<(), Unwind<No>> {
        self.book(cx).await?;
        Err(No("enough".into()).into())
    }

    #[step]
    async fn book(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        let _ = cx.key();
        Ok(())
    }

    #[compensate(book, retry(attempts = 2))]
    async fn unbook(&self, cx: &StepContext) -> Result<(), Transient> {
        let _ = cx.key();
        self.0.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn rule_14_attempts_of_a_compensation_that_are_lost_in_crashes_count() {
    let (lab, tried) = (Lab::new(), Arc::new(AtomicUsize::new(0)));
    let start = async || {
        let runtime = lab.builder().register(Unheard(Arc::clone(&tried))).start().await.expect("it starts");
        let saga = runtime.start::<Unheard>("1", 1).await.expect("it is started");
        (runtime, saga)
    };
    for lives in 1..=2 {
        let (runtime, _) = start().await;
        until(|| tried.load(Ordering::Relaxed) == lives).await;
        drop(runtime);
    }
    let (_runtime, saga) = start().await;
    let settled = saga.settled().await.expect("the store answers");
    assert!(matches!(settled, Settled::Parked { cause: ParkCause::GaveUp, .. }), "{settled:?}");
    assert_eq!(tried.load(Ordering::Relaxed), 2, "no third attempt was made");
}

#[tokio::test(start_paused = true)]
async fn a_long_journal_that_cannot_be_read_is_given_no_snapshot_to_go_on_from() {
    let lab = Lab::new();
    // The next row would be the thousandth, which is a snapshot of what those before it come to: of these nobody knows.
    broken_up_to(&lab, "{", 999).await;
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(settled(&saga).await, Settled::Parked { cause: ParkCause::Unreadable, .. }));
    let rows = events(&lab, &saga).await;
    assert_eq!(rows.len(), 999, "nothing follows what nobody understands");
    // With a snapshot it would be undone as one that has done nothing, and what it did would stay.
    let asked = tokio::time::timeout(Duration::from_mins(10), saga.cancel("never mind")).await;
    assert!(asked.is_err(), "nobody can decide that: {asked:?}");
    assert!(matches!(settled(&saga).await, Settled::Parked { .. }));
}

/// An instance that was under way when its process died, with this as its last row.
pub(crate) async fn broken(lab: &Lab, event: &str) {
    broken_up_to(lab, event, 3).await;
}

/// The same, with as many more rows as make so many.
async fn broken_up_to(lab: &Lab, event: &str, last: u64) {
    lab.world.plan("a", [Act::Hang]);
    let runtime = lab.runtime().await;
    start(&runtime, "1", script("book:a")).await;
    until(|| !lab.world.got().is_empty()).await;
    drop(runtime);
    let epoch = lab.store.register().await.expect("the store answers");
    let found = lab.store.find("scripted", "1").await.expect("the store answers").expect("it is there");
    let rows = (3..=last).map(|seq| Row { seq, at: 0, event: event.into() }).collect();
    let append = Append::new(found.no, rows);
    lab.store.commit(epoch, &[Write::Append(append)]).await.expect("it is written");
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_running_attempts_end_and_gives_everything_back() {
    let lab = Lab::new();
    lab.world.plan("a", [Act::Slow(2_000)]);
    let runtime = lab.runtime().await;
    let saga = start(&runtime, "1", script("book:a book:b")).await;
    until(|| !lab.world.got().is_empty()).await;
    runtime.shutdown(Duration::from_secs(10)).await;
    assert!(saga.result().await.expect_err("it has not ended").is_stopped());
    let refused = runtime.start::<Scripted>("2", script("book:c")).await;
    assert!(refused.expect_err("it is stopped").is_stopped());
    assert_eq!(lab.world.whats(), ["a"]);
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "b"], "the answer was kept");
    assert!(events(&lab, &saga).await.iter().all(|row| !row.contains("recovered")), "nothing was lost");
}

#[tokio::test(start_paused = true)]
async fn shutdown_drops_an_attempt_that_outlasts_the_limit_and_the_next_life_makes_it_again() {
    let lab = Lab::new();
    lab.world.plan("a", [Act::Hang]);
    let runtime = lab.runtime().await;
    start(&runtime, "1", script("book:a")).await;
    until(|| !lab.world.got().is_empty()).await;
    let begun = tokio::time::Instant::now();
    runtime.shutdown(Duration::from_secs(3)).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.about("a")[1].attempt, 2);
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_of_an_unwind_goes_on_unwinding() {
    let lab = Lab::new();
    lab.world.plan("p", [Act::Refuse]);
    lab.world.plan("undo b", [Act::Hang]);
    let runtime = lab.runtime().await;
    start(&runtime, "1", script("book:a book:b book:c pay:p")).await;
    until(|| !lab.world.about("undo b").is_empty()).await;
    drop(runtime);
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(end(&saga).await.cause(), Some(Cause::Refused(_))));
    let undone = lab.world.whats().split_off(4);
    assert_eq!(undone, ["undo c", "undo b", "undo b", "undo a"]);
    let undo = lab.world.about("undo b");
    assert_eq!((&undo[0].key, undo[1].attempt, &undo[1].output), (&undo[1].key, 2, &Some("b!".into())));
}
