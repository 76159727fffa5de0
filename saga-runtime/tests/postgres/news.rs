//! What workers are told, and what they are spared.

use crate::support::{builder, open, prompt, run, schema, start, started, touching};
use saga_runtime::store::{Status, Store, StoreError, Told, Write};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_says_so() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let mut news = store.news(epoch).await.unwrap().unwrap();
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%{schema}_news%' AND pid <> pg_backend_pid()"
    );
    run(&mut prompt().await, cut).await;
    let told = timeout(Duration::from_secs(10), news.next()).await.expect("it is noticed");
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    assert!(store.news(epoch).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_himself_and_much_is_told_in_little() {
    let schema = schema();
    let (one, two) = (open(&schema).await, open(&schema).await);
    let (first, second) = (one.register().await.unwrap(), two.register().await.unwrap());
    let (mut own, mut others) = (one.news(first).await.unwrap().unwrap(), two.news(second).await.unwrap().unwrap());
    let mut numbers = Vec::new();
    for index in 0..300 {
        numbers.push(started(&one, first, &index.to_string()).await);
    }
    let ends: Vec<_> = numbers.iter().map(|no| touching(*no, 2, Status::Completed)).collect();
    one.commit(first, &ends).await.unwrap();
    let (mut settled, mut turns) = (Vec::new(), 0);
    while settled.len() < numbers.len() {
        turns += 1;
        let told = timeout(Duration::from_secs(10), others.next()).await.expect("it is told").unwrap();
        settled.extend(told.into_iter().filter_map(|told| if let Told::Settled(no) = told { Some(no) } else { None }));
    }
    settled.sort_unstable();
    assert_eq!(settled, numbers);
    assert!(turns < 100, "300 ends were told {turns} times");
    assert!(timeout(Duration::from_millis(100), own.next()).await.is_err(), "a worker was told what it did itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_alone_tells_nobody_until_another_one_comes() {
    let schema = schema();
    let one = open(&schema).await;
    let first = one.register().await.unwrap();
    let mut own = one.news(first).await.unwrap().unwrap();
    one.renew(first, true).await.unwrap();
    let listening = tokio::spawn(async move { own.next().await });
    let two = open(&schema).await;
    let second = two.register().await.unwrap();
    let mut news = two.news(second).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    one.commit(first, &[Write::Start(saga_runtime::store::Start { owned: false, ..start("a") })]).await.unwrap();
    let told = timeout(Duration::from_secs(10), news.next()).await.expect("it is told").unwrap();
    assert_eq!(told, [Told::Work]);
    listening.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_polls_hears_nothing() {
    for builder in [builder(&schema()).poll_only(), builder(&schema()).behind_a_transaction_pooler()] {
        let store = builder.connect().await.unwrap();
        let epoch = store.register().await.unwrap();
        assert!(store.news(epoch).await.unwrap().is_none());
        started(&store, epoch, "a").await;
    }
    let store =
        builder(&schema()).behind_a_transaction_pooler().listen_at(saga_test_postgres::url()).connect().await.unwrap();
    let epoch = store.register().await.unwrap();
    assert!(store.news(epoch).await.unwrap().is_some());
}
