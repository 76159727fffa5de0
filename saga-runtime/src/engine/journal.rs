//! The one way to the store: rows are applied to the state and collected, to be committed together.

use super::{Engine, SECOND, commit::UnderWay, life::Life};
use crate::{
    context::{self, Ids},
    core::{Event, Phase, State, child::ChildEnd},
    planted,
    runtime::input::{check_label, check_labels},
    store::{
        Claimed, Delivery, Instance, InstanceNo, Labels, MessageNo, Micros, RequestNo, Row, Start, Status,
        committer::CommitError,
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Mutex as Turn;

/// Every row whose number is a multiple of this is a snapshot of the rows before it.
pub(crate) fn snapshot_every() -> u64 {
    planted::snapshots(1_000)
}

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

/// An instance's journal, as its owner writes it. Several threads of the instance may write to it.
pub(crate) struct Journal {
    pub(super) engine: Arc<Engine>,
    /// The life of this worker in which it came to own the instance: what comes after it writes nothing here.
    pub(super) life: Arc<Life>,
    pub(crate) identity: Identity,
    inner: Mutex<Inner>,
    /// Where the instance's flows put their labels.
    labels: context::Labels,
    /// Held while something is written: one commit of an instance goes after another.
    pub(super) turn: Turn<()>,
}

/// What a journal holds in this process.
pub(crate) struct Inner {
    /// Nothing until the start is committed.
    pub(crate) no: Option<InstanceNo>,
    pub(crate) state: State,
    /// What the store's row of the instance says.
    pub(crate) status: Status,
    /// Whether something may have been lost with an earlier worker of which the journal does not tell yet.
    pub(super) lost: bool,
    pub(super) wake_at: Option<Micros>,
    pub(super) awaits: Vec<Box<str>>,
    pub(super) named: Option<Box<str>>,
    pub(super) error: Option<Box<str>>,
    /// What it says now of why something of it is parked.
    pub(super) shown: Option<Box<str>>,
    /// Why it is parked, by the row that says so.
    pub(super) parks: BTreeMap<u64, Box<str>>,
    /// The instance that waits for this one.
    parent: Option<InstanceNo>,
    /// Its labels, as its flow has them.
    pub(super) labels: Labels,
    /// Its labels, as the store has them.
    pub(super) labelled: Labels,
    /// The row that says how it ends, and what it says.
    end: Option<(u64, Arc<ChildEnd>)>,
    pub(super) pending: Pending,
    /// What the last commit began with that stands: kept until the next one, should that commit be rejected.
    pub(super) answers: Answers,
    /// Why the last commit was rejected: what follows it comes to nothing.
    pub(super) rejected: Option<Box<str>>,
    /// A commit that was handed over by one who did not wait for it.
    pub(super) unheard: Option<UnderWay>,
    /// When the last commit was.
    pub(crate) committed_at: Micros,
    /// The last rows, as they were written: what is undone soon is not read again.
    recent: Recent,
}

/// The last rows that this process wrote of an instance, as many as are of this length together.
#[derive(Default)]
struct Recent {
    rows: VecDeque<Row>,
    bytes: usize,
}

impl Recent {
    const BYTES: usize = 8 << 10;

    fn keep(&mut self, row: &Row) {
        self.bytes += row.event.len();
        self.rows.push_back(row.clone());
        while self.bytes > Self::BYTES {
            let Some(row) = self.rows.pop_front() else { break };
            self.bytes -= row.event.len();
        }
    }
}

/// What the next commit writes.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) rows: Vec<Row>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) consumed: Vec<RequestNo>,
    /// Messages that are taken, each with the row that says what it said, if there is one.
    pub(super) received: Vec<(MessageNo, Option<u64>)>,
    pub(super) starts: Vec<Start>,
    pub(super) sends: Vec<Delivery>,
}

/// Answers that stand whatever becomes of the rows after them, and the messages that brought them, each with the answer's place.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) rows: Vec<Row>,
    pub(super) received: Vec<(MessageNo, u64)>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.consumed.is_empty()
            && self.received.is_empty()
            && self.starts.is_empty()
            && self.sends.is_empty()
    }

    /// The answers that it begins with: they stand whatever becomes of the rows after them.
    pub(super) fn answers(&self) -> Answers {
        let first = self.kinds.iter().take_while(|kind| matches!(**kind, "answered" | "returned")).count();
        let rows = self.rows[..first].to_vec();
        let is_kept = |seq: u64| rows.iter().any(|row| row.seq == seq);
        let received =
            self.received.iter().filter_map(|(message, row)| Some((*message, row.filter(|row| is_kept(*row))?)));
        Answers { received: received.collect(), rows }
    }
}

