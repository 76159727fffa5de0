//! The store-backed engine: one task for each running instance, one scheduler for those that wait in the store.
//!
//! A worker loads an instance's rows, folds them, and drives the machine from there; whatever it decides is asked of
//! [`core`](crate::core), and whatever it does goes through [`journal::Journal`], the one way to the store.

mod admission;
mod attempt;
mod begun;
mod call;
mod child;
pub(crate) mod claimed;
mod commit;
mod drive;
pub(crate) mod erased;
mod gate;
pub(crate) mod hub;
mod intent;
mod join;
mod journal;
mod known;
mod lease;
pub(crate) mod life;
pub(crate) mod load;
pub(crate) mod observer;
mod outage;
mod pulse;
mod requests;
mod scheduler;
mod start;
mod strand;
mod transact;
mod undo;
mod unwind_safe;
mod waits;
mod worker;

pub(crate) use self::{
    admission::call_sleepers, journal::Over, known::unknown_to, load::history, requests::key_has_expired,
    scheduler::run as schedule, start::Input,
};

use crate::{
    clock::Clock,
    core::key::{Purpose, key},
    policy::Policies,
    store::{InstanceNo, Message, Micros, Sent, Store, StoreError, committer::Health},
};
use erased::AnySaga;
use life::Life;
use observer::{Observer, Point};
use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    task::Context,
};
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
};

/// A second, in microseconds.
pub(crate) const SECOND: Micros = 1_000_000;

/// How many instances may be taken at a time for a decision on a request, beside the ones that run.
const DECIDING: usize = 16;

/// What may not be exceeded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Instances that run forward at a time.
    pub(crate) concurrency: usize,
    /// Instances that are undone at a time.
    pub(crate) compensations: usize,
    /// Bytes of a step's arguments, and of its answer.
    pub(crate) step: usize,
    /// Bytes of an input, and of a frame.
    pub(crate) instance: usize,
}

/// What the tasks of one worker's life share.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    life: watch::Sender<Arc<Life>>,
    /// Why this worker could not show that it is alive, the last time it tried.
    silent: Mutex<Option<Box<str>>>,
    /// Whether the store is away, for whoever asks something of it, to say so.
    pub(crate) outage: outage::Outage,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sagas: HashMap<&'static str, Arc<dyn AnySaga>>,
    pub(crate) limits: Limits,
    pub(crate) policies: Arc<Policies>,
    pub(crate) hub: hub::Hub,
    pub(crate) stopping: watch::Sender<bool>,
    forward: Arc<Semaphore>,
    undoing: Arc<Semaphore>,
    deciding: Arc<Semaphore>,
    gate: gate::Gate,
    /// Rung when there may be something for the scheduler to do.
    wake: Notify,
    /// Whether instances may wait in the store for a permit.
    backlog: AtomicBool,
    /// When the first of the sleeping ones wants to run again.
    wake_at: AtomicI64,
    /// Whether there may be requests that nobody has told this worker of.
    inboxes_unseen: AtomicBool,
    /// Instances that do not run here and have a request.
    asked: Mutex<Vec<InstanceNo>>,
    observer: Option<Observer>,
    /// A point was told to be this worker's last.
    dead: AtomicBool,
    random: AtomicU64,
    /// Where everything is to be the same each time.
    seed: Option<u64>,
    /// How many births there were, where a seed says how they go.
    births: AtomicU64,
    /// What goes on for as long as the runtime does.
    tasks: Mutex<JoinSet<()>>,
    /// What runs instances, for as long as this worker's life does.
    runs: Mutex<JoinSet<()>>,
    /// What keeps that life, for as long as anything runs.
    keeper: Mutex<JoinSet<()>>,
}

impl Engine {
    #[expect(clippy::too_many_arguments, reason = "called at one place, by the builder, with what it has collected")]
    pub(crate) fn new(
        store: Arc<dyn Store>,
        life: Arc<Life>,
        clock: Arc<dyn Clock>,
        sagas: HashMap<&'static str, Arc<dyn AnySaga>>,
        limits: Limits,
        policies: Policies,
        observer: Option<Observer>,
        seed: Option<u64>,
    ) -> Arc<Self> {
        let some = || u64::from_le_bytes(uuid::Uuid::now_v7().into_bytes()[8..].try_into().unwrap_or_default());
        Arc::new(Self {
            store,
            life: watch::Sender::new(life),
            silent: Mutex::default(),
            outage: outage::Outage::default(),
            clock,
            sagas,
            limits,
            policies: Arc::new(policies),
            hub: hub::Hub::default(),
            stopping: watch::Sender::new(false),
            forward: Arc::new(Semaphore::new(limits.concurrency)),
            undoing: Arc::new(Semaphore::new(limits.compensations)),
            deciding: Arc::new(Semaphore::new(DECIDING)),
            gate: gate::Gate::default(),
            wake: Notify::new(),
            backlog: AtomicBool::new(true),
            wake_at: AtomicI64::new(Micros::MAX),
            inboxes_unseen: AtomicBool::new(true),
            asked: Mutex::default(),
            observer,
            dead: AtomicBool::new(false),
            random: AtomicU64::new(seed.unwrap_or_else(some)),
            births: AtomicU64::new(0),
            seed,
            tasks: Mutex::default(),
            runs: Mutex::default(),
            keeper: Mutex::default(),
        })
    }

