//! The explorer: a saga without faults of its own holds in every history, and each planted one is found.

mod trip;

use saga_runtime::{
    prelude::*,
    testing::{Counterexample, Ending, Explore, explore},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Debug, Clone, Serialize, Deserialize, Refusal)]
enum No {
    SoldOut,
    Declined,
    Withdrawn,
}

/// A mistake that somebody could have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    None,
    /// The undo forgets the last line.
    ForgetsALine,
    /// A step does it again when it is asked again under the same key.
    IgnoresTheKey,
    /// An undo that is done again takes back twice.
    UndoesTwice,
    /// An undo takes for granted that it knows what its step answered.
    NeedsTheAnswer,
    /// A step past the pivot that may fail for ever.
    NotRetriable,
}

/// Stock, balances and parcels; and what the services remember of keys.
#[derive(Debug, Default)]
struct State {
    stock: BTreeMap<String, i64>,
    paid: i64,
    parcels: u32,
    keys: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct World(Arc<Mutex<State>>);

impl World {
    fn new() -> Self {
        let stock = ["ink", "paper"].into_iter().map(|sku| (sku.to_owned(), 5)).collect();
        Self(Arc::new(Mutex::new(State { stock, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }

    /// What nobody may see a difference in.
    fn books(&self) -> (BTreeMap<String, i64>, i64, u32) {
        let state = self.state();
        (state.stock.clone(), state.paid, state.parcels)
    }
}

struct Order {
    world: World,
    bug: Bug,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Lines(Vec<String>);

#[saga(name = "order")]
impl Order {
    /// The customer changes their mind, or not.
    #[signal]
    const CONFIRMED: Signal<Self, bool> = Signal::new("confirmed");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Lines) -> Result<u32, Unwind<No>> {
        for line in &order.0 {
            self.reserve(cx, line).await?;
        }
        let goes_on = cx.wait(Self::CONFIRMED).within("1h").await.unwrap_or(true);
        if !goes_on {
            return Err(No::Withdrawn.into());
        }
        self.charge(cx, 100).await?;
        let parcel = self.ship(cx).await?;
        Ok(parcel)
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<String, Failure<No>> {
        let mut state = self.world.state();
        if state.keys.insert(cx.key().into()) {
            *state.stock.entry(line.into()).or_default() -= 1;
        }
        Ok(line.to_uppercase())
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, line: &str, reserved: Outcome<String>) -> Result<(), Transient> {
        if self.bug == Bug::NeedsTheAnswer && matches!(reserved, Outcome::Unknown) {
            return Err(Transient::park("whatever was reserved?"));
        }
        let mut state = self.world.state();
        let done = state.keys.contains(cx.undoes().unwrap_or_default());
        let again = !state.keys.insert(cx.key().into()) && self.bug != Bug::UndoesTwice;
        let forgotten = self.bug == Bug::ForgetsALine && line == "paper";
        if done && !again && !forgotten {
            *state.stock.entry(line.into()).or_default() += 1;
        }
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, cents: i64) -> Result<(), Failure<No>> {
        let mut state = self.world.state();
        if state.keys.insert(cx.key().into()) || self.bug == Bug::IgnoresTheKey {
            state.paid += cents;
        }
        Ok(())
    }

    #[step(retriable)]
    async fn ship(&self, cx: &StepContext) -> Result<u32, Transient> {
        let mut state = self.world.state();
        if self.bug == Bug::NotRetriable {
            return Err(Transient::new("the address is unknown"));
        }
        if state.keys.insert(cx.key().into()) {
            state.parcels += 1;
        }
        Ok(1)
    }
}

fn exploring(bug: Bug) -> Explore<Order, World> {
    let make = move || {
        let world = World::new();
        (Order { world: world.clone(), bug }, world)
    };
    explore(Lines(vec!["ink".into(), "paper".into()]), make)
        .state(World::books)
        .refuses("reserve", No::SoldOut)
        .refuses("charge", No::Declined)
        .signal(Order::CONFIRMED, true)
        .signal(Order::CONFIRMED, false)
}

fn found(bug: Bug) -> Counterexample {
    match exploring(bug).run() {
        Ok(explored) => panic!("{bug:?} was not found\n{explored}"),
        Err(found) => found,
    }
}

#[test]
fn a_saga_without_mistakes_holds_in_every_history_and_all_of_its_edges_are_taken() {
    let asked = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
    let asks = Arc::clone(&asked);
    let explored = exploring(Bug::None)
        .invariant(move |world, ending| {
            *asks.lock().expect("nobody panics with it").entry(format!("{ending:?}")).or_default() += 1;
            let (stock, paid, parcels) = world.books();
            let sold = 10 - stock.values().sum::<i64>();
            let whole = (sold, paid, parcels) == (2, 100, 1);
            match ending {
                Ending::Completed if !whole => Err(format!("{sold} sold, {paid} paid, {parcels} sent")),
                Ending::Compensated if paid > 0 => Err("it was paid".into()),
                _ => Ok(()),
            }
        })
        .run()
        .unwrap_or_else(|found| panic!("{found}"));
    println!("{explored}");
    assert!(explored.is_exhaustive() && explored.histories() > 500, "{explored}");
    assert_eq!(explored.missed(), [] as [String; 0], "{explored}");
    let asked = asked.lock().expect("nobody panics with it");
    assert!(asked["Completed"] > 50 && asked["Compensated"] > 50, "{asked:?}");
}

#[test]
fn each_planted_mistake_is_found_by_a_short_history_that_happens_again() {
    for (bug, promise, says, faults) in [
        (Bug::ForgetsALine, "all or none", "nothing stands, and the participants are not as they were before", 0),
        (Bug::IgnoresTheKey, "all or none", "the same calls stand as in a history without faults", 1),
        (Bug::UndoesTwice, "all or none", "nothing stands, and the participants are not as they were before", 1),
        (Bug::NeedsTheAnswer, "every instance ends", "whatever was reserved?", 2),
        (Bug::NotRetriable, "every instance ends", "`ship` fails again and again although nothing is in its way", 0),
    ] {
        let found = found(bug);
        let text = found.to_string();
        assert_eq!(found.promise(), promise, "{bug:?}: {text}");
        assert!(text.contains(says), "{bug:?}: {text}");
        let told = text.lines().filter(|line| line.starts_with("  1.") || line.starts_with("  2.")).collect::<Vec<_>>();
        let wrong = told.iter().filter(|line| !line.contains("is refused") && !line.contains("comes")).count();
        assert_eq!(wrong, faults, "{bug:?}: {text}");
        let again = exploring(bug).replay(found.history()).run().expect_err("it happens again");
        assert_eq!(again.to_string(), text);
        let mended = exploring(Bug::None).replay(found.history()).run();
        assert!(mended.is_ok(), "{bug:?}: {mended:?}");
        println!("{bug:?}\n{text}\n");
    }
}

#[test]
fn what_an_invariant_says_is_told_with_the_history() {
    let asked = exploring(Bug::None).invariant(|world, _| {
        let parcels = world.books().2;
        if parcels == 0 { Ok(()) } else { Err(format!("{parcels} parcel was sent")) }
    });
    let found = asked.run().expect_err("one is sent without any fault");
    assert_eq!((found.promise(), found.history()), ("what the test asks", ""));
    let text = format!("{found:?}");
    for says in ["1 parcel was sent", "nothing went wrong before", "completed with 1", ".replay(\"\")"] {
        assert!(text.contains(says), "no `{says}` in {text}");
    }
}

#[test]
fn bounds_are_kept_and_told() {
    let explored = exploring(Bug::None).faults(1).at_most(20).run().expect("nothing is wrong");
    assert_eq!((explored.histories(), explored.is_exhaustive()), (20, false));
    assert!(explored.to_string().contains("there are more histories than were to be run"), "{explored}");
    let found = exploring(Bug::None).turns(1).run().expect_err("the second line is a second turn");
    assert_eq!(found.promise(), "there is something to explore", "{found}");
}

#[test]
#[should_panic(expected = "saga `order` has no step `chrage`; it has reserve, charge, ship")]
fn a_refusal_of_a_step_that_is_not_there_is_said_at_once() {
    let _ = exploring(Bug::None).refuses("chrage", No::Declined);
}
