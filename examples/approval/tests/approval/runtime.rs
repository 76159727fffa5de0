//! On a runtime, with its shop, days skipped: every way in which a request ends.

use approval::{Approval, Office, Refused};
use checkout::Denial;
use saga_runtime::prelude::*;
use saga_runtime::runtime::Happened;
use tempfile::TempDir;

use super::request;

/// An office with one request in it, `r-1`.
pub(super) async fn office(card: &str) -> (Office, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut office = Office::open(folder.path()).await.unwrap();
    office.request(request(card)).await.unwrap();
    (office, folder)
}

pub(super) async fn end(office: &Office) -> End<approval::Bought, Refused> {
    office.rest().await.unwrap();
    office.handle("r-1").await.unwrap().result().await.unwrap()
}

/// Why it was refused. Nothing is left undone.
pub(super) async fn no(office: &Office) -> Refused {
    match end(office).await {
        End::Compensated { cause: Cause::Refused(no), debt } if debt.is_empty() => no,
        other => panic!("it ended as {other:?}"),
    }
}

/// Who got a letter that says this, in order.
fn told(office: &Office, what: &str) -> Vec<String> {
    let letters = office.post.letters().into_iter().filter(|letter| letter.text.contains(what));
    letters.map(|letter| letter.to).collect()
}

#[tokio::test]
async fn an_approved_request_is_bought_by_a_saga_of_its_own() {
    let (office, _folder) = office("tok_visa").await;
    office.decide("r-1", "ada", true, "yes").await.unwrap();
    let bought = end(&office).await.completed().unwrap();
    assert_eq!((&*bought.approved_by, &*bought.receipt.order), ("ada", "r-1"));
    assert!(told(&office, "is off").is_empty());
    let timeline = office.handle("r-1").await.unwrap().timeline().await.unwrap();
    let child = timeline.entries.iter().find_map(|entry| match &entry.what {
        Happened::StartsSaga { id, .. } => Some(id.clone()),
        _ => None,
    });
    let child = office.runtime().get::<checkout::Checkout>(&child.unwrap()).await.unwrap().unwrap();
    assert_eq!(child.result().await.unwrap().completed(), Some(bought.receipt));
}

#[tokio::test]
async fn after_five_days_the_manager_may_decide() {
    let (office, _folder) = office("tok_visa").await;
    office.pass(4).await.unwrap();
    assert_eq!(told(&office, "still waits"), ["ada", "bob"]);
    assert!(!told(&office, "please").contains(&"carol".to_owned()));
    office.pass(1).await.unwrap();
    assert_eq!(told(&office, "please"), ["ada", "bob", "carol"]);
    office.decide("r-1", "carol", true, "yes").await.unwrap();
    assert_eq!(end(&office).await.completed().unwrap().approved_by, "carol");
}

#[tokio::test]
async fn a_request_is_found_by_whom_it_waits_for() {
    let (office, _folder) = office("tok_visa").await;
    office.pass(4).await.unwrap();
    let waiting = async |approver| office.waits_for(approver).await.unwrap();
    assert_eq!((waiting("ada, bob").await, waiting("carol").await), (vec!["r-1".to_owned()], Vec::new()));
    office.pass(1).await.unwrap();
    assert_eq!((waiting("ada, bob").await, waiting("carol").await), (Vec::new(), vec!["r-1".to_owned()]));
    office.decide("r-1", "carol", false, "no").await.unwrap();
    assert!(matches!(no(&office).await, Refused::TurnedDown(_)));
    assert!(waiting("carol").await.is_empty(), "nothing waits any more");
}

#[tokio::test]
async fn the_approvers_may_still_decide_when_the_manager_was_asked() {
    let (office, _folder) = office("tok_visa").await;
    office.pass(9).await.unwrap();
    office.decide("r-1", "bob", true, "sorry").await.unwrap();
    assert_eq!(end(&office).await.completed().unwrap().approved_by, "bob");
}

#[tokio::test]
async fn a_request_that_is_turned_down_is_called_off() {
    let (office, _folder) = office("tok_visa").await;
    office.decide("r-1", "bob", false, "too dear").await.unwrap();
    assert!(matches!(no(&office).await, Refused::TurnedDown(decision) if decision.why == "too dear"));
    assert_eq!(told(&office, "is off"), ["ada", "bob"]);
}

#[tokio::test]
async fn a_withdrawn_request_is_called_off() {
    let (office, _folder) = office("tok_visa").await;
    office.pass(3).await.unwrap();
    office.withdraw("r-1", "found one").await.unwrap();
    assert_eq!(no(&office).await, Refused::Withdrawn("found one".into()));
    assert_eq!(told(&office, "is off"), ["ada", "bob"]);
}

#[tokio::test]
async fn when_nobody_answers_everybody_is_told_the_last_one_first() {
    let (office, _folder) = office("tok_visa").await;
    office.pass(9).await.unwrap();
    assert!(told(&office, "is off").is_empty());
    office.pass(1).await.unwrap();
    assert_eq!(no(&office).await, Refused::NobodyAnswered);
    assert_eq!(told(&office, "is off"), ["carol", "ada", "bob"]);
}

#[tokio::test]
async fn what_the_shop_refuses_is_called_off_as_well() {
    let (office, _folder) = office("tok_declined").await;
    office.decide("r-1", "ada", true, "yes").await.unwrap();
    assert!(matches!(no(&office).await, Refused::NotForSale(Denial::CardDeclined(_))));
    assert_eq!(told(&office, "is off"), ["ada", "bob"]);
}

#[tokio::test]
async fn a_cancelled_request_is_called_off() {
    let (office, _folder) = office("tok_visa").await;
    office.rest().await.unwrap();
    let decision = office.handle("r-1").await.unwrap().cancel("the budget is gone").await.unwrap();
    assert!(decision.granted, "{decision:?}");
    assert!(matches!(end(&office).await, End::Compensated { cause: Cause::Cancelled(_), .. }));
    assert_eq!(told(&office, "is off"), ["ada", "bob"]);
}

#[tokio::test]
async fn a_request_that_waits_is_a_row_which_the_next_process_goes_on_with() {
    let (mut office, _folder) = office("tok_visa").await;
    for _ in 0..4 {
        office.pass(1).await.unwrap();
        assert_eq!(office.runtime().running(), 0, "no task waits");
        office.restart().await.unwrap();
    }
    assert_eq!(told(&office, "still waits"), ["ada", "bob"], "reminded once");
    office.decide("r-1", "bob", true, "yes").await.unwrap();
    assert_eq!(end(&office).await.completed().unwrap().approved_by, "bob");
}

#[tokio::test]
async fn a_request_of_the_same_id_is_the_same_request() {
    let (mut office, _folder) = office("tok_visa").await;
    office.request(request("tok_visa")).await.unwrap();
    let other = office.request(request("tok_other")).await.unwrap_err();
    assert!(other.to_string().contains("r-1"), "{other}");
    let found = office.runtime().get::<Approval>("r-1").await.unwrap();
    assert!(found.is_some());
}
