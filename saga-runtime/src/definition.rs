//! A saga's definition as plain data: what `#[saga]` found out at build time.
//!
//! Drawings, the timeline, fingerprints, tests and the engine's own decisions all read this; nothing about a saga is
//! described twice.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A saga as data: its steps, its states, and the graph that connects them.
///
/// `Checkout::definition()` returns it (the [`Saga`](crate::Saga) trait must be in scope, as it is with the prelude).
#[derive(Debug)]
pub struct Definition {
    /// The durable name, `#[saga(name = "..")]`.
    pub name: &'static str,
    /// The label given by `#[saga(version = ..)]`: stored and shown, never decided upon.
    pub version: u32,
    /// How long an instance may take from its start to its pivot (`#[saga(deadline = "..")]`): then it unwinds. Past the pivot
    /// it is told in the timeline, and nothing else happens.
    pub deadline: Option<Duration>,
    /// Every step, in the order of the source.
    pub steps: &'static [Step],
    /// The flows: the main one first, then the inner ones in the order of the source.
    pub flows: &'static [Flow],
    /// The signals that it can wait for, in the order of the source.
    pub signals: &'static [Signal],
    /// The places where another saga is started, as a child or on its own, in the order of the source.
    pub children: &'static [Child],
}

impl Definition {
    /// The main flow.
    pub fn main(&self) -> &'static Flow {
        // Only a saga that did not compile has none.
        const NONE: &Flow =
            &Flow { name: "", docs: "", parameters: &[], states: &[], slots: &[], nodes: &[], edges: &[] };
        self.flows.first().unwrap_or(NONE)
    }

    /// Whether an instance that has completed can be undone as a whole: every step with an effect has a compensation or says
    /// why it has none, and so has every saga that it calls. What a saga that is called by another must be, where that one may
    /// still unwind.
    pub const fn is_compensable(&self) -> bool {
        let mut at = 0;
        while at < self.steps.len() {
            if matches!(self.steps[at].class, Class::Pivot | Class::Retriable) {
                return false;
            }
            at += 1;
        }
        let mut at = 0;
        while at < self.children.len() {
            // One that is called as compensatable has been asked the same where it is called.
            if matches!(self.children[at].kind, ChildKind::Pivot | ChildKind::Retriable) {
                return false;
            }
            at += 1;
        }
        true
    }

    /// The step of this durable name, with its index.
    pub fn step(&self, name: &str) -> Option<(usize, &'static Step)> {
        self.steps.iter().enumerate().find(|(_, step)| step.name == name)
    }
}

/// A flow as data: its states, and the graph that connects them.
#[derive(Debug)]
pub struct Flow {
    /// The method's name.
    pub name: &'static str,
    /// The doc comment, as written.
    pub docs: &'static str,
    /// The names of the parameters after the context. The main flow has one, the saga's input.
    pub parameters: &'static [&'static str],
    /// Every state in which it can wait for an answer, in the order of the source.
    pub states: &'static [State],
    /// The name of each slot: a local of the flow that lives across a state. Two slots may share a name, but never in one
    /// state. Parameters that are needed come first.
    pub slots: &'static [&'static str],
    /// The nodes of the graph. The first is [`Node::Start`].
    pub nodes: &'static [Node],
    /// The edges of the graph, in the order of the source.
    pub edges: &'static [Edge],
}

impl Flow {
    /// The state of this name, with its index.
    pub fn state(&self, name: &str) -> Option<(usize, &'static State)> {
        self.states.iter().enumerate().find(|(_, state)| state.name == name)
    }
}

/// A message that an instance can wait for: `#[signal]`.
#[derive(Debug)]
pub struct Signal {
    /// The durable name.
    pub name: &'static str,
    /// The doc comment, as written.
    pub docs: &'static str,
}

/// A place where a flow starts another saga.
#[derive(Debug, Clone, Copy)]
pub struct Child {
    /// The definition of that saga. Behind a function, since a saga may start itself.
    pub definition: fn() -> &'static Definition,
    /// What it is to this saga.
    pub kind: ChildKind,
}

