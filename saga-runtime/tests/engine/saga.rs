//! A saga whose flow is a script: every shape of flow that the engine can be given, without writing each one.

use crate::world::{Act, Got, World};
use saga_runtime::{
    Failure, FlowContext, Outcome, Refusal, Saga, StepContext, Transient, Unwind,
    definition::{Class, Compensation, Definition, Flow, Node, Policy, Retry, State, Step, Work},
    machine::{self as rt, Open as _},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A step of a script.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Op {
    /// The state's index, which is the step's.
    pub(crate) step: usize,
    /// What it is about.
    pub(crate) what: String,
    /// Whether a refusal, or an exhausted step, is caught.
    pub(crate) catch: bool,
}

/// The input.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Script {
    pub(crate) ops: Vec<Op>,
    /// What the flow says no with at its end.
    pub(crate) refuse: Option<String>,
    /// Only there to be long.
    pub(crate) ballast: String,
}

/// The "no" of every participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub(crate) struct No(pub(crate) String);

/// A script in short: `book:a` calls step `book` about `a`; `?` behind it catches.
pub(crate) fn script(ops: &str) -> Script {
    let ops = ops.split_whitespace().map(|op| {
        let (step, what) = op.split_once(':').expect("step:what");
        let (what, catch) = what.strip_suffix('?').map_or((what, false), |what| (what, true));
        let step = STEPS.iter().position(|known| known.name == step).expect("a step of this saga");
        Op { step, what: what.into(), catch }
    });
    Script { ops: ops.collect(), ..Script::default() }
}

const STEADY: Retry =
    Retry { initial: Duration::from_millis(100), max: Duration::from_secs(30), attempts: None, jitter: false };
const POLICY: Policy = Policy { retry: STEADY, ..Policy::STEP };
const UNDO: Option<Compensation> = Some(Compensation {
    name: "undo",
    docs: "",
    policy: Policy { retry: Retry { max: Duration::from_mins(30), ..STEADY }, ..POLICY },
    within: Duration::from_hours(24),
    policy_name: None,
    idempotent: None,
});
const STEP: Step = Step {
    name: "",
    docs: "",
    class: Class::Compensatable,
    compensation: UNDO,
    parameters: &["what", "script"],
    policy: POLICY,
    policy_name: None,
    idempotent: None,
    no_compensation: None,
    transactional: false,
    key_valid: None,
};
static STEPS: [Step; 10] = [
    Step { name: "look", class: Class::ReadOnly, compensation: None, ..STEP },
    Step { name: "book", ..STEP },
    Step { name: "twice", policy: Policy { retry: Retry { attempts: Some(2), ..STEADY }, ..POLICY }, ..STEP },
    Step { name: "bare", idempotent: Some("the tests say so"), ..STEP },
    Step { name: "pay", class: Class::Pivot, compensation: None, ..STEP },
    Step { name: "send", class: Class::Retriable, compensation: None, ..STEP },
    Step { name: "note", class: Class::NotCompensated, compensation: None, no_compensation: Some("a note"), ..STEP },
    Step {
        name: "brief",
        key_valid: Some(Duration::from_mins(1)),
        policy: Policy { timeout: Duration::from_secs(1), ..POLICY },
        ..STEP
    },
    Step {
        name: "once",
        class: Class::Pivot,
        compensation: None,
        policy: Policy { retry: Retry { attempts: Some(1), ..STEADY }, then_park: true, ..POLICY },
        ..STEP
    },
    Step { name: "eager", policy: Policy { retry: Retry { initial: Duration::ZERO, ..STEADY }, ..POLICY }, ..STEP },
];
const fn state(name: &'static str, step: usize) -> State {
    State { name, work: Work::Step(step), live: &[0, 1, 2], fingerprint: "1" }
}
const STATES: [State; 10] = [
    state("look", 0),
    state("book", 1),
    state("twice", 2),
    state("bare", 3),
    state("pay", 4),
    state("send", 5),
    state("note", 6),
    state("brief", 7),
    state("once", 8),
    state("eager", 9),
];
const NEWER: [State; 10] = {
    let mut states = STATES;
    states[1].fingerprint = "2";
    states[2].fingerprint = "2";
    states
};
const FLOW: Flow = Flow {
    name: "run",
    docs: "",
    parameters: &["script"],
    states: &STATES,
    slots: &["script", "at", "seen"],
    nodes: &[Node::Start],
    edges: &[],
};
const DEFINITION: Definition = Definition {
    name: "scripted",
    version: 1,
    deadline: None,
    steps: &STEPS,
    flows: &[FLOW],
    signals: &[],
    children: &[],
};
const NEWER_DEFINITION: Definition = Definition { version: 2, flows: &[Flow { states: &NEWER, ..FLOW }], ..DEFINITION };

/// The saga.
#[derive(Debug, Clone)]
pub(crate) struct Scripted(pub(crate) World);

/// The saga of a later build: it does not know what the earlier one saved at `book` and `twice`.
#[derive(Debug, Clone)]
pub(crate) struct Newer(pub(crate) World);

type Answer = Result<String, Failure<No>>;

