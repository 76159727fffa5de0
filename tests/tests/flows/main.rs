//! The machine of a flow is the flow: every kind of control flow, run as the plain method, as the machine, and as the
//! machine with a death at every event, comes to the same end with the same effects.

#![expect(clippy::all, clippy::pedantic, reason = "flows are written here in every way that users may write them")]

use saga_runtime::prelude::*;
use saga_tests::memory::{Script, World, the_machine_is_the_method, the_machine_is_the_method_when};
use serde::{Deserialize, Serialize};

mod branches;
mod calls;
mod children;
mod corners;
mod inner;
mod joins;
mod lets;
mod loops;
mod plain;
mod time;

/// The "no" of these sagas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Refusal)]
pub struct No(String);

/// An order with some structure to take apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    id: u32,
    lines: Vec<Line>,
    note: Option<String>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    sku: String,
    quantity: u32,
}

/// An order of these SKUs, the first once, the second twice, and so on.
fn order(id: u32, skus: &[&str]) -> Order {
    let line =
        |(at, sku): (usize, &&str)| Line { sku: (*sku).to_owned(), quantity: u32::try_from(at).unwrap_or(0) + 1 };
    Order { id, lines: skus.iter().enumerate().map(line).collect(), note: (id % 2 == 1).then(|| format!("note {id}")) }
}

/// One effect: refused if what it is about begins with `no`.
fn act(world: &World, step: &str, what: &str) -> Result<u32, Failure<No>> {
    if what.starts_with("no") {
        return Err(No(format!("{step} {what}")).into());
    }
    world.effect(format!("{step}({what})"));
    Ok(u32::try_from(what.len()).unwrap_or(u32::MAX))
}

/// A saga with these steps, and a test that runs it on each of the inputs.
macro_rules! flow {
    (
        $name:ident [$($step:ident)*]
        ($this:ident, $cx:ident, $($input:ident)+: $in:ty) -> $out:ty { $($body:tt)* }
        $($inputs:expr),* $(,)?
    ) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            struct Flow(World, #[allow(dead_code)] Vec<String>);

            #[saga(name = "flow")]
            impl Flow {
                #[flow]
                async fn run(&$this, $cx: &FlowContext, $($input)+: $in) -> Result<$out, Unwind<No>> {
                    $($body)*
                }

                $(
                    #[step(no_compensation = "a test looks at what happened", idempotent = "a test")]
                    async fn $step(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
                        act(&self.0, stringify!($step), what)
                    }
                )*
            }

            #[allow(dead_code)]
            pub(super) fn slots() -> &'static [&'static str] {
                Flow::definition().main().slots
            }

            #[test]
            fn the_machine_is_the_flow() {
                let make = |world| Flow(world, vec!["north".into(), "south".into()]);
                for input in [$($inputs),*] {
                    the_machine_is_the_method(stringify!($name), make, &input, |flow, input| async move {
                        flow.run(&saga_runtime::testing::FlowContext::detached(), input).await
                    });
                }
            }
        }
    };
}
pub(crate) use flow;
