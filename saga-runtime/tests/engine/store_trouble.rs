//! A store that is away, full, taken over, or cannot write one instance's data (rules 1b, 28, 29).

use crate::{
    Lab, end,
    saga::{Scripted, script},
    start, until,
    world::Act,
};
use saga_runtime::{
    End, Runtime, Settled,
    prelude::*,
    runtime::ParkCause,
    store::{Store, StoreError},
    testing::{Faulty, Lost},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

async fn faulty(lab: &Lab) -> (Runtime, Arc<Faulty>) {
    let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>));
    let store = Arc::clone(&faulty);
    let builder = lab.builder().shared_store(store).register(Scripted(lab.world.clone()));
    (builder.start().await.expect("it starts"), faulty)
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_results_are_kept_and_no_effect_begins() {
    let lab = Lab::new();
    let (runtime, faulty) = faulty(&lab).await;
    lab.world.plan("a", [Act::Slow(5_000)]);
    let saga = start(&runtime, "1", script("book:a book:b")).await;
    until(|| !lab.world.got().is_empty()).await;
    faulty.leave("the disk is full");
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(lab.world.whats(), ["a"], "its answer is not durable, so nothing follows");
    let not_ready = runtime.ready().expect_err("not ready, but alive");
    assert!(not_ready.is_unavailable() && not_ready.to_string().contains("the disk is full"), "{not_ready}");
    let refused = runtime.start::<Scripted>("2", script("book:c")).await.expect_err("refused with the cause");
    assert!(refused.is_unavailable() && refused.to_string().contains("the disk is full"), "{refused}");
    faulty.come_back();
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "b"], "the answer was kept: the step was not called again");
    runtime.ready().expect("ready again");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_commit_that_is_lost_is_read_back_whatever_became_of_it() {
    for lost in [Lost::Answer, Lost::Everything] {
        for commit in 1..=4 {
            let lab = Lab::new();
            let (runtime, faulty) = faulty(&lab).await;
            faulty.lose(commit, lost);
            let begun = runtime.start::<Scripted>("1", script("book:a book:b pay:p")).await;
            let saga = match begun {
                Ok(saga) => saga,
                // A start is refused rather than kept: the caller tries again.
                Err(error) => {
                    assert!(error.is_unavailable(), "{error}");
                    start(&runtime, "1", script("book:a book:b pay:p")).await
                }
            };
            assert!(matches!(end(&saga).await, End::Completed(_)));
            assert_eq!(lab.world.whats(), ["a", "b", "p"], "{lost:?} of commit {commit}");
        }
    }
}

#[derive(Debug, Serialize, Deserialize, Refusal)]
enum Never {}

/// Waits for what the other one tells it.
struct Listener;

#[saga(name = "listener")]
impl Listener {
    #[signal]
    const WORD: Signal<Self, u32> = Signal::new("word");

    #[flow]
    async fn run(&self, cx: &FlowContext, _from: String) -> Result<u32, Unwind<Never>> {
        Ok(cx.wait(Self::WORD).forever().await)
    }
}

/// Tells the other one something.
struct Teller;

#[saga(name = "teller")]
impl Teller {
    #[flow]
    async fn run(&self, cx: &FlowContext, to: String) -> Result<(), Unwind<Never>> {
        let _ = cx.send(&to, Listener::WORD, 7).await;
        Ok(())
    }
}

