//! Values that would not come back from the store as they went in (docs/semantics.md, rule 5).

use crate::Lab;
use saga_runtime::{Settled, prelude::*, runtime::ParkCause};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Where a `Some` of nothing goes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Where {
    Nowhere,
    Argument,
    Local,
    Output,
    Refusal,
    Result,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Refusal)]
struct No(Option<()>);

/// Gives a `Some` of nothing to whatever it is told to, and counts its effects.
struct Lossy(Arc<AtomicUsize>);

#[saga(name = "lossy")]
impl Lossy {
    #[flow]
    async fn run(&self, cx: &FlowContext, input: (Where, Option<()>)) -> Result<Option<()>, Unwind<No>> {
        let (place, early) = input;
        assert!(early.is_none());
        let at = |this| (place == this).then_some(());
        let (argument, local) = (at(Where::Argument), at(Where::Local));
        self.act(cx, argument, place).await?;
        if local.is_some() {
            #[state("once_more")]
            self.act(cx, None, Where::Nowhere).await?;
        }
        Ok((place == Where::Result).then_some(()))
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, cx: &StepContext, what: Option<()>, place: Where) -> Result<Option<()>, Failure<No>> {
        _ = (cx, what);
        self.0.fetch_add(1, Ordering::Relaxed);
        match place {
            Where::Output => Ok(Some(())),
            Where::Refusal => Err(No(Some(())).into()),
            _ => Ok(None),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rule_5_a_some_of_nothing_parks_what_would_save_it_and_is_never_a_none() {
    let lab = Lab::new();
    let effects = Arc::new(AtomicUsize::new(0));
    let runtime = lab.builder().register(Lossy(Arc::clone(&effects))).start().await.expect("it starts");
    // A value that is wrong before the effect keeps the effect from being made; one after it leaves it in doubt.
    let made = [
        (Where::Argument, 0, "argument `what`"),
        (Where::Local, 0, "saved value `local`"),
        (Where::Output, 1, "output of step `act`"),
        (Where::Refusal, 1, "refusal of step `act`"),
        (Where::Result, 1, "output"),
    ];
    for (place, count, what) in made {
        effects.store(0, Ordering::Relaxed);
        let saga = runtime.start::<Lossy>(&format!("{place:?}"), (place, None)).await.expect("it is started");
        let settled = tokio::time::timeout(Duration::from_hours(24), saga.settled()).await.expect("in a day");
        assert!(matches!(settled.expect("the store answers"), Settled::Parked { .. }), "{place:?}");
        let park = saga.park().await.expect("the store answers").expect("it is parked");
        assert!(
            park.error().contains(what) && park.error().contains("`Some` of nothing"),
            "{place:?}: {}",
            park.error()
        );
        assert_ne!(park.cause(), ParkCause::Exhausted, "{place:?}");
        assert_eq!(effects.load(Ordering::Relaxed), count, "{place:?}");
    }
    let saga = runtime.start::<Lossy>("fine", (Where::Nowhere, None)).await.expect("it is started");
    assert!(saga.result().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn rule_5_an_input_that_would_come_back_as_another_is_refused_where_it_is_given() {
    let lab = Lab::new();
    let runtime = lab.builder().register(Lossy(Arc::default())).start().await.expect("it starts");
    let error = runtime.start::<Lossy>("1", (Where::Nowhere, Some(()))).await.expect_err("it would be a `None`");
    assert!(error.is_invalid() && error.to_string().contains("`[1]`: `Some` of nothing"), "{error}");
    assert!(runtime.get::<Lossy>("1").await.expect("the store answers").is_none());
}
