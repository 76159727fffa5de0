//! A machine expanded by hand, as `#[saga]` emits it, driven by an executor in memory that dies at every point.

use saga_runtime::{
    Failure, FlowContext, Saga, StepContext, Transient, Unwind,
    definition::{Class, Definition, Edge, EdgeKind, Flow, Node, Policy, State, Step, Work},
    machine as __rt,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

// ---- what the user wrote ----------------------------------------------------------------------------------------------

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    lines: Vec<String>,
}
#[derive(Debug, Serialize, Deserialize)]
struct Hold(String);
#[derive(Debug, Serialize, Deserialize)]
struct Refused;
impl saga_runtime::Refusal for Refused {}
impl From<Refused> for Failure<Refused> {
    fn from(refusal: Refused) -> Self {
        Self::Refused(refusal)
    }
}
struct Checkout;

#[expect(clippy::unused_async, reason = "a step is async whether or not it awaits something")]
impl Checkout {
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<usize, Unwind<Refused>> {
        let mut holds = Vec::new();
        for line in &order.lines {
            if line == "skip" {
                continue;
            }
            let hold = self.reserve(cx, line).await?;
            holds.push(hold);
        }
        let parcels = self.ship(cx, &holds).await?;
        Ok(parcels)
    }

    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        if cx.attempt() == 1 && line == "b" {
            "x".parse::<u32>()?;
        }
        Ok(Hold(line.to_uppercase()))
    }

    async fn ship(&self, _cx: &StepContext, holds: &[Hold]) -> Result<usize, Transient> {
        Ok(holds.len())
    }
}

// ---- what the macro emits ---------------------------------------------------------------------------------------------

