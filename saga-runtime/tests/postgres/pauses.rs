//! Workers that stand still, beside those that do not.

use crate::support::{builder, open, prompt, run, schema, start};
use saga_runtime::{
    prelude::*,
    store::{Start, Store, Write},
    testing::Faulty,
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

#[derive(Debug, Serialize, Deserialize, Refusal)]
enum Never {}

/// Does nothing.
struct Checkout;

#[saga(name = "checkout")]
impl Checkout {
    #[flow]
    async fn run(&self, _cx: &FlowContext, _order: String) -> Result<(), Unwind<Never>> {
        Ok(())
    }
}

/// Another worker stands still in the middle of a claim: what it has locked is due, and nobody else can take it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_and_locked_is_not_asked_for_without_a_pause() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let due = Start { owned: false, wake_at: Some(1), ..start("a") };
    store.commit(epoch, &[Write::Start(due)]).await.unwrap();
    let mut still = prompt().await;
    run(&mut still, format!("BEGIN; SELECT FROM {schema}.instance FOR UPDATE")).await;
    let line = Arc::new(Faulty::new(Arc::new(open(&schema).await)));
    let builder = Runtime::builder().shared_store(Arc::clone(&line) as Arc<dyn Store>).register(Checkout);
    let runtime = builder.start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = line.operations();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let done = line.operations() - before;
    assert!(done < 80, "{done} operations in a second");
    run(&mut still, "COMMIT").await;
    runtime.shutdown(Duration::ZERO).await;
}

/// One with a short lease shows more often than it looks that it is alive. Somebody else finds a worker dead, and tells nobody.
#[tokio::test(flavor = "multi_thread")]
async fn who_renews_its_lease_often_looks_all_the_same_for_what_nobody_told_it_of() {
    let schema = schema();
    let others = builder(&schema).lease(Duration::from_hours(1)).connect().await.unwrap();
    let epoch = others.register().await.unwrap();
    others.commit(epoch, &[Write::Start(start("a"))]).await.unwrap();
    let line = Arc::new(Faulty::new(Arc::new(builder(&schema).poll_only().connect().await.unwrap())));
    let builder = Runtime::builder().shared_store(Arc::clone(&line) as Arc<dyn Store>).register(Checkout);
    let runtime = builder.start().await.unwrap();
    let found = async || others.find("checkout", "a").await.unwrap().and_then(|found| found.owner);
    // It has looked, and found nothing, and renews its lease.
    while line.operations() < 12 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(found().await, Some(epoch));
    others.retire(epoch).await.unwrap();
    for _ in 0..500 {
        if found().await != Some(epoch) {
            runtime.shutdown(Duration::ZERO).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody looks");
}
