//! The sagas: one does what its plan says, and another one does some of it for that.

use crate::{
    plan::{Ask, Errand, Fate, Part, Plan, Side, TOLD},
    world::Door,
};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// The business "no".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub struct No(pub u32);

/// Does what its plan says.
#[derive(Debug, Clone)]
pub struct Tour(pub Door);

#[saga(name = "tour", version = 1)]
impl Tour {
    /// Go on.
    #[signal]
    pub const GO: Signal<Self, u32> = Signal::new("go");

    /// Part by part; what it returns says what came of them.
    #[flow]
    #[expect(clippy::too_many_lines, reason = "an arm for each part")]
    pub async fn run(&self, cx: &FlowContext, plan: Plan) -> Result<Vec<u32>, Unwind<No>> {
        let mut got: Vec<u32> = Vec::new();
        for part in &plan.parts {
            match part {
                Part::Hold(ask) => {
                    let held = self.hold(cx, ask).await?;
                    got.push(held);
                }
                Part::Tried(ask) =>
                {
                    #[state("tried")]
                    match self.hold(cx, ask).await {
                        Ok(held) => got.push(held),
                        Err(Failure::Refused(no)) => got.push(1_000_000 + no.0),
                        Err(other) => return Err(other.into()),
                    }
                }
                Part::Dared(ask) => {
                    let held = self.dare(cx, ask).await?;
                    got.push(held);
                }
                Part::Look(what) => {
                    let seen = self.look(cx, *what).await?;
                    got.push(seen);
                }
                Part::Leave(what) => {
                    let left = self.leave(cx, *what).await?;
                    got.push(left);
                }
                Part::Sleep(millis) => {
                    cx.sleep(std::time::Duration::from_millis(u64::from(*millis))).await;
                }
                Part::Await(Some(millis)) => {
                    #[state("waits_a_while")]
                    let told = cx.wait(Self::GO).within(std::time::Duration::from_millis(u64::from(*millis))).await;
                    got.push(u32::from(told.is_ok()));
                }
                Part::Await(None) => {
                    let told = cx.wait(Self::GO).forever().await;
                    got.push(told);
                }
                Part::Pair(one, other) => {
                    #[state("pair")]
                    let (one, other) = join!(self.hold(cx, one), self.hold(cx, other)).await?;
                    got.extend([one, other]);
                }
                Part::Each(asks) => {
                    #[state("each")]
                    let held = cx.join_all(asks, 2, |ask| self.hold(cx, ask)).await?;
                    got.extend(held);
                }
                Part::Inner(asks) => {
                    let held = self.inner(cx, asks).await?;
                    got.extend(held);
                }
                Part::TriedInner(asks) =>
                {
                    #[state("tried_inner")]
                    match self.inner(cx, asks).await {
                        Ok(held) => got.extend(held),
                        Err(Unwind::Refused(no)) => got.push(1_000_000 + no.0),
                        Err(other) => return Err(other),
                    }
                }
                Part::Beside(one, other) => {
                    #[state("beside")]
                    let (one, other) = join!(self.inner(cx, one), self.inner(cx, other)).await?;
                    got.extend(one);
                    got.extend(other);
                }
                Part::Sides(sides) => {
                    #[state("sides")]
                    let held = cx.join_all(sides, 2, |side| self.side(cx, side)).await?;
                    got.extend(held.into_iter().flatten());
                }
                Part::Child(asks) => {
                    let errand = Errand { asks: asks.clone(), listens: false };
                    let held = cx.child::<Leg>(errand).forever().await?;
                    got.extend(held);
                }
                Part::Launched(asks) => {
                    let errand = Errand { asks: asks.clone(), listens: true };
                    #[state("launches")]
                    let id = cx.launch::<Leg>(errand).await;
                    #[state("tells")]
                    let sent = cx.send::<Leg, _>(&id, Leg::MAY, TOLD).await;
                    got.push(u32::from(sent.is_ok()));
                }
            }
        }
        if let Some(pivot) = plan.last.first() {
            if plan.by_another {
                let errand = Errand { asks: vec![pivot.clone()], listens: false };
                #[state("delegates")]
                let paid = cx.child::<Leg>(errand).pivot().forever().await?;
                got.extend(paid);
            } else {
                let paid = self.pay(cx, pivot).await?;
                got.push(paid);
            }
            for ask in plan.last.iter().skip(1) {
                let sent = self.send(cx, ask).await?;
                got.push(sent);
            }
        }
        Ok(got)
    }

    /// All of them, or something else.
    #[flow(inner)]
    async fn side(&self, cx: &FlowContext, side: &Side) -> Result<Vec<u32>, Unwind<No>> {
        let mut got: Vec<u32> = Vec::new();
        if let Some(millis) = side.wait {
            let told = cx.wait(Self::GO).within(std::time::Duration::from_millis(u64::from(millis))).await;
            got.push(u32::from(told.is_ok()));
        }
        if let Some(asks) = &side.child {
            let errand = Errand { asks: asks.clone(), listens: false };
            let held = cx.child::<Leg>(errand).forever().await?;
            got.extend(held);
        }
        match self.inner(cx, &side.whole).await {
            Ok(held) => got.extend(held),
            Err(Unwind::Refused(_)) => {
                #[state("instead")]
                let held = self.hold(cx, &side.instead).await?;
                got.push(held);
            }
            Err(other) => return Err(other),
        }
        Ok(got)
    }

