//! What is searched: how large, and with which mistake.

use crate::state::STEPS;
use std::fmt;

/// What is searched.
#[derive(Debug, Clone)]
pub struct World {
    /// How many workers there are.
    pub workers: u8,
    /// How many instances.
    pub instances: u8,
    /// How often at most a worker stands still for longer than its lease.
    pub pauses: u8,
    /// How often at most one crashes. Fewer than there are workers, or nobody is left.
    pub crashes: u8,
    /// How many instances at most are cancelled.
    pub cancels: u8,
    /// After so many recoveries without progress an instance is parked.
    pub recoveries: u8,
    /// Whether participants remember a compensation that comes before its step.
    pub barrier: bool,
    /// Whether a request may arrive later than it was sent.
    pub late: bool,
    /// What is done wrong.
    pub mistake: Option<Mistake>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            workers: 2,
            instances: 2,
            pauses: 1,
            crashes: 1,
            cancels: 1,
            recoveries: 3,
            barrier: true,
            late: true,
            mistake: None,
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, instances, pauses, crashes, cancels, .. } = self;
        write!(
            f,
            "{workers} workers, {instances} instances of {STEPS} steps, at most {pauses} pauses, {crashes} crashes and "
        )?;
        write!(f, "{cancels} cancels")?;
        if !self.late {
            f.write_str(", nothing is late")?;
        }
        if !self.barrier {
            f.write_str(", no barrier")?;
        }
        self.mistake.map_or(Ok(()), |mistake| write!(f, "; planted: {mistake}"))
    }
}

/// What can be done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// A commit looks with `EXISTS` whether its worker's row is there, and does not lock it.
    LeaseNotLocked,
    /// A step is called while the row with its arguments is still being committed.
    EffectBeforeCommit,
    /// What may have begun is not undone.
    DoubtForgotten,
    /// The worker goes on before its commit is one.
    AcknowledgedEarly,
    /// No look at the lease before an attempt.
    LeaseIgnored,
    /// Whoever takes over reads the journals first, and ends the life before him afterwards.
    JournalReadFirst,
    /// Participants do not remember a compensation that comes before its step.
    NoBarrier,
    /// A compensation is sent before the one of the later step has answered.
    UndoneAtOnce,
    /// Recoveries are counted, and nobody is parked.
    RecoveriesIgnored,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::LeaseNotLocked,
        Self::EffectBeforeCommit,
        Self::DoubtForgotten,
        Self::AcknowledgedEarly,
        Self::LeaseIgnored,
        Self::JournalReadFirst,
        Self::NoBarrier,
        Self::UndoneAtOnce,
        Self::RecoveriesIgnored,
    ];

    /// The world in which it does harm, and which is sound without it.
    pub fn world(self) -> World {
        let world = World { instances: 1, mistake: Some(self), ..World::default() };
        match self {
            // The barrier would absorb what a dead worker sends, and a late request do the harm of itself.
            Self::LeaseIgnored => World { barrier: false, late: false, ..world },
            Self::NoBarrier => World { barrier: false, ..world },
            Self::RecoveriesIgnored => World { recoveries: 1, ..world },
            _ => world,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LeaseNotLocked => "the lease is looked at by EXISTS, and not locked",
            Self::EffectBeforeCommit => "an effect begins before its arguments are committed",
            Self::DoubtForgotten => "a step in doubt is not undone",
            Self::AcknowledgedEarly => "a commit is acknowledged before it is one",
            Self::LeaseIgnored => "an attempt is made without a look at the lease",
            Self::JournalReadFirst => "journals are read before the life is ended",
            Self::NoBarrier => "participants have no barrier",
            Self::UndoneAtOnce => "a compensation does not wait for the one of the later step",
            Self::RecoveriesIgnored => "recoveries have no bound",
        })
    }
}
