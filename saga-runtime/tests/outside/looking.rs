//! Looking at an instance: its status, its timeline, its labels, while it runs and at its end.

use super::{
    Lab,
    tour::{Act, No, Ticket, Tour, World},
    until,
};
use saga_runtime::{
    prelude::*,
    runtime::{Activity, ParkCause, Progress, Status},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

pub(crate) async fn runtime(lab: &Lab, world: &World) -> Runtime {
    let builder = lab.builder().register(Tour(world.clone())).register(Ticket(world.clone()));
    builder.start().await.expect("it starts")
}

pub(crate) async fn start(runtime: &Runtime, cities: &[&str]) -> Handle<Tour> {
    let cities = cities.iter().map(|city| (*city).to_owned()).collect();
    runtime.start::<Tour>("1", cities).await.expect("it is started")
}

async fn status(saga: &Handle<Tour>) -> Status {
    saga.status().await.expect("the store answers")
}

/// Its status once it is so.
pub(crate) async fn once(saga: &Handle<Tour>, so: impl Fn(&Status) -> bool) -> Status {
    until(async || so(&status(saga).await)).await;
    status(saga).await
}

/// Sleeps through the day, and says that it goes.
pub(crate) async fn goes(lab: &Lab, saga: &Handle<Tour>) {
    once(saga, |status| status.progress == Progress::Sleeping && status.state == "sleep".into()).await;
    lab.clock.advance(24 * HOUR);
    once(saga, |status| status.progress == Progress::Waiting).await;
    saga.signal_once(Tour::GO, "go", true).await.expect("sent");
}

/// The text without what is different each time: the id of the child.
fn same_each_time(text: &str, saga: &Status) -> String {
    saga.children.iter().fold(text.to_owned(), |text, child| text.replace(&*child.id, "CHILD"))
}

#[tokio::test]
async fn a_timeline_tells_all_of_it() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("Rome", [Act::Fail]);
    world.plan("undo room", [Act::Fail]);
    world.plan("pay", [Act::Refuse]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome", "Bern", "Oslo"]).await;
    once(&saga, |status| status.progress == Progress::Sleeping).await;
    lab.clock.advance(HOUR);
    goes(&lab, &saga).await;
    once(&saga, |status| status.progress == Progress::Unwinding && status.next_try.is_some()).await;
    lab.clock.advance(Duration::from_secs(1));
    assert_eq!(saga.result().await.expect("it ends").cause(), Some(&Cause::Refused(No("pay".into()))));
    let told = saga.timeline().await.expect("the store answers").to_string();
    let told = same_each_time(&told, &status(&saga).await);
    assert_eq!(told, include_str!("timeline.txt"), "\n{told}");
}

#[tokio::test]
async fn a_status_tells_the_attempt_the_error_and_the_next_try() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("Rome", [Act::Fail]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    let status = once(&saga, |status| status.progress == Progress::Sleeping).await;
    let Activity::Attempting { step, attempt: 2, last_error, next_try, .. } = &status.doing[0].what else {
        panic!("{status:?}")
    };
    assert_eq!((&**step, last_error.as_deref()), ("guide", Some("the line is busy")));
    assert!(next_try.is_some() && *next_try == status.next_try && status.failed_attempts == 1, "{status:?}");
    assert_eq!(status.deadline, Some(status.started_at + 30 * 24 * 3_600_000_000));
    assert_eq!(
        status.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
        ["first=Rome", "size=1"]
    );
    let json = serde_json::to_value(&status).expect("it serializes");
    assert_eq!(json["doing"][0]["what"]["attempting"]["step"], "guide");
}

#[tokio::test]
async fn a_status_tells_what_is_parked_where_and_how_far_the_join_is() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("room in Rome", [Act::Park]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    let told = once(&saga, |status| status.progress == Progress::Parked).await;
    let (park, row) = (&told.parks[0], told.parks[0].row);
    assert_eq!(
        (park.branch.as_deref(), &*park.state, park.cause),
        (Some("seat-and-stay.1.1"), "room", ParkCause::Asked)
    );
    assert_eq!(
        told.to_string(),
        format!(
            "tour 1: parked\n  \
             seat-and-stay: 1 of 2 branches done, 1 running\n  \
             seat-and-stay.1.1 room: step room, attempt 2, after: ask at the counter\n  \
             parked at seat-and-stay.1.1 by row {row}, asked for a person: ask at the counter\n    \
             possible on its park(): retry(by, why), resolve(by, why, output), did_not_happen(by, why), cancel(by, why)\n  \
             its time is over at 2026-01-31 00:00:00 UTC (in 30 d 0 h)\n  \
             labels first=Rome\n"
        )
    );
    assert_eq!((told.passed["guide"], told.passed["seat-and-stay"]), (1, 1));
    let parks = saga.parks().await.expect("the store answers");
    assert!(parks[0].retry("ann", "asked them").await.expect("decided").granted);
    once(&saga, |status| status.progress == Progress::Sleeping).await;
}

#[tokio::test]
async fn who_waits_for_a_parked_child_says_so_and_both_name_each_other() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("ticket", [Act::Park]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    goes(&lab, &saga).await;
    let told = once(&saga, |status| status.reason.is_some()).await;
    let child = &told.children[0];
    assert_eq!((&*child.saga, child.progress), ("ticket", Some(Progress::Parked)));
    assert_eq!(
        same_each_time(&told.to_string(), &told),
        "tour 1: waiting, blocked by saga ticket CHILD (parked: ask at the counter)\n  \
         ticket: waits for saga ticket CHILD (parked: ask at the counter)\n  \
         its time is over at 2026-01-31 00:00:00 UTC (in 29 d 0 h)\n  \
         labels first=gone\n"
    );
    let ticket = runtime.get::<Ticket>(&child.id).await.expect("the store answers").expect("it is there");
    let of_child = ticket.status().await.expect("the store answers");
    let parent = of_child.parent.as_ref().expect("it has one");
    assert_eq!((&*parent.saga, &*parent.id, parent.progress), ("tour", "1", Some(Progress::Waiting)));
    assert!(of_child.to_string().contains("started by saga tour 1 (waiting)"), "{of_child}");
    let park = ticket.park().await.expect("the store answers").expect("it is parked");
    assert!(park.retry("ann", "asked them").await.expect("decided").granted);
    assert!(matches!(saga.result().await.expect("it ends"), End::Completed(_)));
    let end = status(&saga).await;
    assert!(end.doing.is_empty() && end.pivot_passed && end.ended_at.is_some(), "{end:?}");
    assert_eq!(
        same_each_time(&end.to_string(), &end),
        "tour 1: completed\n  labels first=gone\n  called saga ticket CHILD (completed)\n"
    );
}

#[tokio::test]
async fn a_status_tells_which_signals_are_waited_for_until_when_and_which_nobody_took() {
    let (lab, world) = (Lab::new(), World::default());
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    let told = once(&saga, |status| status.progress == Progress::Sleeping).await;
    assert!(told.to_string().contains("\n  sleep: sleeps until 2026-01-02 00:00:00 UTC (in 1 d 0 h)\n"), "{told}");
    lab.clock.advance(24 * HOUR);
    let told = once(&saga, |status| status.progress == Progress::Waiting).await;
    let until = "go-or-stay: waits for go or stay until 2026-01-04 00:00:00 UTC (in 2 d 0 h)";
    assert!(told.to_string().contains(until), "{told}");
    saga.signal(Tour::STAY, false).await.expect("sent");
    saga.result().await.expect("it ends");
    let told = status(&saga).await;
    assert_eq!((told.unread_signals.len(), told.progress), (0, Progress::Compensated));
}

#[tokio::test]
async fn a_label_that_cannot_be_one_parks_the_instance_before_anything_begins() {
    let (lab, world) = (Lab::new(), World::default());
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &[&"x".repeat(300)]).await;
    let told = once(&saga, |status| status.progress == Progress::Parked).await;
    assert_eq!(told.parked, Some(ParkCause::Unsavable));
    assert!(
        told.reason.as_deref().is_some_and(|reason| reason.contains("\"first\"") && reason.contains("256")),
        "{told}"
    );
    assert!(told.labels.is_empty() && told.passed.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_status_names_the_verbs_that_are_possible_and_they_are_granted() {
    let (lab, world) = (Lab::new(), World::default());
    // One undo in the join, and one of the saga itself.
    world.plan("room in Rome", [Act::Refuse]);
    world.plan("undo seat", [Act::Park]);
    world.plan("undo guide", [Act::Park]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    let told = once(&saga, |status| status.progress == Progress::Parked).await;
    assert_eq!(told.parks[0].verbs, ["retry", "resolved", "skip"], "{told}");
    assert!(
        told.to_string().contains("\n    possible on its park(): retry(by, why), resolved(by, why), skip(by, why)\n")
    );
    let park = saga.park().await.expect("the store answers").expect("it is parked");
    let refused = park.did_not_happen("ann", "it says so").await.expect("decided");
    assert!(!refused.granted, "what is not named is not granted");
    assert!(park.resolved("ann", "at the counter").await.expect("decided").granted);
    let told = once(&saga, |status| status.progress == Progress::Parked && status.parks[0].row != park.row()).await;
    assert_eq!(told.parks[0].verbs, ["retry", "resolved", "skip"], "{told}");
    let park = saga.park().await.expect("the store answers").expect("it is parked");
    assert!(park.skip("ann", "he went home").await.expect("decided").granted);
    assert!(saga.result().await.expect("it ends").cause().is_some());
}

#[tokio::test]
async fn of_several_parks_each_says_which_it_is() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("front", [Act::Park]);
    world.plan("room in Rome", [Act::Park]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    let told = once(&saga, |status| status.parks.len() == 2 && status.progress == Progress::Parked).await;
    for (index, park) in saga.parks().await.expect("the store answers").iter().enumerate() {
        assert_eq!(told.parks[index].row, park.row());
        assert!(
            told.to_string().contains(&format!("\n    possible on its parks()[{index}]: retry(by, why), ")),
            "{told}"
        );
    }
}

/// A pivot of which nobody knows whether it was done leaves no way back before that is settled.
#[tokio::test]
async fn a_cancel_that_would_have_to_wait_is_not_called_possible() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("pay", [Act::Park]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome"]).await;
    goes(&lab, &saga).await;
    let told = once(&saga, |status| status.progress == Progress::Parked).await;
    assert_eq!(told.parks[0].verbs, ["retry", "resolve", "did_not_happen"], "{told}");
}

#[tokio::test]
async fn handles_are_shown_without_the_saga_being_so() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("front", [Act::Park]);
    let runtime = runtime(&lab, &world).await;
    let starting = format!("{:?}", runtime.start::<Tour>("1", Vec::new()));
    let saga = start(&runtime, &["Rome"]).await;
    once(&saga, |status| status.progress == Progress::Parked).await;
    let park = saga.park().await.expect("the store answers").expect("it is parked");
    for shown in [starting, format!("{saga:?}"), format!("{:?}", saga.watch(0)), format!("{park:?}")] {
        assert!(shown.contains("tour") && shown.contains('1'), "{shown}");
    }
}
