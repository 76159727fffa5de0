//! From rows back to an instance.

use crate::{
    core::{Event, Illegal, State, Stored, event::Undecodable},
    machine::{Answer, Arguments, Json},
    store::{InstanceNo, Row, Store, StoreError},
};
use std::{collections::BTreeMap, fmt};

/// How many rows are read at a time.
const PAGE: usize = 256;

/// An instance as its journal has it: the state, and the payloads that it resumes with.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) state: State,
    pub(crate) payloads: Payloads,
}

/// What a machine resumes with.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    /// What was last saved of each local.
    pub(crate) locals: BTreeMap<Box<str>, Json>,
    /// The arguments of the last call.
    pub(crate) arguments: Arguments,
    /// The answer of the last call.
    pub(crate) answer: Option<Answer>,
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

impl Payloads {
    /// Follows a row.
    pub(crate) fn follow(&mut self, event: &Event) -> Result<(), Box<str>> {
        match event {
            Event::Started { parameter, input, .. } => {
                self.locals.insert(parameter.clone(), input.clone());
            }
            Event::Called(called) => {
                for (name, stored) in &called.frame {
                    if let Stored::Value(json) = stored {
                        self.locals.insert(name.clone(), json.clone());
                    }
                }
                // After the frame: an argument may be a local that is saved in this very row.
                self.arguments = Arguments(Vec::with_capacity(called.arguments.len()));
                for (name, stored) in &called.arguments {
                    let json = match stored {
                        Stored::Value(json) => json.clone(),
                        Stored::Kept { local, .. } => self
                            .locals
                            .get(local)
                            .cloned()
                            .ok_or_else(|| format!("argument `{name}`: local `{local}` was never saved"))?,
                    };
                    self.arguments.0.push((name.clone(), json));
                }
                self.answer = None;
            }
            event => {
                if let Some(answer) = event.answer() {
                    self.answer = Some(answer.clone());
                }
            }
        }
        Ok(())
    }
}

impl Loaded {
    fn apply(&mut self, row: &Row, event: &Event) -> Result<(), Unfoldable> {
        self.state.apply(row.seq, row.at, event).map_err(Unfoldable::Illegal)?;
        self.payloads.follow(event).map_err(|error| Unfoldable::Damaged { row: row.seq, error })
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
    let mut loaded = Loaded::default();
    let mut broken = None;
    let mut last = 0;
    loop {
        let rows = store.journal(instance, last + 1, PAGE).await.map_err(|e| (Unfoldable::Store(e), last))?;
        let Some(end) = rows.last() else { break };
        last = end.seq;
        for row in &rows {
            if broken.is_none() {
                broken = read(row).and_then(|event| loaded.apply(row, &event)).err();
            }
        }
        if rows.len() < PAGE {
            break;
        }
    }
    match broken {
        Some(error) => Err((error, last)),
        None => Ok(loaded),
    }
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

/// A saved value of a row.
pub(crate) async fn stored(store: &dyn Store, instance: InstanceNo, value: &Stored) -> Result<Json, Unfoldable> {
    let (seq, local) = match value {
        Stored::Value(json) => return Ok(json.clone()),
        Stored::Kept { row, local } => (*row, local),
    };
    match row(store, instance, seq).await? {
        Event::Started { parameter, input, .. } if parameter == *local => Ok(input),
        Event::Called(called) => match called.frame.get(local) {
            Some(Stored::Value(json)) => Ok(json.clone()),
            _ => Err(Unfoldable::Damaged { row: seq, error: format!("it does not hold `{local}`").into() }),
        },
        _ => Err(Unfoldable::Damaged { row: seq, error: format!("it does not hold `{local}`").into() }),
    }
}
