//! A store that fails when it is told to, for tests of what stands above it.

use super::{
    Burials, Claimed, Claims, Epoch, Expired, Filter, Instance, InstanceNo, Message, Micros, News, Received, Renewed,
    RequestNo, Row, Sent, Store, StoreError, Storing, Told, Transaction, Write, Written,
};
use std::{
    any::Any,
    collections::BTreeMap,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Any store, with faults: an operation that fails, a commit whose answer is lost, a store that is away for a while.
///
/// Operations are counted from 1, and [`close`](Store::close) is none; commits are counted among them and on their own. A
/// test runs once without faults to see how many there are, and then once for each.
#[derive(Debug)]
pub struct Faulty {
    store: Arc<dyn Store>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    operations: u64,
    commits: u64,
    failing: BTreeMap<u64, StoreError>,
    panicking: Option<u64>,
    losing: BTreeMap<u64, Lost>,
    late: BTreeMap<u64, Duration>,
    away: Option<Box<str>>,
    lag: Option<Lag>,
}

/// How long operations take.
#[derive(Debug)]
struct Lag {
    most: Duration,
    random: u64,
}

/// What became of a commit whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It was written, and only its answer did not arrive.
    Answer,
    /// It was never written.
    Everything,
}

impl Faulty {
    /// This store, without faults so far.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, plan: Arc::default() }
    }

    /// The operation with this number fails, and does nothing.
    pub fn fail(&self, operation: u64, error: StoreError) {
        self.plan().failing.insert(operation, error);
    }

    /// The operation with this number panics, and does nothing.
    pub fn panic(&self, operation: u64) {
        self.plan().panicking = Some(operation);
    }

    /// The answer to the commit with this number is lost.
    pub fn lose(&self, commit: u64, lost: Lost) {
        self.plan().losing.insert(commit, lost);
    }

    /// The commit with this number is made so much later, on tokio's clock, while everything else goes on.
    pub fn late(&self, commit: u64, span: Duration) {
        self.plan().late.insert(commit, span);
    }

    /// From now on nothing works, for this reason.
    pub fn leave(&self, cause: &str) {
        self.plan().away = Some(cause.into());
    }

    /// From now on everything works again.
    pub fn come_back(&self) {
        self.plan().away = None;
    }

    /// From now on each operation happens a while after it was asked for, and answers a while after it has happened: at random,
    /// up to `most` each. What was read is old by the time it is known, and what two ask for at the same time happens in any
    /// order. It sleeps on tokio's clock, which a test pauses.
    pub fn lag(&self, most: Duration, seed: u64) {
        self.plan().lag = Some(Lag { most, random: seed });
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.plan().operations
    }

    /// How many of them were commits.
    pub fn commits(&self) -> u64 {
        self.plan().commits
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation, and says whether it goes through.
    fn step(&self) -> Result<(), StoreError> {
        let mut plan = self.plan();
        plan.operations += 1;
        let operation = plan.operations;
        if plan.panicking == Some(operation) {
            drop(plan);
            panic!("operation {operation} was told to panic");
        }
        if let Some(cause) = &plan.away {
            return Err(StoreError::Unavailable(cause.clone()));
        }
        plan.failing.remove(&operation).map_or(Ok(()), Err)
    }

    fn through<'a, T: Send + 'a>(
        &'a self,
        operation: impl FnOnce(&'a dyn Store) -> Storing<'a, T> + Send + 'a,
    ) -> Storing<'a, T> {
        let lag = self.plan().lag.as_mut().map(|lag| (lag.next(), lag.next()));
        match (self.step(), lag) {
            (Ok(()), None) => operation(&*self.store),
            (Ok(()), Some((before, after))) => Box::pin(async move {
                tokio::time::sleep(before).await;
                let answer = operation(&*self.store).await;
                tokio::time::sleep(after).await;
                answer
            }),
            (Err(error), _) => Box::pin(ready(Err(error))),
        }
    }
}

