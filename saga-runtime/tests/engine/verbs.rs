//! Parked instances, and the verbs that settle them (rules 19 and 20).

use crate::{
    Lab, end,
    saga::{Scripted, script},
    start,
    world::Act,
};
use saga_runtime::{
    Cause, End, Runtime,
    runtime::{Happened, ParkCause},
};

async fn parked_undo(lab: &Lab, runtime: &Runtime) -> saga_runtime::Handle<Scripted> {
    lab.world.plan("p", [Act::Refuse]);
    lab.world.plan("undo b", [Act::Park]);
    start(runtime, "1", script("book:a book:b pay:p")).await
}

#[tokio::test(start_paused = true)]
async fn rule_19_a_parked_compensation_blocks_those_before_it_until_it_is_retried() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = parked_undo(&lab, &runtime).await;
    let park = lab.parked(&saga).await;
    assert_eq!((park.cause(), park.state(), park.error()), (ParkCause::Asked, "undo", "look at this"));
    assert!(lab.world.about("undo a").is_empty());
    assert_eq!(runtime.parked().await.expect("the store answers").len(), 1);
    assert!(park.retry("ann", "mended").await.expect("decided").granted);
    assert!(end(&saga).await.cause().is_some());
    let undo = lab.world.about("undo b");
    assert_eq!((undo.len(), &undo[0].key), (2, &undo[1].key));
    assert_eq!(lab.world.about("undo a").len(), 1);
    assert!(runtime.parked().await.expect("the store answers").is_empty());
    let told = saga.timeline().await.expect("it can be read");
    let of_an_undo = |what: &Happened| matches!(what, Happened::CompensationFailed { .. } | Happened::Parked { .. });
    let rows: Vec<_> = told.entries.iter().filter(|entry| of_an_undo(&entry.what)).collect();
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row.state.as_deref() == Some("book")),
        "whose undo it was: {told}"
    );
}

#[tokio::test(start_paused = true)]
async fn rule_19_a_compensation_backs_off_for_a_day_and_is_then_parked() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Refuse]);
    lab.world.always("undo a", Act::Fail);
    let begun = tokio::time::Instant::now();
    let saga = start(&runtime, "1", script("book:a pay:p")).await;
    let park = lab.parked(&saga).await;
    assert_eq!(park.cause(), ParkCause::GaveUp);
    let hours = begun.elapsed().as_secs_f64() / 3_600.0;
    assert!((23.9..24.1).contains(&hours), "{hours}");
    lab.world.always("undo a", Act::Done);
    assert!(park.retry("ann", "mended").await.expect("decided").granted);
    assert!(end(&saga).await.cause().is_some());
}

#[tokio::test(start_paused = true)]
async fn rule_20_a_skipped_compensation_stays_as_debt_until_somebody_settles_it() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = parked_undo(&lab, &runtime).await;
    let park = lab.parked(&saga).await;
    assert!(park.skip("ann", "they are out of business").await.expect("decided").granted);
    let End::Compensated { cause: Cause::Refused(_), debt } = end(&saga).await else { panic!("compensated") };
    assert_eq!((debt.len(), &*debt[0].step, &*debt[0].by), (1, "book", "ann"));
    assert_eq!(lab.world.about("undo a").len(), 1, "what is before it is undone all the same");
    assert_eq!(runtime.debts().await.expect("the store answers").len(), 1);
    assert!(saga.settle_debt("bob", "written off").await.expect("decided").granted);
    assert!(runtime.debts().await.expect("the store answers").is_empty());
    let again = saga.settle_debt("bob", "written off").await.expect("decided");
    assert!(!again.granted, "{again}");
    let timeline = crate::timeline(&saga).await;
    assert!(timeline.contains("skipped by ann") && timeline.contains("debt settled by bob"), "{timeline}");
}

