// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Holiday;
impl Holiday {
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let ticket = cx.child::<Ticket>(order.clone()).pivot().forever().await?;
        let album = cx
            .child::<Album>(order)
            .until(cx.now() + std::time::Duration::from_secs(60))
            .await;
        Ok(ticket + album.unwrap_or(0))
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
    #[automatically_derived]
    impl __rt::Saga for Holiday {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "holiday",
            version: 1,
            deadline: __rt::None,
            steps: &[],
            flows: {
                use __def::*;
                &[
                    Flow {
                        name: "run",
                        docs: "",
                        parameters: &["order"],
                        states: &[
                            State {
                                name: "ticket",
                                work: Work::Child(0),
                                live: &[0],
                                fingerprint: "67517f6622c09930",
                            },
                            State {
                                name: "album",
                                work: Work::Child(1),
                                live: &[1],
                                fingerprint: "3891ebb1bf148c05",
                            },
                        ],
                        slots: &["order", "ticket"],
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
            children: &[
                __def::Child {
                    definition: <Ticket as __rt::Saga>::definition,
                    kind: __def::ChildKind::Pivot,
                },
                __def::Child {
                    definition: <Album as __rt::Saga>::definition,
                    kind: __def::ChildKind::Retriable,
                },
            ],
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
            __rt::Box::pin(<Self as __rt::Flow<0, _>>::machine(self, __cx, __drive))
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Holiday {
        async fn machine(
            &self,
            cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
            /// The locals that live across an await.
            struct __Slots<T0, T1> {
                order: __rt::Slot<T0>,
                ticket: __rt::Slot<T1>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                AfterTicket,
                AfterAlbum,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(0) => (__Block::AfterTicket, &[0]),
                __rt::Some(_) => (__Block::AfterAlbum, &[1]),
            };
            let mut __slots = __Slots {
                order: __drive.slot::<Order>(0, "order", __live.contains(&0)),
                ticket: __drive.slot(1, "ticket", __live.contains(&1)),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut [&mut __slots.order, &mut __slots.ticket]);
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        let order = __slots.order.take();
                        __drive
                            .begin_child(
                                0,
                                &[0],
                                cx.child::<Ticket>(order.clone()).pivot().forever(),
                                __rt::Some("order"),
                            );
                        __slots.order.keep(order);
                        break 'arm __Block::AfterTicket;
                    }
                    __Block::AfterTicket => 'arm: {
                        let order = __slots.order.take();
                        let __answer = (
                            __drive.answer(&__rt::a_child_returns::<Ticket>()),
                        );
                        let ticket = ('__answer: { break '__answer __answer.0 })?;
                        __drive
                            .begin_child(
                                1,
                                &[1],
                                cx
                                    .child::<Album>(order)
                                    .until(cx.now() + std::time::Duration::from_secs(60)),
                                __rt::None,
                            );
                        __slots.ticket.put(ticket);
                        break 'arm __Block::AfterAlbum;
                    }
                    __Block::AfterAlbum => 'arm: {
                        let ticket = __slots.ticket.take();
                        let __answer = (
                            __drive.answer(&__rt::a_child_returns::<Album>()),
                        );
                        let album = ('__answer: { break '__answer __answer.0 });
                        return Ok(ticket + album.unwrap_or(0));
                    }
                    __Block::Open => {
                        __rt::goes_on_on_any_thread::<Order>();
                        __rt::open_input::<Self>(&mut __slots.order);
                        __rt::Across::new(&mut __slots.ticket).open();
                        __entry
                    }
                };
            }
        }
    }
};
struct Ticket;
impl Ticket {
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        Ok(self.buy(cx, &order.lines[0]).await?.0)
    }
    #[allow(clippy::unused_async)]
    async fn buy(
        &self,
        cx: &StepContext,
        line: &str,
    ) -> Result<Charge, Failure<Refused>> {
        println!("{}: {line}", cx.key());
        Ok(Charge(1))
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
    impl __rt::Saga for Ticket {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "ticket",
            version: 1,
            deadline: __rt::None,
            steps: {
                use __def::*;
                &[
                    Step {
                        name: "buy",
                        class: Class::Pivot,
                        parameters: &["line"],
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
                                name: "buy",
                                work: Work::Step(0),
                                live: &[],
                                fingerprint: "32f38aadcb5fb984",
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
            let _ = Self::buy;
            __rt::a_value_is_saved::<Charge>();
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
                            __rt::StepReturns::<Charge, Failure<Refused>>::returning()
                                .attempted(self.buy(&__cx, &line).await, "buy"),
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
                    __rt::StepReturns::<Charge, Failure<Refused>>::returning()
                        .check_output(__output)
                }
                _ => __rt::no_such_output(__step),
            }
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Ticket {
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
                AfterBuy,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterBuy, &[]),
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
                            .__ask_buy(cx, &order.lines[0]);
                        break 'arm __Block::AfterBuy;
                    }
                    __Block::AfterBuy => 'arm: {
                        let __answer: (Result<Charge, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<Charge, Failure<Refused>>::returning(),
                                ),
                        );
                        return Ok(('__answer: { break '__answer __answer.0 })?.0);
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
    impl __Calls<'_, '_, Ticket> {
        fn __ask_buy(self, cx: &StepContext, line: &str) {
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
struct Album;
impl Album {
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        cx.sleep("7d").await;
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
    #[automatically_derived]
    impl __rt::Saga for Album {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "album",
            version: 1,
            deadline: __rt::None,
            steps: &[],
            flows: {
                use __def::*;
                &[
                    Flow {
                        name: "run",
                        docs: "",
                        parameters: &["order"],
                        states: &[
                            State {
                                name: "sleep",
                                work: Work::Sleep,
                                live: &[0],
                                fingerprint: "9330a46f51ca8dd2",
                            },
                        ],
                        slots: &["order"],
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
            __rt::Box::pin(<Self as __rt::Flow<0, _>>::machine(self, __cx, __drive))
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Album {
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
                AfterSleep,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterSleep, &[0]),
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
                        __drive.begin_wait(0, &[0], cx.sleep("7d"));
                        break 'arm __Block::AfterSleep;
                    }
                    __Block::AfterSleep => 'arm: {
                        let order = __slots.order.take();
                        let __answer = (__drive.answer(&__rt::Slept),);
                        ('__answer: { break '__answer __answer.0 });
                        return Ok(order.lines.len() as u64);
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
};
