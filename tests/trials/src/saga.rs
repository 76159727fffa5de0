//! The saga that is tried: a join, compensated steps, a wait, a sleep, a child, a pivot and a retriable step.

use crate::{
    port::Port,
    world::{Act, Ask, Reply},
};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// What a trip is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// What everything of it is called after.
    pub name: String,
    /// What it costs: part of what the participants are asked for.
    pub cents: u32,
    /// How many nights: each is a step.
    pub nights: u32,
    /// Whether it waits for [`Trip::GO`] before it is paid.
    pub waits: bool,
    /// For how many milliseconds it sleeps before it is paid.
    pub naps: u64,
    /// Whether a child books the meals.
    pub meals: bool,
}

impl Booking {
    /// A plain one of this name.
    pub fn new(name: impl Into<String>, cents: u32) -> Self {
        Self { name: name.into(), cents, ..Self::default() }
    }

    /// A part of it, as participants know it.
    pub fn part(&self, what: &str) -> String {
        format!("{what} of {} for {}", self.name, self.cents)
    }

    /// Every part of it that can be asked for, with the step that does.
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        let mut parts = vec![("book", self.part("car"))];
        parts.extend((0..self.nights).map(|night| ("book", self.part(&format!("night {night}")))));
        parts.extend(["seat", "desk"].map(|what| ("book", self.part(what))));
        if self.meals {
            parts.push(("cook", self.part("dinner")));
        }
        parts.extend([("pay", self.part("money")), ("post", self.part("ticket"))]);
        parts
    }
}

/// The business "no".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub struct No;

/// Books a trip.
#[derive(Debug)]
pub struct Trip(pub Port);

#[saga(name = "trip", version = 1)]
impl Trip {
    /// It may be paid.
    #[signal]
    pub const GO: Signal<Self, u32> = Signal::new("go");

    /// Books everything, pays, and sends the ticket.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, booking: Booking) -> Result<u32, Unwind<No>> {
        self.book(cx, &booking.part("car")).await?;
        for night in 0..booking.nights {
            #[state("night")]
            self.book(cx, &booking.part(&format!("night {night}"))).await?;
        }
        #[state("places")]
        join!(self.book(cx, &booking.part("seat")), self.book(cx, &booking.part("desk"))).await?;
        if booking.meals {
            cx.child::<Meals>(booking.clone()).forever().await?;
        }
        let mut told = 0;
        if booking.waits {
            told = cx.wait(Self::GO).forever().await;
        }
        if booking.naps > 0 {
            cx.sleep(std::time::Duration::from_millis(booking.naps)).await;
        }
        self.pay(cx, &booking.part("money")).await?;
        self.post(cx, &booking.part("ticket")).await?;
        Ok(told)
    }

    /// Books a part.
    #[step(retry(initial = "5ms", max = "20ms", attempts = 5))]
    async fn book(&self, cx: &StepContext, about: &str) -> Result<String, Failure<No>> {
        forward(&self.0, cx, "book", about).await
    }

    /// Gives it back.
    #[compensate(book, retry(initial = "5ms", max = "100ms"))]
    async fn unbook(&self, cx: &StepContext, about: &str) -> Result<(), Transient> {
        back(&self.0, cx, "book", about).await
    }

    /// Takes the money.
    #[step(pivot, retry(initial = "5ms", max = "100ms"))]
    async fn pay(&self, cx: &StepContext, about: &str) -> Result<String, Failure<No>> {
        forward(&self.0, cx, "pay", about).await
    }

    /// Sends the ticket.
    #[step(retriable, retry(initial = "5ms", max = "100ms"))]
    async fn post(&self, cx: &StepContext, about: &str) -> Result<String, Transient> {
        forward(&self.0, cx, "post", about).await.map_err(|_| Transient::new("the post does not say no"))
    }
}

/// Books the meals of a trip.
#[derive(Debug)]
pub struct Meals(pub Port);

#[saga(name = "meals", version = 1)]
impl Meals {
    /// Books them.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, booking: Booking) -> Result<String, Unwind<No>> {
        Ok(self.cook(cx, &booking.part("dinner")).await?)
    }

    /// Books one.
    #[step(retry(initial = "5ms", max = "100ms"))]
    async fn cook(&self, cx: &StepContext, about: &str) -> Result<String, Failure<No>> {
        forward(&self.0, cx, "cook", about).await
    }

    /// Gives it back.
    #[compensate(cook, retry(initial = "5ms", max = "100ms"))]
    async fn uncook(&self, cx: &StepContext, about: &str) -> Result<(), Transient> {
        back(&self.0, cx, "cook", about).await
    }
}

fn asks(cx: &StepContext, step: &str, about: &str) -> Ask {
    Ask {
        saga: cx.saga().into(),
        id: cx.instance().into(),
        step: step.into(),
        key: cx.key().into(),
        undoes: cx.undoes().map(Into::into),
        about: about.into(),
    }
}

pub(crate) async fn forward(port: &Port, cx: &StepContext, step: &str, about: &str) -> Result<String, Failure<No>> {
    match port.ask(&asks(cx, step, about)).await {
        Ok(Reply::Done) => Ok(about.to_owned()),
        Ok(Reply::No) => Err(No.into()),
        Ok(Reply::Later) => Err(Transient::new("not now").into()),
        Ok(Reply::Act(Act::Hang)) => std::future::pending().await,
        // With a NUL in it, which no text of Postgres holds.
        Ok(Reply::Act(Act::Panic)) => panic!("as it was told: {about}\0"),
        Ok(Reply::Act(Act::Oversize)) => Ok("x".repeat(300 << 10)),
        Ok(Reply::Act(Act::Abort)) => std::process::abort(),
        Err(error) => Err(Transient::new(format!("the participant is away: {error}")).into()),
    }
}

pub(crate) async fn back(port: &Port, cx: &StepContext, step: &str, about: &str) -> Result<(), Transient> {
    match port.ask(&asks(cx, step, about)).await {
        Ok(Reply::Done) => Ok(()),
        Ok(Reply::Act(_)) => std::future::pending().await,
        Ok(other) => Err(Transient::new(format!("an undo was answered {other:?}"))),
        Err(error) => Err(Transient::new(format!("the participant is away: {error}"))),
    }
}
