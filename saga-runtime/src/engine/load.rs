//! From rows back to an instance.

use super::journal::snapshot_every;
use crate::{
    core::{
        AnswerAt, CallId, Called, Calls, Doing, Event, Illegal, Name, Phase, Saved, State, Stored, Undo,
        event::Undecodable,
    },
    machine::{Answer, Arguments, Json},
    store::{InstanceNo, Row, Store, StoreError},
};
use litemap::LiteMap;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// How many rows are read at a time.
const PAGE: usize = 256;

/// Most journals are no longer than this: they are read by one query, and whole.
const SHORT: usize = 64;

/// An instance as its journal has it: the state, and the payloads that its strands resume with, by path.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) state: State,
    pub(crate) payloads: BTreeMap<Box<str>, Payloads>,
}

/// What a strand resumes with.
#[derive(Debug, Default, Clone)]
pub(crate) struct Payloads {
    /// What was last saved of each local.
    pub(crate) locals: LiteMap<Name, Json>,
    /// The arguments of the last call; of a join, those of each branch.
    pub(crate) arguments: Vec<Arguments>,
    /// The answer of the last call.
    pub(crate) answer: Option<Answer>,
    /// Of a join that is under way: the answers of the branches that have ended.
    pub(crate) answers: BTreeMap<u32, Answer>,
}

/// Why a journal could not be folded.
#[derive(Debug, Clone)]
pub(crate) enum Unfoldable {
    /// The store did not give it.
    Store(StoreError),
    /// A row is of a kind that this build does not know.
    Unknown {
        /// The row.
        row: u64,
        /// The kind.
        kind: Box<str>,
    },
    /// A row is damaged.
    Damaged {
        /// The row.
        row: u64,
        /// In which way.
        error: Box<str>,
    },
    /// A row cannot follow those before it.
    Illegal(Illegal),
}

impl Unfoldable {
    /// Whether it is the store that is away for a while: a read that is not answered is not answered now, and says nothing of what
    /// would have been read.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unavailable(_) | StoreError::InDoubt(_)))
    }
}

impl fmt::Display for Unfoldable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Unknown { row, kind } => {
                write!(f, "row {row} of the journal is of kind `{kind}`, which this build does not know")
            }
            Self::Damaged { row, error } => write!(f, "row {row} of the journal cannot be read: {error}"),
            Self::Illegal(illegal) => illegal.fmt(f),
        }
    }
}

/// Reads one row's text.
pub(crate) fn read(row: &Row) -> Result<Event, Unfoldable> {
    Event::from_text(&row.event).map_err(|error| match error {
        Undecodable::UnknownKind(kind) => Unfoldable::Unknown { row: row.seq, kind },
        Undecodable::Damaged(error) => Unfoldable::Damaged { row: row.seq, error },
    })
}

/// Reads and folds a journal; with an error, how far the rows go all the same.
pub(crate) async fn load(store: &dyn Store, instance: InstanceNo) -> Result<Loaded, (Unfoldable, u64)> {
    let (state, read) = folded(store, instance).await?;
    let last = state.seq;
    let payloads = payloads(store, instance, &state, read).await.map_err(|error| (error, last))?;
    Ok(Loaded { state, payloads })
}

/// Reads and folds a journal, from its last snapshot on.
pub(crate) async fn fold(store: &dyn Store, instance: InstanceNo) -> Result<State, (Unfoldable, u64)> {
    folded(store, instance).await.map(|(state, _)| state)
}

/// The same, with what was read if that is all of it.
async fn folded(store: &dyn Store, instance: InstanceNo) -> Result<(State, Vec<Row>), (Unfoldable, u64)> {
    let mut folding = Folding::default();
    let whole = store.journal(instance, 1, SHORT).await.map_err(|e| (Unfoldable::Store(e), 0))?;
    if whole.len() < SHORT {
        folding.add(&whole);
        return folding.end().map(|state| (state, whole));
    }
    let snapshot = last_snapshot(store, instance).await.map_err(|e| (Unfoldable::Store(e), 0))?;
    folding.last = snapshot.saturating_sub(1);
    loop {
        let rows = store.journal(instance, folding.last + 1, PAGE).await;
        let rows = rows.map_err(|e| (Unfoldable::Store(e), folding.last))?;
        folding.add(&rows);
        if rows.len() < PAGE {
            return folding.end().map(|state| (state, Vec::new()));
        }
    }
}

