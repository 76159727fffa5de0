use super::support::{NOW, SAGA, Worker, append, message, owned, sleeping, start, touch, touching};
use crate::store::{Append, InstanceNo, Start, Status, Store, Touch};
use std::sync::Arc;

pub(super) async fn a_ready_instance_is_claimed_once(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let before = worker.found("a").await;
    let claims = worker.claim(NOW, 10).await;
    let [claimed] = &*claims.claimed else { panic!("one is ready, {} were claimed", claims.claimed.len()) };
    assert_eq!(claimed.instance, before, "a claim shows the row as it was before");
    assert!(!claimed.orphaned, "nobody owned it before");
    assert_eq!(claims.next_wake, None);
    assert_eq!(worker.found("a").await.owner, Some(worker.epoch));
    assert_eq!(worker.claimed(NOW, 10).await, [], "{no:?} was claimed twice");
}

pub(super) async fn an_owned_instance_is_not_claimed(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    assert_eq!(worker.claimed(NOW, 10).await, []);
    let kept = Touch { owned: true, wake_at: Some(NOW - 5), ..touch(Status::Sleeping) };
    worker.append(Append { touch: Some(kept), ..append(no, [2]) }).await;
    assert_eq!(worker.claimed(NOW, 10).await, [], "an instance was claimed from its living owner");
    worker.append(touching(no, 3, Status::Ready)).await;
    assert_eq!(worker.claimed(NOW, 10).await, [no], "an instance that was let go was not claimed");
}

pub(super) async fn a_sleeping_instance_is_claimed_when_its_time_has_come(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    worker.append(sleeping(no, 2, NOW + 100)).await;
    assert_eq!(worker.claimed(NOW + 99, 10).await, []);
    assert_eq!(worker.claimed(NOW + 100, 10).await, [no]);
    let soon = worker.with_status("b", Status::Sleeping).await;
    assert_eq!(worker.claimed(NOW + 1_000, 10).await, [soon], "one without a wake-up time wants to run at once");
}

pub(super) async fn a_claimed_instance_is_ready(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    worker.append(sleeping(no, 2, NOW)).await;
    let claims = worker.claim(NOW, 10).await;
    let was = &claims.claimed[0].instance;
    assert_eq!((was.status, was.wake_at, was.state.as_deref()), (Status::Sleeping, Some(NOW), Some("nap")));
    let is = worker.found("a").await;
    assert_eq!((is.status, is.wake_at, is.state), (Status::Ready, None, None));
}

pub(super) async fn the_one_that_waited_longest_comes_first(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let third = worker.start(Start { at: NOW - 10, ..start("third") }).await;
    let fifth = worker.start(Start { at: NOW + 5, ..start("fifth") }).await;
    let first = worker.start(Start { at: NOW - 30, ..start("first") }).await;
    let second = worker.start(Start { at: NOW - 90, ..owned("second") }).await;
    worker.append(sleeping(second, 2, NOW - 20)).await;
    let fourth = worker.start(Start { at: NOW - 90, ..owned("fourth") }).await;
    let ready = Touch { at: NOW, ..touch(Status::Ready) };
    worker.append(Append { touch: Some(ready), ..append(fourth, [2]) }).await;
    assert_eq!(worker.claimed(NOW, 2).await, [first, second]);
    assert_eq!(worker.claimed(NOW, 2).await, [third, fourth]);
    assert_eq!(worker.claimed(NOW, 2).await, [fifth], "a ready one is ready, whatever the clock says");
}

pub(super) async fn no_more_than_asked_for(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let mut left = Vec::new();
    for id in 0..10 {
        left.push(worker.start(start(&id.to_string())).await);
    }
    assert_eq!(worker.claimed(NOW, 0).await, []);
    assert_eq!(worker.claimed(NOW, 3).await, left[..3]);
    assert_eq!(worker.claimed(NOW, 4).await, left[3..7]);
    assert_eq!(worker.claimed(NOW, usize::MAX).await, left[7..]);
}

