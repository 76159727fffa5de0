//! Places where a saga may stand: in a function, in a constant, in a block, in an expression.

use super::{No, Odd, act};
use saga_runtime::prelude::*;
use saga_tests::memory::{World, the_machine_is_the_method};

/// In a function, that runs it itself.
fn in_a_function() {
    const PREFIX: &str = "local";

    /// Only this function knows it.
    struct Local(World);

    #[saga]
    impl Local {
        #[flow]
        async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
            let m = self.act(cx, PREFIX).await?;
            Ok(m + n)
        }

        #[step(no_compensation = "a test", idempotent = "a test")]
        async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
            act(&self.0, "act", what).await
        }
    }

    the_machine_is_the_method("in_a_function", Local, &3, |saga, input| async move {
        saga.run(&FlowContext::detached(), input).await
    });
}

/// In a constant without a name.
struct InAConstant(World);

const _: () = {
    const MORE: u32 = 4;

    #[saga]
    impl InAConstant {
        #[flow]
        async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
            let m = self.act(cx, n + MORE).await?;
            Ok(m + MORE)
        }

        #[step(no_compensation = "a test", idempotent = "a test")]
        async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
            act(&self.0, "act", &n.to_string()).await
        }
    }
};

fn in_a_constant() {
    the_machine_is_the_method("in_a_constant", InAConstant, &3, |saga, input| async move {
        saga.run(&FlowContext::detached(), input).await
    });
}

/// In a closure, in a block, in a function that is generic.
fn in_a_closure() {
    fn generic<T: Into<u32> + Copy>(n: T) {
        let run = |input: u32| {
            /// Nobody else knows it.
            struct Inner(World);

            #[saga(name = "inner")]
            impl Inner {
                #[flow]
                async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
                    Ok(self.act(cx, n).await?)
                }

                #[step(no_compensation = "a test", idempotent = "a test")]
                async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
                    act(&self.0, "act", &n.to_string()).await
                }
            }

            the_machine_is_the_method("in_a_closure", Inner, &input, |saga, input| async move {
                saga.run(&FlowContext::detached(), input).await
            });
        };
        run(n.into());
    }
    generic(7_u8);
}

/// Words of the prelude, in another sense.
mod words {
    /// An option, but not that one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    pub(super) enum Option {
        Some,
        None,
    }
}

/// Names of the prelude that mean something else around it.
fn among_other_names() {
    use words::Option::{self, None, Some};

    /// The saga.
    struct Saga(World);

    #[saga_runtime::saga(name = "saga")]
    impl Saga {
        #[flow]
        async fn run(&self, cx: &FlowContext, n: u32) -> Result<Option, Unwind<No>> {
            let mut all = vec![];
            for i in 0..n {
                let option = if i == 0 { Some } else { None };
                self.act(cx, option).await?;
                all.push(option);
            }
            for option in &all {
                #[state("borrowed")]
                self.act(cx, *option).await?;
            }
            for option in all.iter().copied().map(|option| if option == Some { None } else { Some }) {
                #[state("collected")]
                self.act(cx, option).await?;
            }
            Ok(all.first().copied().unwrap_or(None))
        }

        #[step(no_compensation = "a test", idempotent = "a test")]
        async fn act(&self, _cx: &StepContext, option: Option) -> Result<u32, Failure<No>> {
            act(&self.0, "act", &format!("{option:?}")).await
        }
    }

    for input in [0, 2] {
        the_machine_is_the_method("among_other_names", Saga, &input, |saga, input| async move {
            saga.run(&FlowContext::detached(), input).await
        });
    }
}

pub(super) const ALL: &[Odd] = &[
    Odd { name: "in_a_function", run: in_a_function },
    Odd { name: "InAConstant", run: in_a_constant },
    Odd { name: "in_a_closure", run: in_a_closure },
    Odd { name: "among_other_names", run: among_other_names },
];
