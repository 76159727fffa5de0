//! Going forward: calls, retries, ends.

use crate::{Lab, end, saga::script, start, world::Act};
use saga_runtime::{Cause, End};

#[tokio::test(start_paused = true)]
async fn a_saga_that_nothing_happens_to_completes() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    let saga = start(&runtime, "1", script("look:l book:a book:b pay:p send:s")).await;
    assert_eq!(end(&saga).await, End::Completed(["l!", "a!", "b!", "p!", "s!"].map(String::from).to_vec()));
    assert_eq!(lab.world.whats(), ["l", "a", "b", "p", "s"]);
}

#[tokio::test(start_paused = true)]
async fn a_transient_is_tried_again_with_the_same_key() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("a", [Act::Fail, Act::Fail, Act::Fail, Act::Fail, Act::Fail, Act::Fail]);
    let saga = start(&runtime, "1", script("book:a")).await;
    assert!(matches!(end(&saga).await, End::Completed(_)));
    let got = lab.world.got();
    assert_eq!(got.iter().map(|got| got.attempt).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert!(got.iter().all(|attempt| attempt.key == got[0].key));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_undoes_what_completed_the_last_first() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("p", [Act::Refuse]);
    let saga = start(&runtime, "1", script("look:l book:a book:b pay:p send:s")).await;
    let end = end(&saga).await;
    let Some(Cause::Refused(no)) = end.cause() else { panic!("{end:?}") };
    assert_eq!(no.0, "p");
    assert_eq!(lab.world.whats(), ["l", "a", "b", "p", "undo b", "undo a"]);
    let undo = &lab.world.about("undo a")[0];
    assert_eq!(undo.output.as_deref(), Some("a!"));
    assert_eq!(undo.undoes.as_deref(), Some(&*lab.world.about("a")[0].key));
    println!("{}", saga.timeline().await.expect("it is there"));
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_in_a_crash_goes_on_by_itself() {
    let lab = Lab::new();
    let runtime = lab.runtime().await;
    lab.world.plan("b", [Act::Hang]);
    let saga = start(&runtime, "1", script("book:a book:b pay:p")).await;
    while lab.world.about("b").is_empty() {
        tokio::task::yield_now().await;
    }
    drop((saga, runtime));
    let runtime = lab.runtime().await;
    let saga = runtime.get::<crate::Scripted>("1").await.expect("the store answers").expect("it is there");
    assert!(matches!(end(&saga).await, End::Completed(_)));
    assert_eq!(lab.world.whats(), ["a", "b", "b", "p"]);
    let b = lab.world.about("b");
    assert_eq!((&b[0].key, b[1].attempt), (&b[1].key, 2));
}
