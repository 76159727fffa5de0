//! What a step and a flow are told about where they run, and the verbs that a flow has.

mod child;
mod detached;
mod join;
mod labels;
mod signal;
mod span;
mod transaction;
mod verb;
mod wait;

pub use self::{
    child::{Calling, Child},
    join::{Branches, Common, join2, join3, join4, join5, join6, join7, join8},
    labels::Labels,
    signal::{Elapsed, OneOf2, OneOf3, OneOf4, Signal, Signals},
    span::Span,
    verb::Verb,
    wait::{Sending, Wait, Waiting},
};

pub(crate) use self::transaction::Held;
#[cfg(feature = "postgres")]
pub use self::transaction::PostgresTransaction;
#[cfg(feature = "sqlite")]
pub use self::transaction::SqliteTransaction;

use crate::clock::Clock;
use detached::Detached;
use std::{
    borrow::Cow,
    ops::Deref,
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// What one attempt of a step, or of a compensation, is told.
#[derive(Debug)]
pub struct StepContext {
    pub(crate) ids: Arc<Ids>,
    pub(crate) state: Cow<'static, str>,
    pub(crate) key: Arc<str>,
    pub(crate) undoes: Option<Arc<str>>,
    pub(crate) attempt: u32,
    pub(crate) deadline: Instant,
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        expect(dead_code, reason = "read as the type of a database")
    )]
    pub(crate) held: Held,
}

/// Which instance this is.
#[derive(Debug)]
pub(crate) struct Ids {
    pub(crate) saga: Box<str>,
    pub(crate) instance: Box<str>,
}

impl StepContext {
    /// A context for an executor of a test.
    #[doc(hidden)]
    pub fn for_test(state: &str, attempt: u32) -> Self {
        Self {
            ids: Arc::new(Ids { saga: "test".into(), instance: "test".into() }),
            state: Cow::Owned(state.to_owned()),
            key: state.into(),
            undoes: None,
            attempt,
            deadline: Instant::now() + Duration::from_secs(30),
            held: Held::default(),
        }
    }

    /// The idempotency key of this call: visible ASCII, at most 64 characters, safe in an HTTP header.
    ///
    /// Every attempt of one call carries the same key, also after a crash and on another worker; each call has its own,
    /// turns of a loop too. A compensation has its own, other than its step's.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// In a compensation: the key of the call that it undoes. Send it along, so that the participant can refuse that call
    /// should it arrive late.
    pub fn undoes(&self) -> Option<&str> {
        self.undoes.as_deref()
    }

    /// Which attempt of this call it is, from 1. Attempts lost in a crash count.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When this attempt is given up and dropped.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long this attempt has left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The saga's durable name.
    pub fn saga(&self) -> &str {
        &self.ids.saga
    }

    /// The instance's id, as given to `start`.
    pub fn instance(&self) -> &str {
        &self.ids.instance
    }

    /// The name of the state: the step's, unless `#[state("..")]` says otherwise.
    pub fn state(&self) -> &str {
        &self.state
    }
}

/// What the flow is told, and what it hands to its steps; and the flow's own verbs.
///
/// `&FlowContext` coerces to `&StepContext` where a step is called, and never back: a step cannot spell the flow's
/// verbs. Run by a saga runtime, each attempt of a step gets a context of its own in its place, and each verb that is awaited
/// is a durable state of the instance.
#[derive(Debug)]
pub struct FlowContext {
    ids: Arc<Ids>,
    /// Each coercion mints a context, or the first one does for a machine; they live as long as this one, since references to
    /// them may.
    minted: Minted,
    labels: Labels,
    /// The runtime's clock; outside a runtime it is tokio's.
    clock: Option<Arc<dyn Clock>>,
    /// What the verbs do where the flow runs as the plain method.
    detached: Detached,
    /// What stands for the transaction of its steps there.
    held: Held,
}

impl FlowContext {
    pub(crate) fn new(saga: &str, instance: &str) -> Self {
        let ids = Arc::new(Ids { saga: saga.into(), instance: instance.into() });
        Self {
            ids,
            minted: Minted::default(),
            labels: Labels::default(),
            clock: None,
            detached: Detached::default(),
            held: Held::default(),
        }
    }

