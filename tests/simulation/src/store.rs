//! A worker's connection to the store: slow, sometimes broken, and cut with the worker.

use crate::{
    faults::Fault,
    link::Link,
    sim::{Sim, lock},
};
use saga_runtime::{
    planted::{Mistake, is_planted},
    store::{
        Burials, Claimed, Claims, Epoch, Expired, Filter, Instance, InstanceNo, Message, Micros, News, Received,
        Renewed, RequestNo, Row, Sent, Store, StoreError, Storing, Told, Write, Written, memory::Memory,
    },
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::sleep;

/// What a life of a worker has of the store.
#[derive(Debug)]
pub struct Connection {
    sim: Arc<Sim>,
    link: Arc<Link>,
    store: Memory,
}

/// What becomes of an operation that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Good,
    Fails,
    AnswerLost,
}

impl Connection {
    /// Over this link.
    pub fn new(sim: &Arc<Sim>, link: &Arc<Link>) -> Self {
        Self { sim: Arc::clone(sim), link: Arc::clone(link), store: sim.store.another() }
    }

    async fn lag(&self) {
        let lag = self.sim.up_to(self.sim.weather.lag);
        if lag > Duration::ZERO {
            sleep(lag).await;
        }
    }

    fn way(&self) -> Way {
        if !self.sim.goes_wrong(self.sim.weather.store) {
            return Way::Good;
        }
        if self.sim.dice().chance(50) { Way::Fails } else { Way::AnswerLost }
    }

    fn broke() -> StoreError {
        StoreError::Unavailable("the connection broke".into())
    }

    /// Reads something.
    fn read<'a, T: Send + 'a>(&'a self, operation: Storing<'a, T>) -> Storing<'a, T> {
        Box::pin(async move {
            self.link.reaches_the_store(&self.sim).await?;
            self.lag().await;
            self.link.reaches_the_store(&self.sim).await?;
            if self.way() != Way::Good {
                self.sim.count(Fault::StoreFailed);
                return Err(Self::broke());
            }
            let answer = operation.await;
            self.lag().await;
            self.link.passes().await;
            answer
        })
    }

    /// Changes something; nobody knows whether it was, if the answer is lost.
    fn change<'a, T: Send + 'a>(
        &'a self,
        operation: impl Future<Output = Result<T, StoreError>> + Send + 'a,
    ) -> Storing<'a, T> {
        Box::pin(async move {
            self.link.reaches_the_store(&self.sim).await?;
            self.lag().await;
            self.link.reaches_the_store(&self.sim).await?;
            let way = self.way();
            if way == Way::Fails {
                self.sim.count(Fault::StoreFailed);
                return Err(Self::broke());
            }
            let answer = operation.await?;
            self.lag().await;
            self.link.passes().await;
            if way == Way::AnswerLost {
                self.sim.count(Fault::AnswerLost);
                return Err(Self::broke());
            }
            Ok(answer)
        })
    }

    /// Takes something: whoever is answered has it, and nobody has what nobody was told of.
    fn take<'a, T: Send + 'a>(&'a self, operation: impl FnOnce() -> Storing<'a, T> + Send + 'a) -> Storing<'a, T> {
        Box::pin(async move {
            self.link.reaches_the_store(&self.sim).await?;
            self.lag().await;
            self.link.reaches_the_store(&self.sim).await?;
            if self.way() != Way::Good {
                self.sim.count(Fault::StoreFailed);
                return Err(Self::broke());
            }
            operation().await
        })
    }

    async fn commits(&self, epoch: Epoch, writes: &[Write]) -> Result<Vec<Written>, StoreError> {
        self.link.reaches_the_store(&self.sim).await?;
        if is_planted(Mistake::LeaseWithoutLock) {
            // That the lease is there is looked at, and not kept so until the end.
            self.store.commit(epoch, &[]).await?;
        }
        self.lag().await;
        if self.sim.goes_wrong(self.sim.weather.store) {
            // It has arrived, and the server stands still: perhaps until the lease is over.
            self.sim.count(Fault::CommitSlow);
            sleep(self.sim.up_to(self.sim.lease * 3)).await;
        }
        // Once the server has it, it does it, whatever becomes of the worker.
        let doubt = || StoreError::InDoubt("the connection broke".into());
        let way = self.way();
        if way == Way::Fails {
            if self.sim.dice().chance(50) {
                self.sim.count(Fault::StoreFailed);
                return Err(Self::broke());
            }
            self.sim.count(Fault::CommitLost);
            return Err(doubt());
        }
        let written = self.store.commit(epoch, writes).await?;
        for (write, written) in writes.iter().zip(&written) {
            match (write, written) {
                // One that only lets go changes nothing once somebody else has it.
                (Write::Append(append), _) if !append.rows.is_empty() => self.sim.accepted(append.instance, epoch),
                (Write::Start(start), Written::Started(no)) if start.owned => self.sim.taken(*no, epoch),
                _ => {}
            }
        }
        self.lag().await;
        self.link.passes().await;
        if way == Way::AnswerLost {
            self.sim.count(Fault::CommitAnswerLost);
            return Err(doubt());
        }
        Ok(written)
    }
}

