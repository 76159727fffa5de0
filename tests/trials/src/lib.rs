//! Trials: what no accident may change, asked of real files, a real Postgres and real processes.
//!
//! Each module is one of them. It makes an accident happen, many times, under one seed, and holds what is left against what was
//! promised: [`saga_runtime::verify`], and what the trial itself knows of the instances that it started. The tests of this crate run
//! the short forms; the program `trials` the long ones.

pub mod corruption;
mod dice;
pub mod disk;
pub mod duplicates;
mod look;
pub mod old;
mod place;
pub mod poison;
mod port;
mod report;
pub mod restarts;
pub mod rounds;
mod saga;
pub mod waiting;
pub mod worker;
pub mod world;
pub mod zombie;

pub use self::{
    dice::Dice,
    place::Place,
    port::{Port, serve},
    report::{Report, commit},
    saga::{Booking, Meals, No, Trip},
};

/// What a trial ends with that could not be made.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A runtime's builder with all the sagas of the trials.
pub fn builder(port: &Port) -> saga_runtime::Builder {
    saga_runtime::Runtime::builder().register(Trip(port.clone())).register(Meals(port.clone()))
}
