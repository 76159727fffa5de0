//! Sagas as ordinary async Rust, compiled into an explicit, persisted state machine.

pub mod context;
pub mod definition;
pub mod failure;
#[doc(hidden)]
pub mod machine;
pub mod store;

pub use context::{FlowContext, StepContext};
pub use failure::{Exhausted, Failure, OptionExt, Outcome, Refusal, RefuseAs, ResultExt, Transient, Unwind};
pub use machine::Saga;

/// For tests of sagas.
pub mod testing {
    pub use crate::context::FlowContext;
}
