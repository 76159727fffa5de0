//! The one way to the store: rows are applied to the state, collected, and committed together.

use super::{Engine, Point};
use crate::{
    context::Ids,
    core::{Event, State},
    store::{
        Append, Instance, InstanceNo, Labels, Micros, RequestNo, Row, Start, Status, Touch, Write, Written,
        committer::CommitError,
    },
};
use std::sync::Arc;

/// Why a worker lets its instance go.
#[derive(Debug)]
pub(crate) enum Over {
    /// It has ended.
    Ended,
    /// It sleeps in the store.
    Asleep,
    /// It is parked.
    Parked,
    /// It waits for a build that knows it.
    WaitsForBuild,
    /// The runtime stops; it was given back.
    Stopped,
    /// The start found its identity taken, by this one.
    Exists(Box<Instance>),
    /// Its data cannot be written.
    Rejected(Box<str>),
    /// Nothing can be written any more, or a start could not be.
    Cut(CommitError),
    /// Its rows contradict each other, or could not be read.
    Broken(Box<str>),
}

/// Who an instance is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) ids: Arc<Ids>,
    pub(crate) birth: Box<str>,
    pub(crate) version: u32,
    pub(crate) input_hash: [u8; 32],
}

/// An instance's journal, as its owner writes it.
pub(crate) struct Journal {
    engine: Arc<Engine>,
    pub(crate) identity: Identity,
    /// Nothing until the start is committed.
    pub(crate) no: Option<InstanceNo>,
    pub(crate) state: State,
    /// What the store's row of the instance says.
    pub(crate) status: Status,
    wake_at: Option<Micros>,
    awaits: Vec<Box<str>>,
    named: Option<Box<str>>,
    error: Option<Box<str>>,
    pending: Vec<Row>,
    kinds: Vec<&'static str>,
    consumed: Vec<RequestNo>,
    /// The answer that the last commit began with: kept until the next one, should that commit be rejected.
    answer: Option<Row>,
    /// When the last commit was.
    pub(crate) committed_at: Micros,
}

impl Journal {
    /// The journal of an instance that is about to be started.
    pub(crate) fn fresh(engine: &Arc<Engine>, identity: Identity) -> Self {
        Self::new(engine, identity, None, Status::Ready, State::default())
    }

    /// The journal of a claimed instance, whose rows came to this state.
    pub(crate) fn claimed(engine: &Arc<Engine>, instance: &Instance, status: Status, state: State) -> Self {
        let identity = Identity {
            ids: Arc::new(Ids { saga: instance.saga.clone(), instance: instance.id.clone() }),
            birth: instance.birth.clone(),
            version: instance.version,
            input_hash: instance.input_hash,
        };
        let mut journal = Self::new(engine, identity, Some(instance.no), status, state);
        if status != Status::Ready {
            journal.wake_at = instance.wake_at;
            journal.awaits.clone_from(&instance.awaits);
            journal.named.clone_from(&instance.state);
            journal.error.clone_from(&instance.error);
        }
        journal
    }

    fn new(engine: &Arc<Engine>, identity: Identity, no: Option<InstanceNo>, status: Status, state: State) -> Self {
        Self {
            identity,
            no,
            state,
            status,
            wake_at: None,
            awaits: Vec::new(),
            named: None,
            error: None,
            pending: Vec::new(),
            kinds: Vec::new(),
            consumed: Vec::new(),
            answer: None,
            committed_at: engine.clock.now(),
            engine: Arc::clone(engine),
        }
    }

    /// The next row's number.
    pub(crate) fn next(&self) -> u64 {
        self.state.seq + 1
    }

    /// Applies an event and collects its row for the next commit.
    pub(crate) fn push(&mut self, event: &Event) -> Result<u64, Over> {
        let (seq, at) = (self.next(), self.engine.clock.now());
        let text = event.to_text().map_err(|error| Over::Rejected(error.to_string().into()))?;
        self.state.apply(seq, at, event).map_err(|illegal| Over::Broken(illegal.to_string().into()))?;
        self.pending.push(Row { seq, at, event: text });
        self.kinds.push(event.kind());
        Ok(seq)
    }

    /// A request that the next commit answers.
    pub(crate) fn consume(&mut self, request: RequestNo) {
        self.consumed.push(request);
    }

