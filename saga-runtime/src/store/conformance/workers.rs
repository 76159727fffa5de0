//! Two workers, each with a value of the store, and with a lease.

use super::support::{NOW, SAGA, Worker, append, message, owned, start, touch, touching};
use crate::store::{Append, Dead, InstanceNo, News, Status, Store, StoreError, Told, Touch, Write, Written};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How long something that is told at once may take.
const SOON: Duration = Duration::from_secs(10);

type Pair = (Arc<dyn Store>, Arc<dyn Store>);

async fn both((one, two): &Pair) -> (Worker<'_>, Worker<'_>) {
    (Worker::new(&**one).await, Worker::new(&**two).await)
}

/// Lets the leases of all run out but for this worker's, which is renewed.
async fn outlive(worker: &Worker<'_>) {
    let lease = worker.store.lease().expect("a store for several workers has leases");
    let end = Instant::now() + lease + lease / 4;
    while Instant::now() < end {
        worker.store.renew(worker.epoch, false).await.expect("a living worker's lease can be renewed");
        sleep(lease / 4).await;
    }
}

async fn bury_dead(worker: &Worker<'_>) -> Vec<Dead> {
    worker.store.renew(worker.epoch, true).await.expect("a living worker's lease can be renewed").dead
}

pub(super) async fn workers_live_beside_one_another(pair: Pair) {
    let (one, two) = both(&pair).await;
    assert_ne!(one.epoch, two.epoch);
    let (first, second) = (one.start(owned("a")).await, two.start(owned("b")).await);
    assert_eq!((one.claimed(NOW, 10).await, two.claimed(NOW, 10).await), (vec![], vec![]));
    assert!(one.claim_one(second).await.is_none() && two.claim_one(first).await.is_none(), "one took the other's");
    one.append(append(first, [2])).await;
    two.append(append(second, [2])).await;
    assert_eq!((two.journal(first).await.len(), one.journal(second).await.len()), (2, 2));
}

pub(super) async fn a_worker_that_begins_again_ends_its_own_life_only(pair: Pair) {
    let (one, two) = both(&pair).await;
    let (first, second) = (one.start(owned("a")).await, two.start(owned("b")).await);
    let again = Worker::new(one.store).await;
    assert_eq!(one.try_commit([Write::Append(append(first, [2]))]).await.unwrap_err(), StoreError::Fenced);
    assert_eq!(again.claimed(NOW, 10).await, [first]);
    two.append(append(second, [2])).await;
}

pub(super) async fn whoever_is_not_heard_of_for_a_lease_is_dead_once_another_one_says_so(pair: Pair) {
    let (dead, living) = both(&pair).await;
    let no = dead.start(owned("a")).await;
    outlive(&living).await;
    dead.append(append(no, [2])).await;
    assert_eq!(living.claimed(NOW, 10).await, [], "nobody has said that it is dead");
    assert_eq!(bury_dead(&living).await, [Dead { epoch: dead.epoch, owned: true }]);
    assert_eq!(bury_dead(&living).await, [], "it was buried before");
    assert_eq!(dead.try_commit([Write::Append(append(no, [3]))]).await.unwrap_err(), StoreError::Fenced);
    assert_eq!(dead.try_commit([Write::Start(start("b"))]).await.unwrap_err(), StoreError::Fenced);
    assert_eq!(dead.store.renew(dead.epoch, false).await.unwrap_err(), StoreError::Fenced);
    assert_eq!(dead.store.claim(dead.epoch, &[SAGA], NOW, 1).await.unwrap_err(), StoreError::Fenced);
    assert_eq!((living.journal(no).await.len(), living.find("b").await), (2, None), "a dead worker wrote something");
    let claims = living.claim(NOW, 10).await;
    assert!(matches!(&*claims.claimed, [claimed] if claimed.orphaned && claimed.instance.no == no));
    living.append(append(no, [3])).await;
}

pub(super) async fn of_the_dead_it_is_told_whether_they_owned_anything(pair: Pair) {
    let (dead, living) = both(&pair).await;
    let no = dead.start(owned("a")).await;
    dead.append(touching(no, 2, Status::Waiting)).await;
    outlive(&living).await;
    assert_eq!(bury_dead(&living).await, [Dead { epoch: dead.epoch, owned: false }]);
}

