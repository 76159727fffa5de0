//! Timelines in which two rules meet: each was found by looking for a place where an engine like this one gives way.

use crate::{
    Lab, end, events,
    saga::{Newer, Scripted, script},
    settled, start, until,
    world::Act,
};
use saga_runtime::{
    End, Runtime, Settled,
    runtime::{ParkCause, Point},
    store::{InstanceNo, Store, StoreError},
    testing::Faulty,
};
use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const CANCEL: &str = r#"{"verb":"cancel","by":"ann","why":"enough"}"#;

async fn again(runtime: &Runtime) -> saga_runtime::Handle<Scripted> {
    runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn rule_14_the_last_attempt_is_not_made_again_if_it_was_lost_in_a_crash() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Hang]);
    let saga = start(&runtime, "1", script("book:a once:p")).await;
    until(|| !lab.world.about("p").is_empty()).await;
    drop((saga, runtime));
    let runtime = lab.runtime().await;
    let saga = again(&runtime).await;
    let park = lab.parked(&saga).await;
    assert_eq!((park.cause(), park.error()), (ParkCause::Exhausted, "lost in a crash"));
    assert_eq!(lab.world.about("p").len(), 1, "a step that may be attempted once was");
    assert!(park.retry("ann", "they know nothing of it").await.expect("decided").granted);
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "p", "p"]);
}

