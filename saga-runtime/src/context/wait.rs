//! The verbs of time and of messages.

use super::{
    FlowContext,
    signal::{Elapsed, Signal, Signals},
    span::{Span, plain},
};
use crate::machine::{NotSent, Persist, Saga};
use std::time::{Duration, SystemTime};

impl FlowContext {
    /// Waits so long: `cx.sleep("3d").await`, or a [`Duration`]. A sleeping instance is a row in the store, not a task.
    ///
    /// # Panics
    /// In the plain method, for a text that is no duration.
    ///
    /// # Cancel safety
    /// In the plain method the wait is over when it is dropped.
    pub async fn sleep(&self, span: impl Span) {
        tokio::time::sleep(plain(span)).await;
    }

    /// Waits until this moment, by [`now`](Self::now)'s clock; not at all if it has passed.
    ///
    /// # Cancel safety
    /// In the plain method the wait is over when it is dropped.
    pub async fn sleep_until(&self, at: SystemTime) {
        tokio::time::sleep(self.left(at)).await;
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
    pub async fn send<S: Saga, T: Persist>(
        &self,
        id: impl AsRef<str> + Send,
        signal: Signal<S, T>,
        value: T,
    ) -> Result<(), NotSent> {
        self.detached.send(S::DEFINITION.name, id.as_ref(), signal.name(), &value);
        std::future::ready(Ok(())).await
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

impl<S: Signals> Wait<'_, S> {
    /// So long at the most.
    ///
    /// # Errors
    /// The time came first.
    ///
    /// # Panics
    /// In the plain method, for a text that is no duration.
    pub async fn within(self, span: impl Span) -> Result<S::Value, Elapsed> {
        self.at_most(plain(span)).await
    }

    /// Until this moment, by [`FlowContext::now`]'s clock.
    ///
    /// # Errors
    /// The time came first.
    pub async fn until(self, at: SystemTime) -> Result<S::Value, Elapsed> {
        let span = self.cx.left(at);
        self.at_most(span).await
    }

    /// However long it takes.
    ///
    /// # Panics
    /// In the plain method, where a signal that was not put in beforehand never comes.
    #[expect(clippy::panic, reason = "in a test, which would hang")]
    pub async fn forever(self) -> S::Value {
        match self.cx.detached.received(&self.signals) {
            Some(value) => std::future::ready(value).await,
            None => panic!(
                "nobody sends `{}` here: put it in beforehand, with `FlowContext::detached().with_signal(..)`",
                self.signals.names().join("`, `")
            ),
        }
    }

    async fn at_most(self, span: Duration) -> Result<S::Value, Elapsed> {
        if let Some(value) = self.cx.detached.received(&self.signals) {
            return Ok(value);
        }
        tokio::time::sleep(span).await;
        Err(Elapsed)
    }
}
