//! Running sagas: the runtime, and the handles of its instances.
//!
//! A [`Runtime`] is built with a store and the sagas that it knows; everything unfinished in the store goes on by itself. A
//! [`Handle`] stands for one instance: wait for its end, look at it, ask something of it.

mod builder;
mod children;
mod doing;
mod end;
mod error;
mod handle;
pub(crate) mod input;
mod list;
mod look;
mod news;
mod park;
mod retention;
#[cfg(feature = "cron")]
mod schedule;
mod signal;
mod start;
mod status;
mod timekeeper;
mod timeline;
mod transactions;
mod verify;
mod watch;
mod words;

#[cfg(feature = "cron")]
pub use self::schedule::{Missed, Schedule, ScheduleStatus, Tick};
pub(crate) use self::signal::in_order as signal_in_order;
pub use self::{
    builder::Builder,
    doing::{Activity, Doing, Relative},
    end::{Cause, Debt, End, Settled},
    error::Error,
    handle::Handle,
    list::{Filter, Page, Position},
    park::{Decision, Park},
    retention::Retention,
    signal::UnreadSignal,
    start::Starting,
    status::{Listed, Parked, Pending, Progress, Status},
    timekeeper::ClockJump,
    timeline::{Entry, Happened, Timeline},
    watch::Watch,
};
pub use crate::core::ParkCause;
#[doc(hidden)]
pub use crate::engine::observer::{Observer, Point};

use crate::{
    definition::Definition,
    engine::Engine,
    machine::Saga,
    policy::{self, NamedPolicy, PolicyStatus},
    store::{committer::Health, outside},
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
    /// Sagas that other runtimes on the store run.
    elsewhere: Vec<&'static Definition>,
    timekeeper: Arc<timekeeper::Timekeeper>,
    #[cfg(feature = "cron")]
    schedules: Arc<schedule::Board>,
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

    /// The instance of this id, if there is one.
    ///
    /// # Errors
    /// The store cannot be read, or the saga was not registered.
    pub async fn get<S: Saga>(&self, id: &str) -> Result<Option<Handle<S>>, Error> {
        let saga = self.registered::<S>()?;
        let found = self.engine().store.find(saga, id).await?;
        Ok(found.map(|instance| Handle::new(Arc::clone(self.engine()), saga, id, instance.no)))
    }

    /// Whether starts are accepted and work gets on; if not, why.
    ///
    /// Not ready is not dead: a store that is away for a while is waited for, and what was done meanwhile is kept.
    ///
    /// # Errors
    /// The store is away ([`Error::is_unavailable`]), another worker has taken over ([`Error::is_fenced`]), the runtime has
    /// stopped ([`Error::is_stopped`]), or its clock has jumped ([`Error::is_clock_jumped`], see
    /// [`confirm_clock`](Self::confirm_clock)).
    pub fn ready(&self) -> Result<(), Error> {
        if self.engine().is_stopping() {
            return Err(Error::stopped());
        }
        match self.engine().health() {
            Health::Available => match self.clock_jump() {
                None => Ok(()),
                Some(jump) => Err(Error::clock_jumped(jump)),
            },
            Health::Unavailable(reason) => Err(Error::unavailable(&reason)),
            Health::Fenced => Err(Error::fenced()),
            _ => Err(Error::stopped()),
        }
    }

    /// The jump of the clock that waits to be confirmed, if there was one.
    ///
    /// When the clock was set by more than an hour between two looks, its time is not believed: timers, deadlines and recurring
    /// starts go by a source that cannot be set, as if nothing had happened, and an error is logged. Nothing fires early
    /// because a clock was set wrong. It ends with [`confirm_clock`](Self::confirm_clock), or by itself when the clock is set
    /// right again. A machine that was suspended for more than an hour looks the same.
    ///
    /// A jump while no runtime is there cannot be noticed: a new one takes the clock as it is.
    pub fn clock_jump(&self) -> Option<ClockJump> {
        self.owner.timekeeper.jump()
    }

    /// Says that the clock is right as it is now, after a jump; whether there was one to confirm.
    ///
    /// What is due by the clock goes on at once. If it was set back, the runtime's time, which never decreases, stands still
    /// until the clock has caught up, timers and back-offs with it; a runtime that is started anew takes the clock as it
    /// is.
    ///
    /// ```
    /// # use saga_runtime::{Runtime, store::memory::Memory, testing::ManualClock};
    /// # use std::{sync::Arc, time::Duration};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), saga_runtime::Error> {
    /// # let clock = Arc::new(ManualClock::default());
    /// # let runtime = Runtime::builder().store(Memory::default()).clock(clock.clone()).start().await?;
    /// clock.set_forward(Duration::from_hours(2));
    /// assert!(runtime.ready().is_err_and(|error| error.is_clock_jumped()));
    /// runtime.confirm_clock(); // somebody looked, and it is two hours later indeed
    /// assert!(runtime.ready().is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn confirm_clock(&self) -> bool {
        self.owner.timekeeper.confirm()
    }

    /// What each recurring start is doing, in the order in which they were given to the builder.
    #[cfg(feature = "cron")]
    pub fn schedules(&self) -> Vec<ScheduleStatus> {
        self.owner.schedules.all()
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
        let life = engine.life();
        life.committer.shutdown(Duration::from_secs(1).max(limit)).await;
        if let Err(error) = engine.store.retire(life.epoch).await {
            tracing::warn!(%error, "this worker could not say that it stops: others go on with what is left after a lease");
        }
        if self.owner.closes
            && let Err(error) = engine.store.close().await
        {
            tracing::warn!(%error, "the store did not close");
        }
    }

    fn registered<S: Saga>(&self) -> Result<&'static str, Error> {
        outside().map_err(|inside| Error::invalid(&inside))?;
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
