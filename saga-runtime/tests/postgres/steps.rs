//! Transactions in which steps write to tables of their own.

use crate::support::{append, number, open, prompt, run, schema, started};
use saga_runtime::store::{Store, StoreError, Transaction};
use sqlx::{PgConnection, query};
use std::time::{Duration, Instant};

fn connection(transaction: &mut Box<dyn Transaction>) -> &mut PgConnection {
    transaction.connection().downcast_mut().expect("it is one of Postgres's")
}

async fn write(conn: &mut PgConnection, schema: &str) {
    run(conn, format!("INSERT INTO {schema}_goods VALUES (1)")).await;
}

async fn goods(schema: &str) -> i64 {
    number(&mut prompt().await, format!("SELECT count(*) FROM {schema}_goods")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_wrote_is_there_exactly_if_its_row_is() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    run(&mut prompt().await, format!("CREATE TABLE {schema}_goods (id integer)")).await;
    let mut transaction = store.transact(epoch).await.unwrap();
    write(connection(&mut transaction), &schema).await;
    transaction.commit(&[append(no, 2)]).await.unwrap();
    assert_eq!((goods(&schema).await, store.length(no).await), (1, Ok(2)));
    let mut transaction = store.transact(epoch).await.unwrap();
    write(connection(&mut transaction), &schema).await;
    let gap = transaction.commit(&[append(no, 4)]).await.unwrap_err();
    assert!(matches!(gap, StoreError::Write { index: 0, .. }), "{gap:?}");
    let mut transaction = store.transact(epoch).await.unwrap();
    write(connection(&mut transaction), &schema).await;
    transaction.rollback().await.unwrap();
    let mut transaction = store.transact(epoch).await.unwrap();
    write(connection(&mut transaction), &schema).await;
    drop(transaction);
    assert_eq!((goods(&schema).await, store.length(no).await), (1, Ok(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_ends_the_transaction_itself_is_noticed() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    for ending in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "ROLLBACK AND CHAIN"] {
        let mut transaction = store.transact(epoch).await.unwrap();
        run(connection(&mut transaction), ending).await;
        let over = transaction.commit(&[append(no, 2)]).await.unwrap_err();
        assert!(matches!(&over, StoreError::Unusable(why) if why.contains("must not commit")), "{ending}: {over:?}");
        let mut transaction = store.transact(epoch).await.unwrap();
        run(connection(&mut transaction), ending).await;
        assert!(matches!(transaction.rollback().await, Err(StoreError::Unusable(_))), "{ending}");
    }
    let mut transaction = store.transact(epoch).await.unwrap();
    query("SELECT nothing").execute(connection(&mut transaction)).await.unwrap_err();
    let over = transaction.commit(&[append(no, 2)]).await.unwrap_err();
    assert!(matches!(&over, StoreError::Unusable(why) if why.contains("SAVEPOINT")), "{over:?}");
    let mut transaction = store.transact(epoch).await.unwrap();
    query("SELECT nothing").execute(connection(&mut transaction)).await.unwrap_err();
    transaction.rollback().await.expect("after an error a rollback is what is wanted");
    assert_eq!(store.length(no).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_still_runs_is_interrupted_by_a_rollback() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let mut transaction = store.transact(epoch).await.unwrap();
    let slow = query("SELECT pg_sleep(60)").execute(connection(&mut transaction));
    assert!(tokio::time::timeout(Duration::from_millis(200), slow).await.is_err());
    let begun = Instant::now();
    transaction.rollback().await.unwrap();
    let still = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'";
    while number(&mut prompt().await, still).await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the statement was not interrupted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    store.transact(epoch).await.unwrap().rollback().await.unwrap();
}

/// What is checked when a transaction ends is an error of the step's, and not of the record's.
#[tokio::test(flavor = "multi_thread")]
async fn a_constraint_that_is_checked_at_the_end_is_checked_before_the_record() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    run(
        &mut prompt().await,
        format!("CREATE TABLE {schema}_goods (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO {schema}_goods VALUES (1)"),
    )
    .await;
    let mut transaction = store.transact(epoch).await.unwrap();
    write(connection(&mut transaction), &schema).await;
    let refused = transaction.commit(&[append(no, 2)]).await.unwrap_err();
    assert!(!matches!(refused, StoreError::Write { .. } | StoreError::InDoubt(_)), "{refused:?}");
    assert_eq!((goods(&schema).await, store.length(no).await), (1, Ok(1)));
}
