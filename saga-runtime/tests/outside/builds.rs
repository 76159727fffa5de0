//! An instance and a build that does not know all of it: what was renamed is named to whoever looks.

use super::{Lab, log::Log, until};
use saga_runtime::{
    prelude::*,
    runtime::{Filter, Progress},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, Serialize, Deserialize, Refusal)]
struct No;

mod before {
    use super::No;
    use saga_runtime::prelude::*;

    pub(super) struct Trip;

    #[saga(name = "trip", version = 1)]
    impl Trip {
        #[signal]
        pub(super) const CONFIRMED: Signal<Self, bool> = Signal::new("confirmed");

        #[flow]
        pub(super) async fn run(&self, cx: &FlowContext, waits: bool) -> Result<bool, Unwind<No>> {
            if waits {
                return Ok(cx.wait(Self::CONFIRMED).within("2h").await.unwrap_or_default());
            }
            let room = self.hotel(cx).await?;
            self.car(cx, &room).await?;
            Ok(true)
        }

        #[step]
        async fn hotel(&self, cx: &StepContext) -> Result<String, Failure<No>> {
            Ok(cx.key().into())
        }

        #[compensate(hotel)]
        async fn cancel_hotel(&self, _cx: &StepContext) -> Result<(), Transient> {
            Ok(())
        }

        #[step(retry(initial = "1h", max = "1h"))]
        async fn car(&self, _cx: &StepContext, _room: &str) -> Result<(), Failure<No>> {
            Err(Transient::new("no car").into())
        }

        #[compensate(car)]
        async fn cancel_car(&self, _cx: &StepContext) -> Result<(), Transient> {
            Ok(())
        }
    }
}

/// The same with another name for the hotel and for the signal, whose constant is called as before or not.
mod after {
    use super::No;
    use saga_runtime::prelude::*;

    pub(super) struct Trip;

    #[saga(name = "trip", version = 2)]
    impl Trip {
        #[signal]
        pub(super) const CONFIRMED: Signal<Self, bool> = Signal::new("ok");

        #[flow]
        pub(super) async fn run(&self, cx: &FlowContext, waits: bool) -> Result<bool, Unwind<No>> {
            if waits {
                return Ok(cx.wait(Self::CONFIRMED).within("2h").await.unwrap_or_default());
            }
            let room = self.lodging(cx).await?;
            self.car(cx, &room).await?;
            Ok(true)
        }

        #[step]
        async fn lodging(&self, cx: &StepContext) -> Result<String, Failure<No>> {
            Ok(cx.key().into())
        }

        #[compensate(lodging)]
        async fn cancel_lodging(&self, _cx: &StepContext) -> Result<(), Transient> {
            Ok(())
        }

        #[step]
        async fn car(&self, cx: &StepContext, _room: &str) -> Result<(), Failure<No>> {
            assert!(!cx.key().is_empty());
            Ok(())
        }

        #[compensate(car)]
        async fn cancel_car(&self, _cx: &StepContext) -> Result<(), Transient> {
            Ok(())
        }
    }
}

/// One that has come to rest in a build which is gone now, and a runtime of the build after it.
async fn replaced(lab: &Lab, waits: bool) -> (Runtime, Handle<after::Trip>) {
    let runtime = lab.builder().register(before::Trip).start().await.expect("it starts");
    let trip = runtime.start::<before::Trip>("1", waits).await.expect("it is started");
    let rest = if waits { Progress::Waiting } else { Progress::Sleeping };
    until(async || trip.status().await.expect("the store answers").progress == rest).await;
    drop((trip, runtime));
    let runtime = lab.builder().register(after::Trip).start().await.expect("it starts");
    let trip = runtime.get("1").await.expect("the store answers").expect("it is there");
    (runtime, trip)
}

async fn given_back(trip: &Handle<after::Trip>) -> String {
    until(async || trip.status().await.expect("the store answers").progress == Progress::WaitsForBuild).await;
    trip.status().await.expect("the store answers").to_string()
}

const MENDED: &str = "what was renamed needs its old name, or a build that has it must run";

#[tokio::test]
async fn a_name_that_the_build_does_not_know_is_in_the_status_and_is_told_once_by_the_worker_that_gives_it_back() {
    let (log, _listens) = Log::here();
    let lab = Lab::new();
    let (_runtime, trip) = replaced(&lab, false).await;
    let unknown = "hotel (compensation cancel_hotel)";
    let early = trip.status().await.expect("the store answers");
    assert_eq!((early.progress, early.unknown.as_deref()), (Progress::Sleeping, Some(unknown)), "it sleeps still");
    assert!(early.to_string().contains(&format!("\n  this build does not know {unknown}: {MENDED}\n")), "{early}");

    lab.clock.advance(Duration::from_hours(1));
    let shown = given_back(&trip).await;
    let begins = format!(
        "trip 1: waiting for a build that knows its state\n  \
         the build that gave it back does not know {unknown}: {MENDED}\n  \
         car: step car, attempt 2 at "
    );
    assert!(shown.starts_with(&begins), "{shown}");
    let status = trip.status().await.expect("the store answers");
    assert_eq!((&*status.state, status.unknown.as_deref()), ("car", Some(unknown)));
    until(async || !log.lines("given back").is_empty()).await;
    let told = log.lines("given back");
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["WARN ", "saga=trip", "id=1", &format!("unknown={unknown}")] {
        assert!(told[0].contains(part), "{told:?}");
    }
}

#[tokio::test]
async fn a_signal_that_was_renamed_is_named_as_what_is_waited_for_and_as_what_nobody_took() {
    let lab = Lab::new();
    let (_runtime, trip) = replaced(&lab, true).await;
    for _ in 0..2 {
        trip.signal(after::Trip::CONFIRMED, true).await.expect("it is sent");
    }
    let status = trip.status().await.expect("the store answers");
    let shown = status.to_string();
    assert_eq!(status.unknown.as_deref(), Some("confirmed (signal confirmed)"));
    assert_eq!(status.unread_signals.iter().map(|(name, many)| (&**name, *many)).collect::<Vec<_>>(), [("ok", 2)]);
    assert_eq!(
        shown,
        format!(
            "trip 1: waiting\n  \
             this build does not know confirmed (signal confirmed): {MENDED}\n  \
             confirmed: waits for confirmed until 2026-01-01 02:00:00 UTC (in 2 h 0 min)\n  \
             signals that no wait has taken: ok (2)\n"
        )
    );
}

/// What was sent under the new name has not reached it: that the time ran out may be no answer.
#[tokio::test]
async fn rule_32_a_wait_for_a_signal_that_the_build_does_not_have_waits_for_a_build_that_has_it() {
    let lab = Lab::new();
    let (runtime, trip) = replaced(&lab, true).await;
    trip.signal(after::Trip::CONFIRMED, true).await.expect("it is sent");
    lab.clock.advance(Duration::from_hours(2));
    let shown = given_back(&trip).await;
    assert!(shown.contains("gave it back does not know confirmed (signal confirmed): "), "{shown}");
    let listed = runtime.list(&Filter::new().progress([Progress::WaitsForBuild])).await.expect("the store answers");
    assert_eq!(listed.instances[0].state.as_deref(), Some("confirmed (signal confirmed)"));
    drop((trip, runtime));

    let runtime = lab.builder().register(before::Trip).start().await.expect("it starts");
    let trip = runtime.get::<before::Trip>("1").await.expect("the store answers").expect("it is there");
    assert_eq!(trip.result().await.expect("it ends").completed(), Some(false), "its time was over");
}
