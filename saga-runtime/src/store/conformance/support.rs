//! What the cases are written with.

use crate::store::{
    Append, Claimed, Claims, Epoch, Filter, Instance, InstanceNo, Labels, Message, Micros, Received, RequestNo, Row,
    Sent, Start, Status, Store, StoreError, Touch, Write, Written,
};

/// The saga that the cases' instances are of.
pub(super) const SAGA: &str = "checkout";
/// A moment that all are after or before.
pub(super) const NOW: Micros = 1_700_000_000_000_000;

pub(super) fn row(seq: u64, event: &str) -> Row {
    Row { seq, at: NOW + Micros::try_from(seq).unwrap_or(0), event: event.into() }
}

/// Rows with these numbers.
pub(super) fn rows(seqs: impl IntoIterator<Item = u64>) -> Vec<Row> {
    seqs.into_iter().map(|seq| row(seq, &format!(r#"{{"row":{seq}}}"#))).collect()
}

/// A start, waiting to be claimed.
pub(super) fn start(id: &str) -> Start {
    Start {
        saga: SAGA.into(),
        id: id.into(),
        birth: format!("birth of {id}").into(),
        version: 1,
        input_hash: [7; 32],
        owned: false,
        at: NOW,
        wake_at: None,
        parent: None,
        labels: Labels::new(),
        rows: rows(1..=1),
    }
}

pub(super) fn owned(id: &str) -> Start {
    Start { owned: true, ..start(id) }
}

pub(super) fn append(instance: InstanceNo, seqs: impl IntoIterator<Item = u64>) -> Append {
    Append::new(instance, rows(seqs))
}

/// An append that touches, and lets the instance go.
pub(super) fn touching(instance: InstanceNo, seq: u64, status: Status) -> Append {
    Append { touch: Some(touch(status)), ..append(instance, [seq]) }
}

/// An append that puts an instance to sleep.
pub(super) fn sleeping(instance: InstanceNo, seq: u64, until: Micros) -> Append {
    let touch = Touch { wake_at: Some(until), state: Some("nap".into()), ..touch(Status::Sleeping) };
    Append { touch: Some(touch), ..append(instance, [seq]) }
}

/// An append after which an instance waits for messages of these names, at most until then.
pub(super) fn waiting(instance: InstanceNo, seq: u64, names: &[&str], until: Option<Micros>) -> Append {
    let awaits = names.iter().map(|name| (*name).into()).collect();
    let touch = Touch { wake_at: until, awaits, state: Some("wait".into()), ..Touch::new(Status::Waiting, NOW) };
    Append { touch: Some(touch), ..append(instance, [seq]) }
}

pub(super) fn message(name: &str, id: &str) -> Message {
    Message { name: name.into(), id: id.into(), body: format!(r#"{{"id":"{id}"}}"#).into() }
}

pub(super) fn touch(status: Status) -> Touch {
    Touch::new(status, NOW + 1_000)
}

/// A store and a worker of it. What is not expected to fail panics if it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worker<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) epoch: Epoch,
}

impl<'a> Worker<'a> {
    pub(super) async fn new(store: &'a dyn Store) -> Self {
        Self { store, epoch: store.register().await.expect("a worker can be registered") }
    }

    pub(super) async fn try_commit(&self, writes: impl IntoIterator<Item = Write>) -> Result<Vec<Written>, StoreError> {
        let writes: Vec<_> = writes.into_iter().collect();
        self.store.commit(self.epoch, &writes).await
    }

    pub(super) async fn commit(&self, writes: impl IntoIterator<Item = Write>) -> Vec<Written> {
        self.try_commit(writes).await.expect("the batch can be written")
    }

    pub(super) async fn start(&self, start: Start) -> InstanceNo {
        match &*self.commit([Write::Start(start)]).await {
            [Written::Started(no)] => *no,
            other => panic!("a start of a new identity answered {other:?}"),
        }
    }

    pub(super) async fn append(&self, append: Append) {
        let written = self.commit([Write::Append(append)]).await;
        assert!(matches!(&*written, [Written::Appended]), "an append answered {written:?}");
    }

    /// A new instance that was put into this status by its second row.
    pub(super) async fn with_status(&self, id: &str, status: Status) -> InstanceNo {
        let no = self.start(owned(id)).await;
        self.append(touching(no, 2, status)).await;
        no
    }

    /// The index that the store blames.
    pub(super) async fn refused(&self, writes: impl IntoIterator<Item = Write>) -> usize {
        match self.try_commit(writes).await {
            Err(StoreError::Write { index, .. }) => index,
            other => panic!("a write that cannot be written answered {other:?}"),
        }
    }

    pub(super) async fn claim(&self, now: Micros, limit: usize) -> Claims {
        self.store.claim(self.epoch, &[SAGA], now, limit).await.expect("a claim can be made")
    }

    /// The numbers of what is claimed.
    pub(super) async fn claimed(&self, now: Micros, limit: usize) -> Vec<InstanceNo> {
        self.claim(now, limit).await.claimed.iter().map(|claimed| claimed.instance.no).collect()
    }

    pub(super) async fn claim_one(&self, no: InstanceNo) -> Option<Claimed> {
        self.store.claim_one(self.epoch, &[SAGA], no).await.expect("one can be claimed")
    }

    pub(super) async fn find(&self, id: &str) -> Option<Instance> {
        self.store.find(SAGA, id).await.expect("an identity can be looked up")
    }

    pub(super) async fn found(&self, id: &str) -> Instance {
        self.find(id).await.expect("the instance is there")
    }

    pub(super) async fn list(&self, statuses: &[Status], after: Option<InstanceNo>, limit: usize) -> Vec<InstanceNo> {
        let list = self.store.list(&Filter::of(statuses), after, limit).await.expect("instances can be listed");
        list.iter().map(|instance| instance.no).collect()
    }

    pub(super) async fn journal(&self, no: InstanceNo) -> Vec<Row> {
        self.journal_from(no, 1, usize::MAX).await
    }

    pub(super) async fn journal_from(&self, no: InstanceNo, from: u64, limit: usize) -> Vec<Row> {
        self.store.journal(no, from, limit).await.expect("a journal can be read")
    }

    pub(super) async fn request(&self, no: InstanceNo, body: &str) -> Option<RequestNo> {
        self.store.request(no, body, false).await.expect("a request can be sent")
    }

    pub(super) async fn inbox(&self, no: InstanceNo) -> Vec<RequestNo> {
        let inbox = self.store.inbox(no).await.expect("an inbox can be read");
        inbox.into_iter().map(|(no, _)| no).collect()
    }

    pub(super) async fn inboxes(&self, after: Option<InstanceNo>, limit: usize) -> Vec<InstanceNo> {
        self.store.inboxes(self.epoch, &[SAGA], after, limit).await.expect("inboxes can be listed")
    }

    pub(super) async fn send(&self, id: &str, message: &Message, at: Micros) -> Sent {
        self.store.send(SAGA, id, message, at).await.expect("a message can be sent")
    }

    pub(super) async fn messages(&self, no: InstanceNo) -> Vec<Received> {
        self.store.messages(no).await.expect("messages can be read")
    }

    pub(super) async fn listed(&self, filter: &Filter) -> Vec<InstanceNo> {
        let list = self.store.list(filter, None, usize::MAX).await.expect("instances can be listed");
        list.iter().map(|instance| instance.no).collect()
    }

    pub(super) async fn bury(&self, no: InstanceNo) -> bool {
        self.store.bury(no).await.expect("an instance can be buried, or not")
    }
}
