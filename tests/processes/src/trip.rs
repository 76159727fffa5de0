//! A saga to be killed: a loop, a branch, a caught refusal, a pivot, a retriable step, and a full unwind, with a clock and a
//! `HashMap` read between its steps. Its participants can be slow to answer, or ask for a person, and it can be long, or late.

use crate::{Ledger, ledger::Receipt};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The saga.
pub struct Trip {
    /// What its participants did.
    pub ledger: Arc<Ledger>,
    /// Whether the answer to each first attempt to book, or to give back, is lost.
    pub busy: bool,
    /// Whether nobody but a person can let a room go.
    pub stuck: bool,
}

/// What it is started with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plan {
    /// A leg is booked for each.
    pub cities: Vec<String>,
    /// Whether the traveller pays by a card that is refused, before another card is tried.
    pub first_card_refused: bool,
    /// Whether the second card is refused as well: everything is undone.
    pub second_card_refused: bool,
    /// How often the weather is looked up before a room is held.
    pub lookups: u32,
    /// Whether it takes longer than the time that it has, after it is paid.
    pub late: bool,
}

/// How much time a trip has that is late.
pub const TIME: Duration = Duration::from_secs(1);

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
            legs.push(leg.about);
        }
        cx.set_label("legs", legs.len());
        for turn in 0..plan.lookups {
            self.look_up(cx, turn).await?;
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
        if plan.late {
            cx.sleep(TIME + TIME / 4).await;
        }
        self.send_ticket(cx, &legs, &room.about, now()).await?;
        Ok(Ticket { legs, card: card.about })
    }

    /// Books a seat to a city.
    #[step(retry(initial = "1ms", max = "5ms"))]
    async fn book(&self, cx: &StepContext, city: &str, seat: u32, asked_at: u128) -> Result<Receipt, Failure<No>> {
        let count = self.ledger.ask(cx, "book", &(city, seat, asked_at));
        let booked = self.ledger.act(cx, "book", "book", city);
        self.answers(count)?;
        Ok(booked)
    }

    /// Gives the seat back.
    #[compensate(book, retry(initial = "1ms", max = "5ms"))]
    async fn unbook(&self, cx: &StepContext, city: &str, seat: u32, leg: Outcome<Receipt>) -> Result<(), Transient> {
        let count = self.ledger.ask(cx, "unbook", &(city, seat, leg.done()));
        self.ledger.act(cx, "book", "unbook", city);
        self.answers(count)
    }

    /// How the weather will be.
    #[step(read_only)]
    async fn look_up(&self, cx: &StepContext, turn: u32) -> Result<u32, Transient> {
        let _ = cx.key();
        Ok(turn)
    }

    /// Holds a room; the grand hotel is always full.
    #[step]
    async fn hold_room(&self, cx: &StepContext, hotel: &str) -> Result<Receipt, Failure<No>> {
        self.ledger.ask(cx, "hold_room", &hotel);
        if hotel == "grand" {
            return Err(No::Full.into());
        }
        Ok(self.ledger.act(cx, "hold_room", "hold_room", hotel))
    }

    /// Lets the room go.
    #[compensate(hold_room)]
    async fn release_room(&self, cx: &StepContext, hotel: &str, room: Outcome<Receipt>) -> Result<(), Transient> {
        self.ledger.ask(cx, "release_room", &(hotel, room.done()));
        if self.stuck {
            return Err(Transient::park("the hotel wants to talk to somebody"));
        }
        self.ledger.act(cx, "hold_room", "release_room", hotel);
        Ok(())
    }

    /// Insures a long trip.
    #[step]
    async fn insure(&self, cx: &StepContext, legs: usize, asked_at: u128) -> Result<Receipt, Failure<No>> {
        self.ledger.ask(cx, "insure", &(legs, asked_at));
        Ok(self.ledger.act(cx, "insure", "insure", "trip"))
    }

    /// Cancels the insurance.
    #[compensate(insure)]
    async fn uninsure(&self, cx: &StepContext, legs: usize) -> Result<(), Transient> {
        self.ledger.ask(cx, "uninsure", &legs);
        self.ledger.act(cx, "insure", "uninsure", "trip");
        Ok(())
    }

    /// Charges a card.
    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, card: &str, refused: bool) -> Result<Receipt, Failure<No>> {
        self.ledger.ask(cx, "pay", &card);
        if refused {
            return Err(No::Declined.into());
        }
        Ok(self.ledger.act(cx, "pay", "pay", card))
    }

    /// Sends the ticket.
    #[step(retriable)]
    async fn send_ticket(&self, cx: &StepContext, legs: &[String], room: &str, at: u128) -> Result<Receipt, Transient> {
        self.ledger.ask(cx, "send_ticket", &(legs, room, at));
        Ok(self.ledger.act(cx, "send_ticket", "send_ticket", "ticket"))
    }
}

impl Trip {
    /// The answer to the first attempt is lost, if the participant is busy.
    fn answers(&self, attempts: usize) -> Result<(), Transient> {
        if self.busy && attempts == 1 { Err(Transient::new("no answer")) } else { Ok(()) }
    }
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
