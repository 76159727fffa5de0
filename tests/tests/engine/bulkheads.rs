//! Branches that wait for a named policy: nobody is kept waiting by a bulkhead that has room.

use crate::{
    Lab,
    world::{Act, No, World, got},
};
use saga_runtime::{End, Handle, Runtime, policy::NamedPolicy, prelude::*, store::memory::Memory};
use std::{sync::Arc, time::Duration};

/// A crew of few does so many things at a time.
struct Crew(World);

#[saga(name = "crew", version = 1)]
impl Crew {
    #[flow]
    async fn run(&self, cx: &FlowContext, things: Vec<String>) -> Result<usize, Unwind<No>> {
        let done = cx.join_all(&things, 3, |thing| self.carry(cx, thing)).await?;
        Ok(done.len())
    }

    #[step(policy = "crew", timeout = "10m")]
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
    let store = Arc::new(lab.store.another());
    let builder = lab.builder().shared_store(store).seed(bulkhead as u64).register(Crew(lab.world.clone()));
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

#[tokio::test(start_paused = true)]
async fn whoever_went_on_with_another_worker_keeps_nobody_waiting_at_the_first_one() {
    // Found by simulation: each of them kept the room for the half a minute in which whoever is called has to come.
    let mut lab = Lab::new();
    lab.store = Arc::new(Memory::with_lease(Duration::from_secs(15)));
    let narrow = crew(&lab, 1).await;
    lab.world.plan("0.0", [Act::Slow(300_000)]);
    let all = start(&narrow, 20, 1).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    // What waits there for longer than a minute is taken by one that has room.
    let wide = crew(&lab, 100).await;
    for saga in &all[1..] {
        assert!(matches!(saga.result().await, Ok(End::Completed(1))));
    }
    drop(wide);
    assert!(matches!(all[0].result().await, Ok(End::Completed(1))));
    let began = tokio::time::Instant::now();
    let last = narrow.start::<Crew>("last", vec!["last".into()]).await.expect("it is started");
    assert!(matches!(last.result().await, Ok(End::Completed(1))));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}