/// A journal that is being folded: after a row that cannot be, the others are only counted.
#[derive(Default)]
struct Folding {
    state: State,
    last: u64,
    broken: Option<Unfoldable>,
}

impl Folding {
    fn add(&mut self, rows: &[Row]) {
        for row in rows {
            self.last = row.seq;
            if self.broken.is_none() {
                self.broken = read(row).and_then(|event| apply(&mut self.state, row, &event)).err();
            }
        }
    }

    fn end(self) -> Result<State, (Unfoldable, u64)> {
        match self.broken {
            Some(error) => Err((error, self.last)),
            None => Ok(self.state),
        }
    }
}

/// The row of the last snapshot, or the first row.
async fn last_snapshot(store: &dyn Store, instance: InstanceNo) -> Result<u64, StoreError> {
    let length = store.length(instance).await?;
    snapshot_at(store, instance, length).await
}

/// The row of the last snapshot up to this row, or the first row.
pub(crate) async fn snapshot_at(store: &dyn Store, instance: InstanceNo, row: u64) -> Result<u64, StoreError> {
    let seq = row - row % snapshot_every();
    if seq == 0 {
        return Ok(1);
    }
    let rows = store.rows(instance, &[seq]).await?;
    let snapshot = rows.first().is_some_and(|row| matches!(read(row), Ok(Event::Snapshot { .. })));
    // Without it, all rows say the same, only slower.
    Ok(if snapshot { seq } else { 1 })
}

/// Applies a row; the first one that is applied may be a snapshot of those before it.
pub(crate) fn apply(state: &mut State, row: &Row, event: &Event) -> Result<(), Unfoldable> {
    if let (0, Event::Snapshot { state: folded }) = (state.seq, event) {
        *state = (**folded).clone();
    }
    state.apply(row.seq, row.at, event).map_err(Unfoldable::Illegal)
}

/// What every strand resumes with, as far as it is not in these rows read from the store.
async fn payloads(
    store: &dyn Store,
    instance: InstanceNo,
    state: &State,
    read: Vec<Row>,
) -> Result<BTreeMap<Box<str>, Payloads>, Unfoldable> {
    let mut strands = Vec::new();
    state.root.visit("", &mut |path, strand| strands.push((Box::<str>::from(path), strand)));
    let mut rows = Rows::new(store, instance, read);
    let mut all: BTreeMap<Box<str>, Payloads> = BTreeMap::new();
    for (path, strand) in strands {
        let mut own = all.remove(&path).unwrap_or_default();
        if path.is_empty()
            && let Phase::Start = strand.phase.beneath()
        {
            for (local, held) in &strand.stored {
                let kept = Stored::Kept { row: held.row, local: None };
                own.locals.insert(local.clone(), rows.stored(local, &kept).await?);
            }
        }
        if let Some(call) = strand.phase.call().filter(|call| call.branch.is_none()) {
            let called = rows.called(call.row).await?;
            own.locals = rows.saved(&called.frame).await?;
            own.arguments = match &called.calls {
                Calls::Step(_, arguments) | Calls::Flow(_, arguments) | Calls::Child { arguments, .. } => {
                    vec![rows.arguments(arguments).await?]
                }
                Calls::Join { branches, .. } => {
                    let mut each = Vec::with_capacity(branches.len());
                    for arguments in branches {
                        each.push(rows.arguments(arguments).await?);
                    }
                    each
                }
                Calls::Wait { .. } | Calls::Send { .. } => Vec::new(),
            };
        }
        match strand.phase.beneath() {
            Phase::After { answer: AnswerAt::Row(row), .. } | Phase::Doubted { answer: row, .. } => {
                own.answer = Some(rows.answer(*row).await?);
            }
            Phase::After { answer: AnswerAt::Rows(answers), .. } => {
                let mut outputs = Vec::with_capacity(answers.len());
                for row in answers {
                    outputs.push(rows.output(*row).await?);
                }
                own.answer = Some(Answer::All(outputs));
            }
            Phase::Calling(calling) => match &calling.doing {
                Doing::Flow(_) => {
                    // What is beneath begins with the arguments.
                    let begin = own.arguments.first().cloned().unwrap_or_default();
                    all.insert(calling.call.path(&path, None), Payloads::start(begin));
                }
                Doing::Join(join) => {
                    for (index, row) in join.done.iter().chain(join.failed.iter().map(|(index, row)| (index, row))) {
                        own.answers.insert(*index, rows.answer(*row).await?);
                    }
                    for index in join.running.keys() {
                        let begin = own.arguments.get(*index as usize).cloned().unwrap_or_default();
                        all.insert(calling.call.path(&path, Some(*index)), Payloads::start(begin));
                    }
                }
                _ => {}
            },
            _ => {}
        }
        all.insert(path, own);
    }
    Ok(all)
}

