//! A saga whose flow is a script, in which every construct of the language has its place.

use crate::world::{No, World, got};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What an errand does.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Before the pivot.
    pub(crate) ops: Vec<Op>,
    /// The pivot.
    pub(crate) pay: Option<String>,
    /// A child that cannot be undone, as the pivot.
    pub(crate) deliver: Option<String>,
    /// After the pivot.
    pub(crate) ship: Vec<String>,
    /// What is slept after that, in seconds.
    pub(crate) rest: u64,
    /// What the flow says no with at its end.
    pub(crate) refuse: Option<String>,
}

/// One thing that it does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Op {
    pub(crate) work: Work,
    /// Whether the flow goes on when it is refused, or exhausted.
    pub(crate) catch: bool,
}

/// What one thing is. A text is a step's, unless it begins with `sleep`, `wait`, `both` or `child`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Work {
    /// A step, of the main flow.
    Book(String),
    /// A sleep of the main flow, in seconds.
    Sleep(u64),
    /// A wait of the main flow, so many seconds long.
    Wait(u64),
    /// A wait without an end.
    Forever,
    /// A child, of the main flow.
    Child(Vec<String>),
    /// A child that has so many seconds.
    Brief(Vec<String>, u64),
    /// A saga that is not waited for.
    Launch(Vec<String>),
    /// A signal for another errand.
    Send(String, u32),
    /// An inner flow.
    Leg(Vec<String>),
    /// Three branches: two steps and an inner flow.
    Both(String, String, Vec<String>),
    /// A step for each, so many at a time.
    Each(Vec<String>, usize),
    /// An inner flow for each, so many at a time.
    Legs(Vec<Vec<String>>, usize),
    /// An inner flow with a join of inner flows in it, between two steps.
    Way(String, Vec<Vec<String>>, String),
    /// Two of those at the same time.
    Ways(Vec<Vec<String>>, Vec<Vec<String>>),
}

/// The rest of a text that begins with this word.
fn after<'a>(what: &'a str, word: &str) -> Option<&'a str> {
    what.strip_prefix(word)?.strip_prefix(' ')
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.parse().unwrap_or(0))
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(Into::into).collect()
}

