//! What becomes of an order.

use serde_json::{Value, json};

use crate::service::{Service, send};
use crate::shop::{Shop, mugs_and_teapots, two_mugs};

fn events(timeline: &Value) -> Vec<&str> {
    timeline.as_array().unwrap().iter().map(|moment| moment["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_good_order_is_charged_and_sent_once() {
    let shop = Shop::open("none").await;
    let order = shop.settle(&two_mugs("o-1")).await;
    assert_eq!(order["status"], "completed", "{order}");
    let charges = shop.payments.get("/charges?order=o-1").await;
    let parcels = shop.shipping.get("/parcels?order=o-1").await;
    let receipt = json!({"order": "o-1", "charge": charges[0]["id"], "parcel": parcels[0]["id"]});
    assert_eq!(order["receipt"], receipt);
    assert_eq!(charges[0]["total"], json!({"amount": "25.00", "currency": "EUR"}));
    assert_eq!(shop.charges_and_parcels("o-1").await, (1, 1));
    assert_eq!(shop.inventory.mugs().await, (8, 0, 2));
}

#[tokio::test]
async fn what_a_service_accepted_without_an_order_is_told() {
    let shop = Shop::open("none").await;
    shop.settle(&two_mugs("o-1")).await;
    let verdict = shop.orders.get("/verdict").await;
    assert_eq!(verdict["violations"], json!([]));
    assert!(verdict["line"].as_str().unwrap().ends_with("4 effects: no violation"), "{verdict}");
    let charge = json!({"order": "o-2", "card": "tok_visa", "total": {"amount": "25.00", "currency": "EUR"}});
    let (status, _) = send(shop.payments.post("/charges").header("Idempotency-Key", "forged").json(&charge)).await;
    assert_eq!(status, 201);
    let says =
        "recorded before it begins: checkout: `charge` was accepted under the key forged, which no row announces";
    assert_eq!(shop.orders.get("/verdict").await["violations"], json!([says]));
}

#[tokio::test]
async fn an_order_is_accepted_with_a_place_to_look_at_it() {
    let shop = Shop::open("none").await;
    let response = shop.orders.post("/orders").json(&two_mugs("o-1")).send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["location"], "/orders/o-1");
}

#[tokio::test]
async fn the_same_order_again_is_answered_the_same_and_done_once() {
    let shop = Shop::open("none").await;
    let place = || shop.orders.post("/orders").json(&two_mugs("o-1"));
    let first = send(place()).await;
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(send(place()))).collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), first);
    }
    shop.settled("o-1").await;
    assert_eq!(send(place()).await, first);
    assert_eq!(shop.charges_and_parcels("o-1").await, (1, 1));
    assert_eq!(shop.inventory.mugs().await, (8, 0, 2));
}

#[tokio::test]
async fn another_order_under_a_known_id_is_a_conflict() {
    let shop = Shop::open("none").await;
    shop.settle(&two_mugs("o-1")).await;
    let other = mugs_and_teapots("o-1", 1, "tok_visa");
    let (status, problem) = send(shop.orders.post("/orders").json(&other)).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/other-order")));
    assert!(problem["detail"].as_str().unwrap().contains("o-1"), "{problem}");
    assert_eq!(shop.charges_and_parcels("o-1").await, (1, 1));
}

#[tokio::test]
async fn what_was_set_aside_goes_back_when_a_later_line_is_not_there() {
    let shop = Shop::open("none").await;
    let order = shop.settle(&mugs_and_teapots("o-1", 11, "tok_visa")).await;
    assert_eq!((&order["status"], &order["cause"]), (&json!("compensated"), &json!("out-of-stock")), "{order}");
    assert!(order["reason"].as_str().unwrap().contains("teapot"), "{order}");
    assert_eq!(shop.inventory.mugs().await, (10, 0, 0));
    assert_eq!(shop.charges_and_parcels("o-1").await, (0, 0));
    let timeline = shop.orders.get("/orders/o-1/timeline").await;
    let story = ["started", "called", "answered", "called", "answered", "called", "answered", "unwinding", "undone"];
    assert_eq!(events(&timeline), [&story[..], &["compensated"]].concat(), "{timeline}");
}

#[tokio::test]
async fn a_declined_card_undoes_everything() {
    let shop = Shop::open("none").await;
    let order = shop.settle(&mugs_and_teapots("o-1", 3, "tok_declined")).await;
    assert_eq!((&order["status"], &order["cause"]), (&json!("compensated"), &json!("card-declined")), "{order}");
    assert_eq!(shop.inventory.mugs().await, (10, 0, 0));
    assert_eq!(shop.inventory.get("/stock/teapot").await["available"], 10);
    assert_eq!(shop.charges_and_parcels("o-1").await, (0, 0));
}

#[tokio::test]
async fn what_was_never_sold_here_is_turned_down_before_anything_happens() {
    let shop = Shop::open("none").await;
    let mut order = two_mugs("o-1");
    order["lines"][0]["sku"] = "unicorn".into();
    let order = shop.settle(&order).await;
    assert_eq!((&order["status"], &order["cause"]), (&json!("compensated"), &json!("unknown-sku")), "{order}");
    assert_eq!(shop.inventory.get("/keys").await["answers"], 0);
}

#[tokio::test]
async fn lost_answers_and_outages_only_delay() {
    let shop = Shop::open("lost=0.3,unavailable=0.2").await;
    let order = shop.settle(&two_mugs("o-1")).await;
    // Reserving gives up after a few attempts; whatever came of it, the books agree.
    let done = usize::from(order["status"] == "completed");
    assert_eq!(shop.charges_and_parcels("o-1").await, (done, done), "{order}");
    let sold = if done == 1 { 2 } else { 0 };
    assert_eq!(shop.inventory.mugs().await, (10 - sold, 0, sold), "{order}");
}

#[tokio::test]
async fn an_orchestrator_that_is_killed_goes_on_where_it_was() {
    let mut shop = Shop::open("none").await;
    shop.payments.put("/faults", &json!({"slow": 1, "slow_ms": 1500})).await;
    let (status, _) = send(shop.orders.post("/orders").json(&two_mugs("o-1"))).await;
    assert_eq!(status, 202);
    shop.orders.restart();
    assert_eq!(shop.orders.get("/orders/o-1").await["status"], "running");
    shop.payments.put("/faults", &json!({})).await;
    let order = shop.settled("o-1").await;
    assert_eq!(order["status"], "completed", "{order}");
    assert_eq!(shop.charges_and_parcels("o-1").await, (1, 1));
    assert_eq!(shop.inventory.mugs().await, (8, 0, 2));
}

#[tokio::test]
async fn an_order_that_ended_is_still_known_after_a_restart() {
    let mut shop = Shop::open("none").await;
    let before = shop.settle(&two_mugs("o-1")).await;
    shop.orders.restart();
    assert_eq!(shop.orders.get("/orders/o-1").await, before);
    assert_eq!(send(shop.orders.post("/orders").json(&two_mugs("o-1"))).await.0, 202);
    assert_eq!(shop.charges_and_parcels("o-1").await, (1, 1));
}

#[tokio::test]
async fn a_second_orchestrator_over_the_same_file_is_told_so() {
    let shop = Shop::open("none").await;
    let error = Service::fails_to_start(shop.orders.arguments());
    assert!(error.contains("orders.db") || error.contains("service.db"), "{error}");
    assert_eq!(shop.settle(&two_mugs("o-1")).await["status"], "completed");
}
