//! Each way to misbehave, and that the contract holds under it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::service::{Service, send};

#[tokio::test]
async fn a_lost_answer_is_given_to_whoever_asks_again() {
    let inventory = Service::inventory("lost=1").await;
    assert!(inventory.hold("k-1", 3).send().await.is_err(), "nobody answers");
    assert_eq!(inventory.mugs().await, (7, 3, 0));
    inventory.put("/faults", &json!({})).await;
    let again = inventory.hold("k-1", 3).send().await.unwrap();
    assert_eq!(again.status(), 201);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(inventory.mugs().await, (7, 3, 0));
}

#[tokio::test]
async fn an_unavailable_service_has_done_nothing() {
    let inventory = Service::inventory("unavailable=1").await;
    assert_eq!(send(inventory.hold("k-1", 3)).await.0, 503);
    assert_eq!(inventory.mugs().await, (10, 0, 0));
    assert_eq!(inventory.get("/keys").await["fired"]["unavailable"], 1);
    inventory.put("/faults", &json!({})).await;
    assert_eq!(send(inventory.hold("k-1", 3)).await.0, 201);
}

#[tokio::test]
async fn a_late_call_has_its_effect_after_its_caller_has_gone() {
    let inventory = Service::inventory("late=1,late_ms=500").await;
    assert!(inventory.hold("k-1", 3).send().await.is_err(), "nobody answers");
    assert_eq!(inventory.mugs().await, (10, 0, 0));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(inventory.mugs().await, (7, 3, 0));
}

#[tokio::test]
async fn a_slow_call_goes_on_when_its_caller_gives_up() {
    let inventory = Service::inventory("slow=1,slow_ms=1000").await;
    let gave_up = inventory.hold("k-1", 3).timeout(Duration::from_millis(50)).send().await;
    assert!(gave_up.unwrap_err().is_timeout());
    let begun = Instant::now();
    while inventory.mugs().await != (7, 3, 0) {
        assert!(begun.elapsed() < Duration::from_secs(5), "never carried out");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn refusals_are_drawn_by_key_and_have_no_effect() {
    let inventory = Service::inventory("refuse=0.5").await;
    let mut refused = 0;
    for key in 0..10 {
        let key = format!("k-{key}");
        let first = send(inventory.hold(&key, 1)).await;
        assert_eq!(send(inventory.hold(&key, 1)).await, first);
        refused += i64::from(first.0 == 409);
    }
    assert!((1..10).contains(&refused), "{refused}");
    assert_eq!(inventory.mugs().await, (refused, 10 - refused, 0));
}

#[tokio::test]
async fn a_compensation_is_never_refused_on_purpose() {
    let inventory = Service::inventory("refuse=1").await;
    let (status, _) = send(inventory.release("u-1", "k-1")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn faults_that_make_no_sense_are_turned_down() {
    let inventory = Service::inventory("none").await;
    for faults in [json!({"lost": 2}), json!({"bored": 0.1}), json!({"lost": 0.6, "late": 0.6})] {
        let (status, problem) = inventory.put("/faults", &faults).await;
        assert_eq!(status, 422, "{problem}");
    }
    let shipping = Service::start("shipping", "none");
    let (status, problem) = shipping.put("/faults", &json!({"refuse": 0.1})).await;
    assert_eq!(status, 422, "{problem}");
}
