//! Signals from outside: kept, counted once, and refused where nobody would ever hear them.

use super::{Lab, until};
use saga_runtime::{
    clock::Clock,
    prelude::*,
    runtime::{Progress, UnreadSignal},
    store::{Store, memory::Memory},
    testing::ManualClock,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc, time::Duration};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Decision {
    by: String,
    yes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
enum Refused {
    No(String),
    Late,
}

struct Approval;

#[saga(name = "approval", version = 1)]
impl Approval {
    #[signal]
    const DECIDED: Signal<Self, Decision> = Signal::new("decided");
    #[signal]
    const WITHDRAWN: Signal<Self, String> = Signal::new("withdrawn");
    #[signal]
    const NOTES: Signal<Self, HashMap<String, u64>> = Signal::new("notes");

    #[flow]
    async fn run(&self, cx: &FlowContext, days: u64) -> Result<String, Unwind<Refused>> {
        cx.sleep(Duration::from_hours(24 * days)).await;
        match cx.wait((Self::DECIDED, Self::WITHDRAWN)).within("2d").await {
            Ok(OneOf2::First(Decision { by, yes: true })) => Ok(by),
            Ok(OneOf2::First(Decision { by, .. })) => Err(Refused::No(by).into()),
            Ok(OneOf2::Second(why)) => Err(Refused::No(why).into()),
            Err(Elapsed) => Err(Refused::Late.into()),
        }
    }
}

/// Another saga, of which no runtime here knows.
struct Stranger;

#[saga]
impl Stranger {
    #[signal]
    const HEARD: Signal<Self, bool> = Signal::new("heard");

    #[flow]
    async fn run(&self, cx: &FlowContext, _input: ()) -> Result<bool, Unwind<Refused>> {
        Ok(cx.wait(Self::HEARD).forever().await)
    }
}

fn yes(by: &str) -> Decision {
    Decision { by: by.into(), yes: true }
}

async fn runtime(lab: &Lab) -> Runtime {
    lab.builder().register(Approval).start().await.expect("it starts")
}

async fn start(runtime: &Runtime, id: &str, days: u64) -> Handle<Approval> {
    let saga = runtime.start::<Approval>(id, days).await.expect("it is started");
    until(async || {
        let progress = saga.status().await.expect("the store answers").progress;
        matches!(progress, Progress::Sleeping | Progress::Waiting)
    })
    .await;
    saga
}

/// The signals that nobody has taken: name, id, value.
async fn unread(saga: &Handle<Approval>) -> Vec<(String, String, String)> {
    let shown = |unread: UnreadSignal| (unread.signal.into(), unread.id.into(), unread.value.get().into());
    saga.unread_signals().await.expect("the store answers").into_iter().map(shown).collect()
}

#[tokio::test]
async fn whoever_waits_is_told() {
    let lab = Lab::new();
    let runtime = runtime(&lab).await;
    let saga = start(&runtime, "1", 0).await;
    saga.signal(Approval::DECIDED, yes("ann")).await.expect("sent");
    assert_eq!(saga.result().await.expect("it ends"), End::Completed("ann".into()));
}

#[tokio::test]
async fn without_a_handle_the_id_is_enough() {
    let lab = Lab::new();
    let runtime = runtime(&lab).await;
    let saga = start(&runtime, "1", 0).await;
    runtime.signal("1", Approval::WITHDRAWN, "too dear".into()).await.expect("sent");
    let end = saga.result().await.expect("it ends");
    assert_eq!(end.cause(), Some(&Cause::Refused(Refused::No("too dear".into()))));
}

#[tokio::test]
async fn one_that_comes_early_is_kept_also_while_nobody_runs() {
    let lab = Lab::new();
    let first = runtime(&lab).await;
    let saga = start(&first, "1", 3).await;
    saga.signal_once(Approval::DECIDED, "mail 1", yes("ann")).await.expect("sent");
    assert_eq!(unread(&saga).await.len(), 1, "not yet");
    drop((saga, first));
    lab.clock.advance(Duration::from_hours(72));
    let second = runtime(&lab).await;
    let saga = second.get::<Approval>("1").await.expect("the store answers").expect("it is there");
    assert_eq!(saga.result().await.expect("it ends"), End::Completed("ann".into()));
    assert!(unread(&saga).await.is_empty());
}

#[tokio::test]
async fn a_known_id_counts_once_and_with_another_value_it_is_an_error_that_names_it() {
    let lab = Lab::new();
    let runtime = runtime(&lab).await;
    let saga = start(&runtime, "1", 1).await;
    for _ in 0..3 {
        saga.signal_once(Approval::DECIDED, "mail 1", yes("ann")).await.expect("sent, or known");
    }
    runtime.signal_once("1", Approval::DECIDED, "mail 1", yes("ann")).await.expect("known");
    assert_eq!(
        unread(&saga).await,
        [("decided".into(), "mail 1".into(), r#"{"by":"ann","yes":true}"#.into())],
        "it counts once"
    );
    let error = saga.signal_once(Approval::DECIDED, "mail 1", yes("bob")).await.expect_err("another value");
    assert!(error.is_conflict() && error.to_string().contains("`mail 1`"), "{error}");
    // Of another signal it is another message.
    saga.signal_once(Approval::WITHDRAWN, "mail 1", "why".into()).await.expect("sent");
    lab.clock.advance(Duration::from_hours(24));
    assert_eq!(saga.result().await.expect("it ends"), End::Completed("ann".into()));
    saga.signal_once(Approval::DECIDED, "mail 1", yes("ann")).await.expect("known after the end");
}

#[tokio::test]
async fn values_are_the_same_whatever_the_order_of_their_keys() {
    let lab = Lab::new();
    let runtime = runtime(&lab).await;
    let saga = start(&runtime, "1", 1).await;
    // Each map has an order of its own.
    for _ in 0..10 {
        let notes: HashMap<String, u64> = (0..20).map(|note| (note.to_string(), note)).collect();
        saga.signal_once(Approval::NOTES, "1", notes).await.expect("the same value");
    }
}

#[tokio::test]
async fn without_an_id_each_call_is_a_message_and_what_nobody_took_is_listed_at_the_end() {
    let lab = Lab::new();
    let runtime = runtime(&lab).await;
    let saga = start(&runtime, "1", 1).await;
    for by in ["ann", "ann", "bob"] {
        saga.signal(Approval::DECIDED, yes(by)).await.expect("sent");
    }
    saga.signal_once(Approval::WITHDRAWN, "w", "why".into()).await.expect("sent");
    lab.clock.advance(Duration::from_hours(24));
    assert_eq!(saga.result().await.expect("it ends"), End::Completed("ann".into()));
    let left = unread(&saga).await;
    assert_eq!(left.iter().map(|(signal, ..)| &**signal).collect::<Vec<_>>(), ["decided", "decided", "withdrawn"]);
    assert!(left[1].2.contains("bob") && left[0].1 != left[1].1, "{left:?}");
}

#[tokio::test]
async fn nobody_is_there_to_be_told() {
    let lab = Lab::new();
    let runtime = runtime(&lab).await;
    let error = runtime.signal("nobody", Approval::DECIDED, yes("ann")).await.expect_err("no such instance");
    assert!(error.is_unknown_instance() && error.to_string().contains("`nobody` of saga `approval`"), "{error}");
    let error = runtime.signal("1", Stranger::HEARD, true).await.expect_err("no such saga here");
    assert!(error.is_unknown_saga(), "{error}");
    let saga = start(&runtime, "1", 0).await;
    lab.clock.advance(Duration::from_hours(48));
    let end = saga.result().await.expect("it ends");
    assert_eq!(end.cause(), Some(&Cause::Refused(Refused::Late)));
    let error = saga.signal(Approval::DECIDED, yes("ann")).await.expect_err("it has ended");
    assert!(error.is_ended() && error.to_string().contains("`decided`"), "{error}");
    assert!(unread(&saga).await.is_empty(), "nothing was stored");
}

#[tokio::test]
async fn what_cannot_be_a_message_is_refused_and_nothing_is_sent() {
    let lab = Lab::new();
    let runtime = runtime(&lab).await;
    let saga = start(&runtime, "1", 1).await;
    let undeclared = Signal::<Approval, bool>::new("decidde");
    let error = saga.signal(undeclared, true).await.expect_err("not of this saga");
    assert!(error.is_invalid() && error.to_string().contains("`decidde`"), "{error}");
    let error = saga.signal_once(Approval::DECIDED, "", yes("ann")).await.expect_err("no id");
    assert!(error.is_invalid() && error.to_string().contains("`message`"), "{error}");
    let error = saga.signal(Approval::WITHDRAWN, "x".repeat(1 << 20)).await.expect_err("too long");
    assert!(error.is_too_large() && error.to_string().contains("`withdrawn`"), "{error}");
    assert!(unread(&saga).await.is_empty());
    runtime.shutdown(Duration::from_secs(1)).await;
    let error = saga.signal(Approval::DECIDED, yes("ann")).await.expect_err("the runtime has stopped");
    assert!(error.is_stopped(), "{error}");
}

struct Gate;

#[saga]
impl Gate {
    #[signal]
    const OPEN: Signal<Self, ()> = Signal::new("open");
    #[signal]
    const PASS: Signal<Self, ()> = Signal::new("pass");

    #[flow]
    async fn run(&self, cx: &FlowContext, _input: ()) -> Result<bool, Unwind<Refused>> {
        cx.wait(Self::OPEN).forever().await;
        Ok(cx.wait(Self::PASS).within("10s").await.is_ok())
    }
}

#[tokio::test]
async fn rule_25_a_signal_that_is_there_is_in_time_although_the_clock_was_set_back() {
    let (clock, store) = (Arc::new(ManualClock::default()), Arc::new(Memory::new()));
    let runtime = async || {
        let store = Arc::clone(&store) as Arc<dyn Store>;
        let builder = Runtime::builder().shared_store(store).clock(Arc::clone(&clock) as Arc<dyn Clock>);
        builder.register(Gate).start().await.expect("it starts")
    };
    let before = runtime().await;
    before.start::<Gate>("1", ()).await.expect("it is started");
    before.signal_once("1", Gate::PASS, "pass-1", ()).await.expect("it is there");
    before.shutdown(Duration::from_secs(1)).await;
    drop(before);
    // By this clock the signal comes long after the wait, which begins only now, will be over.
    clock.set_back(Duration::from_mins(50));
    let after = runtime().await;
    after.signal_once("1", Gate::OPEN, "open-1", ()).await.expect("it is there");
    let saga = after.get::<Gate>("1").await.expect("the store answers").expect("it was started");
    let end = tokio::time::timeout(Duration::from_secs(30), saga.result()).await;
    let end = end.expect("it is not taken and let go of again and again").expect("it ends");
    assert_eq!(end, End::Completed(true));
}
