use super::support::{NOW, SAGA, Worker, append, message, owned, touch, waiting};
use crate::store::{Append, Message, Sent, Status, Store, Touch, Write};
use std::sync::Arc;

pub(super) async fn messages_are_kept_in_order_until_they_are_consumed(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let (no, other) = (worker.start(owned("a")).await, worker.start(owned("b")).await);
    assert_eq!(worker.messages(no).await, []);
    for index in 0..5 {
        let name = ["decided", "withdrawn"][index % 2];
        assert_eq!(worker.send("a", &message(name, &index.to_string()), NOW).await, Sent::Stored(no));
    }
    let all = worker.messages(no).await;
    let ids: Vec<_> = all.iter().map(|received| &*received.id).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4"], "messages of all names are in the order in which they came");
    assert!(all.is_sorted_by(|one, next| one.no < next.no), "later messages have higher numbers");
    assert_eq!((&*all[1].name, &*all[1].body, all[1].at), ("withdrawn", r#"{"id":"1"}"#, NOW));
    let taken = vec![all[2].no, all[0].no];
    worker.append(Append { received: taken.clone(), ..append(other, [2]) }).await;
    assert_eq!(worker.messages(no).await, all, "one instance consumed what another one was sent");
    worker.append(Append { received: taken, ..append(no, [2]) }).await;
    let left = worker.messages(no).await;
    assert_eq!(left, [all[1].clone(), all[3].clone(), all[4].clone()]);
    let gap = Append { received: vec![left[0].no], ..append(no, [9]) };
    assert_eq!(worker.refused([Write::Append(gap)]).await, 0);
    assert_eq!(worker.messages(no).await, left, "a write that failed consumed a message");
}

pub(super) async fn a_known_id_counts_once(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let (no, other) = (worker.start(owned("a")).await, worker.start(owned("b")).await);
    let first = message("decided", "1");
    let changed = Message { body: r#"{"id":"another"}"#.into(), ..first.clone() };
    assert_eq!(worker.send("a", &first, NOW).await, Sent::Stored(no));
    assert_eq!(worker.send("a", &first, NOW).await, Sent::Duplicate(no));
    assert_eq!(worker.send("a", &changed, NOW).await, Sent::Conflict(no));
    assert_eq!(worker.messages(no).await.len(), 1);
    assert_eq!(worker.send("a", &message("withdrawn", "1"), NOW).await, Sent::Stored(no), "an id is a name's own");
    assert_eq!(worker.send("b", &changed, NOW).await, Sent::Stored(other), "an id is an instance's own");
    let received = worker.messages(no).await.iter().map(|received| received.no).collect();
    worker.append(Append { received, touch: Some(touch(Status::Completed)), ..append(no, [2]) }).await;
    assert_eq!(worker.send("a", &first, NOW).await, Sent::Duplicate(no), "it stays known, also after the end");
    assert_eq!(worker.send("a", &changed, NOW).await, Sent::Conflict(no));
    assert_eq!(worker.messages(no).await, []);
    assert!(worker.bury(no).await);
    assert_eq!(worker.send("a", &first, NOW).await, Sent::Ended(no), "nothing is known of a tombstone");
}

pub(super) async fn an_unknown_or_ended_instance_takes_no_message(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    assert_eq!(worker.send("nobody", &message("decided", "1"), NOW).await, Sent::Unknown);
    for status in Status::ALL {
        let id = format!("{status:?}");
        let no = worker.with_status(&id, status).await;
        let expected = if status.is_end() { Sent::Ended(no) } else { Sent::Stored(no) };
        assert_eq!(worker.send(&id, &message("decided", "1"), NOW).await, expected);
        assert_eq!(worker.messages(no).await.len(), usize::from(!status.is_end()));
    }
    assert_eq!(store.send("refund", "Ready", &message("decided", "1"), NOW).await, Ok(Sent::Unknown));
}

pub(super) async fn messages_race_with_the_end_and_none_is_lost(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for round in 0..20 {
        let id = round.to_string();
        let no = worker.start(owned(&id)).await;
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let (store, id) = (Arc::clone(&store), id.clone());
                let sent = message("decided", &sender.to_string());
                tokio::spawn(async move { store.send(SAGA, &id, &sent, NOW).await.expect("it is answered") })
            })
            .collect();
        worker.append(Append { touch: Some(touch(Status::Completed)), ..append(no, [2]) }).await;
        let mut accepted = 0;
        for sender in senders {
            accepted += usize::from(sender.await.expect("it is answered") == Sent::Stored(no));
        }
        assert_eq!(worker.messages(no).await.len(), accepted, "what was accepted is listed, and nothing else");
        assert_eq!(worker.send(&id, &message("decided", "late"), NOW).await, Sent::Ended(no));
    }
}

pub(super) async fn the_moments_of_messages_never_decrease(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    for (id, at) in [("1", NOW + 50), ("2", NOW + 20), ("3", NOW + 60)] {
        worker.send("a", &message("decided", id), at).await;
    }
    let wait = Touch { wake_at: Some(NOW + 200), ..Touch::new(Status::Waiting, NOW + 100) };
    worker.append(Append { touch: Some(wait), ..append(no, [2]) }).await;
    worker.send("a", &message("decided", "4"), NOW + 70).await;
    assert_eq!(worker.claimed(NOW + 300, 10).await, [no]);
    worker.send("a", &message("decided", "5"), NOW + 199).await;
    let moments: Vec<_> = worker.messages(no).await.iter().map(|received| received.at - NOW).collect();
    assert_eq!(moments[..3], [50, 50, 60]);
    assert_eq!(moments[3], 100, "a message was stored before the touch that it came after");
    assert_eq!(
        moments[4], 300,
        "a message that came after the claim of an elapsed wait looks as if it had been in time"
    );
}

pub(super) async fn a_waiting_instance_is_claimed_when_its_time_has_come(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let timed = worker.start(owned("timed")).await;
    let endless = worker.start(owned("endless")).await;
    worker.append(waiting(timed, 2, &["decided"], Some(NOW + 50))).await;
    worker.append(waiting(endless, 2, &["decided"], None)).await;
    let found = worker.found("timed").await;
    assert_eq!(
        (found.status, found.wake_at, &*found.awaits),
        (Status::Waiting, Some(NOW + 50), &["decided".into()][..])
    );
    let claims = worker.claim(NOW + 49, 10).await;
    assert!(claims.claimed.is_empty(), "one was claimed that still waits");
    assert_eq!(claims.next_wake, Some(NOW + 50));
    assert_eq!(worker.claimed(NOW + 50, 10).await, [timed]);
    let found = worker.found("timed").await;
    assert_eq!((found.status, found.wake_at, found.awaits.len()), (Status::Ready, None, 0), "what is claimed runs");
    assert_eq!(worker.claim(NOW * 2, 10).await.next_wake, None, "one that waits for a message alone has no time");
}

pub(super) async fn a_message_makes_whoever_waits_for_it_due_at_once(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    worker.append(waiting(no, 2, &["decided", "withdrawn"], Some(NOW * 2))).await;
    worker.send("a", &message("reminded", "1"), NOW + 10).await;
    assert_eq!(worker.claimed(NOW + 10, 10).await, [], "a message that it does not wait for woke it");
    worker.send("a", &message("withdrawn", "1"), NOW + 20).await;
    worker.send("a", &message("decided", "1"), NOW + 30).await;
    assert_eq!(worker.claim(NOW + 19, 10).await.next_wake, Some(NOW + 20), "it is due since the first of them");
    let claims = worker.claim(NOW + 20, 10).await;
    let [claimed] = &*claims.claimed else { panic!("its message is there and it was not claimed") };
    assert_eq!((claimed.instance.status, claimed.instance.wake_at), (Status::Waiting, Some(NOW * 2)));
    assert_eq!(worker.messages(no).await.len(), 3);
}

pub(super) async fn a_wait_that_begins_after_its_message_is_due_at_once(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for (id, wake_at) in [("timed", Some(NOW * 2)), ("endless", None)] {
        let no = worker.start(owned(id)).await;
        worker.send(id, &message("decided", "1"), NOW).await;
        let early = worker.messages(no).await.remove(0).no;
        worker.append(waiting(no, 2, &["withdrawn"], wake_at)).await;
        assert_eq!(worker.claimed(NOW + 5_000, 10).await, [], "a message of another name made {id} due");
        worker.append(waiting(no, 3, &["withdrawn", "decided"], wake_at)).await;
        assert_eq!(worker.claimed(NOW + 5_000, 10).await, [no], "{id} waits for what is there");
        // The row that takes the message also begins the next wait: for another one.
        let next = Append { received: vec![early], ..waiting(no, 4, &["decided"], wake_at) };
        worker.append(next).await;
        assert_eq!(worker.claimed(NOW + 5_000, 10).await, [], "a message that was consumed made {id} due");
    }
}
