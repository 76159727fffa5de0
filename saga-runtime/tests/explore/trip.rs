//! A saga with everything that a flow can be made of: what is right has to be found right, too.

use saga_runtime::{
    prelude::*,
    testing::{Explore, explore},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

#[derive(Debug, Clone, Serialize, Deserialize, Refusal)]
enum No {
    SoldOut,
    Declined,
}

/// What is booked, by what it is; and which keys were seen.
#[derive(Debug, Clone, Default)]
struct World(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    booked: BTreeMap<String, BTreeSet<String>>,
    /// A mistake: a ticket that is given back is not.
    keeps_tickets: bool,
}

impl World {
    fn book(&self, what: &str, cx: &StepContext) -> String {
        let mut state = self.0.lock().expect("nobody panics with it");
        state.booked.entry(what.to_owned()).or_default().insert(cx.key().to_owned());
        what.to_owned()
    }

    fn give_back(&self, what: &str, cx: &StepContext) {
        let mut state = self.0.lock().expect("nobody panics with it");
        if what != "ticket" || !state.keeps_tickets {
            let gone = state.booked.get_mut(what).is_some_and(|booked| booked.remove(cx.undoes().unwrap_or_default()));
            if gone && state.booked[what].is_empty() {
                state.booked.remove(what);
            }
        }
    }

    /// How much is booked of what.
    fn books(&self) -> BTreeMap<String, usize> {
        let state = self.0.lock().expect("nobody panics with it");
        state.booked.iter().map(|(what, keys)| (what.clone(), keys.len())).collect()
    }
}

struct Trip(World);

#[saga(name = "trip", version = 1)]
impl Trip {
    #[flow]
    async fn run(&self, cx: &FlowContext, cities: Vec<String>) -> Result<String, Unwind<No>> {
        let (flight, car) = join!(self.flight(cx, &cities[0]), self.car(cx)).await?;
        // By train from there, as far as there are tickets for all of the way.
        let by_train = self.by_train(cx, &cities).await.is_ok();
        self.tell(cx, by_train).await?;
        let nights = cx.child::<Nights>(cities[0].clone()).within("1h").await?;
        self.pay(cx).await?;
        Ok(format!("{flight}, {car}, {by_train}, {nights}"))
    }

    #[flow(inner)]
    async fn by_train(&self, cx: &FlowContext, cities: &[String]) -> Result<(), Unwind<No>> {
        for city in cities {
            self.ticket(cx, city).await?;
        }
        Ok(())
    }

    #[step]
    async fn flight(&self, cx: &StepContext, _city: &str) -> Result<String, Failure<No>> {
        Ok(self.0.book("flight", cx))
    }

    #[compensate(flight)]
    async fn cancel_flight(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.give_back("flight", cx);
        Ok(())
    }

    #[step]
    async fn car(&self, cx: &StepContext) -> Result<String, Failure<No>> {
        Ok(self.0.book("car", cx))
    }

    #[compensate(car)]
    async fn cancel_car(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.give_back("car", cx);
        Ok(())
    }

    #[step]
    async fn ticket(&self, cx: &StepContext, _city: &str) -> Result<(), Failure<No>> {
        self.0.book("ticket", cx);
        Ok(())
    }

    #[compensate(ticket)]
    async fn return_ticket(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.give_back("ticket", cx);
        Ok(())
    }

    #[step(no_compensation = "what was told was told")]
    async fn tell(&self, cx: &StepContext, _by_train: bool) -> Result<(), Failure<No>> {
        self.0.book("told", cx);
        Ok(())
    }

    #[step(pivot)]
    async fn pay(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        self.0.book("paid", cx);
        Ok(())
    }
}

struct Nights(World);

#[saga(name = "nights", version = 1)]
impl Nights {
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        Ok(self.room(cx, &city).await?)
    }

    #[step]
    async fn room(&self, cx: &StepContext, _city: &str) -> Result<String, Failure<No>> {
        Ok(self.0.book("room", cx))
    }

    #[compensate(room)]
    async fn cancel_room(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.give_back("room", cx);
        Ok(())
    }
}

fn exploring(keeps_tickets: bool) -> Explore<Trip, World> {
    let make = move || {
        let world = World::default();
        world.0.lock().expect("nobody panics with it").keeps_tickets = keeps_tickets;
        (Trip(world.clone()), world)
    };
    explore(vec!["Bern".to_owned(), "Rome".to_owned()], make)
        .state(World::books)
        .with(|builder, world| builder.register(Nights(world.clone())))
        .refuses("flight", No::SoldOut)
        .refuses("ticket", No::SoldOut)
        .refuses("tell", No::Declined)
        .refuses("pay", No::Declined)
}

#[test]
fn a_trip_with_branches_an_inner_flow_and_another_saga_is_found_right() {
    let explored = exploring(false).faults(1).run().unwrap_or_else(|found| panic!("{found}"));
    println!("{explored}");
    assert!(explored.is_exhaustive() && explored.histories() > 300, "{explored}");
    // Its room is never refused: the participants of another saga say for themselves what they refuse.
    assert_eq!(explored.missed(), ["`nights` -> unwinds (refused)"], "{explored}");
}

#[test]
fn what_an_inner_flow_leaves_behind_is_found_without_any_fault() {
    let found = exploring(true).faults(0).run().expect_err("a ticket is kept");
    assert_eq!(found.promise(), "all or none", "{found}");
    assert!(found.to_string().contains("ticket"), "{found}");
}