    /// All of them, or none.
    #[flow(inner)]
    async fn inner(&self, cx: &FlowContext, asks: &[Ask]) -> Result<Vec<u32>, Unwind<No>> {
        let mut held = Vec::new();
        for ask in asks {
            let one = self.hold(cx, ask).await?;
            held.push(one);
        }
        Ok(held)
    }

    /// Holds something.
    #[step(timeout = "2s", retry(initial = "100ms", max = "10s"))]
    async fn hold(&self, cx: &StepContext, ask: &Ask) -> Result<u32, Failure<No>> {
        self.0.ask(cx, "hold", ask).await
    }

    /// Gives it back.
    #[compensate(hold, timeout = "2s", retry(initial = "100ms", max = "10s"))]
    async fn unhold(&self, cx: &StepContext, ask: &Ask, held: Outcome<u32>) -> Result<(), Transient> {
        self.0.undo(cx, "hold", ask, held.done()).await
    }

    /// Holds something, with few attempts.
    #[step(timeout = "1s", retry(initial = "100ms", max = "1s", attempts = 3))]
    async fn dare(&self, cx: &StepContext, ask: &Ask) -> Result<u32, Failure<No>> {
        self.0.ask(cx, "dare", ask).await
    }

    /// Gives it back, with few attempts: somebody has to look then.
    #[compensate(dare, timeout = "2s", retry(initial = "100ms", max = "2s", attempts = 5))]
    async fn undare(&self, cx: &StepContext, ask: &Ask, held: Outcome<u32>) -> Result<(), Transient> {
        self.0.undo(cx, "dare", ask, held.done()).await
    }

    /// Looks at something.
    #[step(read_only, timeout = "2s", retry(initial = "100ms", max = "10s"))]
    async fn look(&self, cx: &StepContext, what: u32) -> Result<u32, Failure<No>> {
        self.0.ask(cx, "look", &Ask { what, fate: Fate::Fine }).await
    }

    /// Does something that stays.
    #[step(no_compensation = "it harms nobody", timeout = "2s", retry(initial = "100ms", max = "10s"))]
    async fn leave(&self, cx: &StepContext, what: u32) -> Result<u32, Failure<No>> {
        self.0.ask(cx, "leave", &Ask { what, fate: Fate::Fine }).await
    }

    /// The point of no return.
    #[step(pivot, timeout = "2s", retry(initial = "100ms", max = "10s"))]
    async fn pay(&self, cx: &StepContext, ask: &Ask) -> Result<u32, Failure<No>> {
        self.0.ask(cx, "pay", ask).await
    }

    /// What has to be done after it.
    #[step(retriable, timeout = "2s", retry(initial = "100ms", max = "10s"))]
    async fn send(&self, cx: &StepContext, ask: &Ask) -> Result<u32, Transient> {
        match self.0.ask(cx, "send", ask).await {
            Ok(sent) => Ok(sent),
            Err(Failure::Transient(transient)) => Err(transient),
            Err(_) => Err(Transient::park("what cannot be refused was refused")),
        }
    }
}

/// Holds several things for another saga.
#[derive(Debug, Clone)]
pub struct Leg(pub Door);

#[saga(name = "leg", version = 1)]
impl Leg {
    /// Begin.
    #[signal]
    pub const MAY: Signal<Self, u32> = Signal::new("may");

    /// One after the other.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, errand: Errand) -> Result<Vec<u32>, Unwind<No>> {
        let mut held: Vec<u32> = Vec::new();
        if errand.listens {
            let told = cx.wait(Self::MAY).within("60s").await;
            held.push(told.unwrap_or(0));
            #[state("listens_again")]
            let again = cx.wait(Self::MAY).within("1s").await;
            if told.is_ok() {
                // Nobody tells it twice.
                held.extend(again);
            }
        }
        for ask in &errand.asks {
            let one = self.hold_leg(cx, ask).await?;
            held.push(one);
        }
        Ok(held)
    }

    /// Holds something.
    #[step(policy = "legs", timeout = "2s", retry(initial = "100ms", max = "10s"))]
    async fn hold_leg(&self, cx: &StepContext, ask: &Ask) -> Result<u32, Failure<No>> {
        self.0.ask(cx, "hold_leg", ask).await
    }

    /// Gives it back.
    #[compensate(hold_leg, policy = "legs", timeout = "2s", retry(initial = "100ms", max = "10s"))]
    async fn unhold_leg(&self, cx: &StepContext, ask: &Ask, held: Outcome<u32>) -> Result<(), Transient> {
        self.0.undo(cx, "hold_leg", ask, held.done()).await
    }
}