async fn act(world: &World, cx: &StepContext, what: String, output: Option<String>) -> Answer {
    world.note(Got {
        what: what.clone(),
        key: cx.key().into(),
        undoes: cx.undoes().map(Into::into),
        attempt: cx.attempt(),
        output,
        instance: cx.instance().into(),
    });
    match world.next(&what) {
        Act::Done => Ok(format!("{what}!")),
        Act::Refuse => Err(Failure::Refused(No(what))),
        Act::Fail => Err(Transient::new("broken").into()),
        Act::NoEffect => Err(Transient::no_effect("not reached").into()),
        Act::Later(seconds) => Err(Transient::after(Duration::from_secs(seconds)).into()),
        Act::Park => Err(Transient::park("look at this").into()),
        Act::Panic => panic!("told to panic"),
        Act::Hang => std::future::pending().await,
        Act::Slow(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok(format!("{what}!"))
        }
        Act::Big => Ok("x".repeat(300 << 10)),
    }
}

/// The flow's plain code.
fn plain(world: &World, place: &str) {
    assert!(world.next(place) != Act::Panic, "told to panic");
}

fn run<'a>(world: &'a World, mut drive: rt::Drive<'a>) -> rt::Executing<'a, Result<Vec<String>, Unwind<No>>> {
    Box::pin(async move {
        let entry = drive.entry();
        let mut script = drive.slot::<Script>(0, "script", true);
        let mut at = drive.slot::<usize>(1, "at", entry.is_some());
        let mut seen = drive.slot::<Vec<String>>(2, "seen", entry.is_some());
        rt::Across::new(&mut script).open();
        rt::Across::new(&mut at).open();
        rt::Across::new(&mut seen).open();
        if entry.is_none() {
            at.put(0);
            seen.put(Vec::new());
        }
        let mut called = entry.is_some();
        loop {
            drive.save(&mut [&mut script, &mut at, &mut seen]);
            drive.call().await;
            let plan: Script = script.take();
            let index: usize = at.take();
            let mut log: Vec<String> = seen.take();
            let mut next = index;
            if called {
                let op = &plan.ops[index];
                match drive.answer(&rt::a_step_returns_this::<Answer>()) {
                    Ok(output) => log.push(output),
                    Err(Failure::Refused(no)) if op.catch => log.push(format!("no {}", no.0)),
                    Err(Failure::Exhausted(gone)) if op.catch => log.push(format!("gone {}", gone.step())),
                    Err(failure) => return Err(failure.into()),
                }
                plain(world, &format!("after {}", op.what));
                next += 1;
            }
            let Some(op) = plan.ops.get(next) else {
                plain(world, "at the end");
                return match plan.refuse {
                    Some(no) => Err(Unwind::Refused(No(no))),
                    None => Ok(log),
                };
            };
            plain(world, &format!("before {}", op.what));
            drive.begin(op.step, &[0, 1, 2]);
            drive.argument("what", op.what.as_str(), rt::Savable::<str>::writes(), None);
            drive.argument("script", &plan, rt::Savable::<Script>::writes(), Some("script"));
            script.keep(plan);
            at.put(next);
            seen.put(log);
            called = true;
        }
    })
}

macro_rules! saga {
    ($saga:ty, $definition:expr) => {
        impl Saga for $saga {
            type Input = Script;
            type Output = Vec<String>;
            type Refusal = No;
            const DEFINITION: &'static Definition = &$definition;

            fn __flow<'a>(
                &'a self,
                _: FlowContext,
                drive: rt::Drive<'a>,
            ) -> rt::Executing<'a, Result<Vec<String>, Unwind<No>>> {
                run(&self.0, drive)
            }

            fn __step<'a>(&'a self, step: usize, cx: StepContext, arguments: &'a rt::Arguments) -> rt::Attempt<'a> {
                Box::pin(async move {
                    let what = arguments.get("what", &rt::Savable::<String>::codec())?;
                    arguments.get("script", &rt::Savable::<Script>::codec())?;
                    Ok(rt::StepResult::into_attempted(act(&self.0, &cx, what, None).await, STEPS[step].name))
                })
            }

            fn __compensate<'a>(
                &'a self,
                _: usize,
                cx: StepContext,
                arguments: &'a rt::Arguments,
                output: Option<&'a rt::RawValue>,
            ) -> rt::Attempt<'a> {
                Box::pin(async move {
                    let what = arguments.get("what", &rt::Savable::<String>::codec())?;
                    let outcome = output.map_or(Outcome::Unknown, |json| {
                        Outcome::Done(rt::decode::<String>(json).expect("what the step returned"))
                    });
                    let undone = act(&self.0, &cx, format!("undo {what}"), outcome.done()).await;
                    let undone = undone.map(drop).map_err(|failure| match failure {
                        Failure::Transient(transient) => transient,
                        other => Transient::new(format_args!("{other:?}")),
                    });
                    Ok(rt::StepResult::into_attempted(undone, "undo"))
                })
            }

            fn __check_output(_: usize, output: &rt::RawValue) -> Result<(), rt::JsonError> {
                <Answer as rt::StepResult>::check_output(output)
            }
        }
    };
}
saga!(Scripted, DEFINITION);
saga!(Newer, NEWER_DEFINITION);
