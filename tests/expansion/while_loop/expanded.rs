// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Thrifty;
impl Thrifty {
    #[allow(clippy::unused_async)]
    async fn run(
        &self,
        _cx: &FlowContext,
        order: Order,
    ) -> Result<u64, Unwind<Refused>> {
        let mut lines = order.lines;
        let mut spent = 0;
        while let Some(line) = lines.pop() {
            spent += self.look(&line).await?;
            if spent > 100 {
                break;
            }
        }
        Ok(spent)
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
    impl __rt::Saga for Thrifty {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "thrifty",
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
                                live: &[1, 2],
                                fingerprint: "51c4f673c524fe8a",
                            },
                        ],
                        slots: &["order", "lines", "spent"],
                        nodes: &[
                            Node::Start,
                            Node::Loop("while let Some(line) = lines.pop()"),
                            Node::Call(0),
                            Node::Unwinds,
                            Node::Branch("spent > 100"),
                            Node::Completed,
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::next(1, 2, "yes"),
                            Edge::refused(2, 3, "refused"),
                            Edge::next(2, 4, ""),
                            Edge::back(4, 1, "no"),
                            Edge::next(4, 5, "yes"),
                            Edge::next(1, 5, "no"),
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
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Thrifty {
        async fn machine(
            &self,
            _cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
            /// The locals that live across an await.
            struct __Slots<T0, T1, T2> {
                order: __rt::Slot<T0>,
                lines: __rt::Slot<T1>,
                spent: __rt::Slot<T2>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                While,
                AfterLook,
                AfterWhile,
            }
            let _cx = &_cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterLook, &[1, 2]),
            };
            let mut __slots = __Slots {
                order: __drive.slot::<Order>(0, "order", __live.contains(&0)),
                lines: __drive.slot(1, "lines", __live.contains(&1)),
                spent: __drive.slot(2, "spent", __live.contains(&2)),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive
                    .save(
                        &mut [&mut __slots.order, &mut __slots.lines, &mut __slots.spent],
                    );
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        let order = __slots.order.take();
                        let mut lines = order.lines;
                        let mut spent = 0;
                        __slots.lines.put(lines);
                        __slots.spent.put(spent);
                        break 'arm __Block::While;
                    }
                    __Block::While => 'arm: {
                        let mut lines = __slots.lines.take();
                        if let Some(line) = lines.pop() {
                            __drive.begin(0, &[1, 2]);
                            __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                                .__ask_look(&line);
                            __slots.lines.put(lines);
                            break 'arm __Block::AfterLook;
                        } else {
                            break 'arm __Block::AfterWhile;
                        }
                    }
                    __Block::AfterLook => 'arm: {
                        let mut spent = __slots.spent.take();
                        let __answer: (Result<u64, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<u64, Failure<Refused>>::returning(),
                                ),
                        );
                        spent += ('__answer: { break '__answer __answer.0 })?;
                        if spent > 100 {
                            __slots.spent.put(spent);
                            break 'arm __Block::AfterWhile;
                        }
                        __slots.spent.put(spent);
                        break 'arm __Block::While;
                    }
                    __Block::AfterWhile => 'arm: {
                        let mut spent = __slots.spent.take();
                        return Ok(spent);
                    }
                    __Block::Open => {
                        __rt::goes_on_on_any_thread::<Order>();
                        __rt::open_input::<Self>(&mut __slots.order);
                        __rt::Across::new(&mut __slots.lines).open();
                        __rt::Across::new(&mut __slots.spent).open();
                        __entry
                    }
                };
            }
        }
    }
    #[automatically_derived]
    impl __Calls<'_, '_, Thrifty> {
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
