//! The verbs that start another saga.

use super::{
    FlowContext,
    span::{Span, plain},
};
use crate::{failure::Failure, machine::Saga};
use std::time::SystemTime;

impl FlowContext {
    /// Calls another saga and waits for its end, as for a step's: `cx.child::<Checkout>(order).forever().await?`.
    ///
    /// The child has an id derived from this instance's, a timeline of its own, and is cancelled with its parent. It says how
    /// long it may take: [`within`](Child::within), [`until`](Child::until), [`forever`](Child::forever). If this instance
    /// unwinds after the child has completed, the child is undone as a whole; a saga that cannot be stands after the pivot,
    /// or its completion is the pivot ([`pivot`](Child::pivot)).
    pub fn child<S: Saga>(&self, input: S::Input) -> Child<'_, S> {
        Child { cx: self, input }
    }

    /// Starts another saga and does not wait for it; gives its id.
    ///
    /// It is started with the commit of this call, once. It is neither undone nor cancelled with this instance: for that, see
    /// [`child`](Self::child).
    pub async fn launch<S: Saga>(&self, input: S::Input) -> String {
        std::future::ready(self.detached.launch::<S>(&input)).await
    }
}

/// A call of another saga, which has not said yet how long it may take.
#[must_use = "say how long it may take, and await it: `.within(\"1h\").await`, `.forever().await`"]
pub struct Child<'c, S: Saga> {
    cx: &'c FlowContext,
    input: S::Input,
}

impl<S: Saga> Child<'_, S> {
    /// Its completion is this saga's point of no return: needed before the pivot, for a saga that cannot be undone as a
    /// whole.
    pub fn pivot(self) -> Self {
        self
    }

    /// So long at the most: it is the child's deadline, and past it the child unwinds.
    ///
    /// # Errors
    /// The child was refused, or its time ran out and it has been undone.
    ///
    /// # Panics
    /// In the plain method: for a text that is no duration, and if no such child was put in beforehand.
    pub async fn within(self, span: impl Span) -> Result<S::Output, Failure<S::Refusal>> {
        plain(span);
        self.forever().await
    }

    /// Until this moment at the most, by [`FlowContext::now`]'s clock.
    ///
    /// # Errors
    /// The child was refused, or its time ran out and it has been undone.
    ///
    /// # Panics
    /// In the plain method, if no such child was put in beforehand.
    pub async fn until(self, _: SystemTime) -> Result<S::Output, Failure<S::Refusal>> {
        self.forever().await
    }

    /// However long it takes.
    ///
    /// # Errors
    /// The child was refused.
    ///
    /// # Panics
    /// In the plain method, if no such child was put in beforehand.
    pub async fn forever(self) -> Result<S::Output, Failure<S::Refusal>> {
        std::future::ready(self.cx.detached.child::<S>(self.input)).await
    }
}

impl<S: Saga> std::fmt::Debug for Child<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Child").field(&S::DEFINITION.name).finish()
    }
}
