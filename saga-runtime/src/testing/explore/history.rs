//! One history: the engine runs one instance on a store in memory, alone, until it ends or needs somebody.

use super::{
    choices::{Choices, Way},
    faults::{Effort, Explored},
    time::Leaps,
};
use crate::{
    Handle, Runtime,
    clock::Clock,
    core::{Event, child},
    engine::{erased::Registered, load::read},
    machine::{Json, Saga},
    runtime::{Builder, Error, Point, Timeline},
    store::{Filter, Instance, Row, Status, Store, memory::Memory},
};
use futures_util::{
    FutureExt as _,
    stream::{FuturesUnordered, StreamExt as _},
};
use std::{
    future::{Future, poll_fn},
    ops::ControlFlow,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// The id of the one instance.
pub(super) const ID: &str = "explored";

/// So often time goes on without anything being written before it is said that nothing happens any more.
const LEAPS: usize = 10_000;

/// So often a call is attempted without being told to fail before it is said that it never succeeds.
const PATIENCE: usize = 40;

/// A refusal that a step may be answered with.
#[derive(Debug, Clone)]
pub(super) struct MayRefuse {
    pub(super) step: &'static str,
    pub(super) json: Json,
}

/// Sends a signal to the instance.
pub(super) type Sends<S> = Arc<dyn Fn(Handle<S>) -> Asking + Send + Sync>;

/// What was asked of the instance, and is not answered.
pub(super) type Asking = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

type Cancels = Arc<dyn Fn() -> Asking + Send + Sync>;

/// A signal that may come when it is waited for.
pub(super) struct MayCome<S> {
    pub(super) name: &'static str,
    pub(super) what: Box<str>,
    pub(super) send: Sends<S>,
}

/// Why a history was left before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// A loop went round more often than it was to.
    Turns,
    /// Everything was as in an earlier history, and so would be what follows.
    Known,
}

/// What can happen in a history.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) refusals: Vec<MayRefuse>,
    pub(super) turns: usize,
    /// Whether somebody may cancel it.
    pub(super) cancels: bool,
}

