// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct WithItems;
impl WithItems {
    #[allow(clippy::unused_async)]
    async fn run(
        &self,
        _cx: &FlowContext,
        order: Order,
    ) -> Result<u64, Unwind<Refused>> {
        const MOST: u64 = 9;
        fn half(n: u64) -> u64 {
            n / 2
        }
        {
            use std::cmp::min;
            let length = self.look(&order.lines[0]).await?;
            println!("{}", min(length, MOST));
        }
        let length = self.look(&order.lines[0]).await?;
        Ok(half(length))
    }
    #[allow(clippy::unused_async)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
#[allow(
    warnings,
    unused,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    unfulfilled_lint_expectations,
    non_shorthand_field_patterns,
    deprecated
)]
const _: () = {
    use ::saga_runtime::{definition as __def, machine as __rt};
    use __rt::{Told as _, ToldOfReturns as _, ToldOfSlot as _};
    /// Asks for a call of a step or an inner flow, with a method of the same parameters.
    struct __Calls<'c, 'e, S: ?__rt::Sized>(
        &'c mut __rt::Drive<'e>,
        &'c [__rt::Option<&'static str>],
        __rt::PhantomData<fn(&S)>,
    );
    #[automatically_derived]
    impl __rt::Saga for WithItems {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "with_items",
            version: 1,
            deadline: __rt::None,
            steps: {
                use __def::*;
                &[
                    Step {
                        name: "look",
                        class: Class::ReadOnly,
                        parameters: &["line"],
                        ..Step::PLAIN
                    },
                ]
            },
            flows: {
                use __def::*;
                &[
                    Flow {
                        name: "run",
                        docs: "",
                        parameters: &["order"],
                        states: &[
                            State {
                                name: "look",
                                work: Work::Step(0),
                                live: &[0],
                                fingerprint: "d1edfae7851a430a",
                            },
                            State {
                                name: "again",
                                work: Work::Step(0),
                                live: &[],
                                fingerprint: "182668e33d0c029f",
                            },
                        ],
                        slots: &["order"],
                        nodes: &[
                            Node::Start,
                            Node::Call(0),
                            Node::Unwinds,
                            Node::Call(1),
                            Node::Completed,
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::refused(1, 2, "refused"),
                            Edge::next(1, 3, ""),
                            Edge::refused(3, 2, "refused"),
                            Edge::next(3, 4, ""),
                        ],
                    },
                ]
            },
            signals: &[],
            children: &[],
        };
        fn __flow<'__saga>(
            &'__saga self,
            __cx: __rt::FlowContext,
            __drive: __rt::Drive<'__saga>,
        ) -> __rt::Executing<
            '__saga,
            __rt::Result<Self::Output, __rt::Unwind<Self::Refusal>>,
        > {
            let _ = Self::run;
            let _ = Self::look;
            __rt::an_argument_is_saved::<::std::string::String>();
            __rt::Box::pin(<Self as __rt::Flow<0, _>>::machine(self, __cx, __drive))
        }
        fn __step<'__saga>(
            &'__saga self,
            __step: usize,
            __cx: __rt::StepContext,
            __arguments: &'__saga __rt::Arguments,
        ) -> __rt::Attempt<'__saga> {
            match __step {
                0 => {
                    __rt::attempt_on_any_thread(async move {
                        let line = __arguments
                            .get(
                                "line",
                                &__rt::Savable::<::std::string::String>::codec(),
                            )?;
                        __rt::Ok(
                            __rt::StepReturns::<u64, Failure<Refused>>::returning()
                                .attempted(self.look(&line).await, "look"),
                        )
                    })
                }
                _ => __rt::no_such_step(__step),
            }
        }
        fn __check_output(
            __step: usize,
            __output: &__rt::RawValue,
        ) -> __rt::Result<(), __rt::JsonError> {
            match __step {
                0 => {
                    __rt::StepReturns::<u64, Failure<Refused>>::returning()
                        .check_output(__output)
                }
                _ => __rt::no_such_output(__step),
            }
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for WithItems {
        async fn machine(
            &self,
            _cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
            /// The locals that live across an await.
            struct __Slots<T0> {
                order: __rt::Slot<T0>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                AfterLook,
                AfterBlock,
                AfterAgain,
            }
            const MOST: u64 = 9;
            fn half(n: u64) -> u64 {
                n / 2
            }
            let _cx = &_cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(0) => (__Block::AfterLook, &[0]),
                __rt::Some(_) => (__Block::AfterAgain, &[]),
            };
            let mut __slots = __Slots {
                order: __drive.slot::<Order>(0, "order", __live.contains(&0)),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut [&mut __slots.order]);
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        let order = __slots.order.take();
                        {
                            use std::cmp::min;
                            __drive.begin(0, &[0]);
                            __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                                .__ask_look(&order.lines[0]);
                            __slots.order.keep(order);
                            break 'arm __Block::AfterLook;
                        }
                    }
                    __Block::AfterLook => 'arm: {
                        use std::cmp::min;
                        {
                            let __answer: (Result<u64, Failure<Refused>>,) = (
                                __drive
                                    .answer(
                                        &__rt::StepReturns::<u64, Failure<Refused>>::returning(),
                                    ),
                            );
                            let length = ('__answer: { break '__answer __answer.0 })?;
                            println!("{}", min(length, MOST));
                            break 'arm __Block::AfterBlock;
                        }
                    }
                    __Block::AfterBlock => 'arm: {
                        let order = __slots.order.take();
                        __drive.begin(1, &[]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_look(&order.lines[0]);
                        break 'arm __Block::AfterAgain;
                    }
                    __Block::AfterAgain => 'arm: {
                        let __answer: (Result<u64, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<u64, Failure<Refused>>::returning(),
                                ),
                        );
                        let length = ('__answer: { break '__answer __answer.0 })?;
                        return Ok(half(length));
                    }
                    __Block::Open => {
                        __rt::goes_on_on_any_thread::<Order>();
                        __rt::open_input::<Self>(&mut __slots.order);
                        __entry
                    }
                };
            }
        }
    }
    #[automatically_derived]
    impl __Calls<'_, '_, WithItems> {
        fn __ask_look(self, line: &str) {
            self.0
                .argument(
                    "line",
                    line,
                    __rt::Savable::<str>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
    }
};
