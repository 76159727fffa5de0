//! One key, one answer.

use std::time::Duration;

use serde_json::json;

use crate::service::{Service, send};

#[tokio::test]
async fn a_key_sent_again_gets_the_same_answer_and_no_second_effect() {
    let inventory = Service::inventory("none").await;
    let first = send(inventory.hold("k-1", 3)).await;
    let again = inventory.hold("k-1", 3).send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(first.0, 201);
    assert_eq!((again.status().as_u16(), again.json().await.unwrap()), first);
    assert_eq!(inventory.mugs().await, (7, 3, 0));
}

#[tokio::test]
async fn an_answer_outlives_a_kill_of_the_participant() {
    let mut inventory = Service::inventory("none").await;
    let first = send(inventory.hold("k-1", 3)).await;
    inventory.restart();
    assert_eq!(send(inventory.hold("k-1", 3)).await, first);
    assert_eq!(inventory.mugs().await, (7, 3, 0));
}

#[tokio::test]
async fn a_refusal_is_stored_like_a_success() {
    let inventory = Service::inventory("none").await;
    let first = send(inventory.hold("k-1", 11)).await;
    assert_eq!((first.0, &first.1["type"]), (409, &json!("/problems/out-of-stock")));
    inventory.put("/stock/mug", &json!({"available": 100})).await;
    assert_eq!(send(inventory.hold("k-1", 11)).await, first);
    assert_eq!(inventory.mugs().await, (100, 0, 0));
}

#[tokio::test]
async fn a_declined_card_leaves_no_charge() {
    let payments = Service::start("payments", "none");
    let charge = |key, card| {
        let total = json!({"amount": "12.50", "currency": "EUR"});
        payments.act("/charges", key, &json!({"order": "o-1", "card": card, "total": total}))
    };
    let (status, problem) = send(charge("k-1", "tok_declined")).await;
    assert_eq!((status, &problem["type"]), (402, &json!("/problems/card-declined")));
    assert_eq!(payments.get("/charges?order=o-1").await, json!([]));
    let (status, charged) = send(charge("k-2", "tok_visa")).await;
    assert_eq!(status, 201);
    assert_eq!(payments.get("/charges?order=o-1").await, json!([charged]));
    assert_eq!(payments.get("/charges?order=o-2").await, json!([]));
}

#[tokio::test]
async fn a_key_with_another_body_is_an_error() {
    let inventory = Service::inventory("none").await;
    send(inventory.hold("k-1", 3)).await;
    let (status, problem) = send(inventory.hold("k-1", 4)).await;
    assert_eq!((status, &problem["type"]), (422, &json!("/problems/key-reused")));
    assert_eq!(inventory.mugs().await, (7, 3, 0));
}

#[tokio::test]
async fn the_same_body_written_differently_is_the_same() {
    let inventory = Service::inventory("none").await;
    let first = send(inventory.hold("k-1", 3)).await;
    let body = r#"{ "quantity": 3,  "sku": "mug", "order": "o-1" }"#;
    let again = inventory.post("/holds").header("Idempotency-Key", "k-1").body(body);
    assert_eq!(send(again).await, first);
}

#[tokio::test]
async fn a_key_at_another_endpoint_is_an_error() {
    let inventory = Service::inventory("none").await;
    send(inventory.hold("k-1", 3)).await;
    let collect = inventory.act("/holds/collect", "k-1", &json!({"order": "o-1", "holds": []}));
    let (status, problem) = send(collect).await;
    assert_eq!((status, &problem["type"]), (422, &json!("/problems/key-reused")));
}

#[tokio::test]
async fn a_key_that_is_being_worked_on_says_so() {
    let inventory = Service::inventory("slow=1,slow_ms=2000").await;
    let first = tokio::spawn(send(inventory.hold("k-1", 3)));
    // The shortest that a slow call takes is a tenth of the longest.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (status, problem) = send(inventory.hold("k-1", 3)).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/in-progress")));
    let first = first.await.unwrap();
    assert_eq!(first.0, 201);
    assert_eq!(send(inventory.hold("k-1", 3)).await, first);
    assert_eq!(inventory.mugs().await, (7, 3, 0));
}

#[tokio::test]
async fn many_at_once_under_one_key_have_one_effect() {
    let inventory = Service::inventory("none").await;
    let calls: Vec<_> = (0..20).map(|_| tokio::spawn(send(inventory.hold("k-1", 1)))).collect();
    for call in calls {
        let (status, _) = call.await.unwrap();
        assert!(status == 201 || status == 409, "{status}");
    }
    assert_eq!(inventory.mugs().await, (9, 1, 0));
}

#[tokio::test]
async fn what_is_held_can_be_sold_once_and_by_its_order_only() {
    let inventory = Service::inventory("none").await;
    let (_, hold) = send(inventory.hold("k-1", 3)).await;
    let collect = |key, order| inventory.act("/holds/collect", key, &json!({"order": order, "holds": [hold["id"]]}));
    assert_eq!(send(collect("k-2", "o-2")).await.0, 409);
    assert_eq!(inventory.mugs().await, (7, 3, 0));
    assert_eq!(send(collect("k-3", "o-1")).await.0, 201);
    assert_eq!(send(collect("k-3", "o-1")).await.0, 201);
    assert_eq!(inventory.mugs().await, (7, 0, 3));
    assert_eq!(send(collect("k-4", "o-1")).await.0, 409);
    assert_eq!(send(inventory.release("u-1", "k-1")).await.0, 409);
    assert_eq!(inventory.mugs().await, (7, 0, 3));
}

#[tokio::test]
async fn a_collection_that_fails_half_way_takes_nothing() {
    let inventory = Service::inventory("none").await;
    let (_, hold) = send(inventory.hold("k-1", 3)).await;
    let body = json!({"order": "o-1", "holds": [hold["id"], "no-such-hold"]});
    let (status, _) = send(inventory.act("/holds/collect", "k-2", &body)).await;
    assert_eq!(status, 409);
    assert_eq!(inventory.mugs().await, (7, 3, 0));
}
