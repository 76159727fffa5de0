//! A worker's life on its store: how it shows that it is alive, what it is told, and how it begins again after it was taken for
//! dead.
//!
//! An instance belongs to the life in which it was claimed or started: its journal holds that life's writer, so that whatever
//! outlives it writes nothing. A store for one worker at a time needs none of this, and its worker has one life.

use super::{
    Engine, SECOND,
    journal::Over,
    lease::{Lease, Moment},
};
use crate::{
    clock::{Clock, Sleeping},
    store::{
        Dead, Epoch, Micros, Store, StoreError, Told,
        committer::{Committer, Health},
    },
};
use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// A lease is renewed so many times before it would run out.
const RENEWALS: u32 = 3;
/// How soon the store is asked again if it did not answer.
const SOON: Duration = Duration::from_millis(200);
/// How soon one who hears nothing looks whether it still is who it was.
const LOOK: Duration = Duration::from_secs(1);
/// How long what has lost its life may take to say so to whoever waits for it.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// A clock that differs from the store's by less is left alone: so much an answer may take on its way.
const NEAR: Micros = SECOND / 20;

/// What a worker writes under from one registration to the next.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) epoch: Epoch,
    pub(crate) committer: Committer,
    /// For how long it may be taken for alive.
    pub(super) lease: Lease,
    /// Nothing more is to run in it.
    pub(super) over: AtomicBool,
}

impl Life {
    /// Begins one.
    pub(crate) async fn begin(store: &Arc<dyn Store>, clock: &Arc<StoreClock>) -> Result<Arc<Self>, StoreError> {
        let asked = Moment::now(clock);
        let epoch = store.register().await?;
        let lease = Lease::new(clock, store.lease(), asked);
        let committer = Committer::new(Arc::clone(store), epoch);
        Ok(Arc::new(Self { epoch, committer, lease, over: AtomicBool::new(false) }))
    }
}

impl Engine {
    /// The worker's life at this moment.
    pub(crate) fn life(&self) -> Arc<Life> {
        Arc::clone(&self.life.borrow())
    }

    /// Waits until this life is over and another one has begun.
    ///
    /// # Errors
    /// The runtime stops first.
    pub(super) async fn outlives(&self, life: &Life) -> Result<(), Over> {
        let mut lives = self.life.subscribe();
        tokio::select! {
            biased;
            // An error would say that this engine is gone, which is borrowed here.
            _ = lives.wait_for(|next| next.epoch != life.epoch) => Ok(()),
            () = self.stops() => Err(Over::Stopped),
        }
    }

    /// Whether it begins again after it was taken for dead.
    pub(crate) fn lives_again(&self) -> bool {
        self.store.lease().is_some()
    }

    /// Ends everything that runs in a life that is over, and begins another one. `false` if the runtime stops first.
    async fn begin_again(&self) -> bool {
        let lost = self.life();
        tracing::warn!(
            epoch = lost.epoch.0,
            "this worker stood still for longer than its lease and was taken for dead: the others take over, it drops what it ran and \
             registers anew"
        );
        // Whoever waits for a commit is told at once; attempts that go on are cut off.
        self.end_runs(LAST_WORDS).await;
        self.policies.forget_waiting(self.clock.now());
        self.hub.forget_running();
        let mut store = self.outage.asking();
        loop {
            if self.is_stopping() {
                return false;
            }
            match Life::begin(&self.store, lost.lease.clock()).await {
                Ok(life) => {
                    self.introduce(&life);
                    self.life.send_replace(life);
                    self.look_at_everything();
                    return true;
                }
                Err(error) => {
                    store.failed("this worker cannot register anew yet", &error);
                    tokio::select! {
                        biased;
                        () = sleep(SOON) => {}
                        () = self.stops() => return false,
                    }
                }
            }
        }
    }

    /// Says who this worker is: others that find it dead name the epoch.
    pub(crate) fn introduce(&self, life: &Life) {
        let mut sagas = self.names();
        sagas.sort_unstable();
        tracing::info!(epoch = life.epoch.0, process = std::process::id(), ?sagas, "worker registered");
    }

