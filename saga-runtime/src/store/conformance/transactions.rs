//! Only of a store that says that it has transactions for steps; what is written on their connections, its own tests show.

use super::support::{Worker, append, start};
use crate::store::{Store, StoreError, Transaction, Write};
use std::sync::Arc;

async fn transact(worker: &Worker<'_>) -> Box<dyn Transaction> {
    worker.store.transact(worker.epoch).await.expect("a transaction begins")
}

pub(super) async fn a_store_says_whether_it_has_transactions_for_steps(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let begun = store.transact(worker.epoch).await;
    match store.longest_transaction() {
        Some(_) => begun.expect("it has them").rollback().await.expect("it ends"),
        None => assert!(matches!(begun, Err(StoreError::Unusable(_))), "it has none: {begun:?}"),
    }
}

pub(super) async fn an_old_epoch_begins_no_transaction(store: Arc<dyn Store>) {
    if store.longest_transaction().is_none() {
        return;
    }
    let old = Worker::new(&*store).await;
    Worker::new(&*store).await;
    assert_eq!(store.transact(old.epoch).await.map(drop).unwrap_err(), StoreError::Fenced);
}

pub(super) async fn a_transaction_commits_its_batch_and_others_go_on(store: Arc<dyn Store>) {
    if store.longest_transaction().is_none() {
        return;
    }
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    for seq in 2..5 {
        let written = transact(&worker).await.commit(&[Write::Append(append(no, [seq]))]).await;
        assert_eq!(written.expect("it is written").len(), 1);
        assert_eq!(worker.journal(no).await.len(), usize::try_from(seq).expect("a small number"));
    }
    worker.commit([Write::Append(append(no, [5]))]).await;
}

pub(super) async fn a_transaction_that_does_not_commit_writes_nothing(store: Arc<dyn Store>) {
    if store.longest_transaction().is_none() {
        return;
    }
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    transact(&worker).await.rollback().await.expect("it ends");
    drop(transact(&worker).await);
    let gap = transact(&worker).await.commit(&[Write::Append(append(no, [2])), Write::Append(append(no, [4]))]).await;
    assert!(matches!(gap, Err(StoreError::Write { index: 1, .. })), "the bad write is named: {gap:?}");
    assert_eq!(worker.journal(no).await.len(), 1, "something of it was written");
    worker.commit([Write::Append(append(no, [2]))]).await;
}
