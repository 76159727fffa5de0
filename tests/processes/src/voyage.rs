//! A saga to be killed that has what a trip lacks: joins of steps and of inner flows, a fan-out, an inner flow that is refused
//! and undone on its own, a sleep, waits, a child, a saga that is launched, and a cancel from outside.

use crate::{Ledger, ledger::Receipt};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The participants: every saga here is one of them, by another name.
#[derive(Debug, Clone)]
pub struct Port {
    /// What was asked of them, and what they did.
    pub ledger: Arc<Ledger>,
}

/// What a voyage is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// An excursion for each: booked piece by piece, two of them at a time.
    pub excursions: Vec<Vec<String>>,
    /// What participants say no to.
    pub refused: Vec<String>,
    /// Whether it is cancelled while it waits to go aboard.
    pub cancelled: bool,
}

impl Plan {
    fn order(&self, what: &str) -> Booking {
        Booking { what: what.to_owned(), refused: self.refused.iter().any(|refused| refused == what) }
    }
}

/// One thing to be booked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Booking {
    /// What.
    pub what: String,
    /// Whether the participant says no.
    pub refused: bool,
}

/// The business "no".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub struct No(String);

impl Port {
    fn ask(&self, step: &str, action: &str, cx: &StepContext, booking: &Booking) -> Result<Receipt, Failure<No>> {
        self.ledger.ask(cx, action, booking);
        if booking.refused && cx.undoes().is_none() {
            return Err(No(booking.what.clone()).into());
        }
        Ok(self.ledger.act(cx, step, action, &booking.what))
    }
}

/// The saga.
pub struct Voyage(pub Port);

#[saga(name = "voyage", version = 1)]
impl Voyage {
    /// Go aboard.
    #[signal]
    pub const ABOARD: Signal<Self, u32> = Signal::new("aboard");

    /// Books everything, goes aboard, and pays.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, plan: Plan) -> Result<Vec<String>, Unwind<No>> {
        let mut log = Vec::new();
        let (cabin, rail) =
            join!(self.book(cx, &plan.order("cabin")), self.both(cx, &plan.order("train"), &plan.order("bus"))).await?;
        log.push(cabin.about);
        log.extend(rail);

        let excursions: Vec<Vec<Booking>> =
            plan.excursions.iter().map(|pieces| pieces.iter().map(|piece| plan.order(piece)).collect()).collect();
        let booked = cx.join_all(&excursions, 2, |pieces| self.excursion(cx, pieces)).await?;
        log.extend(booked.concat());

        // The first way is refused or not; if it is, its first half is given back before the second way is tried.
        match self.way(cx, &plan.order("ferry"), &plan.order("pilot")).await {
            Ok(way) => log.extend(way),
            Err(Unwind::Refused(_)) => {
                #[state("by_bridge")]
                let bridge = self.book(cx, &plan.order("bridge")).await?;
                log.push(bridge.about);
            }
            Err(other) => return Err(other),
        }
        cx.sleep("20ms").await;

        let meals = cx.child::<Meals>(vec![plan.order("breakfast"), plan.order("dinner")]).forever().await?;
        log.extend(meals);

        let aboard = cx.wait(Self::ABOARD).forever().await;
        log.push(format!("{aboard} aboard"));
        #[state("stragglers")]
        let stragglers = cx.wait(Self::ABOARD).within("20ms").await;
        log.push(format!("stragglers: {}", stragglers.is_ok()));

        let paid = self.pay(cx, &plan.order("money")).await?;
        log.push(paid.about);
        cx.launch::<Survey>(plan.order("survey")).await;
        let sent = self.post(cx, &plan.order("ticket")).await?;
        log.push(sent.about);
        Ok(log)
    }

    /// Both, one after the other, as one branch.
    #[flow(inner)]
    async fn both(&self, cx: &FlowContext, first: &Booking, second: &Booking) -> Result<Vec<String>, Unwind<No>> {
        let one = self.book(cx, first).await?;
        cx.sleep("5ms").await;
        #[state("second")]
        let two = self.book(cx, second).await?;
        Ok(vec![one.about, two.about])
    }

    /// Piece by piece, each at the same time as another excursion's.
    #[flow(inner)]
    async fn excursion(&self, cx: &FlowContext, pieces: &[Booking]) -> Result<Vec<String>, Unwind<No>> {
        let mut booked = Vec::new();
        for piece in pieces {
            let one = self.book(cx, piece).await?;
            booked.push(one.about);
        }
        Ok(booked)
    }

    /// A way, and somebody to show it.
    #[flow(inner)]
    async fn way(&self, cx: &FlowContext, way: &Booking, pilot: &Booking) -> Result<Vec<String>, Unwind<No>> {
        let way = self.book(cx, way).await?;
        #[state("pilot")]
        let pilot = self.book(cx, pilot).await?;
        Ok(vec![way.about, pilot.about])
    }

    /// Books something.
    #[step]
    async fn book(&self, cx: &StepContext, booking: &Booking) -> Result<Receipt, Failure<No>> {
        self.0.ask("book", "book", cx, booking)
    }

    /// Gives it back.
    #[compensate(book)]
    async fn unbook(&self, cx: &StepContext, booking: &Booking) -> Result<(), Transient> {
        undo(&self.0, cx, booking)
    }

    /// Takes the money.
    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, booking: &Booking) -> Result<Receipt, Failure<No>> {
        self.0.ask("pay", "pay", cx, booking)
    }

    /// Sends the ticket.
    #[step(retriable)]
    async fn post(&self, cx: &StepContext, booking: &Booking) -> Result<Receipt, Transient> {
        self.0.ask("post", "post", cx, booking).map_err(|_| Transient::new("the post does not say no"))
    }
}

fn undo(port: &Port, cx: &StepContext, booking: &Booking) -> Result<(), Transient> {
    port.ask("book", "unbook", cx, booking).map(drop).map_err(|_| Transient::new("an undo is not refused"))
}

/// The meals, as a saga of their own.
pub struct Meals(pub Port);

#[saga(name = "meals", version = 1)]
impl Meals {
    /// One after the other.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, bookings: Vec<Booking>) -> Result<Vec<String>, Unwind<No>> {
        let mut booked = Vec::new();
        for booking in &bookings {
            let one = self.book(cx, booking).await?;
            booked.push(one.about);
        }
        Ok(booked)
    }

    /// Books a meal.
    #[step]
    async fn book(&self, cx: &StepContext, booking: &Booking) -> Result<Receipt, Failure<No>> {
        self.0.ask("book", "book", cx, booking)
    }

    /// Gives it back.
    #[compensate(book)]
    async fn unbook(&self, cx: &StepContext, booking: &Booking) -> Result<(), Transient> {
        undo(&self.0, cx, booking)
    }
}

/// Asks how it was; nobody waits for it.
pub struct Survey(pub Port);

#[saga(name = "survey", version = 1)]
impl Survey {
    /// Asks.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, booking: Booking) -> Result<String, Unwind<No>> {
        Ok(self.question(cx, &booking).await?.about)
    }

    /// Asks.
    #[step(no_compensation = "a question does no harm")]
    async fn question(&self, cx: &StepContext, booking: &Booking) -> Result<Receipt, Failure<No>> {
        self.0.ask("question", "question", cx, booking)
    }
}
