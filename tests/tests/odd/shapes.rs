//! Shapes of sagas: orders of methods, several in one module, made by macros, in functions and constants.

#![expect(clippy::needless_arbitrary_self_type, reason = "that is what is odd here")]

use super::{No, act, odd};
use saga_runtime::prelude::*;
use saga_tests::memory::World;

odd! {
    StepsAroundTheFlow: StepsAroundTheFlow, on 1, 0;
    madebymacros::ByAMacro: madebymacros::ByAMacro, on 2;
    madebymacros::ByTheSameMacro: madebymacros::ByTheSameMacro, on 2;
    OfAnAlias: OfAnAlias, on 1;
    WithoutSteps: |_| WithoutSteps, on 1;
    OneNameInTwoModules: OneNameInTwoModules, on 1;
    other::OneNameInTwoModules: other::OneNameInTwoModules, on 1;
    other::inner::ByAPath: other::inner::ByAPath, on 3;
    SeveralBlocks: SeveralBlocks, on 3;
    ManyFields: |world| ManyFields { world, prefix: "p".into(), limits: [1, 2], unit: () }, on 1;
    AnEnum: |world| AnEnum::Full { world }, on 2;
    AGenericAlias: |world| -> AGenericAlias { Wrapper(world, "x") }, on 1;
    ManySteps: ManySteps, on 0;
}

/// Its methods stand in no order.
struct StepsAroundTheFlow(World);

#[saga]
impl StepsAroundTheFlow {
    #[compensate(first)]
    async fn undo_first(&self, cx: &StepContext, n: u32) -> Result<(), Transient> {
        let _ = (cx.undoes(), n);
        Ok(())
    }

    const LIMIT: u32 = Self::limit(2);

    #[step(retriable)]
    async fn last(&self, cx: &StepContext, n: u32) -> Result<u32, Transient> {
        let _ = cx.key();
        Ok(act(&self.0, "last", &n.to_string()).await.unwrap_or(0))
    }

    #[flow(inner)]
    async fn part(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let n = self.first(cx, n).await?;
        Ok(n + Self::LIMIT)
    }

    #[step(pivot)]
    async fn middle(&self, cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        if n == 2 { Err(No("two".into()).into()) } else { act(&self.0, "middle", &n.to_string()).await }
    }

    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let n = self.part(cx, n).await?;
        let n = self.middle(cx, n + Self::LIMIT).await?;
        let late = cx.wait(Self::LATE).within("1m").await.is_err();
        Ok(self.last(cx, n + u32::from(late)).await?)
    }

    #[signal]
    const LATE: Signal<Self, ()> = Signal::new("late");

    #[step]
    async fn first(&self, cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "first", &n.to_string()).await
    }

    const fn limit(n: u32) -> u32 {
        n - 1
    }
}

/// Sagas that a macro makes.
mod madebymacros {
    use super::{No, act};
    use saga_runtime::prelude::*;
    use saga_tests::memory::World;

    macro_rules! saga_of {
        ($(#[$attr:meta])* $vis:vis $name:ident, $step:ident, $text:literal, |$cx:ident, $input:ident: $type:ty| $value:expr) => {
            $(#[$attr])*
            $vis struct $name($vis World);

            #[saga(name = $text)]
            impl $name {
                /// The flow.
                ///
                /// # Errors
                /// If it is refused.
                #[flow]
                $vis async fn run(&self, $cx: &FlowContext, $input: $type) -> Result<$type, Unwind<No>> {
                    let value = $value;
                    let more = self.$step($cx, &value.to_string()).await?;
                    $cx.sleep("1s").await;
                    Ok(value + more)
                }

                /// A step.
                ///
                /// # Errors
                /// If it is refused.
                #[step(no_compensation = "a test", idempotent = "a test")]
                $vis async fn $step(&self, _cx: &StepContext, value: &str) -> Result<$type, Failure<No>> {
                    act(&self.0, stringify!($step), value).await
                }
            }
        };
    }

    saga_of! {
        /// Made by a macro.
        pub(super) ByAMacro, first, "by_a_macro", |context, input: u32| { let value = input; value + 1 }
    }
    saga_of! {
        /// Made by it as well.
        pub(super) ByTheSameMacro, second, "by_the_same_macro", |cx, value: u32| value * 2
    }
}

/// The name of a type that is meant.
struct Meant(World);

/// Another name.
type OfAnAlias = Meant;

#[expect(non_snake_case, reason = "it is made like a tuple")]
fn OfAnAlias(world: World) -> OfAnAlias {
    Meant(world)
}

#[saga(name = "of_an_alias")]
impl OfAnAlias {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        Ok(self.act(cx, n).await?)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "act", &n.to_string()).await
    }
}

