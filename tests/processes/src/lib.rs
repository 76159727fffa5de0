//! Sagas to be killed, the participants that remember over all lives what they were asked, the points at which a process ends, and the
//! trial that ends it at each of them.

pub mod books;
pub mod cases;
mod ledger;
pub mod life;
mod points;
pub mod table;
pub mod trial;
pub mod trip;
pub mod voyage;
mod watched;

pub use self::{
    ledger::{Asked, Done, Entry, Ledger, Planted, Receipt},
    points::{Kill, Moment, Points},
    table::{Named, table},
    watched::Watched,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The stores on which it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// The embedded one, in a file.
    Sqlite,
    /// A server.
    Postgres,
}

impl StoreKind {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}
