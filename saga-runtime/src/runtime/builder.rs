//! What a runtime is built with.

#[cfg(feature = "cron")]
use super::schedule::{self, Board, Planned, Schedule, Tick};
use super::{
    Error, Owner, Runtime, children,
    retention::{self, Retention, Retentions},
    timekeeper::Timekeeper,
    transactions,
};
use crate::{
    clock::{Clock, SystemClock},
    definition::Definition,
    engine::{
        Engine, Limits, call_sleepers,
        erased::{AnySaga, Registered},
        life::{Life, StoreClock, hear, keep_alive},
        observer::Observer,
        schedule,
    },
    machine::Saga,
    policy::{self, NamedPolicy, Policies},
    store::Store,
};
use std::{
    any::TypeId,
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

/// What a runtime is built with; [`start`](Self::start) starts it.
pub struct Builder {
    store: Option<Arc<dyn Store>>,
    /// Whether the store is the runtime's own, to close.
    closes: bool,
    clock: Arc<dyn Clock>,
    sagas: HashMap<&'static str, Arc<dyn AnySaga>>,
    types: HashMap<TypeId, &'static str>,
    twice: Option<&'static str>,
    /// Sagas that other runtimes on the store run.
    elsewhere: HashMap<&'static str, &'static Definition>,
    limits: Limits,
    policies: BTreeMap<Box<str>, NamedPolicy>,
    /// A policy that was given twice.
    policy_twice: Option<Box<str>>,
    retentions: Retentions,
    #[cfg(feature = "cron")]
    schedules: Vec<Planned>,
    observer: Option<Observer>,
    seed: Option<u64>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            store: None,
            closes: false,
            clock: Arc::new(SystemClock::default()),
            sagas: HashMap::new(),
            types: HashMap::new(),
            twice: None,
            elsewhere: HashMap::new(),
            limits: Limits { concurrency: 1_000, compensations: 1_000, step: 256 << 10, instance: 4 << 20 },
            policies: BTreeMap::new(),
            policy_twice: None,
            retentions: Retentions::new(),
            #[cfg(feature = "cron")]
            schedules: Vec::new(),
            observer: None,
            seed: None,
        }
    }

    /// Where instances are kept. Required.
    #[must_use]
    pub fn store(self, store: impl Store) -> Self {
        Self { closes: true, ..self.shared_store(Arc::new(store)) }
    }

    /// The same, with a store that others hold too: [`Runtime::shutdown`] leaves it open.
    #[must_use]
    pub fn shared_store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), closes: false, ..self }
    }

    /// A saga that the runtime knows, with its dependencies.
    #[must_use]
    pub fn register<S: Saga>(mut self, saga: S) -> Self {
        let name = S::DEFINITION.name;
        if self.sagas.insert(name, Arc::new(Registered(saga))).is_some() {
            self.twice = Some(name);
        }
        self.types.insert(TypeId::of::<S>(), name);
        self
    }

    /// A saga with something around it.
    pub(crate) fn register_as<S: Saga>(mut self, saga: Arc<dyn AnySaga>) -> Self {
        self.sagas.insert(S::DEFINITION.name, saga);
        self.types.insert(TypeId::of::<S>(), S::DEFINITION.name);
        self
    }

    /// A saga that another runtime on the same store runs, and this one does not: here it can be started, signalled, looked at and
    /// decided upon, and sagas that are registered here can start it.
    ///
    /// A program of which all sagas are elsewhere takes no instance and makes no attempt, so that it needs none of their
    /// dependencies: a web server, or a tool for the command line, beside the workers. It shows the store that it is alive all the
    /// same; let it end with [`Runtime::shutdown`](super::Runtime::shutdown).
    ///
    /// A saga that a registered one starts has to be registered or elsewhere, or the runtime does not start: what is started
    /// would wait for ever.
    ///
    /// ```
    /// # use saga_runtime::{prelude::*, store::memory::Memory};
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct Refused;
    /// # struct Greeting;
    /// # #[saga(name = "greeting")]
    /// # impl Greeting {
    /// #     #[flow]
    /// #     async fn run(&self, cx: &FlowContext, name: String) -> Result<String, Unwind<Refused>> {
    /// #         Ok(self.words(cx, &name).await?)
    /// #     }
    /// #     #[step(no_compensation = "words do no harm")]
    /// #     async fn words(&self, cx: &StepContext, name: &str) -> Result<String, Failure<Refused>> {
    /// #         let _ = cx.key();
    /// #         Ok(format!("hello {name}"))
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Runtime::builder().store(Memory::default()).elsewhere::<Greeting>().start().await?;
    /// let greeting = server.start::<Greeting>("greeting-7", "Ada".to_owned()).await?;
    /// // It waits for a worker: here there is none.
    /// assert_eq!(greeting.status().await?.progress, saga_runtime::runtime::Progress::Running);
    /// server.shutdown(std::time::Duration::from_secs(1)).await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn elsewhere<S: Saga>(mut self) -> Self {
        self.elsewhere.insert(S::DEFINITION.name, S::DEFINITION);
        self.types.insert(TypeId::of::<S>(), S::DEFINITION.name);
        self
    }

    /// How many instances may run forward at a time (1,000 unless told). Further ones wait in the store.
    #[must_use]
    pub fn concurrency(mut self, most: usize) -> Self {
        self.limits.concurrency = most;
        self
    }

    /// How many instances may be undone at a time (1,000 unless told).
    #[must_use]
    pub fn compensation_concurrency(mut self, most: usize) -> Self {
        self.limits.compensations = most;
        self
    }

    /// How many bytes of JSON the arguments of a step, and its answer, may have (256 KiB unless told).
    #[must_use]
    pub fn step_limit(mut self, bytes: usize) -> Self {
        self.limits.step = bytes;
        self
    }

    /// How many bytes of JSON an input, and all that is saved in one state, may have (4 MiB unless told).
    #[must_use]
    pub fn instance_limit(mut self, bytes: usize) -> Self {
        self.limits.instance = bytes;
        self
    }

    /// A policy that steps and compensations name: `#[step(policy = "payments")]`. See [`policy`](crate::policy).
    #[must_use]
    pub fn policy(mut self, name: impl Into<Box<str>>, policy: NamedPolicy) -> Self {
        let name = name.into();
        if self.policies.insert(name.clone(), policy).is_some() {
            self.policy_twice = Some(name);
        }
        self
    }

    /// How long the ended instances of this saga are kept: for ever, unless this is said. See [`Retention`].
    ///
    /// They are removed in the background, a hundred in a transaction, in at most a tenth of the time that the store has. What
    /// is told a second time for a saga replaces what was told before.
    #[must_use]
    pub fn retention<S: Saga>(mut self, retention: Retention) -> Self {
        self.retentions.insert(S::DEFINITION.name, retention);
        self
    }

    /// Starts the saga at each tick of a schedule, with the input that the function makes of the tick. Feature `cron`.
    ///
    /// There is one instance for each tick and never two, also if several runtimes on one store have the schedule, and
    /// whatever crashes: its id is made from the schedule's name and the tick ([`Tick::id`]). The function should depend on the
    /// tick alone. If it panics, or its input cannot be saved, the tick is passed over, which is logged and shown in
    /// [`Runtime::schedules`]; ticks that came while nobody was there are dealt with as the schedule says
    /// ([`Missed`](super::Missed)).
    ///
    /// The first tick is the next one after the schedule was first run on the store.
    ///
    /// ```
    /// # use saga_runtime::{prelude::*, store::memory::Memory};
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # enum No {}
    /// # struct Report;
    /// # #[saga(name = "report", version = 1)]
    /// # impl Report {
    /// #     #[flow]
    /// #     async fn run(&self, cx: &FlowContext, day: String) -> Result<String, Unwind<No>> {
    /// #         self.write(cx, &day).await?;
    /// #         Ok(day)
    /// #     }
    /// #     #[step(no_compensation = "a report harms nobody")]
    /// #     async fn write(&self, _cx: &StepContext, _day: &str) -> Result<(), Transient> { Ok(()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), saga_runtime::Error> {
    /// use saga_runtime::runtime::{Missed, Schedule};
    ///
    /// let nightly = Schedule::new("nightly-report", "30 2 * * *").time_zone("Europe/Berlin").missed(Missed::Latest);
    /// let runtime = Runtime::builder()
    ///     .store(Memory::default())
    ///     .register(Report)
    ///     .schedule::<Report>(nightly, |tick| tick.to_string())
    ///     .start()
    ///     .await?;
    /// # let _ = runtime;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "cron")]
    #[must_use]
    pub fn schedule<S: Saga>(
        mut self,
        schedule: Schedule,
        input: impl Fn(&Tick) -> S::Input + Send + Sync + 'static,
    ) -> Self {
        self.schedules.push(Planned::new::<S>(schedule, input));
        self
    }

    /// Where the runtime gets its time from.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Is asked at every point around a write or an effect.
    #[doc(hidden)]
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// What the runtime draws its back-offs with.
    #[doc(hidden)]
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Starts the runtime: it registers with the store, and everything unfinished goes on by itself.
    ///
    /// # Errors
    /// No store was given, two sagas have one durable name, a limit is zero, a policy is defined twice or would let nothing
    /// through, a saga names a policy that is not defined or has a step that commits in a transaction of a store that has none, a
    /// saga starts another one that nobody runs, a
    /// retention or a schedule cannot be what it is or is for a saga
    /// that is not registered, or two schedules have one name ([`Error::is_invalid`]); or the store cannot be opened for
    /// work ([`Error::is_unavailable`]).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<Runtime, Error> {
        if let Some(name) = self.twice {
            return Err(Error::invalid(&format!(
                "two sagas are registered under the durable name `{name}`: give one of them another, #[saga(name = \"..\")]"
            )));
        }
        let Some(store) = self.store.clone() else {
            return Err(Error::invalid("a runtime needs a store: `.store(..)` was not called"));
        };
        if self.limits.concurrency == 0 || self.limits.compensations == 0 {
            return Err(Error::invalid("a concurrency limit of 0 would let nothing run"));
        }
        if self.limits.step == 0 || self.limits.instance == 0 {
            return Err(Error::invalid("a payload limit of 0 would park every instance at its first call"));
        }
        self.check_policies()?;
        children::check(&self.sagas, &self.elsewhere)?;
        transactions::check(&self.sagas, store.longest_transaction())?;
        retention::check(&self.retentions, |saga| self.sagas.contains_key(saga))?;
        #[cfg(feature = "cron")]
        let schedules = schedule::check(self.schedules, |saga| self.sagas.contains_key(saga))?;
        if cfg!(panic = "abort") {
            tracing::error!(
                "this program is built with panic = \"abort\": a panic in a step will end the process instead of parking \
                 one instance; remove it from the profile in Cargo.toml"
            );
        }
        let most = tokio::sync::Semaphore::MAX_PERMITS;
        let limits = Limits {
            concurrency: self.limits.concurrency.min(most),
            compensations: self.limits.compensations.min(most),
            ..self.limits
        };
        let store_clock = Arc::new(StoreClock::new(self.clock));
        let life = Life::begin(&store, &store_clock).await?;
        if store.lease().is_some() {
            let asked = store_clock.own();
            if let Some(now) = store.renew(life.epoch, false).await?.now {
                store_clock.is(now, asked);
            }
        }
        let timekeeper = Arc::new(Timekeeper::new(Arc::clone(&store_clock) as Arc<dyn Clock>));
        let clock: Arc<dyn Clock> = Arc::clone(&timekeeper) as _;
        let policies = Policies::new(self.policies, clock.now());
        let observer = self.observer;
        let engine = Engine::new(store, life, clock, self.sagas, limits, policies, observer, self.seed);
        engine.introduce(&engine.life());
        engine.spawn(schedule(Arc::clone(&engine)));
        if engine.lives_again() {
            engine.keep(keep_alive(Arc::clone(&engine), store_clock));
            engine.spawn(hear(Arc::clone(&engine)));
        }
        if !engine.policies.is_empty() {
            engine.spawn(call_sleepers(Arc::clone(&engine)));
        }
        if !self.retentions.is_empty() {
            engine.spawn(retention::sweep(Arc::clone(&engine), self.retentions));
        }
        #[cfg(feature = "cron")]
        let schedules = {
            let board = Arc::new(Board::of(&schedules));
            for one in schedules {
                engine.spawn(schedule::run(Arc::clone(&engine), one, Arc::clone(&board)));
            }
            board
        };
        Ok(Runtime {
            owner: Arc::new(Owner {
                engine,
                types: self.types,
                elsewhere: self.elsewhere.into_values().collect(),
                timekeeper,
                #[cfg(feature = "cron")]
                schedules,
                closes: self.closes,
            }),
        })
    }

    /// Every policy lets something through, and every one that is named is there.
    fn check_policies(&self) -> Result<(), Error> {
        if let Some(name) = &self.policy_twice {
            return Err(Error::invalid(&format!("policy `{name}` is defined twice: remove one of the two")));
        }
        for (name, policy) in &self.policies {
            if let Some(wrong) = policy.wrong() {
                return Err(Error::invalid(&format!("policy `{name}`: {wrong}")));
            }
        }
        let known: Vec<&str> = self.policies.keys().map(|name| &**name).collect();
        let mut sagas: Vec<_> = self.sagas.iter().collect();
        sagas.sort_by_key(|(name, _)| **name);
        for (_, saga) in sagas {
            if let Some(undefined) = policy::undefined(saga.definition(), &known) {
                return Err(Error::invalid(&undefined));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("store", &self.store).field("limits", &self.limits).finish_non_exhaustive()
    }
}
