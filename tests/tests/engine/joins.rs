//! Branches at the same time: their results, their refusals, their parks.

use crate::{Lab, Plan, Work, catching, cause, completed, parked, plan, rows, start, texts, timeline, world::Act};
use saga_runtime::runtime::Point;
use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

fn sorted(mut whats: Vec<String>) -> Vec<String> {
    whats.sort();
    whats
}

#[tokio::test(start_paused = true)]
async fn branches_of_steps_and_inner_flows_run_at_the_same_time() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    for what in ["a", "b", "c"] {
        lab.world.always(what, Act::Slow(1_000));
    }
    let saga = start(&runtime, "1", plan([Work::Both("a".into(), "b".into(), texts(&["c", "d"]))])).await;
    assert_eq!(completed(&saga).await, ["c!", "d!", "a!", "b!"], "{}", timeline(&saga).await);
    assert_eq!(lab.world.most(), 3);
    let keys: BTreeSet<_> = lab.world.got().into_iter().map(|got| got.key).collect();
    assert_eq!(keys.len(), 4, "each call has a key of its own");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_a_branch_undoes_what_the_join_completed_before_the_flow_goes_another_way() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Refuse]);
    let works = [
        Work::Book("before".into()),
        Work::Both("a".into(), "b".into(), texts(&["c", "d"])),
        Work::Book("instead".into()),
    ];
    let saga = start(&runtime, "1", catching(works)).await;
    assert_eq!(completed(&saga).await, ["before!", "no b", "instead!"]);
    assert_eq!(lab.world.stands(), ["before", "instead"], "{}", timeline(&saga).await);
    let whats = lab.world.whats();
    let instead = whats.iter().position(|what| what == "instead").expect("it was called");
    assert!(whats[instead..].iter().all(|what| !what.starts_with("undo")), "undone before: {whats:?}");
    assert!(whats.contains(&"undo a".into()), "{whats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_is_exhausted_in_doubt_leaves_nothing_of_the_others_behind() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.always("a", Act::Lose);
    // Its attempt runs while the other branch is being undone.
    lab.world.always("b", Act::Slow(5_000));
    lab.world.always("c", Act::Slow(7_000));
    let works = [Work::Both("a".into(), "b".into(), texts(&["c", "d"])), Work::Book("instead".into())];
    let saga = start(&runtime, "1", catching(works)).await;
    assert_eq!(completed(&saga).await, ["not book", "instead!"], "{}", timeline(&saga).await);
    assert_eq!(lab.world.stands(), ["instead"], "{}", timeline(&saga).await);
    let about = |what: &str| lab.world.got().into_iter().filter(|got| got.what == what).count();
    assert_eq!((about("b"), about("c")), (1, 1), "attempts that run are awaited, and nothing begins");
    assert_eq!(about("d"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_parked_branch_parks_the_instance_once_the_others_have_ended_and_a_retry_goes_on() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Panic]);
    lab.world.always("c", Act::Slow(2_000));
    let saga = start(&runtime, "1", plan([Work::Both("a".into(), "b".into(), texts(&["c", "d"]))])).await;
    let park = parked(&saga).await;
    assert_eq!(lab.world.whats(), ["a", "b", "c", "d"], "the others ended before");
    let status = saga.status().await.expect("the store answers");
    assert!(status.reason.as_deref().is_some_and(|reason| reason.contains("told to panic")), "{status:?}");
    let listed = runtime.parked().await.expect("the store answers");
    assert_eq!(listed.len(), 1);
    park.retry("the test", "it is mended").await.expect("decided");
    assert_eq!(completed(&saga).await, ["c!", "d!", "a!", "b!"]);
    assert_eq!(sorted(lab.world.stands()), ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_parked_branch_is_given_up_with_its_join_when_another_is_refused() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Panic]);
    lab.world.plan("d", [Act::Refuse]);
    lab.world.always("c", Act::Slow(2_000));
    let works = [Work::Both("a".into(), "b".into(), texts(&["c", "d"])), Work::Book("instead".into())];
    let saga = start(&runtime, "1", catching(works)).await;
    assert_eq!(completed(&saga).await, ["no d", "instead!"]);
    assert_eq!(lab.world.stands(), ["instead"], "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_of_branches_under_way_awaits_their_attempts_and_undoes_all() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    for what in ["a", "b", "c"] {
        lab.world.always(what, Act::Slow(3_000));
    }
    let works = [Work::Book("before".into()), Work::Both("a".into(), "b".into(), texts(&["c", "d"]))];
    let saga = start(&runtime, "1", plan(works)).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let decision = saga.cancel("no longer").await.expect("decided");
    assert!(decision.granted, "{decision:?}");
    assert_eq!(cause(&saga).await, "Cancelled(\"no longer\")");
    assert_eq!(lab.world.stands(), [""; 0], "{}", timeline(&saga).await);
    let whats = lab.world.whats();
    assert_eq!(whats.last().map(String::as_str), Some("undo before"), "the join before what precedes it: {whats:?}");
    assert!(!whats.contains(&"d".into()), "nothing begins after the decision: {whats:?}");
}

