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

async fn runtime(lab: &Lab, world: &World) -> Runtime {
    let builder = lab.builder().register(Tour(world.clone())).register(Ticket(world.clone()));
    builder.start().await.expect("it starts")
}

async fn start(runtime: &Runtime, cities: &[&str]) -> Handle<Tour> {
    let cities = cities.iter().map(|city| (*city).to_owned()).collect();
    runtime.start::<Tour>("1", cities).await.expect("it is started")
}

async fn status(saga: &Handle<Tour>) -> Status {
    saga.status().await.expect("the store answers")
}

/// Its status once it is doing this.
async fn once(saga: &Handle<Tour>, so: impl Fn(&Status) -> bool) -> Status {
    until(async || so(&status(saga).await)).await;
    status(saga).await
}

fn sleeps(status: &Status) -> bool {
    status.progress == Progress::Sleeping && matches!(status.doing[0].what, Activity::Sleeping { .. })
}

/// Sleeps through the day, and says that it goes.
async fn goes(lab: &Lab, saga: &Handle<Tour>) {
    once(saga, sleeps).await;
    lab.clock.advance(24 * HOUR);
    once(saga, |status| status.progress == Progress::Waiting).await;
    saga.signal_once(Tour::GO, "go", true).await.expect("sent");
}

#[tokio::test]
async fn a_timeline_tells_all_of_it() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("Rome", [Act::Fail]);
    world.plan("undo room", [Act::Fail]);
    world.plan("pay", [Act::Refuse]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome", "Bern", "Oslo"]).await;
    once(&saga, |status| status.next_try.is_some()).await;
    println!("{}", status(&saga).await);
    lab.clock.advance(HOUR);
    goes(&lab, &saga).await;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        lab.clock.advance(Duration::from_millis(100));
    }
    println!("{}", status(&saga).await);
    println!("{}", saga.timeline().await.expect("the store answers"));
    panic!("look");
}

#[tokio::test]
async fn a_status_tells_what_is_parked_where() {
    let (lab, world) = (Lab::new(), World::default());
    world.plan("room in Rome", [Act::Park]);
    let runtime = runtime(&lab, &world).await;
    let saga = start(&runtime, &["Rome", "Bern", "Oslo"]).await;
    let status = once(&saga, |status| !status.parks.is_empty() && status.progress == Progress::Parked).await;
    println!("{status}");
    println!("{status:#?}");
    let _ = ParkCause::Asked;
    let _ = No(String::new());
    panic!("look");
}
