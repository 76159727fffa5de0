//! The contract as callers see it.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::{Json, Router, middleware};
use saga_participant::{Decided, Effect, Failed, Scope, Undo, Undone};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::Service;
use super::sending::{Reply, request, send};
use crate::DB;

/// Lets a test hold a handler back, in the middle of its effect.
type Gate = &'static (Notify, Notify);

/// Holds the quantity that the body says, on the shelf that the path says.
async fn hold(
    mut effect: Effect<DB>,
    (State(gate), Path(shelf), Json(quantity)): (State<Gate>, Path<String>, Json<i64>),
) -> Result<Decided<DB>, Failed> {
    let key = effect.key().to_string();
    let insert = sqlx::query("INSERT INTO holds (key, quantity) VALUES ($1, $2)");
    insert.bind(&key).bind(quantity).execute(effect.db()).await?;
    match &*shelf {
        "slow" => {
            gate.0.notify_one();
            gate.1.notified().await;
        }
        "broken" => return Err(Failed::new("secret cause").retry_after(Duration::from_millis(2500))),
        "haunted" => panic!("boo"),
        _ => {}
    }
    if quantity > 10 {
        return effect.refuse(StatusCode::CONFLICT, &json!({ "type": "/problems/out-of-stock", "status": 409 }));
    }
    effect.done_with(StatusCode::CREATED, &json!({ "shelf": shelf, "quantity": quantity }))
}

async fn release(mut undo: Undo<DB>, Json(sold): Json<bool>) -> Result<Undone<DB>, Failed> {
    if sold {
        return undo.cannot(StatusCode::CONFLICT, &json!({ "type": "/problems/sold", "status": 409 }));
    }
    let quantity = undo.answer::<Value>()?["quantity"].as_i64();
    let undone = undo.undoes().to_string();
    let delete = sqlx::query("DELETE FROM holds WHERE key = $1 AND quantity = $2").bind(&undone).bind(quantity);
    assert_eq!(delete.execute(undo.db()).await?.rows_affected(), 1);
    Ok(undo.undone())
}

/// The service over HTTP, and the gate of its slow shelf.
async fn serve() -> (Service, Router, Gate) {
    let service = Service::start().await;
    let gate: Gate = Box::leak(Box::default());
    let router = Router::new()
        .route("/shelves/{shelf}/holds", service.participant.action("hold", hold))
        .route("/holds/release", service.participant.compensation("hold", release))
        .with_state(gate);
    (service, router, gate)
}

async fn post_hold(router: &Router, key: &str, quantity: i64) -> Reply {
    send(router, request("/shelves/a/holds", &[("Idempotency-Key", key.as_bytes())], quantity.to_string())).await
}

async fn post_release(router: &Router, key: &str, undoes: &str) -> Reply {
    let headers = [("Idempotency-Key", key.as_bytes()), ("Undoes", undoes.as_bytes())];
    send(router, request("/holds/release", &headers, "false")).await
}

#[tokio::test]
async fn an_answer_is_told_again_with_status_and_body() {
    let (service, router, _) = serve().await;
    let first = post_hold(&router, "k", 3).await;
    assert_eq!((first.status, &first.body), (StatusCode::CREATED, &json!({ "shelf": "a", "quantity": 3 })));
    assert_eq!(first.headers[header::CONTENT_TYPE], "application/json");
    assert!(!first.headers.contains_key("Idempotency-Replayed"));
    let again = post_hold(&router, "k", 3).await;
    assert_eq!((again.status, again.body), (first.status, first.body));
    assert_eq!(again.headers["Idempotency-Replayed"], "true");
    assert_eq!(service.held().await, ["k"]);
    let refused = post_hold(&router, "k2", 11).await;
    assert_eq!(refused.problem(), (409, "out-of-stock"));
    let again = post_hold(&router, "k2", 11).await;
    assert_eq!(
        (again.problem(), again.headers["Idempotency-Replayed"].to_str().unwrap()),
        ((409, "out-of-stock"), "true")
    );
}

#[tokio::test]
async fn another_body_or_another_path_under_the_key_is_a_422() {
    let (service, router, _) = serve().await;
    post_hold(&router, "k", 3).await;
    assert_eq!(post_hold(&router, "k", 4).await.problem(), (422, "key-reused"));
    let elsewhere = request("/shelves/b/holds", &[("Idempotency-Key", b"k")], "3");
    assert_eq!(send(&router, elsewhere).await.problem(), (422, "key-reused"));
    assert_eq!(service.held().await, ["k"]);
}

