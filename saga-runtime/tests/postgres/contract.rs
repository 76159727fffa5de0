use crate::support::{builder, schema};
use saga_runtime::store::{Store, conformance};
use std::sync::Arc;

async fn open(schema: &str) -> Arc<dyn Store> {
    Arc::new(builder(schema).connect().await.expect("the store opens"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_keeps_the_contract() {
    conformance::run(async || open(&schema()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_keeps_the_contract_of_several_workers() {
    conformance::run_workers(async || {
        let schema = schema();
        (open(&schema).await, open(&schema).await)
    })
    .await;
}