#[tokio::test(start_paused = true)]
async fn rule_20_a_compensation_that_was_done_by_hand_is_no_debt() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = parked_undo(&lab, &runtime).await;
    let park = lab.parked(&saga).await;
    assert!(park.resolved("ann", "called them").await.expect("decided").granted);
    let End::Compensated { debt, .. } = end(&saga).await else { panic!("compensated") };
    assert!(debt.is_empty());
    assert_eq!(lab.world.about("undo b").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rule_20_a_stale_click_changes_nothing_and_says_so() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Park, Act::Park]);
    let saga = start(&runtime, "1", script("book:a")).await;
    let first = lab.parked(&saga).await;
    assert!(first.retry("ann", "again").await.expect("decided").granted);
    let second = loop {
        let park = lab.parked(&saga).await;
        if park.row() != first.row() {
            break park;
        }
        tokio::task::yield_now().await;
    };
    let stale = first.did_not_happen("ann", "the page was old").await.expect("decided");
    assert!(!stale.granted && stale.to_string().contains("over"), "{stale}");
    assert_eq!(lab.parked(&saga).await.row(), second.row(), "it is parked as before");
    assert!(second.retry("ann", "again").await.expect("decided").granted);
    assert!(matches!(end(&saga).await, End::Completed(_)));
}

#[tokio::test(start_paused = true)]
async fn rule_20_verbs_that_do_not_fit_are_refused() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Park]);
    lab.world.plan("after b", [Act::Panic]);
    let step = start(&runtime, "1", script("book:a")).await;
    let park = lab.parked(&step).await;
    assert!(!park.skip("ann", "no").await.expect("decided").granted);
    assert!(!park.resolved("ann", "no").await.expect("decided").granted, "a step is resolved with its output");
    let plain = start(&runtime, "2", script("book:b")).await;
    let park = lab.parked(&plain).await;
    assert!(!park.resolve("ann", "no", "\"b\"").await.expect("decided").granted);
    assert!(!park.did_not_happen("ann", "no").await.expect("decided").granted);
    assert!(park.cancel("ann", "yes").await.expect("decided").granted);
}

#[tokio::test(start_paused = true)]
async fn rule_20_did_not_happen_unwinds_without_that_steps_undo() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Panic]);
    let saga = start(&runtime, "1", script("book:a book:b")).await;
    let park = lab.parked(&saga).await;
    assert!(park.did_not_happen("ann", "looked at their books").await.expect("decided").granted);
    assert!(end(&saga).await.cause().is_some());
    assert_eq!(lab.world.whats(), ["a", "b", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn rule_20_past_the_pivot_did_not_happen_is_a_retry() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("s", [Act::Panic]);
    let saga = start(&runtime, "1", script("book:a pay:p send:s")).await;
    let park = lab.parked(&saga).await;
    assert!(park.did_not_happen("ann", "looked").await.expect("decided").granted);
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "p", "s", "s"]);
}

#[tokio::test(start_paused = true)]
async fn rule_20_a_request_made_before_a_crash_is_decided_after_it() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = parked_undo(&lab, &runtime).await;
    lab.parked(&saga).await;
    drop((saga, runtime));
    // Somebody wrote into the inbox while nobody looked.
    let body = r#"{"verb":"skip","by":"ann","why":"gone"}"#;
    let no = saga_runtime::store::InstanceNo(1);
    saga_runtime::store::Store::request(&*lab.store, no, body, false).await.expect("written").expect("not ended");
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    let End::Compensated { debt, .. } = saga.result().await.expect("it ends") else { panic!("compensated") };
    assert_eq!(debt.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_step_whose_undo_is_skipped_does_not_go_on() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Fail, Act::Fail]);
    lab.world.plan("undo a", [Act::Park]);
    let saga = start(&runtime, "1", script("book:z twice:a? book:b")).await;
    let park = lab.parked(&saga).await;
    assert!(park.skip("ann", "gone").await.expect("decided").granted);
    let End::Compensated { cause: Cause::Exhausted(_), debt } = end(&saga).await else { panic!("compensated") };
    assert_eq!(debt.len(), 1);
    assert_eq!(
        lab.world.whats(),
        ["z", "a", "a", "undo a", "undo z"],
        "what it left behind is debt, and the flow ends"
    );
}
