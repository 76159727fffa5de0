#![no_implicit_prelude]
#![deny(missing_docs, unreachable_pub, warnings, clippy::pedantic)]
//! Names that generated code must not take from where it stands; a renamed dependency; the strictest lints.

extern crate saga_runtime as renamed;

use ::renamed::{Failure, FlowContext, Outcome, StepContext, Transient, Unwind};
use ::saga_tests::shop::{Hold, Order, Refused};

#[allow(dead_code)]
struct Result;
#[allow(dead_code)]
struct Option;
#[allow(dead_code)]
struct Box;
#[allow(dead_code)]
mod std {}
#[allow(dead_code)]
mod core {}

/// A saga.
pub struct Checkout;

#[::renamed::saga(name = "checkout", crate = ::renamed)]
impl Checkout {
    /// The flow.
    ///
    /// # Errors
    /// It is refused.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, order: Order) -> ::core::result::Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        ::core::result::Result::Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> ::core::result::Result<Hold, Failure<Refused>> {
        ::core::result::Result::Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> ::core::result::Result<(), Transient> {
        ::core::result::Result::Ok(())
    }
}

fn main() {}
