//! What is booked, and what comes of it. The services and the saga share these words.

use std::fmt;
use std::time::Duration;

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// A trip that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trip {
    /// Where to.
    pub(crate) to: String,
    /// Everybody who travels: each needs a seat of their own.
    pub(crate) passengers: Vec<String>,
    /// How many nights in the hotel.
    pub(crate) nights: u32,
    /// How long everything is held, in seconds, until the traveller has paid.
    pub(crate) pay_within: u64,
}

impl Trip {
    /// How long the traveller has to pay.
    pub(crate) fn time_to_pay(&self) -> Duration {
        Duration::from_secs(self.pay_within)
    }
}

/// What the traveller pays with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card(pub(crate) String);

/// A seat, a room or a car that is set aside for a trip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hold {
    /// The service that holds it.
    pub(crate) service: Service,
    /// Its own id there.
    pub(crate) id: i64,
    /// What it is, e.g. `train to Lisbon`.
    pub(crate) what: String,
    /// What it costs, in cents.
    pub(crate) price: u64,
}

/// The services that hold something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Service {
    /// Seats on trains and planes.
    Carriers,
    /// Rooms.
    Hotels,
    /// Cars.
    Cars,
}

impl Service {
    /// Its name in paths and of its file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Carriers => "carriers",
            Self::Hotels => "hotels",
            Self::Cars => "cars",
        }
    }
}

/// What the traveller has in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Booked {
    /// What was paid, in cents.
    pub(crate) paid: u64,
    /// A ticket for each seat, the room and the car.
    pub(crate) tickets: Vec<String>,
}

/// Why there is no trip: a business "no".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sorry {
    /// Nothing is left of this.
    SoldOut(String),
    /// Nobody goes there.
    NoWayTo(String),
    /// The bank says no.
    CardDeclined,
    /// Nobody paid in time.
    NotPaid,
}

impl fmt::Display for Sorry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoldOut(what) => write!(f, "nothing is left of {what}"),
            Self::NoWayTo(place) => write!(f, "nobody goes to {place}"),
            Self::CardDeclined => f.write_str("the card was declined"),
            Self::NotPaid => f.write_str("nobody paid in time"),
        }
    }
}
