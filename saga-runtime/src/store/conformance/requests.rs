use super::support::{Worker, append, owned, start, touch};
use crate::store::{Append, InstanceNo, RequestNo, Status, Store};
use std::sync::Arc;

pub(super) async fn requests_are_kept_in_order(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let mut sent = Vec::new();
    for index in 0..10 {
        let body = format!(r#"{{"request":{index}}}"#);
        let request = worker.request(no, &body).await.expect("it has not ended");
        sent.push((request, body.into_boxed_str()));
    }
    assert!(sent.is_sorted_by(|(one, _), (next, _)| one < next), "later requests have higher numbers");
    assert_eq!(store.inbox(no).await.unwrap(), sent);
    worker.append(Append { consumed: sent.iter().map(|(request, _)| *request).collect(), ..append(no, [2]) }).await;
    let later = worker.request(no, "later").await.unwrap();
    assert!(later > sent[9].0, "a number was used again");
}

pub(super) async fn an_ended_instance_takes_requests_only_where_allowed(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for status in Status::ALL {
        let no = worker.with_status(&format!("{status:?}"), status).await;
        let plain = store.request(no, "plain", false).await.unwrap();
        assert_eq!(plain.is_none(), status.is_end(), "a request to one that is {status:?} answered {plain:?}");
        let allowed = store.request(no, "allowed", true).await.unwrap();
        let expected: Vec<RequestNo> = plain.into_iter().chain(allowed).collect();
        assert_eq!(worker.inbox(no).await, expected);
        assert!(allowed.is_some());
    }
}

pub(super) async fn an_instance_that_does_not_exist_takes_no_request(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for ended in [false, true] {
        assert_eq!(store.request(InstanceNo(42), "body", ended).await.unwrap(), None);
    }
    assert_eq!(worker.inbox(InstanceNo(42)).await, []);
    assert_eq!(worker.inboxes(None, 10).await, []);
}

pub(super) async fn an_inbox_is_its_instances_alone(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let (one, other) = (worker.start(start("a")).await, worker.start(start("b")).await);
    let first = worker.request(one, "1").await.unwrap();
    let second = worker.request(other, "2").await.unwrap();
    let third = worker.request(one, "3").await.unwrap();
    assert_eq!(worker.inbox(one).await, [first, third]);
    assert_eq!(worker.inbox(other).await, [second]);
}

pub(super) async fn instances_with_requests_are_listed_in_pages(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let mut expected = Vec::new();
    for id in 0..9 {
        let no = worker.start(start(&id.to_string())).await;
        if id % 3 != 0 {
            worker.request(no, "1").await.unwrap();
            worker.request(no, "2").await.unwrap();
            expected.push(no);
        }
    }
    assert_eq!(worker.inboxes(None, 100).await, expected);
    assert_eq!(worker.inboxes(None, 4).await, expected[..4]);
    assert_eq!(worker.inboxes(Some(expected[3]), 4).await, expected[4..]);
    assert_eq!(worker.inboxes(expected.last().copied(), 4).await, []);
}

pub(super) async fn requests_race_with_the_end_and_none_is_lost(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for round in 0..20 {
        let no = worker.start(owned(&round.to_string())).await;
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.request(no, "cancel", false).await.expect("it is answered") })
            })
            .collect();
        worker.append(Append { touch: Some(touch(Status::Completed)), ..append(no, [2]) }).await;
        let mut accepted = Vec::new();
        for sender in senders {
            accepted.extend(sender.await.expect("it is answered"));
        }
        accepted.sort_unstable();
        assert_eq!(worker.inbox(no).await, accepted, "a request was accepted and is not there, or the other way round");
        assert_eq!(worker.request(no, "late").await, None);
    }
}
