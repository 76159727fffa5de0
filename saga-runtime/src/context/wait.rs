//! The verbs of time and of messages.

use super::{
    FlowContext,
    signal::{Elapsed, Signal, Signals},
    span::Span,
    verb::{Ends, Verb, after},
};
use crate::machine::{NotSent, Persist, Saga, Until};
use std::time::{Duration, SystemTime};

/// A wait, as it is asked for: for a time, or for signals.
#[derive(Debug)]
pub struct Waiting<'c, S> {
    cx: &'c FlowContext,
    signals: S,
    pub(crate) ends: Ends,
}

/// A signal for another saga, as it is asked for.
#[derive(Debug)]
pub struct Sending<'c, S, T> {
    cx: &'c FlowContext,
    pub(crate) id: Box<str>,
    pub(crate) signal: Signal<S, T>,
    pub(crate) value: T,
}

impl FlowContext {
    /// Waits so long: `cx.sleep("3d").await`, or a [`Duration`]. A sleeping instance is a row in the store, not a task.
    ///
    /// # Panics
    /// In the plain method, for a text that is no duration.
    ///
    /// # Cancel safety
    /// In the plain method the wait is over when it is dropped.
    pub fn sleep(&self, span: impl Span) -> Verb<'_, Waiting<'_, ()>, ()> {
        Waiting { cx: self, signals: (), ends: Some(after(span)) }.sleeps()
    }

    /// Waits until this moment, by [`now`](Self::now)'s clock; not at all if it has passed.
    ///
    /// # Cancel safety
    /// In the plain method the wait is over when it is dropped.
    pub fn sleep_until(&self, at: SystemTime) -> Verb<'_, Waiting<'_, ()>, ()> {
        Waiting { cx: self, signals: (), ends: Some(Ok(Until::At(at))) }.sleeps()
    }

    /// Waits for a signal, or for the first of two to four: `cx.wait(Self::DECIDED).within("2d").await`,
    /// `cx.wait((Self::DECIDED, Self::WITHDRAWN)).forever().await`.
    ///
    /// It says how long: [`within`](Wait::within), [`until`](Wait::until), [`forever`](Wait::forever). A signal that came
    /// before it was waited for is there; one that came at the very moment when the time was over counts if it was stored
    /// before that moment.
    pub fn wait<S: Signals>(&self, signals: S) -> Wait<'_, S> {
        Wait { cx: self, signals }
    }

    /// Sends a signal to an instance of another saga, or of this one: it counts once, however often this instance is resumed.
    ///
    /// ```
    /// # use saga_runtime::prelude::*;
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct No;
    /// # struct Approval;
    /// #[saga]
    /// impl Approval {
    ///     #[signal]
    ///     pub const DECIDED: Signal<Self, bool> = Signal::new("decided");
    ///     # #[flow]
    ///     # async fn run(&self, cx: &FlowContext, _input: ()) -> Result<bool, Unwind<No>> {
    ///     #     Ok(cx.wait(Self::DECIDED).forever().await)
    ///     # }
    ///     // ..
    /// }
    ///
    /// struct Clerk;
    ///
    /// #[saga]
    /// impl Clerk {
    ///     #[flow]
    ///     async fn run(&self, cx: &FlowContext, request: String) -> Result<bool, Unwind<No>> {
    ///         let sent = cx.send::<Approval, _>(&request, Approval::DECIDED, true).await;
    ///         Ok(sent.is_ok())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The instance is unknown or has ended. In the plain method never.
    #[expect(clippy::needless_pass_by_value, reason = "so that a text and a reference to one are taken alike")]
    pub fn send<S: Saga, T: Persist>(
        &self,
        id: impl AsRef<str> + Send,
        signal: Signal<S, T>,
        value: T,
    ) -> Verb<'_, Sending<'_, S, T>, Result<(), NotSent>> {
        Verb::new(Sending { cx: self, id: id.as_ref().into(), signal, value }, |asked| {
            asked.cx.detached.send(S::DEFINITION.name, &asked.id, asked.signal.name(), &asked.value);
            Box::pin(std::future::ready(Ok(())))
        })
    }

    fn left(&self, at: SystemTime) -> Duration {
        at.duration_since(self.now()).unwrap_or_default()
    }
}

/// A wait for signals, which has not said yet how long it may last.
#[must_use = "say how long it waits, and await it: `.within(\"2d\").await`, `.forever().await`"]
#[derive(Debug)]
pub struct Wait<'c, S> {
    cx: &'c FlowContext,
    signals: S,
}

impl<'c, S: Signals + 'c> Wait<'c, S> {
    /// So long at the most.
    ///
    /// # Errors
    /// The time came first.
    ///
    /// # Panics
    /// In the plain method, for a text that is no duration.
    pub fn within(self, span: impl Span) -> Verb<'c, Waiting<'c, S>, Result<S::Value, Elapsed>> {
        self.ends(Some(after(span))).at_most()
    }

    /// Until this moment, by [`FlowContext::now`]'s clock.
    ///
    /// # Errors
    /// The time came first.
    pub fn until(self, at: SystemTime) -> Verb<'c, Waiting<'c, S>, Result<S::Value, Elapsed>> {
        self.ends(Some(Ok(Until::At(at)))).at_most()
    }

    /// However long it takes.
    ///
    /// # Panics
    /// In the plain method, where a signal that was not put in beforehand never comes.
    pub fn forever(self) -> Verb<'c, Waiting<'c, S>, S::Value> {
        Verb::new(self.ends(None), |asked| Box::pin(async move { asked.in_the_end() }))
    }

    fn ends(self, ends: Ends) -> Waiting<'c, S> {
        Waiting { cx: self.cx, signals: self.signals, ends }
    }
}

impl<'c> Waiting<'c, ()> {
    fn sleeps(self) -> Verb<'c, Self, ()> {
        Verb::new(self, |asked| Box::pin(async move { tokio::time::sleep(asked.span()).await }))
    }
}

impl<'c, S: Signals + 'c> Waiting<'c, S> {
    fn at_most(self) -> Verb<'c, Self, Result<S::Value, Elapsed>> {
        Verb::new(self, |asked| {
            Box::pin(async move {
                if let Some(value) = asked.cx.detached.received(&asked.signals) {
                    return Ok(value);
                }
                tokio::time::sleep(asked.span()).await;
                Err(Elapsed)
            })
        })
    }

    #[expect(clippy::panic, reason = "in a test, which would hang")]
    fn in_the_end(&self) -> S::Value {
        self.cx.detached.received(&self.signals).unwrap_or_else(|| {
            panic!(
                "nobody sends `{}` here: put it in beforehand, with `FlowContext::detached().with_signal(..)`",
                self.signals.names().join("`, `")
            )
        })
    }
}

impl<S> Waiting<'_, S> {
    /// How long that is, in the plain method.
    #[expect(clippy::panic, reason = "in a test, where the mistake is the test's own")]
    fn span(&self) -> Duration {
        match &self.ends {
            Some(Ok(Until::After(span))) => *span,
            Some(Ok(Until::At(at))) => self.cx.left(*at),
            Some(Err(reason)) => panic!("{reason}"),
            None => Duration::MAX,
        }
    }
}
