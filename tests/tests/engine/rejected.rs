//! A store that rejects a commit, whichever: what has happened is not forgotten, and nothing happens twice.

use crate::{
    Lab, Work,
    branches::{NOTHING, answered, soon},
    completed, end,
    errand::{Errand, Plan},
    parked, plan, texts, timeline,
    world::Act,
};
use saga_runtime::{Runtime, Settled, runtime::Point, store::StoreError, testing::Faulty};
use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, Once},
};

/// Does it on a lab after another, on each of which the next commit is rejected, until there is none left to reject.
///
/// Which operations those are, a run without a fault tells.
async fn whichever(most: usize, run: impl AsyncFn(Lab, Runtime, Option<u64>)) {
    let (lab, commits) = (Lab::new(), Arc::new(Mutex::new(Vec::new())));
    let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as _));
    let (seen, found) = (Arc::clone(&faulty), Arc::clone(&commits));
    let observer = Arc::new(move |point: Point<'_>| {
        if let Point::BeforeCommit { .. } = point {
            found.lock().expect("nobody panics").push(seen.operations() + 1);
        }
        ControlFlow::Continue(())
    });
    let runtime = lab.builder().shared_store(faulty).observer(observer).start().await.expect("it starts");
    run(lab, runtime, None).await;
    let commits = commits.lock().expect("nobody panics").clone();
    assert!(commits.len() >= most, "{commits:?}");
    for commit in commits {
        let lab = Lab::new();
        let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as _));
        faulty.fail(commit, StoreError::Write { index: 0, reason: "a NUL".into() });
        let runtime = lab.builder().shared_store(faulty).start().await.expect("it starts");
        run(lab, runtime, Some(commit)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_attempted_in_a_branch_is_undone_whichever_commit_is_rejected() {
    let cancelled = Mutex::new(0);
    whichever(9, async |lab, runtime, commit| {
        for what in ["a", "b", "d", "e"] {
            // The first one has certainly had no effect: what is in doubt is the second.
            lab.world.plan(what, [Act::NoEffect, Act::Slow(50)]);
        }
        let legs = vec![texts(&["a", "b", "c"]), texts(&["d", "e"])];
        let starting = runtime.start::<Errand>("1", plan([Work::Book("z".into()), Work::Legs(legs, 2)])).await;
        let Some(commit) = commit else {
            completed(&starting.expect("it is started")).await;
            return;
        };
        let Ok(saga) = starting else { return };
        let settled = answered(saga.settled(), "settled").await.expect("the store answers");
        let Settled::Parked { .. } = settled else { return };
        let decision = answered(saga.cancel("enough"), "cancel").await.expect("decided");
        assert!(decision.granted, "commit {commit}: {decision}");
        assert!(end(&saga).await.cause().is_some());
        assert_eq!(lab.world.stands(), NOTHING, "commit {commit}\n{}", timeline(&saga).await);
        *cancelled.lock().expect("nobody panics") += 1;
    })
    .await;
    let cancelled = cancelled.into_inner().expect("nobody panics");
    assert!(cancelled > 5, "{cancelled} were parked");
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_taken_once_whichever_commit_is_rejected() {
    let parks = Mutex::new(0);
    whichever(4, async |lab, runtime, commit| {
        let works = [Work::Forever, Work::Book("a".into()), Work::Forever];
        let Ok(saga) = runtime.start::<Errand>("1", plan(works)).await else { return };
        for number in [7, 8] {
            soon(5_000).await;
            runtime.signal::<Errand, _>("1", Errand::GO, number).await.expect("it is sent");
            soon(5_000).await;
            if let Some(park) = saga.park().await.expect("the store answers") {
                *parks.lock().expect("nobody panics") += 1;
                assert!(answered(park.retry("ann", "again"), "retry").await.expect("decided").granted);
            }
        }
        let done = answered(completed(&saga), "the end").await;
        let told = format!("commit {commit:?}\n{}", timeline(&saga).await);
        assert_eq!(done, ["go 7", "a!", "go 8"], "{told}");
        assert_eq!(lab.world.whats(), ["a"], "{told}");
    })
    .await;
    let parks = parks.into_inner().expect("nobody panics");
    assert!(parks > 2, "{parks} were parked");
}

#[tokio::test(start_paused = true)]
async fn what_comes_to_its_end_as_it_is_started_is_parked_if_it_cannot_be_let_go() {
    for refuse in [None, Some("no".to_owned())] {
        let lab = Lab::new();
        let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as _));
        let (rejects, once) = (Arc::clone(&faulty), Once::new());
        let observer = Arc::new(move |point: Point<'_>| {
            if let Point::BeforeCommit { .. } = point {
                // After the start: what lets it go.
                let rejected = StoreError::Write { index: 0, reason: "a NUL".into() };
                once.call_once(|| rejects.fail(rejects.operations() + 2, rejected));
            }
            ControlFlow::Continue(())
        });
        let runtime = lab.builder().shared_store(faulty).observer(observer).start().await.expect("it starts");
        let starting = runtime.start::<Errand>("1", Plan { refuse: refuse.clone(), ..Plan::default() });
        let saga = answered(starting.into_future(), "the start").await.expect("it is there");
        let park = answered(parked(&saga), "the park").await;
        assert!(answered(park.retry("ann", "again"), "retry").await.expect("decided").granted);
        assert_eq!(answered(end(&saga), "the end").await.cause().is_some(), refuse.is_some());
    }
}
