//! What there is at a moment: the store, the workers, the participants.

/// Each instance makes so many calls, of which the last is the pivot.
pub const STEPS: u8 = 3;

/// A moment. Everything in it is small and compared as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The row of each worker's life, by epoch; `saga.worker` in the store.
    pub leases: Vec<Lease>,
    /// The instances.
    pub instances: Vec<Instance>,
    /// The workers.
    pub workers: Vec<Worker>,
    /// How many pauses are still to come at most.
    pub pauses: u8,
    /// How many crashes.
    pub crashes: u8,
    /// How many instances somebody may still cancel.
    pub cancels: u8,
    /// What was accepted and should not have been.
    pub wrong: Wrong,
}

/// A life's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lease {
    /// It is there, and its lease may be over.
    There {
        /// Whether it is over by the clock of the store.
        over: bool,
    },
    /// A transaction that is not committed yet has deleted it: others still see it.
    Deleted,
    /// It is gone.
    Gone,
}

/// An instance: what the store has of it, and what its participants did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance {
    /// The epoch of the life that owns it.
    pub owner: u8,
    /// The fold of the committed journal.
    pub stored: Fold,
    /// What the participant of each step knows.
    pub parts: [Part; STEPS as usize],
    /// Requests that were sent: the steps in the lower bits, their compensations in the upper. One that was sent may arrive whenever
    /// it likes, and as often.
    pub sent: u8,
}

/// What a participant knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Nothing.
    Nothing,
    /// The step took effect.
    Done,
    /// The step was refused.
    Refused,
    /// The step took effect and was undone.
    Undone,
    /// The compensation came first; the barrier keeps the step from taking effect.
    Barred,
    /// The compensation came first, and nobody remembers it: there is no barrier.
    Forgotten,
    /// The step took effect after that.
    Late,
}

impl Part {
    /// Whether an effect is in force.
    pub fn is_in_force(self) -> bool {
        matches!(self, Self::Done | Self::Late)
    }

    /// Whether a compensation was answered.
    pub fn is_undone(self) -> bool {
        matches!(self, Self::Undone | Self::Barred | Self::Forgotten | Self::Late)
    }
}

/// Where an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The call of this step is durable: it may have begun.
    Call(u8),
    /// It unwinds.
    Unwind {
        /// The step whose compensation is next.
        next: u8,
        /// The last step that was called.
        called: u8,
    },
    /// It has completed.
    Completed,
    /// Everything is undone.
    Compensated,
    /// It crashes again and again.
    Parked,
}

impl Phase {
    /// Whether the instance stops here.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated | Self::Parked)
    }
}

/// The fold of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fold {
    /// Where it stands.
    pub phase: Phase,
    /// How many rows it has.
    pub length: u8,
    /// Recoveries without progress.
    pub recoveries: u8,
}

/// What one commit says of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The step before has answered, and this one is called with arguments that are in the row.
    Called(u8),
    /// The last step has answered.
    Completed,
    /// It unwinds.
    Unwinding {
        /// Whether the step at hand is undone as well, since it may have taken effect.
        doubt: bool,
    },
    /// The compensation at hand has answered.
    Undone,
    /// It was taken over.
    Recovered,
    /// It was taken over too often.
    Parked,
}

impl Fold {
    /// What the start has committed: the first call.
    pub fn started() -> Self {
        Self { phase: Phase::Call(0), length: 1, recoveries: 0 }
    }

    /// The same with one row more.
    #[must_use]
    pub fn with(self, event: Event) -> Self {
        let phase = match (self.phase, event) {
            (_, Event::Called(step)) => Phase::Call(step),
            (_, Event::Completed) => Phase::Completed,
            (_, Event::Parked) => Phase::Parked,
            (Phase::Call(step), Event::Unwinding { doubt: true }) => Phase::Unwind { next: step, called: step },
            (Phase::Call(called), Event::Unwinding { doubt: false }) => match called.checked_sub(1) {
                Some(next) => Phase::Unwind { next, called },
                None => Phase::Compensated,
            },
            (Phase::Unwind { next, called }, Event::Undone) => match next.checked_sub(1) {
                Some(next) => Phase::Unwind { next, called },
                None => Phase::Compensated,
            },
            // A recovery, or a row that does not fit, which the properties see.
            (phase, _) => phase,
        };
        let recoveries = if event == Event::Recovered { self.recoveries + 1 } else { 0 };
        Self { phase, length: self.length + 1, recoveries }
    }
}

/// A worker: a process, and its connection to the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Worker {
    /// Whether it runs.
    pub up: Up,
    /// The life that it takes for its own.
    pub epoch: u8,
    /// Whether its own clocks say that its lease is good.
    pub good: bool,
    /// What it does with each instance that it takes for its own.
    pub tasks: Vec<Option<Task>>,
    /// The transaction of its committer. It is the server's: it goes on when the worker does not.
    pub commit: Option<Commit>,
    /// The life that it is just ending.
    pub ending: Option<u8>,
    /// What it has read too early; only with [`Mistake::JournalReadFirst`](crate::Mistake::JournalReadFirst).
    pub peeked: Option<Vec<Fold>>,
}

/// Whether a worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Up {
    /// It does.
    Runs,
    /// It stands still, and does not know.
    Paused,
    /// It is gone.
    Crashed,
}

/// What a worker does with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// It was claimed, and its journal is to be read.
    Read,
    /// It runs.
    Run {
        /// The journal as it is in memory.
        known: Fold,
        /// What is done.
        doing: Doing,
    },
}

/// What is done with an instance that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doing {
    /// A row waits for its commit to be acknowledged.
    Save(Event),
    /// The call at hand, or the compensation.
    Call {
        /// Whether an attempt may have begun, for all that this process knows.
        attempted: bool,
        /// Whether one is under way.
        waiting: bool,
    },
}

/// A group commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Commit {
    /// The life that it is made in.
    pub epoch: u8,
    /// How far it is.
    pub stage: Stage,
    /// A row for each instance that is in the batch, and its number.
    pub rows: Vec<Option<(Event, u8)>>,
    /// Whether the worker goes by it already.
    pub acknowledged: bool,
}

/// How far a commit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The worker's row was found, and is locked.
    Held,
    /// The rows are written, and nobody else sees them.
    Written,
    /// They are there.
    Committed,
}

/// What cannot be seen afterwards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Wrong {
    /// A life has written a row of an instance that another one owned.
    pub stale: bool,
    /// A row did not follow the one before it.
    pub misfit: bool,
}

impl State {
    /// Whether every instance has come to its end.
    pub fn is_over(&self) -> bool {
        self.instances.iter().all(|instance| instance.stored.phase.is_end())
    }
}
