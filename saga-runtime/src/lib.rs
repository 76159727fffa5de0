//! Sagas as ordinary async Rust, compiled into an explicit, persisted state machine.
//!
//! A saga is a transaction across services: a sequence of steps, each a local transaction at one of them, each with a
//! compensation that undoes it (Garcia-Molina and Salem, *Sagas*, SIGMOD 1987). Here it is one impl block under
//! [`#[saga]`](saga). A [`Runtime`] executes its instances against a [`Store`](store::Store), and each of them survives
//! any crash: it completes, is undone, or visibly waits, for a service, for a person (*parked*), or for a build that knows its
//! state.
//!
//! ```
//! use saga_runtime::{prelude::*, store::memory::Memory};
//!
//! #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
//! enum No {
//!     SoldOut,
//! }
//!
//! struct Shop;
//!
//! #[saga(name = "shop", version = 1)]
//! impl Shop {
//!     #[flow]
//!     async fn run(&self, cx: &FlowContext, sku: String) -> Result<String, Unwind<No>> {
//!         let hold = self.reserve(cx, &sku).await?;
//!         let charge = self.charge(cx, &hold).await?;
//!         Ok(charge)
//!     }
//!
//!     #[step(timeout = "2s")]
//!     async fn reserve(&self, cx: &StepContext, sku: &str) -> Result<String, Failure<No>> {
//!         if sku == "unicorn" { Err(No::SoldOut.into()) } else { Ok(format!("{sku} for {}", cx.key())) }
//!     }
//!
//!     #[compensate(reserve)]
//!     async fn release(&self, cx: &StepContext, hold: Outcome<String>) -> Result<(), Transient> {
//!         println!("release {hold:?}, which {:?} took", cx.undoes());
//!         Ok(())
//!     }
//!
//!     #[step(pivot)]
//!     async fn charge(&self, cx: &StepContext, hold: &str) -> Result<String, Failure<No>> {
//!         Ok(format!("charge {} for {hold}", cx.key()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store(Memory::default()).register(Shop).start().await?;
//! let saga = runtime.start::<Shop>("order-42", "unicorn".into()).await?;
//! assert!(matches!(saga.result().await?, End::Compensated { cause: Cause::Refused(No::SoldOut), .. }));
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `sqlite`, on by default, the store is a file: `Sqlite::open("orders.db")`. A crate that only defines sagas
//! can do without (`default-features = false`), and compiles no C. With the feature `cron`, [`Builder`] has `schedule`:
//! instances that are started again and again. With the feature `debug`, `SAGA_MACRO_DEBUG=Checkout cargo check` prints what
//! a saga expands to.
//!
//! # Where to look
//! - [`saga`], [`flow`], [`step`], [`compensate`], [`signal`]: how a saga is written, and what does not compile.
//! - [`checks`]: each check of the compiler, with the wrong program, its message, and the right one.
//! - [`Failure`], [`Transient`], [`Unwind`], [`Outcome`]: how steps fail, and what flow and compensation know of it.
//! - [`Runtime`], [`Handle`]: starting, waiting, looking at timelines, cancelling, and settling what is parked.
//! - [`runtime::Starting`], [`runtime::Filter`], [`runtime::Retention`]: starting later, listing, and keeping only so long.
//! - [`Saga::definition`]: the saga as data, and its drawings.
//! - [`testing`]: contexts and clocks for tests, with a runtime and without one, and every history of an instance.
//! - [`policy`], [`store`], [`verify`]: policies with names, where instances are kept, and whether what is kept is as promised.

#[cfg(all(doc, not(doctest)))]
pub mod checks;
pub mod clock;
pub mod context;
mod core;
pub mod definition;
mod draw;
mod engine;
pub mod failure;
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod machine;
#[doc(hidden)]
pub mod planted;
pub mod policy;
mod retry_after;
pub mod runtime;
pub mod store;
pub mod testing;
pub mod verify;

pub use context::{Elapsed, FlowContext, OneOf2, OneOf3, OneOf4, Signal, StepContext};
pub use failure::{Exhausted, Failure, OptionExt, Outcome, Refusal, RefuseAs, ResultExt, Transient, Unwind};
pub use machine::{NotSent, Saga};
pub use policy::NamedPolicy;
pub use runtime::{Builder, Cause, End, Error, Handle, Runtime, Settled};
pub use saga_macros::{Refusal, compensate, flow, saga, signal, step};

/// Everything that a file with a saga in it needs: `use saga_runtime::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Cause, Elapsed, End, Exhausted, Failure, FlowContext, Handle, NamedPolicy, NotSent, OneOf2, OneOf3, OneOf4,
        OptionExt as _, Outcome, Refusal, RefuseAs as _, ResultExt as _, Runtime, Saga, Signal, StepContext, Transient,
        Unwind, compensate, flow, join, saga, signal, step,
    };

    #[cfg(feature = "postgres")]
    pub use crate::store::postgres::Postgres;
    #[cfg(feature = "sqlite")]
    pub use crate::store::sqlite::Sqlite;
}
