//! Without a runtime: the flow is a method like any other, and what others do is put in beforehand.

use approval::{Approval, Bought, Post, Refused};
use checkout::{Checkout, Denial, Receipt};
use saga_runtime::prelude::*;

use super::{decision, request};

/// What the flow returns, and what was written to whom.
async fn run(cx: &FlowContext) -> (Result<Bought, Unwind<Refused>>, Vec<(String, String)>) {
    let approval = Approval { post: Post::default() };
    let end = approval.run(cx, request("tok_visa")).await;
    let letters = approval.post.letters().into_iter().map(|letter| (letter.to, letter.text));
    (end, letters.collect())
}

fn no(end: Result<Bought, Unwind<Refused>>) -> Refused {
    match end {
        Err(Unwind::Refused(no)) => no,
        other => panic!("it was not refused: {:?}", other.ok()),
    }
}

fn receipt() -> Receipt {
    Receipt { order: "r-1".into(), charge: "c-1".into(), parcel: "p-1".into() }
}

#[tokio::test]
async fn a_yes_is_a_checkout() {
    let cx = FlowContext::detached()
        .with_signal(Approval::DECIDED, decision("bob", true))
        .with_child::<Checkout>(|_| Ok(receipt()));
    let (end, letters) = run(&cx).await;
    assert_eq!(end.ok(), Some(Bought { approved_by: "bob".into(), receipt: receipt() }));
    assert_eq!(letters, ["ada", "bob"].map(|to| (to.to_owned(), "please decide on r-1".to_owned())));
    assert_eq!((&*cx.labels()["department"], &*cx.labels()["approver"]), ("design", "ada, bob"));
}

#[tokio::test]
async fn what_the_shop_refuses_is_refused() {
    let denial = Denial::CardDeclined("no".into());
    let said = denial.clone();
    let cx = FlowContext::detached()
        .with_signal(Approval::DECIDED, decision("ada", true))
        .with_child::<Checkout>(move |_| Err(Failure::Refused(said.clone())));
    assert_eq!(no(run(&cx).await.0), Refused::NotForSale(denial));
}

#[tokio::test]
async fn a_no_buys_nothing() {
    // There is no checkout here: whoever called it would panic.
    let cx = FlowContext::detached().with_signal(Approval::DECIDED, decision("ada", false));
    assert_eq!(no(run(&cx).await.0), Refused::TurnedDown(decision("ada", false)));
}

#[tokio::test]
async fn of_two_signals_the_first_counts() {
    let cx = FlowContext::detached()
        .with_signal(Approval::WITHDRAWN, "never mind".into())
        .with_signal(Approval::DECIDED, decision("ada", true));
    assert_eq!(no(run(&cx).await.0), Refused::Withdrawn("never mind".into()));
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_it_is_over_after_ten_days() {
    let begun = tokio::time::Instant::now();
    let cx = FlowContext::detached();
    let (end, letters) = run(&cx).await;
    assert_eq!(no(end), Refused::NobodyAnswered);
    assert_eq!(begun.elapsed().as_secs() / 3600, 10 * 24);
    let to: Vec<&str> = letters.iter().map(|(to, _)| &**to).collect();
    assert_eq!(to, ["ada", "bob", "ada", "bob", "carol"], "asked, reminded, escalated");
    assert_eq!(cx.labels()["approver"], "carol");
}

#[tokio::test(start_paused = true)]
async fn a_decision_of_somebody_who_was_not_asked_is_not_heard_and_gives_no_more_time() {
    let begun = tokio::time::Instant::now();
    let cx = FlowContext::detached()
        .with_signal(Approval::DECIDED, decision("carol", true))
        .with_signal(Approval::DECIDED, decision("mallory", true));
    assert_eq!(no(run(&cx).await.0), Refused::NobodyAnswered);
    assert_eq!(begun.elapsed().as_secs() / 3600, 10 * 24);
}

#[tokio::test]
async fn one_key_is_one_letter_each() {
    let post = Post::default();
    let people = ["ada".to_owned(), "bob".to_owned()];
    for key in ["k-1", "k-1", "k-2"] {
        post.send(key, &people, "hello").await.unwrap();
    }
    assert_eq!(post.letters().len(), 4);
}
