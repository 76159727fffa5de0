//! What a step and a flow are told about where they run.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

/// What one attempt of a step, or of a compensation, is told.
#[derive(Debug)]
pub struct StepContext {
    pub(crate) ids: Arc<Ids>,
    pub(crate) state: Box<str>,
    pub(crate) key: Box<str>,
    pub(crate) undoes: Option<Box<str>>,
    pub(crate) attempt: u32,
    pub(crate) deadline: Instant,
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
            state: state.into(),
            key: state.into(),
            undoes: None,
            attempt,
            deadline: Instant::now() + Duration::from_secs(30),
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

/// What the flow is told, and what it hands to its steps.
///
/// `&FlowContext` coerces to `&StepContext` where a step is called, and never back: a step cannot spell the flow's
/// verbs. Run by a saga runtime, each attempt of a step gets a context of its own in its place.
#[derive(Debug)]
pub struct FlowContext {
    ids: Arc<Ids>,
    /// Each coercion mints a context; they live as long as this one, since references to them may.
    minted: Minted,
}

impl FlowContext {
    pub(crate) fn new(saga: &str, instance: &str) -> Self {
        let ids = Arc::new(Ids { saga: saga.into(), instance: instance.into() });
        Self { ids, minted: Minted::default() }
    }

    /// A context outside any runtime, for calling a flow or a step as the plain method it is.
    ///
    /// At each coercion to `&StepContext` a fresh one is minted, with a key of its own, on its first attempt, 30 s before its
    /// deadline.
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
        self.minted.push(StepContext {
            ids: Arc::clone(&self.ids),
            state: Box::default(),
            key: uuid::Uuid::now_v7().simple().to_string().into(),
            undoes: None,
            attempt: 1,
            deadline: Instant::now() + Duration::from_secs(30),
        })
    }
}

/// A list that only grows, so that references into it stay good while it does.
#[derive(Debug, Default)]
struct Minted(OnceLock<Box<(StepContext, Minted)>>);

impl Minted {
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
