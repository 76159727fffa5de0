//! The sagas that are measured.

use super::payload::{Answer, Order};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

/// A business "no".
#[derive(Debug, Serialize, Deserialize, Refusal)]
pub(crate) enum No {
    /// There is nobody who brings it.
    NoCourier,
}

/// Four steps with an effect, each with a compensation: W1, and W2 if the last one refuses.
pub(crate) struct Work {
    /// Where the second step waits, if it does.
    pub(crate) gate: Option<Gate>,
}

/// While it is shut, nobody passes.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    shut: watch::Sender<bool>,
    waiting: Arc<AtomicUsize>,
}

impl Gate {
    pub(crate) fn new(shut: bool) -> Self {
        Self { shut: watch::Sender::new(shut), waiting: Arc::default() }
    }

    pub(crate) fn shut(&self, shut: bool) {
        self.shut.send_replace(shut);
    }

    /// Waits until so many wait for it to be opened.
    pub(crate) async fn fills(&self, number: usize) {
        while self.waiting.load(Ordering::Relaxed) < number {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn pass(gate: Option<&Self>) {
        let Some(gate) = gate else { return };
        gate.waiting.fetch_add(1, Ordering::Relaxed);
        // An error says that it is gone, and then it is in nobody's way.
        let _ = gate.shut.subscribe().wait_for(|shut| !shut).await;
        gate.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[saga(name = "work", version = 1)]
impl Work {
    /// From an order to its reference.
    #[flow]
    pub(crate) async fn run(&self, cx: &FlowContext, order: Order) -> Result<String, Unwind<No>> {
        self.reserve(cx, order).await?;
        self.charge(cx, order).await?;
        self.pack(cx, order).await?;
        let sent = self.send(cx, order).await?;
        Ok(sent.reference)
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, order: Order) -> Result<Answer, Failure<No>> {
        Ok(Answer::new("inventory", order.number))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _answer: Outcome<Answer>) -> Result<(), Transient> {
        Ok(())
    }

    #[step]
    async fn charge(&self, _cx: &StepContext, order: Order) -> Result<Answer, Failure<No>> {
        Gate::pass(self.gate.as_ref()).await;
        Ok(Answer::new("payments", order.number))
    }

    #[compensate(charge)]
    async fn refund(&self, _cx: &StepContext, _answer: Outcome<Answer>) -> Result<(), Transient> {
        Ok(())
    }

    #[step]
    async fn pack(&self, _cx: &StepContext, order: Order) -> Result<Answer, Failure<No>> {
        Ok(Answer::new("warehouse", order.number))
    }

    #[compensate(pack)]
    async fn unpack(&self, _cx: &StepContext, _answer: Outcome<Answer>) -> Result<(), Transient> {
        Ok(())
    }

    #[step]
    async fn send(&self, _cx: &StepContext, order: Order) -> Result<Answer, Failure<No>> {
        if order.refused { Err(No::NoCourier.into()) } else { Ok(Answer::new("shipping", order.number)) }
    }

    #[compensate(send)]
    async fn recall(&self, _cx: &StepContext, _answer: Outcome<Answer>) -> Result<(), Transient> {
        Ok(())
    }
}

/// Sleeps, and takes one step when it wakes.
pub(crate) struct Nap {
    /// Where the step waits, if it does.
    pub(crate) gate: Option<Gate>,
}

#[saga(name = "nap", version = 1)]
impl Nap {
    /// Sleeps so long, if it is more than nothing, and rises.
    #[flow]
    pub(crate) async fn run(&self, cx: &FlowContext, seconds: u64) -> Result<u64, Unwind<No>> {
        if seconds > 0 {
            cx.sleep(Duration::from_secs(seconds)).await;
        }
        self.rise(cx).await?;
        Ok(seconds)
    }

    #[step(no_compensation = "who has risen has risen")]
    async fn rise(&self, _cx: &StepContext) -> Result<(), Transient> {
        Gate::pass(self.gate.as_ref()).await;
        Ok(())
    }
}
