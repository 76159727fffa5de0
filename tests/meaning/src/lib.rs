//! Flows as data: [`generate`] writes one at random, [`mod@print`] prints it as Rust, and [`mod@reference`] says what it means.
//!
//! What it means is decided without an engine: nothing in here knows of a store, a journal or a machine. `saga-meaning-flows`
//! compiles the flows and holds the engine to it.

pub mod dice;
pub mod generate;
pub mod print;
pub mod program;
pub mod reference;
pub mod script;
pub mod trace;
