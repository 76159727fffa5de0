//! A worker whose life was ended changes nothing, at whatever moment that happens.

use crate::support::{append, number, open, prompt, run, schema, start, started, touching, until_somebody_waits};
use saga_runtime::store::{Dead, Status, Store, StoreError, Write};
use std::{sync::Arc, time::Duration};

/// What rule 28 is about: under `READ COMMITTED` a check without a lock sees the past, and writes into the present.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_without_a_lock_lets_a_stale_row_through_and_the_lock_does_not() {
    let schema = schema();
    let store = open(&schema).await;
    let (mut dying, mut heir) = (prompt().await, prompt().await);
    for (locks, written) in [(false, 1), (true, 0)] {
        let epoch = store.register().await.unwrap();
        let no = started(&store, epoch, &format!("locks {locks}")).await;
        let row = format!("SELECT FROM {schema}.worker WHERE epoch = {}", epoch.0);
        let check = if locks {
            format!("EXISTS (SELECT FROM ({row} FOR KEY SHARE) AS held)")
        } else {
            format!("EXISTS ({row})")
        };
        let stale = format!(
            "INSERT INTO {schema}.journal SELECT {}, 2, 2, 0, 'stale' FROM (SELECT pg_sleep(0.5)) AS slow WHERE {check}",
            no.0
        );
        // The heir has ended the worker's life, and is about to commit that, when the worker's commit looks.
        run(&mut heir, format!("BEGIN; DELETE FROM {schema}.worker WHERE epoch = {}", epoch.0)).await;
        let late = tokio::spawn(async move {
            run(&mut dying, stale).await;
            dying
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        run(&mut heir, "COMMIT").await;
        let seen =
            number(&mut heir, format!("SELECT count(*) FROM {schema}.journal WHERE instance = {} AND seq = 2", no.0))
                .await;
        assert_eq!(seen, 0, "the heir reads the journal before anything stale is there");
        dying = late.await.unwrap();
        let stale = number(
            &mut heir,
            format!("SELECT count(*) FROM {schema}.journal WHERE event = 'stale' AND instance = {}", no.0),
        );
        assert_eq!(stale.await, written, "with a lock: {locks}");
    }
}

/// The same with the store's own commit, in each of its shapes.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_waits_for_a_take_over_writes_nothing() {
    let schema = schema();
    let store = Arc::new(open(&schema).await);
    let mut heir = prompt().await;
    for shape in 0..3 {
        let epoch = store.register().await.unwrap();
        let no = started(&store, epoch, &format!("shape {shape}")).await;
        let late = [
            vec![append(no, 2)],
            vec![touching(no, 2, Status::Completed), Write::Start(start("new"))],
            vec![touching(no, 2, Status::Waiting)],
        ];
        let batch = late[shape].clone();
        run(&mut heir, format!("BEGIN; DELETE FROM {schema}.worker WHERE epoch = {}", epoch.0)).await;
        let commit = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit(epoch, &batch).await.map(drop) }
        });
        let mut onlooker = prompt().await;
        until_somebody_waits(&mut onlooker, &schema).await;
        run(&mut heir, "COMMIT").await;
        assert_eq!(commit.await.unwrap(), Err(StoreError::Fenced));
        assert_eq!(store.length(no).await, Ok(1));
        assert_eq!(store.find("checkout", "new").await, Ok(None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_over_waits_for_the_commit_under_way_and_sees_it() {
    let schema = schema();
    let (store, other) = (Arc::new(open(&schema).await), Arc::new(open(&schema).await));
    let (epoch, heir) = (store.register().await.unwrap(), other.register().await.unwrap());
    let no = started(&store, epoch, "a").await;
    let mut blocker = prompt().await;
    // The commit has its worker's row, and waits for the instance's.
    run(&mut blocker, format!("BEGIN; SELECT FROM {schema}.instance WHERE no = {} FOR UPDATE", no.0)).await;
    let commit = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(epoch, &[touching(no, 2, Status::Sleeping)]).await.map(drop) }
    });
    let mut onlooker = prompt().await;
    until_somebody_waits(&mut onlooker, &schema).await;
    let lease = store.lease().unwrap();
    tokio::time::sleep(lease + lease / 4).await;
    let bury = tokio::spawn({
        let other = Arc::clone(&other);
        async move { other.renew(heir, true).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!bury.is_finished(), "a life was ended in the middle of a commit");
    run(&mut blocker, "COMMIT").await;
    assert_eq!(commit.await.unwrap(), Ok(()), "what was under way is committed");
    let gone = bury.await.unwrap().unwrap().dead;
    assert_eq!(gone, [Dead { epoch, owned: false }], "its last commit let go of what it had");
    assert_eq!(other.length(no).await, Ok(2));
    assert_eq!(store.commit(epoch, &[append(no, 3)]).await.unwrap_err(), StoreError::Fenced);
}

/// Stopped between two statements of a transaction, a worker would keep others from its work for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stands_still_in_a_transaction_is_taken_over() {
    let schema = schema();
    let (store, other) = (open(&schema).await, open(&schema).await);
    let (epoch, heir) = (store.register().await.unwrap(), other.register().await.unwrap());
    let no = started(&store, epoch, "a").await;
    let stopped = store.transact(epoch).await.unwrap();
    let lease = store.lease().unwrap();
    tokio::time::sleep(lease + lease / 4).await;
    assert_eq!(other.renew(heir, true).await.unwrap().dead, [Dead { epoch, owned: true }]);
    let claims = other.claim(heir, &["checkout"], 10, 10).await.unwrap();
    assert!(matches!(&*claims.claimed, [claimed] if claimed.orphaned && claimed.instance.no == no));
    stopped.commit(&[append(no, 2)]).await.unwrap_err();
    assert_eq!(other.length(no).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_dead_workers_left_is_shared_by_the_living() {
    let schema = schema();
    for life in 0..5 {
        let store = open(&schema).await;
        let epoch = store.register().await.unwrap();
        let batch: Vec<_> = (0..40).map(|index| Write::Start(start(&format!("{life} {index}")))).collect();
        store.commit(epoch, &batch).await.unwrap();
        store.retire(epoch).await.unwrap();
        store.close().await.unwrap();
    }
    let heirs: Vec<_> = (0..4)
        .map(|_| {
            let schema = schema.clone();
            tokio::spawn(async move {
                let store = open(&schema).await;
                let epoch = store.register().await.unwrap();
                let mut claimed = Vec::new();
                loop {
                    let claims = store.claim(epoch, &["checkout"], 10, 9).await.unwrap();
                    assert!(claims.claimed.iter().all(|claimed| claimed.orphaned));
                    if claims.claimed.is_empty() {
                        return claimed;
                    }
                    claimed.extend(claims.claimed.into_iter().map(|claimed| claimed.instance.no));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for heir in heirs {
        all.extend(heir.await.unwrap());
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 200, "each is claimed once");
    // Nothing is left of the dead, and so nobody looks for it any more.
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    store.claim(epoch, &["checkout"], 10, 9).await.unwrap();
    assert_eq!(number(&mut prompt().await, format!("SELECT count(*) FROM {schema}.dead")).await, 0);
}
