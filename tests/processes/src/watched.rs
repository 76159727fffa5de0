//! A store with a point before and after each write that it is asked for, whoever asks.

use crate::{
    Points,
    table::{call, found, write},
};
use saga_runtime::store::{
    Burials, Claimed, Claims, Epoch, Expired, Filter, Instance, InstanceNo, Message, Micros, News, Received, Renewed,
    RequestNo, Row, Sent, Store, Storing, Transaction, Write, Written,
};
use std::{any::Any, sync::Arc, time::Duration};

/// A store whose every write is watched.
#[derive(Debug)]
pub struct Watched {
    store: Arc<dyn Store>,
    points: Arc<Points>,
}

impl Watched {
    /// This one, with those points.
    pub fn new(store: Arc<dyn Store>, points: Arc<Points>) -> Self {
        Self { store, points }
    }

    /// Between two points.
    fn around<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        asked: impl FnOnce(&'a dyn Store) -> Storing<'a, T> + Send + 'a,
    ) -> Storing<'a, T> {
        Box::pin(async move {
            self.points.pass_one("before call", call);
            let answer = asked(&*self.store).await;
            self.points.pass_one("after call", call);
            answer
        })
    }
}

/// The names of a point around this call, with these writes.
fn names(moment: &str, call: &str, writes: &[Write]) -> Vec<String> {
    let held = writes.iter().flat_map(|write| match write {
        Write::Start(start) => vec![if start.owned { write::START } else { write::WAITING }],
        Write::Append(append) => {
            let touch = append.touch.as_ref();
            let ends = touch.is_some_and(|touch| touch.status.is_end());
            let all = [
                (write::ROWS, !append.rows.is_empty()),
                (write::CONSUMED, !append.consumed.is_empty()),
                (write::RECEIVED, !append.received.is_empty()),
                (write::LABELS, !append.labels.is_empty()),
                (write::STARTS, !append.starts.is_empty()),
                (write::SENDS, !append.sends.is_empty()),
                (write::REQUESTS, !append.requests.is_empty()),
                (write::LETS_GO, touch.is_some_and(|touch| !touch.owned && !ends)),
                (write::END, ends),
            ];
            all.into_iter().filter_map(|(name, is)| is.then_some(name)).collect()
        }
    });
    let held = held.map(|held| format!("{moment} write: {held}"));
    [format!("{moment} call: {call}")].into_iter().chain(held).collect()
}

impl Store for Watched {
    fn register(&self) -> Storing<'_, Epoch> {
        self.around(call::REGISTER, |store| store.register())
    }

    fn lease(&self) -> Option<Duration> {
        self.store.lease()
    }

    fn renew(&self, epoch: Epoch, bury_dead: bool) -> Storing<'_, Renewed> {
        let call = if bury_dead { call::BURY } else { call::RENEW };
        Box::pin(async move {
            let renewed = self.around(call, move |store| store.renew(epoch, bury_dead)).await?;
            if !renewed.dead.is_empty() {
                self.points.pass_one("found", found::DEAD);
            }
            Ok(renewed)
        })
    }

    fn retire(&self, epoch: Epoch) -> Storing<'_, ()> {
        self.around(call::RETIRE, move |store| store.retire(epoch))
    }

    fn news(&self, epoch: Epoch) -> Storing<'_, Option<Box<dyn News>>> {
        self.store.news(epoch)
    }

    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>> {
        Box::pin(async move {
            self.points.pass(names("before", call::COMMIT, writes));
            let written = self.store.commit(epoch, writes).await;
            self.points.pass(names("after", call::COMMIT, writes));
            written
        })
    }

    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims> {
        Box::pin(async move {
            let claims = self.around(call::CLAIM, move |store| store.claim(epoch, sagas, now, limit)).await?;
            for claimed in &claims.claimed {
                self.points.pass_one("found", if claimed.orphaned { found::ORPHAN } else { found::READY });
            }
            Ok(claims)
        })
    }

    fn claim_one<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        instance: InstanceNo,
    ) -> Storing<'a, Option<Claimed>> {
        self.around(call::CLAIM_ONE, move |store| store.claim_one(epoch, sagas, instance))
    }

    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>> {
        self.store.find(saga, id)
    }

    fn list<'a>(&'a self, filter: &'a Filter, after: Option<InstanceNo>, limit: usize) -> Storing<'a, Vec<Instance>> {
        self.store.list(filter, after, limit)
    }

    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>> {
        self.store.journal(instance, from, limit)
    }

    fn rows<'a>(&'a self, instance: InstanceNo, seqs: &'a [u64]) -> Storing<'a, Vec<Row>> {
        self.store.rows(instance, seqs)
    }

    fn length(&self, instance: InstanceNo) -> Storing<'_, u64> {
        self.store.length(instance)
    }

    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>> {
        self.around(call::REQUEST, move |store| store.request(instance, body, ended))
    }

    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>> {
        self.store.inbox(instance)
    }

    fn inboxes<'a>(
        &'a self,
        epoch: Epoch,
        sagas: &'a [&'a str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<InstanceNo>> {
        self.store.inboxes(epoch, sagas, after, limit)
    }

    fn send<'a>(&'a self, saga: &'a str, id: &'a str, message: &'a Message, at: Micros) -> Storing<'a, Sent> {
        self.around(call::SEND, move |store| store.send(saga, id, message, at))
    }

    fn messages(&self, instance: InstanceNo) -> Storing<'_, Vec<Received>> {
        self.store.messages(instance)
    }

    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool> {
        self.store.bury(instance)
    }

    fn bury_ended<'a>(&'a self, expired: &'a Expired) -> Storing<'a, Burials> {
        self.store.bury_ended(expired)
    }

    fn forget_buried<'a>(&'a self, saga: &'a str, before: Micros, limit: usize) -> Storing<'a, u64> {
        self.store.forget_buried(saga, before, limit)
    }

    fn tick<'a>(&'a self, name: &'a str) -> Storing<'a, Option<Micros>> {
        self.store.tick(name)
    }

    fn set_tick<'a>(&'a self, name: &'a str, at: Micros) -> Storing<'a, ()> {
        self.store.set_tick(name, at)
    }

    fn transact(&self, epoch: Epoch) -> Storing<'_, Box<dyn Transaction>> {
        let points = Arc::clone(&self.points);
        self.around(call::TRANSACT, move |store| {
            Box::pin(async move {
                let transaction = store.transact(epoch).await?;
                Ok(Box::new(WatchedTransaction { transaction, points }) as Box<dyn Transaction>)
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

/// A step's transaction, whose end is watched.
#[derive(Debug)]
struct WatchedTransaction {
    transaction: Box<dyn Transaction>,
    points: Arc<Points>,
}

impl Transaction for WatchedTransaction {
    fn connection(&mut self) -> &mut (dyn Any + Send) {
        self.transaction.connection()
    }

    fn commit(self: Box<Self>, writes: &[Write]) -> Storing<'_, Vec<Written>> {
        Box::pin(async move {
            let Self { transaction, points } = *self;
            points.pass(names("before", call::COMMIT_STEP, writes));
            let written = transaction.commit(writes).await;
            points.pass(names("after", call::COMMIT_STEP, writes));
            written
        })
    }

    fn rollback(self: Box<Self>) -> Storing<'static, ()> {
        Box::pin(async move {
            let Self { transaction, points } = *self;
            points.pass_one("before call", call::ROLL_BACK);
            let rolled_back = transaction.rollback().await;
            points.pass_one("after call", call::ROLL_BACK);
            rolled_back
        })
    }
}
