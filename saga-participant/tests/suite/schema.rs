//! The tables, and how a database gets them.

use saga_participant::Participant;

use super::Service;
use crate::Database;

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_may_open_one_database_at_once() {
    let database = Database::fresh().await;
    let mut opening = Vec::new();
    for _ in 0..5 {
        let pool = database.pool().await;
        opening.push(tokio::spawn(async move { Participant::open(pool).await.map(drop) }));
    }
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn opening_again_keeps_what_is_there() {
    let service = Service::start().await;
    service.hold("k", 3).await.unwrap();
    service.participant.migrate().await.unwrap();
    assert!(service.hold("k", 3).await.unwrap().is_replayed());
}

#[tokio::test]
async fn tables_of_a_later_release_are_left_alone() {
    let service = Service::start().await;
    sqlx::query("UPDATE saga_calls_version SET version = 1000").execute(service.pool()).await.unwrap();
    let error = service.participant.migrate().await.unwrap_err();
    assert_eq!(error.to_string(), "the table saga_calls is of a later release (version 1000, known is up to 1)");
}

#[tokio::test]
async fn a_database_without_the_tables_says_so_and_does_nothing() {
    let database = Database::fresh().await;
    let participant = Participant::new(database.pool().await);
    let error = super::hold(&participant, "k", 3).await.unwrap_err();
    assert!(error.is_failed() && error.to_string().contains("saga_calls"), "{error}");
}
