//! Futures that are dropped in the middle, and readers beside writers.

use super::support::{Folder, append, row, start, started};
use saga_runtime::store::{Store, Write, sqlite::Sqlite};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_commit_that_is_dropped_in_the_middle_is_whole_or_not_there() {
    let folder = Folder::new();
    let store = Sqlite::open(folder.file("orders.db")).await.unwrap();
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let mut finished = 0;
    let mut seq = 2;
    for micros in (0..4000).step_by(50) {
        let batch = [
            Write::Start(start(&format!("first {micros}"))),
            Write::Append(append(no, seq)),
            Write::Start(start(&format!("last {micros}"))),
        ];
        finished +=
            u32::from(tokio::time::timeout(Duration::from_micros(micros), store.commit(epoch, &batch)).await.is_ok());
        // The next write waits until the interrupted one is over, one way or the other.
        let other = started(&store, epoch, &format!("between {micros}")).await;
        let first = store.find("checkout", &format!("first {micros}")).await.unwrap();
        let last = store.find("checkout", &format!("last {micros}")).await.unwrap();
        let appended = store.journal(no, seq, 1).await.unwrap();
        assert_eq!(first.is_some(), last.is_some(), "half a batch was written");
        assert_eq!(first.is_some(), appended == [row(seq)], "half a batch was written");
        seq += u64::from(first.is_some());
        assert_eq!(store.journal(other, 1, 9).await.unwrap(), [row(1)]);
    }
    assert!(finished > 0, "no commit had time enough to finish");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_store_closes_although_a_commit_was_dropped_just_before() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    for round in 0..20 {
        let store = Sqlite::open(&path).await.unwrap();
        let epoch = store.register().await.unwrap();
        let batch: Vec<_> = (0..200).map(|id| Write::Start(start(&format!("{round} {id}")))).collect();
        let _ = tokio::time::timeout(Duration::from_micros(500), store.commit(epoch, &batch)).await;
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_whole_batches_only() {
    let folder = Folder::new();
    let store = Arc::new(Sqlite::open(folder.file("orders.db")).await.unwrap());
    let epoch = store.register().await.unwrap();
    let no = started(&*store, epoch, "a").await;
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for round in 0..100 {
                let rows = (0..5).map(|index| Write::Append(append(no, 2 + round * 5 + index)));
                store.commit(epoch, &rows.collect::<Vec<_>>()).await.unwrap();
            }
        }
    });
    let mut seen = 0;
    while seen < 501 {
        let rows = store.journal(no, 1, 1000).await.unwrap();
        assert_eq!(rows.len() % 5, 1, "a reader saw half a batch");
        assert!(rows.len() >= seen, "a reader saw the past");
        seen = rows.len();
    }
    writer.await.unwrap();
}
