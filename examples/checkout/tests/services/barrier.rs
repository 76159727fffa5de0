//! A compensation may overtake the call it undoes, and may come more than once.

use serde_json::json;

use crate::service::{Service, send};

#[tokio::test]
async fn an_undo_takes_the_effect_back_once() {
    let inventory = Service::inventory("none").await;
    send(inventory.hold("k-1", 3)).await;
    let first = send(inventory.release("u-1", "k-1")).await;
    assert_eq!(first, (200, json!({"undone": true})));
    assert_eq!(send(inventory.release("u-1", "k-1")).await, first);
    assert_eq!(inventory.mugs().await, (10, 0, 0));
    // Under another key there is nothing left to undo.
    assert_eq!(send(inventory.release("u-2", "k-1")).await, (200, json!({"undone": false})));
    assert_eq!(inventory.mugs().await, (10, 0, 0));
}

#[tokio::test]
async fn an_undo_of_nothing_succeeds_and_is_remembered() {
    let mut inventory = Service::inventory("none").await;
    let empty = (200, json!({"undone": false}));
    assert_eq!(send(inventory.release("u-1", "k-1")).await, empty);
    inventory.restart();
    assert_eq!(send(inventory.release("u-1", "k-1")).await, empty);
    assert_eq!(inventory.get("/keys").await["barriers"], 1);
}

#[tokio::test]
async fn an_action_after_its_undo_is_turned_away_for_ever() {
    let mut inventory = Service::inventory("none").await;
    send(inventory.release("u-1", "k-1")).await;
    for _ in 0..2 {
        let (status, problem) = send(inventory.hold("k-1", 3)).await;
        assert_eq!((status, &problem["type"]), (410, &json!("/problems/undone")));
        inventory.restart();
    }
    assert_eq!(inventory.mugs().await, (10, 0, 0));
    assert_eq!(inventory.get("/keys").await["turned_away"], 2);
    // The barrier is that key's alone.
    assert_eq!(send(inventory.hold("k-2", 3)).await.0, 201);
}

#[tokio::test]
async fn an_action_that_was_undone_keeps_its_answer_and_has_no_second_effect() {
    let inventory = Service::inventory("none").await;
    let first = send(inventory.hold("k-1", 3)).await;
    send(inventory.release("u-1", "k-1")).await;
    assert_eq!(send(inventory.hold("k-1", 3)).await, first);
    assert_eq!(inventory.mugs().await, (10, 0, 0));
}

#[tokio::test]
async fn an_undo_of_a_refused_action_has_nothing_to_do() {
    let inventory = Service::inventory("none").await;
    let refused = send(inventory.hold("k-1", 11)).await;
    assert_eq!(send(inventory.release("u-1", "k-1")).await, (200, json!({"undone": false})));
    assert_eq!(send(inventory.hold("k-1", 11)).await, refused);
    assert_eq!(inventory.mugs().await, (10, 0, 0));
}

#[tokio::test]
async fn an_undo_while_its_action_is_under_way_wins_or_undoes_it() {
    let inventory = Service::inventory("slow=1,slow_ms=1000").await;
    let action = tokio::spawn(send(inventory.hold("k-1", 3)));
    let (status, _) = send(inventory.release("u-1", "k-1")).await;
    assert_eq!(status, 200);
    let (status, _) = action.await.unwrap();
    assert!(status == 201 || status == 410, "{status}");
    assert_eq!(inventory.mugs().await, (10, 0, 0));
}

#[tokio::test]
async fn a_late_action_finds_its_undo_and_leaves_nothing() {
    let inventory = Service::inventory("late=1,late_ms=600").await;
    assert!(inventory.hold("k-1", 3).send().await.is_err(), "nobody answers");
    inventory.put("/faults", &json!({})).await;
    assert_eq!(send(inventory.release("u-1", "k-1")).await, (200, json!({"undone": false})));
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(inventory.get("/keys").await["turned_away"], 1);
    assert_eq!(inventory.mugs().await, (10, 0, 0));
}

#[tokio::test]
async fn an_undo_of_another_kind_of_call_is_an_error() {
    let inventory = Service::inventory("none").await;
    let collect = inventory.act("/holds/collect", "k-1", &json!({"order": "o-1", "holds": []}));
    assert_eq!(send(collect).await.0, 201);
    let (status, problem) = send(inventory.release("u-1", "k-1")).await;
    assert_eq!((status, &problem["type"]), (422, &json!("/problems/wrong-undo")));
}

#[tokio::test]
async fn a_release_for_another_order_releases_nothing() {
    let inventory = Service::inventory("none").await;
    send(inventory.hold("k-1", 3)).await;
    let body = json!({"order": "o-2", "hold": null});
    let (status, _) = send(inventory.undo("/holds/release", "u-1", "k-1", &body)).await;
    assert_eq!(status, 409);
    assert_eq!(inventory.mugs().await, (7, 3, 0));
}

#[tokio::test]
async fn payments_and_shipping_keep_the_same_contract() {
    let total = json!({"amount": "12.50", "currency": "EUR"});
    let charge = json!({"order": "o-1", "card": "tok_visa", "total": total});
    let parcel = json!({"order": "o-1", "customer": "Zoë", "items": 2});
    for (name, path, body, undo, flag) in [
        ("payments", "/charges", charge, "/charges/refund", "refunded"),
        ("shipping", "/parcels", parcel, "/parcels/cancel", "cancelled"),
    ] {
        let service = Service::start(name, "none");
        let order = json!({"order": "o-1"});
        let first = send(service.act(path, "k-1", &body)).await;
        assert_eq!(first.0, 201, "{first:?}");
        assert_eq!(send(service.act(path, "k-1", &body)).await, first);
        let late = send(service.undo(undo, "u-2", "k-2", &order)).await;
        assert_eq!(late, (200, json!({"undone": false})));
        assert_eq!(send(service.act(path, "k-2", &body)).await.0, 410);
        let undone = send(service.undo(undo, "u-1", "k-1", &order)).await;
        assert_eq!(undone, (200, json!({"undone": true})));
        let rows = service.get(&format!("{path}?order=o-1")).await;
        assert_eq!(rows.as_array().unwrap().len(), 1);
        assert_eq!(rows[0][flag], true);
    }
}
