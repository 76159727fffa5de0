// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Collected;
impl Collected {
    #[allow(clippy::unused_async)]
    async fn run(
        &self,
        _cx: &FlowContext,
        order: Order,
    ) -> Result<u64, Unwind<Refused>> {
        let mut sum = 0;
        for (at, line) in order.lines.into_iter().enumerate() {
            let length = self.look(&line).await?;
            sum += length * at as u64;
        }
        Ok(sum)
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
    impl __rt::Saga for Collected {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "collected",
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
                                live: &[1, 2, 3, 4],
                                fingerprint: "80d09b458d27dea4",
                            },
                        ],
                        slots: &["order", "sum", "at", "(each at)", "(at)"],
                        nodes: &[
                            Node::Start,
                            Node::Loop(
                                "for (at, line) in order.lines.into_iter().enumerate()",
                            ),
                            Node::Call(0),
                            Node::Unwinds,
                            Node::Completed,
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::next(1, 2, "each"),
                            Edge::refused(2, 3, "refused"),
                            Edge::back(2, 1, ""),
                            Edge::next(1, 4, "done"),
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
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Collected {
        async fn machine(
            &self,
            _cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
            /// The locals that live across an await.
            struct __Slots<T0, T1, T2, T3, T4> {
                order: __rt::Slot<T0>,
                sum: __rt::Slot<T1>,
                at: __rt::Slot<T2>,
                each_at: __rt::Slot<T3>,
                at2: __rt::Slot<T4>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                EachAt,
                AfterLook,
                AfterEachAt,
            }
            let _cx = &_cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterLook, &[1, 2, 3, 4]),
            };
            let mut __slots = __Slots {
                order: __drive.slot::<Order>(0, "order", __live.contains(&0)),
                sum: __drive.slot(1, "sum", __live.contains(&1)),
                at: __drive.slot(2, "at", __live.contains(&2)),
                each_at: __drive.slot(3, "(each at)", __live.contains(&3)),
                at2: __drive.slot(4, "(at)", __live.contains(&4)),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive
                    .save(
                        &mut [
                            &mut __slots.order,
                            &mut __slots.sum,
                            &mut __slots.at,
                            &mut __slots.each_at,
                            &mut __slots.at2,
                        ],
                    );
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        let order = __slots.order.take();
                        let mut sum = 0;
                        let __items_each_at = __rt::Collect(
                                order.lines.into_iter().enumerate(),
                            )
                            .collect();
                        let mut __at = 0_usize;
                        __slots.sum.put(sum);
                        __slots.each_at.put(__items_each_at);
                        __slots.at2.put(__at);
                        break 'arm __Block::EachAt;
                    }
                    __Block::EachAt => 'arm: {
                        let __items_each_at = __slots.each_at.take();
                        let mut __at = __slots.at2.take();
                        let __rt::Some((at, line)) = __rt::Turn(&__items_each_at, __at)
                            .item() else {
                            break 'arm __Block::AfterEachAt;
                        };
                        __at += 1;
                        __drive.begin(0, &[1, 2, 3, 4]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_look(&line);
                        __slots.at.put(at);
                        __slots.each_at.keep(__items_each_at);
                        __slots.at2.put(__at);
                        break 'arm __Block::AfterLook;
                    }
                    __Block::AfterLook => 'arm: {
                        let mut sum = __slots.sum.take();
                        let at = __slots.at.take();
                        let __answer: (Result<u64, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<u64, Failure<Refused>>::returning(),
                                ),
                        );
                        let length = ('__answer: { break '__answer __answer.0 })?;
                        sum += length * at as u64;
                        __slots.sum.put(sum);
                        break 'arm __Block::EachAt;
                    }
                    __Block::AfterEachAt => 'arm: {
                        let mut sum = __slots.sum.take();
                        return Ok(sum);
                    }
                    __Block::Open => {
                        __rt::goes_on_on_any_thread::<Order>();
                        __rt::open_input::<Self>(&mut __slots.order);
                        __rt::Across::new(&mut __slots.sum).open();
                        __rt::Across::new(&mut __slots.at).open();
                        __rt::Across::new(&mut __slots.each_at).open();
                        __rt::Across::new(&mut __slots.at2).open();
                        __entry
                    }
                };
            }
        }
    }
    #[automatically_derived]
    impl __Calls<'_, '_, Collected> {
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