/// Rows that are about to be committed, and the state that they lead to.
pub(super) struct Staged {
    /// The last row before them.
    after: u64,
    state: State,
    pub(super) rows: Vec<Row>,
    pub(super) kinds: Vec<&'static str>,
}

impl Journal {
    /// The journal of an instance that is about to be started.
    pub(crate) fn fresh(engine: &Arc<Engine>, life: &Arc<Life>, identity: Identity) -> Self {
        Self::new(engine, life, identity, None, Status::Ready, State::default())
    }

    /// The journal of a claimed instance, whose rows came to this state, and whose own row says what it said, or nothing.
    pub(crate) fn claimed(
        engine: &Arc<Engine>,
        life: &Arc<Life>,
        Claimed { instance, orphaned }: &Claimed,
        status: Status,
        kept: bool,
        state: State,
    ) -> Self {
        let identity = Identity {
            ids: Arc::new(Ids { saga: instance.saga.clone(), instance: instance.id.clone() }),
            birth: instance.birth.clone(),
            version: instance.version,
            input_hash: instance.input_hash,
        };
        let journal = Self::new(engine, life, identity, Some(instance.no), status, state);
        {
            let mut inner = journal.inner();
            inner.lost = *orphaned;
            inner.parent = instance.parent;
            inner.labels.clone_from(&instance.labels);
            inner.labelled.clone_from(&instance.labels);
            inner.error.clone_from(&instance.error);
            if kept {
                inner.wake_at = instance.wake_at;
                inner.awaits.clone_from(&instance.awaits);
                inner.named.clone_from(&instance.state);
                inner.shown.clone_from(&instance.error);
            }
        }
        journal
    }

    fn new(
        engine: &Arc<Engine>,
        life: &Arc<Life>,
        identity: Identity,
        no: Option<InstanceNo>,
        status: Status,
        state: State,
    ) -> Self {
        let inner = Inner {
            no,
            state,
            status,
            lost: false,
            wake_at: None,
            awaits: Vec::new(),
            named: None,
            error: None,
            shown: None,
            parks: BTreeMap::new(),
            parent: None,
            labels: Labels::new(),
            labelled: Labels::new(),
            end: None,
            pending: Pending::default(),
            answers: Answers::default(),
            rejected: None,
            unheard: None,
            committed_at: engine.clock.now(),
            recent: Recent::default(),
        };
        let (inner, labels) = (Mutex::new(inner), context::Labels::default());
        let (engine, life) = (Arc::clone(engine), Arc::clone(life));
        Self { engine, life, identity, inner, labels, turn: Turn::new(()) }
    }

    /// What it holds. Not to be kept across an await.
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last rows that were written here.
    pub(crate) fn recent(&self) -> Vec<Row> {
        self.inner().recent.rows.iter().cloned().collect()
    }

    /// The instance's number, once its start is durable.
    pub(crate) fn no(&self) -> Option<InstanceNo> {
        self.inner().no
    }

    /// Applies an event and collects its row for the next commit.
    pub(crate) fn push(&self, event: &Event) -> Result<u64, Over> {
        let at = self.engine.clock.now();
        let mut inner = self.inner();
        if (inner.state.seq + 1).is_multiple_of(snapshot_every()) {
            let state = Box::new(inner.state.clone());
            inner.push(at, &Event::Snapshot { state })?;
        }
        inner.push(at, event)
    }

    /// Collects the row of an event about rows that cannot all be read: a snapshot before it would be taken for what they come to.
    pub(crate) fn push_beyond(&self, last: u64, event: &Event) -> Result<u64, Over> {
        let mut inner = self.inner();
        inner.state.seq = last;
        // There is no state that it could be applied to.
        inner.state.root.phase = Phase::Start;
        inner.push(self.engine.clock.now(), event)
    }

