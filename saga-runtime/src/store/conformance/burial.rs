use super::support::{SAGA, Worker, append, owned, start};
use crate::store::{Append, Instance, InstanceNo, Start, Status, Store, Write, Written};
use std::sync::Arc;

pub(super) async fn only_what_has_ended_without_open_debt_is_buried(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    assert!(!worker.bury(InstanceNo(5)).await, "there is no such instance");
    for status in Status::ALL {
        let no = worker.with_status(&format!("{status:?}"), status).await;
        let expected = matches!(status, Status::Completed | Status::Compensated);
        assert_eq!(worker.bury(no).await, expected, "one that is {status:?}");
        assert_eq!(worker.journal(no).await.is_empty(), expected);
        assert_eq!(worker.found(&format!("{status:?}")).await.buried, expected);
    }
}

pub(super) async fn a_tombstone_keeps_the_identity_and_nothing_else(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.with_status("a", Status::Completed).await;
    store.request(no, "left over", true).await.unwrap().expect("it is allowed");
    let before = worker.found("a").await;
    assert!(worker.bury(no).await);
    let after = worker.found("a").await;
    assert_eq!(after, Instance { buried: true, ..before });
    assert_eq!(worker.inbox(no).await, []);
    assert_eq!(worker.inboxes(None, 10).await, []);
    let again = Start { birth: "another".into(), ..start("a") };
    let written = worker.commit([Write::Start(again)]).await;
    let [Written::Exists(tombstone)] = &*written else { panic!("a start over a tombstone answered {written:?}") };
    assert_eq!(**tombstone, after);
    assert_eq!(worker.list(&[Status::Completed], None, 10).await, [no]);
}

pub(super) async fn a_tombstone_takes_no_more_rows(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.with_status("a", Status::Compensated).await;
    assert!(worker.bury(no).await);
    for seq in [1, 3] {
        assert_eq!(worker.refused([Write::Append(append(no, [seq]))]).await, 0);
    }
    let touched = Append { touch: Some(super::support::touch(Status::Ready)), ..append(no, []) };
    assert_eq!(worker.refused([Write::Append(touched)]).await, 0);
    assert!(worker.claim_one(no).await.is_none(), "a tombstone was claimed");
    assert_eq!(store.request(no, "body", true).await.unwrap(), None, "a tombstone took a request");
    assert!(store.claim(worker.epoch, &[SAGA], i64::MAX, 10).await.unwrap().claimed.is_empty());
}

pub(super) async fn burying_twice_is_the_same_as_once(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.with_status("a", Status::Completed).await;
    let other = worker.start(owned("b")).await;
    assert!(worker.bury(no).await && worker.bury(no).await);
    assert!(worker.found("a").await.buried);
    assert_eq!(worker.journal(other).await.len(), 1, "another's journal is gone");
}
