//! Starts with more to them: later, and with labels.

use crate::{
    Lab, end,
    saga::{Newer, No, Scripted, script},
    start, until,
    world::{Act, World},
};
use saga_runtime::{
    Cause, End, FlowContext, StepContext, Transient, Unwind,
    clock::Clock,
    runtime::{Filter, Progress},
    saga,
    testing::TokioClock,
};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_hours(24);

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).expect("not that long")
}

/// A moment of the lab's clock.
fn moment(clock: &TokioClock, from_now: Duration) -> SystemTime {
    let now = Duration::from_micros(u64::try_from(clock.now()).expect("after 1970"));
    SystemTime::UNIX_EPOCH + now + from_now
}

#[tokio::test(start_paused = true)]
async fn a_delayed_start_is_durable_at_once_sleeps_as_a_row_and_begins_when_its_time_has_come() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let begun = lab.clock.now();
    let delayed = runtime.start::<Scripted>("1", script("book:a")).after(365 * DAY).await.expect("it is started");
    let status = delayed.status().await.expect("the store answers");
    assert_eq!(status.progress, Progress::Sleeping);
    assert_eq!(runtime.running(), 0, "it is a row and not a task");
    drop(runtime);
    let runtime = lab.runtime().await;
    let delayed = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is durable");
    tokio::time::sleep(364 * DAY).await;
    assert!(lab.world.got().is_empty(), "not a day early");
    assert!(matches!(delayed.result().await, Ok(End::Completed(_))));
    assert!(lab.clock.now() >= begun + micros(365 * DAY));
    assert_eq!(lab.world.whats(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_at_a_moment_begins_then_and_at_once_if_that_is_past() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let at = moment(&lab.clock, 2 * DAY);
    let later = runtime.start::<Scripted>("1", script("book:a")).at(at).await.expect("it is started");
    let past = SystemTime::UNIX_EPOCH;
    let begun = tokio::time::Instant::now();
    let now = runtime.start::<Scripted>("2", script("book:b")).at(past).await.expect("it is started");
    assert!(matches!(end(&now).await, End::Completed(_)));
    assert!(begun.elapsed() < DAY);
    assert_eq!(lab.world.whats(), ["b"]);
    assert!(matches!(end(&later).await, End::Completed(_)));
    assert!(begun.elapsed() >= 2 * DAY, "{:?}", begun.elapsed());
    assert_eq!(lab.world.whats(), ["b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_start_can_be_cancelled_before_it_begins() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let delayed = runtime.start::<Scripted>("1", script("book:a")).after(30 * DAY).await.expect("it is started");
    let begun = tokio::time::Instant::now();
    assert!(delayed.cancel("not wanted any more").await.expect("decided").granted);
    let end = delayed.result().await.expect("the store answers");
    assert!(matches!(end.cause(), Some(Cause::Cancelled(reason)) if &**reason == "not wanted any more"), "{end:?}");
    assert!(begun.elapsed() < DAY);
    assert!(lab.world.got().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delayed_start_begins_no_earlier_because_somebody_asks_for_what_is_refused() {
    let lab = Lab::new();
    for restarts in [false, true] {
        let mut lives = vec![lab.runtime().await];
        let id = if restarts { "1" } else { "2" };
        let delayed = lives[0].start::<Scripted>(id, script("book:a")).after(30 * DAY).await.expect("it is started");
        let decision = delayed.settle_debt("ann", "a click on the wrong one").await.expect("decided");
        assert!(!decision.granted, "{decision}");
        if restarts {
            drop(delayed);
            lives.clear();
            lives.push(lab.runtime().await);
        }
        let delayed = lives[0].get::<Scripted>(id).await.expect("the store answers").expect("it is there");
        assert_eq!(delayed.status().await.expect("the store answers").progress, Progress::Sleeping);
        let before = lab.world.got().len();
        tokio::time::sleep(29 * DAY).await;
        assert_eq!(lab.world.got().len(), before, "it began too early");
        tokio::time::sleep(2 * DAY).await;
        assert_eq!(lab.world.got().len(), before + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_start_finds_the_first_whatever_else_it_says() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let first = runtime.start::<Scripted>("1", script("book:a")).after(DAY).label("customer", "ada");
    let first = first.await.expect("it is started");
    let second = runtime.start::<Scripted>("1", script("book:a")).label("customer", "bob").await.expect("it is found");
    assert_eq!(first.no(), second.no());
    tokio::time::sleep(DAY / 2).await;
    assert!(lab.world.got().is_empty(), "it still begins when the first one said");
    let ada = runtime.list(&Filter::new().label("customer", "ada")).await.expect("the store answers");
    assert_eq!(ada.instances.len(), 1, "and is called what the first one said");
    let other = runtime.start::<Scripted>("1", script("book:b")).after(DAY).await.expect_err("another input");
    assert!(other.is_conflict(), "{other}");
}

#[tokio::test(start_paused = true)]
async fn labels_are_there_from_the_start_and_stay_to_the_end() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Slow(1_000)]);
    let start = runtime.start::<Scripted>("1", script("book:a")).label("customer", "ada").label("tier", "gold");
    let saga = start.label("tier", "silver").await.expect("it is started");
    until(|| !lab.world.got().is_empty()).await;
    for expected in [Progress::Running, Progress::Completed] {
        let filter = Filter::new().of::<Scripted>().label("customer", "ada").label("tier", "silver");
        let found = runtime.list(&filter).await.expect("the store answers").instances;
        assert_eq!(found.iter().map(|one| (&*one.id, one.progress)).collect::<Vec<_>>(), [("1", expected)]);
        assert_eq!(found[0].labels.len(), 2);
        end(&saga).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_fit_for_a_start_is_refused_by_name_and_nothing_is_stored() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let (long_key, long_value) = ("k".repeat(65), "v".repeat(257));
    let refused = [
        ("", "x", "its key is empty"),
        (&*long_key, "x", "65 bytes"),
        ("key", &*long_value, "257 bytes"),
        ("a\nb", "x", "control character"),
        ("key", "\0", "control character"),
        (" key", "x", "white space"),
    ];
    for (key, value, says) in refused {
        let error = runtime.start::<Scripted>("1", script("book:a")).label(key, value).await.expect_err(says);
        assert!(error.is_invalid() && error.to_string().contains(says), "{error}");
    }
    let mut many = runtime.start::<Scripted>("1", script("book:a"));
    for number in 0..17 {
        many = many.label(format!("k{number}"), "v");
    }
    let error = many.await.expect_err("too many");
    assert!(error.is_invalid() && error.to_string().contains("17 labels are more than the limit of 16"), "{error}");
    let error = runtime.start::<Scripted>("1", script("book:a")).after(Duration::MAX).await.expect_err("too far");
    assert!(error.is_invalid() && error.to_string().contains("too far away"), "{error}");
    let error = runtime.start::<Newer>("1", script("book:a")).after(DAY).await.expect_err("not registered");
    assert!(error.is_unknown_saga(), "{error}");
    assert!(runtime.list(&Filter::new()).await.expect("the store answers").instances.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_awaited_does_nothing() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    drop(runtime.start::<Scripted>("1", script("book:a")));
    assert!(runtime.get::<Scripted>("1").await.expect("the store answers").is_none());
    assert!(matches!(end(&start(&runtime, "1", script("book:a")).await).await, End::Completed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_counts_from_when_it_begins_and_unwinds_what_is_not_done_by_then() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.always("b", Act::Later(6 * 3_600));
    let late = runtime.start::<Scripted>("1", script("book:a book:b")).after(10 * DAY).deadline(2 * DAY);
    let late = late.await.expect("it is started");
    let begun = lab.clock.now();
    tokio::time::sleep(11 * DAY).await;
    assert_eq!(late.status().await.expect("the store answers").progress, Progress::Sleeping, "it has a day left");
    drop(runtime);
    let runtime = lab.runtime().await;
    let late = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is durable");
    lab.world.always("undo b", Act::Done);
    let end = end(&late).await;
    assert!(matches!(end.cause(), Some(Cause::Deadline)), "{end:?}");
    let listed = runtime.list(&Filter::new()).await.expect("the store answers").instances;
    let took = listed[0].ended_at.expect("it ended") - begun;
    assert!((micros(12 * DAY)..micros(12 * DAY) + 60_000_000).contains(&took), "{took}");
    let undone: Vec<_> = lab.world.whats().into_iter().filter(|what| what.starts_with("undo")).collect();
    assert_eq!(undone, ["undo b", "undo a"], "what is in doubt first");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_met_changes_nothing() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = runtime.start::<Scripted>("1", script("book:a")).deadline(DAY).await.expect("it is started");
    assert!(matches!(end(&saga).await, End::Completed(_)));
    tokio::time::sleep(2 * DAY).await;
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a"]);
}

struct Brief(World);

#[saga(name = "brief", version = 1, deadline = "1h")]
impl Brief {
    #[flow]
    async fn run(&self, cx: &FlowContext, what: String) -> Result<String, Unwind<No>> {
        Ok(self.act(cx, &what).await?)
    }

    #[step(no_compensation = "it is never done")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<String, Transient> {
        tokio::task::yield_now().await;
        match self.0.next(what) {
            Act::Done => Ok(what.into()),
            _ => Err(Transient::new("not now")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_at_most_as_long_as_the_sagas_own_which_holds_for_every_instance() {
    let lab = Lab::new();
    let runtime = lab.builder().register(Brief(lab.world.clone())).start().await.expect("it starts");
    lab.world.always("x", Act::Fail);
    for (within, says) in [(Duration::ZERO, "`deadline` is zero"), (DAY, "longer than the 3600s that saga `brief`")] {
        let error = runtime.start::<Brief>("1", "x".into()).deadline(within).await.expect_err(says);
        assert!(error.is_invalid() && error.to_string().contains(says), "{error}");
    }
    for (id, within) in [("own", None), ("shorter", Some(Duration::from_mins(10)))] {
        let begun = tokio::time::Instant::now();
        let mut start = runtime.start::<Brief>(id, "x".into());
        if let Some(within) = within {
            start = start.deadline(within);
        }
        let end = start.await.expect("it is started").result().await.expect("the store answers");
        assert!(matches!(end.cause(), Some(Cause::Deadline)), "{id}: {end:?}");
        let own = within.unwrap_or(Duration::from_hours(1));
        let took = begun.elapsed();
        assert!((own..own + Duration::from_mins(1)).contains(&took), "{id}: {took:?}");
    }
}
