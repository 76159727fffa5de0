// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
type Flowing<T> = Result<T, Unwind<Refused>>;
type Stepping<T> = Result<T, Failure<Refused>>;
type Undoing = Result<(), Transient>;
struct Aliased;
impl Aliased {
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Flowing<u64> {
        let hold = self.reserve(cx, &order.lines[0]).await?;
        self.part(cx, hold).await
    }
    #[allow(clippy::unused_async)]
    async fn part(&self, cx: &FlowContext, hold: Hold) -> Flowing<u64> {
        cx.sleep("1m").await;
        Ok(hold.0)
    }
    #[allow(clippy::unused_async)]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Stepping<Hold> {
        println!("{}: {line}", cx.key());
        Ok(Hold(1))
    }
    #[allow(clippy::unused_async)]
    async fn release(&self, cx: &StepContext) -> Undoing {
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
    impl __rt::Saga for Aliased {
        type Input = Order;
        type Output = <Flowing<u64> as __rt::FlowResult>::Output;
        type Refusal = <Flowing<u64> as __rt::FlowResult>::Refusal;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "aliased",
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
                                name: "reserve",
                                work: Work::Step(0),
                                live: &[],
                                fingerprint: "3d1cc8d8aaf38b84",
                            },
                            State {
                                name: "part",
                                work: Work::Flow(1),
                                live: &[],
                                fingerprint: "4d7598a614f6fb88",
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
                            Edge::next(3, 4, ""),
                        ],
                    },
                    Flow {
                        name: "part",
                        docs: "",
                        parameters: &["hold"],
                        states: &[
                            State {
                                name: "sleep",
                                work: Work::Sleep,
                                live: &[0],
                                fingerprint: "cdd54d642b229873",
                            },
                        ],
                        slots: &["hold"],
                        nodes: &[Node::Start, Node::Call(0), Node::Completed],
                        edges: &[Edge::next(0, 1, ""), Edge::next(1, 2, "")],
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
            let _ = Self::part;
            let _ = Self::reserve;
            let _ = Self::release;
            let _ = Self::reserve;
            __rt::an_argument_is_saved::<Hold>();
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
                    __rt::a_flow_returns_this::<Flowing<u64>>()
                        .ended(
                            "part",
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
                            __rt::a_step_returns_this::<Stepping<Hold>>()
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
                            <Undoing as __rt::CompensationResult>::into_attempted(
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
                0 => __rt::a_step_returns_this::<Stepping<Hold>>().check_output(__output),
                _ => __rt::no_such_output(__step),
            }
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Flowing<u64>> for Aliased {
        async fn machine(
            &self,
            cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Flowing<u64> {
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
                AfterPart,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(0) => (__Block::AfterReserve, &[]),
                __rt::Some(_) => (__Block::AfterPart, &[]),
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
                        let __answer: (Stepping<Hold>,) = (
                            __drive
                                .answer(&__rt::a_step_returns_this::<Stepping<Hold>>()),
                        );
                        let hold = ('__answer: { break '__answer __answer.0 })?;
                        __drive.begin(1, &[]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_part(cx, hold);
                        break 'arm __Block::AfterPart;
                    }
                    __Block::AfterPart => 'arm: {
                        let __answer: (Flowing<u64>,) = (
                            __drive.answer(&__rt::a_flow_returns_this::<Flowing<u64>>()),
                        );
                        return ('__answer: { break '__answer __answer.0 });
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
    impl __rt::Flow<1, Flowing<u64>> for Aliased {
        async fn machine(
            &self,
            cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Flowing<u64> {
            /// The locals that live across an await.
            struct __Slots<T0> {
                hold: __rt::Slot<T0>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                AfterSleep,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterSleep, &[0]),
            };
            let mut __slots = __Slots {
                hold: __drive.slot::<Hold>(0, "hold", __live.contains(&0)),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut [&mut __slots.hold]);
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        __drive.begin_wait(0, &[0], cx.sleep("1m"));
                        break 'arm __Block::AfterSleep;
                    }
                    __Block::AfterSleep => 'arm: {
                        let hold = __slots.hold.take();
                        let __answer = (__drive.answer(&__rt::Slept),);
                        ('__answer: { break '__answer __answer.0 });
                        return Ok(hold.0);
                    }
                    __Block::Open => {
                        __rt::Known(&mut __slots.hold).open();
                        __entry
                    }
                };
            }
        }
    }
    #[automatically_derived]
    impl __Calls<'_, '_, Aliased> {
        fn __ask_reserve(self, cx: &StepContext, line: &str) {
            self.0
                .argument(
                    "line",
                    line,
                    __rt::Savable::<str>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
        fn __ask_part(self, cx: &FlowContext, hold: Hold) {
            self.0
                .argument(
                    "hold",
                    &hold,
                    __rt::Savable::<Hold>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
    }
};
