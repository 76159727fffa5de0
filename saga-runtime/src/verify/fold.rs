//! A journal folded by the engine's own function, held against what the store says of the instance.

use super::{Found, Promise};
use crate::{
    core::{Event, Phase, State},
    engine::load::{Unfoldable, apply},
    store::{Instance, Row, Status},
};

/// What a journal comes to.
#[derive(Debug)]
pub(super) enum Folded {
    /// All of it.
    Whole(Box<State>),
    /// A newer build wrote some of it.
    Unknown,
    /// It cannot be folded: from this row on, and why.
    Broken(u64, String),
}

/// Folds a journal, and holds every snapshot in it against what comes before it. `rest` is why the row after these events cannot be
/// read, if there is one that cannot.
pub(super) fn fold(rows: &[Row], events: &[Event], rest: Option<Unfoldable>) -> (Folded, Vec<Found>) {
    let mut state = State::default();
    let mut found = Vec::new();
    for (row, event) in rows.iter().zip(events) {
        // One that is about another row is told by the fold.
        if let Event::Snapshot { state: told } = event
            && told.seq == state.seq
            && let Some(what) = differs(&state, told)
        {
            found.push(Found { promise: Promise::Chain, row: Some(row.seq), what });
        }
        match apply(&mut state, row, event) {
            Ok(()) => {}
            Err(error) => return (Folded::Broken(row.seq, error.to_string()), found),
        }
    }
    let folded = match rest {
        None => Folded::Whole(Box::new(state)),
        Some(Unfoldable::Unknown { .. }) => Folded::Unknown,
        Some(error) => Folded::Broken(rows.get(events.len()).map_or(0, |row| row.seq), error.to_string()),
    };
    (folded, found)
}

/// In which of its parts a snapshot is not what the rows before it come to.
fn differs(state: &State, told: &State) -> Option<String> {
    let (Ok(folded), Ok(told)) = (serde_json::to_value(state), serde_json::to_value(told)) else { return None };
    if folded == told {
        return None;
    }
    let (folded, told) = (folded.as_object()?, told.as_object()?);
    let parts: Vec<&str> =
        folded.iter().filter(|(part, value)| told.get(*part) != Some(value)).map(|(p, _)| &**p).collect();
    Some(format!("the snapshot is not what the rows before it come to: `{}`", parts.join("`, `")))
}

/// What the store says of an instance is what its journal comes to.
pub(super) fn agrees(instance: &Instance, rows: &[Row], folded: &Folded) -> Vec<Found> {
    let last = rows.last().map(|row| row.seq);
    let found = |promise, row, what: String| Found { promise, row, what };
    let mut all = Vec::new();
    match folded {
        Folded::Unknown => {}
        // It is told: a person is to look at it.
        Folded::Broken(..) if instance.status == Status::Parked => {}
        Folded::Broken(row, why) => return vec![found(Promise::Chain, Some(*row), why.clone())],
        Folded::Whole(state) => {
            let debt = !state.debt.is_empty();
            if !says(instance.status, state) {
                let promise = if debt { Promise::DebtIsVisible } else { Promise::Chain };
                let what = format!("the journal ends in {}, the store says {:?}", state.state_name(), instance.status);
                return vec![found(promise, last, what)];
            }
            if instance.status == Status::Parked && state.parks().is_empty() {
                let what = "it is parked, and its journal does not say what is".into();
                all.push(found(Promise::Isolation, last, what));
            }
            // Whoever takes it would find nothing to do, again and again.
            let claimable = matches!(instance.status, Status::Ready | Status::Sleeping | Status::Waiting);
            if claimable && matches!(state.phase(), Phase::Parked { .. }) {
                let what = format!("the journal says that it is parked, the store that it is {:?}", instance.status);
                all.push(found(Promise::Isolation, last, what));
            }
        }
    }
    if instance.status == Status::Parked {
        if instance.error.is_none() {
            all.push(found(Promise::Ends, None, "it is parked without a reason".into()));
        }
        if instance.wake_at.is_some() || !instance.awaits.is_empty() {
            all.push(found(Promise::Isolation, None, "it is parked, and something is to wake it".into()));
        }
    }
    all
}

fn says(status: Status, state: &State) -> bool {
    match state.phase() {
        Phase::Completed { .. } => status == Status::Completed,
        Phase::Compensated { .. } if state.debt.is_empty() => status == Status::Compensated,
        Phase::Compensated { .. } => status == Status::CompensatedWithDebt,
        _ => !status.is_end(),
    }
}
