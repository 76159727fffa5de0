//! What is skipped is debt: the flow does not go on as if nothing were owed, wherever in it that was (docs/semantics.md, rule 20).

use crate::{
    Lab, Work, catching, end as end_of,
    errand::{Errand, undo},
    parked, start, texts, timeline,
    world::{Act, No, World, got},
};
use saga_runtime::prelude::*;
use std::time::Duration;

/// A flow is promised that what it sees fail left nothing behind.
#[tokio::test(start_paused = true)]
async fn a_scope_of_which_an_undo_was_skipped_is_debt_and_the_flow_does_not_go_on() {
    // The last and the first undo of the scope: with the first one, others are undone after it.
    for skipped in ["a", "b"] {
        let lab = Lab::new();
        let runtime = lab.runtime().await;
        lab.world.plan(&format!("undo {skipped}"), [Act::Panic]);
        lab.world.plan("c", [Act::Refuse]);
        let leg = Work::Leg(texts(&["a", "b", "c"]));
        let saga = start(&runtime, "1", catching([Work::Book("first".into()), leg, Work::Book("f".into())])).await;
        let park = parked::<Errand>(&saga).await;
        assert!(park.skip("the test", "gone").await.expect("decided").granted);
        let End::Compensated { cause, debt } = end_of(&saga).await else { panic!("{}", timeline(&saga).await) };
        assert!(matches!(cause, Cause::Cancelled(why) if &*why == "gone"), "{}", timeline(&saga).await);
        assert_eq!(debt.iter().map(|debt| &*debt.why).collect::<Vec<_>>(), ["gone"]);
        assert!(!lab.world.whats().contains(&"f".into()), "{}", timeline(&saga).await);
    }
}

/// Several things at the same time, each of them whole, or something else instead.
pub(crate) struct Fallback(pub(crate) World);

#[saga(name = "fallback", version = 1)]
impl Fallback {
    #[flow]
    async fn run(&self, cx: &FlowContext, sides: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        let all = cx.join_all(&sides, 2, |side| self.side(cx, side)).await?;
        Ok(all)
    }

    #[flow(inner)]
    async fn side(&self, cx: &FlowContext, side: &str) -> Result<String, Unwind<No>> {
        match self.whole(cx, side).await {
            Ok(done) => Ok(done),
            Err(Unwind::Refused(_)) => {
                let instead = format!("{side} instead");
                let done = self.book(cx, &instead).await?;
                Ok(done)
            }
            Err(other) => Err(other),
        }
    }

    #[flow(inner)]
    async fn whole(&self, cx: &FlowContext, side: &str) -> Result<String, Unwind<No>> {
        let parts = vec![format!("{side} 1"), format!("{side} 2"), format!("{side} 3")];
        for part in &parts {
            #[state("part")]
            let _ = self.book(cx, part).await?;
        }
        Ok(side.to_owned())
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

#[tokio::test(start_paused = true)]
async fn a_branch_of_which_an_undo_was_skipped_does_not_go_another_way() {
    // Of the other branch an attempt is under way then, or has ended, or is waited for.
    let others: [&[Act]; 3] = [&[Act::Slow(2_000)], &[], &[Act::NoEffect, Act::NoEffect]];
    for (other, skipped, restarts) in others
        .into_iter()
        .flat_map(|other| [1, 2].map(|skipped| (other, skipped)))
        .flat_map(|(a, b)| [(a, b, false), (a, b, true)])
    {
        let told = format!("{other:?}, a {skipped}, restarts: {restarts}");
        let lab = Lab::new();
        let started = async || lab.builder().register(Fallback(lab.world.clone())).start().await.expect("it starts");
        let mut runtime = started().await;
        lab.world.plan("b 2", other.iter().copied());
        lab.world.plan("a 3", [Act::Refuse]);
        lab.world.plan(&format!("undo a {skipped}"), [Act::Panic]);
        // What is undone after it takes its time.
        lab.world.plan("undo a 1", [Act::Slow(500)].into_iter().filter(|_| skipped == 2));
        runtime.start::<Fallback>("1", texts(&["a", "b"])).await.expect("it is started");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let handle = async |runtime: &Runtime| {
            runtime.get::<Fallback>("1").await.expect("the store answers").expect("it is there")
        };
        let saga = handle(&runtime).await;
        let park = loop {
            match saga.parks().await.expect("the store answers").into_iter().next() {
                Some(park) => break park,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        assert!(park.skip("ann", "gone").await.expect("decided").granted, "{told}");
        if restarts {
            drop((saga, park, runtime));
            runtime = started().await;
        }
        let saga = handle(&runtime).await;
        let End::Compensated { cause, debt } = end_of(&saga).await else { panic!("{told}\n{}", timeline(&saga).await) };
        assert!(matches!(cause, Cause::Cancelled(why) if &*why == "gone"), "{told}\n{}", timeline(&saga).await);
        assert_eq!(debt.len(), 1, "{told}");
        let whats = lab.world.whats();
        assert!(!whats.contains(&"a instead".into()), "{told}\n{}", timeline(&saga).await);
    }
}
