//! Going forward: calls, retries, ends (rules 1 to 5, 8, 19, 36).

use crate::{
    Lab, end, events,
    saga::{Scripted, script},
    start, timeline, until,
    world::Act,
};
use saga_runtime::{Cause, End};
use std::collections::BTreeSet;

#[tokio::test(start_paused = true)]
async fn a_saga_that_nothing_happens_to_completes() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = start(&runtime, "1", script("look:l book:a book:b pay:p send:s")).await;
    assert_eq!(end(&saga).await, End::Completed(["l!", "a!", "b!", "p!", "s!"].map(String::from).to_vec()));
    assert_eq!(lab.world.whats(), ["l", "a", "b", "p", "s"]);
    let status = saga.status().await.expect("the store answers");
    assert!(status.pivot_passed && status.parked.is_none(), "{status:?}");
}

#[tokio::test(start_paused = true)]
async fn rule_1_w_steps_cost_w_and_one_commits() {
    let lab = Lab::new();
    let (runtime, commits) = lab.counting().await;
    let saga = start(&runtime, "1", script("book:a book:b pay:p send:s")).await;
    end(&saga).await;
    let commits = commits.lock().expect("nobody panics").clone();
    let expected = ["started,called", "answered,called", "answered,called", "answered,called", "answered,completed"];
    assert_eq!(
        commits, expected,
        "the start and the first intent share a commit, and so do the end and the last answer"
    );
}

#[tokio::test(start_paused = true)]
async fn rule_2_an_argument_that_is_a_saved_local_is_stored_once() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let mut long = script("book:a book:b book:c pay:p send:s");
    long.ballast = "weight".repeat(1_000);
    let saga = start(&runtime, "1", long).await;
    end(&saga).await;
    let rows = events(&lab, &saga).await;
    assert_eq!(rows.iter().filter(|row| row.contains("weightweight")).count(), 1, "only the start holds it: {rows:#?}");
}

#[tokio::test(start_paused = true)]
async fn rule_3_read_only_steps_wait_for_the_next_commit() {
    let lab = Lab::new();
    let (runtime, commits) = lab.counting().await;
    let saga = start(&runtime, "1", script("look:l look:m book:a look:n pay:p")).await;
    end(&saga).await;
    let commits = commits.lock().expect("nobody panics").clone();
    let expected =
        ["started", "called,answered,called,answered,called", "answered,called,answered,called", "answered,completed"];
    assert_eq!(commits, expected);
}

#[tokio::test(start_paused = true)]
async fn rule_3_read_only_answers_are_saved_at_least_once_a_second() {
    let lab = Lab::new();
    let (runtime, commits) = lab.counting().await;
    lab.world.plan("m", [Act::Slow(5_000)]);
    let saga = start(&runtime, "1", script("look:l look:m book:a")).await;
    end(&saga).await;
    let commits = commits.lock().expect("nobody panics").clone();
    assert_eq!(commits, ["started", "called,answered,called", "answered,called", "answered,completed"]);
}

#[tokio::test(start_paused = true)]
async fn rule_4_a_panic_in_plain_code_keeps_the_answer_and_parks_after_the_step() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("after a", [Act::Panic]);
    let saga = start(&runtime, "1", script("book:a book:b pay:p")).await;
    let park = lab.parked(&saga).await;
    assert_eq!((park.state(), park.error()), ("after book", "told to panic"));
    // The answer is kept: the step is not called again.
    assert!(park.retry("ann", "the bug is gone").await.expect("decided").granted);
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "b", "p"]);
}

#[tokio::test(start_paused = true)]
async fn rule_4_a_panic_before_the_first_call_parks_at_the_start() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("before a", [Act::Panic]);
    let saga = start(&runtime, "1", script("book:a")).await;
    let park = lab.parked(&saga).await;
    assert_eq!(park.state(), "start");
    assert!(park.cancel("ann", "not worth it").await.expect("decided").granted);
    let Some(Cause::Cancelled(reason)) = end(&saga).await.cause().cloned() else { panic!("cancelled") };
    assert_eq!(&*reason, "not worth it");
    assert!(lab.world.got().is_empty());
}

