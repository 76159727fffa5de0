//! Sagas that call sagas: what a child leaves behind is its parent's, too.

use crate::{
    Lab,
    branches::{NOTHING, answered, parks, soon},
    end,
    errand::{Helper, undo},
    texts, timeline,
    world::{Act, No, World, got},
};
use saga_runtime::{
    Handle, Runtime,
    prelude::*,
    runtime::Retention,
    store::{Filter, Store as _},
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// Has it done by another saga, and something else if that is refused.
struct Parent(World);

#[saga(name = "parent", version = 1)]
impl Parent {
    /// Go on.
    #[signal]
    const GO: Signal<Self, u32> = Signal::new("go");

    #[flow]
    async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        let done = match cx.child::<Helper>(whats).forever().await {
            Ok(done) => done,
            Err(Failure::Refused(_)) => {
                let what = "instead".to_owned();
                let done = self.book(cx, &what).await?;
                vec![done]
            }
            Err(other) => return Err(other.into()),
        };
        let _ = cx.wait(Self::GO).forever().await;
        Ok(done)
    }

    #[step]
    async fn book(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
        self.0.call(got(cx, what, None)).await
    }

    #[compensate(book)]
    async fn unbook(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
        undo(&self.0, cx, what, done).await
    }
}

/// Is done when another saga is, and does something else if that is refused.
struct Client(World);

#[saga(name = "client", version = 1)]
impl Client {
    #[flow]
    async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        match cx.child::<Helper>(whats).pivot().forever().await {
            Ok(done) => Ok(done),
            Err(Failure::Refused(_)) => {
                let what = "instead".to_owned();
                let done = self.book(cx, &what).await?;
                Ok(vec![done])
            }
            Err(other) => Err(other.into()),
        }
    }

    #[step]
    async fn book(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
        self.0.call(got(cx, what, None)).await
    }

    #[compensate(book)]
    async fn unbook(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
        undo(&self.0, cx, what, done).await
    }
}

/// Has that done by another saga.
struct Grandparent;

#[saga(name = "grandparent", version = 1)]
impl Grandparent {
    /// Go on.
    #[signal]
    const GO: Signal<Self, u32> = Signal::new("go");

    #[flow]
    async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        let done = cx.child::<Middle>(whats).forever().await?;
        let _ = cx.wait(Self::GO).forever().await;
        Ok(done)
    }
}

/// Has that done by another saga.
struct Middle;

#[saga(name = "middle", version = 1)]
impl Middle {
    #[flow]
    async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        let done = cx.child::<Helper>(whats).forever().await?;
        Ok(done)
    }
}

async fn runtime(lab: &Lab, keeps: Duration) -> Runtime {
    let builder = lab
        .builder()
        .register(Parent(lab.world.clone()))
        .register(Client(lab.world.clone()))
        .register(Grandparent)
        .register(Middle);
    builder.retention::<Helper>(Retention::new().completed(keeps)).start().await.expect("it starts")
}

async fn helper(lab: &Lab, runtime: &Runtime) -> Handle<Helper> {
    loop {
        let all = lab.store.list(&Filter::default(), None, 10).await.expect("the store answers");
        if let Some(child) = all.iter().find(|instance| &*instance.saga == "helper") {
            break runtime.get::<Helper>(&child.id).await.expect("the store answers").expect("it is there");
        }
        soon(5).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_childs_child_did_is_undone_however_long_ago_it_has_ended() {
    let lab = Lab::new();
    let runtime = runtime(&lab, DAY).await;
    let saga = runtime.start::<Grandparent>("1", texts(&["a", "b"])).await.expect("it is started");
    soon(5 * 24 * 3_600_000).await;
    assert_eq!(lab.world.stands(), ["a", "b"]);
    assert!(answered(saga.cancel("enough"), "cancel").await.expect("decided").granted);
    assert!(answered(end(&saga), "the end").await.cause().is_some());
    assert_eq!(lab.world.stands(), NOTHING, "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_parent_whose_child_leaves_something_behind_goes_no_other_way_and_owes_it() {
    left_behind::<Parent>().await;
}

#[tokio::test(start_paused = true)]
async fn one_whose_pivot_is_a_saga_that_leaves_something_behind_goes_no_other_way_and_owes_it() {
    left_behind::<Client>().await;
}

async fn left_behind<S: Saga<Input = Vec<String>, Output = Vec<String>, Refusal = No>>() {
    let lab = Lab::new();
    let runtime = runtime(&lab, 1000 * DAY).await;
    lab.world.plan("b", [Act::Refuse]);
    lab.world.plan("undo a", [Act::Panic]);
    let saga = runtime.start::<S>("1", texts(&["a", "b"])).await.expect("it is started");
    let park = parks(&helper(&lab, &runtime).await, 1).await;
    assert!(answered(park[0].skip("ann", "gone"), "skip").await.expect("decided").granted);
    let End::Compensated { debt, .. } = answered(end(&saga), "the end").await else {
        panic!("{}", timeline(&saga).await)
    };
    assert_eq!(debt.len(), 1, "{}", timeline(&saga).await);
    assert!(lab.world.got().iter().all(|got| got.what != "instead"), "{}", timeline(&saga).await);
}

#[tokio::test(start_paused = true)]
async fn a_parent_whose_childs_undo_is_skipped_owes_it() {
    for restarts in [false, true] {
        let lab = Lab::new();
        let mut lives = vec![runtime(&lab, 1000 * DAY).await];
        lab.world.plan("undo a", [Act::Panic]);
        let saga = lives[0].start::<Parent>("1", texts(&["a", "b"])).await.expect("it is started");
        soon(1_000).await;
        assert!(answered(saga.cancel("enough"), "cancel").await.expect("decided").granted);
        let park = parks(&helper(&lab, &lives[0]).await, 1).await;
        if restarts {
            drop(saga);
            lives.clear();
            lives.push(runtime(&lab, 1000 * DAY).await);
        }
        let park = if restarts { parks(&helper(&lab, &lives[0]).await, 1).await } else { park };
        assert!(answered(park[0].skip("ann", "gone"), "skip").await.expect("decided").granted);
        let saga = lives[0].get::<Parent>("1").await.expect("the store answers").expect("it is there");
        let End::Compensated { debt, .. } = answered(end(&saga), "the end").await else {
            panic!("{}", timeline(&saga).await)
        };
        assert_eq!(debt.len(), 1, "{}", timeline(&saga).await);
    }
}