    /// What would be committed of this event now, without a trace of it in this process.
    pub(super) fn stage(&self, event: &Event) -> Result<(InstanceNo, Staged), Over> {
        let at = self.engine.clock.now();
        let inner = self.inner();
        let Some(no) = inner.no.filter(|_| inner.pending.is_empty()) else {
            return Err(Over::Broken("a step's transaction ended before what came before it was durable".into()));
        };
        let mut staged =
            Staged { after: inner.state.seq, state: inner.state.clone(), rows: Vec::new(), kinds: Vec::new() };
        if (staged.after + 1).is_multiple_of(snapshot_every()) {
            let state = Box::new(staged.state.clone());
            staged.add(at, &Event::Snapshot { state })?;
        }
        staged.add(at, event)?;
        Ok((no, staged))
    }

    /// What was staged is committed.
    pub(super) fn adopt(&self, staged: Staged) -> Result<(), Over> {
        let mut inner = self.inner();
        if inner.state.seq != staged.after {
            return Err(Over::Broken("something else happened during a step's transaction".into()));
        }
        inner.state = staged.state;
        inner.committed_at = self.engine.clock.now();
        Ok(())
    }

    /// Whether all that was said of it is stored.
    pub(super) fn is_committed(&self) -> bool {
        let Ok(_nothing_is_written) = self.turn.try_lock() else { return false };
        let inner = self.inner();
        inner.pending.is_empty() && inner.unheard.is_none()
    }

    /// This row, if it is one that the next commit writes.
    pub(super) fn pending(&self, seq: u64) -> Option<Row> {
        self.inner().pending.rows.iter().find(|row| row.seq == seq).cloned()
    }

    /// A request that the next commit answers.
    pub(crate) fn consume(&self, request: RequestNo) {
        self.inner().pending.consumed.push(request);
    }

    /// A message that the next commit takes, and the row that says what it said: neither is stored without the other.
    pub(crate) fn receive(&self, message: MessageNo, row: Option<u64>) {
        self.inner().pending.received.push((message, row));
    }

    /// Where the instance's flows put their labels.
    pub(crate) fn labels(&self) -> context::Labels {
        self.labels.clone()
    }

    /// What the flows have put there is set, or taken away, by the next commit: all of it, or none if one cannot be a label.
    pub(crate) fn label(&self) -> Result<(), String> {
        let changes = self.labels.take();
        if changes.is_empty() {
            return Ok(());
        }
        let mut inner = self.inner();
        let mut labels = inner.labels.clone();
        for (key, value) in &changes {
            match value {
                Some(value) => {
                    check_label(key, value)?;
                    labels.insert(key.clone(), value.clone());
                }
                None => {
                    labels.remove(key);
                }
            }
        }
        check_labels(&labels)?;
        inner.labels = labels;
        Ok(())
    }

    /// Another instance that the next commit starts.
    pub(crate) fn start_other(&self, start: Start) {
        self.inner().pending.starts.push(start);
    }

    /// A message that the next commit sends.
    pub(crate) fn send(&self, delivery: Delivery) {
        self.inner().pending.sends.push(delivery);
    }

    /// The instance that waits for this one.
    pub(crate) fn parent(&self) -> Option<InstanceNo> {
        self.inner().parent
    }

    /// When rows that are not committed are to be.
    pub(crate) fn save_at(&self) -> Option<Micros> {
        let inner = self.inner();
        (!inner.pending.rows.is_empty()).then_some(inner.committed_at.saturating_add(SECOND))
    }

    /// Forgets what is not committed, but for the answers that it began with.
    pub(super) fn forget(&self) -> Answers {
        let mut inner = self.inner();
        if inner.rejected.is_none() {
            // Otherwise what is collected follows what was rejected, and comes to nothing without it.
            inner.answers = inner.pending.answers();
        }
        inner.rejected = None;
        inner.pending = Pending::default();
        // What was rejected is not what will be in the rows of these numbers.
        inner.recent = Recent::default();
        inner.labels = inner.labelled.clone();
        std::mem::take(&mut inner.answers)
    }

    /// The row that parked it first, of what is parked now, unless it is known here what that says.
    pub(crate) fn untold_park(&self) -> Option<u64> {
        let inner = self.inner();
        let first = inner.state.parks().first()?.row;
        (!inner.parks.contains_key(&first)).then_some(first)
    }

