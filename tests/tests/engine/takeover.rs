//! Another worker takes an instance over at the very moment at which its time is over, or at which somebody cancels it: it is
//! decided once, by the one whose rows count; and a store that takes its time changes nothing.

use crate::{
    Lab, Plan, Work, cause, completed, end,
    errand::{Errand, Hasty},
    plan, rows, start, texts, timeline,
    world::Act,
};
use saga_runtime::{
    End, Handle, Runtime,
    runtime::Point,
    store::memory::Memory,
    testing::{Faulty, Lost},
};
use std::{
    ops::ControlFlow,
    sync::{Arc, Once},
    time::Duration,
};

const NOTHING: [&str; 0] = [];
const HOUR: u64 = 3_600_000;

async fn until(started: tokio::time::Instant, millis: u64) {
    tokio::time::sleep_until(started + Duration::from_millis(millis)).await;
}

/// What is under way when the hour is over: a step, a branch, a sleep, a wait, a child.
fn works() -> [Work; 5] {
    [
        Work::Book("b".into()),
        Work::Legs(vec![texts(&["b", "wait 7200"]), texts(&["c", "sleep 7200"])], 2),
        Work::Sleep(7_200),
        Work::Forever,
        Work::Child(texts(&["b", "sleep7200"])),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_decided_once_whoever_owns_the_instance_when_it_passes() {
    for work in works() {
        // The takeover comes a little before the deadline, at it, and a little after it.
        for millis in (HOUR - 300..=HOUR + 300).step_by(50) {
            let told = format!("{work:?}, taken over {millis} ms after the start");
            let lab = Lab::new();
            // The attempt that is under way then is never answered, the next one is.
            lab.world.plan("b", [Act::Hang]);
            let works = [Work::Book("a".into()), Work::Sleep(3_590), work.clone(), Work::Forever];
            let first = lab.runtime().await;
            let started = tokio::time::Instant::now();
            let saga: Handle<Hasty> = first.start("1", plan(works)).await.expect("it is started");
            until(started, millis).await;
            // Nobody stops the first one, which does not know yet that it owns nothing any more.
            let second = lab.runtime().await;
            let saga = second.get::<Hasty>(saga.id()).await.expect("the store answers").expect("it is there");
            assert_eq!(cause(&saga).await, "Deadline", "{told}");
            assert_eq!(lab.world.stands(), NOTHING, "{told}\n{}", timeline(&saga).await);
            let decided =
                rows(&lab, "hasty", "1").await.iter().filter(|row| row.starts_with(r#"{"unwinding""#)).count();
            assert_eq!(decided, 1, "{told}\n{}", timeline(&saga).await);
            drop(first);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_while_the_pivot_is_taken_over_waits_for_its_answer() {
    for refused in [false, true] {
        for millis in (HOUR - 300..=HOUR + 300).step_by(50) {
            let told = format!("refused: {refused}, taken over {millis} ms after the start");
            let lab = Lab::new();
            // It has happened, or has been refused, and the answer does not come in time.
            let lost = if refused { Act::Late(40_000) } else { Act::Hang };
            lab.world.plan("p", [lost, Act::Slow(500)]);
            let works = [Work::Book("a".into()), Work::Sleep(3_599)];
            let given = Plan { pay: Some("p".into()), ship: texts(&["s"]), ..plan(works) };
            let first = lab.runtime().await;
            let started = tokio::time::Instant::now();
            let saga: Handle<Hasty> = first.start("1", given).await.expect("it is started");
            until(started, millis).await;
            let second = lab.runtime().await;
            let saga = second.get::<Hasty>(saga.id()).await.expect("the store answers").expect("it is there");
            match end(&saga).await {
                // The pivot's own answer counts, and not what the clock says.
                End::Completed(_) => assert_eq!(lab.world.stands(), ["a", "p", "s"], "{told}"),
                End::Compensated { .. } => {
                    assert_eq!(lab.world.stands(), NOTHING, "{told}\n{}", timeline(&saga).await);
                }
            }
            drop(first);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_decided_once_whoever_owns_the_instance() {
    for work in works() {
        for millis in (700..=1_300).step_by(50) {
            let told = format!("{work:?}, taken over {millis} ms after the start");
            let lab = Lab::new();
            lab.world.plan("b", [Act::Hang]);
            let mut owner = lab.runtime().await;
            let started = tokio::time::Instant::now();
            let saga = start(&owner, "1", plan([Work::Book("a".into()), work.clone(), Work::Forever])).await;
            if millis < 1_000 {
                until(started, millis).await;
                owner = lab.runtime().await;
            }
            let saga = owner.get::<Errand>(saga.id()).await.expect("the store answers").expect("it is there");
            let asked = async {
                until(started, 1_000).await;
                saga.cancel("enough").await
            };
            let taken = async {
                if millis >= 1_000 {
                    until(started, millis).await;
                    return Some(lab.runtime().await);
                }
                None
            };
            let both = async { tokio::join!(asked, taken) };
            let Ok((decision, taken)) = tokio::time::timeout(Duration::from_hours(1), both).await else {
                panic!("{told}: nobody decides\n{}", timeline(&saga).await);
            };
            // Whoever asked the one that lost its instances is told that, or the decision of the other.
            match decision {
                Ok(decision) => assert!(decision.granted, "{told}"),
                Err(error) => assert!(error.is_fenced() || error.is_stopped(), "{told}: {error}"),
            }
            let second = taken.as_ref().unwrap_or(&owner);
            let saga = second.get::<Errand>("1").await.expect("the store answers").expect("it is there");
            assert_eq!(cause(&saga).await, "Cancelled(\"enough\")", "{told}");
            assert_eq!(lab.world.stands(), NOTHING, "{told}\n{}", timeline(&saga).await);
        }
    }
}

/// A runtime on a store that takes up to this long to act, and as long to answer.
async fn slow(lab: &Lab, millis: u64, seed: u64) -> Runtime {
    let store: Arc<Memory> = Arc::clone(&lab.store);
    let faulty = Faulty::new(store);
    faulty.lag(Duration::from_millis(millis), seed);
    lab.builder().shared_store(Arc::new(faulty)).start().await.expect("it starts")
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_while_its_parent_looks_away_is_noticed() {
    // Found by killing processes: the parent took the message that the child had ended after it had looked at the child, or
    // went to rest just after the message had come. Further cancels make it look at many moments.
    for seed in 0..400 {
        let lab = Lab::new();
        let millis = 1 + seed % 40;
        let runtime = slow(&lab, millis, seed).await;
        let works = [Work::Book("a".into()), Work::Child(texts(&["b", "c"])), Work::Forever];
        let saga = start(&runtime, "1", plan(works)).await;
        tokio::time::sleep(Duration::from_millis(30 * millis)).await;
        let cancels = (1..=12).map(|at| {
            let (saga, after) = (saga.clone(), Duration::from_millis(at * (1 + seed % 7) * millis / 2));
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let _ = saga.cancel("enough").await;
            })
        });
        let cancels: Vec<_> = cancels.collect();
        let ended = tokio::time::timeout(Duration::from_hours(1), saga.result()).await;
        assert!(ended.is_ok(), "seed {seed}: it does not end\n{}", timeline(&saga).await);
        assert_eq!(lab.world.stands(), NOTHING, "seed {seed}\n{}", timeline(&saga).await);
        for cancel in cancels {
            cancel.await.expect("nobody panics");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_before_its_parent_hears_that_it_was_started_is_noticed() {
    // Found by simulation: the end was read, and its answer was on its way to the store, when the parent heard of the start, read the
    // journal without it, and went to rest for good: the message had been taken.
    for seed in 0..500 {
        let mut lab = Lab::new();
        lab.store = Arc::new(Memory::with_lease(Duration::from_secs(15)));
        let line = Faulty::new(Arc::new(lab.store.another()));
        line.lag(Duration::from_millis(300), seed);
        let slow = lab.builder().shared_store(Arc::new(line)).start().await.expect("it starts");
        let _fast = lab.builder().shared_store(Arc::new(lab.store.another())).seed(2).start().await.expect("it starts");
        let saga = start(&slow, "1", plan([Work::Child(texts(&["b"])), Work::Book("c".into())])).await;
        let ended = tokio::time::timeout(Duration::from_hours(1), saga.result()).await;
        assert!(ended.is_ok(), "seed {seed}: it does not end\n{}", timeline(&saga).await);
        assert_eq!(lab.world.stands(), ["b", "c"], "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_written_once_more_puts_nothing_back_that_went_on_meanwhile() {
    // Found by simulation: the release was written, its answer was lost, and it was on its way once more while another worker took the
    // instance, went on with it and died. Then the first one took it again, and was overtaken by its own release.
    let mut lab = Lab::new();
    lab.store = Arc::new(Memory::with_lease(Duration::from_secs(15)));
    let line = Arc::new(Faulty::new(Arc::new(lab.store.another())));
    let (loses, once) = (Arc::clone(&line), Once::new());
    let observer = Arc::new(move |point: Point<'_>| {
        if let Point::BeforeCommit { instance: "1", events: [] } = point {
            once.call_once(|| {
                loses.lose(loses.commits() + 1, Lost::Answer);
                loses.late(loses.commits() + 2, Duration::from_mins(1));
            });
        }
        ControlFlow::Continue(())
    });
    // The other one is quicker.
    line.lag(Duration::from_millis(20), 1);
    lab.world.plan("a", [Act::Hang]);
    let first = lab.builder().observer(observer).shared_store(Arc::clone(&line) as _).start().await.expect("it starts");
    let saga = start(&first, "1", plan([Work::Forever, Work::Book("a".into())])).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = lab.builder().shared_store(Arc::new(lab.store.another())).seed(2).start().await.expect("it starts");
    second.signal::<Errand, _>("1", Errand::GO, 7).await.expect("it is sent");
    while lab.world.got().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(second);
    let ended = tokio::time::timeout(Duration::from_hours(1), saga.result()).await;
    assert!(ended.is_ok(), "it does not end\n{}", timeline(&saga).await);
    assert_eq!(completed(&saga).await, ["go 7", "a!"]);
}
