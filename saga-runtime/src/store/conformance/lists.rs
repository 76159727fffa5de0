use super::support::{NOW, Worker, append, owned, start, touch, touching};
use crate::store::{Append, Filter, InstanceNo, Labels, Micros, Start, Status, Store, Touch};
use futures_util::future::{Either, select};
use std::{
    future::{Future as _, poll_fn},
    sync::Arc,
    task::Poll,
};

pub(super) async fn a_list_is_by_number_and_in_pages(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let mut all = Vec::new();
    for id in 0..10 {
        all.push(worker.start(start(&format!("{}", 9 - id))).await);
    }
    assert_eq!(worker.list(&[], None, 100).await, all);
    assert_eq!(worker.list(&[], None, 0).await, []);
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = worker.list(&[Status::Ready, Status::Parked], after, 3).await;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        pages.extend(page);
    }
    assert_eq!(pages, all);
}

pub(super) async fn a_list_of_some_statuses_has_no_others(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let mut all = Vec::new();
    for round in 0..3 {
        for status in Status::ALL {
            let no = worker.start(start(&format!("{round} {status:?}"))).await;
            worker.append(touching(no, 2, status)).await;
            all.push((no, status));
        }
    }
    for statuses in [&Status::ALL[..1], &[Status::CompensatedWithDebt, Status::Parked], &Status::ALL] {
        let wanted = all.iter().filter(|(_, status)| statuses.contains(status)).map(|(no, _)| *no);
        assert_eq!(worker.list(statuses, None, 100).await, wanted.collect::<Vec<_>>());
    }
    let parked = worker.list(&[Status::Parked, Status::Parked], None, 2).await;
    assert_eq!(parked.len(), 2, "a status that is named twice is one status");
    assert_eq!(worker.list(&[Status::Parked], Some(parked[1]), 100).await.len(), 1);
}

pub(super) async fn a_list_is_of_one_moment(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("it goes from one status to another")).await;
    let mut wanders = std::pin::pin!(async {
        for seq in 2.. {
            let status = if seq % 2 == 0 { Status::Parked } else { Status::Ready };
            worker.append(touching(no, seq, status)).await;
            worker.claim_one(no).await.expect("what nobody owns can be claimed");
            // A store that answers at once lets nobody else go on.
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..100 {
        poll_fn(|cx| Poll::Ready(wanders.as_mut().poll(cx).is_ready())).await;
        let listed = worker.list(&Status::ALL, None, 10);
        // The one polls the other, so that both get on at the same time.
        let listed = match select(std::pin::pin!(listed), wanders.as_mut()).await {
            Either::Left((listed, _)) => listed,
            Either::Right(((), _)) => break,
        };
        assert_eq!(listed, [no], "whatever it is at this moment, it is one of them");
    }
    assert!(worker.journal(no).await.len() > 1, "it went on meanwhile");
}

pub(super) async fn an_empty_store_lists_nothing(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    assert_eq!(worker.list(&[], None, 10).await, []);
    assert_eq!(worker.list(&Status::ALL, None, 10).await, []);
    assert_eq!(worker.find("a").await, None);
    assert_eq!(worker.inboxes(None, 10).await, []);
}

pub(super) async fn a_filter_admits_what_it_says_and_nothing_else(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let mut all = Vec::new();
    for index in 0..24_u8 {
        let saga = ["checkout", "refund"][usize::from(index % 2)];
        let region = ["north", "south", "east"][usize::from(index % 3)];
        let labels = [("region".into(), region.into()), ("tier".into(), (index % 4).to_string().into())];
        let begun = Start {
            saga: saga.into(),
            at: NOW + Micros::from(index % 5),
            parent: (index % 4 == 3).then_some(InstanceNo(1)),
            labels: Labels::from(labels),
            ..start(&index.to_string())
        };
        let no = worker.start(begun).await;
        let status = Status::ALL[usize::from(index) % Status::ALL.len()];
        let touch = Touch {
            state: (index % 3 == 0).then(|| "charge".into()),
            error: matches!(status, Status::Parked | Status::Ready | Status::Waiting)
                .then(|| format!("{index}: the card was declined").into()),
            ..touch(status)
        };
        worker.append(Append { touch: Some(touch), ..append(no, [2]) }).await;
        let found = store.find(saga, &index.to_string()).await;
        all.push(found.expect("an identity can be looked up").expect("it was started"));
    }
    let label = |key: &str, value: &str| Labels::from([(key.into(), value.into())]);
    let both = Labels::from([("region".into(), "north".into()), ("tier".into(), "0".into())]);
    let parts = [
        Filter { saga: Some("refund".into()), ..Filter::default() },
        Filter { saga: Some("nothing".into()), ..Filter::default() },
        Filter { state: Some("charge".into()), ..Filter::default() },
        Filter { error: Some("card".into()), ..Filter::default() },
        Filter { error: Some("Card_%".into()), ..Filter::default() },
        Filter { error: Some("".into()), ..Filter::default() },
        Filter { started_after: Some(NOW + 2), started_before: Some(NOW + 4), ..Filter::default() },
        Filter { labels: label("region", "south"), ..Filter::default() },
        Filter { labels: label("south", "region"), ..Filter::default() },
        Filter { labels: both, ..Filter::default() },
        Filter { parent: Some(InstanceNo(1)), ..Filter::default() },
    ];
    let mut admitted = 0;
    for part in &parts {
        for statuses in [&[][..], &[Status::Parked, Status::Completed], &[Status::Ready]] {
            for saga in [None, Some("checkout".into()), Some("refund".into())] {
                let saga = part.saga.clone().or(saga);
                let filter = Filter { saga, statuses: statuses.into(), ..part.clone() };
                let expected: Vec<_> =
                    all.iter().filter(|instance| filter.admits(instance)).map(|instance| instance.no).collect();
                admitted += expected.len();
                assert_eq!(worker.listed(&filter).await, expected, "{filter:?}");
            }
        }
    }
    assert!(admitted > 100, "filters that admit nothing show nothing");
}

pub(super) async fn the_newest_can_come_first(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let region = || Labels::from([("region".into(), "north".into())]);
    let mut all = Vec::new();
    for id in 0..7 {
        all.push(worker.start(Start { labels: region(), ..start(&id.to_string()) }).await);
    }
    all.reverse();
    let of_saga = Filter { saga: Some("checkout".into()), ..Filter::default() };
    for filter in [Filter::default(), of_saga, Filter { labels: region(), ..Filter::default() }] {
        let filter = Filter { newest_first: true, ..filter };
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = store.list(&filter, after, 3).await.expect("instances can be listed");
            let Some(last) = page.last() else { break };
            after = Some(last.no);
            pages.extend(page.iter().map(|instance| instance.no));
        }
        assert_eq!(pages, all, "{filter:?}");
    }
}
