//! Running sagas: the runtime, and the handles of its instances.
//!
//! A [`Runtime`] is built with a store and the sagas that it knows; everything unfinished in the store goes on by itself. A
//! [`Handle`] stands for one instance: wait for its end, look at it, ask something of it.

mod builder;
mod end;
mod error;
mod handle;
mod input;
mod park;
mod signal;
mod status;
mod timeline;

pub use self::{
    builder::Builder,
    end::{Cause, Debt, End, Settled},
    error::Error,
    handle::Handle,
    park::{Decision, Park},
    signal::UnreadSignal,
    status::{Listed, Progress, Status},
    timeline::{Entry, Happened, Timeline},
};
pub use crate::core::ParkCause;
#[doc(hidden)]
pub use crate::engine::observer::{Observer, Point};

use crate::{
    engine::{Engine, Input},
    machine::Saga,
    policy::{self, NamedPolicy, PolicyStatus},
    store::{Filter, InstanceNo, Status as Stored, committer::Health},
};
use std::{any::TypeId, collections::HashMap, fmt, sync::Arc, time::Duration};

/// Runs sagas on a store.
///
/// Clones are handles of the same runtime. When the last one is dropped without [`shutdown`](Self::shutdown), its tasks
/// stop where they stand, as in a crash: nothing is lost, and the next runtime on the store goes on from there.
#[derive(Clone)]
pub struct Runtime {
    owner: Arc<Owner>,
}

/// Stops the engine's tasks when the last handle of the runtime is gone.
struct Owner {
    engine: Arc<Engine>,
    types: HashMap<TypeId, &'static str>,
    /// Whether the store is the runtime's own, to close.
    closes: bool,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

impl Runtime {
    /// What a runtime is built with.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Starts an instance, or finds the one of this id: a second start with the same input is the same instance.
    ///
    /// The id is the caller's own name for what is to be done (e.g. the order's number), so that a start whose answer was lost
    /// can be repeated. When this returns, the input is durable, and the instance will come to its end whatever happens to this
    /// process. Beyond the concurrency limit it waits in the store until there is room.
    ///
    /// # Errors
    /// The id is not fit to be one ([`Error::is_invalid`]); the input cannot be written as JSON, or is longer than the limit
    /// ([`Error::is_too_large`]); the id is taken by an instance with another input ([`Error::is_conflict`]); the store is away,
    /// full or gone ([`Error::is_unavailable`]); the runtime has stopped ([`Error::is_stopped`]) or does not know the saga
    /// ([`Error::is_unknown_saga`]). In none of these cases anything is half-written.
    ///
    /// # Cancel safety
    /// If the future is dropped the instance was started or not; the same call again finds out.
    pub async fn start<S: Saga>(&self, id: impl Into<String>, input: S::Input) -> Result<Handle<S>, Error> {
        let saga = self.registered::<S>()?;
        let id: String = id.into();
        let input = input::checked::<S>(&id, &input, self.engine().limits.instance)?;
        let (json, hash) = (input.json.clone(), input.hash);
        let input = Input { id: id.clone().into(), json: input.json, hash };
        let started = self.engine().start(saga, input).await.map_err(|over| Error::from_start(saga, &id, over))?;
        if let Some(existing) = started.existing
            && existing.input_hash != hash
        {
            return Err(self.conflict(saga, &existing, &json).await);
        }
        Ok(Handle::new(Arc::clone(self.engine()), saga, &id, started.no))
    }

    async fn conflict(&self, saga: &str, existing: &crate::store::Instance, new: &crate::machine::Json) -> Error {
        let first = self.engine().store.journal(existing.no, 1, 1).await.unwrap_or_default();
        let old = first.first().and_then(|row| match crate::engine::load::read(row) {
            Ok(crate::core::Event::Started { input, .. }) => Some(input),
            _ => None,
        });
        Error::conflict(saga, &existing.id, old.as_deref(), new)
    }

    /// The instance of this id, if there is one.
    ///
    /// # Errors
    /// The store cannot be read, or the saga was not registered.
    pub async fn get<S: Saga>(&self, id: &str) -> Result<Option<Handle<S>>, Error> {
        let saga = self.registered::<S>()?;
        let found = self.engine().store.find(saga, id).await?;
        Ok(found.map(|instance| Handle::new(Arc::clone(self.engine()), saga, id, instance.no)))
    }

