// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Searching;
impl Searching {
    #[allow(clippy::unused_async)]
    async fn run(
        &self,
        _cx: &FlowContext,
        order: Order,
    ) -> Result<u64, Unwind<Refused>> {
        let found = 'search: loop {
            for line in &order.lines {
                let length = self.look(line).await?;
                if length > 3 {
                    break 'search length;
                }
                if length == 0 {
                    continue 'search;
                }
            }
            break 0;
        };
        Ok(found)
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
    impl __rt::Saga for Searching {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "searching",
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
                                live: &[0, 1],
                                fingerprint: "4d25dfa3217ea64a",
                            },
                        ],
                        slots: &["order", "(line)"],
                        nodes: &[
                            Node::Start,
                            Node::Loop("loop"),
                            Node::Loop("for line in &order.lines"),
                            Node::Call(0),
                            Node::Unwinds,
                            Node::Branch("length > 3"),
                            Node::Branch("length == 0"),
                            Node::Completed,
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::next(1, 2, ""),
                            Edge::next(2, 3, "each"),
                            Edge::refused(3, 4, "refused"),
                            Edge::next(3, 5, ""),
                            Edge::next(5, 6, "no"),
                            Edge::back(6, 1, "yes"),
                            Edge::back(6, 2, "no"),
                            Edge::next(5, 7, "yes"),
                            Edge::next(2, 7, "done"),
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
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Searching {
        async fn machine(
            &self,
            _cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
            /// The locals that live across an await.
            struct __Slots<T0, T1, T2> {
                order: __rt::Slot<T0>,
                line: __rt::Slot<T1>,
                value: __rt::Carry<T2>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                SearchLoop,
                EachLine,
                AfterLook,
                AfterEachLine,
                AfterSearchLoop,
            }
            let _cx = &_cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(_) => (__Block::AfterLook, &[0, 1]),
            };
            let mut __slots = __Slots {
                order: __drive.slot::<Order>(0, "order", __live.contains(&0)),
                line: __drive.slot(1, "(line)", __live.contains(&1)),
                value: __rt::Carry::new(),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut [&mut __slots.order, &mut __slots.line]);
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        break 'arm __Block::SearchLoop;
                    }
                    __Block::SearchLoop => 'arm: {
                        let mut __at_line = 0_usize;
                        __slots.line.put(__at_line);
                        break 'arm __Block::EachLine;
                    }
                    __Block::EachLine => 'arm: {
                        let order = __slots.order.take();
                        let mut __at_line = __slots.line.take();
                        let __rt::Some(line) = __rt::nth(&order.lines, __at_line) else {
                            break 'arm __Block::AfterEachLine;
                        };
                        __at_line += 1;
                        __drive.begin(0, &[0, 1]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_look(line);
                        __slots.order.keep(order);
                        __slots.line.put(__at_line);
                        break 'arm __Block::AfterLook;
                    }
                    __Block::AfterLook => 'arm: {
                        let __value;
                        let __answer: (Result<u64, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<u64, Failure<Refused>>::returning(),
                                ),
                        );
                        let length = ('__answer: { break '__answer __answer.0 })?;
                        if length > 3 {
                            __value = { length };
                            __slots.value.put(__value);
                            break 'arm __Block::AfterSearchLoop;
                        }
                        if length == 0 {
                            break 'arm __Block::SearchLoop;
                        }
                        break 'arm __Block::EachLine;
                    }
                    __Block::AfterEachLine => 'arm: {
                        let __value;
                        {
                            __value = { 0 };
                            __slots.value.put(__value);
                            break 'arm __Block::AfterSearchLoop;
                        };
                    }
                    __Block::AfterSearchLoop => 'arm: {
                        let __value = __slots.value.take();
                        let found = __value;
                        return Ok(found);
                    }
                    __Block::Open => {
                        __rt::goes_on_on_any_thread::<Order>();
                        __rt::open_input::<Self>(&mut __slots.order);
                        __rt::Across::new(&mut __slots.line).open();
                        __entry
                    }
                };
            }
        }
    }
    #[automatically_derived]
    impl __Calls<'_, '_, Searching> {
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
