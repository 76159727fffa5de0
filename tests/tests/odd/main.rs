//! No false alarms: sagas that look odd and are correct compile without a word from the compiler, under the strictest
//! lints there are, and mean what the plain method means.
//!
//! Each is run as the plain method, as the machine, and as the machine with a death at every event. This program has a
//! `main` of its own, for two reasons: rustc looks for missing documentation only where it builds no tests; and a saga that
//! is in no list is dead code here, which does not compile, so that none is forgotten.

#![deny(warnings, missing_docs, unreachable_pub)]
#![deny(clippy::pedantic)]

use saga_runtime::prelude::*;
use saga_tests::memory::World;
use serde::{Deserialize, Serialize};
use std::future::{Ready, ready};

pub mod attributes;
mod borrows;
mod calls;
mod collections;
mod generics;
mod inference;
mod items;
mod loops;
mod macros;
mod moves;
mod names;
mod ownwords;
mod patterns;
mod places;
mod shadowing;
mod shapes;
mod types;
mod verbs;

/// The "no" of these sagas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub struct No(String);

/// What is taken apart here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    id: u32,
    lines: Vec<String>,
    note: Option<String>,
}

/// An order of these lines; an odd one has a note.
fn order(id: u32, lines: &[&str]) -> Order {
    let note = (id % 2 == 1).then(|| format!("note {id}"));
    Order { id, lines: lines.iter().map(|&line| line.to_owned()).collect(), note }
}

/// One effect, answered with the length of what it is about; refused if that begins with `no`.
fn act(world: &World, step: &str, what: &str) -> Ready<Result<u32, Failure<No>>> {
    if what.starts_with("no") {
        return ready(Err(No(format!("{step} {what}")).into()));
    }
    world.effect(format!("{step}({what})"));
    ready(Ok(u32::try_from(what.len()).unwrap_or(u32::MAX)))
}

/// An odd saga, and what runs it in each way.
struct Odd {
    name: &'static str,
    run: fn(),
}

/// The odd sagas of a family: each by the type's name, with what makes it of a world, on each of these inputs.
macro_rules! odd {
    ($($saga:ty: $make:expr, $(when $script:expr,)? on $($input:expr),+;)+) => {
        pub(super) const ALL: &[$crate::Odd] = &[$(
            $crate::Odd {
                name: stringify!($saga),
                run: || {
                    let script = saga_tests::memory::Script::default();
                    $(let script = { let _ = &script; $script };)?
                    for input in [$($input),+] {
                        saga_tests::memory::the_machine_is_the_method_when(
                            stringify!($saga), $make, &input, &script,
                            |saga, input, cx| async move { (saga.run(&cx, input).await, cx) },
                        );
                    }
                },
            },
        )+];
    };
}
use odd;

/// An odd saga whose oddity is in its flow, with steps that are all alike.
macro_rules! flow {
    (
        $(#[$attr:meta])*
        $name:ident [$($step:ident)*]
        ($this:ident, $cx:ident, $($input:ident)+: $in:ty) -> $out:ty { $($body:tt)* }
    ) => {
        $(#[$attr])*
        struct $name(saga_tests::memory::World);

        #[saga_runtime::saga]
        impl $name {
            #[flow]
            async fn run(&$this, $cx: &FlowContext, $($input)+: $in) -> Result<$out, Unwind<$crate::No>> {
                $($body)*
            }

            $(
                #[step(no_compensation = "a test looks at what happened", idempotent = "a test")]
                async fn $step(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<$crate::No>> {
                    $crate::act(&self.0, stringify!($step), what).await
                }
            )*
        }
    };
}
use flow;

/// Every family.
const FAMILIES: &[&[Odd]] = &[
    attributes::ALL,
    borrows::ALL,
    calls::ALL,
    collections::ALL,
    generics::ALL,
    inference::ALL,
    items::ALL,
    loops::ALL,
    macros::ALL,
    moves::ALL,
    names::ALL,
    ownwords::ALL,
    patterns::ALL,
    places::ALL,
    shadowing::ALL,
    shapes::ALL,
    types::ALL,
    verbs::ALL,
];

/// Runs them, or those whose names contain the first argument.
fn main() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let all: Vec<&Odd> = FAMILIES.iter().copied().flatten().collect();
    assert!(all.len() >= 60, "{} odd sagas", all.len());
    let (mut ran, mut failed) = (0, Vec::new());
    for odd in all.iter().filter(|odd| odd.name.contains(&only)) {
        println!("the machine of {} is its method", odd.name);
        ran += 1;
        if let Err(why) = std::panic::catch_unwind(odd.run) {
            // An assertion has spoken by itself; a machine that cannot go on has not.
            if let Some(why) = why.downcast_ref::<saga_runtime::machine::Unreadable>() {
                println!("{}: {why:?}", odd.name);
            }
            failed.push(odd.name);
        }
    }
    assert_eq!(failed, Vec::<&str>::new(), "these mean something else than their methods");
    println!("{ran} of {} odd sagas: no false alarm", all.len());
}
