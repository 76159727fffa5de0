//! Time, messages and other sagas, and what is asked of an instance in the middle of them.

use crate::{
    Lab, Plan, Work, catching, cause, completed, end,
    errand::{Errand, Hasty, Helper},
    parked, plan, rows, start, texts, timeline,
    world::Act,
};
use saga_runtime::{
    End, Handle, Runtime,
    clock::Clock as _,
    runtime::ParkCause,
    store::{Filter, Message, Store as _},
};
use std::time::Duration;

const NOTHING: [&str; 0] = [];

/// Sends it the signal to go on.
async fn go(runtime: &Runtime, from: &str, to: &str, number: u32) {
    let crier = start(runtime, from, plan([Work::Send(to.into(), number)])).await;
    assert_eq!(completed(&crier).await, ["sent"]);
}

async fn soon(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// The child of an instance.
async fn child(lab: &Lab, runtime: &Runtime, of: &str) -> Handle<Helper> {
    let parent = lab.store.find("errand", of).await.expect("the store answers").expect("it is there");
    let all = lab.store.list(&Filter::default(), None, 100).await.expect("the store answers");
    let child = all.into_iter().find(|instance| instance.parent == Some(parent.no)).expect("it has a child");
    runtime.get::<Helper>(&child.id).await.expect("the store answers").expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn a_year_of_sleep_is_skipped_and_costs_no_task() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = start(&runtime, "1", plan([Work::Sleep(365 * 86_400), Work::Book("a".into())])).await;
    soon(1).await;
    assert_eq!(runtime.running(), 0, "it is a row");
    assert_eq!(completed(&saga).await, ["slept", "a!"]);
    assert!(rows(&lab, "errand", "1").await.len() < 8);
}

#[tokio::test(start_paused = true)]
async fn a_signal_counts_whether_it_comes_early_in_time_or_for_a_later_wait() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.always("a", Act::Slow(3_000));
    let works = [Work::Book("a".into()), Work::Wait(60), Work::Wait(60), Work::Wait(60), Work::Forever];
    let saga = start(&runtime, "1", plan(works)).await;
    go(&runtime, "early", "1", 1).await;
    soon(20).await;
    go(&runtime, "in time", "1", 2).await;
    soon(100).await;
    go(&runtime, "late", "1", 3).await;
    assert_eq!(completed(&saga).await, ["a!", "go 1", "go 2", "elapsed", "go 3"]);
}

