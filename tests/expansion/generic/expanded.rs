// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
trait Prices: Send + Sync + 'static {
    fn of(&self, line: &str) -> u64;
}
struct Priced<P> {
    prices: P,
}
impl<P: Prices> Priced<P> {
    #[allow(clippy::unused_async)]
    async fn run(
        &self,
        _cx: &FlowContext,
        order: Order,
    ) -> Result<u64, Unwind<Refused>> {
        let price = self.price(&order.lines[0]).await?;
        Ok(price)
    }
    #[allow(clippy::unused_async)]
    async fn price(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(self.prices.of(line))
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
    impl<P: Prices> __rt::Saga for Priced<P> {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "priced",
            version: 1,
            deadline: __rt::None,
            steps: {
                use __def::*;
                &[
                    Step {
                        name: "price",
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
                                name: "price",
                                work: Work::Step(0),
                                live: &[],
                                fingerprint: "52717e9a565b3dcb",
                            },
                        ],
                        slots: &["order"],
                        nodes: &[
                            Node::Start,
                            Node::Call(0),
                            Node::Unwinds,
                            Node::Completed,
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::refused(1, 2, "refused"),
                            Edge::next(1, 3, ""),
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
            let _ = Self::price;
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
                                .attempted(self.price(&line).await, "price"),
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
    impl<P: Prices> __rt::Flow<0, Result<u64, Unwind<Refused>>> for Priced<P> {
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
                AfterPrice,
            }
            let _cx = &_cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterPrice, &[]),
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
                        __drive.begin(0, &[]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_price(&order.lines[0]);
                        break 'arm __Block::AfterPrice;
                    }
                    __Block::AfterPrice => 'arm: {
                        let __answer: (Result<u64, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<u64, Failure<Refused>>::returning(),
                                ),
                        );
                        let price = ('__answer: { break '__answer __answer.0 })?;
                        return Ok(price);
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
    impl<P: Prices> __Calls<'_, '_, Priced<P>> {
        fn __ask_price(self, line: &str) {
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
