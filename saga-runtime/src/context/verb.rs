//! What a flow awaits, before it is awaited: the plain method runs it, and the machine takes out of it what is asked for.

use super::span::Span;
use crate::machine::Until;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// A verb's future, in the plain method.
pub(super) type Running<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// Something that a flow waits for, with its arguments. Nothing has happened before it is awaited.
///
/// The flow as it stands and its machine call the same method with the same arguments, so that rustc says the same of both.
#[must_use = "nothing happens before it is awaited: `.await`"]
pub struct Verb<'c, A, T> {
    asked: Option<A>,
    run: fn(A) -> Running<'c, T>,
    running: Option<Running<'c, T>>,
}

impl<'c, A, T> Verb<'c, A, T> {
    pub(super) fn new(asked: A, run: fn(A) -> Running<'c, T>) -> Self {
        Self { asked: Some(asked), run, running: None }
    }

    /// What is asked for, for the machine, which never polls it.
    pub(crate) fn asked(self) -> Option<A> {
        self.asked
    }
}

// What is asked for is moved out before it is run, and what runs is pinned in a box of its own.
impl<A, T> Unpin for Verb<'_, A, T> {}

impl<A, T> Future for Verb<'_, A, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if let Some(asked) = self.asked.take() {
            self.running = Some((self.run)(asked));
        }
        match &mut self.running {
            Some(running) => running.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<A: fmt::Debug, T> fmt::Debug for Verb<'_, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verb").field(&self.asked).finish()
    }
}

/// When a wait ends, unless it never does; or why its text is no length of time.
pub(crate) type Ends = Option<Result<Until, String>>;

/// So long after it has begun.
pub(super) fn after(span: impl Span) -> Result<Until, String> {
    span.span().map(Until::After)
}
