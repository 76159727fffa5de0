//! The engine's decisions, as pure and total functions of data: no tokio, no store, no clock, no tracing in here.
//!
//! A journal is a list of [`Event`]s; folding it with [`State::apply`] gives the instance's state, or a typed error that
//! names the pair that is not possible. [`decide`] and [`request`] say what comes next.

pub(crate) mod called;
pub(crate) mod child;
pub(crate) mod decide;
pub(crate) mod event;
pub(crate) mod instance;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod phase;
pub(crate) mod request;
#[cfg(test)]
mod samples;
pub(crate) mod strand;

pub use self::event::ParkCause;
pub(crate) use self::{
    called::{CallId, Called, Callee, Calls, ChildAt, Saved, StepAt, Stored},
    event::{Decided, Event, Failed, How, Name, Parent, UnwindCause, Verb},
    instance::{Illegal, ParkAt, State},
    log::{Entry, Undo},
    phase::{AnswerAt, CallAt, Calling, Doing, Join, Phase},
    strand::{Strand, is_within},
};
