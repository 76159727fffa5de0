//! Group commit: one writer that takes whatever is ready the moment the last commit ends.
//!
//! Under load one transaction, and one wait for the disk, serves hundreds of instances; alone a write waits for nobody.
//! There is no timer. The committer also keeps the promises of a store that is away for a while: results that are to be
//! written are kept and written when it returns, starts fail at once with the cause, and a commit whose answer was lost is
//! read back.

use super::{Epoch, Store, StoreError, Write, Written, after};
use crate::planted::{Mistake, is_planted};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

mod readback;
mod task;

pub(crate) use readback::read_back;

#[cfg(test)]
mod tests;

/// At most so many writes are in one transaction.
const BATCH: usize = 1024;
/// A batch takes no further write once its events are this long.
const BATCH_BYTES: usize = 16 << 20;
/// How long the first pause is when the store is away; each one is twice as long as the one before it.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A handle of the one writer of a worker's life. Clones are handles of the same one.
///
/// When the last handle is gone, what was queued is written, and the writer ends.
#[derive(Clone)]
pub struct Committer {
    queue: mpsc::UnboundedSender<Message>,
    health: watch::Receiver<Health>,
}

/// Whether writes get through.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// They do, as far as anyone knows.
    Available,
    /// They do not: the store is away, for this reason. No new effect should begin meanwhile.
    Unavailable(Box<str>),
    /// Another worker has taken over. This is for ever.
    Fenced,
    /// The committer has ended. This is for ever.
    Stopped,
}

/// Why a write was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitError {
    /// Another worker has taken over: nothing that this one writes changes anything any more.
    Fenced,
    /// The store is away, for this reason, and nothing was written. Appends get this only while the committer shuts down:
    /// otherwise they are kept until they are written.
    Unavailable(Box<str>),
    /// This write cannot be written as it is. The others of its batch were.
    Rejected(Box<str>),
    /// The committer has ended. Whether the write was written is known by reading only.
    Stopped,
}

/// A write that was handed over: what became of it, once that is known.
#[derive(Debug)]
#[must_use = "it is written either way; whether it could be is said here only"]
pub struct Writing {
    written: oneshot::Receiver<Result<Written, CommitError>>,
    health: watch::Receiver<Health>,
    /// The mistake that is planted as [`Mistake::AnsweredBeforeCommit`].
    at_once: bool,
}

impl Future for Writing {
    type Output = Result<Written, CommitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.at_once {
            return Poll::Ready(Ok(Written::Appended));
        }
        Pin::new(&mut self.written).poll(cx).map(|answer| match answer {
            Ok(result) => result,
            Err(_) if *self.health.borrow() == Health::Fenced => Err(CommitError::Fenced),
            Err(_) => Err(CommitError::Stopped),
        })
    }
}

#[expect(clippy::large_enum_variant, reason = "nearly all of them are writes")]
enum Message {
    Write(Write, oneshot::Sender<Result<Written, CommitError>>),
    Shutdown(Instant),
}

impl Committer {
    /// Starts the writer of this epoch, as a task of the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(store: Arc<dyn Store>, epoch: Epoch) -> Self {
        let (queue, receiver) = mpsc::unbounded_channel();
        let (publish, health) = watch::channel(Health::Available);
        tokio::spawn(task::run(store, epoch, receiver, publish));
        Self { queue, health }
    }

    /// Hands over a write, at once; the future says what became of it.
    ///
    /// Writes are written in the order in which they were handed over, so an instance's next write may be handed over
    /// before the answer to the last one is there.
    ///
    /// # Cancel safety
    /// What was handed over is written, also if the future is dropped.
    pub fn write(&self, write: Write) -> Writing {
        let (answer, written) = oneshot::channel();
        let at_once = matches!(write, Write::Append(_)) && is_planted(Mistake::AnsweredBeforeCommit);
        // If the writer has ended, this drops the sender, and the receiver says so.
        let _ = self.queue.send(Message::Write(write, answer));
        Writing { written, health: self.health.clone(), at_once }
    }

    /// Whether writes get through, now and whenever it changes.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Writes what was handed over before, and ends; writes handed over later get [`CommitError::Stopped`].
    ///
    /// If the store is away, it is tried for as long as `limit` says; what could not be written by then gets
    /// [`CommitError::Unavailable`].
    pub async fn shutdown(&self, limit: Duration) {
        let _ = self.queue.send(Message::Shutdown(after(limit)));
        let mut health = self.health.clone();
        // An error says that the writer is gone, which is what is waited for.
        let _ = health.wait_for(|health| matches!(health, Health::Fenced | Health::Stopped)).await;
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").field("health", &*self.health.borrow()).finish_non_exhaustive()
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced => StoreError::Fenced.fmt(f),
            Self::Unavailable(reason) => write!(f, "the store is not available: {reason}"),
            Self::Rejected(reason) => write!(f, "this cannot be written: {reason}"),
            Self::Stopped => f.write_str("the runtime has shut down"),
        }
    }
}

impl std::error::Error for CommitError {}