/// What is not read is not there to be judged: nothing is parked for it.
#[tokio::test(start_paused = true)]
async fn a_read_that_is_not_answered_is_made_again() {
    let away: [fn(Box<str>) -> StoreError; 2] = [StoreError::Unavailable, StoreError::InDoubt];
    for error in away {
        for operation in 1..=12 {
            let lab = Lab::new();
            let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>));
            let builder = lab.builder().shared_store(Arc::clone(&faulty) as Arc<dyn Store>);
            let runtime = builder.register(Listener).register(Teller).start().await.expect("it starts");
            let listener = runtime.start::<Listener>("listener", "the other".into()).await.expect("it is started");
            tokio::time::sleep(Duration::from_secs(1)).await;
            faulty.fail(faulty.operations() + operation, error("no answer".into()));
            let teller = loop {
                match runtime.start::<Teller>("teller", "listener".into()).await {
                    Ok(teller) => break teller,
                    Err(error) => assert!(error.is_unavailable(), "{error}"),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            let told = async {
                loop {
                    match (teller.settled().await, listener.settled().await) {
                        (Ok(teller), Ok(listener)) => return (teller, listener),
                        (Err(error), _) | (_, Err(error)) => assert!(error.is_unavailable(), "{error}"),
                    }
                }
            };
            let told = tokio::time::timeout(Duration::from_hours(24), told).await.expect("they end");
            assert!(
                matches!(told, (Settled::Ended(_), Settled::Ended(End::Completed(7)))),
                "operation {operation}: {told:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_operation_of_the_store_may_fail_once() {
    every_operation_may_fail_once(StoreError::Unavailable).await;
    every_operation_may_fail_once(StoreError::InDoubt).await;
}

async fn every_operation_may_fail_once(error: fn(Box<str>) -> StoreError) {
    let script_of = || script("look:l book:a twice:b? pay:p");
    let plan = |lab: &Lab| {
        lab.world.plan("a", [Act::Fail, Act::Later(3)]);
        lab.world.plan("b", [Act::Fail, Act::Fail]);
    };
    let lab = Lab::new();
    plan(&lab);
    let (runtime, counted) = faulty(&lab).await;
    end(&start(&runtime, "1", script_of()).await).await;
    drop(runtime);
    for operation in 2..=counted.operations() {
        let lab = Lab::new();
        plan(&lab);
        let (runtime, faulty) = faulty(&lab).await;
        faulty.fail(operation, error("away for a moment".into()));
        // A caller that is told that the store is away tries again.
        let end = loop {
            let saga = match runtime.start::<Scripted>("1", script_of()).await {
                Ok(saga) => saga,
                Err(error) => {
                    assert!(error.is_unavailable(), "{error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            match tokio::time::timeout(Duration::from_hours(24), saga.result()).await.expect("it ends") {
                Ok(end) => break end,
                Err(error) => assert!(error.is_unavailable(), "{error}"),
            }
        };
        assert!(matches!(end, End::Completed(_)), "operation {operation}");
        let mut whats = lab.world.whats();
        whats.dedup();
        assert_eq!(whats, ["l", "a", "b", "undo b", "p"], "operation {operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn rule_29_the_instance_whose_data_cannot_be_written_is_parked_and_the_others_go_on() {
    let lab = Lab::new();
    let (runtime, faulty) = faulty(&lab).await;
    lab.world.plan("a", [Act::Slow(100)]);
    let saga = start(&runtime, "1", script("book:a book:b")).await;
    until(|| !lab.world.got().is_empty()).await;
    faulty.fail(faulty.operations() + 1, StoreError::Write { index: 0, reason: "a NUL in a text".into() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let park = lab.parked(&saga).await;
    assert_eq!((park.cause(), park.state()), (ParkCause::Unsavable, "after book"));
    assert!(park.error().contains("a NUL in a text"), "{}", park.error());
    assert_eq!(lab.world.whats(), ["a"], "what happened is kept, and nothing else began");
    assert!(matches!(end(&start(&runtime, "2", script("book:c")).await).await, End::Completed(_)));
    assert!(park.retry("ann", "mended").await.expect("decided").granted);
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "c", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_was_taken_over_drops_everything_and_says_so() {
    let lab = Lab::new();
    let first = lab.runtime().await;
    lab.world.plan("a", [Act::Slow(5_000)]);
    let old = start(&first, "1", script("book:a book:b")).await;
    until(|| !lab.world.got().is_empty()).await;
    let second = lab.runtime().await;
    let new = second.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(end(&new).await, End::Completed(_)));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(first.ready().expect_err("taken over").is_fenced());
    assert_eq!(first.running(), 0, "it dropped its instances");
    let refused = first.start::<Scripted>("2", script("book:c")).await.expect_err("taken over");
    assert!(refused.is_fenced(), "{refused}");
    assert!(matches!(old.result().await, Ok(End::Completed(_))), "what is stored can still be read");
    let journal = crate::timeline(&new).await;
    assert_eq!(journal.matches("answered \"a!\"").count(), 1, "{journal}");
}
