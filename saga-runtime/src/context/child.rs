//! The verbs that start another saga.

use super::{
    FlowContext,
    span::Span,
    verb::{Ends, Verb, after},
};
use crate::{
    failure::Failure,
    machine::{Saga, Until},
};
use std::time::SystemTime;

/// Another saga, as it is asked for.
pub struct Calling<'c, S: Saga> {
    cx: &'c FlowContext,
    pub(crate) input: S::Input,
    pub(crate) ends: Ends,
}

/// A call of another saga, how long it may take being said.
type Called<'c, S> = Verb<'c, Calling<'c, S>, Result<<S as Saga>::Output, Failure<<S as Saga>::Refusal>>>;

impl FlowContext {
    /// Calls another saga and waits for its end, as for a step's: `cx.child::<Checkout>(order).forever().await?`.
    ///
    /// The child has an id derived from this instance's, a timeline of its own, and is cancelled with its parent. It says how
    /// long it may take: [`within`](Child::within), [`until`](Child::until), [`forever`](Child::forever). If this instance
    /// unwinds after the child has completed, the child is undone as a whole; a saga that cannot be stands after the pivot,
    /// or its completion is the pivot ([`pivot`](Child::pivot)). What somebody skips of a child's undo is owed by this instance, too:
    /// its flow is not told that the child failed, since that would promise that nothing is left; it gives up.
    pub fn child<S: Saga>(&self, input: S::Input) -> Child<'_, S> {
        Child { cx: self, input }
    }

    /// Starts another saga and does not wait for it; gives its id.
    ///
    /// It is started with the commit of this call, once. It is neither undone nor cancelled with this instance: for that, see
    /// [`child`](Self::child).
    pub fn launch<S: Saga>(&self, input: S::Input) -> Verb<'_, Calling<'_, S>, String> {
        Verb::new(Calling { cx: self, input, ends: None }, |asked| {
            Box::pin(std::future::ready(asked.cx.detached.launch::<S>(&asked.input)))
        })
    }
}

/// A call of another saga, which has not said yet how long it may take.
#[must_use = "say how long it may take, and await it: `.within(\"1h\").await`, `.forever().await`"]
pub struct Child<'c, S: Saga> {
    cx: &'c FlowContext,
    input: S::Input,
}

impl<'c, S: Saga> Child<'c, S> {
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
    pub fn within(self, span: impl Span) -> Called<'c, S> {
        self.ends(Some(after(span)))
    }

    /// Until this moment at the most, by [`FlowContext::now`]'s clock.
    ///
    /// # Errors
    /// The child was refused, or its time ran out and it has been undone.
    ///
    /// # Panics
    /// In the plain method, if no such child was put in beforehand.
    pub fn until(self, at: SystemTime) -> Called<'c, S> {
        self.ends(Some(Ok(Until::At(at))))
    }

    /// However long it takes.
    ///
    /// # Errors
    /// The child was refused.
    ///
    /// # Panics
    /// In the plain method, if no such child was put in beforehand.
    pub fn forever(self) -> Called<'c, S> {
        self.ends(None)
    }

    fn ends(self, ends: Ends) -> Called<'c, S> {
        Verb::new(Calling { cx: self.cx, input: self.input, ends }, |asked| Box::pin(std::future::ready(asked.end())))
    }
}

impl<S: Saga> Calling<'_, S> {
    #[expect(clippy::panic, reason = "in a test, where the mistake is the test's own")]
    fn end(self) -> Result<S::Output, Failure<S::Refusal>> {
        if let Some(Err(reason)) = self.ends {
            panic!("{reason}");
        }
        self.cx.detached.child::<S>(self.input)
    }
}

impl<S: Saga> std::fmt::Debug for Calling<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Calling").field(&S::DEFINITION.name).finish()
    }
}

impl<S: Saga> std::fmt::Debug for Child<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Child").field(&S::DEFINITION.name).finish()
    }
}
