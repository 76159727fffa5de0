//! Branches that wait for a named policy: nobody is kept waiting by a bulkhead that has room.

use crate::{
    Lab,
    world::{No, World, got},
};
use saga_runtime::{End, Handle, Runtime, policy::NamedPolicy, prelude::*};
use std::time::Duration;

/// A crew of few does so many things at a time.
struct Crew(World);

#[saga(name = "crew", version = 1)]
impl Crew {
    #[flow]
    async fn run(&self, cx: &FlowContext, things: Vec<String>) -> Result<usize, Unwind<No>> {
        let done = cx.join_all(&things, 3, |thing| self.carry(cx, thing)).await?;
        Ok(done.len())
    }

    #[step(policy = "crew")]
    async fn carry(&self, cx: &StepContext, thing: &str) -> Result<String, Failure<No>> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.0.call(got(cx, thing, None)).await
    }

    #[compensate(carry)]
    async fn carry_back(&self, cx: &StepContext, thing: &str) -> Result<(), Transient> {
        drop(self.0.call(got(cx, thing, None)).await);
        Ok(())
    }
}

async fn crew(lab: &Lab, bulkhead: usize) -> Runtime {
    let builder = lab.builder().register(Crew(lab.world.clone()));
    builder.policy("crew", NamedPolicy::new().bulkhead(bulkhead)).start().await.expect("it starts")
}

async fn start(runtime: &Runtime, many: usize, things: usize) -> Vec<Handle<Crew>> {
    let mut all = Vec::new();
    for number in 0..many {
        let things = (0..things).map(|thing| format!("{number}.{thing}")).collect();
        all.push(runtime.start(format!("{number}"), things).await.expect("it is started"));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_bulkhead_goes_on_when_there_is_room_whatever_else_its_instance_does() {
    for bulkhead in 1..=5 {
        for things in 1..=6 {
            let lab = Lab::new();
            let runtime = crew(&lab, bulkhead).await;
            let (many, began) = (40, tokio::time::Instant::now());
            for saga in start(&runtime, many, things).await {
                let end = saga.result().await.expect("the store answers");
                assert!(matches!(end, End::Completed(done) if done == things), "{end:?}");
            }
            // As long as it takes so few, and not the minute after which one that was forgotten looks again by itself.
            let needed = Duration::from_millis(100) * u32::try_from((many * things).div_ceil(bulkhead)).expect("few");
            let took = began.elapsed();
            assert!(
                took <= needed + needed / 4,
                "{things} things each, {bulkhead} at a time: {took:?}, not {needed:?}"
            );
        }
    }
}
