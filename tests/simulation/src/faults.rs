//! What can go wrong, and how often it did.

use std::fmt;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A worker is killed, whatever it is doing.
    Killed,
    /// A worker is killed right before it commits something.
    KilledBeforeCommit,
    /// A worker is killed right after it has committed something.
    KilledAfterCommit,
    /// A worker is killed right before an attempt.
    KilledBeforeAttempt,
    /// A worker is killed after an attempt, before its answer is recorded.
    KilledAfterAttempt,
    /// A worker stands still for less than its lease.
    Paused,
    /// A worker stands still for longer than its lease.
    PausedBeyondLease,
    /// A worker stops in good order.
    Stopped,
    /// The store is away for all.
    StoreAway,
    /// One operation of the store fails.
    StoreFailed,
    /// A commit takes longer than anything should, perhaps than the lease.
    CommitSlow,
    /// A commit is made, and its answer is lost.
    CommitAnswerLost,
    /// A commit is not made, and nobody knows.
    CommitLost,
    /// The answer of another operation is lost.
    AnswerLost,
    /// A worker's clock is set, forwards or back.
    ClockSet,
    /// A worker's clock is set by more than it believes.
    ClockJumped,
    /// A participant is not reached.
    NotReached,
    /// A request to a participant is lost.
    RequestLost,
    /// A participant's answer is lost.
    ParticipantAnswerLost,
    /// A request arrives long after whoever sent it has given up.
    RequestLate,
    /// A request arrives twice.
    RequestTwice,
    /// A participant fails, and has done nothing.
    ParticipantFailed,
    /// The code of a step panics after its effect.
    StepPanicked,
    /// A step hangs.
    StepHung,
    /// A participant wants somebody to look.
    StepParked,
    /// Somebody starts an instance twice at the same time.
    StartedTwice,
    /// Somebody starts an instance that is there with another input.
    StartedDifferently,
    /// A signal is sent twice.
    SignalledTwice,
    /// Somebody cancels an instance.
    Cancelled,
    /// Somebody skips an undo.
    Skipped,
    /// Somebody says that a step has happened.
    Resolved,
    /// Somebody says that a step has not happened.
    DidNotHappen,
    /// Somebody says that he has undone it.
    UndoneByHand,
    /// A late request is kept from taking effect by its undo, which came first.
    Barred,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 34] = [
        Self::Killed,
        Self::KilledBeforeCommit,
        Self::KilledAfterCommit,
        Self::KilledBeforeAttempt,
        Self::KilledAfterAttempt,
        Self::Paused,
        Self::PausedBeyondLease,
        Self::Stopped,
        Self::StoreAway,
        Self::StoreFailed,
        Self::CommitSlow,
        Self::CommitAnswerLost,
        Self::CommitLost,
        Self::AnswerLost,
        Self::ClockSet,
        Self::ClockJumped,
        Self::NotReached,
        Self::RequestLost,
        Self::ParticipantAnswerLost,
        Self::RequestLate,
        Self::RequestTwice,
        Self::ParticipantFailed,
        Self::StepPanicked,
        Self::StepHung,
        Self::StepParked,
        Self::StartedTwice,
        Self::StartedDifferently,
        Self::SignalledTwice,
        Self::Cancelled,
        Self::Skipped,
        Self::Resolved,
        Self::DidNotHappen,
        Self::UndoneByHand,
        Self::Barred,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Killed => "worker killed at any moment",
            Self::KilledBeforeCommit => "worker killed before a commit",
            Self::KilledAfterCommit => "worker killed after a commit",
            Self::KilledBeforeAttempt => "worker killed before an attempt",
            Self::KilledAfterAttempt => "worker killed after an attempt",
            Self::Paused => "worker paused within its lease",
            Self::PausedBeyondLease => "worker paused beyond its lease",
            Self::Stopped => "worker stopped in good order",
            Self::StoreAway => "store away",
            Self::StoreFailed => "operation of the store failed",
            Self::CommitSlow => "commit slow, perhaps beyond the lease",
            Self::CommitAnswerLost => "commit made, answer lost",
            Self::CommitLost => "commit lost in doubt",
            Self::AnswerLost => "another answer of the store lost",
            Self::ClockSet => "clock set",
            Self::ClockJumped => "clock set by more than an hour",
            Self::NotReached => "participant not reached",
            Self::RequestLost => "request lost",
            Self::ParticipantAnswerLost => "participant's answer lost",
            Self::RequestLate => "request late",
            Self::RequestTwice => "request arrived twice",
            Self::ParticipantFailed => "participant failed",
            Self::StepPanicked => "step panicked after its effect",
            Self::StepHung => "step hung",
            Self::StepParked => "step or undo asked for a person",
            Self::StartedTwice => "started twice at a time",
            Self::StartedDifferently => "started again with another input",
            Self::SignalledTwice => "signal sent twice",
            Self::Cancelled => "cancelled",
            Self::Skipped => "undo skipped by a person",
            Self::Resolved => "step resolved by a person",
            Self::DidNotHappen => "step that did not happen, says a person",
            Self::UndoneByHand => "undone by a person",
            Self::Barred => "late request barred by its undo",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// How often each fault happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts([u64; Fault::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl Counts {
    /// One more.
    pub fn add(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// Those of another run, too.
    pub fn join(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }

    /// How often.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }
}