macro_rules! errand {
    ($name:ident $plan:ident: $($option:tt)*) => {
        /// Does what its plan says.
        pub(crate) struct $name(pub(crate) World);

        #[saga($($option)*)]
        impl $name {
            /// Go on.
            #[signal]
            pub(crate) const GO: Signal<Self, u32> = Signal::new("go");
            /// Do not.
            #[signal]
            pub(crate) const HALT: Signal<Self, String> = Signal::new("halt");

            #[flow]
            #[expect(clippy::too_many_lines, reason = "an arm for each construct")]
            pub(crate) async fn run(&self, cx: &FlowContext, $plan: Plan) -> Result<Vec<String>, Unwind<No>> {
                let mut log: Vec<String> = Vec::new();
                for op in &$plan.ops {
                    let done = match &op.work {
                        Work::Book(what) => match self.book(cx, what).await {
                            Ok(done) => Ok(vec![done]),
                            Err(error) => Err(error.into()),
                        },
                        Work::Sleep(span) => {
                            cx.sleep(Duration::from_secs(*span)).await;
                            Ok(vec!["slept".into()])
                        }
                        Work::Wait(span) => match cx.wait((Self::GO, Self::HALT)).within(Duration::from_secs(*span)).await {
                            Ok(OneOf2::First(number)) => Ok(vec![format!("go {number}")]),
                            Ok(OneOf2::Second(why)) => Err(No(why).into()),
                            Err(Elapsed) => Ok(vec!["elapsed".into()]),
                        },
                        Work::Forever => {
                            #[state("forever")]
                            let number = cx.wait(Self::GO).forever().await;
                            Ok(vec![format!("go {number}")])
                        }
                        Work::Child(whats) => match cx.child::<Helper>(whats.clone()).forever().await {
                            Ok(done) => Ok(done),
                            Err(error) => Err(error.into()),
                        },
                        Work::Brief(whats, span) => {
                            #[state("brief_helper")]
                            let done = cx.child::<Helper>(whats.clone()).within(Duration::from_secs(*span)).await;
                            match done {
                                Ok(done) => Ok(done),
                                Err(error) => Err(error.into()),
                            }
                        }
                        Work::Launch(whats) => {
                            #[state("launched")]
                            let id = cx.launch::<Helper>(whats.clone()).await;
                            Ok(vec![id])
                        }
                        Work::Send(id, number) => match cx.send::<Errand, _>(id, Errand::GO, *number).await {
                            Ok(()) => Ok(vec!["sent".into()]),
                            Err(error) => Ok(vec![format!("{error:?}")]),
                        },
                        Work::Leg(whats) => self.leg(cx, whats).await,
                        Work::Both(a, b, whats) => {
                            match join!(self.book(cx, a), self.book(cx, b), self.leg(cx, whats)).await {
                                Ok((a, b, mut rest)) => {
                                    rest.extend([a, b]);
                                    Ok(rest)
                                }
                                Err(error) => Err(error),
                            }
                        }
                        Work::Each(whats, limit) => {
                            #[state("each")]
                            let done = cx.join_all(whats, *limit, |what| self.book(cx, what)).await;
                            match done {
                                Ok(done) => Ok(done),
                                Err(error) => Err(error.into()),
                            }
                        }
                        Work::Legs(legs, limit) => {
                            #[state("legs")]
                            let done = cx.join_all(legs, *limit, |leg| self.leg(cx, leg)).await;
                            match done {
                                Ok(done) => Ok(done.concat()),
                                Err(error) => Err(error),
                            }
                        }
                        Work::Way(first, legs, last) => self.way(cx, first, legs, last).await,
                        Work::Ways(one, two) => {
                            match join!(self.way(cx, "out", one, "in"), self.way(cx, "up", two, "down")).await {
                                Ok((one, two)) => Ok([one, two].concat()),
                                Err(error) => Err(error),
                            }
                        }
                    };
                    match done {
                        Ok(done) => log.extend(done),
                        Err(Unwind::Refused(No(why))) if op.catch => log.push(format!("no {why}")),
                        Err(Unwind::Exhausted(exhausted)) if op.catch => log.push(format!("not {}", exhausted.step())),
                        Err(error) => return Err(error),
                    }
                }
                if let Some(why) = &$plan.refuse {
                    return Err(No(why.clone()).into());
                }
                if let Some(what) = &$plan.deliver {
                    let done = cx.child::<Delivery>(what.clone()).pivot().forever().await?;
                    log.push(done);
                } else if let Some(what) = &$plan.pay {
                    let done = self.pay(cx, what).await?;
                    log.push(done);
                } else {
                    return Ok(log);
                }
                for what in &$plan.ship {
                    let Ok(done) = self.ship(cx, what).await else { break };
                    log.push(done);
                }
                if $plan.rest > 0 {
                    #[state("rest")]
                    cx.sleep(Duration::from_secs($plan.rest)).await;
                }
                Ok(log)
            }

            /// One after the other, in a scope of its own.
            #[flow(inner)]
            async fn leg(&self, cx: &FlowContext, whats: &[String]) -> Result<Vec<String>, Unwind<No>> {
                let mut done = Vec::new();
                for what in whats {
                    if let Some(span) = after(what, "sleep") {
                        cx.sleep(seconds(span)).await;
                        done.push(what.clone());
                    } else if let Some(span) = after(what, "wait") {
                        match cx.wait(Self::GO).within(seconds(span)).await {
                            Ok(number) => done.push(format!("go {number}")),
                            Err(Elapsed) => done.push("elapsed".into()),
                        }
                    } else if let Some(whats) = after(what, "child") {
                        let all = cx.child::<Helper>(words(whats)).forever().await?;
                        done.extend(all);
                    } else if let Some(whats) = after(what, "both") {
                        let all = words(whats);
                        let both = cx.join_all(&all, 2, |what| self.book(cx, what)).await?;
                        done.extend(both);
                    } else {
                        #[state("step")]
                        let one = self.book(cx, what).await?;
                        done.push(one);
                    }
                }
                Ok(done)
            }

            /// A join between two steps, in a scope of its own.
            #[flow(inner)]
            async fn way(
                &self,
                cx: &FlowContext,
                first: &str,
                legs: &[Vec<String>],
                last: &str,
            ) -> Result<Vec<String>, Unwind<No>> {
                let first = self.book(cx, first).await?;
                let mut done = vec![first];
                let all = cx.join_all(legs, 3, |leg| self.leg(cx, leg)).await?;
                done.extend(all.concat());
                #[state("last")]
                let last = self.book(cx, last).await?;
                done.push(last);
                Ok(done)
            }

            #[step(retry(initial = "100ms", max = "400ms", attempts = 3))]
            async fn book(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
                self.0.call(got(cx, what, None)).await
            }

            #[compensate(book, retry(initial = "100ms", max = "10m"))]
            async fn undo(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
                undo(&self.0, cx, what, done).await
            }

            #[step(pivot, retry(initial = "100ms", max = "10s"))]
            async fn pay(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
                self.0.call(got(cx, what, None)).await
            }

            #[step(retriable, retry(initial = "100ms", max = "10s"))]
            async fn ship(&self, cx: &StepContext, what: &str) -> Result<String, Transient> {
                unrefused(self.0.call(got(cx, what, None)).await)
            }
        }
    };
}

