//! One key, one answer.

use saga_participant::{Call, Failed};
use tokio::sync::oneshot;

use super::{Service, hold, key};

#[tokio::test]
async fn a_key_sent_again_gets_the_same_answer_and_no_second_effect() {
    let service = Service::start().await;
    let first = service.hold("k", 3).await.unwrap();
    assert_eq!((first.status(), first.body(), first.is_refused(), first.is_replayed()), (201, "3", false, false));
    let again = service.hold("k", 3).await.unwrap();
    assert_eq!((again.status(), again.body(), again.is_refused(), again.is_replayed()), (201, "3", false, true));
    assert_eq!(service.held().await, ["k"]);
    assert_eq!(service.participant.counts().await.unwrap().replays, 1);
}

#[tokio::test]
async fn a_refusal_is_stored_like_a_success_and_takes_its_effect_back() {
    let service = Service::start().await;
    for replayed in [false, true] {
        let answer = service.hold("k", 11).await.unwrap();
        assert_eq!((answer.status(), answer.is_refused(), answer.is_replayed()), (409, true, replayed));
    }
    assert!(service.held().await.is_empty());
}

#[tokio::test]
async fn a_refusal_is_stored_even_where_the_database_has_turned_a_statement_down() {
    let service = Service::start().await;
    let call = Call::new("hold", key("k"), b"");
    let answer = service
        .participant
        .act(&call, async |mut effect| {
            // On Postgres nothing more can be said in this transaction, until it is taken back.
            assert!(sqlx::query("INSERT INTO nowhere VALUES (1)").execute(effect.db()).await.is_err());
            effect.refuse(404_u16, &"no such shelf")
        })
        .await;
    assert!(answer.unwrap().is_refused());
    assert_eq!(service.participant.counts().await.unwrap().answers, 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_conflict() {
    let service = Service::start().await;
    service.hold("k", 3).await.unwrap();
    assert!(service.hold("k", 4).await.unwrap_err().is_other_request());
    // A compensation under the key of an action, too.
    assert!(service.release("k", "other").await.unwrap_err().is_other_request());
    assert_eq!(service.held().await, ["k"]);
    assert_eq!(service.participant.counts().await.unwrap().replays, 0);
}

#[tokio::test]
async fn the_same_body_sent_elsewhere_is_a_conflict() {
    let service = Service::start().await;
    let call = |target| Call::new("debit", key("k"), b"{}").at(target);
    let act = async |call: Call| service.participant.act(&call, async |effect| effect.done(&())).await;
    act(call("/accounts/1/debits")).await.unwrap();
    assert!(act(call("/accounts/2/debits")).await.unwrap_err().is_other_request());
    assert!(act(call("/accounts/1/debits")).await.unwrap().is_replayed());
}

#[tokio::test]
async fn callers_that_have_scopes_have_keys_of_their_own() {
    let service = Service::start().await;
    for scope in ["acme", "umbrella"] {
        let call = Call::new("hold", key("k"), b"").of(scope);
        let answer = service.participant.act(&call, async |effect| effect.done(&scope)).await.unwrap();
        assert!(!answer.is_replayed(), "{scope}");
    }
    // Nor does one undo, or bar, what is another's.
    let foreign = Call::new("hold", key("u"), b"").of("globex").undoing(key("k"));
    let answer = service.participant.compensate(&foreign, async |undo| Ok(undo.undone())).await.unwrap();
    assert_eq!(answer.body(), r#"{"undone":false}"#);
    let call = Call::new("hold", key("k"), b"").of("acme");
    let answer = service.participant.act(&call, async |effect| effect.done(&"again")).await.unwrap();
    assert_eq!((answer.body(), answer.is_replayed()), (r#""acme""#, true));
}

#[tokio::test]
async fn a_key_that_is_being_worked_on_is_told_apart_from_one_that_is_done() {
    let service = Service::start().await;
    let (begun, has_begun) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel();
    let participant = service.participant.clone();
    let first = tokio::spawn(async move {
        let call = Call::new("hold", key("k"), b"");
        let slow = async |effect: saga_participant::Effect<crate::DB>| {
            begun.send(()).unwrap();
            may_go_on.await?;
            effect.done(&())
        };
        participant.act(&call, slow).await
    });
    has_begun.await.unwrap();
    let again = Call::new("hold", key("k"), b"");
    let second = service.participant.act(&again, async |_| panic!("it is carried out once")).await;
    assert!(second.unwrap_err().is_in_progress());
    go_on.send(()).unwrap();
    assert!(!first.await.unwrap().unwrap().is_replayed());
    let third = service.participant.act(&again, async |_| panic!("it is carried out once")).await;
    assert!(third.unwrap().is_replayed());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_under_one_key_have_one_effect() {
    let service = Service::start().await;
    let other = service.elsewhere().await;
    let calls: Vec<_> = (0..40)
        .map(|turn| {
            let participant = if turn % 2 == 0 { &service.participant } else { &other }.clone();
            tokio::spawn(async move { hold(&participant, "k", 3).await })
        })
        .collect();
    let mut fresh = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(answer) => {
                assert_eq!(answer.body(), "3");
                fresh += usize::from(!answer.is_replayed());
            }
            Err(error) => assert!(error.is_in_progress(), "{error}"),
        }
    }
    assert_eq!(fresh, 1);
    assert_eq!(service.held().await, ["k"]);
}

#[tokio::test]
async fn an_answer_that_means_something_else_to_callers_is_not_given() {
    let service = Service::start().await;
    let call = |under| Call::new("hold", key(under), b"");
    let answer = service.participant.act(&call("k1"), async |effect| effect.done_with(404_u16, &())).await;
    assert!(answer.unwrap_err().is_failed());
    let answer = service.participant.act(&call("k2"), async |effect| effect.refuse(503_u16, &())).await;
    assert!(answer.unwrap_err().is_failed());
    assert_eq!(service.participant.counts().await.unwrap().answers, 0);
    let failed = Failed::new("the shelf is on fire");
    assert_eq!(failed.to_string(), "the shelf is on fire");
}
