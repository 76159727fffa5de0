// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct WithSurvey;
impl WithSurvey {
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let answer = cx.child::<Survey>(order.clone()).within("8d").await?;
        Ok(answer + order.lines.len() as u64)
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
    impl __rt::Saga for WithSurvey {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "with_survey",
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
                                name: "survey",
                                work: Work::Child(0),
                                live: &[0],
                                fingerprint: "97fc74645096f85e",
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
            children: &[
                __def::Child {
                    definition: <Survey as __rt::Saga>::definition,
                    kind: __def::ChildKind::Compensatable,
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
            const _: () = {
                ::core::assert!(
                    < Survey as __rt::Saga > ::DEFINITION.is_compensable(),
                    "child saga `Survey` cannot be undone as a whole (it has a pivot or a retriable step), but it is called where this saga can still unwind; help: make its completion the point of no return: `cx.child::<Survey>(..).pivot()`; or call it after the pivot"
                );
            };
            __rt::Box::pin(<Self as __rt::Flow<0, _>>::machine(self, __cx, __drive))
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for WithSurvey {
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
                AfterSurvey,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterSurvey, &[0]),
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
                        __drive
                            .begin_child(
                                0,
                                &[0],
                                cx.child::<Survey>(order.clone()).within("8d"),
                                __rt::Some("order"),
                            );
                        __slots.order.keep(order);
                        break 'arm __Block::AfterSurvey;
                    }
                    __Block::AfterSurvey => 'arm: {
                        let order = __slots.order.take();
                        let __answer = (
                            __drive.answer(&__rt::a_child_returns::<Survey>()),
                        );
                        let answer = ('__answer: { break '__answer __answer.0 })?;
                        return Ok(answer + order.lines.len() as u64);
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
struct Survey;
impl Survey {
    #[allow(clippy::unused_async)]
    async fn run(
        &self,
        cx: &FlowContext,
        _order: Order,
    ) -> Result<u64, Unwind<Refused>> {
        cx.sleep("7d").await;
        Ok(1)
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
    impl __rt::Saga for Survey {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "survey",
            version: 1,
            deadline: __rt::None,
            steps: &[],
            flows: {
                use __def::*;
                &[
                    Flow {
                        name: "run",
                        docs: "",
                        parameters: &["_order"],
                        states: &[
                            State {
                                name: "sleep",
                                work: Work::Sleep,
                                live: &[],
                                fingerprint: "89a8f47f7e102a47",
                            },
                        ],
                        slots: &[],
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
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Survey {
        async fn machine(
            &self,
            cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
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
                __rt::None => (__Block::Start, &[]),
                __rt::Some(_) => (__Block::AfterSleep, &[]),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut []);
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        __drive.begin_wait(0, &[], cx.sleep("7d"));
                        break 'arm __Block::AfterSleep;
                    }
                    __Block::AfterSleep => 'arm: {
                        let __answer = (__drive.answer(&__rt::Slept),);
                        ('__answer: { break '__answer __answer.0 });
                        return Ok(1);
                    }
                    __Block::Open => __entry,
                };
            }
        }
    }
};
