//! Permits, ids and inputs, one start for one id (rules 23, 33, 35).

use crate::{
    Lab, end, events,
    saga::{Newer, Scripted, script},
    start, until,
    world::Act,
};
use saga_runtime::{End, Runtime, runtime::Filter};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn rule_23_a_start_beyond_the_limit_is_durable_and_waits_in_the_store() {
    let lab = Lab::new();
    let builder = lab.builder().register(Scripted(lab.world.clone())).concurrency(2);
    let runtime = builder.start().await.expect("it starts");
    let mut sagas = Vec::new();
    for number in 0..10 {
        lab.world.plan(&format!("a{number}"), [Act::Slow(100)]);
        sagas.push(start(&runtime, &number.to_string(), script(&format!("book:a{number}"))).await);
    }
    assert!(runtime.running() <= 2);
    assert!(lab.world.got().len() <= 2);
    assert_eq!(runtime.list(&Filter::new()).await.expect("the store answers").instances.len(), 10);
    for saga in &sagas {
        assert!(matches!(end(saga).await, End::Completed(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn rule_23_a_sleeping_instance_holds_no_permit() {
    let lab = Lab::new();
    let builder = lab.builder().register(Scripted(lab.world.clone())).concurrency(1);
    let runtime = builder.start().await.expect("it starts");
    lab.world.plan("a", [Act::Later(3_600)]);
    let sleeper = start(&runtime, "1", script("book:a")).await;
    until(|| !lab.world.got().is_empty()).await;
    let begun = tokio::time::Instant::now();
    assert!(matches!(end(&start(&runtime, "2", script("book:b")).await).await, End::Completed(_)));
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(matches!(end(&sleeper).await, End::Completed(_)));
}

#[tokio::test(start_paused = true)]
async fn rule_23_what_was_parked_goes_on_within_the_limit_too() {
    let lab = Lab::new();
    let builder = lab.builder().register(Scripted(lab.world.clone())).concurrency(1);
    let runtime = builder.start().await.expect("it starts");
    let mut sagas = Vec::new();
    for number in 0..4 {
        lab.world.plan(&format!("a{number}"), [Act::Park, Act::Slow(5_000)]);
        sagas.push(start(&runtime, &number.to_string(), script(&format!("book:a{number}"))).await);
    }
    for saga in &sagas {
        let park = lab.parked(saga).await;
        assert!(park.retry("ann", "mended").await.expect("decided").granted);
    }
    let begun = tokio::time::Instant::now();
    for saga in &sagas {
        assert!(matches!(end(saga).await, End::Completed(_)));
    }
    assert!(begun.elapsed() > Duration::from_secs(15), "one after the other: {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn rule_23_compensations_have_a_limit_of_their_own() {
    let lab = Lab::new();
    let builder = lab.builder().register(Scripted(lab.world.clone())).concurrency(1).compensation_concurrency(1);
    let runtime = builder.start().await.expect("it starts");
    lab.world.plan("p", [Act::Refuse]);
    lab.world.plan("undo a", [Act::Slow(20_000)]);
    let refused = start(&runtime, "1", script("book:a pay:p")).await;
    until(|| !lab.world.about("undo a").is_empty()).await;
    let begun = tokio::time::Instant::now();
    assert!(matches!(end(&start(&runtime, "2", script("book:b")).await).await, End::Completed(_)));
    assert!(begun.elapsed() < Duration::from_secs(10), "the unwinding one holds no permit to go forward");
    assert!(end(&refused).await.cause().is_some());
}

#[tokio::test(start_paused = true)]
async fn rule_33_one_id_is_one_instance_and_another_input_is_a_conflict_that_names_both() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let first = start(&runtime, "1", script("book:a")).await;
    let second = start(&runtime, "1", script("book:a")).await;
    assert_eq!(end(&first).await, end(&second).await);
    assert_eq!(lab.world.got().len(), 1);
    let conflict = runtime.start::<Scripted>("1", script("book:other")).await.expect_err("another input");
    assert!(conflict.is_conflict());
    let text = conflict.to_string();
    assert!(text.contains("\"a\"") && text.contains("\"other\"") && text.contains("`1`"), "{text}");
    assert_eq!(events(&lab, &first).await.len(), 4, "nothing was written for the others");
}

#[tokio::test(start_paused = true)]
async fn many_starts_of_one_id_at_once_are_one_instance() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let starts: Vec<_> = (0..20)
        .map(|_| {
            let runtime = runtime.clone();
            tokio::spawn(async move { start(&runtime, "1", script("book:a book:b")).await.result().await })
        })
        .collect();
    for start in starts {
        assert!(matches!(start.await.expect("no panic").expect("it ends"), End::Completed(_)));
    }
    assert_eq!(lab.world.whats(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_id_or_input_is_a_clear_error_and_nothing_is_written() {
    let lab = Lab::new();
    let builder = lab.builder().register(Scripted(lab.world.clone())).instance_limit(1_000);
    let runtime = builder.start().await.expect("it starts");
    let long = "x".repeat(201);
    for (id, says) in
        [("", "empty"), (&*long, "201 bytes"), ("a\nb", "control character"), (" a", "white space"), ("a\0", "control")]
    {
        let error = runtime.start::<Scripted>(id, script("book:a")).await.expect_err("not an id");
        assert!(error.is_invalid() && error.to_string().contains(says), "{error}");
    }
    let mut big = script("book:a");
    big.ballast = "x".repeat(1_000);
    let error = runtime.start::<Scripted>("1", big).await.expect_err("too large");
    assert!(error.is_too_large() && error.to_string().contains("limit of 1000"), "{error}");
    let error = runtime.start::<Newer>("1", script("book:a")).await.expect_err("not registered");
    assert!(error.is_unknown_saga(), "{error}");
    assert!(runtime.list(&Filter::new()).await.expect("the store answers").instances.is_empty());
    assert!(runtime.get::<Scripted>("1").await.expect("the store answers").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reason_that_no_journal_should_keep_is_a_clear_error_and_no_request() {
    let lab = Lab::new();
    let runtime = lab.builder().register(Scripted(lab.world.clone())).start().await.expect("it starts");
    lab.world.plan("a", [Act::NoEffect; 20]);
    let saga = runtime.start::<Scripted>("1", script("book:a")).await.expect("it is started");
    for (reason, says) in [("y".repeat(4_097), "limit of 4096"), ("a\0b".to_owned(), "control character")] {
        let error = saga.cancel(&reason).await.expect_err("not a reason");
        assert!(error.is_invalid() && error.to_string().contains(says), "{error}");
    }
    assert!(saga.status().await.expect("the store answers").requests.is_empty());
    assert!(saga.cancel("two\nlines are fine").await.expect("decided").granted);
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_cannot_run_says_why_when_it_is_started() {
    let lab = Lab::new();
    let none = Runtime::builder().start().await.expect_err("no store");
    assert!(none.is_invalid() && none.to_string().contains("store"), "{none}");
    let twice = lab.builder().register(Scripted(lab.world.clone())).register(Newer(lab.world.clone()));
    let twice = twice.start().await.expect_err("two sagas of one name");
    assert!(twice.to_string().contains("`scripted`"), "{twice}");
    let zero = lab.builder().register(Scripted(lab.world.clone())).concurrency(0);
    assert!(zero.start().await.expect_err("nothing could run").is_invalid());
}

#[tokio::test(start_paused = true)]
async fn rule_35_the_limit_is_the_frames_and_not_the_historys() {
    let lab = Lab::new();
    let builder = lab.builder().register(Scripted(lab.world.clone())).instance_limit(3_000);
    let runtime = builder.start().await.expect("it starts");
    // Two hundred calls, each with a row of its own, of which the frame keeps the last only.
    let steps: Vec<String> = (0..40).map(|_| "note:n".into()).collect();
    let saga = start(&runtime, "1", script(&steps.join(" "))).await;
    assert!(matches!(end(&saga).await, End::Completed(_)));
    let history: usize = events(&lab, &saga).await.iter().map(String::len).sum();
    assert!(history > 6_000, "{history}");
}
