//! Decisions that come early, twice, too late, or to nobody.

use approval::Refused;

use super::runtime::{end, no, office};

#[tokio::test]
async fn a_decision_that_comes_before_anybody_waits_for_it_is_kept() {
    let (mut office, _folder) = office("tok_visa").await;
    // Nobody has waited for the request to get as far as its wait; and then the process is gone.
    office.decide("r-1", "ada", true, "yes").await.unwrap();
    office.restart().await.unwrap();
    assert_eq!(end(&office).await.completed().unwrap().approved_by, "ada");
}

#[tokio::test]
async fn a_decision_that_is_sent_twice_counts_once() {
    let (office, _folder) = office("tok_visa").await;
    // Carol is not asked yet: that her decision is not heard must not be made good by sending it again.
    for _ in 0..2 {
        office.decide("r-1", "carol", true, "quick").await.unwrap();
    }
    office.pass(1).await.unwrap();
    let request = office.handle("r-1").await.unwrap();
    let timeline = request.timeline().await.unwrap().to_string();
    assert_eq!(timeline.matches("received").count(), 1, "{timeline}");
    let changed = office.decide("r-1", "carol", false, "quick").await.unwrap_err();
    assert!(changed.is_conflict(), "{changed}");

    office.decide("r-1", "bob", true, "yes").await.unwrap();
    assert_eq!(end(&office).await.completed().unwrap().approved_by, "bob");
    office.decide("r-1", "bob", true, "yes").await.expect("it is known that he said so");
}

#[tokio::test]
async fn a_decision_on_a_request_that_has_ended_is_told_so() {
    let (office, _folder) = office("tok_visa").await;
    office.withdraw("r-1", "never mind").await.unwrap();
    assert_eq!(no(&office).await, Refused::Withdrawn("never mind".into()));
    let late = office.decide("r-1", "ada", true, "yes").await.unwrap_err();
    assert!(late.is_ended() && late.to_string().contains("r-1"), "{late}");
}

#[tokio::test]
async fn a_decision_on_a_request_that_nobody_made_is_told_so() {
    let (office, _folder) = office("tok_visa").await;
    let lost = office.decide("r-2", "ada", true, "yes").await.unwrap_err();
    assert!(lost.is_unknown_instance() && lost.to_string().contains("r-2"), "{lost}");
}
