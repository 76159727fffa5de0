//! A file that may not grow, and one that somebody else keeps locked.

use super::support::{Folder, another, append, ended, row, start, started};
use saga_runtime::store::{
    Append, Filter, Row, Store, StoreError, Write, Written,
    committer::{CommitError, Committer, Health},
    sqlite::Sqlite,
};
use sqlx::raw_sql;
use std::sync::Arc;

#[tokio::test]
async fn a_full_store_refuses_starts_and_keeps_results_until_there_is_room() {
    let folder = Folder::new();
    let store = Arc::new(Sqlite::builder(folder.file("orders.db")).max_bytes(1 << 20).open().await.unwrap());
    let epoch = store.register().await.unwrap();
    let committer = Committer::new(Arc::clone(&store) as Arc<dyn Store>, epoch);
    let running = started(&*store, epoch, "running").await;
    let big = Row { event: "x".repeat(50_000).into(), ..row(1) };
    let mut fitted = Vec::new();
    let cause = loop {
        let mut start = start(&fitted.len().to_string());
        start.rows = vec![big.clone()];
        match committer.write(Write::Start(start)).await {
            Ok(Written::Started(no)) => fitted.push(no),
            Err(CommitError::Unavailable(cause)) => break cause,
            other => panic!("a start in a store that fills up answered {other:?}"),
        }
        assert!(fitted.len() < 100, "the store has no limit");
    };
    assert!(cause.contains("no room"), "the cause is not named: {cause}");
    assert!(store.find("checkout", &fitted.len().to_string()).await.unwrap().is_none(), "half a start is there");

    let result = Append { rows: vec![Row { seq: 2, ..big }], ..append(running, 2) };
    let kept = tokio::spawn(committer.write(Write::Append(result.clone())));
    let mut health = committer.health();
    health.wait_for(|health| matches!(health, Health::Unavailable(_))).await.unwrap();
    for no in &fitted {
        assert!(!kept.is_finished(), "there was room before any was made");
        // What has no room to end is not the point here: it ends in what little is left, or not.
        if store.commit(epoch, &[Write::Append(ended(*no, 2))]).await.is_ok() && store.bury(*no).await == Ok(true) {
            break;
        }
    }
    assert!(matches!(kept.await.unwrap(), Ok(Written::Appended)));
    assert_eq!(store.journal(running, 2, 10).await.unwrap(), result.rows);
    health.wait_for(|health| *health == Health::Available).await.unwrap();
    assert!(matches!(committer.write(Write::Start(start("small"))).await, Ok(Written::Started(_))));
}

#[tokio::test]
async fn a_file_that_was_full_goes_on_with_more_room() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::builder(&path).max_bytes(200_000).open().await.unwrap();
    let epoch = store.register().await.unwrap();
    let mut big = start("big");
    big.rows = vec![Row { event: "x".repeat(300_000).into(), ..row(1) }];
    let writes = [Write::Start(start("small")), Write::Start(big)];
    assert!(matches!(store.commit(epoch, &writes).await.unwrap_err(), StoreError::Unavailable(_)));
    assert!(store.list(&Filter::default(), None, 10).await.unwrap().is_empty(), "half a batch was written");
    assert_eq!(store.commit(epoch, &writes[..1]).await.unwrap().len(), 1, "what fits is written");
    store.close().await.unwrap();
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    assert_eq!(store.commit(epoch, &writes).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_file_that_somebody_keeps_locked_is_away_and_comes_back() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let mut person = another(&path).await;
    raw_sql("BEGIN IMMEDIATE").execute(&mut person).await.unwrap();
    let error = store.commit(epoch, &[Write::Append(append(no, 2))]).await.unwrap_err();
    let StoreError::Unavailable(cause) = error else { panic!("a locked file is {error:?}") };
    assert!(cause.contains("locked"), "{cause}");
    assert_eq!(store.journal(no, 1, 10).await.unwrap(), [row(1)], "reading goes on");
    raw_sql("ROLLBACK").execute(&mut person).await.unwrap();
    store.commit(epoch, &[Write::Append(append(no, 2))]).await.unwrap();
}