pub(super) async fn only_of_the_sagas_named(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let of = |saga: &str, id: &str| Start { saga: saga.into(), ..start(id) };
    let here = worker.start(of("checkout", "1")).await;
    let there = worker.start(of("refund", "1")).await;
    worker.start(of("unknown", "1")).await;
    let asleep = worker.start(Start { owned: true, ..of("unknown", "2") }).await;
    worker.append(sleeping(asleep, 2, NOW + 5)).await;
    let claims = store.claim(worker.epoch, &[], NOW, 10).await.unwrap();
    assert!(claims.claimed.is_empty() && claims.next_wake.is_none(), "no saga was named");
    let claims = store.claim(worker.epoch, &["refund", "checkout", "refund"], NOW, 10).await.unwrap();
    let mut claimed: Vec<_> = claims.claimed.iter().map(|claimed| claimed.instance.no).collect();
    claimed.sort_unstable();
    assert_eq!(claimed, [here, there]);
    assert_eq!(claims.next_wake, None, "the wake-up time is that of a saga that was not named");
}

pub(super) async fn the_sagas_take_turns(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let of = |saga: &str, id: usize, at| Start { saga: saga.into(), at, ..start(&id.to_string()) };
    let mut backlog = Vec::new();
    for id in 0..20 {
        backlog.push(worker.start(of("backlog", id, NOW - 1_000)).await);
    }
    let (first, second) = (worker.start(of("checkout", 0, NOW)).await, worker.start(of("checkout", 1, NOW + 1)).await);
    let third = worker.start(of("refund", 0, NOW + 2)).await;
    let claim = async |limit| {
        let claims = store.claim(worker.epoch, &["backlog", "checkout", "refund"], NOW + 5, limit).await.unwrap();
        claims.claimed.iter().map(|claimed| claimed.instance.no).collect::<Vec<_>>()
    };
    assert_eq!(claim(4).await, [backlog[0], first, third, backlog[1]], "one saga's backlog kept another one waiting");
    assert_eq!(claim(3).await, [backlog[2], second, backlog[3]]);
    assert_eq!(claim(100).await, backlog[4..]);
}

pub(super) async fn parked_and_ended_instances_are_not_claimed(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for status in [Status::Parked, Status::Completed, Status::Compensated, Status::CompensatedWithDebt] {
        worker.with_status(&format!("{status:?}"), status).await;
    }
    let kept = worker.start(owned("kept")).await;
    let parked = Touch { owned: true, ..touch(Status::Parked) };
    worker.append(Append { touch: Some(parked), ..append(kept, [2]) }).await;
    assert_eq!(worker.claimed(NOW * 2, 10).await, []);
    let next = Worker::new(&*store).await;
    assert_eq!(next.claimed(NOW * 2, 10).await, [], "a new worker claimed what does not want to run");
}

pub(super) async fn what_a_dead_worker_owned_is_orphaned(store: Arc<dyn Store>) {
    let dead = Worker::new(&*store).await;
    let running = dead.start(Start { at: NOW - 3, ..owned("running") }).await;
    let waiting = dead.start(Start { at: NOW - 2, ..start("waiting") }).await;
    let claimed = dead.start(Start { at: NOW - 9, ..start("claimed") }).await;
    assert_eq!(dead.claimed(NOW, 1).await, [claimed]);
    let asleep = dead.start(owned("asleep")).await;
    let kept = Touch { owned: true, wake_at: Some(NOW + 50), ..touch(Status::Sleeping) };
    dead.append(Append { touch: Some(kept), ..append(asleep, [2]) }).await;
    let worker = Worker::new(&*store).await;
    let claims = worker.claim(NOW, 10).await;
    let found: Vec<_> = claims.claimed.iter().map(|claimed| (claimed.instance.no, claimed.orphaned)).collect();
    assert_eq!(found, [(claimed, true), (running, true), (waiting, false)]);
    assert_eq!(claims.claimed[0].instance.owner, Some(dead.epoch));
    assert_eq!(claims.next_wake, Some(NOW + 50), "an orphan's wake-up time is one, too");
    assert_eq!(worker.claimed(NOW + 50, 10).await, [asleep]);
}

