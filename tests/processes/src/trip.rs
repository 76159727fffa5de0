//! A saga to be killed: a loop, a branch, a caught refusal, a pivot, a retriable step, and a full unwind, with a clock and a
//! `HashMap` read between its steps.

use crate::{Ledger, Points};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// The saga.
pub struct Trip {
    /// What its participants did.
    pub ledger: Arc<Ledger>,
    /// One is right before and one right after each effect, inside the step.
    pub points: Arc<Points>,
}

/// What it is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// A leg is booked for each.
    pub cities: Vec<String>,
    /// Whether the traveller pays by a card that is refused, before another card is tried.
    pub first_card_refused: bool,
    /// Whether the second card is refused as well: everything is undone.
    pub second_card_refused: bool,
}

/// What it returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The booked legs, in order.
    pub legs: Vec<String>,
    /// The card that paid.
    pub card: String,
}

/// The business "no".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub enum No {
    /// The hotel is full.
    Full,
    /// The card was declined.
    Declined,
}

#[saga(name = "trip", version = 1)]
impl Trip {
    /// Books the legs, a room, an insurance if the trip is long, and pays.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, plan: Plan) -> Result<Ticket, Unwind<No>> {
        let mut legs = Vec::new();
        for city in &plan.cities {
            // Neither of these is the same after a crash; the arguments of a call that may have begun are.
            let asked_at = now();
            let seats: HashMap<u32, &str> = (0..8).map(|seat| (seat, city.as_str())).collect();
            let seat = *seats.keys().next().unwrap_or(&0);
            let leg = self.book(cx, city, seat, asked_at).await?;
            legs.push(leg);
        }
        let room = match self.hold_room(cx, "grand").await {
            Ok(room) => room,
            Err(Failure::Refused(No::Full)) =>
            {
                #[state("second_hotel")]
                self.hold_room(cx, "small").await?
            }
            Err(other) => return Err(other.into()),
        };
        if legs.len() > 2 {
            self.insure(cx, legs.len(), now()).await?;
        }
        let card = match self.pay(cx, "first", plan.first_card_refused).await {
            Ok(card) => card,
            Err(Failure::Refused(_)) =>
            {
                #[state("second_card")]
                self.pay(cx, "second", plan.second_card_refused).await?
            }
            Err(other) => return Err(other.into()),
        };
        self.send_ticket(cx, &legs, &room, now()).await?;
        Ok(Ticket { legs, card })
    }

    /// Books a seat to a city.
    #[step]
    async fn book(&self, cx: &StepContext, city: &str, seat: u32, asked_at: u128) -> Result<String, Failure<No>> {
        self.ask("book", cx, &(city, seat, asked_at));
        self.act("book", cx, city);
        Ok(format!("leg to {city}"))
    }

    /// Gives the seat back.
    #[compensate(book)]
    async fn unbook(&self, cx: &StepContext, city: &str, seat: u32, leg: Outcome<String>) -> Result<(), Transient> {
        self.ask("unbook", cx, &(city, seat, leg.done()));
        self.act("unbook", cx, city);
        Ok(())
    }

    /// Holds a room; the grand hotel is always full.
    #[step]
    async fn hold_room(&self, cx: &StepContext, hotel: &str) -> Result<String, Failure<No>> {
        self.ask("hold_room", cx, &hotel);
        if hotel == "grand" {
            return Err(No::Full.into());
        }
        self.act("hold_room", cx, hotel);
        Ok(format!("room at the {hotel} hotel"))
    }

    /// Lets the room go.
    #[compensate(hold_room)]
    async fn release_room(&self, cx: &StepContext, hotel: &str, room: Outcome<String>) -> Result<(), Transient> {
        self.ask("release_room", cx, &(hotel, room.done()));
        self.act("release_room", cx, hotel);
        Ok(())
    }

    /// Insures a long trip.
    #[step]
    async fn insure(&self, cx: &StepContext, legs: usize, asked_at: u128) -> Result<(), Failure<No>> {
        self.ask("insure", cx, &(legs, asked_at));
        self.act("insure", cx, "trip");
        Ok(())
    }

    /// Cancels the insurance.
    #[compensate(insure)]
    async fn uninsure(&self, cx: &StepContext, legs: usize) -> Result<(), Transient> {
        self.ask("uninsure", cx, &legs);
        self.act("uninsure", cx, "trip");
        Ok(())
    }

    /// Charges a card.
    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, card: &str, refused: bool) -> Result<String, Failure<No>> {
        self.ask("pay", cx, &card);
        if refused {
            return Err(No::Declined.into());
        }
        self.act("pay", cx, card);
        Ok(card.to_owned())
    }

    /// Sends the ticket.
    #[step(retriable)]
    async fn send_ticket(&self, cx: &StepContext, legs: &[String], room: &str, at: u128) -> Result<(), Transient> {
        self.ask("send_ticket", cx, &(legs, room, at));
        self.act("send_ticket", cx, "trip");
        Ok(())
    }
}

impl Trip {
    fn ask(&self, action: &str, cx: &StepContext, arguments: &impl Serialize) {
        self.ledger.ask(action, cx.key(), cx.undoes(), arguments);
    }

    fn act(&self, action: &str, cx: &StepContext, about: &str) {
        self.points.pass();
        self.ledger.act(action, cx.key(), cx.undoes(), about);
        self.points.pass();
    }
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
