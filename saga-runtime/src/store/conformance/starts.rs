use super::support::{NOW, SAGA, Worker, append, owned, rows, start};
use crate::store::{Instance, Labels, Start, Status, Store, Write, Written};
use std::sync::Arc;

pub(super) async fn a_start_is_found_with_everything_that_was_said(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let hash: [u8; 32] = std::array::from_fn(|byte| u8::try_from(byte).unwrap_or(0) * 7);
    let labels = Labels::from([("customer".into(), "42".into()), ("region".into(), "north".into())]);
    let parent = Some(worker.start(start("parent")).await);
    let wanted = Start {
        version: 3,
        input_hash: hash,
        parent,
        labels: labels.clone(),
        at: NOW + 5,
        rows: rows(1..=3),
        ..owned("order-1")
    };
    let no = worker.start(wanted.clone()).await;
    let expected = Instance {
        no,
        saga: SAGA.into(),
        id: "order-1".into(),
        birth: "birth of order-1".into(),
        version: 3,
        input_hash: hash,
        parent,
        status: Status::Ready,
        wake_at: None,
        awaits: Vec::new(),
        state: None,
        error: None,
        labels,
        owner: Some(worker.epoch),
        started_at: NOW + 5,
        ended_at: None,
        buried: false,
    };
    assert_eq!(worker.found("order-1").await, expected);
    assert_eq!(worker.journal(no).await, wanted.rows);
    worker.start(start("order-2")).await;
    assert_eq!(worker.found("order-2").await.owner, None, "nobody owns an instance that waits to be claimed");
}

pub(super) async fn the_same_identity_is_found_and_not_started_again(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let again = Start { birth: "another".into(), input_hash: [9; 32], rows: rows(1..=2), ..owned("a") };
    let written = worker.commit([Write::Start(again)]).await;
    let [Written::Exists(first)] = &*written else { panic!("a second start answered {written:?}") };
    assert_eq!((first.no, &*first.birth, first.input_hash), (no, "birth of a", [7; 32]));
    assert_eq!(worker.journal(no).await, rows(1..=1), "a second start added rows");
    assert_eq!(worker.found("a").await, **first);
}

pub(super) async fn the_same_identity_twice_in_one_batch_starts_once(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let second = Start { birth: "another".into(), ..start("a") };
    let written = worker.commit([Write::Start(start("a")), Write::Start(second)]).await;
    let [Written::Started(no), Written::Exists(first)] = &*written else { panic!("the two answered {written:?}") };
    assert_eq!((first.no, &*first.birth), (*no, "birth of a"));
    assert_eq!(worker.journal(*no).await.len(), 1);
    assert_eq!(worker.list(&[], None, 10).await, [*no]);
}

pub(super) async fn an_identity_is_both_saga_and_id(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let here = worker.start(start("a")).await;
    let there = worker.start(Start { saga: "refund".into(), ..start("a") }).await;
    assert_ne!(here, there);
    assert_eq!(store.find("refund", "a").await.unwrap().map(|found| found.no), Some(there));
    assert_eq!(store.find("a", "refund").await.unwrap(), None);
    assert_eq!(worker.find("A").await, None, "ids that differ in case are two ids");
    assert_eq!(worker.find("a ").await, None, "ids that differ in spaces are two ids");
}

pub(super) async fn an_existing_identity_does_not_disturb_the_rest_of_the_batch(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let batch = [Write::Start(start("b")), Write::Start(start("a")), Write::Append(append(no, [2]))];
    let written = worker.commit(batch).await;
    assert!(matches!(&*written, [Written::Started(_), Written::Exists(_), Written::Appended]), "{written:?}");
    assert!(worker.find("b").await.is_some());
    assert_eq!(worker.journal(no).await.len(), 2);
}

pub(super) async fn numbers_rise_and_are_not_used_again(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let mut last = worker.start(start("0")).await;
    for id in 1..20 {
        let next = worker.start(start(&id.to_string())).await;
        assert!(next > last, "{next:?} was given after {last:?}");
        last = next;
    }
}

pub(super) async fn a_start_whose_rows_do_not_begin_at_one_is_refused(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for seqs in [vec![0], vec![2], vec![1, 3], vec![1, 1]] {
        let bad = Start { rows: rows(seqs.clone()), ..start("a") };
        assert_eq!(worker.refused([Write::Start(bad)]).await, 0, "rows {seqs:?} were accepted");
    }
    assert_eq!(worker.find("a").await, None);
    worker.start(Start { rows: Vec::new(), ..start("a") }).await;
}

pub(super) async fn a_delayed_start_sleeps_until_its_time(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(Start { wake_at: Some(NOW + 50), ..start("a") }).await;
    let found = worker.found("a").await;
    assert_eq!((found.status, found.wake_at, found.owner), (Status::Sleeping, Some(NOW + 50), None));
    let claims = worker.claim(NOW + 49, 10).await;
    assert_eq!((claims.claimed.len(), claims.next_wake), (0, Some(NOW + 50)));
    assert_eq!(worker.claimed(NOW + 50, 10).await, [no]);
}