/// Whether everything, at this point, is as it was before with at least so many faults to come.
pub(super) type Known = Box<dyn Fn(&At<'_>, usize) -> bool + Send + Sync>;

/// What is known of a point beside what is durable and what the participants look like.
#[derive(Debug, Hash)]
pub(super) struct At<'a> {
    what: &'a str,
    /// What has been chosen since the last commit, of which nothing durable tells.
    since: Vec<(&'a str, usize)>,
    /// Whether a cancel was asked for, which may not be decided yet.
    cancelled: bool,
    /// What the participants remember: which calls and undos have reached them, and whether they were answered.
    reached: Vec<(Box<str>, bool)>,
}

/// What the engine's threads, the participants and the driver of a history share.
pub(super) struct Shared {
    choices: Mutex<Choices>,
    efforts: Mutex<Vec<Effort>>,
    pub(super) limits: Limits,
    store: Arc<Memory>,
    saga: &'static str,
    /// The worker has died.
    dead: AtomicBool,
    left: Mutex<Option<Left>>,
    /// Whether a cancel was asked for, which is done once.
    cancelled: AtomicBool,
    /// Asks the worker that lives for a cancel.
    cancel: Mutex<Option<Cancels>>,
    /// What was asked and is for the driver to wait for.
    asked: Mutex<Vec<Asking>>,
    idle: Mutex<Idle>,
    known: Known,
}

#[derive(Default)]
struct Idle {
    is: bool,
    driver: Option<Waker>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// A history of an instance of this saga, on this store.
    pub(super) fn new(choices: Choices, limits: Limits, store: Arc<Memory>, saga: &'static str, known: Known) -> Self {
        Self {
            choices: Mutex::new(choices),
            efforts: Mutex::default(),
            limits,
            store,
            saga,
            dead: AtomicBool::new(false),
            left: Mutex::default(),
            cancelled: AtomicBool::new(false),
            cancel: Mutex::default(),
            asked: Mutex::default(),
            idle: Mutex::default(),
            known,
        }
    }

    pub(super) fn efforts(&self) -> MutexGuard<'_, Vec<Effort>> {
        lock(&self.efforts)
    }

    pub(super) fn left(&self) -> Option<Left> {
        *lock(&self.left)
    }

    pub(super) fn into_parts(self) -> (Choices, Vec<Effort>) {
        let unlock = |error: PoisonError<_>| error.into_inner();
        (
            self.choices.into_inner().unwrap_or_else(unlock),
            self.efforts.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// How many faults there were so far.
    fn faults(&self) -> usize {
        lock(&self.choices).faults()
    }

    fn leave(&self, why: Left) {
        lock(&self.left).get_or_insert(why);
        // Nothing of it goes on.
        self.dead.store(true, Ordering::Release);
    }

    /// Chooses what happens here. A history that has been left chooses nothing any more.
    pub(super) fn choose(&self, at: &str, ways: Vec<Way>) -> usize {
        if self.dead.load(Ordering::Acquire) || ways.len() < 2 {
            return 0;
        }
        let mut choices = lock(&self.choices);
        let cancelled = self.cancelled.load(Ordering::Acquire);
        let point = At { what: at, since: choices.since().collect(), cancelled, reached: self.reached() };
        if !choices.repeats() && (self.known)(&point, choices.left()) {
            drop(choices);
            self.leave(Left::Known);
            return 0;
        }
        choices.choose(at, ways)
    }

    /// What has reached the participants, whatever came of it.
    fn reached(&self) -> Vec<(Box<str>, bool)> {
        let efforts = self.efforts();
        let reached = efforts.iter().filter(|effort| effort.reached || effort.refusal.is_some());
        let mut reached: Vec<_> = reached.map(|effort| (effort.key.clone(), effort.ended == "done")).collect();
        reached.sort_unstable();
        reached.dedup();
        reached
    }

    /// Which call of this step it is, from 1, of those that were attempted.
    pub(super) fn which(&self, step: &str, undo: bool, key: &str) -> usize {
        let efforts = self.efforts();
        let mut keys: Vec<&str> = Vec::new();
        for effort in efforts.iter().filter(|effort| effort.step == step && effort.undo == undo) {
            if !keys.contains(&&*effort.key) {
                keys.push(&effort.key);
            }
        }
        keys.iter().position(|known| *known == key).unwrap_or(keys.len()) + 1
    }

    /// An attempt is made; its number.
    pub(super) fn made(&self, effort: Effort) -> usize {
        let mut efforts = self.efforts();
        efforts.push(effort);
        efforts.len() - 1
    }

    pub(super) fn ended(&self, index: usize, ended: &'static str) {
        if let Some(effort) = self.efforts().get_mut(index) {
            effort.ended = ended;
        }
    }

    /// The call that never succeeds by itself, if there is one.
    fn hopeless(&self) -> Option<(&'static str, bool)> {
        let efforts = self.efforts();
        let last = efforts.last()?;
        // One that is under way, and of which nothing more is heard, was given up.
        let fails = |effort: &&Effort| matches!(effort.ended, "failed" | "is under way");
        let own = efforts.iter().filter(|effort| effort.key == last.key && !effort.told).filter(fails);
        (own.count() >= PATIENCE).then_some((last.step, last.undo))
    }

    /// What happens at a named point of the engine.
    fn at(&self, point: Point<'_>) -> ControlFlow<()> {
        if self.dead.load(Ordering::Acquire) {
            return ControlFlow::Break(());
        }
        let (at, instance, events) = match point {
            Point::BeforeCommit { instance, events } => ("before", instance, events),
            Point::AfterCommit { instance, events } => ("after", instance, events),
            _ => return ControlFlow::Continue(()),
        };
        let own = instance == ID;
        if at == "after" && own && self.turned() {
            self.leave(Left::Turns);
            return ControlFlow::Break(());
        }
        let ends = events.iter().any(|kind| matches!(*kind, "completed" | "compensated"));
        let mut ways = vec![Way::new("goes on"), Way::fault("the worker is killed")];
        if at == "after" && own && !ends && self.limits.cancels && !self.cancelled.load(Ordering::Acquire) {
            ways.push(Way::fault("it is cancelled"));
        }
        let rows =
            if events.is_empty() { "letting it go".to_owned() } else { format!("the commit of {}", events.join(", ")) };
        let whose = if own { "" } else { " of another saga" };
        let chosen = self.choose(&format!("{at} {rows}{whose}"), ways);
        match (chosen, at) {
            // What is lost with the worker is in nobody's way.
            (1, _) => lock(&self.choices).committed(),
            (_, "before") if own => lock(&self.choices).commits(),
            (_, "after") if own => lock(&self.choices).has_committed(),
            _ => {}
        }
        match chosen {
            0 => {}
            1 => self.dead.store(true, Ordering::Release),
            _ => {
                self.cancelled.store(true, Ordering::Release);
                // Here and now: it is in the inbox before anything else happens.
                let cancel = lock(&self.cancel).clone();
                if let Some(cancel) = cancel {
                    let asking = begun(cancel());
                    lock(&self.asked).push(asking);
                    self.wake();
                }
            }
        }
        if self.dead.load(Ordering::Acquire) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Whether a call was made more often in one state of a strand than it is to be.
    fn turned(&self) -> bool {
        let found = self.store.find(self.saga, ID).now_or_never().and_then(Result::ok).flatten();
        let Some(instance) = found else { return false };
        let rows = self.store.journal(instance.no, 1, usize::MAX).now_or_never().and_then(Result::ok);
        let last = rows.unwrap_or_default().into_iter().rev().take(4);
        last.filter_map(|row| read(&row).ok()).any(|event| match event.unwrapped().1 {
            Event::Called(called) => usize::try_from(called.ordinal).is_ok_and(|ordinal| ordinal > self.limits.turns),
            _ => false,
        })
    }

    /// Nobody has anything to do.
    fn is_idle(&self) {
        lock(&self.idle).is = true;
        self.wake();
    }

    /// The driver is to look.
    fn wake(&self) {
        let driver = lock(&self.idle).driver.take();
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Whether the worker has been killed, or the history left.
    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Waits until nobody has anything to do.
    async fn idle(&self) {
        poll_fn(|cx| {
            let mut idle = lock(&self.idle);
            if std::mem::take(&mut idle.is) {
                return Poll::Ready(());
            }
            idle.driver = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// What a history came to.
pub(super) struct Seen {
    pub(super) rest: Rest,
    pub(super) instance: Option<Instance>,
    pub(super) rows: Vec<Row>,
    pub(super) timeline: Option<Timeline>,
}

/// How it stands when nothing more happens by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rest {
    Ended,
    Parked(Box<str>),
    /// It waits, and nothing will ever come.
    Waits,
    /// It was left.
    Left(Left),
    /// This call never succeeds.
    Hopeless {
        step: &'static str,
        undo: bool,
    },
    /// The runtime could not be started: the test is not right.
    Unstarted(Box<str>),
    /// The engine says what cannot be.
    Broken(Box<str>),
}

/// Runs a history to its rest.
pub(super) fn run<S: Saga>(
    shared: &Arc<Shared>,
    store: &Arc<Memory>,
    saga: S,
    input: &S::Input,
    signals: &[MayCome<S>],
    more: &dyn Fn(Builder) -> Builder,
) -> Seen
where
    S::Input: Clone,
{
    let parked = Arc::clone(shared);
    let alone = tokio::runtime::Builder::new_current_thread().on_thread_park(move || parked.is_idle()).build();
    let Ok(alone) = alone else {
        let rest = Rest::Broken("no runtime could be made for the history".into());
        return Seen { rest, instance: None, rows: Vec::new(), timeline: None };
    };
    let saga: Arc<dyn crate::engine::erased::AnySaga> = Arc::new(Registered(saga));
    let mut history = History {
        shared,
        store,
        clock: Arc::new(Leaps::new()),
        saga: Arc::new(Explored { saga, shared: Arc::clone(shared) }),
        input,
        signals,
        more,
        retries: 0,
        leaps: (0, 0),
        sent: vec![0; signals.len()],
    };
    let seen = alone.block_on(async move {
        let rest = history.lives().await.unwrap_or_else(|error| Rest::Broken(error.to_string().into()));
        history.seen(rest).await
    });
    // It keeps the runtime, which keeps this.
    lock(&shared.idle).driver = None;
    seen
}

struct History<'h, S: Saga> {
    shared: &'h Arc<Shared>,
    store: &'h Arc<Memory>,
    clock: Arc<Leaps>,
    saga: Arc<Explored>,
    input: &'h S::Input,
    signals: &'h [MayCome<S>],
    more: &'h dyn Fn(Builder) -> Builder,
    /// How often somebody tried again what was parked.
    retries: usize,
    /// How often time has gone on since there were so many rows.
    leaps: (usize, u64),
    /// How often each of the signals was sent.
    sent: Vec<usize>,
}

impl<S: Saga> History<'_, S>
where
    S::Input: Clone,
{
    async fn runtime(&self) -> Result<Runtime, Error> {
        let observing = Arc::clone(self.shared);
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let builder = Runtime::builder().shared_store(Arc::clone(self.store) as Arc<dyn Store>).clock(clock).seed(1);
        let builder = builder.observer(Arc::new(move |point| observing.at(point)));
        (self.more)(builder).register_as::<S>(Arc::clone(&self.saga) as _).start().await
    }

    /// One life of the worker after the other, until the instance rests.
    async fn lives(&mut self) -> Result<Rest, Error> {
        loop {
            let runtime = match self.runtime().await {
                Ok(runtime) => runtime,
                Err(error) => return Ok(Rest::Unstarted(error.to_string().into())),
            };
            let rest = self.life(&runtime).await;
            // They keep the runtime alive.
            lock(&self.shared.cancel).take();
            lock(&self.shared.asked).clear();
            if let Some(rest) = rest? {
                return Ok(rest);
            }
            drop(runtime);
            self.shared.dead.store(false, Ordering::Release);
        }
    }

    /// A life of the worker: nothing, if it was killed.
    async fn life(&mut self, runtime: &Runtime) -> Result<Option<Rest>, Error> {
        let mut asked: FuturesUnordered<Asking> = FuturesUnordered::new();
        let mut starting = Box::pin(runtime.start::<S>(ID, self.input.clone()).into_future());
        let mut handle: Option<Handle<S>> = None;
        let cancelling = runtime.clone();
        *lock(&self.shared.cancel) = Some(Arc::new(move || cancel::<S>(cancelling.clone())));
        loop {
            // Whoever starts it, or asks something of it, is answered whenever there is an answer.
            let idle = {
                let mut idle = std::pin::pin!(self.shared.idle());
                poll_fn(|cx| {
                    if handle.is_none()
                        && let Poll::Ready(started) = starting.as_mut().poll(cx)
                    {
                        match started {
                            Ok(started) => handle = Some(started),
                            Err(error) => return Poll::Ready(Err(error)),
                        }
                    }
                    asked.extend(lock(&self.shared.asked).drain(..));
                    while let Poll::Ready(Some(answered)) = asked.poll_next_unpin(cx) {
                        if let Err(error) = answered {
                            return Poll::Ready(Err(error));
                        }
                    }
                    idle.as_mut().poll(cx).map(Ok)
                })
                .await
            };
            if let Some(left) = self.shared.left() {
                return Ok(Some(Rest::Left(left)));
            }
            if self.shared.dead.load(Ordering::Acquire) {
                return Ok(None);
            }
            idle?;
            let Some(handle) = &handle else { continue };
            if let Some((step, undo)) = self.shared.hopeless() {
                return Ok(Some(Rest::Hopeless { step, undo }));
            }
            if let Some(rest) = self.idle(handle, &mut asked).await? {
                return Ok(Some(rest));
            }
        }
    }

    /// Nothing happens by itself before time goes on: somebody else does something, or it does.
    async fn idle(&mut self, handle: &Handle<S>, asked: &mut FuturesUnordered<Asking>) -> Result<Option<Rest>, Error> {
        let Some(instance) = self.store.find(S::DEFINITION.name, ID).await? else { return Ok(Some(Rest::Waits)) };
        match instance.status {
            // What it has launched comes to its end as well.
            status if status.is_end() && !self.others_run().await? => return Ok(Some(Rest::Ended)),
            // Each time a fault may be in the way, of which there are only so many, and several branches can be parked.
            Status::Parked if self.retries < 4 * (self.shared.faults() + 1) => {
                self.retries += 1;
                asked.push(begun(retry(handle.clone())));
                return Ok(None);
            }
            Status::Parked => {
                let why = instance.error.clone().unwrap_or_default();
                return Ok(Some(Rest::Parked(why)));
            }
            Status::Waiting => {
                if let Some(asking) = self.message(handle, &instance) {
                    asked.push(begun(asking));
                    return Ok(None);
                }
            }
            _ => {}
        }
        let rows = self.store.length(instance.no).await?;
        self.leaps = if self.leaps.1 == rows { (self.leaps.0 + 1, rows) } else { (0, rows) };
        let goes_on = self.leaps.0 < LEAPS && self.clock.leap();
        let rest = if instance.status.is_end() { Rest::Ended } else { Rest::Waits };
        Ok(if goes_on { None } else { Some(rest) })
    }

    /// Whether other instances are under way.
    async fn others_run(&self) -> Result<bool, Error> {
        let all = self.store.list(&Filter::default(), None, usize::MAX).await?;
        Ok(all.iter().any(|other| !other.status.is_end() && other.status != Status::Parked))
    }

    /// The signal that comes now, if one does.
    fn message(&mut self, handle: &Handle<S>, instance: &Instance) -> Option<Asking> {
        let awaited = |name: &str| instance.awaits.iter().any(|awaited| &**awaited == name && !child::is_end(name));
        let turns = self.shared.limits.turns;
        let fitting = self.signals.iter().enumerate();
        let fitting: Vec<usize> = fitting
            .filter(|(index, signal)| awaited(signal.name) && self.sent[*index] < turns)
            .map(|(index, _)| index)
            .collect();
        let mut ways = vec![Way::new("nothing comes")];
        ways.extend(fitting.iter().map(|index| Way::new(format!("{} comes", self.signals[*index].what))));
        let at = format!("while it waits in `{}`", instance.state.as_deref().unwrap_or_default());
        let chosen = self.shared.choose(&at, ways).checked_sub(1)?;
        let index = fitting[chosen];
        self.sent[index] += 1;
        Some((self.signals[index].send)(handle.clone()))
    }

    /// How everything stands.
    async fn seen(&self, rest: Rest) -> Seen {
        let mut seen = Seen { rest, instance: None, rows: Vec::new(), timeline: None };
        if let Ok(Some(instance)) = self.store.find(S::DEFINITION.name, ID).await {
            seen.rows = self.store.journal(instance.no, 1, usize::MAX).await.unwrap_or_default();
            // The observer ends a worker that does anything; looking does nothing.
            if let Ok(runtime) =
                Runtime::builder().shared_store(Arc::clone(self.store) as _).elsewhere::<S>().start().await
                && let Ok(Some(handle)) = runtime.get::<S>(ID).await
            {
                seen.timeline = handle.timeline().await.ok();
            }
            seen.instance = Some(instance);
        }
        seen
    }
}

/// Asks at once, so that whatever is asked is in the store before anything else happens.
fn begun(mut asking: Asking) -> Asking {
    match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answered) => Box::pin(std::future::ready(answered)),
        Poll::Pending => asking,
    }
}

fn cancel<S: Saga>(runtime: Runtime) -> Asking {
    Box::pin(async move {
        match runtime.get::<S>(ID).await? {
            Some(handle) => handle.cancel("explored").await.map(drop),
            None => Ok(()),
        }
    })
}

fn retry<S: Saga>(handle: Handle<S>) -> Asking {
    Box::pin(async move {
        match handle.park().await? {
            Some(park) => park.retry("explored", "it was parked").await.map(drop),
            None => Ok(()),
        }
    })
}