    /// Spawns a task that ends with the runtime.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// Spawns the task that keeps this worker's life.
    pub(crate) fn keep(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// Spawns a task that runs an instance, in this life of the worker; if that is over, it is not run.
    pub(crate) fn run(&self, life: &Life, task: impl Future<Output = ()> + Send + 'static) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        while runs.try_join_next().is_some() {}
        // Under the lock that is held to end a life's tasks: none comes after them.
        if !life.over.load(Ordering::Acquire) {
            runs.spawn(task);
        }
    }

    /// Ends what runs instances, after some time to end by itself.
    async fn end_runs(&self, within: std::time::Duration) {
        let mut runs = {
            let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            self.life().over.store(true, Ordering::Release);
            std::mem::take(&mut *runs)
        };
        let all = async { while runs.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(within, all).await;
        runs.shutdown().await;
    }

    /// Ends every task where it stands, as a crash would.
    pub(crate) fn abort(&self) {
        self.stopping.send_replace(true);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// Asks every task to end, and waits for that until the limit; or until this worker's life is over, and all that ran in it.
    pub(crate) async fn stop(&self, by: Micros) {
        self.stopping.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut keeper = std::mem::take(&mut *self.keeper.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async {
            while tasks.join_next().await.is_some() {}
            // They stay where whoever notices that the life is lost finds them.
            let runs =
                |cx: &mut Context<'_>| self.runs.lock().unwrap_or_else(PoisonError::into_inner).poll_join_next(cx);
            while poll_fn(runs).await.is_some() {}
        };
        tokio::select! {
            biased;
            () = all => {}
            () = self.clock.sleep_until(by) => {}
            // What keeps the life goes on to the end, unless that is lost.
            Some(_) = keeper.join_next() => {}
        }
        tasks.shutdown().await;
        let mut runs = std::mem::take(&mut *self.runs.lock().unwrap_or_else(PoisonError::into_inner));
        runs.shutdown().await;
        keeper.shutdown().await;
    }

    /// Ends at this moment; never, without one.
    pub(crate) async fn sleep_until_some(&self, at: Option<Micros>) {
        match at {
            Some(at) => self.clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Ends when the runtime is asked to stop.
    pub(crate) async fn stops(&self) {
        let mut stopping = self.stopping.subscribe();
        // An error would say that this engine is gone, which is borrowed here.
        drop(stopping.wait_for(|stop| *stop).await);
    }

    /// Whether no new work is to begin.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow() || self.dead.load(Ordering::Relaxed)
    }

    /// Whether writes get through.
    pub(crate) fn health(&self) -> Health {
        match self.life().committer.health().borrow().clone() {
            Health::Available => match &*self.silent.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(reason) => Health::Unavailable(reason.clone()),
                None => Health::Available,
            },
            other => other,
        }
    }

    /// There is a request for this instance: whoever runs it is told, or it is taken for a decision.
    pub(crate) fn deliver(&self, instance: InstanceNo) {
        if !self.hub.ring(instance) {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
            self.wake.notify_one();
        }
    }

    /// Sends a message to an instance, and wakes it if it waits for one of this name.
    pub(crate) async fn send(&self, saga: &str, id: &str, message: &Message) -> Result<Sent, StoreError> {
        let sent = self.store.send(saga, id, message, self.clock.now()).await?;
        if let Sent::Stored(no) = sent {
            self.has_message(no);
        }
        Ok(sent)
    }

    /// There is a message for this instance: it is told if it runs here, and is due in the store if it waits there.
    pub(crate) fn has_message(&self, instance: InstanceNo) {
        if !self.hub.poke(instance) {
            self.waits();
        }
    }

    /// Whether another instance may run forward now.
    fn has_room(&self) -> bool {
        self.forward.available_permits() > 0
    }

    /// An instance waits in the store for a permit.
    pub(crate) fn waits(&self) {
        self.backlog.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// A number below 1, evenly spread (splitmix64, Steele et al. 2014).
    pub(crate) fn random(&self) -> f64 {
        let mut z = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let top = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(u32::MAX);
        f64::from(top) / (f64::from(u32::MAX) + 1.0)
    }

    /// What tells an instance from every other one for ever, and so its keys from theirs. Where everything is to be the same each time,
    /// it is made of what the instance is, and of the worker's life where several may start the same one.
    pub(crate) fn birth(&self, saga: &str, id: &str, life: &Life) -> Box<str> {
        let Some(seed) = self.seed else { return uuid::Uuid::now_v7().simple().to_string().into() };
        // Two may start one instance at the same moment, each of whom has to know his own.
        let number = self.births.fetch_add(1, Ordering::Relaxed);
        let life = self.store.lease().map_or(0, |_| life.epoch.0);
        let made_of = format!("{seed} {life} {number} {} {saga}", self.clock.now());
        key(&made_of, "", id, 0, Purpose::Step)[..32].into()
    }

    /// Whether somebody wants to know of the named points.
    pub(crate) fn is_observed(&self) -> bool {
        self.observer.is_some()
    }

    /// Passes a named point; it may be the last.
    pub(crate) async fn at(&self, point: Point<'_>) {
        let Some(observer) = &self.observer else { return };
        if self.dead.load(Ordering::Acquire) || observer(point).is_break() {
            self.dead.store(true, Ordering::Release);
            std::future::pending::<()>().await;
        }
    }
}
