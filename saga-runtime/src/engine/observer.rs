//! Named points around every write and every effect, so that tests can end the process there.

use std::{ops::ControlFlow, sync::Arc};

/// A point in the engine's life at which a crash makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Point<'a> {
    /// These rows of this instance are about to be committed.
    BeforeCommit {
        /// The instance's id.
        instance: &'a str,
        /// The kinds of the rows.
        events: &'a [&'static str],
    },
    /// They are durable.
    AfterCommit {
        /// The instance's id.
        instance: &'a str,
        /// The kinds of the rows.
        events: &'a [&'static str],
    },
    /// An attempt is about to be made.
    BeforeAttempt {
        /// The instance's id.
        instance: &'a str,
        /// The state.
        state: &'a str,
        /// Whether it is the compensation's.
        undo: bool,
        /// Which, from 1.
        attempt: u32,
    },
    /// It has ended, and its answer is not recorded.
    AfterAttempt {
        /// The instance's id.
        instance: &'a str,
        /// The state.
        state: &'a str,
        /// Whether it is the compensation's.
        undo: bool,
        /// Which, from 1.
        attempt: u32,
    },
}

/// What is asked at every point; `Break` ends this worker's life there, as a crash would.
pub type Observer = Arc<dyn Fn(Point<'_>) -> ControlFlow<()> + Send + Sync>;
