// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Purchase;
impl Purchase {
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let hold = self.reserve(cx, &order.lines[0]).await?;
        let charge = self.charge(cx, hold.0).await?;
        let parcel = self.ship(cx, &charge).await?;
        Ok(parcel.0)
    }
    #[allow(clippy::unused_async)]
    async fn reserve(
        &self,
        cx: &StepContext,
        line: &str,
    ) -> Result<Hold, Failure<Refused>> {
        println!("{}: {line}", cx.key());
        Ok(Hold(1))
    }
    #[allow(clippy::unused_async)]
    async fn release(
        &self,
        cx: &StepContext,
        hold: Outcome<Hold>,
    ) -> Result<(), Transient> {
        println!("{:?}: {hold:?}", cx.undoes());
        Ok(())
    }
    #[allow(clippy::unused_async)]
    async fn charge(
        &self,
        cx: &StepContext,
        amount: u64,
    ) -> Result<Charge, Failure<Refused>> {
        println!("{}: {amount}", cx.key());
        Ok(Charge(amount))
    }
    #[allow(clippy::unused_async)]
    async fn ship(
        &self,
        cx: &StepContext,
        charge: &Charge,
    ) -> Result<Parcel, Transient> {
        println!("{}: {charge:?}", cx.key());
        Ok(Parcel(1))
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
    impl __rt::Saga for Purchase {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "purchase",
            version: 1,
            deadline: __rt::None,
            steps: {
                use __def::*;
                &[
                    Step {
                        name: "reserve",
                        class: Class::Compensatable,
                        compensation: __rt::Some(Compensation {
                            name: "release",
                            ..Compensation::PLAIN
                        }),
                        parameters: &["line"],
                        ..Step::PLAIN
                    },
                    Step {
                        name: "charge",
                        class: Class::Pivot,
                        parameters: &["amount"],
                        policy: Policy::PARKS,
                        ..Step::PLAIN
                    },
                    Step {
                        name: "ship",
                        class: Class::Retriable,
                        parameters: &["charge"],
                        policy: Policy::PARKS,
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
                                name: "reserve",
                                work: Work::Step(0),
                                live: &[],
                                fingerprint: "3d1cc8d8aaf38b84",
                            },
                            State {
                                name: "charge",
                                work: Work::Step(1),
                                live: &[],
                                fingerprint: "36d11404f3ccfcec",
                            },
                            State {
                                name: "ship",
                                work: Work::Step(2),
                                live: &[],
                                fingerprint: "1d6cfd5c22bd55c2",
                            },
                        ],
                        slots: &["order"],
                        nodes: &[
                            Node::Start,
                            Node::Call(0),
                            Node::Unwinds,
                            Node::Call(1),
                            Node::Call(2),
                            Node::Completed,
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::refused(1, 2, "refused"),
                            Edge::next(1, 3, ""),
                            Edge::refused(3, 2, "refused"),
                            Edge::next(3, 4, ""),
                            Edge::next(4, 5, ""),
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
            let _ = Self::reserve;
            let _ = Self::charge;
            let _ = Self::ship;
            let _ = Self::release;
            let _ = Self::reserve;
            __rt::a_value_is_saved::<Hold>();
            __rt::a_value_is_saved::<Charge>();
            __rt::a_value_is_saved::<Parcel>();
            __rt::an_argument_is_saved::<::std::string::String>();
            __rt::a_step_fails_with::<Transient>();
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
                            __rt::StepReturns::<Hold, Failure<Refused>>::returning()
                                .attempted(self.reserve(&__cx, &line).await, "reserve"),
                        )
                    })
                }
                1 => {
                    __rt::attempt_on_any_thread(async move {
                        let amount = __arguments
                            .get("amount", &__rt::Savable::<u64>::codec())?;
                        __rt::Ok(
                            __rt::StepReturns::<Charge, Failure<Refused>>::returning()
                                .attempted(self.charge(&__cx, amount).await, "charge"),
                        )
                    })
                }
                2 => {
                    __rt::attempt_on_any_thread(async move {
                        let charge = __arguments
                            .get("charge", &__rt::Savable::<Charge>::codec())?;
                        __rt::Ok(
                            __rt::StepReturns::<Parcel, Transient>::returning()
                                .attempted(self.ship(&__cx, &charge).await, "ship"),
                        )
                    })
                }
                _ => __rt::no_such_step(__step),
            }
        }
        fn __compensate<'__saga>(
            &'__saga self,
            __step: usize,
            __cx: __rt::StepContext,
            __arguments: &'__saga __rt::Arguments,
            __output: __rt::Option<&'__saga __rt::RawValue>,
        ) -> __rt::Attempt<'__saga> {
            match __step {
                0 => {
                    __rt::attempt_on_any_thread(async move {
                        let hold = __rt::outcome(
                            __output,
                            &__rt::Savable::<Hold>::codec(),
                        )?;
                        __rt::Ok(
                            <Result<
                                (),
                                Transient,
                            > as __rt::CompensationResult>::into_attempted(
                                self.release(&__cx, hold).await,
                            ),
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
                    __rt::StepReturns::<Hold, Failure<Refused>>::returning()
                        .check_output(__output)
                }
                1 => {
                    __rt::StepReturns::<Charge, Failure<Refused>>::returning()
                        .check_output(__output)
                }
                2 => {
                    __rt::StepReturns::<Parcel, Transient>::returning()
                        .check_output(__output)
                }
                _ => __rt::no_such_output(__step),
            }
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Purchase {
        async fn machine(
            &self,
            cx: __rt::FlowContext,
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
                AfterReserve,
                AfterCharge,
                AfterShip,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(0) => (__Block::AfterReserve, &[]),
                __rt::Some(1) => (__Block::AfterCharge, &[]),
                __rt::Some(_) => (__Block::AfterShip, &[]),
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
                            .__ask_reserve(cx, &order.lines[0]);
                        break 'arm __Block::AfterReserve;
                    }
                    __Block::AfterReserve => 'arm: {
                        let __answer: (Result<Hold, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<Hold, Failure<Refused>>::returning(),
                                ),
                        );
                        let hold = ('__answer: { break '__answer __answer.0 })?;
                        __drive.begin(1, &[]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_charge(cx, hold.0);
                        break 'arm __Block::AfterCharge;
                    }
                    __Block::AfterCharge => 'arm: {
                        let __answer: (Result<Charge, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<Charge, Failure<Refused>>::returning(),
                                ),
                        );
                        let charge = ('__answer: { break '__answer __answer.0 })?;
                        __drive.begin(2, &[]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_ship(cx, &charge);
                        break 'arm __Block::AfterShip;
                    }
                    __Block::AfterShip => 'arm: {
                        let __answer: (Result<Parcel, Transient>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<Parcel, Transient>::returning(),
                                ),
                        );
                        let parcel = ('__answer: { break '__answer __answer.0 })?;
                        return Ok(parcel.0);
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
    impl __Calls<'_, '_, Purchase> {
        fn __ask_reserve(self, cx: &StepContext, line: &str) {
            self.0
                .argument(
                    "line",
                    line,
                    __rt::Savable::<str>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
        fn __ask_charge(self, cx: &StepContext, amount: u64) {
            self.0
                .argument(
                    "amount",
                    &amount,
                    __rt::Savable::<u64>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
        fn __ask_ship(self, cx: &StepContext, charge: &Charge) {
            self.0
                .argument(
                    "charge",
                    charge,
                    __rt::Savable::<Charge>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
    }
};
