//! Named points around every write and every effect, so that tests can end the process there.

use crate::core::Event;
use std::{fmt, ops::ControlFlow, sync::Arc};

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

/// What kinds of points there are, each with what it can be about.
macro_rules! kinds {
    ($($kind:ident: $name:literal, about $about:expr;)+) => {
        #[derive(Debug, Clone, Copy)]
        enum Kind {
            $($kind),+
        }

        impl Kind {
            const ALL: &[Self] = &[$(Self::$kind),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name),+
                }
            }

            fn about(self) -> Vec<&'static str> {
                match self {
                    $(Self::$kind => $about),+
                }
            }
        }
    };
}

kinds! {
    BeforeCommit: "before commit", about committed();
    AfterCommit: "after commit", about committed();
    BeforeAttempt: "before attempt", about ATTEMPTS.to_vec();
    AfterAttempt: "after attempt", about ATTEMPTS.to_vec();
}

/// What is attempted.
const ATTEMPTS: [&str; 2] = ["step", "undo"];

/// A commit without rows.
const NO_ROWS: &str = "letting go";

/// What a commit can be of.
fn committed() -> Vec<&'static str> {
    Event::kinds().chain([NO_ROWS]).collect()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Point<'_> {
    /// What this point is called: a commit of several rows has the name of each.
    #[doc(hidden)]
    pub fn names(&self) -> Vec<String> {
        // Without `_`: a new kind of point has to say what it is called, and is in the table by that.
        let (kind, about) = match *self {
            Self::BeforeCommit { events: [], .. } => (Kind::BeforeCommit, vec![NO_ROWS]),
            Self::AfterCommit { events: [], .. } => (Kind::AfterCommit, vec![NO_ROWS]),
            Self::BeforeCommit { events, .. } => (Kind::BeforeCommit, events.to_vec()),
            Self::AfterCommit { events, .. } => (Kind::AfterCommit, events.to_vec()),
            Self::BeforeAttempt { undo, .. } => (Kind::BeforeAttempt, vec![ATTEMPTS[usize::from(undo)]]),
            Self::AfterAttempt { undo, .. } => (Kind::AfterAttempt, vec![ATTEMPTS[usize::from(undo)]]),
        };
        let mut names: Vec<String> = about.into_iter().map(|about| format!("{kind}: {about}")).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The name of every point that the engine has.
    #[doc(hidden)]
    pub fn table() -> Vec<String> {
        let of = |kind: &Kind| {
            let kind = *kind;
            kind.about().into_iter().map(move |about| format!("{kind}: {about}"))
        };
        Kind::ALL.iter().flat_map(of).collect()
    }
}

/// What is asked at every point; `Break` ends this worker's life there, as a crash would.
pub type Observer = Arc<dyn Fn(Point<'_>) -> ControlFlow<()> + Send + Sync>;