impl Payloads {
    /// What an inner flow, or a branch, begins with.
    pub(crate) fn start(arguments: Arguments) -> Self {
        Self { locals: arguments.0.iter().cloned().collect(), arguments: vec![arguments], ..Self::default() }
    }
}

/// Rows of a journal, read as they are needed, some more at a time.
struct Rows<'s> {
    store: &'s dyn Store,
    instance: InstanceNo,
    read: BTreeMap<u64, Row>,
    /// Whether some have been read already.
    again: bool,
}

impl<'s> Rows<'s> {
    /// Some of them have been read.
    fn new(store: &'s dyn Store, instance: InstanceNo, read: Vec<Row>) -> Self {
        Self { store, instance, read: read.into_iter().map(|row| (row.seq, row)).collect(), again: false }
    }

    async fn get(&mut self, seq: u64) -> Result<Event, Unfoldable> {
        if !self.read.contains_key(&seq) {
            // Those of a join stand side by side; whoever asks for a second row will want more of them.
            let ahead = if self.again { PAGE / 8 } else { 1 };
            self.again = true;
            let rows = self.store.journal(self.instance, seq, ahead).await.map_err(Unfoldable::Store)?;
            if self.read.len() > 8 * PAGE {
                self.read.clear();
            }
            self.read.extend(rows.into_iter().map(|row| (row.seq, row)));
        }
        match self.read.get(&seq) {
            Some(row) => read(row),
            None => Err(Unfoldable::Damaged { row: seq, error: "it is missing".into() }),
        }
    }

    async fn called(&mut self, seq: u64) -> Result<Box<Called>, Unfoldable> {
        match self.get(seq).await? {
            Event::Called(called) => Ok(called),
            Event::In { event, .. } if matches!(*event, Event::Called(_)) => match *event {
                Event::Called(called) => Ok(called),
                _ => Err(Unfoldable::Damaged { row: seq, error: "it is no call".into() }),
            },
            _ => Err(Unfoldable::Damaged { row: seq, error: "it is no call".into() }),
        }
    }

    async fn answer(&mut self, seq: u64) -> Result<Answer, Unfoldable> {
        let event = self.get(seq).await?;
        event.answer().cloned().ok_or_else(|| Unfoldable::Damaged { row: seq, error: "it is no answer".into() })
    }

    async fn output(&mut self, seq: u64) -> Result<Json, Unfoldable> {
        match self.answer(seq).await? {
            Answer::Done(json) => Ok(json),
            _ => Err(Unfoldable::Damaged { row: seq, error: "it is no output".into() }),
        }
    }

    /// The saved value of this name.
    async fn stored(&mut self, name: &Name, value: &Stored) -> Result<Json, Unfoldable> {
        let (seq, local) = match value {
            Stored::Value(json) => return Ok(json.clone()),
            Stored::Kept { row, local } => (*row, local.as_ref().unwrap_or(name)),
        };
        let missing = || Unfoldable::Damaged { row: seq, error: format!("it does not hold `{local}`").into() };
        match self.get(seq).await? {
            Event::Started { parameter, input, .. } if parameter == *local => Ok(input),
            Event::Started { .. } => Err(missing()),
            _ => match self.called(seq).await?.frame.get(local) {
                Some(Stored::Value(json)) => Ok(json.clone()),
                _ => Err(missing()),
            },
        }
    }

