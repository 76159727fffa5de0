//! Timers, signals, labels: the verbs that wait.

use super::*;
use std::time::{Duration, SystemTime};

/// A request that somebody decides upon, or withdraws.
struct Approval(World);

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Decision {
    by: String,
    yes: bool,
}

#[saga(name = "approval", deadline = "30d")]
impl Approval {
    /// Somebody decided.
    #[signal]
    const DECIDED: Signal<Self, Decision> = Signal::new("decided");
    #[signal]
    const WITHDRAWN: Signal<Self, String> = Signal::new("withdrawn");
    #[signal]
    const NUDGED: Signal<Self, ()> = Signal::new("nudged");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<String, Unwind<No>> {
        cx.set_label("order", order.id);
        cx.set_label("lines", order.lines.len());
        let begun = cx.now();
        cx.sleep("3d").await;
        #[state("a_second")]
        cx.sleep(Duration::from_secs(u64::from(order.id))).await;
        #[state("the_past")]
        cx.sleep_until(begun - Duration::from_secs(1)).await;
        self.ask(cx, &order.lines[0].sku).await?;
        let mut waits = 0;
        let decision = loop {
            match cx.wait((Self::DECIDED, Self::WITHDRAWN)).within("2d").await {
                Ok(OneOf2::First(decision)) => break decision,
                Ok(OneOf2::Second(why)) => {
                    cx.remove_label("lines");
                    return Err(No(why).into());
                }
                Err(Elapsed) => {
                    waits += 1;
                    cx.set_label("waits", waits);
                    self.ask_again(cx, &format!("{} {waits}", order.id)).await?;
                    if waits == 2 {
                        #[state("the_last_word")]
                        let last =
                            cx.wait(Self::DECIDED).until(SystemTime::now()).await.map_err(|_| No("late".into()))?;
                        break last;
                    }
                }
            }
        };
        cx.wait(Self::NUDGED).forever().await;
        Ok(format!("{} says {}", decision.by, decision.yes))
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn ask(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "ask", what)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn ask_again(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "ask_again", what)
    }
}

fn decision(yes: bool) -> Decision {
    Decision { by: "Ada".into(), yes }
}

#[test]
fn timers_and_signals_are_those_of_the_method() {
    let scripts = [
        Script::default().signal(Approval::DECIDED, decision(true)).signal(Approval::NUDGED, ()),
        Script::default().signal(Approval::NUDGED, ()).signal(Approval::WITHDRAWN, "no need".into()),
        Script::default()
            .signal(Approval::WITHDRAWN, "first".into())
            .signal(Approval::DECIDED, decision(false))
            .signal(Approval::NUDGED, ()),
        Script::default(),
    ];
    for script in &scripts {
        for input in [order(1, &["a"]), order(2, &["no"])] {
            the_machine_is_the_method_when("approval", Approval, &input, script, |flow, input, cx| async move {
                (flow.run(&cx, input).await, cx)
            });
        }
    }
}

#[test]
fn what_waits_is_named_after_what_it_waits_for() {
    let definition = Approval::definition();
    let names: Vec<_> = definition.main().states.iter().map(|state| state.name).collect();
    assert_eq!(
        names,
        ["sleep", "a_second", "the_past", "ask", "decided-or-withdrawn", "ask_again", "the_last_word", "nudged"]
    );
    let signals: Vec<_> = definition.signals.iter().map(|signal| (signal.name, signal.docs)).collect();
    assert_eq!(signals, [("decided", "Somebody decided."), ("withdrawn", ""), ("nudged", "")]);
    assert_eq!(definition.deadline, Some(Duration::from_hours(30 * 24)));
}

#[tokio::test]
#[should_panic = "nobody sends `nudged` here"]
async fn a_signal_that_nobody_puts_in_is_named() {
    let cx = FlowContext::detached();
    cx.wait(Approval::NUDGED).forever().await;
}
