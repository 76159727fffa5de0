//! Mistakes that a test plants in order to see that they are found: each of the trials has to be able to fail.
//!
//! Without the feature `planted` none of them is in the code.

/// A mistake that somebody might have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// A commit looks whether the worker's lease is there, and does not keep it so until it is over.
    LeaseWithoutLock,
    /// An effect begins before its call is durable.
    EffectBeforeRecord,
    /// A compensation that was done is run once more.
    UndoneTwice,
    /// The key of a call is made of its state, and not of which call of it it is.
    KeyOfStateAlone,
    /// A participant does what was undone before it came.
    NoBarrier,
    /// Somebody is answered before what he asked for is durable.
    AnsweredBeforeCommit,
    /// A step that may have happened is not undone.
    DoubtForgotten,
    /// After a crash the call that may have begun is taken for done.
    ResumedTooLate,
    /// An instance that is parked keeps its permit.
    ParkedKeepsPermit,
    /// Attempts begin although the lease may be over.
    LeaseIgnored,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::LeaseWithoutLock,
        Self::EffectBeforeRecord,
        Self::UndoneTwice,
        Self::KeyOfStateAlone,
        Self::NoBarrier,
        Self::AnsweredBeforeCommit,
        Self::DoubtForgotten,
        Self::ResumedTooLate,
        Self::ParkedKeepsPermit,
        Self::LeaseIgnored,
    ];

    /// What is wrong, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::LeaseWithoutLock => {
                "a commit looks whether the lease is there, and does not keep it until it is over"
            }
            Self::EffectBeforeRecord => "an effect begins before its arguments are committed",
            Self::UndoneTwice => "a compensation that was recorded runs once more",
            Self::KeyOfStateAlone => "a loop turn's key is made of the state alone",
            Self::NoBarrier => "a late request passes the participant's barrier",
            Self::AnsweredBeforeCommit => "the committer answers before it has committed",
            Self::DoubtForgotten => "a step that may have happened is not undone",
            Self::ResumedTooLate => "after a crash the call at hand is taken for done",
            Self::ParkedKeepsPermit => "an instance that is parked keeps its permit",
            Self::LeaseIgnored => "attempts begin although the lease may be over",
        }
    }

    /// Which promise it breaks, as the simulation names it.
    pub const fn breaks(self) -> &'static str {
        match self {
            Self::LeaseWithoutLock | Self::LeaseIgnored => "fence",
            Self::EffectBeforeRecord | Self::UndoneTwice | Self::KeyOfStateAlone | Self::AnsweredBeforeCommit => {
                "record first"
            }
            Self::NoBarrier | Self::DoubtForgotten | Self::ResumedTooLate => "all or none",
            Self::ParkedKeepsPermit => "ends",
        }
    }

    /// What it is called on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeaseWithoutLock => "lease-without-lock",
            Self::EffectBeforeRecord => "effect-before-record",
            Self::UndoneTwice => "undone-twice",
            Self::KeyOfStateAlone => "key-of-state-alone",
            Self::NoBarrier => "no-barrier",
            Self::AnsweredBeforeCommit => "answered-before-commit",
            Self::DoubtForgotten => "doubt-forgotten",
            Self::ResumedTooLate => "resumed-too-late",
            Self::ParkedKeepsPermit => "parked-keeps-permit",
            Self::LeaseIgnored => "lease-ignored",
        }
    }
}

#[cfg(feature = "planted")]
mod switch {
    use super::Mistake;
    use std::{
        cell::Cell,
        sync::atomic::{AtomicUsize, Ordering},
    };

    const NONE: usize = usize::MAX;

    static PLANTED: AtomicUsize = AtomicUsize::new(NONE);

    /// From now on this whole process makes this mistake; or none.
    pub fn plant(mistake: Option<Mistake>) {
        PLANTED.store(mistake.map_or(NONE, |mistake| mistake as usize), Ordering::Relaxed);
    }

    /// Whether this process makes it.
    pub fn is_planted(mistake: Mistake) -> bool {
        PLANTED.load(Ordering::Relaxed) == mistake as usize
    }

    thread_local! {
        static SNAPSHOTS: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// From now on what runs on this thread writes a snapshot every so many rows, and looks for those of others there; at least three.
    /// In place of every thousand, so that journals of a few rows are read from one, too. No mistake: nothing may be different.
    pub fn snapshot_every(rows: u64) {
        SNAPSHOTS.set(Some(rows.max(3)));
    }

    pub(crate) fn snapshots(otherwise: u64) -> u64 {
        SNAPSHOTS.get().unwrap_or(otherwise)
    }
}

#[cfg(feature = "planted")]
pub(crate) use switch::snapshots;
#[cfg(feature = "planted")]
pub use switch::{is_planted, plant, snapshot_every};

/// Every so many rows there is a snapshot, unless a test says otherwise.
#[cfg(not(feature = "planted"))]
pub(crate) const fn snapshots(otherwise: u64) -> u64 {
    otherwise
}

/// None is planted.
#[cfg(not(feature = "planted"))]
pub(crate) const fn is_planted(_: Mistake) -> bool {
    false
}