    /// Whether this worker can show that it is alive, and if not, why.
    fn is_silent(&self, reason: Option<Box<str>>) {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// What others did may have been missed.
    fn look_at_everything(&self) {
        self.inboxes_unseen.store(true, Ordering::Release);
        self.waits();
        self.hub.stir();
    }
}

/// Shows that the worker is alive, also while the runtime waits for what runs to end; and begins again if it was taken for dead
/// all the same.
pub(crate) async fn keep_alive(engine: Arc<Engine>, clock: Arc<StoreClock>) {
    let Some(lease) = engine.store.lease() else { return };
    let every = lease / RENEWALS;
    // Since when every renewal came through: who was away itself buries nobody.
    let mut in_touch = Instant::now();
    let mut next = Instant::now() + every;
    let mut store = engine.outage.asking();
    loop {
        let life = engine.life();
        let mut health = life.committer.health();
        let fenced = health.wait_for(|health| *health == Health::Fenced);
        let lost = tokio::select! {
            biased;
            // Fenced, or without a writer: either way nothing of this life is written any more.
            _ = fenced => true,
            // Somebody is not sure any more.
            () = life.lease.is_wanted() => false,
            () = sleep_until(next) => false,
        };
        let (asked, moment) = (clock.own(), Moment::now(&clock));
        let renewed = if lost {
            Err(StoreError::Fenced)
        } else {
            if !life.lease.is_good() {
                // It stood still itself, and does not know for how long the others did.
                in_touch = Instant::now();
            }
            let renew = engine.store.renew(life.epoch, in_touch.elapsed() >= lease);
            timeout(every, renew).await.unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".into())))
        };
        match renewed {
            Ok(renewed) => {
                store.answered();
                engine.is_silent(None);
                life.lease.renew(moment);
                if let Some(now) = renewed.now {
                    clock.is(now, asked);
                }
                if !renewed.dead.is_empty() {
                    tell_of_dead(&renewed.dead);
                    engine.waits();
                }
                // What was missed, for whatever reason, is not missed for long.
                engine.inboxes_unseen.store(true, Ordering::Release);
                engine.wake.notify_one();
                // A worker that is dead is found to be so the moment its lease is over.
                next = Instant::now() + renewed.next.map_or(every, |next| every.min(next.max(SOON)));
            }
            Err(StoreError::Fenced) => {
                if !engine.begin_again().await {
                    return;
                }
                store.answered();
                engine.is_silent(None);
                in_touch = Instant::now();
                next = Instant::now() + every;
            }
            Err(error) => {
                store.failed("this worker cannot show that it is alive", &error);
                engine.is_silent(Some(error.to_string().into()));
                in_touch = Instant::now();
                next = Instant::now() + SOON.min(every);
            }
        }
    }
}

/// That a worker is gone which had nothing to do, as after a deploy, harms nobody.
fn tell_of_dead(dead: &[Dead]) {
    let of = |owned| dead.iter().filter(|dead| dead.owned == owned).map(|dead| dead.epoch.0).collect::<Vec<_>>();
    let (owners, idle) = (of(true), of(false));
    if !owners.is_empty() {
        tracing::warn!(epochs = ?owners, "found dead: their instances are taken over");
    }
    if !idle.is_empty() {
        tracing::info!(epochs = ?idle, "found dead: they owned nothing");
    }
}

/// Hears what other workers and clients do, until the runtime stops.
pub(crate) async fn hear(engine: Arc<Engine>) {
    loop {
        let epoch = engine.life().epoch;
        match engine.store.news(epoch).await {
            Ok(Some(mut news)) => {
                // What came before it listened.
                engine.look_at_everything();
                while engine.life().epoch == epoch {
                    let told = tokio::select! {
                        biased;
                        () = engine.stops() => return,
                        told = news.next() => told,
                        // Another life may have begun.
                        () = sleep(LOOK) => continue,
                    };
                    match told {
                        Ok(told) => told.into_iter().for_each(|told| engine.is_told(told)),
                        Err(error) => {
                            tracing::debug!(%error, "news are missed");
                            break;
                        }
                    }
                }
            }
            Ok(None) => return,
            Err(error) => tracing::debug!(%error, "no news"),
        }
        tokio::select! {
            biased;
            () = sleep(SOON) => {}
            () = engine.stops() => return,
        }
    }
}

impl Engine {
    fn is_told(&self, told: Told) {
        match told {
            Told::Work => self.waits(),
            Told::Request(instance) => self.deliver(instance),
            Told::Message(instance) => self.has_message(instance),
            Told::Settled(instance) => {
                self.hub.changed(instance);
                self.hub.rests(instance, None);
            }
        }
    }
}

/// A clock that goes by the store's, so that all workers have the same time however their machines' clocks are set.
#[derive(Debug)]
pub(crate) struct StoreClock {
    clock: Arc<dyn Clock>,
    /// How much the store's is ahead.
    ahead: AtomicI64,
}

impl StoreClock {
    /// As the machine's clock goes, until the store's is known.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ahead: AtomicI64::new(0) }
    }

    /// The machine's own clock.
    pub(crate) fn own(&self) -> Micros {
        self.clock.now()
    }

    /// What the machine has of a clock that nobody can set.
    pub(super) fn own_steady(&self) -> Option<Duration> {
        self.clock.steady()
    }

    /// The store's clock said this, in answer to a question that was asked when the machine's was at `asked`.
    pub(crate) fn is(&self, store: Micros, asked: Micros) {
        let half = self.own().saturating_sub(asked).max(0) / 2;
        let ahead = store.saturating_sub(asked.saturating_add(half));
        let before = self.ahead.load(Ordering::Acquire);
        if ahead.abs_diff(before) > NEAR.unsigned_abs().saturating_add(half.unsigned_abs()) {
            tracing::info!(by = ahead, "the machine's clock differs from the store's, which is the one that counts");
            self.ahead.store(ahead, Ordering::Release);
        }
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Micros {
        self.clock.now().saturating_add(self.ahead.load(Ordering::Acquire))
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        self.clock.sleep_until(at.saturating_sub(self.ahead.load(Ordering::Acquire)))
    }

    fn steady(&self) -> Option<Duration> {
        self.clock.steady()
    }

    fn sleep(&self, span: Duration) -> Sleeping<'_> {
        self.clock.sleep(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{core::decide::micros, testing::ManualClock};

    #[test]
    fn the_stores_clock_counts_and_an_answers_way_does_not() {
        let machine = Arc::new(ManualClock::at(1_000 * SECOND));
        let clock = StoreClock::new(Arc::clone(&machine) as Arc<dyn Clock>);
        let asked = clock.own();
        machine.advance(Duration::from_secs(2));
        clock.is(1_301 * SECOND, asked);
        assert_eq!(clock.now(), 1_302 * SECOND, "asked at 1000, answered at 1002: it said so at 1001");
        machine.set_back(Duration::from_secs(100));
        let asked = clock.own();
        clock.is(1_302 * SECOND, asked);
        assert_eq!(clock.now(), 1_302 * SECOND);
        clock.is(1_302 * SECOND + micros(Duration::from_millis(20)), asked);
        assert_eq!(clock.now(), 1_302 * SECOND, "so little is only the way");
    }
}
