//! What happens in a run: in the order in which it has to happen, as far as that is fixed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Something that a participant sees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A call took effect.
    Did(String),
    /// It was undone; with its output, if the undo was told that.
    Undid(String, Option<i64>),
    /// There was nothing to undo, but nobody could know.
    Empty(String),
}

/// Events, and their order.
#[derive(Debug, Clone)]
pub enum Trace {
    /// One of them.
    Event(Event),
    /// One after the other.
    Seq(Vec<Trace>),
    /// In any order.
    Par(Vec<Trace>),
    /// A join that failed: what each of its branches did, and then what undoes that. Nothing is undone before the last effect.
    Failed(Vec<(Trace, Trace)>),
}

impl Trace {
    /// Nothing.
    pub fn none() -> Self {
        Self::Seq(Vec::new())
    }

    /// Every event in it.
    pub fn events(&self) -> Vec<&Event> {
        match self {
            Self::Event(event) => vec![event],
            Self::Seq(parts) | Self::Par(parts) => parts.iter().flat_map(Self::events).collect(),
            Self::Failed(branches) => {
                branches.iter().flat_map(|(done, undo)| [done.events(), undo.events()].concat()).collect()
            }
        }
    }

    /// The effects alone, as they are where nothing is undone.
    #[must_use]
    pub fn effects(&self) -> Self {
        match self {
            Self::Event(Event::Did(_)) => self.clone(),
            Self::Event(_) => Self::none(),
            Self::Seq(parts) => Self::Seq(parts.iter().map(Self::effects).collect()),
            Self::Par(parts) => Self::Par(parts.iter().map(Self::effects).collect()),
            Self::Failed(branches) => Self::Par(branches.iter().map(|(done, _)| done.effects()).collect()),
        }
    }

    /// Whether these events, each of which happens once, are the ones of the trace, in an order that it allows. Those in `extra`
    /// may have happened as well.
    ///
    /// # Errors
    /// What is missing, is too much, or comes too early.
    pub fn allows(&self, seen: &[Event], extra: &BTreeSet<Event>) -> Result<(), String> {
        let mut places = BTreeMap::new();
        for (place, event) in seen.iter().enumerate() {
            if places.insert(event, place).is_some() {
                return Err(format!("{event} twice"));
            }
        }
        let mut expected = BTreeSet::new();
        for event in self.events() {
            if !places.contains_key(event) {
                return Err(format!("{event} is missing"));
            }
            expected.insert(event);
        }
        if let Some(other) = seen.iter().find(|event| !expected.contains(event) && !extra.contains(event)) {
            return Err(format!("{other} is too much"));
        }
        self.ordered(&places).map(drop)
    }

    /// The first and the last place of its events, which are in order.
    fn ordered(&self, places: &BTreeMap<&Event, usize>) -> Result<Option<(usize, usize)>, String> {
        match self {
            Self::Event(event) => Ok(places.get(event).map(|place| (*place, *place))),
            Self::Seq(parts) => {
                let mut all = None;
                for part in parts {
                    let span = part.ordered(places)?;
                    if let (Some((_, last)), Some((first, _))) = (all, span)
                        && last > first
                    {
                        return Err(format!("too early: {part}"));
                    }
                    all = both(all, span);
                }
                Ok(all)
            }
            Self::Par(parts) => parts.iter().try_fold(None, |all, part| Ok(both(all, part.ordered(places)?))),
            Self::Failed(branches) => {
                let did = |trace: &Self| {
                    let effects = trace.events().into_iter().filter(|event| matches!(event, Event::Did(_)));
                    effects.filter_map(|event| places.get(event)).max().copied()
                };
                let last = branches.iter().filter_map(|(done, _)| did(done)).max();
                let mut all = None;
                for (done, undo) in branches {
                    let span = Self::Seq(vec![done.clone(), undo.clone()]).ordered(places)?;
                    if let (Some(last), Some((first, _))) = (last, undo.ordered(places)?)
                        && last > first
                    {
                        return Err(format!("undone before the branches have ended: {undo}"));
                    }
                    all = both(all, span);
                }
                Ok(all)
            }
        }
    }
}

fn both(a: Option<(usize, usize)>, b: Option<(usize, usize)>) -> Option<(usize, usize)> {
    match (a, b) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (one, other) => one.or(other),
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Did(call) => write!(f, "{call}"),
            Self::Undid(call, Some(output)) => write!(f, "undo {call} = {output}"),
            Self::Undid(call, None) => write!(f, "undo {call} = ?"),
            Self::Empty(call) => write!(f, "undo {call}, which never was"),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, between: &str, parts: &[Self]| {
            for (at, part) in parts.iter().enumerate() {
                write!(f, "{}{part}", if at > 0 { between } else { "" })?;
            }
            Ok(())
        };
        match self {
            Self::Event(event) => write!(f, "{event}"),
            Self::Seq(parts) => list(f, "; ", parts),
            Self::Par(parts) => {
                write!(f, "{{ ")?;
                list(f, " | ", parts)?;
                write!(f, " }}")
            }
            Self::Failed(branches) => {
                write!(f, "failed {{ ")?;
                for (done, undo) in branches {
                    write!(f, "{done} / {undo} | ")?;
                }
                write!(f, "}}")
            }
        }
    }
}
