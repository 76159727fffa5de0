//! Lists, page by page.

use crate::{
    Lab, end,
    saga::{Scripted, script},
    settled, start,
    world::Act,
};
use saga_runtime::{
    Runtime,
    runtime::{Filter, Listed, Position, Progress},
    store::InstanceNo,
};
use std::time::{Duration, SystemTime};

fn ids(instances: &[Listed]) -> Vec<&str> {
    instances.iter().map(|one| &*one.id).collect()
}

/// The ids of every page.
async fn pages(runtime: &Runtime, mut filter: Filter) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let page = runtime.list(&filter).await.expect("the store answers");
        pages.push(page.instances.iter().map(|one| one.id.to_string()).collect());
        let Some(next) = page.next else { return pages };
        // As a client would hand it back.
        filter = filter.after(next.to_string().parse().expect("a position"));
    }
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_where_the_last_one_ended_in_either_order_whatever_is_started_meanwhile() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    for number in 1..=7 {
        start(&runtime, &number.to_string(), script("book:a")).await;
    }
    let all = Filter::new().limit(3);
    assert_eq!(pages(&runtime, all.clone()).await, [vec!["1", "2", "3"], vec!["4", "5", "6"], vec!["7"]]);
    assert_eq!(
        pages(&runtime, all.clone().newest_first()).await,
        [vec!["7", "6", "5"], vec!["4", "3", "2"], vec!["1"]]
    );
    assert_eq!(pages(&runtime, Filter::new().limit(7)).await.len(), 1, "no empty page follows a full one");
    let first = runtime.list(&all.clone().newest_first()).await.expect("the store answers");
    start(&runtime, "8", script("book:a")).await;
    let second = all.newest_first().after(first.next.expect("there is more"));
    let second = runtime.list(&second).await.expect("the store answers");
    assert_eq!(ids(&second.instances), ["4", "3", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_admits_by_progress_state_error_age_and_label() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Park]);
    settled(&runtime.start::<Scripted>("parked", script("pay:a")).label("team", "red").await.expect("started")).await;
    tokio::time::sleep(Duration::from_hours(2)).await;
    lab.world.plan("b", [Act::Later(86_400)]);
    let done = runtime.start::<Scripted>("done", script("book:c")).label("team", "red").await.expect("started");
    end(&done).await;
    start(&runtime, "asleep", script("book:b")).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let list = async |filter: Filter| {
        let page = runtime.list(&filter).await.expect("the store answers");
        page.instances.iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(Filter::new().progress([Progress::Parked])).await, ["parked"]);
    assert_eq!(list(Filter::new().progress([Progress::Sleeping, Progress::Completed])).await, ["done", "asleep"]);
    assert_eq!(list(Filter::new().state("pay")).await, ["parked"]);
    assert_eq!(list(Filter::new().older_than(Duration::from_hours(1))).await, ["parked"]);
    assert_eq!(list(Filter::new().label("team", "red").progress([Progress::Completed])).await, ["done"]);
    assert_eq!(list(Filter::new().saga("another")).await, [] as [&str; 0]);
    assert_eq!(list(Filter::new().children_of(done.no())).await, [] as [&str; 0]);
    let began = SystemTime::UNIX_EPOCH + Duration::from_hours(1_767_225_600 / 3_600);
    let late = began + Duration::from_hours(1);
    assert_eq!(list(Filter::new().started_before(late)).await, ["parked"]);
    assert_eq!(list(Filter::new().started_after(late).of::<Scripted>()).await, ["done", "asleep"]);
    assert_eq!(ids(&runtime.parked().await.expect("the store answers")), ["parked"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_list_does_not_have_is_refused_by_name() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    for (filter, says) in [
        (Filter::new().limit(0), "`limit` is 0"),
        (Filter::new().limit(1_001), "from 1 to 1000"),
        (Filter::new().progress([Progress::Unwinding]), "`progress`"),
    ] {
        let error = runtime.list(&filter).await.expect_err(says);
        assert!(error.is_invalid() && error.to_string().contains(says), "{error}");
    }
    for text in ["", "x", "-1", "1.5"] {
        let error = text.parse::<Position>().expect_err(text);
        assert!(error.is_invalid() && error.to_string().contains(&format!("{text:?}")), "{error}");
    }
    let nobody = Filter::new().children_of(InstanceNo(7));
    assert!(runtime.list(&nobody).await.expect("the store answers").instances.is_empty());
}
