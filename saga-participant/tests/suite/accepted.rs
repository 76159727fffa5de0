//! What was accepted, as it is told.

use saga_participant::Accepted;

use super::Service;

#[tokio::test]
async fn what_was_accepted_is_told_in_order_with_what_it_undid() {
    let service = Service::start().await;
    service.hold("stands", 1).await.unwrap();
    service.hold("stands", 1).await.unwrap();
    service.hold("refused", 11).await.unwrap();
    service.release("of-refused", "refused").await.unwrap();
    service.hold("undone", 2).await.unwrap();
    service.release("undo", "undone").await.unwrap();
    service.release("again", "undone").await.unwrap();
    service.release("first", "late").await.unwrap();
    assert!(service.hold("late", 1).await.unwrap_err().is_undone());
    let accepted = service.participant.accepted().await.unwrap();
    let told = |one: &Accepted| (one.key.clone(), one.undoes.clone(), one.changed);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        accepted.iter().map(told).collect::<Vec<_>>(),
        [
            ("stands".to_owned(), None, true),
            ("undone".to_owned(), None, true),
            ("undo".to_owned(), some("undone"), true),
            ("first".to_owned(), some("late"), false),
        ]
    );
    assert!(accepted.iter().all(|one| one.action == "hold" && one.scope.is_empty()));
    assert!(accepted.is_sorted_by_key(|one| one.answered_at));
}
