// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Outgoing;
impl Outgoing {
    /// The money has come.
    const PAID: Signal<Self, Charge> = Signal::new("paid");
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let survey = cx.launch::<Self>(order).await;
        match cx.send(&survey, Self::PAID, Charge(1)).await {
            Ok(()) => Ok(1),
            Err(_) => Ok(0),
        }
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
    impl __rt::Saga for Outgoing {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "outgoing",
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
                                name: "self",
                                work: Work::Child(0),
                                live: &[],
                                fingerprint: "7fced48142fa73fc",
                            },
                            State {
                                name: "send",
                                work: Work::Send,
                                live: &[],
                                fingerprint: "bc073ac7be9ac2ee",
                            },
                        ],
                        slots: &["order"],
                        nodes: &[
                            Node::Start,
                            Node::Call(0),
                            Node::Call(1),
                            Node::Branch(
                                "cx.send(&survey, Self::PAID, Charge(1)).await",
                            ),
                            Node::Completed,
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::next(1, 2, ""),
                            Edge::next(2, 3, ""),
                            Edge::next(3, 4, "Ok(())"),
                            Edge::next(3, 4, "Err(_)"),
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
                ]
            },
            children: &[
                __def::Child {
                    definition: <Self as __rt::Saga>::definition,
                    kind: __def::ChildKind::Launched,
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
            let _ = Self::PAID;
            __rt::a_signal_is_saved::<Charge>();
            __rt::Box::pin(<Self as __rt::Flow<0, _>>::machine(self, __cx, __drive))
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Outgoing {
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
                AfterSelf,
                AfterSend,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(0) => (__Block::AfterSelf, &[]),
                __rt::Some(_) => (__Block::AfterSend, &[]),
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
                            .begin_child(0, &[], cx.launch::<Self>(order), __rt::None);
                        break 'arm __Block::AfterSelf;
                    }
                    __Block::AfterSelf => 'arm: {
                        let __answer = (__drive.answer(&__rt::Launched),);
                        let survey = ('__answer: { break '__answer __answer.0 });
                        __drive
                            .begin_send(1, &[], cx.send(&survey, Self::PAID, Charge(1)));
                        break 'arm __Block::AfterSend;
                    }
                    __Block::AfterSend => 'arm: {
                        let __answer = (__drive.answer(&__rt::Sent),);
                        match ('__answer: { break '__answer __answer.0 }) {
                            Ok(()) => {
                                return Ok(1);
                            }
                            Err(_) => {
                                return Ok(0);
                            }
                        }
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