#[tokio::test]
async fn a_late_action_is_answered_410_after_its_undo() {
    let (service, router, _) = serve().await;
    let empty = post_release(&router, "u", "k").await;
    assert_eq!((empty.status, empty.body), (StatusCode::OK, json!({ "undone": false })));
    let late = post_hold(&router, "k", 3).await;
    assert_eq!(late.problem(), (410, "undone"));
    assert!(!late.headers.contains_key(header::RETRY_AFTER));
    assert!(service.held().await.is_empty());
    post_hold(&router, "k2", 3).await;
    assert_eq!(post_release(&router, "u2", "k2").await.body, json!({ "undone": true }));
    assert!(service.held().await.is_empty());
}

#[tokio::test]
async fn a_call_under_way_is_answered_409_with_a_time_to_come_back() {
    let (service, router, gate) = serve().await;
    let slow = || request("/shelves/slow/holds", &[("Idempotency-Key", b"k")], "3");
    let first = tokio::spawn({
        let (router, slow) = (router.clone(), slow());
        async move { send(&router, slow).await }
    });
    gate.0.notified().await;
    let second = send(&router, slow()).await;
    assert_eq!(second.problem(), (409, "in-progress"));
    assert_eq!(second.headers[header::RETRY_AFTER], "1");
    gate.1.notify_one();
    assert_eq!(first.await.unwrap().status, StatusCode::CREATED);
    assert_eq!(send(&router, slow()).await.headers["Idempotency-Replayed"], "true");
    assert_eq!(service.held().await, ["k"]);
}

