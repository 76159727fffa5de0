//! What each part of an instance is doing.

use super::Progress;
use crate::{
    core::{self, Entry, Phase, State, Strand},
    definition::{ChildKind, Class},
    store::Micros,
};
use serde::Serialize;

/// What the main flow, an inner flow, or a branch of a join is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doing {
    /// Which: the path of an inner flow or of a branch, as in the timeline; nothing for the main flow.
    pub branch: Option<Box<str>>,
    /// The state that it stands in; `start` before the first one, and nothing where what completed is undone.
    pub state: Option<Box<str>>,
    /// What it does there.
    pub what: Activity,
}

/// What can be done in a state. Moments are in microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activity {
    /// The flow's plain code runs, before the first state or after this one.
    Running,
    /// A step is attempted.
    Attempting {
        /// The step's durable name.
        step: Box<str>,
        /// Its class.
        class: Class,
        /// The attempt that is made now, or the next one, from 1.
        attempt: u32,
        /// What the one before failed with.
        last_error: Option<Box<str>>,
        /// When it is due, if it is not under way.
        next_try: Option<Micros>,
    },
    /// An inner flow runs; what that does has an entry of its own.
    Calling,
    /// Branches run; what those do has an entry for each.
    Joining {
        /// How many branches there are.
        branches: u32,
        /// How many of them are done.
        done: u32,
        /// How many have begun and not ended.
        running: u32,
        /// The first that failed: no other begins.
        failed: Option<u32>,
    },
    /// A signal is waited for.
    Waiting {
        /// One of these.
        signals: Vec<Box<str>>,
        /// Until then.
        until: Option<Micros>,
    },
    /// A time is waited for.
    Sleeping {
        /// Which.
        until: Micros,
    },
    /// Another saga is waited for.
    Awaiting {
        /// Which.
        child: Relative,
    },
    /// Another saga is started, and not waited for.
    Launching {
        /// Its durable name.
        saga: Box<str>,
        /// The id of its instance.
        id: Box<str>,
    },
    /// A signal is sent.
    Sending,
    /// A call is undone.
    Undoing {
        /// The step's durable name.
        step: Box<str>,
        /// The attempt of its compensation that is made now, or the next one, from 1.
        attempt: u32,
        /// What the one before failed with.
        last_error: Option<Box<str>>,
        /// When it is due, if it is not under way.
        next_try: Option<Micros>,
    },
    /// Another saga is undone as a whole.
    UndoingSaga {
        /// Which.
        child: Relative,
    },
}

/// An instance that this one waits for, or that waits for this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relative {
    /// Its saga's durable name.
    pub saga: Box<str>,
    /// Its id.
    pub id: Box<str>,
    /// What it is doing; nothing if even its tombstone is gone.
    pub progress: Option<Progress>,
    /// Why it is parked, if it is.
    pub error: Option<Box<str>>,
}

impl Relative {
    fn named(child: &core::ChildAt) -> Self {
        Self { saga: child.saga.clone(), id: child.id.clone(), progress: None, error: None }
    }
}

impl Activity {
    /// The saga that is waited for, if one is.
    pub(super) fn child(&self) -> Option<&Relative> {
        match self {
            Self::Awaiting { child } | Self::UndoingSaga { child } => Some(child),
            _ => None,
        }
    }

    /// The same, to say more of it.
    pub(super) fn child_mut(&mut self) -> Option<&mut Relative> {
        match self {
            Self::Awaiting { child } | Self::UndoingSaga { child } => Some(child),
            _ => None,
        }
    }
}

/// What everything in an instance is doing, the main flow first. Of other sagas it says no more than which they are.
pub(super) fn all(state: &State) -> Vec<Doing> {
    let mut all = Vec::new();
    if !state.phase().is_end() {
        state.root.visit("", &mut |path, strand| of(path, strand, &mut all));
    }
    all
}

fn of(path: &str, strand: &Strand, all: &mut Vec<Doing>) {
    let mut push = |state: Option<Box<str>>, what| {
        all.push(Doing { branch: (!path.is_empty()).then(|| path.into()), state, what });
    };
    let parked = matches!(strand.phase, Phase::Parked { .. });
    match strand.phase.beneath() {
        Phase::Start => push(Some("start".into()), Activity::Running),
        Phase::After { call, .. } => push(Some(format!("after {}", call.state).into()), Activity::Running),
        Phase::Calling(calling) => push(Some((&*calling.call.state).into()), called(calling, parked)),
        Phase::Doubted { .. } | Phase::Unwinding { .. } => {
            let mut current = Vec::new();
            strand.log.current(&mut current);
            let state = strand.phase.call().map(|call| Box::from(&*call.state));
            for (log, entry) in current {
                let what = match entry {
                    Entry::Call(undo) => Activity::Undoing {
                        step: (&*undo.step).into(),
                        attempt: log.tries.count.saturating_add(1),
                        last_error: log.tries.last_error.clone(),
                        next_try: log.tries.retry_at.filter(|_| log.parked.is_none()),
                    },
                    Entry::Child(undo) => Activity::UndoingSaga { child: Relative::named(&undo.child) },
                    Entry::Group(_) => continue,
                };
                push(state.clone(), what);
            }
        }
        _ => {}
    }
}

fn called(calling: &core::Calling, parked: bool) -> Activity {
    match &calling.doing {
        core::Doing::Step(tries) => Activity::Attempting {
            step: calling.call.step.as_ref().map(|step| (&*step.step).into()).unwrap_or_default(),
            class: calling.call.step.as_ref().map_or(Class::NotCompensated, |step| step.class),
            attempt: tries.count.saturating_add(1),
            last_error: tries.last_error.clone(),
            next_try: tries.retry_at.filter(|_| !parked),
        },
        core::Doing::Flow(_) => Activity::Calling,
        core::Doing::Join(join) => {
            let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
            Activity::Joining {
                branches: join.count,
                done: count(join.done.len()),
                running: count(join.running.len()),
                failed: join.failed.map(|(index, _)| index),
            }
        }
        core::Doing::Wait(wait) => match wait.until {
            Some(until) if wait.signals.is_empty() => Activity::Sleeping { until },
            until => Activity::Waiting { signals: wait.signals.iter().map(|name| (&**name).into()).collect(), until },
        },
        core::Doing::Child(child) if child.kind == ChildKind::Launched => {
            Activity::Launching { saga: child.saga.clone(), id: child.id.clone() }
        }
        core::Doing::Child(child) => Activity::Awaiting { child: Relative::named(child) },
        core::Doing::Send => Activity::Sending,
    }
}
