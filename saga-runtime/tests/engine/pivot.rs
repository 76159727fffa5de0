//! The point of no return (rules 16 and 17).

use crate::{Lab, end, saga::script, start, until, world::Act};
use saga_runtime::{Cause, End, runtime::ParkCause};

#[tokio::test(start_paused = true)]
async fn rule_16_after_a_clean_refusal_the_flow_may_try_another_pivot() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Refuse]);
    let saga = start(&runtime, "1", script("book:a pay:p? pay:q send:s")).await;
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "p", "q", "s"]);
}

#[tokio::test(start_paused = true)]
async fn rule_16_a_flow_that_gives_up_past_the_pivot_is_parked_and_never_unwinds() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let mut late = script("book:a pay:p send:s");
    late.refuse = Some("too late".into());
    let saga = start(&runtime, "1", late).await;
    let park = lab.parked(&saga).await;
    assert_eq!(park.cause(), ParkCause::RefusedPastPivot);
    let refused = park.cancel("ann", "please").await.expect("decided");
    assert!(!refused.granted && refused.to_string().contains("pivot"), "{refused}");
    assert_eq!(lab.world.whats(), ["a", "p", "s"]);
}

#[tokio::test(start_paused = true)]
async fn rule_11_a_pivot_out_of_attempts_parks_and_is_never_undone_by_guess() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Fail]);
    let saga = start(&runtime, "1", script("book:a once:p")).await;
    let park = lab.parked(&saga).await;
    assert_eq!(park.cause(), ParkCause::Exhausted);
    assert!(park.retry("ann", "they are back").await.expect("decided").granted);
    assert!(matches!(end(&saga).await, End::Completed(_)));
    let p = lab.world.about("p");
    assert_eq!((p.len(), &p[0].key), (2, &p[1].key), "an operator's retry carries the same key");
}

#[tokio::test(start_paused = true)]
async fn rule_17_a_cancel_during_the_pivot_waits_and_is_refused_when_it_is_done() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Slow(20_000)]);
    let saga = start(&runtime, "1", script("book:a pay:p send:s")).await;
    until(|| !lab.world.about("p").is_empty()).await;
    let decision = saga.cancel("changed my mind").await.expect("decided");
    assert!(!decision.granted && decision.to_string().contains("past its pivot"), "{decision}");
    assert!(decision.row.is_some(), "the answer is a row of the journal");
    assert!(matches!(end(&saga).await, End::Completed(_)));
}

#[tokio::test(start_paused = true)]
async fn rule_17_a_cancel_during_the_pivot_is_granted_when_it_is_refused() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Later(100), Act::Refuse]);
    let saga = start(&runtime, "1", script("book:a pay:p? pay:q")).await;
    until(|| !lab.world.about("p").is_empty()).await;
    assert!(saga.cancel("changed my mind").await.expect("decided").granted);
    assert!(matches!(end(&saga).await.cause(), Some(Cause::Cancelled(_))));
    assert_eq!(lab.world.whats(), ["a", "p", "p", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn rule_17_a_cancel_of_a_pivot_in_doubt_stays_pending_until_the_doubt_is_settled() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Park]);
    let saga = start(&runtime, "1", script("book:a pay:p")).await;
    let park = lab.parked(&saga).await;
    let canceller = tokio::spawn({
        let saga = saga.clone();
        async move { saga.cancel("changed my mind").await }
    });
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    let status = saga.status().await.expect("the store answers");
    assert_eq!((status.parked, status.requests.len()), (Some(ParkCause::Asked), 1));
    assert!(park.did_not_happen("ann", "asked them").await.expect("decided").granted);
    assert!(end(&saga).await.cause().is_some());
    canceller.await.expect("no panic").expect("decided");
    assert_eq!(lab.world.whats(), ["a", "p", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn rule_17_a_cancel_between_steps_undoes_what_completed() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Slow(10_000)]);
    let saga = start(&runtime, "1", script("book:a book:b book:c pay:p")).await;
    until(|| !lab.world.about("b").is_empty()).await;
    assert!(saga.cancel("enough").await.expect("decided").granted);
    assert!(matches!(end(&saga).await.cause(), Some(Cause::Cancelled(_))));
    assert_eq!(lab.world.whats(), ["a", "b", "undo b", "undo a"], "the running attempt may end");
    assert_eq!(lab.world.about("undo b")[0].output.as_deref(), Some("b!"));
    let late = saga.cancel("again").await.expect("answered");
    assert!(!late.granted && late.to_string().contains("ended"), "{late}");
}

#[tokio::test(start_paused = true)]
async fn compensations_are_not_cancelled_by_anything() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Refuse]);
    lab.world.plan("undo a", [Act::Later(1_000)]);
    let saga = start(&runtime, "1", script("book:a pay:p")).await;
    until(|| !lab.world.about("undo a").is_empty()).await;
    let decision = saga.cancel("again").await.expect("decided");
    assert!(!decision.granted && decision.to_string().contains("undone already"), "{decision}");
    assert!(matches!(end(&saga).await.cause(), Some(Cause::Refused(_))));
    assert_eq!(lab.world.about("undo a").len(), 2);
}