pub(super) async fn whoever_renews_its_lease_is_left_alone(pair: Pair) {
    let (one, two) = both(&pair).await;
    let no = one.start(owned("a")).await;
    for _ in 0..2 {
        outlive(&one).await;
        two.store.renew(two.epoch, false).await.expect("nobody has said that it is dead");
        assert_eq!(bury_dead(&two).await, []);
    }
    one.append(append(no, [2])).await;
}

pub(super) async fn whoever_stops_in_good_order_hands_over_at_once(pair: Pair) {
    let (one, two) = both(&pair).await;
    let no = one.start(owned("a")).await;
    one.store.retire(one.epoch).await.expect("a worker can retire");
    assert_eq!(two.claimed(NOW, 10).await, [no]);
    assert_eq!(one.try_commit([]).await.unwrap_err(), StoreError::Fenced);
    one.store.retire(one.epoch).await.expect("retiring twice is the same as once");
}

pub(super) async fn what_was_given_back_is_for_whoever_has_not_had_it(pair: Pair) {
    let (one, two) = both(&pair).await;
    let give_back = |no, seq| touching(no, seq, Status::WaitsForBuild);
    let no = two.start(owned("a")).await;
    two.append(give_back(no, 2)).await;
    assert_eq!(two.claimed(NOW, 10).await, [], "it gave it back itself");
    assert_eq!(one.claimed(NOW, 10).await, [no], "the earlier worker has not had it");
    one.append(give_back(no, 3)).await;
    assert_eq!((one.claimed(NOW, 10).await, two.claimed(NOW, 10).await), (vec![], vec![]), "both have had it");
    let third = Worker::new(one.store).await;
    assert_eq!(third.claimed(NOW, 10).await, [no]);
    third.append(touching(no, 4, Status::Ready)).await;
    assert_eq!(two.claimed(NOW, 10).await, [no], "something else was written of it since");
}

pub(super) async fn what_waits_for_its_turn_at_a_living_worker_is_left_to_it(pair: Pair) {
    let (one, two) = both(&pair).await;
    let no = one.start(owned("a")).await;
    let queued = Touch { queued: true, wake_at: Some(NOW + 60), ..touch(Status::Sleeping) };
    one.append(Append { touch: Some(queued), ..append(no, [2]) }).await;
    assert_eq!(two.claimed(NOW, 10).await, []);
    one.store.retire(one.epoch).await.expect("a worker can retire");
    assert_eq!(two.claimed(NOW, 10).await, [no], "nobody knows of the turn any more");
}

pub(super) async fn claims_of_several_workers_share_nothing(pair: Pair) {
    let (one, two) = both(&pair).await;
    let mut all = Vec::new();
    for id in 0..60 {
        all.push(one.start(if id % 3 == 0 { owned(&id.to_string()) } else { start(&id.to_string()) }).await);
    }
    let one = Worker::new(one.store).await;
    let tasks: Vec<_> = [(&pair.0, one.epoch), (&pair.1, two.epoch)]
        .into_iter()
        .map(|(store, epoch)| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                loop {
                    let more = Worker { store: &*store, epoch }.claimed(NOW, 7).await;
                    if more.is_empty() {
                        return claimed;
                    }
                    claimed.extend(more);
                }
            })
        })
        .collect();
    let mut claimed: Vec<InstanceNo> = Vec::new();
    for task in tasks {
        claimed.extend(task.await.expect("a claim is answered"));
    }
    claimed.sort_unstable();
    assert_eq!(claimed, all, "each is claimed once, and none is left");
}

