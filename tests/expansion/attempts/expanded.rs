// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;
struct Lookup;
impl Lookup {
    #[allow(clippy::unused_async)]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let checked = self.check(&order.lines[0]).await?;
        match self.room(cx, &order.lines[0]).await {
            Ok(hold) => Ok(checked + hold.0),
            Err(Failure::Exhausted(_)) => Ok(self.tent(cx, &order.lines[0]).await?.0),
            Err(other) => Err(other.into()),
        }
    }
    #[allow(clippy::unused_async)]
    async fn room(
        &self,
        cx: &StepContext,
        city: &str,
    ) -> Result<Hold, Failure<Refused>> {
        println!("{}: {city}", cx.key());
        Ok(Hold(1))
    }
    #[allow(clippy::unused_async)]
    async fn cancel_room(
        &self,
        cx: &StepContext,
        room: Outcome<Hold>,
        city: &str,
    ) -> Result<(), Transient> {
        println!("{:?}: {room:?} in {city}", cx.undoes());
        Ok(())
    }
    #[allow(clippy::unused_async)]
    async fn tent(
        &self,
        cx: &StepContext,
        city: &str,
    ) -> Result<Hold, Failure<Refused>> {
        println!("{}: {city}", cx.key());
        Ok(Hold(2))
    }
    #[allow(clippy::unused_async)]
    async fn check(&self, city: &str) -> Result<u64, Failure<Refused>> {
        Ok(city.len() as u64)
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
    impl __rt::Saga for Lookup {
        type Input = Order;
        type Output = u64;
        type Refusal = Refused;
        const DEFINITION: &'static __def::Definition = &__def::Definition {
            name: "lookup",
            version: 1,
            deadline: __rt::None,
            steps: {
                use __def::*;
                &[
                    Step {
                        name: "room",
                        class: Class::Compensatable,
                        compensation: __rt::Some(Compensation {
                            name: "cancel_room",
                            policy_name: __rt::Some("hotels"),
                            within: __rt::Duration::from_secs(604800),
                            ..Compensation::PLAIN
                        }),
                        parameters: &["city"],
                        policy: Policy {
                            timeout: __rt::Duration::from_secs(2),
                            deadline: __rt::Some(__rt::Duration::from_secs(60)),
                            retry: Retry {
                                initial: __rt::Duration::from_millis(50),
                                max: __rt::Duration::from_secs(5),
                                attempts: __rt::Some(6),
                                ..Retry::DEFAULT
                            },
                            own_timeout: true,
                            own_retry: true,
                            ..Policy::STEP
                        },
                        key_valid: __rt::Some(__rt::Duration::from_secs(86400)),
                        ..Step::PLAIN
                    },
                    Step {
                        name: "tent",
                        class: Class::NotCompensated,
                        parameters: &["city"],
                        policy_name: __rt::Some("camps"),
                        no_compensation: __rt::Some(
                            "a tent that is not slept in costs nothing",
                        ),
                        ..Step::PLAIN
                    },
                    Step {
                        name: "check",
                        class: Class::ReadOnly,
                        parameters: &["city"],
                        policy: Policy {
                            retry: Retry {
                                attempts: __rt::Some(3),
                                jitter: false,
                                ..Retry::DEFAULT
                            },
                            own_retry: true,
                            ..Policy::PARKS
                        },
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
                                name: "check",
                                work: Work::Step(2),
                                live: &[0],
                                fingerprint: "3a399345e9df77b8",
                            },
                            State {
                                name: "room",
                                work: Work::Step(0),
                                live: &[0, 1],
                                fingerprint: "72a7dd95ba902dcd",
                            },
                            State {
                                name: "tent",
                                work: Work::Step(1),
                                live: &[],
                                fingerprint: "c3b6643b1fdb5870",
                            },
                        ],
                        slots: &["order", "checked"],
                        nodes: &[
                            Node::Start,
                            Node::Call(0),
                            Node::Unwinds,
                            Node::Call(1),
                            Node::Branch("self.room(cx, &order.lines[0]).await"),
                            Node::Completed,
                            Node::Call(2),
                        ],
                        edges: &[
                            Edge::next(0, 1, ""),
                            Edge::refused(1, 2, "refused"),
                            Edge::next(1, 3, ""),
                            Edge::next(3, 4, ""),
                            Edge::next(4, 5, "Ok(hold)"),
                            Edge::next(4, 6, "Err(Failure::Exhausted(_))"),
                            Edge::refused(6, 2, "refused"),
                            Edge::next(6, 5, ""),
                            Edge::next(4, 2, "Err(other)"),
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
            let _ = Self::room;
            let _ = Self::tent;
            let _ = Self::check;
            let _ = Self::cancel_room;
            let _ = Self::room;
            __rt::a_value_is_saved::<Hold>();
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
                        let city = __arguments
                            .get(
                                "city",
                                &__rt::Savable::<::std::string::String>::codec(),
                            )?;
                        __rt::Ok(
                            __rt::StepReturns::<Hold, Failure<Refused>>::returning()
                                .attempted(self.room(&__cx, &city).await, "room"),
                        )
                    })
                }
                1 => {
                    __rt::attempt_on_any_thread(async move {
                        let city = __arguments
                            .get(
                                "city",
                                &__rt::Savable::<::std::string::String>::codec(),
                            )?;
                        __rt::Ok(
                            __rt::StepReturns::<Hold, Failure<Refused>>::returning()
                                .attempted(self.tent(&__cx, &city).await, "tent"),
                        )
                    })
                }
                2 => {
                    __rt::attempt_on_any_thread(async move {
                        let city = __arguments
                            .get(
                                "city",
                                &__rt::Savable::<::std::string::String>::codec(),
                            )?;
                        __rt::Ok(
                            __rt::StepReturns::<u64, Failure<Refused>>::returning()
                                .attempted(self.check(&city).await, "check"),
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
                        let room = __rt::outcome(
                            __output,
                            &__rt::Savable::<Hold>::codec(),
                        )?;
                        let city = __arguments
                            .get(
                                "city",
                                &__rt::Savable::<::std::string::String>::codec(),
                            )?;
                        __rt::Ok(
                            <Result<
                                (),
                                Transient,
                            > as __rt::CompensationResult>::into_attempted(
                                self.cancel_room(&__cx, room, &city).await,
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
                    __rt::StepReturns::<Hold, Failure<Refused>>::returning()
                        .check_output(__output)
                }
                2 => {
                    __rt::StepReturns::<u64, Failure<Refused>>::returning()
                        .check_output(__output)
                }
                _ => __rt::no_such_output(__step),
            }
        }
    }
    #[automatically_derived]
    impl __rt::Flow<0, Result<u64, Unwind<Refused>>> for Lookup {
        async fn machine(
            &self,
            cx: __rt::FlowContext,
            mut __drive: __rt::Drive<'_>,
        ) -> Result<u64, Unwind<Refused>> {
            /// The locals that live across an await.
            struct __Slots<T0, T1> {
                order: __rt::Slot<T0>,
                checked: __rt::Slot<T1>,
            }
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                Start,
                AfterCheck,
                AfterRoom,
                AfterTent,
            }
            let cx = &cx;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                __rt::None => (__Block::Start, &[0]),
                __rt::Some(0) => (__Block::AfterCheck, &[0]),
                __rt::Some(1) => (__Block::AfterRoom, &[0, 1]),
                __rt::Some(_) => (__Block::AfterTent, &[]),
            };
            let mut __slots = __Slots {
                order: __drive.slot::<Order>(0, "order", __live.contains(&0)),
                checked: __drive.slot(1, "checked", __live.contains(&1)),
            };
            let mut __block = __Block::Open;
            use __rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut [&mut __slots.order, &mut __slots.checked]);
                __drive.call().await;
                __block = match __block {
                    __Block::Start => 'arm: {
                        let order = __slots.order.take();
                        __drive.begin(0, &[0]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_check(&order.lines[0]);
                        __slots.order.keep(order);
                        break 'arm __Block::AfterCheck;
                    }
                    __Block::AfterCheck => 'arm: {
                        let order = __slots.order.take();
                        let __answer: (Result<u64, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<u64, Failure<Refused>>::returning(),
                                ),
                        );
                        let checked = ('__answer: { break '__answer __answer.0 })?;
                        __drive.begin(1, &[0, 1]);
                        __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                            .__ask_room(cx, &order.lines[0]);
                        __slots.order.keep(order);
                        __slots.checked.put(checked);
                        break 'arm __Block::AfterRoom;
                    }
                    __Block::AfterRoom => 'arm: {
                        let order = __slots.order.take();
                        let checked = __slots.checked.take();
                        let __answer: (Result<Hold, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<Hold, Failure<Refused>>::returning(),
                                ),
                        );
                        match ('__answer: { break '__answer __answer.0 }) {
                            Ok(hold) => {
                                return Ok(checked + hold.0);
                            }
                            Err(Failure::Exhausted(_)) => {
                                __drive.begin(2, &[]);
                                __Calls::<Self>(&mut __drive, &[], __rt::PhantomData)
                                    .__ask_tent(cx, &order.lines[0]);
                                break 'arm __Block::AfterTent;
                            }
                            Err(other) => {
                                return Err(other.into());
                            }
                        }
                    }
                    __Block::AfterTent => 'arm: {
                        let __answer: (Result<Hold, Failure<Refused>>,) = (
                            __drive
                                .answer(
                                    &__rt::StepReturns::<Hold, Failure<Refused>>::returning(),
                                ),
                        );
                        return Ok(('__answer: { break '__answer __answer.0 })?.0);
                    }
                    __Block::Open => {
                        __rt::goes_on_on_any_thread::<Order>();
                        __rt::open_input::<Self>(&mut __slots.order);
                        __rt::Known(&mut __slots.checked).open();
                        __entry
                    }
                };
            }
        }
    }
    #[automatically_derived]
    impl __Calls<'_, '_, Lookup> {
        fn __ask_room(self, cx: &StepContext, city: &str) {
            self.0
                .argument(
                    "city",
                    city,
                    __rt::Savable::<str>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
        fn __ask_tent(self, cx: &StepContext, city: &str) {
            self.0
                .argument(
                    "city",
                    city,
                    __rt::Savable::<str>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
        fn __ask_check(self, city: &str) {
            self.0
                .argument(
                    "city",
                    city,
                    __rt::Savable::<str>::writes(),
                    self.1.get(0).copied().flatten(),
                );
        }
    }
};
