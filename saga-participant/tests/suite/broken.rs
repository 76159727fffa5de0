//! Handlers and databases that fail half-way.

use saga_participant::{Call, Effect, Failed};

use super::{Service, key};
use crate::DB;

async fn insert(effect: &mut Effect<DB>) -> Result<(), Failed> {
    sqlx::query("INSERT INTO holds (key, quantity) VALUES ('k', 3)").execute(effect.db()).await?;
    Ok(())
}

#[tokio::test]
async fn a_handler_that_fails_leaves_nothing_and_its_key_free() {
    let service = Service::start().await;
    let call = Call::new("hold", key("k"), br#"{"quantity":3}"#);
    let failing = async |mut effect: Effect<DB>| {
        insert(&mut effect).await?;
        Err(Failed::new("the forklift broke down"))
    };
    let error = service.participant.act(&call, failing).await.unwrap_err();
    assert!(error.is_failed() && error.to_string().contains("forklift"), "{error}");
    assert!(service.held().await.is_empty());
    assert!(!service.hold("k", 3).await.unwrap().is_replayed());
}

#[tokio::test]
async fn a_call_that_is_dropped_between_effect_and_answer_leaves_nothing() {
    let service = Service::start().await;
    let call = Call::new("hold", key("k"), br#"{"quantity":3}"#);
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let hanging = async |mut effect: Effect<DB>| {
        insert(&mut effect).await?;
        begun.send(()).unwrap();
        std::future::pending().await
    };
    tokio::select! {
        _ = service.participant.act(&call, hanging) => panic!("it hangs"),
        begun = has_begun => begun.unwrap(),
    }
    assert!(service.held().await.is_empty());
    // The rollback may be under way still.
    let answer = loop {
        match service.hold("k", 3).await {
            Err(error) if error.is_in_progress() => tokio::task::yield_now().await,
            ended => break ended.unwrap(),
        }
    };
    assert!(!answer.is_replayed());
    assert_eq!(service.held().await, ["k"]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_takes_the_effect_back() {
    struct Unwritable;

    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no words for it"))
        }
    }

    let service = Service::start().await;
    let call = Call::new("hold", key("k"), b"");
    let answer = service.participant.act(&call, async |mut effect| {
        insert(&mut effect).await?;
        effect.done(&Unwritable)
    });
    assert!(answer.await.unwrap_err().is_failed());
    assert!(service.held().await.is_empty());
}

#[tokio::test]
async fn a_handler_that_ends_the_transaction_by_hand_is_told() {
    let service = Service::start().await;
    for (statement, under) in [("COMMIT", "k1"), ("ROLLBACK", "k2")] {
        let call = Call::new("hold", key(under), b"");
        let answer = service.participant.act(&call, async |mut effect| {
            sqlx::query(statement).execute(effect.db()).await?;
            effect.done(&())
        });
        assert!(answer.await.unwrap_err().is_failed(), "{statement}");
    }
    assert_eq!(service.participant.counts().await.unwrap().answers, 0);
}

#[tokio::test]
async fn an_answer_that_the_commit_turns_down_is_not_given() {
    let service = Service::start().await;
    sqlx::query("CREATE TABLE parents (id BIGINT PRIMARY KEY)").execute(service.pool()).await.unwrap();
    let child = "CREATE TABLE children (parent BIGINT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)";
    sqlx::query(child).execute(service.pool()).await.unwrap();
    let call = Call::new("adopt", key("k"), b"");
    let orphan = service.participant.act(&call, async |mut effect| {
        sqlx::query("INSERT INTO children (parent) VALUES (7)").execute(effect.db()).await?;
        effect.done(&())
    });
    assert!(orphan.await.unwrap_err().is_failed());
    assert_eq!(service.participant.counts().await.unwrap().answers, 0);
}
