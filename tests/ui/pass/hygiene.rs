#![no_implicit_prelude]
#![deny(missing_docs, unreachable_pub, warnings, clippy::pedantic)]
//! Names that generated code must not take from where it stands; a renamed dependency; the strictest lints.

extern crate saga_runtime as renamed;

use ::renamed::{Elapsed, Failure, FlowContext, OneOf2, Outcome, Signal, StepContext, Transient, Unwind};
use ::saga_tests::shop::{Hold, Order, Refused};

#[expect(dead_code, reason = "it only stands in the way")]
struct Result;
#[expect(dead_code, reason = "it only stands in the way")]
struct Option;
#[expect(dead_code, reason = "it only stands in the way")]
struct Box;
mod std {}
mod core {}

/// A saga.
pub struct Checkout;

#[::renamed::saga(name = "checkout", crate = ::renamed)]
impl Checkout {
    /// Somebody paid.
    #[signal]
    pub const PAID: Signal<Self, u64> = Signal::new("paid");
    #[signal]
    const CANCELLED: Signal<Self, ()> = Signal::new("cancelled");

    /// The flow.
    ///
    /// # Errors
    /// It is refused.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, order: Order) -> ::core::result::Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        let (first, second) = ::renamed::join!(self.look(&order), self.again(cx, &order)).await?;
        let all = cx.join_all(&order.lines, 2, |_line| self.look(&order)).await?;
        cx.sleep("1s").await;
        match cx.wait((Self::PAID, Self::CANCELLED)).within("2d").await {
            ::core::result::Result::Ok(OneOf2::First(paid)) => cx.set_label("paid", paid + first.0 + second),
            ::core::result::Result::Ok(OneOf2::Second(())) => {}
            ::core::result::Result::Err(Elapsed) => cx.set_label("late", all.len()),
        }
        let id = cx.launch::<Self>(order).await;
        let sent = cx.send::<Self, _>(id, Self::PAID, 1).await;
        cx.set_label("sent", sent.is_ok());
        ::core::result::Result::Ok(())
    }

    #[flow(inner)]
    async fn again(&self, cx: &FlowContext, order: &Order) -> ::core::result::Result<u64, Unwind<Refused>> {
        #[state("another_look")]
        let hold = self.look(order).await?;
        cx.set_label("looked", "again");
        ::core::result::Result::Ok(hold.0)
    }

    #[step(read_only)]
    async fn look(&self, _order: &Order) -> ::core::result::Result<Hold, Failure<Refused>> {
        ::core::result::Result::Ok(Hold(1))
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
