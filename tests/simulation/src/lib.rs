//! The engine as it is, in a world that is not: store, clock, network and participants are simulated, on one thread, and one seed
//! says everything that happens, so that it happens again.
//!
//! A [seed](run::run) makes a few workers, which are real runtimes, and some instances, whose flows are at random. For a while everything
//! goes wrong that can ([`faults::Fault`]); then nothing does any more, and within bounded time everything has to have ended, as it
//! may ([`plan::Plan::ends`]), and as the journals and the participants' ledgers say together ([`saga_runtime::verify`]).

pub mod chaos;
pub mod clients;
pub mod crew;
pub mod faults;
pub mod link;
pub mod participants;
pub mod plan;
pub mod run;
pub mod sim;
pub mod store;
pub mod tour;
pub mod world;
