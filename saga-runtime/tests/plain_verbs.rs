//! What a flow says and asks without an `await`, on the engine: its labels, and what time it is.

use saga_runtime::{
    prelude::*,
    store::{Store, memory::Memory},
    testing::ManualClock,
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const DAY: Duration = Duration::from_hours(24);

#[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
struct No;

struct Desk;

#[saga(name = "desk", version = 1)]
impl Desk {
    #[signal]
    const DONE: Signal<Self, ()> = Signal::new("done");

    /// Labels before the first state, before a wait, and before the end; and the time before and after a day's wait.
    #[flow]
    async fn run(&self, cx: &FlowContext, owner: String) -> Result<(SystemTime, SystemTime), Unwind<No>> {
        cx.set_label("owner", &owner);
        cx.set_label("first", "never seen");
        cx.set_label("first", "a");
        let begun = cx.now();
        self.open(cx).await?;
        cx.set_label("waits", "a day");
        let waited = cx.wait(Self::DONE).until(begun + DAY).await;
        cx.remove_label("waits");
        cx.set_label("end", if waited.is_ok() { "told" } else { "late" });
        Ok((begun, cx.now()))
    }

    #[step(no_compensation = "nobody minds an open desk")]
    async fn open(&self, _cx: &StepContext) -> Result<(), Transient> {
        Ok(())
    }
}

async fn labels(store: &Memory) -> Vec<(String, String)> {
    let found = store.find("desk", "d-1").await.unwrap().unwrap();
    found.labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

async fn until_waiting(store: &Memory) {
    let waiting = async {
        while store.find("desk", "d-1").await.unwrap().unwrap().status != saga_runtime::store::Status::Waiting {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("it waits in the store");
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

#[tokio::test]
async fn labels_are_stored_with_the_commit_that_follows_and_time_is_the_runtime_s() {
    let (store, clock) = (Arc::new(Memory::new()), Arc::new(ManualClock::at(1_000_000)));
    let builder = || Runtime::builder().shared_store(store.clone()).clock(clock.clone()).register(Desk);
    let runtime = builder().start().await.unwrap();
    runtime.start::<Desk>("d-1", "ada".into()).await.unwrap();
    until_waiting(&store).await;
    assert_eq!(labels(&store).await, pairs(&[("first", "a"), ("owner", "ada"), ("waits", "a day")]));

    runtime.shutdown(Duration::from_secs(1)).await;
    let runtime = builder().start().await.unwrap();
    clock.advance(DAY);
    let saga = runtime.get::<Desk>("d-1").await.unwrap().unwrap();
    let end = tokio::time::timeout(Duration::from_mins(1), saga.result()).await.expect("its day is over").unwrap();
    let begun = UNIX_EPOCH + Duration::from_secs(1);
    assert_eq!(end.completed(), Some((begun, begun + DAY)));
    assert_eq!(labels(&store).await, pairs(&[("end", "late"), ("first", "a"), ("owner", "ada")]));
}