/// What can be retried only.
fn unrefused<T>(done: Result<T, Failure<No>>) -> Result<T, Transient> {
    done.map_err(|failure| match failure {
        Failure::Transient(transient) => transient,
        _ => Transient::new("it cannot be refused"),
    })
}

pub(crate) async fn undo(world: &World, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
    unrefused(world.call(got(cx, what, done.done())).await).map(drop)
}

errand!(Errand plan: name = "errand", version = 1);
errand!(Hasty plan: name = "hasty", version = 1, deadline = "1h");

/// Does one thing after another, for somebody else.
pub(crate) struct Helper(pub(crate) World);

#[saga(name = "helper", version = 1)]
impl Helper {
    #[flow]
    pub(crate) async fn run(&self, cx: &FlowContext, whats: Vec<String>) -> Result<Vec<String>, Unwind<No>> {
        let mut done = Vec::new();
        for what in &whats {
            if let Some(span) = what.strip_prefix("sleep") {
                cx.sleep(seconds(span)).await;
            } else {
                let one = self.book(cx, what).await?;
                done.push(one);
            }
        }
        Ok(done)
    }

    #[step(retry(initial = "100ms", max = "400ms", attempts = 3))]
    async fn book(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
        self.0.call(got(cx, what, None)).await
    }

    #[compensate(book, retry(initial = "100ms", max = "10m"))]
    async fn undo(&self, cx: &StepContext, what: &str, done: Outcome<String>) -> Result<(), Transient> {
        undo(&self.0, cx, what, done).await
    }
}

/// Cannot be undone.
pub(crate) struct Delivery(pub(crate) World);

#[saga(name = "delivery", version = 1)]
impl Delivery {
    #[flow]
    pub(crate) async fn run(&self, cx: &FlowContext, what: String) -> Result<String, Unwind<No>> {
        cx.sleep("10s").await;
        Ok(self.hand_over(cx, &what).await?)
    }

    #[step(pivot, retry(initial = "100ms", max = "10s"))]
    async fn hand_over(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
        self.0.call(got(cx, what, None)).await
    }
}
