//! Recurring starts: one instance for each tick, whatever happens.

use crate::{
    Lab,
    saga::{Newer, Scripted, script},
    until,
};
use saga_runtime::{
    Builder, End, Runtime,
    clock::Clock,
    runtime::{Filter, Listed, Missed, Schedule, ScheduleStatus, Tick},
    store::{Store, StoreError},
    testing::{Faulty, ManualClock},
};
use std::{sync::Arc, time::Duration};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Where the lab's clock begins, in microseconds.
const START: i64 = 1_767_225_600_000_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// Half past two.
const TICK_OF_DAY: i64 = 9_000_000_000;

fn nightly() -> Schedule {
    Schedule::new("nightly", "30 2 * * *")
}

fn recurring(lab: &Lab, schedule: Schedule) -> Builder {
    lab.builder().register(Scripted(lab.world.clone())).schedule::<Scripted>(schedule, about)
}

fn about(tick: &Tick) -> crate::saga::Script {
    script(&format!("book:{tick}"))
}

async fn instances(runtime: &Runtime) -> Vec<Listed> {
    let (mut filter, mut all) = (Filter::new().of::<Scripted>().limit(1_000), Vec::new());
    loop {
        let page = runtime.list(&filter).await.expect("the store answers");
        all.extend(page.instances);
        let Some(next) = page.next else { return all };
        filter = filter.after(next);
    }
}

async fn ids(runtime: &Runtime) -> Vec<String> {
    instances(runtime).await.into_iter().map(|one| one.id.into()).collect()
}

fn status(runtime: &Runtime) -> ScheduleStatus {
    runtime.schedules().into_iter().next().expect("there is one")
}

#[tokio::test(start_paused = true)]
async fn a_year_of_ticks_starts_an_instance_for_each_one_by_the_clocks_of_its_time_zone() {
    let lab = Lab::new();
    let runtime = recurring(&lab, nightly().time_zone("Europe/Berlin")).start().await.expect("it starts");
    tokio::time::sleep(365 * DAY).await;
    let ids = ids(&runtime).await;
    assert_eq!(ids.len(), 365);
    assert_eq!(ids[0], "nightly@2026-01-01T01:30:00Z");
    assert!(ids.contains(&"nightly@2026-07-01T00:30:00Z".into()), "summer time");
    assert!(ids.contains(&"nightly@2026-03-29T01:00:00Z".into()), "half past two is left out that day");
    assert_eq!(ids.iter().filter(|id| id.contains("2026-10-25")).count(), 1, "half past two comes twice that day");
    let one = runtime.get::<Scripted>(&ids[7]).await.expect("the store answers").expect("it is there");
    assert!(matches!(one.result().await, Ok(End::Completed(_))));
    let status = status(&runtime);
    assert_eq!((status.started, status.skipped, status.last_error), (365, 0, None));
    assert!(status.last < status.next);
    assert_eq!((&*status.name, &*status.saga, &*status.time_zone), ("nightly", "scripted", "Europe/Berlin"));
}