const _: () = {
    static DEFINITION: Definition = Definition {
        name: "checkout",
        version: 1,
        steps: &[
            Step {
                name: "reserve",
                docs: "",
                class: Class::NotCompensated,
                compensation: None,
                parameters: &["line"],
                policy: Policy::STEP,
                policy_name: None,
                idempotent: None,
                no_compensation: Some("shown elsewhere"),
                transactional: false,
                key_valid: None,
            },
            Step {
                name: "ship",
                docs: "",
                class: Class::NotCompensated,
                compensation: None,
                parameters: &["holds"],
                policy: Policy::STEP,
                policy_name: None,
                idempotent: None,
                no_compensation: Some("shown elsewhere"),
                transactional: false,
                key_valid: None,
            },
        ],
        deadline: None,
        flows: &[Flow {
            name: "run",
            docs: "",
            parameters: &["order"],
            states: &[
                State { name: "reserve", work: Work::Step(0), live: &[0, 1, 2], fingerprint: "1" },
                State { name: "ship", work: Work::Step(1), live: &[], fingerprint: "2" },
            ],
            // `order` is needed where `&order.lines` is borrowed again; `(line)` is the position of the loop.
            slots: &["order", "holds", "(line)"],
            nodes: &[
                Node::Start,
                Node::Loop("for line in &order.lines"),
                Node::Call(0),
                Node::Call(1),
                Node::Completed,
            ],
            edges: &[Edge { from: 0, to: 1, label: "", kind: EdgeKind::Next }],
        }],
        signals: &[],
        children: &[],
    };

    #[allow(unused, clippy::all, clippy::pedantic)]
    impl Saga for Checkout {
        type Input = Order;
        type Output = usize;
        type Refusal = Refused;
        const DEFINITION: &'static Definition = &DEFINITION;

        fn __flow<'a>(
            &'a self,
            cx: FlowContext,
            mut __drive: __rt::Drive<'a>,
        ) -> __rt::Executing<'a, Result<Self::Output, Unwind<Self::Refusal>>> {
            // All slots in one generic struct, whose types are inferred from the values put into them.
            struct __Slots<T0, T1, T2> {
                order: __rt::Slot<T0>,
                holds: __rt::Slot<T1>,
                at: __rt::Slot<T2>,
            }
            #[derive(Clone, Copy)]
            enum __Block {
                Open,
                Start,
                LoopHead,
                AfterReserve,
                Ship,
                AfterShip,
            }
            Box::pin(async move {
                let cx = &cx;
                // What is live: where the machine begins.
                let (__entry, __live): (__Block, &[usize]) = match __drive.entry() {
                    None => (__Block::Start, &[0]),
                    Some(0) => (__Block::AfterReserve, &[0, 1, 2]),
                    Some(_) => (__Block::AfterShip, &[]),
                };
                let mut __s = __Slots {
                    order: __drive.slot(0, "order", __live.contains(&0)),
                    holds: __drive.slot(1, "holds", __live.contains(&1)),
                    at: __drive.slot(2, "(line)", __live.contains(&2)),
                };
                use __rt::Open as _;
                let mut __block = __Block::Open;
                loop {
                    __drive.save(&mut [&mut __s.order, &mut __s.holds, &mut __s.at]);
                    __drive.call().await;
                    __block = match __block {
                        __Block::Start => 'arm: {
                            let order: Order = __s.order.take();
                            let mut holds = Vec::new();
                            __s.at.put(0_usize);
                            __s.order.keep(order);
                            __s.holds.put(holds);
                            break 'arm __Block::LoopHead;
                        }
                        __Block::LoopHead => 'arm: {
                            let order = __s.order.take();
                            let __at = __s.at.take();
                            __s.at.put(__at + 1);
                            let Some(line) = (&order.lines).into_iter().nth(__at) else {
                                break 'arm __Block::Ship;
                            };
                            if line == "skip" {
                                {
                                    __s.order.keep(order);
                                    break 'arm __Block::LoopHead;
                                }
                            }
                            __drive.begin(0, &[0, 1, 2]);
                            let __write = __rt::Savable::<str>::writes();
                            __drive.argument("line", line.as_str(), __write, None);
                            __s.order.keep(order);
                            break 'arm __Block::AfterReserve;
                        }
                        __Block::AfterReserve => 'arm: {
                            let mut holds = __s.holds.take();
                            let __answer = __drive.answer(&__rt::StepReturns::<Hold, Failure<Refused>>::returning());
                            let hold = __answer?;
                            holds.push(hold);
                            __s.holds.put(holds);
                            break 'arm __Block::LoopHead;
                        }
                        __Block::Ship => 'arm: {
                            let holds = __s.holds.take();
                            __drive.begin(1, &[]);
                            let __write = __rt::Savable::<[Hold]>::writes();
                            __drive.argument("holds", &holds[..], __write, Some("holds"));
                            break 'arm __Block::AfterShip;
                        }
                        __Block::AfterShip => {
                            let __answer = __drive.answer(&__rt::StepReturns::<usize, Transient>::returning());
                            let parcels = __answer?;
                            return Ok(parcels);
                        }
                        // Comes first and stands last: by here the type of every slot is known.
                        __Block::Open => {
                            __rt::Across::new(&mut __s.order).open();
                            __rt::Across::new(&mut __s.holds).open();
                            __rt::Across::new(&mut __s.at).open();
                            __entry
                        }
                    };
                }
            })
        }

        fn __step<'a>(&'a self, step: usize, __cx: StepContext, __arguments: &'a __rt::Arguments) -> __rt::Attempt<'a> {
            match step {
                0 => Box::pin(async move {
                    let line = __arguments.get("line", &__rt::Savable::<String>::codec())?;
                    Ok(__rt::StepReturns::<Hold, Failure<Refused>>::returning()
                        .attempted(self.reserve(&__cx, &line).await, "reserve"))
                }),
                _ => Box::pin(async move {
                    let holds = __arguments.get("holds", &__rt::Savable::<Vec<Hold>>::codec())?;
                    Ok(__rt::StepReturns::<usize, Transient>::returning()
                        .attempted(self.ship(&__cx, &holds).await, "ship"))
                }),
            }
        }

        fn __compensate<'a>(
            &'a self,
            _: usize,
            _: StepContext,
            _: &'a __rt::Arguments,
            _: Option<&'a __rt::RawValue>,
        ) -> __rt::Attempt<'a> {
            unreachable!("no step of this saga has a compensation")
        }

        fn __check_output(step: usize, output: &__rt::RawValue) -> Result<(), __rt::JsonError> {
            match step {
                0 => __rt::StepReturns::<Hold, Failure<Refused>>::returning().check_output(output),
                _ => __rt::StepReturns::<usize, Transient>::returning().check_output(output),
            }
        }
    }
};