#[tokio::test(start_paused = true)]
async fn waits_in_branches_take_a_signal_each() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let legs = vec![texts(&["wait 60", "a"]), texts(&["sleep 30", "b"]), texts(&["wait 60", "c"])];
    let saga = start(&runtime, "1", plan([Work::Legs(legs, 3)])).await;
    go(&runtime, "2", "1", 1).await;
    assert_eq!(completed(&saga).await, ["go 1", "a!", "sleep 30", "b!", "elapsed", "c!"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_branch_ends_the_waits_of_the_others() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("no", [Act::Refuse]);
    let legs = vec![texts(&["a", "wait 900000"]), texts(&["b", "sleep 900000"]), texts(&["sleep 5", "no"])];
    let saga = start(&runtime, "1", catching([Work::Legs(legs, 3), Work::Book("c".into())])).await;
    soon(60).await;
    assert_eq!(completed(&saga).await, ["no no", "c!"]);
    assert_eq!(lab.world.stands(), ["c"], "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_completed_is_undone_as_a_whole_when_its_parent_gives_up() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let works = [Work::Book("a".into()), Work::Child(texts(&["b", "sleep5", "c"])), Work::Book("d".into())];
    let saga = start(&runtime, "1", Plan { refuse: Some("enough".into()), ..plan(works) }).await;
    assert_eq!(cause(&saga).await, "Refused(No(\"enough\"))");
    assert_eq!(lab.world.whats(), ["a", "b", "c", "d", "undo d", "undo c", "undo b", "undo a"]);
    let child = child(&lab, &runtime, "1").await;
    assert!(matches!(child.result().await, Ok(End::Compensated { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_refused_undid_itself_and_the_flow_goes_another_way() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("c", [Act::Refuse]);
    let works = [Work::Child(texts(&["b", "c"])), Work::Book("d".into())];
    let saga = start(&runtime, "1", catching(works)).await;
    assert_eq!(completed(&saga).await, ["no c", "d!"]);
    assert_eq!(lab.world.whats(), ["b", "undo b", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_in_a_branch_is_undone_when_another_branch_is_refused() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.always("no", Act::Refuse);
    for (id, span) in [("running", "sleep 5"), ("done", "sleep 500")] {
        let legs = vec![texts(&["a", "child b sleep60 c"]), texts(&[span, "no"])];
        let saga = start(&runtime, id, catching([Work::Legs(legs, 3), Work::Book("d".into())])).await;
        assert_eq!(completed(&saga).await, ["no no", "d!"]);
        assert_eq!(lab.world.stands().pop().as_deref(), Some("d"), "{}", timeline(&saga).await);
    }
    assert_eq!(lab.world.stands(), ["d", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_of_the_parent_cancels_the_child_and_waits_for_its_undo() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    // Its undo takes its time: the parent waits without doing anything.
    lab.world.plan("undo b", [Act::NoEffect; 12]);
    let works = [Work::Book("a".into()), Work::Child(texts(&["b", "sleep60", "c"]))];
    let saga = start(&runtime, "1", plan(works)).await;
    soon(5).await;
    assert!(saga.cancel("no longer").await.expect("decided").granted);
    assert_eq!(cause(&saga).await, "Cancelled(\"no longer\")");
    assert_eq!(lab.world.whats(), ["a", "b", "undo b", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_completes_while_its_parent_is_cancelled_is_undone_all_the_same() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    // The child's last attempt runs while the cancel is decided, and its undo takes long.
    lab.world.plan("b", [Act::Slow(10_000)]);
    lab.world.plan("undo b", [Act::NoEffect; 12]);
    let legs = vec![texts(&["child b"]), texts(&["a"])];
    lab.world.plan("a", [Act::Slow(20_000)]);
    let saga = start(&runtime, "1", plan([Work::Legs(legs, 2)])).await;
    soon(5).await;
    // Decided only when `a` has ended: the child has by then.
    assert!(saga.cancel("no longer").await.expect("decided").granted);
    assert_eq!(cause(&saga).await, "Cancelled(\"no longer\")");
    assert_eq!(lab.world.stands(), NOTHING, "{}", timeline(&saga).await);
    assert!(rows(&lab, "errand", "1").await.len() < 20, "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_child_out_of_time_is_undone_and_the_flow_is_told() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let works = [Work::Brief(texts(&["b", "sleep7200", "c"]), 3_600), Work::Book("d".into())];
    let saga = start(&runtime, "1", catching(works)).await;
    assert_eq!(completed(&saga).await, ["not child saga", "d!"]);
    assert_eq!(lab.world.whats(), ["b", "undo b", "d"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_launched_goes_its_own_way_when_its_starter_gives_up() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let works = [Work::Launch(texts(&["sleep60", "b"])), Work::Book("a".into())];
    let saga = start(&runtime, "1", Plan { refuse: Some("enough".into()), ..plan(works) }).await;
    assert_eq!(cause(&saga).await, "Refused(No(\"enough\"))");
    soon(100).await;
    assert_eq!(lab.world.stands(), ["b"]);
}

async fn hasty(runtime: &Runtime, id: &str, plan: Plan) -> Handle<Hasty> {
    runtime.start(id, plan).await.expect("it is started")
}

#[tokio::test(start_paused = true)]
async fn a_deadline_undoes_what_sleeps_waits_or_runs_before_the_pivot() {
    let works = [
        Work::Sleep(7_200),
        Work::Wait(7_200),
        Work::Forever,
        Work::Child(texts(&["b", "sleep7200"])),
        Work::Legs(vec![texts(&["b", "wait 7200"]), texts(&["sleep 7200"])], 2),
    ];
    for work in works {
        let lab = Lab::new();
        let runtime = lab.runtime().await;
        let told = format!("{work:?}");
        let saga = hasty(&runtime, "1", plan([Work::Book("a".into()), work])).await;
        assert_eq!(cause(&saga).await, "Deadline", "{told}");
        assert_eq!(lab.world.stands(), NOTHING, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_middle_of_the_pivot_waits_for_its_answer() {
    for (refused, child) in [(false, false), (true, false), (false, true)] {
        let lab = Lab::new();
        let runtime = lab.runtime().await;
        // It fails until after the deadline, with waits of seconds between.
        lab.world.plan("p", [Act::NoEffect; 14]);
        if refused {
            lab.world.plan("p", [Act::Refuse]);
        }
        let (pay, deliver) = if child { (None, Some("p".into())) } else { (Some("p".into()), None) };
        let works = [Work::Book("a".into()), Work::Sleep(3_590)];
        let saga = hasty(&runtime, "1", Plan { pay, deliver, ship: texts(&["s"]), ..plan(works) }).await;
        match end(&saga).await {
            End::Completed(log) => assert_eq!((log.last().map(String::as_str), refused), (Some("s!"), false)),
            End::Compensated { .. } => assert!(refused && lab.world.stands().is_empty(), "{}", timeline(&saga).await),
        }
        assert!(rows(&lab, "hasty", "1").await.len() < 60, "it does not turn in circles");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_past_the_pivot_is_told_and_changes_nothing() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = hasty(&runtime, "1", Plan { pay: Some("p".into()), rest: 7_200, ..Plan::default() }).await;
    assert!(matches!(end(&saga).await, End::Completed(_)));
    let told = rows(&lab, "hasty", "1").await.into_iter().filter(|row| row.contains("deadline_passed")).count();
    assert_eq!(told, 1, "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_while_a_scope_is_undone_waits_for_that() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("no", [Act::Refuse]);
    lab.world.plan("undo b", [Act::NoEffect; 12]);
    let works = [Work::Book("a".into()), Work::Leg(texts(&["b", "sleep 3590", "no"])), Work::Book("c".into())];
    let saga = hasty(&runtime, "1", catching(works)).await;
    assert_eq!(cause(&saga).await, "Deadline");
    assert_eq!(lab.world.whats(), ["a", "b", "undo b", "undo a"], "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_decided_wherever_the_instance_waits() {
    let works = || {
        [
            Work::Sleep(7_200),
            Work::Wait(7_200),
            Work::Forever,
            Work::Child(texts(&["b", "sleep7200"])),
            Work::Leg(texts(&["b", "sleep 7200"])),
            Work::Legs(vec![texts(&["b", "wait 7200"]), texts(&["c", "sleep 7200"])], 2),
            Work::Way("b".into(), vec![texts(&["c", "sleep 7200"])], "d".into()),
        ]
    };
    for work in works() {
        let lab = Lab::new();
        let runtime = lab.runtime().await;
        let told = format!("{work:?}");
        let saga = start(&runtime, "1", plan([Work::Book("a".into()), work])).await;
        soon(60).await;
        assert!(saga.cancel("enough").await.expect("decided").granted, "{told}");
        assert_eq!(cause(&saga).await, "Cancelled(\"enough\")", "{told}");
        assert_eq!(lab.world.stands(), NOTHING, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn scopes_that_are_undone_at_the_same_time_need_one_leave_to_undo() {
    let lab = Lab::new();
    let runtime = lab.builder().compensation_concurrency(1).start().await.expect("it starts");
    // Somebody else is being undone, while both branches come to be undone.
    lab.world.plan("undo long", [Act::Slow(20_000)]);
    let long = start(&runtime, "long", Plan { refuse: Some("no".into()), ..plan([Work::Book("long".into())]) }).await;
    lab.world.always("a", Act::Lose);
    lab.world.always("b", Act::Lose);
    let works = [Work::Each(texts(&["a", "b"]), 2), Work::Book("c".into())];
    let saga = start(&runtime, "1", catching(works)).await;
    assert_eq!(completed(&saga).await, ["not book", "c!"], "{}", timeline(&saga).await);
    assert_eq!(cause(&long).await, "Refused(No(\"no\"))");
    assert_eq!(lab.world.stands(), ["c"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_exhausted_in_an_inner_flow_is_undone_and_the_scope_with_it() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.always("c", Act::Lose);
    let way = Work::Way("a".into(), vec![texts(&["b", "c"]), texts(&["d"])], "e".into());
    let saga = start(&runtime, "1", catching([Work::Book("first".into()), way, Work::Book("f".into())])).await;
    assert_eq!(completed(&saga).await, ["first!", "not book", "f!"]);
    assert_eq!(lab.world.stands(), ["first", "f"], "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_park_in_an_inner_flow_goes_on_after_a_retry() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("c", [Act::Panic]);
    let way = Work::Way("a".into(), vec![texts(&["b", "c"]), texts(&["d"])], "e".into());
    let saga = start(&runtime, "1", plan([way])).await;
    let park = parked::<Errand>(&saga).await;
    soon(100).await;
    park.retry("the test", "go on").await.expect("decided");
    assert_eq!(completed(&saga).await, ["a!", "b!", "c!", "d!", "e!"]);
    assert_eq!(lab.world.effects().len(), 5, "each once: {}", timeline(&saga).await);
}

/// What was answered before is no answer to what came after it.
#[tokio::test(start_paused = true)]
async fn a_signal_that_cannot_be_read_parks_its_instance_and_answers_nothing() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let works = [Work::Book("a".into()), Work::Forever, Work::Book("b".into())];
    lab.world.plan("a", [Act::Slow(1_000)]);
    let saga = start(&runtime, "1", plan(works)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let message = Message { name: "go".into(), id: "damaged".into(), body: "{".into() };
    lab.store.send("errand", "1", &message, lab.clock.now()).await.expect("the store answers");
    let park = parked(&saga).await;
    assert_eq!(park.cause(), ParkCause::Unreadable, "{}", timeline(&saga).await);
    assert_eq!(lab.world.whats(), ["a"], "{}", timeline(&saga).await);
    assert!(park.cancel("the test", "enough").await.expect("decided").granted);
    assert_eq!(cause(&saga).await, "Cancelled(\"enough\")");
    assert_eq!(lab.world.stands(), NOTHING);
}