    /// Whether there are rows that are not committed.
    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Forgets what is not committed, but for the answer that it began with.
    pub(crate) fn forget(&mut self) -> Option<Row> {
        if let Some(row) = self.pending.first() {
            self.answer = (self.kinds.first() == Some(&"answered")).then(|| row.clone());
        }
        self.kinds.clear();
        self.consumed.clear();
        self.pending.clear();
        self.answer.take()
    }

    /// Commits what is collected; the instance goes on running.
    pub(crate) async fn commit(&mut self) -> Result<(), Over> {
        let touch = (self.status != Status::Ready).then(|| self.touch(Status::Ready, true));
        self.write(touch).await
    }

    /// Commits what is collected, and lets the instance go with this status.
    pub(crate) async fn release(&mut self, status: Status, wake_at: Option<Micros>) -> Result<(), Over> {
        let mut touch = self.touch(status, false);
        touch.wake_at = wake_at;
        if !matches!(status, Status::Ready) && !status.is_end() {
            touch.state = Some(self.state.state_name());
        }
        self.write(Some(touch)).await
    }

    /// Lets the instance go as it was, with a name for the lists if there is a new one.
    pub(crate) async fn give_back(&mut self, status: Status, named: Option<Box<str>>) -> Result<(), Over> {
        let mut touch = self.touch(status, false);
        if status == self.status {
            touch.wake_at = self.wake_at;
            touch.awaits.clone_from(&self.awaits);
            touch.state.clone_from(&self.named);
            touch.error.clone_from(&self.error);
        }
        if named.is_some() {
            touch.state = named;
        }
        self.write(Some(touch)).await
    }

    fn touch(&self, status: Status, owned: bool) -> Touch {
        Touch { owned, ..Touch::new(status, self.engine.clock.now()) }
    }

    async fn write(&mut self, touch: Option<Touch>) -> Result<(), Over> {
        if self.pending.is_empty() && touch.is_none() && self.consumed.is_empty() {
            return Ok(());
        }
        let ids = Arc::clone(&self.identity.ids);
        let kinds = std::mem::take(&mut self.kinds);
        self.engine.at(Point::BeforeCommit { instance: &ids.instance, events: &kinds }).await;
        let (rows, consumed) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.consumed));
        self.answer = rows.first().filter(|_| kinds.first() == Some(&"answered")).cloned();
        let status = touch.as_ref().map(|touch| touch.status);
        match self.no {
            Some(instance) => {
                let write = Write::Append(Append { consumed, touch, ..Append::new(instance, rows) });
                self.engine.committer.write(write).await.map_err(Over::from)?;
            }
            None => self.no = Some(self.started(rows, touch).await?),
        }
        self.status = status.unwrap_or(self.status);
        self.committed_at = self.engine.clock.now();
        if let Some(instance) = self.no {
            self.engine.hub.changed(instance);
        }
        self.engine.at(Point::AfterCommit { instance: &ids.instance, events: &kinds }).await;
        Ok(())
    }

    /// The first commit of an instance: if it is to be let go at once, that is a second write right behind it.
    async fn started(&mut self, rows: Vec<Row>, touch: Option<Touch>) -> Result<InstanceNo, Over> {
        let start = self.start(rows, true);
        let instance = match self.engine.committer.write(Write::Start(start)).await.map_err(Over::from)? {
            Written::Started(instance) => instance,
            Written::Exists(instance) => return Err(Over::Exists(instance)),
            Written::Appended => return Err(Over::Broken("the store answered a start as if it were an append".into())),
        };
        if touch.is_some() {
            let append = Append { touch, ..Append::new(instance, Vec::new()) };
            self.engine.committer.write(Write::Append(append)).await.map_err(Over::from)?;
        }
        Ok(instance)
    }

    fn start(&self, rows: Vec<Row>, owned: bool) -> Start {
        Start {
            saga: self.identity.ids.saga.clone(),
            id: self.identity.ids.instance.clone(),
            birth: self.identity.birth.clone(),
            version: self.identity.version,
            input_hash: self.identity.input_hash,
            owned,
            at: self.engine.clock.now(),
            wake_at: None,
            parent: None,
            labels: Labels::new(),
            rows,
        }
    }

    /// The start of an instance that waits in the store for a permit.
    pub(crate) fn into_waiting_start(mut self) -> Start {
        let rows = std::mem::take(&mut self.pending);
        self.start(rows, false)
    }
}

impl From<CommitError> for Over {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Rejected(reason) => Self::Rejected(reason),
            other => Self::Cut(other),
        }
    }
}