// ---- an executor in memory --------------------------------------------------------------------------------------------

#[derive(Default, Clone)]
struct Durable {
    state: Option<usize>,
    arguments: __rt::Arguments,
    frame: BTreeMap<Cow<'static, str>, __rt::Json>,
}

struct Memory<'a> {
    saga: &'a Checkout,
    durable: &'a mut Durable,
    log: &'a mut Vec<String>,
    /// Dies at this event, counted from 1; 0: never.
    fuse: usize,
    events: usize,
}

impl Memory<'_> {
    async fn event(&mut self, what: String) {
        self.events += 1;
        self.log.push(what);
        if self.events == self.fuse {
            std::future::pending::<()>().await;
        }
    }

    async fn attempts(&mut self) -> __rt::Answer {
        let state = self.durable.state.expect("a call was begun");
        let state = &Checkout::definition().main().states[state];
        let (name, step) = (state.name, state.step().expect("every state of this saga calls a step"));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let cx = StepContext::for_test(name, attempt);
            let arguments = self.durable.arguments.clone();
            let attempted = self.saga.__step(step, cx, &arguments).await;
            self.event(format!("{name}{}#{attempt}", arguments.0[0].1)).await;
            if let Ok(__rt::Attempted::Done(json)) = attempted {
                return __rt::Answer::Done(json);
            }
        }
    }
}

impl __rt::Executor for Memory<'_> {
    fn call(&mut self, call: __rt::Call) -> __rt::Executing<'_, __rt::Answer> {
        Box::pin(async move {
            assert_eq!(call.error, None);
            self.event("before commit".into()).await;
            let mut frame = BTreeMap::new();
            for value in call.frame {
                let json = value.changed.unwrap_or_else(|| self.durable.frame[value.name].clone());
                frame.insert(value.name.into(), json);
            }
            let __rt::Asked::Call(arguments) = call.asked else { panic!("this saga calls steps only") };
            let arguments = arguments.into_iter().map(|a| (a.parameter.into(), a.value)).collect();
            *self.durable = Durable { state: Some(call.state), arguments: __rt::Arguments(arguments), frame };
            self.event("committed".into()).await;
            self.attempts().await
        })
    }

    fn resume(&mut self) -> __rt::Executing<'_, __rt::Answer> {
        Box::pin(self.attempts())
    }
}

async fn drive(durable: &mut Durable, log: &mut Vec<String>, fuse: usize) -> Option<usize> {
    let saga = Checkout;
    let entry = durable.state.map_or(__rt::Entry::Start, __rt::Entry::Calling);
    let resume = __rt::Resume { entry, frame: durable.frame.clone().into_iter().collect() };
    let mut memory = Memory { saga: &saga, durable, log, fuse, events: 0 };
    let cx = FlowContext::detached();
    let flow = saga.__flow(cx, __rt::Drive::new(&mut memory, resume));
    tokio::select! {
        biased;
        end = flow => Some(end.expect("this saga is not refused")),
        () = tokio::task::yield_now() => None,
    }
}

#[tokio::test]
async fn a_machine_that_dies_at_any_event_comes_to_the_same_end() {
    let order = Order { lines: ["a", "skip", "b"].map(String::from).to_vec() };
    let start = Durable {
        frame: BTreeMap::from([("order".into(), __rt::encode(&order).expect("an order is JSON"))]),
        ..Durable::default()
    };
    let plain = Checkout.run(&FlowContext::detached(), order).await;
    assert!(plain.is_err(), "the plain method tries nothing again");
    for fuse in 0..=10 {
        let (mut durable, mut log) = (start.clone(), Vec::new());
        let end = match drive(&mut durable, &mut log, fuse).await {
            Some(end) => end,
            None => drive(&mut durable, &mut log, 0).await.expect("without a fuse it ends"),
        };
        assert_eq!(end, 2, "fuse {fuse}: {log:?}");
        log.dedup();
        let done: Vec<_> = log.iter().filter(|event| event.contains('#')).map(String::as_str).collect();
        assert!(done.contains(&"reserve\"a\"#1") && done.contains(&"reserve\"b\"#2"), "fuse {fuse}: {log:?}");
    }
}