/// What a saga that is started by another is to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildKind {
    /// Waited for; undone as a whole if this saga unwinds after it.
    Compensatable,
    /// Waited for; once it has completed there is no way back (`.pivot()`).
    Pivot,
    /// Waited for, past the pivot: it is not undone.
    Retriable,
    /// Started and not waited for, never undone (`cx.launch`).
    Launched,
}

/// One local transaction at a participant.
#[derive(Debug)]
pub struct Step {
    /// The durable name: the method's, unless `#[step(name = "..")]` says otherwise.
    pub name: &'static str,
    /// The doc comment, as written.
    pub docs: &'static str,
    /// Richardson's class.
    pub class: Class,
    /// The semantic undo, for a compensatable step.
    pub compensation: Option<Compensation>,
    /// The names of the parameters after the context, in order.
    pub parameters: &'static [&'static str],
    /// How attempts are bounded and repeated, as far as a named policy does not say otherwise.
    pub policy: Policy,
    /// The named policy of the runtime under which attempts are made (`policy = "payments"`).
    pub policy_name: Option<&'static str>,
    /// Why the step does without an idempotency key, if it does (`idempotent = "why"`).
    pub idempotent: Option<&'static str>,
    /// Why the step has no compensation, if it says so (`no_compensation = "why"`).
    pub no_compensation: Option<&'static str>,
    /// Whether attempts of the step, and of its compensation, are made in a transaction of the store, which commits what they
    /// write together with the record of it (`transaction`).
    pub transactional: bool,
    /// For how long the key is valid at the participant, counted from the first attempt (`key_valid = ".."`).
    pub key_valid: Option<Duration>,
}

impl Step {
    /// A step that says nothing of itself, for generated code.
    #[doc(hidden)]
    pub const PLAIN: Self = Self {
        name: "",
        docs: "",
        class: Class::Compensatable,
        compensation: None,
        parameters: &[],
        policy: Policy::STEP,
        policy_name: None,
        idempotent: None,
        no_compensation: None,
        transactional: false,
        key_valid: None,
    };
}

/// What may happen to a step, after Richardson (*Microservices Patterns*, chapter 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Has a compensation that undoes it.
    Compensatable,
    /// The last step that may be refused; after it the saga only goes forward.
    Pivot,
    /// Cannot be refused; retried until done. Stands after a pivot.
    Retriable,
    /// Changes nothing, so there is nothing to undo.
    ReadOnly,
    /// Has an effect and says why nothing undoes it (`no_compensation = "why"`).
    NotCompensated,
}

impl Class {
    /// Whether a step of this class changes something at its participant.
    pub fn has_effect(self) -> bool {
        self != Self::ReadOnly
    }
}

/// The undo of a step.
#[derive(Debug)]
pub struct Compensation {
    /// The method's name.
    pub name: &'static str,
    /// The doc comment, as written.
    pub docs: &'static str,
    /// How attempts are bounded and repeated, as far as a named policy does not say otherwise.
    pub policy: Policy,
    /// The named policy of the runtime under which attempts are made (`policy = "payments"`).
    pub policy_name: Option<&'static str>,
    /// How long the compensation is tried before it is parked.
    pub within: Duration,
    /// Why the compensation does without an idempotency key, if it does.
    pub idempotent: Option<&'static str>,
}

impl Compensation {
    /// A compensation that says nothing of itself, for generated code.
    #[doc(hidden)]
    pub const PLAIN: Self = Self {
        name: "",
        docs: "",
        policy: Policy::PARKS,
        policy_name: None,
        within: Duration::from_hours(24),
        idempotent: None,
    };
}

/// How the attempts of one call are bounded and repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The longest one attempt may take.
    pub timeout: Duration,
    /// The longest all attempts together may take, back-off included; `None`: no bound.
    pub deadline: Option<Duration>,
    /// The waits between attempts.
    pub retry: Retry,
    /// Whether running out of attempts or time parks the instance instead of giving the flow `Exhausted`.
    pub then_park: bool,
    /// Whether `timeout` is written at the method itself, so that it stands whatever a named policy says.
    pub own_timeout: bool,
    /// Whether `retry(..)` is written at the method itself, so that it stands whatever a named policy says.
    pub own_retry: bool,
}

