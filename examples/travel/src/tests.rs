//! The saga against services of its own: as the plain method it is, and on the runtime with time skipped.

use std::sync::Arc;
use std::time::Duration;

use saga_runtime::prelude::*;
use saga_runtime::runtime::Progress;
use saga_runtime::store::memory::Memory;
use saga_runtime::testing::ManualClock;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::agency::{Stand, ended};
use crate::client::Client;
use crate::saga::Travel;
use crate::services::{Books, Faults, Services, Stage};
use crate::trip::{Booked, Card, Sorry, Trip};
use crate::verdict::{Ended, judge};

/// Services that do what they are asked, and the saga that calls them.
struct World {
    services: Arc<Services>,
    address: String,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let services = Arc::new(Services::open(folder.path()).await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = Arc::clone(&services);
        tokio::spawn(async move { serving.serve(listener, Arc::new(Faults::new(0, 0))).await });
        Self { services, address, _folder: folder }
    }

    fn travel(&self) -> Travel {
        Travel { services: Client::at(&self.address) }
    }

    async fn stages(&self) -> Vec<Stage> {
        self.services.books().await.unwrap().holdings.iter().map(|holding| holding.stage).collect()
    }

    /// What is wrong with the books, if this trip ended so.
    async fn violations(&self, trip: Trip, end: End<Booked, Sorry>) -> Vec<String> {
        let books = self.services.books().await.unwrap();
        judge(&[Ended { id: "trip".into(), trip, stand: ended(end) }], &books)
    }
}

fn trip(to: &str, passengers: usize) -> Trip {
    let passengers = (1..=passengers).map(|number| format!("passenger {number}")).collect();
    Trip { to: to.into(), passengers, nights: 2, pay_within: 30 * 60 }
}

fn card() -> Card {
    Card("tok_visa".into())
}

fn paid() -> FlowContext {
    FlowContext::detached().with_signal(Travel::PAID, card())
}

// As the plain method it is.

#[tokio::test]
async fn a_trip_that_is_paid_has_a_ticket_for_everybody_and_everything() {
    let world = World::new().await;
    let booked = world.travel().run(&paid(), trip("Lisbon", 2)).await.unwrap();
    let tickets = ["train to Lisbon for passenger 1", "train to Lisbon for passenger 2"];
    assert_eq!(booked.tickets[..2], tickets);
    assert_eq!(booked.tickets[2..], ["grand hotel to Lisbon for everybody", "car to Lisbon for everybody"]);
    assert_eq!(booked.paid, 2 * 4_900 + 2 * 15_000 + 8_000);
}

#[tokio::test]
async fn a_group_that_is_too_large_for_the_train_flies_and_stays_together() {
    let world = World::new().await;
    let booked = world.travel().run(&paid(), trip("Lisbon", 7)).await.unwrap();
    assert!(booked.tickets[..7].iter().all(|ticket| ticket.starts_with("plane")), "{booked:?}");
}

#[tokio::test]
async fn who_comes_late_has_the_cheap_hotel() {
    let world = World::new().await;
    for hotel in ["grand hotel", "grand hotel", "hostel"] {
        let booked = world.travel().run(&paid(), trip("Vienna", 1)).await.unwrap();
        assert!(booked.tickets[1].starts_with(hotel), "{booked:?}");
    }
}

#[tokio::test]
async fn who_does_not_pay_in_time_has_no_trip() {
    let world = World::new().await;
    let trip = Trip { pay_within: 0, ..trip("Lisbon", 1) };
    let end = world.travel().run(&FlowContext::detached(), trip).await;
    assert!(matches!(end, Err(Unwind::Refused(Sorry::NotPaid))), "{end:?}");
}

// On the runtime, where what was done is undone.

/// A trip that was started on a runtime, whose clock stands still.
struct Started {
    trip: Handle<Travel>,
    clock: Arc<ManualClock>,
    /// It goes on for as long as somebody holds this.
    _runtime: Runtime,
}

impl Started {
    async fn new(world: &World, trip: Trip) -> Self {
        let clock = Arc::new(ManualClock::default());
        let runtime = Runtime::builder().store(Memory::default()).clock(clock.clone()).register(world.travel());
        let runtime = runtime.start().await.unwrap();
        Self { trip: runtime.start::<Travel>("trip", trip).await.unwrap(), clock, _runtime: runtime }
    }

