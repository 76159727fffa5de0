use super::support::{Worker, append, start};
use crate::store::{Epoch, Store, StoreError, Write};
use std::sync::Arc;

pub(super) async fn every_worker_gets_a_higher_epoch(store: Arc<dyn Store>) {
    let mut last = Worker::new(&*store).await.epoch;
    for _ in 0..3 {
        let next = Worker::new(&*store).await.epoch;
        assert!(next > last, "epoch {next:?} was given after {last:?}");
        let told = store.last_epoch().await.unwrap();
        assert!(told.is_none_or(|told| told == next), "the last epoch is {next:?}, and the store says {told:?}");
        last = next;
    }
}

pub(super) async fn an_old_epoch_writes_nothing(store: Arc<dyn Store>) {
    let old = Worker::new(&*store).await;
    let no = old.start(start("a")).await;
    let new = Worker::new(&*store).await;
    let writes = [Write::Append(append(no, [2])), Write::Start(start("b"))];
    assert_eq!(old.try_commit(writes.clone()).await.unwrap_err(), StoreError::Fenced);
    assert_eq!(new.journal(no).await.len(), 1, "a fenced append was written");
    assert_eq!(new.find("b").await, None, "a fenced start was written");
    new.commit(writes).await;
    assert_eq!(old.try_commit([]).await.unwrap_err(), StoreError::Fenced, "fenced once is fenced for ever");
}

pub(super) async fn an_old_epoch_claims_nothing(store: Arc<dyn Store>) {
    let old = Worker::new(&*store).await;
    let no = old.start(start("a")).await;
    let new = Worker::new(&*store).await;
    let many = store.claim(old.epoch, &[super::support::SAGA], super::support::NOW, 10).await;
    assert_eq!(many.unwrap_err(), StoreError::Fenced);
    assert_eq!(store.claim_one(old.epoch, &[super::support::SAGA], no).await.unwrap_err(), StoreError::Fenced);
    assert_eq!(new.found("a").await.owner, None, "a fenced claim was written");
}

pub(super) async fn an_epoch_that_was_never_given_writes_nothing(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let later = Worker { epoch: Epoch(worker.epoch.0 + 1), ..worker };
    assert_eq!(later.try_commit([Write::Start(start("a"))]).await.unwrap_err(), StoreError::Fenced);
    assert_eq!(worker.find("a").await, None);
}

pub(super) async fn an_empty_commit_says_whether_the_epoch_still_owns_the_work(store: Arc<dyn Store>) {
    let old = Worker::new(&*store).await;
    assert!(old.commit([]).await.is_empty());
    Worker::new(&*store).await;
    assert_eq!(old.try_commit([]).await.unwrap_err(), StoreError::Fenced);
}
