//! Bad input: a clear error that says what to change, and nothing half-done.

use serde_json::{Value, json};

use crate::service::{Service, send};

fn blamed(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_call_without_a_usable_key_is_turned_down() {
    let inventory = Service::inventory("none").await;
    let body = json!({"order": "o-1", "sku": "mug", "quantity": 1});
    let call = || inventory.post("/holds").json(&body);
    let long = "k".repeat(65);
    for request in [
        call(),
        call().header("Idempotency-Key", ""),
        call().header("Idempotency-Key", "two words"),
        call().header("Idempotency-Key", long),
        call().header("Idempotency-Key", "schlüssel"),
        call().header("Idempotency-Key", "a").header("Idempotency-Key", "b"),
    ] {
        let (status, problem) = send(request).await;
        assert_eq!((status, blamed(&problem)), (400, vec!["Idempotency-Key"]));
    }
    let (status, problem) = send(inventory.hold("k-1", 1).header("Undoes", "k-0")).await;
    assert_eq!((status, blamed(&problem)), (400, vec!["Undoes"]));
    assert_eq!(inventory.mugs().await, (10, 0, 0));
}

#[tokio::test]
async fn the_longest_key_is_accepted() {
    let inventory = Service::inventory("none").await;
    assert_eq!(send(inventory.hold(&"k".repeat(64), 1)).await.0, 201);
}

#[tokio::test]
async fn a_compensation_must_say_what_it_undoes() {
    let inventory = Service::inventory("none").await;
    let body = json!({"order": "o-1", "hold": null});
    let (status, problem) = send(inventory.act("/holds/release", "u-1", &body)).await;
    assert_eq!((status, blamed(&problem)), (400, vec!["Undoes"]));
    let (status, _) = send(inventory.release("k-1", "k-1")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_bad_field_is_named() {
    let inventory = Service::inventory("none").await;
    for (body, field) in [
        (json!({"order": "o-1", "sku": "mug", "quantity": 0}), "/quantity"),
        (json!({"order": "o-1", "sku": "mug", "quantity": -1}), "/quantity"),
        (json!({"order": "o-1", "sku": "a mug", "quantity": 1}), "/sku"),
        (json!({"order": "", "sku": "mug", "quantity": 1}), "/order"),
        (json!({"order": "o-1", "sku": "mug", "quantity": 1, "colour": "red"}), "/colour"),
    ] {
        let (status, problem) = send(inventory.act("/holds", "k-1", &body)).await;
        assert_eq!((status, blamed(&problem)), (422, vec![field]), "{body}");
    }
    for (body, field) in [
        (json!({"available": -1}), "/available"),
        (json!({"available": "many"}), "/available"),
        (json!({"available": 1, "held": 1}), "/held"),
    ] {
        let (status, problem) = inventory.put("/stock/mug", &body).await;
        assert_eq!((status, blamed(&problem)), (422, vec![field]), "{body}");
    }
    // A call that was turned down for its form has not used up its key.
    assert_eq!(send(inventory.hold("k-1", 1)).await.0, 201);
}

#[tokio::test]
async fn an_amount_that_is_none_is_named() {
    let payments = Service::start("payments", "none");
    for (amount, currency) in [("12.505", "EUR"), ("-1", "EUR"), ("0", "EUR"), ("1", "EURO")] {
        let total = json!({"amount": amount, "currency": currency});
        let body = json!({"order": "o-1", "card": "tok_visa", "total": total});
        let (status, problem) = send(payments.act("/charges", "k-1", &body)).await;
        assert_eq!(status, 422, "{amount} {currency}");
        assert!(blamed(&problem)[0].starts_with("/total"), "{problem}");
    }
    assert_eq!(payments.get("/charges").await, json!([]));
}

#[tokio::test]
async fn what_is_no_json_is_told_apart() {
    let inventory = Service::inventory("none").await;
    let request = inventory.post("/holds").header("Idempotency-Key", "k-1").body("{");
    let (status, problem) = send(request).await;
    assert_eq!((status, &problem["type"]), (400, &json!("/problems/malformed-json")));
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_turned_down() {
    let inventory = Service::inventory("none").await;
    let body = |bytes: usize| {
        let padded = format!("{{{}}}", " ".repeat(bytes - 2));
        inventory.post("/holds").header("Idempotency-Key", "k-1").body(padded)
    };
    let (status, problem) = send(body(1024 * 1024 + 1)).await;
    assert_eq!((status, &problem["type"]), (413, &json!("/problems/body-too-large")));
    // One byte less is read, and found wanting for what it says.
    assert_eq!(send(body(1024 * 1024)).await.0, 422);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let inventory = Service::inventory("none").await;
    assert_eq!(inventory.try_get("/stock/unicorn").await.0, 404);
    let (status, problem) = inventory.try_get("/nothing/here").await;
    assert_eq!((status, &problem["type"]), (404, &json!("/problems/not-found")));
    let payments = Service::start("payments", "none");
    let (status, problem) = payments.try_get("/charges?customer=zoe").await;
    assert_eq!((status, &problem["type"]), (400, &json!("/problems/bad-query")));
}