pub(super) async fn what_was_lost_with_a_worker_stays_so_until_it_is_told(store: Arc<dyn Store>) {
    let dead = Worker::new(&*store).await;
    let no = dead.start(owned("a")).await;
    let orphaned = async |worker: &Worker<'_>, decision: bool| {
        let claimed = if decision {
            worker.claim_one(no).await.expect("nobody owns it")
        } else {
            let claims = worker.claim(NOW, 10).await;
            claims.claimed.into_iter().next().expect("it is due")
        };
        assert_eq!(claimed.instance.no, no);
        claimed.orphaned
    };
    let unknown = |lost| Touch { lost, ..touch(Status::WaitsForBuild) };
    let mut next = 2;
    for (decision, said, after) in [
        (false, None, true),
        (true, None, true),
        (false, Some(false), false),
        (false, None, false),
        (true, Some(true), true),
        (true, Some(false), false),
    ] {
        let worker = Worker::new(&*store).await;
        let before = orphaned(&worker, decision).await;
        // Whoever does not know it says nothing in its journal.
        let rows: &[u64] = if said == Some(false) { &[next] } else { &[] };
        next += u64::try_from(rows.len()).expect("it is small");
        let rows = append(no, rows.iter().copied()).rows;
        worker.append(Append { touch: Some(unknown(said)), ..Append::new(no, rows) }).await;
        let worker = Worker::new(&*store).await;
        assert_eq!(orphaned(&worker, decision).await, after, "it was {before}, and {said:?} was said");
        worker.append(Append { touch: Some(unknown(None)), ..Append::new(no, Vec::new()) }).await;
    }
    // Whoever dies with it loses it again.
    let dead = Worker::new(&*store).await;
    assert!(!orphaned(&dead, true).await);
    let worker = Worker::new(&*store).await;
    assert!(orphaned(&worker, true).await);
}

pub(super) async fn what_waits_for_a_build_is_claimed_by_the_next_worker_only(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.with_status("a", Status::WaitsForBuild).await;
    assert_eq!(worker.claimed(NOW * 2, 10).await, [], "the worker that gave it back took it again");
    let next = Worker::new(&*store).await;
    let claims = next.claim(NOW, 10).await;
    assert_eq!(claims.claimed.iter().map(|claimed| claimed.instance.no).collect::<Vec<_>>(), [no]);
    assert!(!claims.claimed[0].orphaned, "nobody ran it");
    next.append(touching(no, 3, Status::WaitsForBuild)).await;
    assert_eq!(next.claimed(NOW * 2, 10).await, []);
}

pub(super) async fn what_waits_for_its_turn_is_claimed_by_the_next_worker_at_once(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let asleep = worker.start(owned("asleep")).await;
    worker.append(sleeping(asleep, 2, NOW + 50)).await;
    let queued = |status, wake| Touch { queued: true, wake_at: Some(NOW + wake), ..touch(status) };
    let second = worker.start(owned("second")).await;
    worker.append(Append { touch: Some(queued(Status::Waiting, 70)), ..append(second, [2]) }).await;
    let first = worker.start(owned("first")).await;
    worker.append(Append { touch: Some(queued(Status::Sleeping, 60)), ..append(first, [2]) }).await;
    let claims = worker.claim(NOW, 10).await;
    assert!(claims.claimed.is_empty(), "the worker that keeps the queue took it before its time");
    assert_eq!(claims.next_wake, Some(NOW + 50));
    let next = Worker::new(&*store).await;
    let claims = next.claim(NOW, 10).await;
    let found: Vec<_> = claims.claimed.iter().map(|claimed| (claimed.instance.no, claimed.orphaned)).collect();
    assert_eq!(found, [(first, false), (second, false)], "in the order of their times, and nobody ran them");
    next.append(sleeping(first, 3, NOW + 80)).await;
    let third = Worker::new(&*store).await;
    assert_eq!(third.claimed(NOW, 10).await, [second], "what sleeps for a time alone is not taken before it");
}

pub(super) async fn the_next_wake_is_the_earliest_that_is_left(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    assert_eq!(worker.claim(NOW, 10).await.next_wake, None);
    for (id, wake) in [("a", 300), ("b", 100), ("c", 200), ("d", 100)] {
        let no = worker.start(owned(id)).await;
        worker.append(sleeping(no, 2, NOW + wake)).await;
    }
    assert_eq!(worker.claim(NOW, 10).await.next_wake, Some(NOW + 100));
    assert_eq!(worker.claim(NOW + 100, 1).await.next_wake, Some(NOW + 100), "the limit left one that is due");
    assert_eq!(worker.claim(NOW + 100, 1).await.next_wake, Some(NOW + 200));
    assert_eq!(worker.claim(NOW + 300, 10).await.next_wake, None);
}