#[tokio::test]
async fn a_call_goes_on_when_its_caller_hangs_up() {
    let (service, router, gate) = serve().await;
    let slow = || request("/shelves/slow/holds", &[("Idempotency-Key", b"k")], "3");
    tokio::select! {
        _ = send(&router, slow()) => panic!("it is slow"),
        () = gate.0.notified() => {}
    }
    gate.1.notify_one();
    let answer = loop {
        let answer = send(&router, slow()).await;
        if answer.status != StatusCode::CONFLICT {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(
        (answer.status, &answer.headers["Idempotency-Replayed"]),
        (StatusCode::CREATED, &"true".parse().unwrap())
    );
    assert_eq!(service.held().await, ["k"]);
}

#[tokio::test]
async fn a_failure_and_a_panic_are_answered_503_without_their_cause_and_leave_nothing() {
    let (service, router, _) = serve().await;
    for (shelf, wait) in [("broken", "3"), ("haunted", "1")] {
        let path = format!("/shelves/{shelf}/holds");
        for _ in 0..2 {
            let reply = send(&router, request(&path, &[("Idempotency-Key", b"k")], "3")).await;
            if shelf == "haunted" && reply.status == StatusCode::CONFLICT {
                // After a panic nobody waits for the rollback.
                continue;
            }
            assert_eq!(reply.problem(), (503, "failed"), "{shelf}");
            assert_eq!(reply.headers[header::RETRY_AFTER], wait);
            assert!(!reply.body.to_string().contains("secret"));
        }
    }
    assert!(service.held().await.is_empty());
    assert_eq!(service.participant.counts().await.unwrap().answers, 0);
}

#[tokio::test]
async fn a_key_that_is_none_is_a_400_that_names_the_header() {
    let (service, router, _) = serve().await;
    let long = [b'k'; 65];
    let bad: [&[(&str, &[u8])]; 9] = [
        &[],
        &[("Idempotency-Key", b"")],
        &[("Idempotency-Key", b"\"\"")],
        &[("Idempotency-Key", b"two words")],
        &[("Idempotency-Key", b"\"half")],
        &[("Idempotency-Key", b"\xff\xfe")],
        &[("Idempotency-Key", "schlüssel".as_bytes())],
        &[("Idempotency-Key", &long)],
        &[("Idempotency-Key", b"a"), ("Idempotency-Key", b"a")],
    ];
    for headers in bad {
        let reply = send(&router, request("/shelves/a/holds", headers, "3")).await;
        assert_eq!(reply.blamed(), "Idempotency-Key", "{headers:?}");
    }
    let both: &[(&str, &[u8])] = &[("Idempotency-Key", b"k"), ("Undoes", b"k0")];
    assert_eq!(send(&router, request("/shelves/a/holds", both, "3")).await.blamed(), "Undoes");
    let bad: [&[(&str, &[u8])]; 4] = [
        &[("Idempotency-Key", b"u")],
        &[("Idempotency-Key", b"u"), ("Undoes", b"")],
        &[("Idempotency-Key", b"u"), ("Undoes", b"a"), ("Undoes", b"b")],
        &[("Idempotency-Key", b"u"), ("Undoes", b"u")],
    ];
    for headers in bad {
        assert_eq!(send(&router, request("/holds/release", headers, "false")).await.blamed(), "Undoes", "{headers:?}");
    }
    assert!(service.held().await.is_empty());
    assert_eq!(service.participant.counts().await.unwrap().answers, 0);
}

#[tokio::test]
async fn a_key_in_quotes_is_the_key_inside() {
    let (service, router, _) = serve().await;
    post_hold(&router, "\"k\"", 3).await;
    assert_eq!(post_hold(&router, "k", 3).await.headers["Idempotency-Replayed"], "true");
    assert_eq!(service.held().await, ["k"]);
}

#[tokio::test]
async fn a_body_that_is_turned_down_uses_up_no_key() {
    let (service, router, _) = serve().await;
    let router = router.layer(DefaultBodyLimit::max(1000));
    let call = |body: Vec<u8>| send(&router, request("/shelves/a/holds", &[("Idempotency-Key", b"k")], body));
    for body in ["", "{", "\"three\"", "\u{0}", "99999999999999999999"] {
        let reply = call(body.into()).await;
        assert!(reply.status.is_client_error(), "{body:?} {}", reply.status);
    }
    let deep = format!("{}{}", "[".repeat(450), "]".repeat(450));
    assert!(call(deep.into()).await.status.is_client_error());
    assert_eq!(call(vec![b' '; 1001]).await.problem(), (413, "body-too-large"));
    assert!(call(vec![0xff; 1000]).await.status.is_client_error());
    assert_eq!(call("3".into()).await.status, StatusCode::CREATED);
    // The same in other words.
    assert_eq!(call(" 3\n".into()).await.headers["Idempotency-Replayed"], "true");
    assert_eq!(service.held().await, ["k"]);
}

#[tokio::test]
async fn an_undo_that_cannot_be_is_said_and_not_stored() {
    let (service, router, _) = serve().await;
    post_hold(&router, "k", 3).await;
    let headers: &[(&str, &[u8])] = &[("Idempotency-Key", b"u"), ("Undoes", b"k")];
    for _ in 0..2 {
        assert_eq!(send(&router, request("/holds/release", headers, "true")).await.problem(), (409, "sold"));
    }
    assert_eq!(service.held().await, ["k"]);
    assert_eq!(post_release(&router, "u", "k").await.body, json!({ "undone": true }));
}

#[tokio::test]
async fn a_wrong_undo_is_a_422() {
    let (_service, router, _) = serve().await;
    post_hold(&router, "k", 3).await;
    post_release(&router, "u", "k").await;
    assert_eq!(post_release(&router, "u2", "u").await.problem(), (422, "wrong-undo"));
}

#[tokio::test]
async fn what_is_no_post_is_not_for_the_kit() {
    let (_service, router, _) = serve().await;
    let get = axum::http::Request::get("/shelves/a/holds").body(axum::body::Body::empty()).unwrap();
    assert_eq!(send(&router, get).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn callers_with_a_scope_have_keys_of_their_own() {
    let (service, router, _) = serve().await;
    let router = router.layer(middleware::map_request(async |mut request: axum::extract::Request| {
        let caller = request.headers()["caller"].to_str().unwrap().to_owned();
        request.extensions_mut().insert(Scope::new(&caller));
        request
    }));
    for caller in ["acme", "umbrella", "acme"] {
        let headers: &[(&str, &[u8])] = &[("Idempotency-Key", b"k"), ("caller", caller.as_bytes())];
        assert_eq!(send(&router, request("/shelves/a/holds", headers, "3")).await.status, StatusCode::CREATED);
    }
    assert_eq!(service.held().await, ["k", "k"]);
}
