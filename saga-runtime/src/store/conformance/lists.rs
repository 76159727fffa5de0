use super::support::{Worker, start, touching};
use crate::store::{Status, Store};
use std::sync::Arc;

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

pub(super) async fn an_empty_store_lists_nothing(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    assert_eq!(worker.list(&[], None, 10).await, []);
    assert_eq!(worker.list(&Status::ALL, None, 10).await, []);
    assert_eq!(worker.find("a").await, None);
    assert_eq!(worker.inboxes(None, 10).await, []);
}
