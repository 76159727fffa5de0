//! Both stores of this crate keep the contract.

use saga_runtime::store::{Store, conformance, memory::Memory};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_memory_keeps_the_contract() {
    conformance::run(async || Arc::new(Memory::new()) as Arc<dyn Store>).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_keeps_the_contract() {
    use saga_runtime::store::sqlite::Sqlite;

    let folder = std::env::temp_dir().join(format!("saga-conformance-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut file = 0;
    conformance::run(async || {
        file += 1;
        let store = Sqlite::open(folder.join(format!("{file}.db"))).await.unwrap();
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_keeps_it_for_several_workers() {
    let lease = std::time::Duration::from_secs(15);
    conformance::run(async || Arc::new(Memory::with_lease(lease)) as Arc<dyn Store>).await;
    conformance::run_workers(async || {
        let store = Memory::with_lease(lease);
        (Arc::new(store.another()) as Arc<dyn Store>, Arc::new(store) as Arc<dyn Store>)
    })
    .await;
}
