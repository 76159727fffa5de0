//! Doubt, exhaustion, and what cannot be recorded (rules 6, 9, 11, 13, 34).

use crate::{
    Lab, end,
    saga::{Scripted, script},
    start, until,
    world::Act,
};
use saga_runtime::{Cause, End, runtime::ParkCause};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn rule_11_the_flow_sees_an_exhausted_step_after_its_undo_has_ended() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Fail, Act::Fail]);
    let saga = start(&runtime, "1", script("twice:a? book:b")).await;
    assert_eq!(end(&saga).await, End::Completed(vec!["gone twice".into(), "b!".into()]));
    assert_eq!(lab.world.whats(), ["a", "a", "undo a", "b"]);
    assert_eq!(lab.world.about("undo a")[0].output, None, "nobody knows what the step did");
}

#[tokio::test(start_paused = true)]
async fn rule_9_a_step_that_certainly_had_no_effect_is_not_undone() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::NoEffect, Act::NoEffect]);
    let saga = start(&runtime, "1", script("book:z twice:a")).await;
    let end = end(&saga).await;
    let Some(Cause::Exhausted(gone)) = end.cause() else { panic!("{end:?}") };
    assert_eq!((gone.step(), gone.last_error()), ("twice", "not reached"));
    assert_eq!(lab.world.whats(), ["z", "a", "a", "undo z"]);
}

#[tokio::test(start_paused = true)]
async fn rule_9_under_the_contract_of_the_key_a_refusal_is_final_whatever_came_before() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Fail, Act::Refuse]);
    let saga = start(&runtime, "1", script("book:a?")).await;
    assert_eq!(end(&saga).await, End::Completed(vec!["no a".into()]));
    assert_eq!(lab.world.whats(), ["a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn rule_9_without_a_key_a_refusal_after_an_attempt_in_doubt_is_undone_first() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Fail, Act::Refuse]);
    lab.world.plan("b", [Act::Refuse]);
    let saga = start(&runtime, "1", script("bare:a? bare:b?")).await;
    assert_eq!(end(&saga).await, End::Completed(vec!["no a".into(), "no b".into()]));
    assert_eq!(lab.world.whats(), ["a", "a", "undo a", "b"], "a refusal at the first attempt is clear");
}

#[tokio::test(start_paused = true)]
async fn rule_6_an_unwind_from_a_call_that_may_have_begun_begins_with_its_own_undo() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Later(3_600)]);
    let saga = start(&runtime, "1", script("book:a book:b")).await;
    until(|| !lab.world.about("b").is_empty()).await;
    assert!(saga.cancel("enough").await.expect("decided").granted);
    assert!(matches!(end(&saga).await.cause(), Some(Cause::Cancelled(_))));
    assert_eq!(lab.world.whats(), ["a", "b", "undo b", "undo a"]);
    assert_eq!(lab.world.about("undo b")[0].output, None);
}

#[tokio::test(start_paused = true)]
async fn rule_6_a_call_that_a_dead_process_may_have_begun_is_undone_too() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Hang, Act::NoEffect, Act::NoEffect]);
    let saga = start(&runtime, "1", script("book:a twice:b")).await;
    until(|| !lab.world.about("b").is_empty()).await;
    drop((saga, runtime));
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(end(&saga).await.cause(), Some(Cause::Exhausted(_))));
    assert_eq!(lab.world.whats(), ["a", "b", "b", "undo b", "undo a"], "the lost attempt counts, and is in doubt");
}

#[tokio::test(start_paused = true)]
async fn rule_13_a_panic_in_a_step_is_one_recorded_attempt_in_doubt_parked_at_once() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Panic]);
    let saga = start(&runtime, "1", script("book:a book:b")).await;
    let park = lab.parked(&saga).await;
    assert_eq!((park.cause(), park.state()), (ParkCause::Panicked, "book"));
    let status = saga.status().await.expect("the store answers");
    assert_eq!(status.failed_attempts, 1);
    assert!(park.cancel("ann", "broken").await.expect("decided").granted);
    assert!(end(&saga).await.cause().is_some());
    assert_eq!(lab.world.whats(), ["a", "b", "undo b", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn rule_13_an_answer_too_large_to_record_parks_in_doubt_and_names_the_limit() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Big]);
    let saga = start(&runtime, "1", script("book:a")).await;
    let park = lab.parked(&saga).await;
    assert_eq!(park.cause(), ParkCause::Unrecordable);
    assert!(park.error().contains("more than the limit of 262144"), "{}", park.error());
    let wrong = park.resolve("ann", "looked it up", "[1]").await.expect("decided");
    assert!(!wrong.granted && wrong.reason.as_deref().is_some_and(|reason| reason.contains("book")), "{wrong}");
    assert!(park.resolve("ann", "looked it up", "\"found\"").await.expect("decided").granted);
    assert_eq!(end(&saga).await, End::Completed(vec!["found".into()]));
    assert_eq!(lab.world.whats(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn rule_13_arguments_over_the_limit_park_before_any_attempt() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let mut long = script("book:a");
    long.ballast = "x".repeat(300 << 10);
    let saga = start(&runtime, "1", long).await;
    let park = lab.parked(&saga).await;
    assert_eq!((park.cause(), park.state()), (ParkCause::Unsavable, "start"));
    assert!(park.error().contains("arguments of step `book`"), "{}", park.error());
    assert!(lab.world.got().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_is_given_up_at_its_timeout_and_tried_again() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Hang]);
    let saga = start(&runtime, "1", script("brief:a")).await;
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert!(crate::timeline(&saga).await.contains("no answer within 1s"));
}

#[tokio::test(start_paused = true)]
async fn a_participant_that_names_a_wait_is_not_asked_before() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Later(500)]);
    let begun = tokio::time::Instant::now();
    let saga = start(&runtime, "1", script("book:a")).await;
    end(&saga).await;
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(500) && took < Duration::from_secs(502), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn rule_34_past_its_validity_a_key_is_not_used_again_not_even_by_a_click() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.always("a", Act::Fail);
    let saga = start(&runtime, "1", script("brief:a")).await;
    let park = lab.parked(&saga).await;
    assert_eq!(park.cause(), ParkCause::KeyExpired);
    tokio::time::sleep(Duration::from_mins(2)).await;
    let calls = lab.world.got().len();
    let refused = park.retry("ann", "again").await.expect("decided");
    assert!(!refused.granted, "{refused}");
    assert!(park.did_not_happen("ann", "asked them").await.expect("decided").granted);
    assert!(end(&saga).await.cause().is_some());
    assert_eq!(lab.world.got().len(), calls, "neither the step nor its undo was called");
}
