//! Sagas as ordinary async Rust, compiled into an explicit, persisted state machine.

pub mod clock;
pub mod context;
mod core;
pub mod definition;
mod draw;
mod engine;
pub mod failure;
#[doc(hidden)]
pub mod machine;
pub mod runtime;
pub mod store;
pub mod testing;

pub use context::{FlowContext, StepContext};
pub use failure::{Exhausted, Failure, OptionExt, Outcome, Refusal, RefuseAs, ResultExt, Transient, Unwind};
pub use machine::Saga;
pub use runtime::{Builder, Cause, End, Error, Handle, Runtime, Settled};
pub use saga_macros::{Refusal, compensate, flow, saga, step};

/// Everything that a file with a saga in it needs: `use saga_runtime::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Cause, End, Exhausted, Failure, FlowContext, Handle, OptionExt as _, Outcome, Refusal, RefuseAs as _,
        ResultExt as _, Runtime, Saga, StepContext, Transient, Unwind, compensate, flow, saga, step,
    };

    #[cfg(feature = "sqlite")]
    pub use crate::store::sqlite::Sqlite;
}
