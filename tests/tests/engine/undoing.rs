//! Undos beside each other: one that needs a person keeps nobody, is stored at once, and is not taken for another one; and what a build
//! cannot undo waits for one that can.

use crate::{
    Lab, Work,
    branches::{NOTHING, answered, parks, soon},
    end,
    errand::{Errand, undo},
    plan, start, texts, timeline,
    world::{Act, No, World, got},
};
use saga_runtime::{
    Runtime,
    prelude::*,
    runtime::{ParkCause, Progress},
};

fn texts_to(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("a{number}")).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_keeps_nobody_from_being_undone_who_does_not_come_before_it() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let all = texts_to(40);
    for what in &all[..20] {
        lab.world.plan(&format!("undo {what}"), [Act::Panic]);
    }
    lab.world.plan("c", [Act::Refuse]);
    let saga = start(&runtime, "1", plan([Work::Each(all.clone(), 40), Work::Book("c".into())])).await;
    let left = parks(&saga, 20).await;
    soon(1_000).await;
    // It was undone, but for what nobody knows before he has looked.
    let called = |what: &str| lab.world.got().iter().filter(|got| got.what == what).count();
    assert!(all.iter().all(|what| called(&format!("undo {what}")) == 1), "{}", timeline(&saga).await);
    for park in left {
        assert!(answered(park.retry("ann", "again"), "retry").await.expect("decided").granted);
    }
    assert!(answered(end(&saga), "the end").await.cause().is_some());
    assert_eq!(lab.world.stands(), NOTHING, "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_parks_is_stored_at_once_and_a_crash_does_not_forget_it() {
    let lab = Lab::new();
    let first = lab.runtime().await;
    lab.world.plan("c", [Act::Refuse]);
    lab.world.plan("undo a", [Act::Panic]);
    lab.world.plan("undo b", [Act::Slow(20_000)]);
    let works = [Work::Each(texts(&["a", "b"]), 2), Work::Book("c".into())];
    let saga = start(&first, "1", plan(works)).await;
    soon(10).await;
    assert_eq!(saga.parks().await.expect("the store answers").len(), 1, "{}", timeline(&saga).await);
    drop((saga, first));
    let second = lab.runtime().await;
    let saga = second.get::<Errand>("1").await.expect("the store answers").expect("it is there");
    soon(60_000).await;
    let called = lab.world.got().iter().filter(|got| got.what == "undo a").count();
    assert_eq!(called, 1, "{}", timeline(&saga).await);
    let park = parks(&saga, 1).await;
    assert!(answered(park[0].retry("ann", "again"), "retry").await.expect("decided").granted);
    assert!(answered(end(&saga), "the end").await.cause().is_some());
    assert_eq!(lab.world.stands(), NOTHING, "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_person_is_in_the_list_while_the_others_go_on() {
    let lab = Lab::new();
    let mut runtime = lab.runtime().await;
    lab.world.plan("undo a", [Act::Panic]);
    lab.world.plan("undo b", [Act::NoEffect; 40]);
    lab.world.plan("undo d", [Act::Panic]);
    lab.world.plan("c", [Act::Refuse]);
    let works = [Work::Each(texts(&["a", "b", "d"]), 3), Work::Book("c".into())];
    start(&runtime, "1", plan(works)).await;
    let mut seen = Vec::new();
    for look in 0..400 {
        if look == 200 {
            // Another worker knows it from the journal alone.
            drop(runtime);
            runtime = lab.runtime().await;
        }
        soon(500).await;
        let listed = runtime.parked().await.expect("the store answers");
        assert_eq!(listed.len(), 1, "look {look}");
        let why = listed[0].error.as_deref().unwrap_or_default();
        assert!(why.contains("told to panic"), "look {look}: {why:?}");
        if !seen.contains(&listed[0].progress) {
            seen.push(listed[0].progress);
        }
    }
    assert!(seen.contains(&Progress::Running) && seen.contains(&Progress::Sleeping), "{seen:?}");
    let saga = runtime.get::<Errand>("1").await.expect("the store answers").expect("it is there");
    let both = parks(&saga, 2).await;
    for (left, park) in [1, 0].into_iter().zip(both) {
        assert!(answered(park.retry("ann", "again"), "retry").await.expect("decided").granted);
        // At once, and for as long as the others go on.
        for wait in [1, 100, 1_000, 60_000] {
            soon(wait).await;
            let listed = runtime.parked().await.expect("the store answers").len();
            assert_eq!(listed, left, "after {wait} ms: {}", timeline(&saga).await);
        }
    }
    assert!(answered(end(&saga), "the end").await.cause().is_some());
    assert_eq!(lab.world.stands(), NOTHING, "{}", timeline(&saga).await);
}

/// Two things at the same time, and a third one.
struct Third(World);

#[saga(name = "third", version = 1)]
impl Third {
    #[flow]
    async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        let both = cx.join_all(&whats, 2, |what| self.book(cx, what)).await?;
        let last = "c".to_owned();
        #[state("third")]
        let last = self.book(cx, &last).await?;
        drop(last);
        Ok(both)
    }

    #[step]
    async fn book(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
        self.0.call(got(cx, what, None)).await
    }

    #[compensate(book, retry(attempts = 4))]
    async fn unbook(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
        undo(&self.0, cx, what, done).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_what_ended_its_process_is_one_of_all_that_ran_beside_it() {
    let lab = Lab::new();
    lab.world.plan("c", [Act::Refuse]);
    for what in ["undo a", "undo b"] {
        lab.world.plan(what, [Act::Hang; 4]);
    }
    let life = async || lab.builder().register(Third(lab.world.clone())).start().await.expect("it starts");
    let mut lives = vec![life().await];
    lives[0].start::<Third>("1", texts(&["a", "b"])).await.expect("it is started");
    for times in 1..=4 {
        let called = |what: &str| lab.world.got().iter().filter(|got| got.what == what).count();
        while called("undo a") < times || called("undo b") < times {
            soon(1).await;
        }
        lives.clear();
        lives.push(life().await);
    }
    let saga = lives[0].get::<Third>("1").await.expect("the store answers").expect("it is there");
    let park = parks(&saga, 1).await;
    assert_eq!(park[0].cause(), ParkCause::CrashLoop, "{}", timeline(&saga).await);
    assert!(answered(park[0].retry("ann", "again"), "retry").await.expect("decided").granted);
    assert!(answered(end(&saga), "the end").await.cause().is_some());
    assert_eq!(lab.world.stands(), NOTHING, "{}", timeline(&saga).await);
}

macro_rules! long {
    ($(#[$about:meta])* $name:ident, step($($step:tt)*); $($undo:tt)*) => {
        $(#[$about])*
        struct $name(World);

        #[saga(name = "long", version = 1)]
        impl $name {
            /// Go on.
            #[signal]
            const GO: Signal<Self, u32> = Signal::new("go");

            #[flow]
            async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
                for what in &whats {
                    let _ = self.book(cx, what).await?;
                }
                let _ = cx.wait(Self::GO).forever().await;
                Ok(Vec::new())
            }

            #[step($($step)*)]
            async fn book(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
                self.0.call(got(cx, what, None)).await
            }

            $($undo)*
        }
    };
}
long! {
    /// Many things, and a wait: the oldest of three builds.
    Long, step();
    #[compensate(book)]
    async fn unbook(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
        undo(&self.0, cx, what, done).await
    }
}

long! {
    /// The same, of which it is undone in another way.
    Renamed, step();
    #[compensate(book)]
    async fn give_back(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
        undo(&self.0, cx, what, done).await
    }
}

long! {
    /// The same, of which nothing is undone.
    Longer, step(no_compensation = "it harms nobody");
}

#[tokio::test(start_paused = true)]
async fn what_this_build_cannot_undo_waits_for_one_that_can_however_long_ago_it_was() {
    given_back(Longer).await;
    given_back(Renamed).await;
}

async fn given_back<S>(other: fn(World) -> S)
where
    S: Saga<Input = Vec<String>, Output = Vec<String>, Refusal = No>,
{
    let lab = Lab::new();
    let old = || lab.builder().register(Long(lab.world.clone()));
    let first = old().start().await.expect("it starts");
    // Row 1,000 is a snapshot of all of them, and the wait is the row after it: nothing is left to be seen of what is to be undone.
    let whats = texts_to(499);
    let saga = first.start::<Long>("1", whats.clone()).await.expect("it is started");
    while saga.status().await.expect("the store answers").progress != Progress::Waiting {
        soon(10).await;
    }
    assert_eq!(lab.world.stands().len(), whats.len());
    drop((saga, first));
    let second: Runtime = lab.builder().register(other(lab.world.clone())).start().await.expect("it starts");
    let saga = second.get::<S>("1").await.expect("the store answers").expect("it is there");
    assert!(answered(saga.cancel("enough"), "cancel").await.expect("decided").granted);
    while saga.status().await.expect("the store answers").progress != Progress::WaitsForBuild {
        assert!(saga.parks().await.expect("the store answers").is_empty(), "{}", timeline(&saga).await);
        soon(10).await;
    }
    assert_eq!(lab.world.stands().len(), whats.len(), "it was undone by somebody else's means");
    drop((saga, second));
    let third = old().start().await.expect("it starts");
    let saga = third.get::<Long>("1").await.expect("the store answers").expect("it is there");
    assert!(answered(end(&saga), "the end").await.cause().is_some());
    assert_eq!(lab.world.stands(), NOTHING);
    let counts = timeline(&saga).await.contains("recover");
    assert!(!counts, "no attempt was under way when it was given back");
}
