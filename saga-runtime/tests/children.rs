//! A saga in a saga, on the engine: awaited, undone as a whole, cancelled with its parent.

use saga_runtime::{prelude::*, store::memory::Memory};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Refusal)]
enum No {
    Full,
}

/// What happened, in order.
#[derive(Debug, Clone, Default)]
struct World(Arc<Mutex<Vec<String>>>);

impl World {
    fn say(&self, what: impl Into<String>) {
        self.0.lock().expect("nobody panics with it").push(what.into());
    }

    fn said(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

/// Books a table and a chair.
struct Table(World);

#[saga(name = "table")]
impl Table {
    #[signal]
    const READY: Signal<Self, u32> = Signal::new("ready");

    #[flow]
    async fn run(&self, cx: &FlowContext, name: String) -> Result<String, Unwind<No>> {
        let table = self.book(&name).await?;
        if name == "slow" {
            let _ready = cx.wait(Self::READY).forever().await;
        }
        let chair = self.book_chair(&name).await?;
        Ok(format!("{table} and {chair}"))
    }

    #[step(idempotent = "a test")]
    async fn book(&self, name: &str) -> Result<String, Failure<No>> {
        if name == "nobody" {
            return Err(No::Full.into());
        }
        self.0.say(format!("table {name}"));
        Ok("table".into())
    }

    #[compensate(book, idempotent = "a test")]
    async fn unbook(&self, name: &str) -> Result<(), Transient> {
        self.0.say(format!("no table {name}"));
        Ok(())
    }

    #[step(idempotent = "a test")]
    async fn book_chair(&self, name: &str) -> Result<String, Failure<No>> {
        if name == "full" {
            return Err(No::Full.into());
        }
        self.0.say(format!("chair {name}"));
        Ok("chair".into())
    }

    #[compensate(book_chair, idempotent = "a test")]
    async fn unbook_chair(&self, name: &str) -> Result<(), Transient> {
        self.0.say(format!("no chair {name}"));
        Ok(())
    }
}

/// An evening: a table, and a film that may be sold out.
struct Evening(World);

#[saga(name = "evening")]
impl Evening {
    #[flow]
    async fn run(&self, cx: &FlowContext, plan: (String, bool)) -> Result<String, Unwind<No>> {
        let (name, film) = plan;
        let table = cx.child::<Table>(name.clone()).forever().await?;
        self.film(cx, film).await?;
        Ok(table)
    }

    #[step(pivot, idempotent = "a test")]
    async fn film(&self, _cx: &StepContext, there: bool) -> Result<(), Failure<No>> {
        self.0.say("film");
        if there { Ok(()) } else { Err(No::Full.into()) }
    }
}

async fn runtime(world: &World) -> Runtime {
    let builder = Runtime::builder().store(Memory::default()).register(Table(world.clone()));
    builder.register(Evening(world.clone())).start().await.expect("it starts")
}

#[tokio::test]
async fn a_child_that_nobody_runs_is_an_error_when_the_runtime_starts() {
    let builder = || Runtime::builder().store(Memory::default()).register(Evening(World::default()));
    let alone = builder().start().await.expect_err("nobody runs the child");
    assert!(alone.is_invalid());
    assert_eq!(
        alone.to_string(),
        "saga `evening` calls saga `table`, which is not registered, so that it would wait for ever: add `.register(..)` for it, \
         or, if another runtime on this store runs it, `.elsewhere::<..>()`"
    );
    builder().elsewhere::<Table>().start().await.expect("another one runs it");
}

async fn evening(world: &World, name: &str, film: bool) -> (Runtime, End<String, No>) {
    let runtime = runtime(world).await;
    let saga = runtime.start::<Evening>("1", (name.into(), film)).await.expect("it is started");
    let end = tokio::time::timeout(Duration::from_hours(1), saga.result()).await;
    let Ok(end) = end else { panic!("it does not end\n{}", saga.timeline().await.expect("it can be read")) };
    (runtime, end.expect("it ends"))
}

#[tokio::test(start_paused = true)]
async fn a_child_is_awaited_like_a_step() {
    let world = World::default();
    let (_runtime, end) = evening(&world, "ann", true).await;
    assert!(matches!(end, End::Completed(text) if text == "table and chair"));
    assert_eq!(world.said(), ["table ann", "chair ann", "film"]);
}

#[tokio::test(start_paused = true)]
async fn rule_23_a_child_that_completed_is_undone_as_a_whole_when_its_parent_unwinds() {
    let world = World::default();
    let (_runtime, end) = evening(&world, "ann", false).await;
    assert!(matches!(end, End::Compensated { cause: Cause::Refused(No::Full), .. }), "{end:?}");
    assert_eq!(world.said(), ["table ann", "chair ann", "film", "no chair ann", "no table ann"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_refused_undoes_itself_and_its_parent_is_told() {
    let world = World::default();
    let (_runtime, end) = evening(&world, "full", true).await;
    assert!(matches!(end, End::Compensated { cause: Cause::Refused(No::Full), .. }), "{end:?}");
    assert_eq!(world.said(), ["table full", "no table full"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_refused_before_it_did_anything_tells_its_parent_why() {
    let world = World::default();
    let (_runtime, end) = evening(&world, "nobody", true).await;
    assert!(matches!(end, End::Compensated { cause: Cause::Refused(No::Full), .. }), "{end:?}");
    assert!(world.said().is_empty());
}

#[tokio::test(start_paused = true)]
async fn rule_23_a_cancel_of_the_parent_is_forwarded_to_the_child_that_it_waits_for() {
    let world = World::default();
    let runtime = runtime(&world).await;
    let saga = runtime.start::<Evening>("1", ("slow".into(), true)).await.expect("it is started");
    while world.said().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(saga.cancel("no time").await.expect("it is decided").granted);
    let end = tokio::time::timeout(Duration::from_hours(1), saga.result()).await.expect("it ends").expect("it ends");
    assert!(matches!(end, End::Compensated { cause: Cause::Cancelled(_), .. }), "{end:?}");
    assert_eq!(world.said(), ["table slow", "no table slow"], "the child was undone before its parent ended");
}
