//! Bad orders: a clear error, and nothing begins.

use serde_json::{Value, json};

use crate::service::send;
use crate::shop::{Shop, two_mugs};

#[tokio::test]
async fn a_bad_order_is_answered_with_all_fields_that_are_wrong() {
    let shop = Shop::open("none").await;
    let mut order = two_mugs("o-1");
    order["currency"] = "EURO".into();
    order["lines"][0]["quantity"] = 0.into();
    order["lines"][0]["unit_price"] = Value::Null;
    let response = shop.orders.post("/orders").json(&order).send().await.unwrap();
    assert_eq!(response.status(), 422);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    let errors = problem["errors"].as_array().unwrap();
    let fields: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(fields, ["/currency", "/lines/0/quantity", "/lines/0/unit_price"]);
    assert_eq!(shop.orders.try_get("/orders/o-1").await.0, 404);
}

#[tokio::test]
async fn a_body_that_is_no_order_is_told_apart() {
    let shop = Shop::open("none").await;
    for (body, status, kind) in [
        ("{".to_owned(), 400, "/problems/malformed-json"),
        (String::new(), 400, "/problems/malformed-json"),
        ("{}".to_owned(), 422, "/problems/invalid-input"),
        (json!({"id": "o-1", "colour": "red"}).to_string(), 422, "/problems/invalid-input"),
        (" ".repeat(1024 * 1024 + 1), 413, "/problems/body-too-large"),
    ] {
        let (answered, problem) = send(shop.orders.post("/orders").body(body)).await;
        assert_eq!((answered, &problem["type"]), (status, &json!(kind)));
    }
}

#[tokio::test]
async fn a_large_order_is_accepted() {
    let shop = Shop::open("none").await;
    let mut order = two_mugs("o-1");
    order["lines"] = vec![json!({"sku": "mug", "quantity": 1, "unit_price": "12.50"}); 10].into();
    assert_eq!(shop.settle(&order).await["status"], "completed");
    assert_eq!(shop.inventory.mugs().await, (0, 0, 10));
}

#[tokio::test]
async fn an_order_that_nobody_placed_is_not_there() {
    let shop = Shop::open("none").await;
    for path in ["/orders/o-1", "/orders/o-1/timeline", "/order"] {
        let (status, problem) = shop.orders.try_get(path).await;
        assert_eq!((status, &problem["type"]), (404, &json!("/problems/not-found")), "{path}");
    }
    assert_eq!(shop.orders.get("/orders").await, json!([]));
}
