//! Sagas to be killed, the participants that remember over all lives what they were asked, and the points at which the
//! process ends.

mod ledger;
mod points;
pub mod trip;
pub mod voyage;

pub use self::{
    ledger::{Entry, Ledger},
    points::Points,
};
