//! A compensation may overtake the call it undoes, and may come more than once.

use saga_participant::{Call, Failed};

use super::{Service, hold, key, release};

const UNDONE: &str = r#"{"undone":true}"#;
const EMPTY: &str = r#"{"undone":false}"#;

#[tokio::test]
async fn an_undo_takes_the_effect_back_once() {
    let service = Service::start().await;
    service.hold("k", 3).await.unwrap();
    for replayed in [false, true] {
        let answer = service.release("u", "k").await.unwrap();
        assert_eq!((answer.status(), answer.body(), answer.is_replayed()), (200, UNDONE, replayed));
    }
    // Under another key there is nothing left to undo.
    assert_eq!(service.release("u2", "k").await.unwrap().body(), EMPTY);
    assert!(service.held().await.is_empty());
}

#[tokio::test]
async fn an_undo_that_comes_first_succeeds_is_remembered_and_blocks_the_action_for_ever() {
    let service = Service::start().await;
    assert_eq!(service.release("u", "k").await.unwrap().body(), EMPTY);
    for _ in 0..2 {
        assert!(service.hold("k", 3).await.unwrap_err().is_undone());
        // Another process knows it as well.
        assert!(hold(&service.elsewhere().await, "k", 3).await.unwrap_err().is_undone());
    }
    assert!(service.release("u", "k").await.unwrap().is_replayed());
    assert_eq!(service.release("u2", "k").await.unwrap().body(), EMPTY);
    assert!(service.held().await.is_empty());
    let counts = service.participant.counts().await.unwrap();
    assert_eq!((counts.barriers, counts.turned_away, counts.answers, counts.replays), (1, 4, 2, 1));
    // The barrier is that key's alone.
    service.hold("k2", 3).await.unwrap();
}

#[tokio::test]
async fn an_action_that_was_undone_keeps_its_answer_and_has_no_second_effect() {
    let service = Service::start().await;
    service.hold("k", 3).await.unwrap();
    service.release("u", "k").await.unwrap();
    let late = service.hold("k", 3).await.unwrap();
    assert_eq!((late.status(), late.body(), late.is_replayed()), (201, "3", true));
    assert!(service.held().await.is_empty());
}

#[tokio::test]
async fn an_undo_of_a_refused_action_has_nothing_to_do() {
    let service = Service::start().await;
    service.hold("k", 11).await.unwrap();
    assert_eq!(service.release("u", "k").await.unwrap().body(), EMPTY);
    assert!(service.hold("k", 11).await.unwrap().is_refused());
}

#[tokio::test]
async fn an_undo_is_given_what_the_action_answered() {
    let service = Service::start().await;
    service.hold("k", 7).await.unwrap();
    let call = Call::new("hold", key("u"), b"").undoing(key("k"));
    let undo = async |undo: saga_participant::Undo<crate::DB>| {
        assert_eq!((undo.key(), undo.undoes()), (&key("u"), &key("k")));
        assert!(undo.answer::<String>().is_err(), "it is a number");
        assert_eq!(undo.answer::<i64>()?, 7);
        Ok(undo.undone())
    };
    assert_eq!(service.participant.compensate(&call, undo).await.unwrap().body(), UNDONE);
}

#[tokio::test]
async fn an_undo_that_cannot_be_leaves_everything_and_can_be_tried_again() {
    let service = Service::start().await;
    service.hold("k", 3).await.unwrap();
    let call = Call::new("hold", key("u"), b"").undoing(key("k"));
    let cannot = async |mut undo: saga_participant::Undo<crate::DB>| {
        sqlx::query("DELETE FROM holds").execute(undo.db()).await?;
        undo.cannot(409_u16, &"it is sold")
    };
    for _ in 0..2 {
        assert!(service.participant.compensate(&call, cannot).await.unwrap_err().is_cannot());
    }
    assert_eq!(service.held().await, ["k"]);
    // Somebody has mended the cause: under the same key.
    assert_eq!(service.release("u", "k").await.unwrap().body(), UNDONE);
    assert!(service.held().await.is_empty());
}

#[tokio::test]
async fn an_undo_that_fails_is_tried_again() {
    let service = Service::start().await;
    service.hold("k", 3).await.unwrap();
    let call = Call::new("hold", key("u"), b"").undoing(key("k"));
    let failing = async |_| Err(Failed::new("the forklift broke down"));
    assert!(service.participant.compensate(&call, failing).await.unwrap_err().is_failed());
    assert_eq!(service.held().await, ["k"]);
    assert_eq!(service.release("u", "k").await.unwrap().body(), UNDONE);
}

#[tokio::test]
async fn an_undo_of_another_action_or_of_an_undo_is_a_mistake() {
    let service = Service::start().await;
    service.hold("k", 3).await.unwrap();
    service.release("u", "k").await.unwrap();
    let refund = Call::new("charge", key("u2"), b"").undoing(key("k"));
    let answer = service.participant.compensate(&refund, async |_| panic!("it is of a hold")).await;
    assert!(answer.unwrap_err().is_wrong_undo());
    assert!(service.release("u3", "u").await.unwrap_err().is_wrong_undo());
    assert!(service.release("u4", "u4").await.unwrap_err().is_wrong_undo());
}

#[tokio::test]
async fn an_undo_of_a_call_that_is_under_way_does_not_overlook_it() {
    let service = Service::start().await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel();
    let participant = service.participant.clone();
    let action = tokio::spawn(async move {
        let call = Call::new("hold", key("k"), b"");
        let slow = async |mut effect: saga_participant::Effect<crate::DB>| {
            sqlx::query("INSERT INTO holds (key, quantity) VALUES ('k', 3)").execute(effect.db()).await?;
            begun.send(()).unwrap();
            may_go_on.await?;
            effect.done(&())
        };
        participant.act(&call, slow).await
    });
    has_begun.await.unwrap();
    // It waits for the action (SQLite), or is told to ask again (Postgres).
    let other = service.elsewhere().await;
    let mut undo = Box::pin(release(&other, "u", "k"));
    let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut undo).await;
    go_on.send(()).unwrap();
    action.await.unwrap().unwrap();
    let answer = match early {
        Err(_) => undo.await,
        Ok(said) => {
            assert!(said.unwrap_err().is_in_progress());
            release(&other, "u", "k").await
        }
    };
    assert_eq!(answer.unwrap().body(), UNDONE);
    assert!(service.held().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_of_an_action_and_its_undo_comes_first_nothing_stays() {
    let service = Service::start().await;
    let other = service.elsewhere().await;
    for turn in 0..30 {
        let (action, undo) = (format!("k{turn}"), format!("u{turn}"));
        let here = service.participant.clone();
        let acting = tokio::spawn({
            let action = action.clone();
            async move { hold(&here, &action, 1).await }
        });
        let said = loop {
            match release(&other, &undo, &action).await {
                Ok(answer) => break answer.body().to_owned(),
                Err(error) => assert!(error.is_in_progress(), "{error}"),
            }
        };
        match acting.await.unwrap() {
            Ok(_) => assert_eq!(said, UNDONE),
            // Turned away by the barrier, or by the undo that was setting it up.
            Err(error) if error.is_in_progress() => {
                assert!(service.hold(&action, 1).await.unwrap_err().is_undone());
            }
            Err(error) => assert!(error.is_undone() && said == EMPTY, "{error} {said}"),
        }
    }
    assert!(service.held().await.is_empty());
}
