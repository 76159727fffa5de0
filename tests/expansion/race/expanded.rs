// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Offer;
impl Offer {
    /// The money has come.
    const PAID: Signal<Self, Charge> = Signal::new("paid");
    /// The customer has thought again.
    const WITHDRAWN: Signal<Self, String> = Signal::new("withdrawn");
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let price = self.price(&order).await?;
        match cx.wait((Self::PAID, Self::WITHDRAWN)).forever().await {
            OneOf2::First(charge) => Ok(charge.0),
            OneOf2::Second(why) => Ok(price + why.len() as u64),
        }
    }
    #[allow(clippy::unused_async)]
    async fn price(&self, order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(order.lines.len() as u64)
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
    impl __rt::Saga for Offer {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "offer",
            version: 1,
            deadline: __rt::None,
            steps: {
                use __def::*;
                &[
                    Step {
                        name: "price",
                        class: Class::ReadOnly,
                        parameters: &["order"],
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
                                fingerprint: "ed5816dff298af7f",
                            },
                            State {
                                name: "paid-or-withdrawn",
                                work: Work::Wait(&[0, 1]),
                                live: &[1],
                                fingerprint: "66dbcc0156863c5a",
                            },
                        ],
                        slots: &["order", "price"],
                        nodes: &[
                            Node::Start,
                            Node::Call(0),
                            Node::Unwinds,
                            Node::Call(1),
                            Node::Branch(
                                "cx.wait((Self::PAID, Self::WITHDRAWN)).forever().await",
                            ),
                            Node::Completed,
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::refused(1, 2, "refused"),
                            Edge::next(1, 3, ""),
                            Edge::next(3, 4, ""),
                            Edge::next(4, 5, "OneOf2::First(charge)"),
                            Edge::next(4, 5, "OneOf2::Second(why)"),
                        ],
                    },
                ]
            },
            signals: {
                use __def::*;
                &[
                    Signal {
                        name: "paid",
                        docs: "The money has come.",
                    },
                    Signal {
                        name: "withdrawn",
                        docs: "The customer has thought again.",
                    },
                ]
            },
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
            let _ = Self::PAID;
            let _ = Self::WITHDRAWN;
            __rt::a_signal_is_saved::<Charge>();
            __rt::a_signal_is_saved::<String>();
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
                        let order = __arguments
                            .get("order", &__rt::Savable::<Order>::codec())?;
                        __rt::Ok(
                            __rt::StepReturns::<u64, Failure<Refused>>::returning()
                                .attempted(self.price(&order).await, "price"),
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
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Offer {
        async fn machine(
            &self,
            cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
            /// The locals that live across an await.
            struct __Slots<T0, T1> {
                order: __rt::Slot<T0>,
                price: __rt::Slot<T1>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                AfterPrice,
                AfterPaidOrWithdrawn,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(0) => (__Block::AfterPrice, &[]),
                __rt::Some(_) => (__Block::AfterPaidOrWithdrawn, &[1]),
            };
            let mut __slots = __Slots {
                order: __drive.slot::<Order>(0, "order", __live.contains(&0)),
                price: __drive.slot(1, "price", __live.contains(&1)),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut [&mut __slots.order, &mut __slots.price]);
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        let order = __slots.order.take();
                        __drive.begin(0, &[]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_price(&order);
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
                        __drive
                            .begin_wait(
                                1,
                                &[1],
                                cx.wait((Self::PAID, Self::WITHDRAWN)).forever(),
                            );
                        __slots.price.put(price);
                        break 'arm __Block::AfterPaidOrWithdrawn;
                    }
                    __Block::AfterPaidOrWithdrawn => 'arm: {
                        let price = __slots.price.take();
                        let __answer = (
                            __drive
                                .answer(
                                    &__rt::ReceivedInTheEnd((Self::PAID, Self::WITHDRAWN)),
                                ),
                        );
                        match ('__answer: { break '__answer __answer.0 }) {
                            OneOf2::First(charge) => {
                                return Ok(charge.0);
                            }
                            OneOf2::Second(why) => {
                                return Ok(price + why.len() as u64);
                            }
                        }
                    }
                    __Block::Open => {
                        __rt::goes_on_on_any_thread::<Order>();
                        __rt::open_input::<Self>(&mut __slots.order);
                        __rt::Known(&mut __slots.price).open();
                        __entry
                    }
                };
            }
        }
    }
    #[automatically_derived]
    impl __Calls<'_, '_, Offer> {
        fn __ask_price(self, order: &Order) {
            self.0
                .argument(
                    "order",
                    order,
                    __rt::Savable::<Order>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
    }
};
