//! Of a store on which several workers live at the same time: how each shows that it is alive, and what it is told of the others.

use super::{Epoch, InstanceNo, Micros, Storing};
use std::{fmt, time::Duration};

/// What a worker learns when it shows that it is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// What the store's own clock says, if it has one: the same for all workers.
    pub now: Option<Micros>,
    /// The workers that were found dead: what they owned may be claimed from now on.
    pub dead: Vec<Dead>,
    /// In how long the first of the other workers' leases runs out, unless it is renewed; nothing if there is no other one.
    pub next: Option<Duration>,
}

/// A worker that was found dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dead {
    /// Its last life.
    pub epoch: Epoch,
    /// Whether it owned an instance that is to go on.
    pub owned: bool,
}

/// What a worker is told of without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Something may be claimed now that could not be before.
    Work,
    /// There is a request for this instance, which the worker that is told owns, or nobody.
    Request(InstanceNo),
    /// There is a message for this instance, which the worker that is told owns.
    Message(InstanceNo),
    /// This instance has ended or was parked, elsewhere.
    Settled(InstanceNo),
}

/// What other workers and clients do, as far as this one should know at once.
///
/// It is a help and no promise: something may be told twice, or, while the connection is away, not at all. Whoever needs to
/// know looks for itself from time to time.
pub trait News: fmt::Debug + Send {
    /// Waits for what comes next; as much as there is at once, in any order.
    ///
    /// # Errors
    /// The connection is gone, and with it what was told meanwhile: ask the store for [`news`](super::Store::news) again, and
    /// look at everything.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    fn next(&mut self) -> Storing<'_, Vec<Told>>;
}