#[tokio::test(start_paused = true)]
async fn rule_14_a_step_that_ran_out_of_attempts_in_crashes_is_undone_before_the_flow_is_told() {
    let lab = Lab::new();
    lab.world.plan("b", [Act::Hang, Act::Hang]);
    for life in 1..=2 {
        let runtime = lab.runtime().await;
        start(&runtime, "1", script("book:a twice:b? book:c")).await;
        until(|| lab.world.about("b").len() == life).await;
    }
    let runtime = lab.runtime().await;
    let saga = again(&runtime).await;
    assert_eq!(end(&saga).await, End::Completed(vec!["a!".into(), "gone twice".into(), "c!".into()]));
    assert_eq!(lab.world.whats(), ["a", "b", "b", "undo b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn rule_14_a_failed_attempt_is_durable_before_the_next_one_also_without_a_wait() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Fail, Act::Hang]);
    let saga = start(&runtime, "1", script("eager:a")).await;
    until(|| lab.world.about("a").len() == 2).await;
    let rows = events(&lab, &saga).await;
    assert!(rows.last().is_some_and(|row| row.contains("attempt_failed")), "{rows:?}");
}

/// A runtime of another build that counts its commits, and dies of too many.
async fn later_build(lab: &Lab) -> (Runtime, Arc<AtomicUsize>) {
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let observer = Arc::new(move |point: Point<'_>| match point {
        Point::BeforeCommit { .. } if counted.fetch_add(1, Ordering::Relaxed) > 50 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let builder = lab.builder().register(Newer(lab.world.clone())).observer(observer);
    (builder.start().await.expect("it starts"), commits)
}

#[tokio::test(start_paused = true)]
async fn rule_32_a_request_that_this_build_cannot_decide_waits_and_keeps_nobody_busy() {
    for damaged in [false, true] {
        let lab = Lab::new();
        if damaged {
            crate::restart::broken(&lab, "{").await;
        }
        lab.world.plan("a", [Act::Park]);
        let runtime = lab.runtime().await;
        let saga = start(&runtime, "1", script("book:a")).await;
        assert!(matches!(settled(&saga).await, Settled::Parked { .. }));
        drop((saga, runtime));
        lab.store.request(InstanceNo(1), CANCEL, false).await.expect("written").expect("not ended");
        let (runtime, commits) = later_build(&lab).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        let made = commits.load(Ordering::Relaxed);
        assert!(made < 5, "{made} commits for one request");
        assert_eq!(lab.store.inbox(InstanceNo(1)).await.expect("the store answers").len(), 1);
        drop(runtime);
        if !damaged {
            // The build that knows the state decides it.
            let runtime = lab.runtime().await;
            assert!(end(&again(&runtime).await).await.cause().is_some());
        }
    }
}

async fn faulty(lab: &Lab) -> (Runtime, Arc<Faulty>) {
    let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>));
    let store = Arc::clone(&faulty);
    let builder = lab.builder().shared_store(store).register(Scripted(lab.world.clone()));
    (builder.start().await.expect("it starts"), faulty)
}

#[tokio::test(start_paused = true)]
async fn rule_17_no_request_is_forgotten_if_the_store_fails_for_a_moment() {
    for verb in ["retry", "cancel"] {
        // The first is the request itself, whose failure is told to whoever asked.
        for operation in 2..=12 {
            let lab = Lab::new();
            let (runtime, faulty) = faulty(&lab).await;
            lab.world.plan("a", [Act::Park]);
            let saga = start(&runtime, "1", script("book:a")).await;
            lab.parked(&saga).await;
            let body = format!(r#"{{"verb":"{verb}","by":"ann","why":"go on"}}"#);
            // The request is made, and while it is delivered something fails.
            let asking = tokio::spawn({
                let saga = saga.clone();
                async move { saga.cancel("enough").await }
            });
            if verb == "retry" {
                asking.abort();
                lab.store.request(InstanceNo(1), &body, false).await.expect("written").expect("not ended");
                let park = saga.park().await.expect("the store answers").expect("it is parked");
                faulty.fail(faulty.operations() + operation, StoreError::Unavailable("for a moment".into()));
                // Only to ring: the request itself may fail.
                let _ = park.retry("ann", "go on").await;
            } else {
                faulty.fail(faulty.operations() + operation, StoreError::Unavailable("for a moment".into()));
                let _ = asking.await;
            }
            if lab.store.inbox(InstanceNo(1)).await.expect("the store answers").is_empty()
                && matches!(settled_now(&saga).await, Some(Settled::Parked { .. }))
            {
                // It was not even written, and whoever asked was told so.
                continue;
            }
            let ended = tokio::time::timeout(Duration::from_hours(1), saga.result()).await;
            assert!(ended.is_ok(), "{verb}, operation {operation}: nobody decides it");
        }
    }
}

async fn settled_now(saga: &saga_runtime::Handle<Scripted>) -> Option<Settled<Vec<String>, crate::saga::No>> {
    tokio::time::timeout(Duration::from_millis(1), saga.settled()).await.ok().and_then(Result::ok)
}

#[tokio::test(start_paused = true)]
async fn rule_29_a_step_whose_rows_are_rejected_stays_in_doubt() {
    let lab = Lab::new();
    let counted = Arc::new(Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>));
    let commits = Arc::new(Mutex::new(Vec::new()));
    let (store, found) = (Arc::clone(&counted), Arc::clone(&commits));
    let observer = Arc::new(move |point: Point<'_>| {
        if let Point::BeforeCommit { .. } = point {
            found.lock().expect("nobody panics").push(store.operations() + 1);
        }
        ControlFlow::Continue(())
    });
    let builder = lab.builder().shared_store(counted).register(Scripted(lab.world.clone())).observer(observer);
    let runtime = builder.start().await.expect("it starts");
    let ops = "book:a book:b pay:p send:s";
    end(&start(&runtime, "1", script(ops)).await).await;
    let commits = commits.lock().expect("nobody panics").clone();
    for operation in commits {
        for second in 2..=3 {
            let lab = Lab::new();
            let (runtime, faulty) = faulty(&lab).await;
            let rejected = || StoreError::Write { index: 0, reason: "a NUL".into() };
            faulty.fail(operation, rejected());
            faulty.fail(operation + second, rejected());
            let Ok(saga) = runtime.start::<Scripted>("1", script(ops)).await else { continue };
            let Ok(Ok(Settled::Parked { .. })) = tokio::time::timeout(Duration::from_mins(5), saga.settled()).await
            else {
                continue;
            };
            let park = saga.park().await.expect("the store answers").expect("it is parked");
            let cancelled = tokio::time::timeout(Duration::from_mins(5), park.cancel("ann", "enough")).await;
            let told = || format!("operations {operation} and {second} later: {:?}", lab.world.whats());
            match cancelled {
                Ok(decision) if decision.as_ref().expect("decided").granted => {
                    assert!(end(&saga).await.cause().is_some());
                    assert!(lab.world.about("p").is_empty(), "undone around a pivot: {}", told());
                    for what in ["a", "b"] {
                        let undone = lab.world.about(&format!("undo {what}")).len();
                        assert_eq!(undone, lab.world.about(what).len().min(1), "{}", told());
                    }
                }
                Ok(_) => assert!(!lab.world.about("p").is_empty(), "{}", told()),
                Err(_) => {
                    // The pivot is in doubt: the cancel waits until somebody says what happened.
                    let resolved = park.resolve("ann", "looked", "\"p!\"");
                    let resolved = tokio::time::timeout(Duration::from_mins(5), resolved).await;
                    assert!(resolved.expect("it is decided").expect("decided").granted, "{}", told());
                    assert!(matches!(end(&saga).await, End::Completed(_)), "{}", told());
                }
            }
        }
    }
}