    /// Instances of all sagas, by the order of their starts, after the one of this number, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn instances(&self, after: Option<InstanceNo>, limit: usize) -> Result<Vec<Listed>, Error> {
        let found = self.engine().store.list(&Filter::default(), after, limit).await?;
        Ok(found.into_iter().map(Listed::new).collect())
    }

    /// The instances that need a person.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn parked(&self) -> Result<Vec<Listed>, Error> {
        self.all(Stored::Parked).await
    }

    /// The ended instances whose compensation was given up in part, and that nobody has settled.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn debts(&self) -> Result<Vec<Listed>, Error> {
        self.all(Stored::CompensatedWithDebt).await
    }

    /// The instances that stand where no build that was asked so far knows to go on.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn waiting_for_build(&self) -> Result<Vec<Listed>, Error> {
        self.all(Stored::WaitsForBuild).await
    }

    async fn all(&self, status: Stored) -> Result<Vec<Listed>, Error> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|listed: &Listed| listed.no);
            let page = self.engine().store.list(&Filter::of([status]), after, 500).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page.into_iter().map(Listed::new));
        }
    }

    /// Whether starts are accepted and work gets on; if not, why.
    ///
    /// Not ready is not dead: a store that is away for a while is waited for, and what was done meanwhile is kept.
    ///
    /// # Errors
    /// The store is away ([`Error::is_unavailable`]), another worker has taken over ([`Error::is_fenced`]), or the runtime
    /// has stopped ([`Error::is_stopped`]).
    pub fn ready(&self) -> Result<(), Error> {
        if self.engine().is_stopping() {
            return Err(Error::stopped());
        }
        match self.engine().health() {
            Health::Available => Ok(()),
            Health::Unavailable(reason) => Err(Error::unavailable(&reason)),
            Health::Fenced => Err(Error::fenced()),
            _ => Err(Error::stopped()),
        }
    }

    /// How many instances have a task here at this moment.
    pub fn running(&self) -> usize {
        self.engine().hub.count()
    }

    /// What each named policy is doing at this moment: its limits, its breaker, who is in flight, who waits. By name.
    pub fn policies(&self) -> Vec<PolicyStatus> {
        self.engine().policies.snapshot(self.engine().clock.now())
    }

    /// Changes a named policy while sagas run: what it says holds for the next attempt, and those that are being made are
    /// left alone.
    ///
    /// A breaker or a rate limit that is given as it was keeps what it has counted; another one begins anew, the breaker
    /// closed. The change lasts as long as this runtime: the next one begins with what its builder says.
    ///
    /// # Errors
    /// There is no policy of this name, or it would let nothing through ([`Error::is_invalid`]); nothing is changed then.
    pub fn set_policy(&self, name: &str, policy: NamedPolicy) -> Result<(), Error> {
        if let Some(wrong) = policy.wrong() {
            return Err(Error::invalid(&format!("policy `{name}`: {wrong}")));
        }
        let engine = self.engine();
        if !engine.policies.set(name, policy, engine.clock.now()) {
            let known: Vec<&str> = engine.policies.names().collect();
            return Err(Error::invalid(&format!("there is no policy `{name}`, {}", policy::unknown(name, &known))));
        }
        tracing::info!(policy = name, ?policy, "changed");
        Ok(())
    }

    /// Stops: nothing new begins, running attempts may end within the limit, and every instance is given back to the store.
    ///
    /// An attempt that takes longer is dropped, and its instance goes on with the next runtime as after a crash.
    pub async fn shutdown(&self, limit: Duration) {
        let engine = self.engine();
        let by = engine.clock.now().saturating_add(i64::try_from(limit.as_micros()).unwrap_or(i64::MAX));
        engine.stop(by).await;
        engine.committer.shutdown(Duration::from_secs(1).max(limit)).await;
        if self.owner.closes
            && let Err(error) = engine.store.close().await
        {
            tracing::warn!(%error, "the store did not close");
        }
    }

    fn registered<S: Saga>(&self) -> Result<&'static str, Error> {
        let known = self.owner.types.get(&TypeId::of::<S>()).copied();
        known.ok_or_else(|| Error::unknown_saga(S::DEFINITION.name))
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.owner.engine
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sagas: Vec<_> = self.owner.types.values().collect();
        sagas.sort();
        f.debug_struct("Runtime").field("sagas", &sagas).field("running", &self.running()).finish_non_exhaustive()
    }
}