#[tokio::test(start_paused = true)]
async fn joins_in_inner_flows_in_joins_are_undone_with_what_is_around_them() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let ways = || {
        let one = vec![texts(&["a", "b"]), texts(&["c", "both d e"])];
        let two = vec![texts(&["f", "sleep 60", "g"]), texts(&["both h i"])];
        Work::Ways(one, two)
    };
    let saga = start(&runtime, "1", Plan { refuse: Some("no more".into()), ..plan([ways()]) }).await;
    assert_eq!(cause(&saga).await, "Refused(No(\"no more\"))");
    assert_eq!(lab.world.stands(), [""; 0], "{}", timeline(&saga).await);
    assert_eq!(lab.world.whats().len(), 2 * 13);
    lab.world.plan("g", [Act::Refuse]);
    let saga = start(&runtime, "2", catching([ways()])).await;
    assert_eq!(completed(&saga).await, ["no g"]);
    assert_eq!(lab.world.stands(), [""; 0], "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_branches_run_eight_at_a_time_and_are_undone() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let whats: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    let saga = start(&runtime, "1", plan([Work::Each(whats.clone(), 8)])).await;
    let done = completed(&saga).await;
    assert!(done.iter().zip(&whats).all(|(done, what)| done.strip_suffix('!') == Some(what)), "in their order");
    assert_eq!((done.len(), lab.world.most()), (10_000, 8));
    let rows = rows(&lab, "errand", "1").await;
    assert!(rows.len() < 25_000, "a row for each begin and each end: {}", rows.len());
    // As many as are enough to show that the time for it does not grow with their square.
    lab.world.plan("990", [Act::Refuse]);
    let saga = start(&runtime, "2", catching([Work::Each(whats[..2_000].to_vec(), 8)])).await;
    assert_eq!(completed(&saga).await, ["no 990"]);
    assert_eq!(lab.world.stands().len(), 10_000, "those of the first");
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_waits_to_begin_while_something_is_decided_does_not_begin_after_a_refusal() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.always("a", Act::Slow(1_000));
    lab.world.always("b", Act::Late(2_000));
    let saga = start(&runtime, "1", catching([Work::Each(texts(&["a", "b", "c"]), 2)])).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let crier = start(&runtime, "2", plan([Work::Send("1".into(), 1)])).await;
    assert_eq!(completed(&crier).await, ["sent"]);
    assert_eq!(completed(&saga).await, ["no b"], "{}", timeline(&saga).await);
    assert_eq!(lab.world.stands(), [""; 0]);
    assert!(lab.world.got().iter().all(|got| got.what != "c"));
}

#[tokio::test(start_paused = true)]
async fn which_branches_have_begun_is_durable_before_they_are_attempted() {
    let lab = Lab::new();
    let points = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&points);
    let observer = Arc::new(move |point: Point<'_>| {
        let mut seen = seen.lock().expect("nobody panics");
        match point {
            Point::AfterCommit { events, .. } if events.contains(&"begun") => seen.push("begun"),
            Point::BeforeAttempt { .. } => seen.push("attempt"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    let runtime = lab.builder().observer(observer).start().await.expect("it starts");
    let saga = start(&runtime, "1", plan([Work::Each(texts(&["a", "b", "c"]), 1)])).await;
    assert_eq!(completed(&saga).await, ["a!", "b!", "c!"]);
    assert_eq!(*points.lock().expect("nobody panics"), ["begun", "attempt"].repeat(3));
}
