//! Sagas as ordinary async Rust, compiled into an explicit, persisted state machine.

pub mod context;
pub mod definition;
mod draw;
pub mod failure;
#[doc(hidden)]
pub mod machine;
pub mod store;

pub use context::{FlowContext, StepContext};
pub use failure::{Exhausted, Failure, OptionExt, Outcome, Refusal, RefuseAs, ResultExt, Transient, Unwind};
pub use machine::Saga;
pub use saga_macros::{Refusal, compensate, flow, saga, step};

/// Everything that a file with a saga in it needs: `use saga_runtime::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Exhausted, Failure, FlowContext, OptionExt as _, Outcome, Refusal, RefuseAs as _, ResultExt as _, Saga,
        StepContext, Transient, Unwind, compensate, flow, saga, step,
    };
}

/// For tests of sagas.
pub mod testing {
    pub use crate::{
        context::FlowContext,
        store::faulty::{Faulty, Lost},
    };
}
