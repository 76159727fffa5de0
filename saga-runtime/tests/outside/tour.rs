//! A saga that has all of it: steps that fail, a join with an inner flow in it, a fan-out, a sleep, a signal, a child.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub(crate) struct No(pub(crate) String);

/// What is done at a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Fail,
    Park,
    Refuse,
}

/// The participants: they do what is asked, unless they were told otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct World(Arc<Mutex<HashMap<String, VecDeque<Act>>>>);

impl World {
    pub(crate) fn plan(&self, what: &str, acts: impl IntoIterator<Item = Act>) {
        self.0.lock().expect("nobody panics").entry(what.into()).or_default().extend(acts);
    }

    fn next(&self, what: &str) -> Option<Act> {
        self.0.lock().expect("nobody panics").get_mut(what)?.pop_front()
    }

    fn ask(&self, cx: &StepContext, what: &str) -> Result<String, Failure<No>> {
        assert!(!cx.key().is_empty());
        match self.next(what) {
            None => Ok(format!("{what}!")),
            Some(Act::Fail) => Err(Transient::new("the line is busy").into()),
            Some(Act::Park) => Err(Transient::park("ask at the counter").into()),
            Some(Act::Refuse) => Err(No(what.into()).into()),
        }
    }

    fn undo(&self, cx: &StepContext, what: &str) -> Result<(), Transient> {
        assert!(cx.undoes().is_some());
        match self.next(&format!("undo {what}")) {
            None => Ok(()),
            Some(Act::Park) => Err(Transient::park("ask at the counter")),
            Some(_) => Err(Transient::new("the line is busy")),
        }
    }
}

pub(crate) struct Tour(pub(crate) World);

#[saga(name = "tour", version = 1, deadline = "30d")]
impl Tour {
    #[signal]
    pub(crate) const GO: Signal<Self, bool> = Signal::new("go");
    #[signal]
    pub(crate) const STAY: Signal<Self, bool> = Signal::new("stay");

    #[flow]
    pub(crate) async fn run(&self, cx: &FlowContext, cities: Vec<String>) -> Result<String, Unwind<No>> {
        cx.set_label("first", &cities[0]);
        cx.set_label("size", cities.len());
        let guide = self.guide(cx, &cities[0]).await?;
        cx.remove_label("size");
        let (seat, stay) = join!(self.seat(cx, "front"), self.stay(cx, &cities[0])).await?;
        let visits = cx.join_all(&cities, 2, |city| self.visit(cx, city)).await?;
        cx.sleep(Duration::from_hours(24)).await;
        match cx.wait((Self::GO, Self::STAY)).within("2d").await {
            Ok(OneOf2::First(true)) => {}
            _ => return Err(No("nobody goes".into()).into()),
        }
        cx.set_label("first", "gone");
        let ticket = cx.child::<Ticket>(guide).forever().await?;
        Ok(self.pay(cx, &ticket, &[seat, stay, visits.join("+")]).await?)
    }

    #[flow(inner)]
    async fn stay(&self, cx: &FlowContext, city: &str) -> Result<String, Unwind<No>> {
        let room = self.room(cx, city).await?;
        Ok(self.extra_bed(cx, &room).await?)
    }

    #[step(retry(initial = "1h", max = "1h"))]
    async fn guide(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        self.0.ask(cx, city)
    }

    #[compensate(guide)]
    async fn no_guide(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.undo(cx, "guide")
    }

    #[step]
    async fn seat(&self, cx: &StepContext, row: &str) -> Result<String, Failure<No>> {
        self.0.ask(cx, row)
    }

    #[compensate(seat)]
    async fn no_seat(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.undo(cx, "seat")
    }

    #[step]
    async fn room(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        self.0.ask(cx, &format!("room in {city}"))
    }

    #[compensate(room)]
    async fn no_room(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.undo(cx, "room")
    }

    #[step]
    async fn extra_bed(&self, cx: &StepContext, room: &str) -> Result<String, Failure<No>> {
        self.0.ask(cx, &format!("bed in {room}"))
    }

    #[compensate(extra_bed)]
    async fn no_extra_bed(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.undo(cx, "bed")
    }

    #[step]
    async fn visit(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        self.0.ask(cx, &format!("visit {city}"))
    }

    #[compensate(visit)]
    async fn no_visit(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.undo(cx, "visit")
    }

    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, ticket: &str, all: &[String]) -> Result<String, Failure<No>> {
        let _ = ticket;
        self.0.ask(cx, "pay").map(|paid| format!("{paid} for {}", all.len()))
    }
}

pub(crate) struct Ticket(pub(crate) World);

#[saga(name = "ticket", version = 1)]
impl Ticket {
    #[flow]
    async fn run(&self, cx: &FlowContext, name: String) -> Result<String, Unwind<No>> {
        Ok(self.buy(cx, &name).await?)
    }

    #[step]
    async fn buy(&self, cx: &StepContext, name: &str) -> Result<String, Failure<No>> {
        let _ = name;
        self.0.ask(cx, "ticket")
    }

    #[compensate(buy)]
    async fn give_back(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.undo(cx, "ticket")
    }
}