    /// As far as it comes without a payment.
    async fn waits(&self) {
        while self.trip.status().await.unwrap().progress != Progress::Waiting {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_paid_trip_completes_and_can_not_be_cancelled_any_more() {
    let world = World::new().await;
    let started = Started::new(&world, trip("Lisbon", 3)).await;
    started.waits().await;
    assert_eq!(world.stages().await, [Stage::Held; 5]);
    started.trip.signal(Travel::PAID, card()).await.unwrap();
    let end = started.trip.result().await.unwrap();
    assert!(!started.trip.cancel("too late").await.unwrap().granted);
    assert_eq!(world.stages().await, [Stage::Issued; 5]);
    assert_eq!(world.violations(trip("Lisbon", 3), end).await, [""; 0]);
}

#[tokio::test]
async fn a_payment_that_is_sent_twice_is_made_once() {
    let world = World::new().await;
    let started = Started::new(&world, trip("Lisbon", 1)).await;
    for _ in 0..3 {
        // The first of them may come before it is waited for, and is kept.
        started.trip.signal_once(Travel::PAID, "the payment", card()).await.unwrap();
    }
    let end = started.trip.result().await.unwrap();
    assert_eq!(world.violations(trip("Lisbon", 1), end).await, [""; 0]);
    assert_eq!(world.services.books().await.unwrap().payments.len(), 1);
}

#[tokio::test]
async fn an_unpaid_trip_is_undone_after_half_an_hour_and_not_before() {
    let world = World::new().await;
    let started = Started::new(&world, trip("Lisbon", 2)).await;
    started.waits().await;
    started.clock.advance(Duration::from_mins(29));
    started.waits().await;
    assert_eq!(world.stages().await, [Stage::Held; 4]);
    started.clock.advance(Duration::from_mins(1));
    let end = started.trip.result().await.unwrap();
    assert_eq!(end.cause(), Some(&Cause::Refused(Sorry::NotPaid)));
    assert_eq!(world.stages().await, [Stage::GivenBack; 4]);
    assert_eq!(world.violations(trip("Lisbon", 2), end).await, [""; 0]);
    let late = started.trip.signal(Travel::PAID, card()).await;
    assert!(late.is_err_and(|error| error.is_ended()));
}

#[tokio::test]
async fn a_traveller_who_cancels_before_paying_gets_everything_undone() {
    let world = World::new().await;
    let started = Started::new(&world, trip("Lisbon", 2)).await;
    started.waits().await;
    assert!(started.trip.cancel("ill").await.unwrap().granted);
    let end = started.trip.result().await.unwrap();
    assert_eq!(end.cause(), Some(&Cause::Cancelled("ill".into())));
    assert_eq!(world.violations(trip("Lisbon", 2), end).await, [""; 0]);
}

#[tokio::test]
async fn a_declined_card_undoes_everything() {
    let world = World::new().await;
    let started = Started::new(&world, trip("Lisbon", 2)).await;
    started.trip.signal(Travel::PAID, Card("tok_declined".into())).await.unwrap();
    let end = started.trip.result().await.unwrap();
    assert_eq!(end.cause(), Some(&Cause::Refused(Sorry::CardDeclined)));
    assert_eq!(world.stages().await, [Stage::GivenBack; 4]);
    assert_eq!(world.violations(trip("Lisbon", 2), end).await, [""; 0]);
}

#[tokio::test]
async fn where_nobody_goes_the_room_and_the_car_are_given_back() {
    let world = World::new().await;
    let started = Started::new(&world, trip("Atlantis", 2)).await;
    let end = started.trip.result().await.unwrap();
    assert_eq!(end.cause(), Some(&Cause::Refused(Sorry::NoWayTo("Atlantis".into()))));
    assert_eq!(world.violations(trip("Atlantis", 2), end).await, [""; 0]);
}

#[tokio::test]
async fn the_seats_on_a_train_that_is_too_small_are_given_back_before_the_group_flies() {
    let world = World::new().await;
    let started = Started::new(&world, trip("Lisbon", 7)).await;
    started.waits().await;
    let held = world.stages().await.into_iter().filter(|stage| *stage == Stage::Held).count();
    assert_eq!(held, 9, "seven seats, a room and a car: none on the train");
    started.trip.signal(Travel::PAID, card()).await.unwrap();
    let end = started.trip.result().await.unwrap();
    assert_eq!(world.violations(trip("Lisbon", 7), end).await, [""; 0]);
}

// What the demonstration is judged by.

#[test]
fn books_that_do_not_agree_with_the_ends_are_seen() {
    use crate::services::{Holding, Payment};
    use crate::trip::Service;

    let held = |stage| Holding { service: Service::Cars, trip: "trip".into(), price: 10, stage };
    let payment = || Payment { trip: "trip".into(), cents: 30 };
    let tickets = vec![String::new(); 3];
    let booked = Stand::Booked(Booked { paid: 30, tickets });
    let good = || Books { holdings: vec![held(Stage::Issued); 3], payments: vec![payment()] };
    let judged = |stand: &Stand, books: &Books| {
        judge(&[Ended { id: "trip".into(), trip: trip("Lisbon", 1), stand: stand.clone() }], books).len()
    };
    assert_eq!(judged(&booked, &good()), 0);
    let undone = Stand::Undone("cancelled".into());
    assert_eq!(judged(&undone, &Books { holdings: vec![held(Stage::GivenBack)], payments: vec![] }), 0);

    let twice = Books { payments: vec![payment(), payment()], ..good() };
    let unpaid = Books { payments: vec![], ..good() };
    let a_ticket_short = Books { holdings: vec![held(Stage::Issued); 2], ..good() };
    for wrong in [&twice, &unpaid, &a_ticket_short] {
        assert_ne!(judged(&booked, wrong), 0, "{wrong:?}");
    }
    for stage in [Stage::Held, Stage::Issued] {
        assert_ne!(judged(&undone, &Books { holdings: vec![held(stage)], payments: vec![] }), 0);
    }
    assert_ne!(judged(&undone, &good()), 0);
    assert_ne!(judged(&Stand::BeingUndone, &Books::default()), 0);
}

#[test]
fn the_picture_in_the_readme_is_the_saga_s() {
    let (drawn, shown) = (Travel::definition().to_svg(), include_str!("../travel.svg"));
    assert!(
        drawn == shown,
        "travel.svg is of another saga: `travel graph > examples/travel/travel.svg` draws this one"
    );
}