#[tokio::test(start_paused = true)]
async fn rule_8_each_call_has_its_key_and_each_attempt_of_it_the_same() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Fail, Act::Fail, Act::Fail, Act::Fail, Act::Fail, Act::Fail]);
    lab.world.plan("p", [Act::Refuse]);
    let saga = start(&runtime, "1", script("book:a book:a book:b pay:p? pay:q")).await;
    assert!(matches!(end(&saga).await, End::Completed(_)));
    let a = lab.world.about("a");
    assert_eq!(a.iter().map(|got| got.attempt).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 1]);
    assert!(a[..7].iter().all(|got| got.key == a[0].key), "attempts of one call carry one key");
    let keys: BTreeSet<_> = lab.world.got().into_iter().map(|got| got.key).collect();
    assert_eq!(keys.len(), 5, "five calls, five keys");
    // Another instance of the same input has others.
    end(&start(&runtime, "2", script("book:a")).await).await;
    assert!(!keys.contains(&lab.world.got().pop().expect("called").key));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_undoes_what_completed_the_last_first() {
    let lab = Lab::new();
    let (runtime, commits) = lab.counting().await;
    lab.world.plan("p", [Act::Refuse]);
    let saga = start(&runtime, "1", script("look:l book:a book:b pay:p send:s")).await;
    let end = end(&saga).await;
    let Some(Cause::Refused(no)) = end.cause() else { panic!("{end:?}") };
    assert_eq!(no.0, "p");
    assert_eq!(lab.world.whats(), ["l", "a", "b", "p", "undo b", "undo a"]);
    let undo = &lab.world.about("undo a")[0];
    assert_eq!(undo.output.as_deref(), Some("a!"));
    assert_eq!(undo.undoes.as_deref(), Some(&*lab.world.about("a")[0].key));
    assert_ne!(undo.key, lab.world.about("a")[0].key);
    let commits = commits.lock().expect("nobody panics").clone();
    assert_eq!(commits[commits.len() - 3..], ["answered,unwinding", "undone", "undone,compensated"]);
}

#[tokio::test(start_paused = true)]
async fn rule_18_a_caught_refusal_undoes_nothing_until_the_saga_fails() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Refuse]);
    lab.world.plan("d", [Act::Refuse]);
    let saga = start(&runtime, "1", script("book:a book:b? book:c book:d")).await;
    assert!(end(&saga).await.cause().is_some());
    assert_eq!(lab.world.whats(), ["a", "b", "c", "d", "undo c", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn rule_36_a_saga_with_nothing_to_undo_ends_compensated_all_the_same() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let mut script = script("look:l");
    script.refuse = Some("never".into());
    let saga = start(&runtime, "1", script).await;
    let end = end(&saga).await;
    let End::Compensated { cause: Cause::Refused(no), debt } = end else { panic!("{end:?}") };
    assert_eq!((no.0.as_str(), debt.len()), ("never", 0));
}

#[tokio::test(start_paused = true)]
async fn the_timeline_shows_every_attempt_with_its_answer_and_its_error() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Fail]);
    lab.world.plan("p", [Act::Refuse]);
    lab.world.plan("undo a", [Act::Fail]);
    let saga = start(&runtime, "1", script("book:a pay:p")).await;
    end(&saga).await;
    let text = timeline(&saga).await;
    for line in [
        "attempt 1 failed: broken",
        "attempt 2 answered \"a!\"",
        "attempt 1 refused \"p\"",
        "unwinding, refused: \"p\"",
        "compensation, attempt 1 failed: broken",
        "undone by attempt 2",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let json = serde_json::to_value(saga.timeline().await.expect("the store answers")).expect("it is JSON");
    assert_eq!(json["entries"][2]["what"]["attempt_failed"]["error"], "broken");
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_in_a_crash_goes_on_by_itself_with_the_same_key() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Hang]);
    let saga = start(&runtime, "1", script("book:a book:b pay:p")).await;
    until(|| !lab.world.about("b").is_empty()).await;
    drop((saga, runtime));
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "b", "b", "p"]);
    let b = lab.world.about("b");
    assert_eq!((&b[0].key, b[1].attempt), (&b[1].key, 2), "an attempt that was lost counts");
}