impl Store for Connection {
    fn register(&self) -> Storing<'_, Epoch> {
        self.take(move || {
            Box::pin(async move {
                let epoch = self.store.register().await?;
                *lock(&self.link.epoch) = Some(epoch);
                Ok(epoch)
            })
        })
    }

    fn lease(&self) -> Option<Duration> {
        self.store.lease()
    }

    fn renew(&self, epoch: Epoch, bury_dead: bool) -> Storing<'_, Renewed> {
        self.change(async move {
            let renewed = self.store.renew(epoch, bury_dead).await?;
            Ok(Renewed { now: self.sim.has_clock.then(|| self.sim.now()), ..renewed })
        })
    }

    fn retire(&self, epoch: Epoch) -> Storing<'_, ()> {
        self.change(async move { self.store.retire(epoch).await })
    }

    fn news(&self, epoch: Epoch) -> Storing<'_, Option<Box<dyn News>>> {
        self.read(Box::pin(async move {
            let news = self.store.news(epoch).await?;
            let (sim, link) = (Arc::clone(&self.sim), Arc::clone(&self.link));
            Ok(news.map(|news| Box::new(Hearing { news, sim, link }) as Box<dyn News>))
        }))
    }

    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>> {
        Box::pin(self.commits(epoch, writes))
    }

    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims> {
        self.take(move || {
            Box::pin(async move {
                let claims = self.store.claim(epoch, sagas, now, limit).await?;
                for claimed in &claims.claimed {
                    self.sim.taken(claimed.instance.no, epoch);
                    self.sim
                        .tell(|| format!("{} takes {} {}", self.link.name, claimed.instance.saga, claimed.instance.id));
                }
                Ok(claims)
            })
        })
    }

    fn claim_one<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        instance: InstanceNo,
    ) -> Storing<'a, Option<Claimed>> {
        self.take(move || {
            Box::pin(async move {
                let claimed = self.store.claim_one(epoch, sagas, instance).await?;
                if let Some(claimed) = &claimed {
                    self.sim.taken(claimed.instance.no, epoch);
                }
                Ok(claimed)
            })
        })
    }

    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>> {
        self.read(Box::pin(async move { self.store.find(saga, id).await }))
    }

    fn list<'a>(&'a self, filter: &'a Filter, after: Option<InstanceNo>, limit: usize) -> Storing<'a, Vec<Instance>> {
        self.read(Box::pin(async move { self.store.list(filter, after, limit).await }))
    }

    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>> {
        self.read(Box::pin(async move { self.store.journal(instance, from, limit).await }))
    }

    fn rows<'a>(&'a self, instance: InstanceNo, seqs: &'a [u64]) -> Storing<'a, Vec<Row>> {
        self.read(Box::pin(async move { self.store.rows(instance, seqs).await }))
    }

    fn length(&self, instance: InstanceNo) -> Storing<'_, u64> {
        self.read(Box::pin(async move { self.store.length(instance).await }))
    }

    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>> {
        self.change(async move { self.store.request(instance, body, ended).await })
    }

    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>> {
        self.read(Box::pin(async move { self.store.inbox(instance).await }))
    }

    fn inboxes<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<InstanceNo>> {
        self.read(Box::pin(async move { self.store.inboxes(epoch, sagas, after, limit).await }))
    }

    fn send<'a>(&'a self, saga: &'a str, id: &'a str, message: &'a Message, at: Micros) -> Storing<'a, Sent> {
        self.change(async move { self.store.send(saga, id, message, at).await })
    }

    fn messages(&self, instance: InstanceNo) -> Storing<'_, Vec<Received>> {
        self.read(Box::pin(async move { self.store.messages(instance).await }))
    }

    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool> {
        self.change(async move { self.store.bury(instance).await })
    }

    fn bury_ended<'a>(&'a self, expired: &'a Expired) -> Storing<'a, Burials> {
        self.change(async move { self.store.bury_ended(expired).await })
    }

    fn forget_buried<'a>(&'a self, saga: &'a str, before: Micros, limit: usize) -> Storing<'a, u64> {
        self.change(async move { self.store.forget_buried(saga, before, limit).await })
    }

    fn tick<'a>(&'a self, name: &'a str) -> Storing<'a, Option<Micros>> {
        self.read(Box::pin(async move { self.store.tick(name).await }))
    }

    fn set_tick<'a>(&'a self, name: &'a str, at: Micros) -> Storing<'a, ()> {
        self.change(async move { self.store.set_tick(name, at).await })
    }

    fn close(&self) -> Storing<'_, ()> {
        self.store.close()
    }
}

/// News, which are late and sometimes lost.
#[derive(Debug)]
struct Hearing {
    news: Box<dyn News>,
    sim: Arc<Sim>,
    link: Arc<Link>,
}

impl News for Hearing {
    fn next(&mut self) -> Storing<'_, Vec<Told>> {
        Box::pin(async {
            let told = self.news.next().await?;
            self.link.reaches_the_store(&self.sim).await?;
            if self.sim.goes_wrong(self.sim.weather.store) {
                return Err(Connection::broke());
            }
            Ok(told)
        })
    }
}