impl Store for Faulty {
    fn register(&self) -> Storing<'_, Epoch> {
        self.through(|store| store.register())
    }

    fn last_epoch(&self) -> Storing<'_, Option<Epoch>> {
        self.through(|store| store.last_epoch())
    }

    fn lease(&self) -> Option<Duration> {
        self.store.lease()
    }

    fn renew(&self, epoch: Epoch, bury_dead: bool) -> Storing<'_, Renewed> {
        self.through(move |store| store.renew(epoch, bury_dead))
    }

    fn retire(&self, epoch: Epoch) -> Storing<'_, ()> {
        self.through(move |store| store.retire(epoch))
    }

    fn news(&self, epoch: Epoch) -> Storing<'_, Option<Box<dyn News>>> {
        let plan = Arc::clone(&self.plan);
        self.through(move |store| {
            Box::pin(async move {
                let news = store.news(epoch).await?;
                Ok(news.map(|news| Box::new(FaultyNews { news, plan }) as Box<dyn News>))
            })
        })
    }

    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>> {
        let (lost, late) = self.plan().commit();
        self.through(move |store| {
            Box::pin(async move {
                if let Some(span) = late {
                    tokio::time::sleep(span).await;
                }
                if lost != Some(Lost::Everything) {
                    let written = store.commit(epoch, writes).await;
                    if lost.is_none() || written.is_err() {
                        return written;
                    }
                }
                Err(StoreError::InDoubt("the connection broke".into()))
            })
        })
    }

    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims> {
        self.through(move |store| store.claim(epoch, sagas, now, limit))
    }

    fn claim_one<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        instance: InstanceNo,
    ) -> Storing<'a, Option<Claimed>> {
        self.through(move |store| store.claim_one(epoch, sagas, instance))
    }

    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>> {
        self.through(move |store| store.find(saga, id))
    }

    fn list<'a>(&'a self, filter: &'a Filter, after: Option<InstanceNo>, limit: usize) -> Storing<'a, Vec<Instance>> {
        self.through(move |store| store.list(filter, after, limit))
    }

    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>> {
        self.through(move |store| store.journal(instance, from, limit))
    }

    fn rows<'a>(&'a self, instance: InstanceNo, seqs: &'a [u64]) -> Storing<'a, Vec<Row>> {
        self.through(move |store| store.rows(instance, seqs))
    }

    fn length(&self, instance: InstanceNo) -> Storing<'_, u64> {
        self.through(move |store| store.length(instance))
    }

    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>> {
        self.through(move |store| store.request(instance, body, ended))
    }

    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>> {
        self.through(move |store| store.inbox(instance))
    }

    fn inboxes<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<InstanceNo>> {
        self.through(move |store| store.inboxes(epoch, sagas, after, limit))
    }

    fn send<'a>(&'a self, saga: &'a str, id: &'a str, message: &'a Message, at: Micros) -> Storing<'a, Sent> {
        self.through(move |store| store.send(saga, id, message, at))
    }

    fn messages(&self, instance: InstanceNo) -> Storing<'_, Vec<Received>> {
        self.through(move |store| store.messages(instance))
    }

    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool> {
        self.through(move |store| store.bury(instance))
    }

    fn bury_ended<'a>(&'a self, expired: &'a Expired) -> Storing<'a, Burials> {
        self.through(move |store| store.bury_ended(expired))
    }

    fn forget_buried<'a>(&'a self, saga: &'a str, before: Micros, limit: usize) -> Storing<'a, u64> {
        self.through(move |store| store.forget_buried(saga, before, limit))
    }

    fn tick<'a>(&'a self, name: &'a str) -> Storing<'a, Option<Micros>> {
        self.through(move |store| store.tick(name))
    }

    fn set_tick<'a>(&'a self, name: &'a str, at: Micros) -> Storing<'a, ()> {
        self.through(move |store| store.set_tick(name, at))
    }

    fn transact(&self, epoch: Epoch) -> Storing<'_, Box<dyn Transaction>> {
        let plan = Arc::clone(&self.plan);
        self.through(move |store| {
            Box::pin(async move {
                let transaction = store.transact(epoch).await?;
                Ok(Box::new(FaultyTransaction { transaction, plan }) as Box<dyn Transaction>)
            })
        })
    }

    fn longest_transaction(&self) -> Option<Duration> {
        self.store.longest_transaction()
    }

    fn close(&self) -> Storing<'_, ()> {
        self.store.close()
    }
}

/// News, of which none is heard while nothing works.
#[derive(Debug)]
struct FaultyNews {
    news: Box<dyn News>,
    plan: Arc<Mutex<Plan>>,
}

impl News for FaultyNews {
    fn next(&mut self) -> Storing<'_, Vec<Told>> {
        Box::pin(async {
            let told = self.news.next().await?;
            match &self.plan.lock().unwrap_or_else(PoisonError::into_inner).away {
                Some(cause) => Err(StoreError::Unavailable(cause.clone())),
                None => Ok(told),
            }
        })
    }
}

/// A step's transaction: its commit counts among the store's.
#[derive(Debug)]
struct FaultyTransaction {
    transaction: Box<dyn Transaction>,
    plan: Arc<Mutex<Plan>>,
}

impl Transaction for FaultyTransaction {
    fn connection(&mut self) -> &mut (dyn Any + Send) {
        self.transaction.connection()
    }

    fn commit(self: Box<Self>, writes: &[Write]) -> Storing<'_, Vec<Written>> {
        let (lost, late) = self.plan.lock().unwrap_or_else(PoisonError::into_inner).commit();
        Box::pin(async move {
            if let Some(span) = late {
                tokio::time::sleep(span).await;
            }
            match lost {
                None => return self.transaction.commit(writes).await,
                Some(Lost::Answer) => drop(self.transaction.commit(writes).await?),
                Some(Lost::Everything) => self.transaction.rollback().await?,
            }
            Err(StoreError::InDoubt("the connection broke".into()))
        })
    }

    fn rollback(self: Box<Self>) -> Storing<'static, ()> {
        self.transaction.rollback()
    }
}

impl Lag {
    /// The next time, at random (splitmix64, Steele et al. 2014).
    fn next(&mut self) -> Duration {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        self.most.mul_f64(f64::from(u32::try_from(z >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX))
    }
}

impl Plan {
    /// Counts a commit, and says what becomes of it.
    fn commit(&mut self) -> (Option<Lost>, Option<Duration>) {
        self.commits += 1;
        let commit = self.commits;
        (self.losing.remove(&commit), self.late.remove(&commit))
    }
}