    /// What that row says.
    pub(crate) fn park_is_for(&self, row: u64, error: &str) {
        self.inner().parks.insert(row, shown(error));
    }

    pub(super) fn start(&self, rows: Vec<Row>, owned: bool) -> Start {
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
    pub(crate) fn into_waiting_start(self) -> Start {
        let rows = std::mem::take(&mut self.inner().pending.rows);
        self.start(rows, false)
    }
}

/// What makes the labels that are stored the ones that are wanted: nothing, where a flow says again what is so.
pub(super) fn changes(stored: &Labels, wanted: &Labels) -> Vec<(Box<str>, Option<Box<str>>)> {
    let gone = stored.keys().filter(|key| !wanted.contains_key(*key)).map(|key| (key.clone(), None));
    let set = wanted.iter().filter(|(key, value)| stored.get(*key) != Some(*value));
    gone.chain(set.map(|(key, value)| (key.clone(), Some(value.clone())))).collect()
}

impl Inner {
    /// The next row's number.
    pub(crate) fn next(&self) -> u64 {
        let next = self.state.seq + 1;
        if next.is_multiple_of(snapshot_every()) { next + 1 } else { next }
    }

    fn push(&mut self, at: Micros, event: &Event) -> Result<u64, Over> {
        let row = next_row(&mut self.state, at, event)?;
        let seq = row.seq;
        if self.state.pivot_passed {
            // Nothing will be undone.
            self.recent = Recent::default();
        } else {
            self.recent.keep(&row);
        }
        self.pending.rows.push(row);
        self.pending.kinds.push(event.kind());
        if let Event::Parked { error, .. } = event.unwrapped().1 {
            self.parks.insert(seq, shown(error));
        }
        if !self.parks.is_empty() && !matches!(event.unwrapped().1, Event::AttemptFailed(_) | Event::Called(_)) {
            let parks = self.state.parks();
            self.parks.retain(|row, _| parks.iter().any(|park| park.row == *row));
        }
        match event.unwrapped() {
            ("", Event::Completed { output }) => self.end = Some((seq, Arc::new(ChildEnd::Completed(output.clone())))),
            ("", Event::Unwinding { cause, .. }) => {
                self.end = Some((seq, Arc::new(ChildEnd::Compensated(cause.clone()))));
            }
            _ => {}
        }
        Ok(seq)
    }

    /// Why it is parked, of several the first.
    pub(super) fn park_error(&self) -> Option<Box<str>> {
        if self.parks.is_empty() && self.shown.is_none() {
            // It is asked with each commit, and a join may have thousands of branches.
            return None;
        }
        let parks = self.state.parks();
        let first = parks.first()?;
        // Of one of which nothing is known here yet it is said all the same that it is there.
        let known = self.parks.get(&first.row).or_else(|| parks.iter().find_map(|park| self.parks.get(&park.row)));
        known.or(self.shown.as_ref()).cloned()
    }

    /// How it ended, if it did, in this process, and without debt.
    pub(super) fn ended(&self) -> Option<Arc<ChildEnd>> {
        let (Phase::Completed { row } | Phase::Compensated { cause: row }) = self.state.phase() else { return None };
        let end = self.end.as_ref().filter(|(seq, _)| seq == row && self.state.debt.is_empty());
        end.map(|(_, end)| Arc::clone(end))
    }
}

impl Staged {
    fn add(&mut self, at: Micros, event: &Event) -> Result<(), Over> {
        self.rows.push(next_row(&mut self.state, at, event)?);
        self.kinds.push(event.kind());
        Ok(())
    }
}

/// What a step says of its failure may hold anything, and no text of Postgres holds a NUL. The row of the journal has it as it is.
fn shown(error: &str) -> Box<str> {
    error.replace('\0', "\u{FFFD}").into()
}

/// Applies an event to a state, and gives its row.
fn next_row(state: &mut State, at: Micros, event: &Event) -> Result<Row, Over> {
    let seq = state.seq + 1;
    let text = event.to_text().map_err(|error| Over::Rejected(error.to_string().into()))?;
    state.apply(seq, at, event).map_err(|illegal| Over::Broken(illegal.to_string().into()))?;
    Ok(Row { seq, at, event: text })
}

impl From<CommitError> for Over {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Rejected(reason) => Self::Rejected(reason),
            other => Self::Cut(other),
        }
    }
}
