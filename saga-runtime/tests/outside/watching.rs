//! Watching an instance: every entry once, in order, however often the watch is cut off.

use super::{
    Lab,
    looking::{goes, once, runtime, start},
    tour::{Act, World},
};
use futures_util::{FutureExt as _, StreamExt as _};
use saga_runtime::{
    prelude::*,
    runtime::{Entry, Happened, Progress, Watch},
    store::{InstanceNo, Store as _},
};
use std::time::Duration;

/// The rows that a watch hands out up to its end.
async fn rows<S: Saga>(mut watch: Watch<S>) -> Vec<u64> {
    let mut rows = Vec::new();
    while let Some(entry) = watch.next().await {
        rows.push(entry.expect("the store answers").row);
    }
    assert_eq!(Some(&watch.position()), rows.last());
    rows
}

#[tokio::test]
async fn a_watch_tells_everything_once_up_to_the_end() {
    let (lab, world) = (Lab::new(), World::default());
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome", "Bern"]).await;
    let watched = tokio::spawn(rows(saga.watch(0)));
    goes(&lab, &saga).await;
    saga.result().await.expect("it ends");
    let timeline = saga.timeline().await.expect("the store answers");
    let all: Vec<u64> = timeline.entries.iter().map(|entry| entry.row).collect();
    assert_eq!(watched.await.expect("it does not panic"), all);
}

#[tokio::test]
async fn a_watch_that_goes_on_from_a_position_tells_what_one_without_a_break_does() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("pay", [Act::Refuse]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome", "Bern"]).await;
    goes(&lab, &saga).await;
    saga.result().await.expect("it ends");
    let shown = |entries: &[Entry]| entries.iter().map(ToString::to_string).collect::<Vec<_>>();
    let whole = shown(&saga.timeline().await.expect("the store answers").entries);
    for position in 0..=whole.len() {
        let rest: Vec<_> =
            saga.watch(position as u64).into_stream().map(|entry| entry.expect("it is read")).collect().await;
        assert_eq!(shown(&rest), whole[position..], "from {position}");
    }
}

#[tokio::test]
async fn a_watch_that_was_dropped_while_it_waited_loses_nothing() {
    let (lab, world) = (Lab::new(), World::default());
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    let told = once(&saga, |status| status.progress == Progress::Sleeping).await;
    let mut watch = saga.watch(0);
    let mut seen = Vec::new();
    // Each look is given up as soon as it has to wait.
    while let Some(entry) = watch.next().now_or_never() {
        seen.push(entry.expect("it goes on").expect("it is read").row);
    }
    assert_eq!(seen, (1..=told.rows).collect::<Vec<_>>());
    lab.clock.advance(Duration::from_hours(24));
    let next = watch.next().await.expect("it goes on").expect("it is read");
    assert_eq!(next.row, told.rows + 1);
    assert!(matches!(next.what, Happened::Answered { .. }), "{next}");
}

#[tokio::test]
async fn rows_of_another_runtime_are_seen_without_being_told() {
    let (lab, world) = (Lab::new(), World::default());
    let first = runtime(&lab, &world).await;
    let saga = start(&first, &["Rome"]).await;
    let told = once(&saga, |status| status.progress == Progress::Sleeping).await;
    let mut watch = saga.watch(told.rows);
    assert!(watch.next().now_or_never().is_none(), "nothing is new");
    // Another runtime takes the store over, and goes on with the instance.
    let second = runtime(&lab, &world).await;
    lab.clock.advance(Duration::from_hours(24));
    let other = second.get("1").await.expect("the store answers").expect("it is there");
    once(&other, |status| status.progress == Progress::Waiting).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let next = tokio::time::timeout(Duration::from_millis(5), watch.next()).await;
        match next {
            Ok(entry) => seen.push(entry.expect("it goes on").expect("it is read").row),
            Err(_) => lab.clock.advance(Duration::from_secs(1)),
        }
    }
    assert_eq!(seen, [told.rows + 1, told.rows + 2]);
}

#[tokio::test]
async fn a_watch_ends_with_an_error_where_nothing_can_come() {
    let (lab, world) = (Lab::new(), World::default());
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    once(&saga, |status| status.progress == Progress::Sleeping).await;
    let mut stopped = saga.watch(1_000);
    goes(&lab, &saga).await;
    saga.result().await.expect("it ends");
    assert!(lab.store.bury(InstanceNo(2)).await.is_ok() && lab.store.bury(InstanceNo(1)).await.expect("it is written"));
    let gone = stopped.next().await.expect("an error").expect_err("only the tombstone is left");
    assert!(gone.is_buried() && stopped.next().await.is_none(), "{gone}");
}