#[tokio::test]
async fn a_year_of_ticks_goes_by_on_a_manual_clock_without_any_waiting() {
    let lab = Lab::new();
    let clock = Arc::new(ManualClock::default());
    let builder = recurring(&lab, Schedule::new("nightly", "0 0 * * *"));
    let runtime = builder.clock(Arc::clone(&clock) as Arc<dyn Clock>).start().await.expect("it starts");
    until(|| status(&runtime).next.is_some()).await;
    for day in 1..=365 {
        clock.advance(DAY);
        while status(&runtime).started < day {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(ids(&runtime).await.len(), 365);
    assert_eq!(status(&runtime).skipped, 0);
}

#[tokio::test(start_paused = true)]
async fn several_runtimes_with_one_schedule_start_one_instance_for_each_tick() {
    let lab = Lab::new();
    // Both look at the store at the same moments, until the first one finds that the second has taken its work over.
    let first = recurring(&lab, Schedule::new("hourly", "@hourly")).start().await.expect("it starts");
    let second = recurring(&lab, Schedule::new("hourly", "@hourly")).start().await.expect("it starts");
    tokio::time::sleep(2 * DAY + HOUR / 2).await;
    let ids = ids(&second).await;
    assert_eq!(ids.len(), 48);
    let mut different = ids.clone();
    different.dedup();
    assert_eq!(different, ids);
    assert_eq!(status(&second).started, 48);
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_start_and_the_note_of_its_tick_starts_nothing_twice() {
    // Every operation of the store fails once, with the runtime dying right after it.
    let operations = {
        let lab = Lab::new();
        let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>));
        let builder = recurring(&lab, nightly()).shared_store(Arc::clone(&faulty) as Arc<dyn Store>);
        let runtime = builder.start().await.expect("it starts");
        tokio::time::sleep(3 * DAY).await;
        let operations = faulty.operations();
        assert_eq!(ids(&runtime).await.len(), 3);
        operations
    };
    for operation in 2..=operations {
        let lab = Lab::new();
        let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>));
        faulty.fail(operation, StoreError::Unavailable("away for a moment".into()));
        let builder = recurring(&lab, nightly()).shared_store(Arc::clone(&faulty) as Arc<dyn Store>);
        let runtime = builder.start().await.expect("it starts");
        while faulty.operations() < operation {
            // Closely while something is done about a tick, and from tick to tick otherwise.
            let of_day = (lab.clock.now() - START) % DAY_MICROS;
            let since = (of_day + DAY_MICROS - TICK_OF_DAY) % DAY_MICROS;
            let left = if since < 3_000_000 { 1_000 } else { DAY_MICROS - since };
            lab.clock.sleep_until(lab.clock.now() + left).await;
        }
        // As in a crash: its tasks stop where they stand.
        drop(runtime);
        let runtime = recurring(&lab, nightly()).start().await.expect("it starts again");
        lab.clock.sleep_until(START + 3 * DAY_MICROS).await;
        let ids = ids(&runtime).await;
        let expected = ["nightly@2026-01-01T02:30:00Z", "nightly@2026-01-02T02:30:00Z", "nightly@2026-01-03T02:30:00Z"];
        assert_eq!(ids, expected, "operation {operation}");
        for id in ids {
            let one = runtime.get::<Scripted>(&id).await.expect("the store answers").expect("it is there");
            assert!(matches!(one.result().await, Ok(End::Completed(_))), "operation {operation}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ticks_that_nobody_was_there_for_are_dealt_with_as_the_schedule_says_and_counted() {
    for (missed, started, skipped) in [
        (Missed::Skip, vec![], 5),
        (Missed::Latest, vec!["2026-01-06"], 4),
        (Missed::All { at_most: 3 }, vec!["2026-01-04", "2026-01-05", "2026-01-06"], 2),
        (Missed::All { at_most: 9 }, vec!["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05", "2026-01-06"], 0),
    ] {
        let lab = Lab::new();
        let runtime = recurring(&lab, nightly().missed(missed)).start().await.expect("it starts");
        tokio::time::sleep(DAY).await;
        drop(runtime);
        tokio::time::sleep(5 * DAY).await;
        let runtime = recurring(&lab, nightly().missed(missed)).start().await.expect("it starts again");
        tokio::time::sleep(HOUR).await;
        let shown = status(&runtime);
        assert_eq!(shown.skipped, skipped, "{missed:?}");
        tokio::time::sleep(2 * HOUR).await;
        let expected: Vec<_> = std::iter::once("2026-01-01")
            .chain(started)
            .chain(["2026-01-07"])
            .map(|day| format!("nightly@{day}T02:30:00Z"))
            .collect();
        assert_eq!(ids(&runtime).await, expected, "{missed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_ticks_wait_and_are_started_when_it_is_back() {
    let lab = Lab::new();
    let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>));
    let builder = recurring(&lab, nightly()).shared_store(Arc::clone(&faulty) as Arc<dyn Store>);
    let runtime = builder.start().await.expect("it starts");
    tokio::time::sleep(HOUR).await;
    faulty.leave("the disk is full");
    tokio::time::sleep(2 * HOUR).await;
    let error = status(&runtime).last_error.expect("it is shown");
    assert!(error.contains("the disk is full"), "{error}");
    faulty.come_back();
    tokio::time::sleep(HOUR / 60).await;
    assert_eq!(ids(&runtime).await, ["nightly@2026-01-01T02:30:00Z"], "late, and by its own moment");
    assert_eq!(status(&runtime).last_error, None);
}

#[tokio::test(start_paused = true)]
async fn a_tick_whose_input_cannot_be_made_is_passed_over_and_the_others_are_not() {
    let lab = Lab::new();
    let builder = lab.builder().register(Scripted(lab.world.clone()));
    let builder = builder.schedule::<Scripted>(nightly(), |tick| {
        assert!(!tick.id().contains("2026-01-02"), "told to panic");
        about(tick)
    });
    let runtime = builder.start().await.expect("it starts");
    tokio::time::sleep(2 * DAY).await;
    let error = status(&runtime).last_error.expect("it is shown");
    assert!(error.contains("panicked"), "{error}");
    tokio::time::sleep(DAY).await;
    assert_eq!(ids(&runtime).await, ["nightly@2026-01-01T02:30:00Z", "nightly@2026-01-03T02:30:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_cannot_be_is_an_error_of_the_start_that_names_it() {
    let lab = Lab::new();
    let long = "n".repeat(101);
    for (schedule, says) in [
        (Schedule::new("odd", "61 * * * *"), "\"61 * * * *\""),
        (Schedule::new("odd", ""), "cannot be read"),
        (Schedule::new("odd", "0 0 30 2 *"), "no such moment ever comes"),
        (nightly().time_zone("Europe/Atlantis"), "\"Europe/Atlantis\""),
        (nightly().missed(Missed::All { at_most: 0 }), "`at_most` is 0"),
        (Schedule::new("", "@daily"), "from 1 to 100 bytes"),
        (Schedule::new(&*long, "@daily"), "from 1 to 100 bytes"),
    ] {
        let name = format!("schedule {:?}", schedule.name());
        let error = recurring(&lab, schedule).start().await.expect_err(says);
        let text = error.to_string();
        assert!(error.is_invalid() && text.contains(says) && text.contains(&name), "{error}");
    }
    let twice = recurring(&lab, nightly()).schedule::<Scripted>(nightly(), about);
    let twice = twice.start().await.expect_err("two of one name");
    assert!(twice.is_invalid() && twice.to_string().contains("\"nightly\" is defined twice"), "{twice}");
    let nobody = lab.builder().schedule::<Newer>(nightly(), about);
    let nobody = nobody.start().await.expect_err("not registered");
    assert!(nobody.is_invalid() && nobody.to_string().contains("saga `scripted`"), "{nobody}");
}