pub(super) async fn concurrent_claims_share_nothing(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let epoch = worker.epoch;
    let mut all = Vec::new();
    for id in 0..50 {
        all.push(worker.start(start(&id.to_string())).await);
    }
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { Worker { store: &*store, epoch }.claimed(NOW, 10).await })
        })
        .collect();
    let mut claimed: Vec<InstanceNo> = Vec::new();
    for task in tasks {
        claimed.extend(task.await.expect("a claim is answered"));
    }
    claimed.sort_unstable();
    assert_eq!(claimed, all, "each is claimed once, and none is left");
}

pub(super) async fn one_is_claimed_whatever_it_waits_for(store: Arc<dyn Store>) {
    let mut worker = Worker::new(&*store).await;
    for status in Status::ALL {
        let id = format!("{status:?}");
        let no = worker.start(owned(&id)).await;
        let waits = Touch { wake_at: Some(NOW * 2), state: Some("here".into()), ..touch(status) };
        worker.append(Append { touch: Some(waits), ..append(no, [2]) }).await;
        if status == Status::WaitsForBuild {
            assert!(worker.claim_one(no).await.is_none(), "what a worker does not know it cannot decide");
            worker = Worker::new(&*store).await;
        }
        let before = worker.found(&id).await;
        let claimed = worker.claim_one(no).await.expect("nobody owns it");
        assert_eq!(claimed.instance, before);
        assert!(!claimed.orphaned);
        let after = worker.found(&id).await;
        assert_eq!(after.owner, Some(worker.epoch), "a claim of one that is {status:?} owns it");
        assert_eq!((after.status, after.wake_at, after.state), (before.status, before.wake_at, before.state));
        assert!(worker.claim_one(no).await.is_none(), "one that is {status:?} was claimed twice");
        worker.append(Append { touch: Some(touch(status)), ..append(no, [3]) }).await;
        let again = worker.claim_one(no).await;
        assert_eq!(again.is_none(), status == Status::WaitsForBuild, "one that is {status:?} was let go");
    }
}

pub(super) async fn one_that_a_living_worker_owns_is_not_claimed(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    assert!(worker.claim_one(no).await.is_none());
    assert!(worker.claim_one(InstanceNo(no.0 + 100)).await.is_none(), "there is no such instance");
    let next = Worker::new(&*store).await;
    let orphan = next.claim_one(no).await.expect("its owner is dead");
    assert!(orphan.orphaned);
    assert_eq!(next.claimed(NOW, 10).await, []);
}

pub(super) async fn one_claimed_by_a_worker_that_died_is_claimed_again(store: Arc<dyn Store>) {
    let dead = Worker::new(&*store).await;
    let parked = dead.with_status("parked", Status::Parked).await;
    let asleep = dead.start(owned("asleep")).await;
    dead.append(sleeping(asleep, 2, NOW + 10)).await;
    assert!(dead.claim_one(parked).await.is_some() && dead.claim_one(asleep).await.is_some());
    let worker = Worker::new(&*store).await;
    let claims = store.claim(worker.epoch, &[SAGA], NOW, 10).await.unwrap();
    assert!(claims.claimed.is_empty(), "a decision that was never made changed what an instance waits for");
    assert_eq!(claims.next_wake, Some(NOW + 10));
    assert_eq!(worker.claimed(NOW + 10, 10).await, [asleep]);
    assert!(worker.claim_one(parked).await.is_some());
}

pub(super) async fn what_waits_with_a_worker_that_died_is_woken_by_its_message(store: Arc<dyn Store>) {
    let dead = Worker::new(&*store).await;
    let no = dead.start(owned("a")).await;
    let waits = Touch { awaits: vec!["paid".into()], ..Touch::new(Status::Waiting, NOW) };
    dead.append(Append { touch: Some(waits), ..append(no, [2]) }).await;
    assert!(dead.claim_one(no).await.is_some(), "somebody asks for something, and it dies before it decides");
    let worker = Worker::new(&*store).await;
    // The dead are looked for, and nothing of theirs is to be done.
    for at in [NOW, NOW + 1] {
        assert_eq!(worker.claimed(at, 10).await, []);
    }
    worker.send("a", &message("paid", "1"), NOW + 2).await;
    assert_eq!(worker.claimed(NOW + 2, 10).await, [no]);
}