    async fn saved(&mut self, values: &Saved) -> Result<LiteMap<Name, Json>, Unfoldable> {
        let mut saved = LiteMap::with_capacity(values.len());
        for (name, value) in values {
            saved.insert(name.clone(), self.stored(name, value).await?);
        }
        Ok(saved)
    }

    async fn arguments(&mut self, values: &Saved) -> Result<Arguments, Unfoldable> {
        Ok(Arguments(self.saved(values).await?.into_iter().collect()))
    }
}

/// What the undo of a call needs of it.
#[derive(Debug)]
pub(crate) struct Undoing {
    /// The path of the strand that the call's key is made from.
    pub(crate) path: Box<str>,
    /// The state.
    pub(crate) state: Name,
    pub(crate) ordinal: u64,
    pub(crate) arguments: Arguments,
    /// The step's output, if that is known.
    pub(crate) output: Option<Json>,
}

/// The row of a join, read once for all of its branches: there may be thousands, and each of them needs a part of it.
#[derive(Debug, Default)]
pub(crate) struct Joined(Mutex<Option<(u64, Arc<Event>)>>);

impl Joined {
    fn get(&self, row: u64) -> Option<Arc<Event>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(of, _)| *of == row).map(|(_, event)| Arc::clone(event))
    }

    fn keep(&self, row: u64, event: &Arc<Event>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((row, Arc::clone(event)));
    }
}

/// Reads what the undo of a call needs, as far as it is not in these rows.
pub(crate) async fn undoing(
    store: &dyn Store,
    instance: InstanceNo,
    undo: &Undo,
    joined: &Joined,
    recent: Vec<Row>,
) -> Result<Undoing, Unfoldable> {
    let mut rows = Rows::new(store, instance, recent);
    let CallId { row, branch } = undo.call;
    let no_call = || Unfoldable::Damaged { row, error: "it is no call of a step".into() };
    let event = match joined.get(row) {
        Some(event) => event,
        None => Arc::new(rows.get(row).await?),
    };
    if branch.is_some() {
        joined.keep(row, &event);
    }
    let (path, Event::Called(called)) = event.unwrapped() else { return Err(no_call()) };
    let output = match undo.answer {
        None => None,
        Some(answer) => Some(rows.output(answer).await?),
    };
    let (path, state, ordinal, arguments) = match (&called.calls, branch) {
        (Calls::Step(_, arguments), None) => (path.into(), called.state.clone(), called.ordinal, arguments),
        (Calls::Join { branches, .. }, Some(index)) => {
            let arguments = branches.get(index as usize).ok_or_else(no_call)?;
            (called.at(row).path(path, Some(index)), undo.step.clone(), 1, arguments)
        }
        _ => return Err(no_call()),
    };
    let arguments = rows.arguments(arguments).await?;
    Ok(Undoing { path, state, ordinal, arguments, output })
}

/// Reads a journal whole, each row with what it says if that can be read.
pub(crate) async fn history(
    store: &dyn Store,
    instance: InstanceNo,
    from: u64,
) -> Result<Vec<(Row, Result<Event, Unfoldable>)>, StoreError> {
    let mut all = Vec::new();
    let mut next = from;
    loop {
        let rows = store.journal(instance, next, PAGE).await?;
        let more = rows.len() == PAGE;
        next = rows.last().map_or(next, |row| row.seq + 1);
        all.extend(rows.into_iter().map(|row| {
            let event = read(&row);
            (row, event)
        }));
        if !more {
            return Ok(all);
        }
    }
}

/// One row.
pub(crate) async fn row(store: &dyn Store, instance: InstanceNo, seq: u64) -> Result<Event, Unfoldable> {
    let rows = store.journal(instance, seq, 1).await.map_err(Unfoldable::Store)?;
    match rows.first() {
        Some(row) if row.seq == seq => read(row),
        _ => Err(Unfoldable::Damaged { row: seq, error: "it is missing".into() }),
    }
}
