//! What happens in a branch while something else happens beside it: nothing is lost, taken, begun or refused that should not be.

use crate::{
    Lab, Work, catching, completed,
    debt::Fallback,
    end,
    errand::{Errand, undo},
    plan, rows, start, texts, timeline,
    world::{Act, No, World, got},
};
use saga_runtime::{
    Handle, Runtime, Settled,
    prelude::*,
    runtime::{Park, ParkCause},
    store::{Filter, Store, memory::Memory},
    testing::Faulty,
};
use std::{sync::Arc, time::Duration};

pub(crate) const NOTHING: [&str; 0] = [];

pub(crate) async fn soon(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

async fn got_one<S: Saga>(runtime: &Runtime) -> Handle<S> {
    runtime.get::<S>("1").await.expect("the store answers").expect("it is there")
}

/// Everything that is parked of it, once there are so many.
pub(crate) async fn parks<S: Saga>(saga: &Handle<S>, count: usize) -> Vec<Park<S>> {
    for _ in 0..100_000 {
        let parks = saga.parks().await.expect("the store answers");
        if parks.len() == count {
            return parks;
        }
        soon(5).await;
    }
    panic!("there are not {count} parks\n{}", timeline(saga).await)
}

/// What is answered at all is answered within a day.
pub(crate) async fn answered<T>(asked: impl Future<Output = T>, told: &str) -> T {
    let Ok(answer) = tokio::time::timeout(Duration::from_hours(24), asked).await else { panic!("{told}: no answer") };
    answer
}

#[tokio::test(start_paused = true)]
async fn what_runs_beside_a_child_is_attempted_once_whenever_the_child_ends() {
    for seed in 0..400 {
        let mut lab = Lab::new();
        lab.store = Arc::new(Memory::with_lease(Duration::from_secs(15)));
        let line = Faulty::new(Arc::new(lab.store.another()));
        line.lag(Duration::from_millis(300), seed);
        lab.world.always("x", Act::Slow(5_000));
        let slow = lab.builder().shared_store(Arc::new(line)).start().await.expect("it starts");
        let _fast = lab.builder().shared_store(Arc::new(lab.store.another())).seed(2).start().await.expect("it starts");
        let both = Work::Both("x".into(), "y".into(), texts(&["child b"]));
        let saga = start(&slow, "1", plan([both])).await;
        completed(&saga).await;
        let calls = lab.world.got().iter().filter(|got| got.what == "x").count();
        assert_eq!(calls, 1, "seed {seed}\n{}", timeline(&saga).await);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_beside_a_child_is_undone_whenever_somebody_cancels() {
    for seed in 0..200 {
        let mut lab = Lab::new();
        lab.store = Arc::new(Memory::with_lease(Duration::from_secs(15)));
        let line = Faulty::new(Arc::new(lab.store.another()));
        line.lag(Duration::from_millis(300), seed);
        lab.world.always("x", Act::Slow(1_000));
        let slow = lab.builder().shared_store(Arc::new(line)).start().await.expect("it starts");
        let _fast = lab.builder().shared_store(Arc::new(lab.store.another())).seed(2).start().await.expect("it starts");
        let both = Work::Both("x".into(), "y".into(), texts(&["child b"]));
        let saga = start(&slow, "1", plan([both, Work::Forever])).await;
        soon(20 * (seed % 100)).await;
        assert!(answered(saga.cancel("enough"), "cancel").await.expect("decided").granted);
        assert!(end(&saga).await.cause().is_some());
        assert_eq!(lab.world.stands(), NOTHING, "seed {seed}\n{}", timeline(&saga).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_branch_whose_join_has_failed_takes_no_signal_from_a_later_wait() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Refuse]);
    lab.world.always("b", Act::Slow(5_000));
    let both = Work::Both("a".into(), "b".into(), texts(&["wait 100"]));
    let saga = start(&runtime, "1", catching([both, Work::Forever])).await;
    soon(1_000).await;
    runtime.signal::<Errand, _>("1", Errand::GO, 7).await.expect("it is sent");
    assert_eq!(completed(&saga).await, ["no a", "go 7"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_for_a_branch_while_its_join_fails_is_for_a_later_wait() {
    for seed in 0..300 {
        let lab = Lab::new();
        let line = Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>);
        line.lag(Duration::from_millis(300), seed);
        let runtime = lab.builder().shared_store(Arc::new(line)).start().await.expect("it starts");
        // A signal that comes in that moment, or the end of a wait: the refusal is told while messages are being read.
        let (late, wait) = if seed % 2 == 0 { (1_000, "wait 100") } else { (900 + seed, "wait 1") };
        lab.world.plan("a", [Act::Late(late)]);
        let both = Work::Both("a".into(), "b".into(), texts(&[wait]));
        let saga = start(&runtime, "1", catching([both, Work::Forever])).await;
        soon(700 + seed).await;
        runtime.signal::<Errand, _>("1", Errand::GO, 7).await.expect("it is sent");
        soon(60_000).await;
        // Whoever had it in time, had it: then this one is for the later wait.
        let last = runtime.signal::<Errand, _>("1", Errand::GO, 8).await;
        let settled = answered(saga.settled(), "settled").await.expect("the store answers");
        let Settled::Ended(End::Completed(done)) = settled else {
            panic!("seed {seed}: {settled:?}\n{}", timeline(&saga).await)
        };
        let rows = rows(&lab, "errand", "1").await;
        let place = |what: &str| rows.iter().position(|row| row.starts_with(r#"{"in""#) && row.contains(what));
        let in_time = place("received").is_some_and(|taken| Some(taken) < place("refused"));
        let told = if in_time { "go 8" } else { "go 7" };
        assert_eq!(done, ["no a", told], "seed {seed}, {last:?}\n{}", timeline(&saga).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_branch_does_not_begin_once_a_refusal_is_recorded() {
    for seed in 0..300 {
        let lab = Lab::new();
        let line = Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>);
        line.lag(Duration::from_millis(40), seed);
        lab.world.plan("b", [Act::Late(seed % 100)]);
        let runtime = lab.builder().shared_store(Arc::new(line)).start().await.expect("it starts");
        let saga = start(&runtime, "1", plan([Work::Each(texts(&["a", "b", "c"]), 2)])).await;
        assert!(end(&saga).await.cause().is_some());
        // It answers at once: called before the refusal, it has its answer before that.
        let rows = rows(&lab, "errand", "1").await;
        let place = |branch: &str, what: &str| {
            rows.iter().position(|row| row.contains(&format!(r#".{branch}","event":{{"answered":{{"{what}"#)))
        };
        let (refused, after) = (place("1", "refused").expect("it is refused"), place("2", "done"));
        let called = lab.world.whats().contains(&"c".into());
        assert!(!called || after.is_some_and(|after| after < refused), "seed {seed}\n{}", timeline(&saga).await);
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_is_skipped_while_another_branch_is_being_undone() {
    let lab = Lab::new();
    let runtime = lab.builder().register(Fallback(lab.world.clone())).start().await.expect("it starts");
    for (refused, parks) in [("a 3", "undo a 1"), ("b 3", "undo b 2")] {
        lab.world.plan(refused, [Act::Refuse]);
        lab.world.plan(parks, [Act::Panic]);
    }
    let saga = runtime.start::<Fallback>("1", texts(&["a", "b"])).await.expect("it is started");
    let both = parks(&saga, 2).await;
    let (a, b): (Vec<_>, Vec<_>) = both.into_iter().partition(|park| park.error().contains("undo a 1"));
    assert!(answered(a[0].skip("ann", "gone"), "skip").await.expect("decided").granted);
    assert!(answered(b[0].retry("ann", "again"), "retry").await.expect("decided").granted);
    let End::Compensated { debt, .. } = end(&saga).await else { panic!("{}", timeline(&saga).await) };
    assert_eq!(debt.len(), 1);
    assert!(lab.world.got().iter().all(|got| !got.what.contains("instead")), "{}", timeline(&saga).await);
}

/// Two things at the same time, each as often as it takes.
struct Twins(World);

#[saga(name = "twins", version = 1)]
impl Twins {
    #[flow]
    async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        let both = cx.join_all(&whats, 2, |what| self.book(cx, what)).await?;
        Ok(both)
    }

    #[step(retry(attempts = 5))]
    async fn book(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
        self.0.call(got(cx, what, None)).await
    }

    #[compensate(book)]
    async fn unbook(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
        undo(&self.0, cx, what, done).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_in_one_that_is_parked_waits_for_that_and_everything_goes_on() {
    let lab = Lab::new();
    lab.world.plan("a", [Act::Panic]);
    lab.world.plan("b", [Act::Hang; 5]);
    let life = async || lab.builder().register(Twins(lab.world.clone())).start().await.expect("it starts");
    let first = life().await;
    first.start::<Twins>("1", texts(&["a", "b"])).await.expect("it is started");
    let called = || lab.world.got().iter().filter(|got| got.what == "b").count();
    let mut lives = vec![first];
    // After the first one is out of time, the next one dies with its worker, again and again: that was its last attempt, until somebody
    // asks for another.
    for times in 2..=5 {
        while called() < times {
            soon(1).await;
        }
        lives.clear();
        lives.push(life().await);
    }
    let saga = got_one::<Twins>(&lives[0]).await;
    let all = parks(&saga, 2).await;
    let (root, a): (Vec<_>, Vec<_>) = all.into_iter().partition(|park| park.cause() == ParkCause::CrashLoop);
    let early = answered(a[0].resolve("ann", "it was done", r#""a!""#), "resolve").await.expect("decided");
    assert!(!early.granted, "{early}");
    assert!(answered(root[0].retry("ann", "again"), "retry").await.expect("decided").granted);
    let a = parks(&saga, 1).await;
    assert!(answered(a[0].resolve("ann", "it was done", r#""a!""#), "resolve").await.expect("decided").granted);
    let End::Completed(both) = end(&saga).await else { panic!("{}", timeline(&saga).await) };
    assert_eq!(both, ["a!", "b!"]);
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_parks_is_stored_at_once_however_long_another_one_takes() {
    let lab = Lab::new();
    let runtime = lab.builder().register(Twins(lab.world.clone())).start().await.expect("it starts");
    lab.world.plan("a", [Act::Panic]);
    lab.world.plan("b", [Act::Slow(20_000)]);
    let saga = runtime.start::<Twins>("1", texts(&["a", "b"])).await.expect("it is started");
    soon(10).await;
    let parks = saga.parks().await.expect("the store answers");
    assert_eq!(parks.len(), 1, "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_leave_to_begin_does_not_count_as_an_attempt() {
    for seed in 0..300 {
        let mut lab = Lab::new();
        lab.store = Arc::new(Memory::with_lease(Duration::from_secs(15)));
        let line = Faulty::new(Arc::new(lab.store.another()));
        // Again and again nobody knows whether this worker is taken for dead.
        line.lag(Duration::from_secs(9), seed);
        let slow = lab.builder().shared_store(Arc::new(line)).start().await.expect("it starts");
        lab.world.plan("a", [Act::Panic; 3]);
        lab.world.always("b", Act::NoEffect);
        let saga = start(&slow, "1", plan([Work::Each(texts(&["a", "b"]), 2)])).await;
        for _ in 0..3 {
            soon(1_000 * (seed % 20)).await;
            let parks = saga.parks().await.expect("the store answers");
            if let Some(park) = parks.first() {
                answered(park.retry("ann", "again"), "retry").await.expect("decided");
            }
        }
        assert!(end(&saga).await.cause().is_some());
        let calls = lab.world.got().iter().filter(|got| got.what == "b").count();
        assert_eq!(calls, 3, "seed {seed}\n{}", timeline(&saga).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_had_to_wait_is_decided_before_a_branch_goes_another_way() {
    for late in [false, true] {
        let lab = Lab::new();
        let runtime = lab.builder().register(Fallback(lab.world.clone())).start().await.expect("it starts");
        lab.world.plan("a 3", [Act::Refuse]);
        lab.world.plan("undo a 1", [Act::NoEffect]);
        lab.world.always("a instead", Act::Slow(60_000));
        let starting = runtime.start::<Fallback>("1", texts(&["a"]));
        let starting = if late { starting.deadline(Duration::from_millis(10)) } else { starting };
        let saga = starting.await.expect("it is started");
        if !late {
            soon(10).await;
            assert!(answered(saga.cancel("enough"), "cancel").await.expect("decided").granted);
        }
        assert!(end(&saga).await.cause().is_some());
        assert!(lab.world.got().iter().all(|got| got.what != "a instead"), "late: {late}\n{}", timeline(&saga).await);
        assert_eq!(lab.world.stands(), NOTHING);
    }
}

/// Tries several things, and waits if they are refused.
struct Stubborn(World);

#[saga(name = "stubborn", version = 1)]
impl Stubborn {
    #[signal]
    const GO: Signal<Self, u32> = Signal::new("go");

    #[flow]
    async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        if let Ok(done) = self.all(cx, &whats).await {
            return Ok(done);
        }
        let last = "another way".to_owned();
        let done = self.book(cx, &last).await?;
        let _ = cx.wait(Self::GO).forever().await;
        Ok(vec![done])
    }

    #[flow(inner)]
    async fn all(&self, cx: &FlowContext, whats: &[String]) -> Result<Vec<String>, Unwind<No>> {
        let mut done = Vec::new();
        for what in whats {
            #[state("one")]
            let one = self.book(cx, what).await?;
            done.push(one);
        }
        Ok(done)
    }

    #[step(retry(initial = "100ms", max = "400ms", attempts = 3))]
    async fn book(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
        self.0.call(got(cx, what, None)).await
    }

    #[compensate(book, retry(initial = "100ms", max = "10m"))]
    async fn unbook(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
        undo(&self.0, cx, what, done).await
    }
}

/// Has that done by another saga.
struct Boss;

#[saga(name = "boss", version = 1)]
impl Boss {
    #[flow]
    async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        let done = cx.child::<Stubborn>(whats).forever().await?;
        Ok(done)
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_unwind_waits_for_an_undo_beside_it_or_is_refused() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Panic]);
    lab.world.plan("b", [Act::Lose; 3]);
    lab.world.plan("undo b", [Act::Panic]);
    let saga = start(&runtime, "1", plan([Work::Each(texts(&["a", "b"]), 2)])).await;
    let both = parks(&saga, 2).await;
    let (a, b): (Vec<_>, Vec<_>) = both.into_iter().partition(|park| park.error().contains(" a was told"));
    for asked in [a[0].did_not_happen("ann", "I looked").await, saga.cancel("enough").await] {
        let decision = asked.expect("decided");
        assert!(
            !decision.granted && decision.to_string().contains("settle the parked compensation first"),
            "{decision}"
        );
    }
    assert!(answered(b[0].retry("ann", "again"), "retry").await.expect("decided").granted);
    assert!(answered(end(&saga), "the end").await.cause().is_some());
    assert_eq!(lab.world.stands(), NOTHING, "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_kills_its_process_is_parked_and_what_is_parked_beside_it_stays_as_it_is() {
    let lab = Lab::new();
    lab.world.plan("c", [Act::Refuse]);
    lab.world.plan("undo a", [Act::Panic]);
    lab.world.plan("undo b", [Act::Hang; 5]);
    let works = [Work::Each(texts(&["a", "b"]), 2), Work::Book("c".into())];
    let first = lab.runtime().await;
    start(&first, "1", plan(works)).await;
    let mut lives = vec![first];
    let called = |what: &str| lab.world.got().iter().filter(|got| got.what == what).count();
    // When the first one is out of time, it is stored that the other is parked.
    for times in 2..=5 {
        while called("undo b") < times {
            soon(1).await;
        }
        lives.clear();
        lives.push(lab.runtime().await);
    }
    let saga = got_one::<Errand>(&lives[0]).await;
    let both = parks(&saga, 2).await;
    let (b, a): (Vec<_>, Vec<_>) = both.into_iter().partition(|park| park.cause() == ParkCause::CrashLoop);
    assert_eq!((b.len(), a[0].cause()), (1, ParkCause::Panicked), "{}", timeline(&saga).await);
    assert!(answered(b[0].retry("ann", "again"), "retry").await.expect("decided").granted);
    let left = parks(&saga, 1).await;
    assert_eq!((left[0].cause(), called("undo a")), (ParkCause::Panicked, 1), "{}", timeline(&saga).await);
    assert!(answered(left[0].retry("ann", "again"), "retry").await.expect("decided").granted);
    assert!(answered(end(&saga), "the end").await.cause().is_some());
    assert_eq!(lab.world.stands(), NOTHING, "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_undo_is_parked_is_undone_for_its_parent_and_goes_no_other_way() {
    for by_hand in [false, true] {
        a_child_is_undone(by_hand).await;
    }
}

async fn a_child_is_undone(by_hand: bool) {
    let lab = Lab::new();
    let builder = lab.builder().register(Stubborn(lab.world.clone())).register(Boss);
    let runtime = builder.start().await.expect("it starts");
    lab.world.plan("b", [Act::Refuse]);
    lab.world.plan("undo a", [Act::Panic]);
    let boss = runtime.start::<Boss>("1", texts(&["a", "b"])).await.expect("it is started");
    let child = loop {
        let all = lab.store.list(&Filter::default(), None, 10).await.expect("the store answers");
        match all.iter().find(|instance| &*instance.saga == "stubborn") {
            Some(child) => {
                let found = runtime.get::<Stubborn>(&child.id).await.expect("the store answers");
                break found.expect("it is there");
            }
            None => soon(5).await,
        }
    };
    let park = parks(&child, 1).await;
    assert!(answered(boss.cancel("enough"), "cancel").await.expect("decided").granted);
    soon(10_000).await;
    let decided = if by_hand { park[0].resolved("ann", "by hand").await } else { park[0].retry("ann", "again").await };
    assert!(decided.expect("decided").granted);
    assert!(answered(end(&boss), "the parent").await.cause().is_some());
    assert!(answered(end(&child), "the child").await.cause().is_some());
    // By hand it was undone elsewhere, and the participant does not know.
    assert!(lab.world.stands().iter().all(|what| by_hand && what == "a"), "{:?}", lab.world.stands());
    assert!(lab.world.got().iter().all(|got| got.what != "another way"), "{}", timeline(&child).await);
}
