// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Travel;
impl Travel {
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let (seat, room) = join!(
            self.seat(cx, & order.lines), self.reserve(cx, "a room")
        )
            .await?;
        Ok(seat + room.0)
    }
    #[allow(clippy::unused_async)]
    async fn seat(
        &self,
        cx: &FlowContext,
        lines: &[String],
    ) -> Result<u64, Unwind<Refused>> {
        let hold = self.reserve(cx, &lines[0]).await?;
        cx.sleep("10m").await;
        Ok(hold.0)
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
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        println!("{:?}", cx.undoes());
        Ok(())
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
    impl __rt::Saga for Travel {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "travel",
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
                                name: "seat-and-reserve",
                                work: Work::Join(&[Branch::Flow(1), Branch::Step(0)]),
                                live: &[],
                                fingerprint: "680304fc6ddf1854",
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
                    Flow {
                        name: "seat",
                        docs: "",
                        parameters: &["lines"],
                        states: &[
                            State {
                                name: "reserve",
                                work: Work::Step(0),
                                live: &[],
                                fingerprint: "3d1cc8d8aaf38b84",
                            },
                            State {
                                name: "sleep",
                                work: Work::Sleep,
                                live: &[1],
                                fingerprint: "cdd54d642b229873",
                            },
                        ],
                        slots: &["lines", "hold"],
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
            let _ = Self::seat;
            let _ = Self::reserve;
            let _ = Self::release;
            let _ = Self::reserve;
            __rt::a_value_is_saved::<Hold>();
            __rt::an_argument_is_saved::<::std::vec::Vec<String>>();
            __rt::an_argument_is_saved::<::std::string::String>();
            __rt::Box::pin(<Self as __rt::Flow<0, _>>::machine(self, __cx, __drive))
        }
        fn __inner<'__saga>(
            &'__saga self,
            __flow: usize,
            __cx: __rt::FlowContext,
            __drive: __rt::Drive<'__saga>,
        ) -> __rt::Executing<'__saga, __rt::Ended> {
            match __flow {
                1 => {
                    __rt::FlowReturns::<u64, Refused>::returning()
                        .ended(
                            "seat",
                            <Self as __rt::Flow<1, _>>::machine(self, __cx, __drive),
                        )
                }
                _ => __rt::no_such_flow(__flow),
            }
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
                        __rt::Ok(
                            <Result<
                                (),
                                Transient,
                            > as __rt::CompensationResult>::into_attempted(
                                self.release(&__cx).await,
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
                _ => __rt::no_such_output(__step),
            }
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Travel {
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
                AfterSeatAndReserve,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterSeatAndReserve, &[]),
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
                        __drive.begin_join(0, &[], __rt::None);
                        __drive.branch();
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_seat(cx, &order.lines);
                        __drive.branch();
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_reserve(cx, "a room");
                        break 'arm __Block::AfterSeatAndReserve;
                    }
                    __Block::AfterSeatAndReserve => 'arm: {
                        let __answer = (
                            __drive
                                .answer(
                                    &__rt::Joined((
                                        __rt::FlowReturns::<u64, Refused>::returning(),
                                        __rt::StepReturns::<Hold, Failure<Refused>>::returning(),
                                    )),
                                ),
                        );
                        let (seat, room) = ('__answer: { break '__answer __answer.0 })?;
                        return Ok(seat + room.0);
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
    impl __rt::Flow<1, Result<u64, Unwind<Refused>>> for Travel {
        async fn machine(
            &self,
            cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
            /// The locals that live across an await.
            struct __Slots<T0, T1> {
                lines: __rt::Slot<T0>,
                hold: __rt::Slot<T1>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                AfterReserve,
                AfterSleep,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(0) => (__Block::AfterReserve, &[]),
                __rt::Some(_) => (__Block::AfterSleep, &[1]),
            };
            let mut __slots = __Slots {
                lines: __drive
                    .slot::<::std::vec::Vec<String>>(0, "lines", __live.contains(&0)),
                hold: __drive.slot(1, "hold", __live.contains(&1)),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut [&mut __slots.lines, &mut __slots.hold]);
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        let __owned_lines = __slots.lines.take();
                        let lines: &[String] = &__owned_lines;
                        __drive.begin(0, &[]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_reserve(cx, &lines[0]);
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
                        __drive.begin_wait(1, &[1], cx.sleep("10m"));
                        __slots.hold.put(hold);
                        break 'arm __Block::AfterSleep;
                    }
                    __Block::AfterSleep => 'arm: {
                        let hold = __slots.hold.take();
                        let __answer = (__drive.answer(&__rt::Slept),);
                        ('__answer: { break '__answer __answer.0 });
                        return Ok(hold.0);
                    }
                    __Block::Open => {
                        __rt::Known(&mut __slots.lines).open();
                        __rt::Known(&mut __slots.hold).open();
                        __entry
                    }
                };
            }
        }
    }
    #[automatically_derived]
    impl __Calls<'_, '_, Travel> {
        fn __ask_reserve(self, cx: &StepContext, line: &str) {
            self.0
                .argument(
                    "line",
                    line,
                    __rt::Savable::<str>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
        fn __ask_seat(self, cx: &FlowContext, lines: &[String]) {
            self.0
                .argument(
                    "lines",
                    lines,
                    __rt::Savable::<[String]>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
    }
};
