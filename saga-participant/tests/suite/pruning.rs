//! What is forgotten, and what that costs.

use std::time::Duration;

use saga_participant::Keep;

use super::Service;

const NOTHING: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_hours(1);

/// A service with one key of each kind.
async fn used() -> Service {
    let service = Service::start().await;
    service.hold("standing", 1).await.unwrap();
    service.hold("refused", 11).await.unwrap();
    service.release("empty", "never").await.unwrap();
    service.hold("undone", 1).await.unwrap();
    service.release("undo", "undone").await.unwrap();
    service
}

async fn kept(service: &Service) -> Vec<String> {
    sqlx::query_scalar("SELECT key FROM saga_calls ORDER BY key").fetch_all(service.pool()).await.unwrap()
}

#[tokio::test]
async fn what_is_young_is_kept() {
    let service = used().await;
    assert_eq!(service.participant.prune(Keep { settled: HOUR, standing: Some(HOUR) }).await.unwrap(), 0);
    assert_eq!(service.participant.prune(Keep { settled: Duration::MAX, standing: None }).await.unwrap(), 0);
    assert_eq!(kept(&service).await.len(), 6);
}

#[tokio::test]
async fn what_stands_is_kept_apart_so_that_it_can_be_undone() {
    let service = used().await;
    assert_eq!(service.participant.prune(Keep { settled: NOTHING, standing: None }).await.unwrap(), 5);
    assert_eq!(kept(&service).await, ["standing"]);
    assert!(service.hold("standing", 1).await.unwrap().is_replayed());
    assert_eq!(service.release("late", "standing").await.unwrap().body(), r#"{"undone":true}"#);
    assert!(service.held().await.is_empty());
}

#[tokio::test]
async fn what_is_forgotten_is_as_if_it_had_never_come() {
    let service = used().await;
    assert_eq!(service.participant.prune(Keep { settled: NOTHING, standing: Some(NOTHING) }).await.unwrap(), 6);
    // A barrier is gone, an answer is gone, and an effect can no longer be undone: what the docs say that it costs.
    assert!(!service.hold("never", 1).await.unwrap().is_replayed());
    assert!(!service.hold("refused", 11).await.unwrap().is_replayed());
    assert_eq!(service.release("late", "standing").await.unwrap().body(), r#"{"undone":false}"#);
    assert_eq!(service.held().await, ["never", "standing"]);
}

#[tokio::test]
async fn age_counts_from_the_answer() {
    let service = used().await;
    let hour = i64::try_from(HOUR.as_micros()).unwrap();
    let older =
        sqlx::query("UPDATE saga_calls SET answered_at = answered_at - $1 WHERE key = 'refused'").bind(2 * hour);
    older.execute(service.pool()).await.unwrap();
    assert_eq!(service.participant.prune(Keep { settled: HOUR, standing: Some(HOUR) }).await.unwrap(), 1);
    assert!(!kept(&service).await.contains(&"refused".to_owned()));
}

#[tokio::test]
async fn many_are_forgotten_in_small_batches() {
    let service = Service::start().await;
    let insert =
        "INSERT INTO saga_calls (scope, key, kind, action, request, standing, refused, status, body, answered_at)
                  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)
                  SELECT '', 'k' || i, 'action', 'hold', '', 1, 0, 200, '', 1 FROM n";
    sqlx::query(insert).execute(service.pool()).await.unwrap();
    assert_eq!(service.participant.prune(Keep { settled: HOUR, standing: None }).await.unwrap(), 0);
    assert_eq!(service.participant.prune(Keep { settled: HOUR, standing: Some(HOUR) }).await.unwrap(), 1201);
}