pub(super) async fn requests_are_for_whoever_may_decide_them(pair: Pair) {
    let (one, two) = both(&pair).await;
    let mine = one.start(owned("mine")).await;
    let free = one.start(start("free")).await;
    let theirs = two.start(owned("theirs")).await;
    let unknown = one.start(owned("unknown")).await;
    one.append(touching(unknown, 2, Status::WaitsForBuild)).await;
    for no in [mine, free, theirs, unknown] {
        one.request(no, "{}").await.expect("it takes a request");
    }
    assert_eq!(one.inboxes(None, 10).await, [mine, free], "another one's, and what it does not know, are not its own");
    assert_eq!(two.inboxes(None, 10).await, [free, theirs, unknown]);
    assert_eq!(two.inboxes(Some(free), 1).await, [theirs]);
    let others = two.store.inboxes(two.epoch, &["refund"], None, 10).await.expect("inboxes can be listed");
    assert_eq!(others, [], "of other sagas than the ones named");
    assert!(one.claim_one(unknown).await.is_none(), "it gave that back");
    assert!(two.claim_one(unknown).await.is_some());
    two.append(touching(unknown, 3, Status::Parked)).await;
    assert_eq!(one.inboxes(Some(theirs), 10).await, [unknown], "somebody has written something else of it");
    one.store.retire(one.epoch).await.expect("a worker can retire");
    assert_eq!(two.inboxes(None, 10).await, [mine, free, theirs, unknown], "what a dead one had is anybody's");
}

pub(super) async fn a_touch_that_is_written_again_takes_nothing_from_whoever_has_it_now(pair: Pair) {
    let (one, two) = both(&pair).await;
    let lets_go = |no, status| Append { touch: Some(Touch { wake_at: Some(NOW), ..touch(status) }), ..append(no, []) };
    let no = one.start(owned("a")).await;
    // The answer is lost, and nothing tells that it was written.
    one.append(lets_go(no, Status::Sleeping)).await;
    one.append(lets_go(no, Status::Sleeping)).await;
    assert_eq!(two.claimed(NOW, 10).await, [no], "it is let go, however often that is said");
    let taken = two.found("a").await;
    let other = one.start(start("b")).await;
    let again = [lets_go(no, Status::Sleeping), lets_go(other, Status::Parked)].map(Write::Append);
    let written = one.try_commit(again).await.expect("an old touch is no error, and disturbs nobody");
    assert!(matches!(&*written, [Written::Appended, Written::Appended]), "an append answered {written:?}");
    assert_eq!(two.found("a").await, taken, "the other worker's claim does not stand");
    assert_eq!(two.found("b").await.status, Status::Parked, "what is its own it may touch");
    assert_eq!(one.claimed(NOW, 10).await, [], "two have it");
    two.append(append(no, [2])).await;
    // With a row and for a decision it is the same; whoever had it last may touch it.
    two.append(touching(no, 3, Status::Parked)).await;
    assert!(one.claim_one(no).await.is_some(), "nobody owns it");
    two.append(lets_go(no, Status::Parked)).await;
    assert_eq!(one.found("a").await.owner, Some(one.epoch));
    one.append(touching(no, 4, Status::Completed)).await;
    assert_eq!(two.found("a").await.status, Status::Completed);
}

async fn hears(news: &mut dyn News, wanted: Told) {
    let heard = async { while !news.next().await.expect("the line holds").contains(&wanted) {} };
    timeout(SOON, heard).await.unwrap_or_else(|_| panic!("nobody said {wanted:?}"));
}

pub(super) async fn a_worker_hears_what_the_others_do(pair: Pair) {
    let (one, two) = both(&pair).await;
    let news = two.store.news(two.epoch).await.expect("a store for several workers has news");
    let mut news = news.expect("a store for several workers has news");
    one.start(start("free")).await;
    hears(&mut *news, Told::Work).await;
    let no = two.start(owned("a")).await;
    one.request(no, "{}").await.expect("it takes a request");
    hears(&mut *news, Told::Request(no)).await;
    one.send("a", &message("paid", "1"), NOW).await;
    hears(&mut *news, Told::Message(no)).await;
    let waits = one.start(owned("waits")).await;
    one.append(super::support::waiting(waits, 2, &["paid"], None)).await;
    one.send("waits", &message("paid", "1"), NOW).await;
    hears(&mut *news, Told::Work).await;
    one.start(owned("theirs")).await;
    let theirs = one.found("theirs").await.no;
    one.append(touching(theirs, 2, Status::Completed)).await;
    hears(&mut *news, Told::Settled(theirs)).await;
    let parked = one.with_status("parked", Status::Parked).await;
    hears(&mut *news, Told::Settled(parked)).await;
    one.store.retire(one.epoch).await.expect("a worker can retire");
    hears(&mut *news, Told::Work).await;
}