/// Nothing but time passes.
struct WithoutSteps;

#[saga]
impl WithoutSteps {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<(), Unwind<No>> {
        for _ in 0..=n {
            cx.sleep("1h").await;
        }
        Ok(())
    }
}

/// There is another one of this name.
struct OneNameInTwoModules(World);

#[saga(name = "one_name_here")]
impl OneNameInTwoModules {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        Ok(self.act(cx, n).await?)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "here", &n.to_string()).await
    }
}

/// Another module.
mod other {
    use super::act;
    use crate::No;
    use runtime::{Failure as Answered, FlowContext, StepContext, Unwind as Ended};
    use saga_runtime as runtime;
    use saga_tests::memory::World;

    /// Everything has another name here.
    pub(super) struct OneNameInTwoModules(pub(super) World);

    #[runtime::saga(name = "one_name_there", crate = runtime)]
    impl OneNameInTwoModules {
        #[flow]
        pub(super) async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Ended<No>> {
            Ok(self.act(cx, n).await?)
        }

        #[step(no_compensation = "a test", idempotent = "a test")]
        async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Answered<No>> {
            act(&self.0, "there", &n.to_string()).await
        }
    }

    pub(super) mod inner {
        /// Everything is named by its path.
        pub(in super::super) struct ByAPath(pub(in super::super) saga_tests::memory::World);

        #[::saga_runtime::saga(name = "by_a_path")]
        impl ByAPath {
            #[::saga_runtime::flow]
            pub(in super::super) async fn run(
                self: &Self,
                cx: &::saga_runtime::FlowContext,
                n: ::std::primitive::u32,
            ) -> ::core::result::Result<u32, ::saga_runtime::Unwind<crate::No>> {
                ::core::result::Result::Ok(self.act(cx, n).await?)
            }

            #[::saga_runtime::step(no_compensation = "a test", idempotent = "a test")]
            async fn act(
                &self,
                _cx: &::saga_runtime::StepContext,
                n: u32,
            ) -> ::std::result::Result<u32, ::saga_runtime::Failure<crate::No>> {
                crate::act(&self.0, "by a path", &n.to_string()).await
            }
        }
    }
}

/// Its methods stand in several blocks.
struct SeveralBlocks(World);

impl SeveralBlocks {
    fn before(&self) -> u32 {
        let _ = &self.0;
        Self::BETWEEN
    }
}

#[saga]
impl SeveralBlocks {
    const BETWEEN: u32 = 4;

    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let m = self.act(cx, self.before() + self.after(n)).await?;
        Ok(m + self.before())
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "act", &self.after(n).to_string()).await
    }
}

impl SeveralBlocks {
    fn after(&self, n: u32) -> u32 {
        self.before() * n
    }
}

/// With fields of all sorts.
struct ManyFields {
    world: World,
    prefix: String,
    limits: [u32; 2],
    unit: (),
}

#[saga]
impl ManyFields {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let Self { prefix, limits: [least, most], unit: (), .. } = self;
        let least = (*least).max(n);
        let text = format!("{prefix}{most}");
        let m = self.act(cx, &text).await?;
        let &Self { limits: [first, ..], ref prefix, .. } = self;
        #[state("again")]
        self.act(cx, prefix).await?;
        Ok(m + least + first)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.world, "act", what).await
    }
}

/// A saga that is an enum.
enum AnEnum {
    Full {
        world: World,
    },
    #[expect(dead_code, reason = "it is the other one")]
    Empty,
}

#[saga]
impl AnEnum {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        match self {
            Self::Full { .. } => Ok(self.act(cx, n).await? + n),
            Self::Empty => Err(No("empty".into()).into()),
        }
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        let Self::Full { world } = self else { return Ok(0) };
        act(world, "act", &n.to_string()).await
    }
}

/// A wrapper of something.
struct Wrapper<T>(World, T);

/// The wrapper of a text.
type AGenericAlias = Wrapper<&'static str>;

#[saga(name = "wrapper")]
impl Wrapper<&'static str> {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let text = self.1;
        Ok(self.act(cx, text).await? + n)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, self.1, what).await
    }
}

/// A saga with as many steps as letters.
struct ManySteps(World);

/// Steps that are alike, beside a flow that calls each.
macro_rules! many {
    ($($step:ident)*) => {
        #[saga]
        impl ManySteps {
            #[flow]
            async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
                let mut sum = n;
                $(sum += self.$step(cx, sum).await?;)*
                Ok(sum)
            }

            $(
                #[step(no_compensation = "a test", idempotent = "a test")]
                async fn $step(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
                    act(&self.0, stringify!($step), &n.to_string()).await
                }
            )*
        }
    };
}

many!(a b c d e f g h i j k l m n o p q r s t u v w x y z);
