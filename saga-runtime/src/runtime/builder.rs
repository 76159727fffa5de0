//! What a runtime is built with.

use super::{Error, Owner, Runtime};
use crate::{
    clock::{Clock, SystemClock},
    engine::{
        Engine, Limits, call_sleepers,
        erased::{AnySaga, Registered},
        observer::Observer,
        schedule,
    },
    machine::Saga,
    policy::{self, NamedPolicy, Policies},
    store::{Store, committer::Committer},
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
    limits: Limits,
    policies: BTreeMap<Box<str>, NamedPolicy>,
    /// A policy that was given twice.
    policy_twice: Option<Box<str>>,
    observer: Option<Observer>,
    seed: u64,
}

impl Builder {
    pub(super) fn new() -> Self {
        let seed = u64::from_le_bytes(uuid::Uuid::now_v7().into_bytes()[8..].try_into().unwrap_or_default());
        Self {
            store: None,
            closes: false,
            clock: Arc::new(SystemClock::default()),
            sagas: HashMap::new(),
            types: HashMap::new(),
            twice: None,
            limits: Limits { concurrency: 1_000, compensations: 1_000, step: 256 << 10, instance: 4 << 20 },
            policies: BTreeMap::new(),
            policy_twice: None,
            observer: None,
            seed,
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
        Self { seed, ..self }
    }

    /// Starts the runtime: it registers with the store, and everything unfinished goes on by itself.
    ///
    /// # Errors
    /// No store was given, two sagas have one durable name, a limit is zero, a policy is defined twice or would let nothing
    /// through, or a saga names a policy that is not defined ([`Error::is_invalid`]); or the store cannot be opened for work
    /// ([`Error::is_unavailable`]).
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
        let epoch = store.register().await?;
        let committer = Committer::new(Arc::clone(&store), epoch);
        let policies = Policies::new(self.policies, self.clock.now());
        let (clock, observer) = (self.clock, self.observer);
        let engine = Engine::new(store, committer, epoch, clock, self.sagas, limits, policies, observer, self.seed);
        engine.spawn(schedule(Arc::clone(&engine)));
        if !engine.policies.is_empty() {
            engine.spawn(call_sleepers(Arc::clone(&engine)));
        }
        Ok(Runtime { owner: Arc::new(Owner { engine, types: self.types, closes: self.closes }) })
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
