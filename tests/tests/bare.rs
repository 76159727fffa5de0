#![no_implicit_prelude]
#![deny(warnings, missing_docs, unreachable_pub)]
#![deny(clippy::pedantic)]
//! A crate without a prelude, which knows the library by another name: what is generated takes no name from where it stands.
//! Run as the plain method and as the machine, like the odd sagas beside it.

extern crate saga_runtime as renamed;

use ::renamed::{Elapsed, Failure, FlowContext, OneOf2, Outcome, Signal, StepContext, Transient, Unwind};
use ::saga_tests::{
    memory::{Script, World, the_machine_is_the_method_when},
    shop::Refused as No,
};
use ::serde::{Deserialize, Serialize};
use ::std::{
    clone::Clone,
    convert::{From, Into, TryFrom},
    default::Default,
    format,
    iter::{Extend, IntoIterator, Iterator},
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// What it is given.
#[derive(::std::fmt::Debug, ::std::clone::Clone, Serialize, Deserialize)]
pub struct Order {
    lines: Vec<String>,
    note: ::core::option::Option<String>,
}

/// A saga with everything in it.
pub struct Bare(World);

#[::renamed::saga(name = "bare", crate = ::renamed)]
impl Bare {
    /// Somebody paid.
    #[signal]
    pub const PAID: Signal<Self, u32> = Signal::new("paid");
    #[signal]
    const CANCELLED: Signal<Self, ()> = Signal::new("cancelled");

    /// The flow.
    ///
    /// # Errors
    /// It is refused.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, order: Order) -> ::core::result::Result<Vec<u32>, Unwind<No>> {
        let mut all = vec![];
        for line in &order.lines {
            let n = self.reserve(cx, line).await?;
            all.push(n);
        }
        for line in order.lines.clone() {
            #[state("owned")]
            let n = self.reserve(cx, &line).await?;
            all.push(n);
        }
        for turn in 1..=2 {
            #[state("range")]
            let n = self.reserve(cx, &turn.to_string()).await?;
            all.push(n);
        }
        let (first, second) = ::renamed::join!(self.look(&order), self.part(cx, &order)).await?;
        #[state("each")]
        let each = cx.join_all(&order.lines, 2, |line| self.reserve(cx, line)).await?;
        let note = order.note;
        cx.sleep("1s").await;
        match cx.wait((Self::PAID, Self::CANCELLED)).within("2d").await {
            ::core::result::Result::Ok(OneOf2::First(paid)) => all.push(paid + first + second),
            ::core::result::Result::Ok(OneOf2::Second(())) => {}
            ::core::result::Result::Err(Elapsed) => cx.set_label("late", each.len()),
        }
        while let ::core::option::Option::Some(n) = all.pop() {
            if n > 2 {
                break;
            }
            #[state("more")]
            let ::core::result::Result::Ok(_) = self.reserve(cx, &format!("{n}")).await else { break };
        }
        let more =
            if all.len() > 2 || self.look_again(all.len()).await? > 1 { note } else { ::core::option::Option::None };
        all.extend(more.into_iter().map(|note| u32::try_from(note.len()).unwrap_or(0)));
        ::core::result::Result::Ok(all)
    }

    #[flow(inner)]
    async fn part(&self, cx: &FlowContext, order: &Order) -> ::core::result::Result<u32, Unwind<No>> {
        let n = self.look(order).await?;
        cx.sleep("1m").await;
        ::core::result::Result::Ok(n)
    }

    #[step(read_only)]
    async fn look(&self, order: &Order) -> ::core::result::Result<u32, Failure<No>> {
        ::core::result::Result::Ok(u32::try_from(order.lines.len()).unwrap_or(0))
    }

    #[step(read_only)]
    async fn look_again(&self, n: usize) -> ::core::result::Result<usize, Transient> {
        ::core::result::Result::Ok(n)
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> ::core::result::Result<u32, Failure<No>> {
        let _ = cx.key();
        if line == "no" {
            return ::core::result::Result::Err(No::OutOfStock.into());
        }
        self.0.effect(format!("reserve({line})"));
        ::core::result::Result::Ok(u32::try_from(line.len()).unwrap_or(0))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, hold: Outcome<u32>) -> ::core::result::Result<(), Transient> {
        let _ = (cx.undoes(), hold);
        ::core::result::Result::Ok(())
    }
}

#[::std::prelude::v1::test]
fn a_crate_without_a_prelude_has_sagas_that_mean_their_methods() {
    for lines in [vec![], vec!["a", "bb"], vec!["a", "no"]] {
        let lines: Vec<String> = lines.into_iter().map(String::from).collect();
        for script in [Script::default(), Script::default().signal(Bare::PAID, 1)] {
            let note = ::core::option::Option::Some(String::from("note"));
            let order = Order { lines: Clone::clone(&lines), note };
            the_machine_is_the_method_when("bare", Bare, &order, &script, |saga, order, cx| async move {
                (saga.run(&cx, order).await, cx)
            });
        }
    }
}