impl Policy {
    /// The policy of a step that says nothing: 30 s for an attempt, retried without end.
    pub const STEP: Self = Self {
        timeout: Duration::from_secs(30),
        deadline: None,
        retry: Retry::DEFAULT,
        then_park: false,
        own_timeout: false,
        own_retry: false,
    };
    /// The same of a call that cannot give up: were it bounded, running out would park the instance. It is the policy of a
    /// pivot, a retriable step or a compensation that says nothing.
    pub const PARKS: Self = Self { then_park: true, ..Self::STEP };
}

/// Exponential back-off: the wait before attempt `n + 1` is drawn from zero to `min(max, initial * 2^(n-1))`.
///
/// Full jitter as described by Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// The upper bound of the first wait.
    pub initial: Duration,
    /// The upper bound of every wait.
    pub max: Duration,
    /// How many attempts there may be at the most; `None`: no bound.
    pub attempts: Option<u32>,
    /// Whether the wait is drawn at random below its bound (`true`, the default) or is the bound itself.
    pub jitter: bool,
}

impl Retry {
    /// From 100 ms to 30 s, without end, with full jitter.
    pub const DEFAULT: Self =
        Self { initial: Duration::from_millis(100), max: Duration::from_secs(30), attempts: None, jitter: true };
}

/// The durable point before a call.
#[derive(Debug)]
pub struct State {
    /// The durable name: the step's, or what `#[state("..")]` says.
    pub name: &'static str,
    /// What is called or waited for here.
    pub work: Work,
    /// The slots that are saved here: indices into [`Flow::slots`].
    pub live: &'static [usize],
    /// A hash of what a build must agree on to resume here: the step, its argument names, the live locals.
    pub fingerprint: &'static str,
}

/// What a state is the point before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A call of a step: an index into [`Definition::steps`].
    Step(usize),
    /// A call of an inner flow: an index into [`Definition::flows`].
    Flow(usize),
    /// Branches that run at the same time (`join!`), in the order of the source.
    Join(&'static [Branch]),
    /// The same branch for each item of a collection, so many at a time (`cx.join_all`).
    Each(Branch),
    /// A time (`cx.sleep`, `cx.sleep_until`).
    Sleep,
    /// The first of these signals to come, or a time: indices into [`Definition::signals`] (`cx.wait`).
    Wait(&'static [usize]),
    /// Another saga: an index into [`Definition::children`] (`cx.child`, `cx.launch`).
    Child(usize),
    /// A signal for another saga's instance (`cx.send`).
    Send,
}

/// A branch of a join: one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// Of a step: an index into [`Definition::steps`].
    Step(usize),
    /// Of an inner flow: an index into [`Definition::flows`].
    Flow(usize),
}

impl State {
    /// The step that is called here, if it is one step that is.
    pub fn step(&self) -> Option<usize> {
        match self.work {
            Work::Step(step) => Some(step),
            _ => None,
        }
    }
}

/// A node of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// Where every instance begins.
    Start,
    /// A state: an index into [`Flow::states`].
    Call(usize),
    /// A decision of the flow; the text is the condition as written.
    Branch(&'static str),
    /// The head of a loop; the text is its header as written (e.g. `for line in &order.lines`).
    Loop(&'static str),
    /// The flow returned `Ok`.
    Completed,
    /// The flow returned `Err`: what completed is undone.
    Unwinds,
}

/// An edge of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// An index into [`Flow::nodes`].
    pub from: usize,
    /// An index into [`Flow::nodes`].
    pub to: usize,
    /// The case in which this edge is taken (e.g. `yes`, `Ok(charge)`, `each`, `done`), or nothing.
    pub label: &'static str,
    /// What kind of way it is.
    pub kind: EdgeKind,
}

// For generated code.
#[doc(hidden)]
impl Edge {
    pub const fn next(from: usize, to: usize, label: &'static str) -> Self {
        Self { from, to, label, kind: EdgeKind::Next }
    }
    pub const fn refused(from: usize, to: usize, label: &'static str) -> Self {
        Self { from, to, label, kind: EdgeKind::Refused }
    }
    pub const fn back(from: usize, to: usize, label: &'static str) -> Self {
        Self { from, to, label, kind: EdgeKind::Back }
    }
}

/// What kind of way an edge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// Onward.
    Next,
    /// Taken on a refusal or exhaustion only (the `Err` side of a call).
    Refused,
    /// Back to the head of a loop.
    Back,
}
