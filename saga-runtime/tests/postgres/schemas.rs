//! How a database gets the tables, and who may use them.

use crate::support::{builder, number, open, prompt, row, run, schema, started};
use saga_runtime::store::{Store, StoreError, postgres::Postgres};

fn refusal(opened: Result<Postgres, StoreError>) -> String {
    match opened {
        Err(StoreError::Unusable(why)) => why.into(),
        other => panic!("it was to be refused, and answered {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_that_open_a_new_database_at_once_make_its_tables_once() {
    let schema = schema();
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let schema = schema.clone();
            tokio::spawn(async move { builder(&schema).connect().await })
        })
        .collect();
    for opened in opening {
        let store = opened.await.unwrap().expect("it waits for whoever makes the tables");
        store.register().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_later_release_are_left_alone() {
    let schema = schema();
    open(&schema).await.close().await.unwrap();
    run(&mut prompt().await, format!("UPDATE {schema}.store SET version = 1000")).await;
    let why = refusal(builder(&schema).connect().await);
    assert!(why.contains("made by a later release (they are version 1000, known is up to 3)"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_the_first_release_are_brought_up_and_what_is_in_them_is_read() {
    let schema = schema();
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    store.close().await.unwrap();
    // That one wrote no sums, and did not know what was lost.
    let earlier = format!(
        "ALTER TABLE {schema}.journal DROP COLUMN sum; ALTER TABLE {schema}.instance DROP COLUMN lost;
         UPDATE {schema}.instance SET status = 'waits_for_build', owned = false; UPDATE {schema}.store SET version = 1"
    );
    run(&mut prompt().await, earlier).await;
    let store = open(&schema).await;
    let epoch = store.register().await.unwrap();
    let claims = store.claim(epoch, &["checkout"], 10, 10).await.unwrap();
    assert!(matches!(&*claims.claimed, [claimed] if claimed.orphaned), "nobody knows whether something of it was lost");
    assert_eq!(store.journal(no, 1, 10).await.unwrap(), [row(1)]);
    started(&store, epoch, "b").await;
    let sums = format!("SELECT count(sum) FROM {schema}.journal");
    assert_eq!(number(&mut prompt().await, sums).await, 1, "the second has one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_something_else_is_left_alone() {
    let (mut conn, schema) = (prompt().await, schema());
    for table in ["store (id integer, goods text)", "orders (id integer)"] {
        run(
            &mut conn,
            format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; CREATE TABLE {schema}.{table}"),
        )
        .await;
        let why = refusal(builder(&schema).connect().await);
        assert!(why.contains("holds tables of something else") && why.contains(".schema("), "{why}");
    }
    // An empty one is what somebody made for the store.
    run(&mut conn, format!("DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")).await;
    open(&schema).await.register().await.unwrap();
}

/// A connection string of a role that may connect and nothing else.
async fn role(name: &str) -> String {
    run(&mut prompt().await, format!("CREATE ROLE {name} LOGIN; REVOKE CREATE ON SCHEMA public FROM {name}")).await;
    saga_test_postgres::url().replace(saga_test_postgres::USER, name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_makes_nothing_works_with_what_it_was_granted() {
    let schema = schema();
    let worker = format!("{schema}_worker");
    let url = role(&worker).await;
    let connect = || Postgres::builder(&url).schema(&schema).connect();
    let why = refusal(connect().await);
    assert!(why.contains("this role may not make them") && why.contains("connect once with a role that may"), "{why}");
    open(&schema).await.close().await.unwrap();
    let why = refusal(connect().await);
    assert!(why.contains("GRANT USAGE ON SCHEMA"), "{why}");
    // What the message says is all that it needs.
    let grants = why[why.find("GRANT").unwrap()..].replace("the_role", &worker);
    run(&mut prompt().await, grants).await;
    let store = connect().await.expect("it may use the tables");
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    store.renew(epoch, true).await.unwrap();
    store.claim(epoch, &["checkout"], 10, 10).await.unwrap();
    store.request(no, "cancel", false).await.unwrap().expect("it runs");
    store.news(epoch).await.unwrap().expect("it listens");
    store.set_tick("nightly", 5).await.unwrap();
    store.bury(no).await.unwrap();
    store.transact(epoch).await.unwrap().rollback().await.unwrap();
    store.retire(epoch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_connection_string_is_said() {
    for (url, expected) in [
        ("sqlite://x", "begins with `postgres://`"),
        ("postgres://localhost:x/", "cannot be read"),
        (&saga_test_postgres::url().replace("/postgres?", "/nowhere?"), "database \"nowhere\" does not exist"),
        (
            &saga_test_postgres::url().replace(saga_test_postgres::USER, "nobody_here"),
            "role \"nobody_here\" does not exist",
        ),
    ] {
        let why = refusal(Postgres::connect(url).await);
        assert!(why.contains(expected), "{why}");
    }
    let why = refusal(builder("No Name").connect().await);
    assert!(why.contains("`No Name` is no name"), "{why}");
    let away = Postgres::connect("postgres://localhost:1/nothing").await.unwrap_err();
    assert!(matches!(away, StoreError::Unavailable(_)), "{away:?}");
}

#[cfg(not(feature = "postgres-tls"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_to_be_encrypted_names_the_feature() {
    let why = refusal(Postgres::connect(format!("{}&sslmode=require", saga_test_postgres::url())).await);
    assert!(why.contains("`postgres-tls`"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_whose_sessions_answer_before_it_is_durable_is_refused() {
    let off = format!("{}&options=-c%20synchronous_commit%3Doff", saga_test_postgres::url());
    let pooled = Postgres::builder(off.clone()).schema(schema()).behind_a_transaction_pooler();
    let why = refusal(pooled.connect().await);
    assert!(why.contains("`synchronous_commit` is `off`") && why.contains("ALTER ROLE"), "{why}");
    // A session of one's own is told.
    Postgres::builder(off).schema(schema()).connect().await.expect("it opens");
}
