use super::support::{NOW, SAGA, Worker, append, message, owned, rows, start, touch, waiting};
use crate::store::{Append, Delivery, InstanceNo, Request, Start, Status, Store, Write, Written};
use std::sync::Arc;

fn delivery(to: InstanceNo, id: &str) -> Delivery {
    Delivery { to, message: message("ended", id), at: NOW + 10 }
}

fn request(id: &str) -> Request {
    Request { saga: SAGA.into(), id: id.into(), body: r#""cancel""#.into() }
}

pub(super) async fn what_an_append_starts_is_there_with_it(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("parent")).await;
    let taken = worker.start(start("taken")).await;
    let child = |id: &str| Start { parent: Some(no), ..start(id) };
    let starts = vec![child("one"), child("taken"), child("one"), child("two")];
    // A later write of the batch finds them taken.
    let written =
        worker.commit([Write::Append(Append { starts, ..append(no, [2]) }), Write::Start(owned("two"))]).await;
    assert!(matches!(&written[1], Written::Exists(two) if &*two.id == "two"), "{written:?}");
    let (one, two) = (worker.found("one").await, worker.found("two").await);
    assert_eq!((one.parent, two.parent, one.owner), (Some(no), Some(no), None));
    assert_eq!(worker.journal(two.no).await, rows(1..=1));
    let found = worker.found("taken").await;
    assert_eq!((found.no, found.parent), (taken, None), "an identity that was taken was changed");
    assert_eq!(worker.claimed(NOW, 10).await, [taken, one.no, two.no]);
}

pub(super) async fn what_an_append_sends_arrives_with_it(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let (parent, child) = (worker.start(owned("parent")).await, worker.start(owned("child")).await);
    worker.append(waiting(parent, 2, &["ended"], None)).await;
    let sends = vec![delivery(parent, "child"), delivery(parent, "child")];
    worker.append(Append { sends, touch: Some(touch(Status::Completed)), ..append(child, [2]) }).await;
    assert_eq!(worker.messages(parent).await.len(), 1, "it counts once");
    assert_eq!(worker.claimed(NOW + 10, 10).await, [parent], "the end of a child wakes its parent");
}

pub(super) async fn what_an_append_asks_of_others_arrives_with_it(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let (parent, child) = (worker.start(owned("parent")).await, worker.start(owned("child")).await);
    worker.append(Append { requests: vec![request("child")], ..append(parent, [2]) }).await;
    let inbox = store.inbox(child).await.expect("an inbox can be read");
    assert_eq!(inbox.iter().map(|(_, body)| &**body).collect::<Vec<_>>(), [r#""cancel""#]);
    assert_eq!(worker.inboxes(None, 10).await, [child]);
}

pub(super) async fn a_target_that_is_gone_disturbs_nothing(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    let ended = worker.with_status("ended", Status::Compensated).await;
    let buried = worker.with_status("buried", Status::Completed).await;
    assert!(worker.bury(buried).await);
    let sends = [ended, buried, InstanceNo(no.0 + 100)].map(|to| delivery(to, "1")).into();
    let requests = ["ended", "buried", "nobody"].map(request).into();
    worker.append(Append { sends, requests, ..append(no, [2]) }).await;
    assert_eq!(worker.journal(no).await, rows(1..=2));
    assert_eq!(worker.inboxes(None, 10).await, []);
    assert_eq!(worker.messages(ended).await, []);
    // One that ends with these very rows has ended for what it says to itself.
    let to_itself = Append { sends: vec![delivery(no, "1")], requests: vec![request("a")], ..append(no, [3]) };
    worker.append(Append { touch: Some(touch(Status::Completed)), ..to_itself }).await;
    assert_eq!((worker.messages(no).await.len(), worker.inbox(no).await.len()), (0, 0));
}

pub(super) async fn an_append_that_fails_starts_and_sends_nothing(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let (no, other) = (worker.start(owned("a")).await, worker.start(owned("b")).await);
    let good = || Append {
        starts: vec![start("child")],
        sends: vec![delivery(other, "1")],
        requests: vec![request("b")],
        labels: vec![("customer".into(), Some("42".into()))],
        ..append(no, [2])
    };
    let gap = Append { rows: rows([4]), ..good() };
    let bad_child = Append { starts: vec![start("child"), Start { rows: rows([2]), ..start("bad") }], ..good() };
    for bad in [gap, bad_child] {
        let batch = [Write::Append(append(other, [2])), Write::Append(bad)];
        assert_eq!(worker.refused(batch).await, 1, "the append is to blame, not its neighbour");
        assert_eq!(worker.find("child").await, None);
        assert_eq!((worker.messages(other).await.len(), worker.inbox(other).await.len()), (0, 0));
        assert!(worker.found("a").await.labels.is_empty());
        assert_eq!((worker.journal(no).await, worker.journal(other).await), (rows(1..=1), rows(1..=1)));
    }
    worker.append(good()).await;
    assert_eq!((worker.messages(other).await.len(), worker.inbox(other).await.len()), (1, 1));
}
