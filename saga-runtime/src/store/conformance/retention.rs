use super::support::{NOW, SAGA, Worker, append, message, owned, start};
use crate::store::{Append, Burials, Expired, InstanceNo, Micros, Start, Status, Store, Touch};
use std::sync::Arc;

/// An instance that was touched at this moment.
async fn ended(worker: &Worker<'_>, start: Start, status: Status, at: Micros) -> InstanceNo {
    let no = worker.start(start).await;
    worker.append(Append { touch: Some(Touch::new(status, at)), ..append(no, [2]) }).await;
    no
}

fn expired(before: Micros, limit: usize) -> Expired {
    Expired { saga: SAGA.into(), statuses: Status::ALL.into(), before, after: None, limit }
}

async fn bury(worker: &Worker<'_>, expired: &Expired) -> u64 {
    worker.store.bury_ended(expired).await.expect("ended instances can be buried").gone
}

async fn forget(worker: &Worker<'_>, before: Micros, limit: usize) -> u64 {
    worker.store.forget_buried(SAGA, before, limit).await.expect("tombstones can be forgotten")
}

pub(super) async fn a_child_is_not_buried_before_its_parent_has_ended(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let parent = worker.start(owned("parent")).await;
    let child = ended(&worker, Start { parent: Some(parent), ..owned("child") }, Status::Completed, NOW + 10).await;
    let theirs = Start { parent: Some(child), ..owned("grandchild") };
    let grandchild = ended(&worker, theirs, Status::Completed, NOW + 5).await;
    assert!(!worker.bury(child).await, "the undo log of a child may still be needed");
    assert!(!worker.bury(grandchild).await, "its parent may be undone as a whole, and that of a child's child with it");
    assert_eq!(bury(&worker, &expired(NOW * 2, 10)).await, 0);
    let end = Touch::new(Status::Completed, NOW + 50);
    worker.append(Append { touch: Some(end), ..append(parent, [2]) }).await;
    assert_eq!(bury(&worker, &expired(NOW + 50, 10)).await, 0, "a child's time begins with its parent's end");
    assert_eq!(bury(&worker, &expired(NOW + 51, 10)).await, 3);
    for id in ["parent", "child", "grandchild"] {
        assert!(worker.found(id).await.buried, "{id}");
    }
    assert_eq!(worker.found("child").await.parent, Some(parent));
}

pub(super) async fn what_ended_first_is_buried_first_and_no_more_than_asked_for(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for (id, at) in [("third", 30), ("first", 10), ("second", 20), ("fourth", 40)] {
        let status = if at == 20 { Status::Compensated } else { Status::Completed };
        ended(&worker, owned(id), status, NOW + at).await;
    }
    let buried = async |id: &str| worker.found(id).await.buried;
    assert_eq!(bury(&worker, &expired(NOW + 40, 2)).await, 2);
    assert!(buried("first").await && buried("second").await && !buried("third").await);
    assert_eq!(bury(&worker, &expired(NOW + 40, 2)).await, 1, "what ended at the moment itself stays");
    assert!(!buried("fourth").await);
    assert_eq!(forget(&worker, NOW + 40, 2).await, 2);
    assert!(worker.find("first").await.is_none() && worker.find("third").await.is_some());
    assert_eq!(forget(&worker, NOW + 100, 10).await, 1, "only tombstones are forgotten");
    assert!(worker.find("fourth").await.is_some());
}

pub(super) async fn a_batch_goes_on_where_the_one_before_it_ended(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let parent = worker.start(owned("parent")).await;
    // Two of each moment, of which the first has to stay.
    let mut free = Vec::new();
    for at in [10, 20, 30] {
        let held = Start { parent: Some(parent), ..owned(&format!("held {at}")) };
        ended(&worker, held, Status::Completed, NOW + at).await;
        free.push((NOW + at, ended(&worker, owned(&format!("free {at}")), Status::Completed, NOW + at).await));
    }
    let mut batch = expired(NOW * 2, 1);
    let mut seen = Vec::new();
    loop {
        let Burials { gone, last } = worker.store.bury_ended(&batch).await.expect("ended instances can be buried");
        assert_eq!(gone, u64::from(last.is_some()), "there is nothing after the last one");
        let Some(one) = last else { break };
        seen.push(one);
        batch.after = last;
    }
    assert_eq!(seen, free);
    // Those that had to stay are before the place at which the next one begins, until it begins anew.
    worker.append(Append { touch: Some(Touch::new(Status::Completed, NOW + 50)), ..append(parent, [2]) }).await;
    let after = Some((NOW + 20, parent));
    assert_eq!(bury(&worker, &Expired { after, ..expired(NOW + 50, 10) }).await, 0, "its parent ended no earlier");
    assert_eq!(bury(&worker, &Expired { after, ..expired(NOW * 2, 10) }).await, 3);
    assert!(!worker.found("held 10").await.buried, "it is before that place");
    assert_eq!(bury(&worker, &expired(NOW * 2, 10)).await, 1);
}

pub(super) async fn only_what_is_named_is_buried(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    ended(&worker, Start { saga: "refund".into(), ..owned("a") }, Status::Completed, NOW).await;
    for status in Status::ALL {
        ended(&worker, owned(&format!("{status:?}")), status, NOW).await;
    }
    let only = Expired { statuses: vec![Status::Compensated], ..expired(NOW * 2, 10) };
    assert_eq!(bury(&worker, &only).await, 1);
    assert!(worker.found("Compensated").await.buried);
    assert_eq!(bury(&worker, &expired(NOW * 2, 10)).await, 1, "only the completed one has no open debt");
    assert!(!worker.found("CompensatedWithDebt").await.buried);
    assert_eq!(bury(&worker, &Expired { statuses: Vec::new(), ..expired(NOW * 2, 10) }).await, 0);
    assert_eq!(forget(&worker, NOW * 2, 10).await, 2);
}

pub(super) async fn a_forgotten_identity_is_free(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let first = worker.start(owned("a")).await;
    worker.send("a", &message("decided", "1"), NOW).await;
    worker.append(Append { touch: Some(Touch::new(Status::Completed, NOW)), ..append(first, [2]) }).await;
    assert_eq!(worker.messages(first).await.len(), 1, "what was never consumed is listed until the burial");
    assert!(worker.bury(first).await && worker.messages(first).await.is_empty());
    assert_eq!(forget(&worker, NOW + 1, 10).await, 1);
    assert_eq!(worker.find("a").await, None);
    let second = worker.start(start("a")).await;
    assert!(second > first, "a number was used again");
    worker.send("a", &message("decided", "1"), NOW).await;
    assert_eq!(worker.messages(second).await.len(), 1);
}

pub(super) async fn ticks_never_go_back(store: Arc<dyn Store>) {
    for (set, expected) in [(None, None), (Some(50), Some(50)), (Some(20), Some(50)), (Some(70), Some(70))] {
        if let Some(at) = set {
            store.set_tick("nightly", at).await.expect("a tick can be set");
        }
        assert_eq!(store.tick("nightly").await, Ok(expected));
        assert_eq!(store.tick("hourly").await, Ok(None), "a tick is its name's own");
    }
}
