//! What must be true once every trip has ended, judged by the services' own books.
//!
//! The agency's word counts for one thing only: how each trip ended. Whether that is so, what is held, issued and paid says.
//! That each call was accepted once, and for a trip that somebody asked for, the verifier says.

use crate::agency::Stand;
use crate::services::{Books, Stage};
use crate::trip::Trip;

/// A trip that was asked for, and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Its id.
    pub(crate) id: String,
    /// What was asked for.
    pub(crate) trip: Trip,
    /// How it ended, in the agency's word.
    pub(crate) stand: Stand,
}

/// Judges the books: each violation as a sentence. Nothing to complain about is an empty list.
pub(crate) fn judge(trips: &[Ended], books: &Books) -> Vec<String> {
    trips.iter().flat_map(|trip| judge_trip(trip, books)).collect()
}

fn judge_trip(Ended { id, trip, stand }: &Ended, books: &Books) -> Vec<String> {
    let at = |stage| books.holdings.iter().filter(move |holding| holding.trip == *id && holding.stage == stage);
    let (held, issued) = (at(Stage::Held).count(), at(Stage::Issued).count());
    let paid: Vec<u64> =
        books.payments.iter().filter(|payment| payment.trip == *id).map(|payment| payment.cents).collect();
    let mut violations = Vec::new();
    let mut unless = |fine: bool, what: String| {
        if !fine {
            violations.push(format!("{id}, {stand}: {what}"));
        }
    };
    unless(held == 0, format!("{held} things are still held"));
    match stand {
        Stand::Booked(booked) => {
            // A seat for each, a room and a car.
            let wanted = trip.passengers.len() + 2;
            let price: u64 = at(Stage::Issued).map(|holding| holding.price).sum();
            unless(issued == wanted, format!("{issued} tickets instead of {wanted}"));
            unless(booked.tickets.len() == issued, format!("the agency knows of {} tickets", booked.tickets.len()));
            unless(paid == [price], format!("what has a ticket costs {price}, and these were paid: {paid:?}"));
        }
        Stand::Undone(_) => {
            unless(issued == 0, format!("there are {issued} tickets"));
            unless(paid.is_empty(), format!("these were paid: {paid:?}"));
        }
        _ => unless(false, "it has not ended".to_owned()),
    }
    violations
}