    /// A context for an executor: with its clock, and with the place where labels are put until it takes them.
    #[doc(hidden)]
    pub fn for_executor(saga: &str, instance: &str, clock: Arc<dyn Clock>, labels: Labels) -> Self {
        Self { labels, clock: Some(clock), ..Self::new(saga, instance) }
    }

    /// A context outside any runtime, for calling a flow or a step as the plain method it is.
    ///
    /// At each coercion to `&StepContext` a fresh one is minted, with a key of its own, on its first attempt, 30 s before its
    /// deadline. Sleeps are made by tokio's clock, which a test can pause; the signals that a flow waits for, and the sagas
    /// that it calls, are put in beforehand ([`with_signal`](Self::with_signal), [`with_child`](Self::with_child)).
    ///
    /// ```
    /// use saga_runtime::{StepContext, testing::FlowContext};
    ///
    /// fn key(cx: &StepContext) -> String {
    ///     cx.key().to_owned()
    /// }
    ///
    /// let cx = FlowContext::detached();
    /// assert_ne!(key(&cx), key(&cx));
    /// ```
    pub fn detached() -> Self {
        Self::new("detached", &uuid::Uuid::now_v7().simple().to_string())
    }

    /// This moment, by the runtime's clock: the one that its timers use.
    ///
    /// In a test without a runtime it is tokio's clock, so that a paused time stands still here as well.
    pub fn now(&self) -> SystemTime {
        match &self.clock {
            Some(clock) => UNIX_EPOCH + Duration::from_micros(u64::try_from(clock.now()).unwrap_or(0)),
            None => self.detached.now(),
        }
    }

    /// Gives the instance a label, by which it is found in lists; it is durable with the instance's next commit.
    ///
    /// A label that is set again has its newest value.
    ///
    /// ```
    /// use saga_runtime::testing::FlowContext;
    ///
    /// let cx = FlowContext::detached();
    /// cx.set_label("customer", "c-7");
    /// assert_eq!(cx.labels().get("customer").map(String::as_str), Some("c-7"));
    /// ```
    pub fn set_label(&self, key: impl Into<String>, value: impl std::fmt::Display) {
        self.labels.put(key.into(), Some(value.to_string()));
    }

    /// Takes a label away again, with the instance's next commit.
    pub fn remove_label(&self, key: impl Into<String>) {
        self.labels.put(key.into(), None);
    }

    /// The saga's durable name.
    pub fn saga(&self) -> &str {
        &self.ids.saga
    }

    /// The instance's id, as given to `start`.
    pub fn instance(&self) -> &str {
        &self.ids.instance
    }
}

impl Deref for FlowContext {
    type Target = StepContext;

    fn deref(&self) -> &StepContext {
        let mint = || StepContext {
            ids: Arc::clone(&self.ids),
            state: Cow::Borrowed(""),
            key: uuid::Uuid::now_v7().simple().to_string().into(),
            undoes: None,
            attempt: 1,
            deadline: Instant::now() + Duration::from_secs(30),
            held: self.held.clone(),
        };
        // A machine only says where the step's own context goes.
        if self.clock.is_some() { self.minted.first(mint) } else { self.minted.push(mint()) }
    }
}

/// A list that only grows, so that references into it stay good while it does.
#[derive(Debug, Default)]
struct Minted(OnceLock<Box<(StepContext, Minted)>>);

impl Minted {
    fn first(&self, mint: impl FnOnce() -> StepContext) -> &StepContext {
        &self.0.get_or_init(|| Box::new((mint(), Self::default()))).0
    }

    fn push(&self, cx: StepContext) -> &StepContext {
        let mut cx = Some(cx);
        let mut end = self;
        loop {
            // Whoever loses a race for the end goes on to the next one with its context still in hand.
            let node = end.0.get_or_init(|| Box::new((cx.take().expect("taken once"), Minted::default())));
            match cx {
                None => return &node.0,
                Some(_) => end = &node.1,
            }
        }
    }
}
