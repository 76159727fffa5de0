//! What a request leads to, given where the instance stands.

use super::{
    event::Verb,
    instance::{ParkAt, State},
    phase::{Calling, Doing, Phase},
    strand::is_within,
};
use crate::{
    definition::{ChildKind, Class},
    machine::{Json, null},
};
use serde::{Deserialize, Serialize};

/// A request, as it lies in the inbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    /// What is asked for.
    pub(crate) verb: Verb,
    /// By whom.
    pub(crate) by: Box<str>,
    /// Why.
    pub(crate) why: Box<str>,
    /// The row that parked the instance, so that a stale click changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) park: Option<u64>,
    /// The output that a step is resolved with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Json>,
}

/// What a request leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grant {
    /// It is done.
    Granted,
    /// It is refused, and nothing changes.
    Refused(&'static str),
    /// It cannot be decided yet.
    Waits,
}

const STALE: &str = "the park that it names is over";
const BENEATH: &str = "what is around it is parked, too: decide about that first";
const PAST_PIVOT: &str = "the saga is past its pivot, the point of no return";

/// What a request leads to; `key_expired` says whether the key of the parked call is no longer valid.
pub(crate) fn decide(state: &State, request: &Request, key_expired: &dyn Fn(&ParkAt) -> bool) -> Grant {
    let ended = state.phase().is_end();
    if request.verb == Verb::Settle {
        return match (ended, state.debt.is_empty()) {
            (true, false) => Grant::Granted,
            (_, true) => Grant::Refused("there is no debt to settle"),
            _ => Grant::Refused("the instance has not ended"),
        };
    }
    let parks = state.parks();
    if request.verb == Verb::Undo {
        return match state.phase() {
            Phase::Completed { .. } if !state.pivot_passed => Grant::Granted,
            Phase::Completed { .. } => Grant::Refused(PAST_PIVOT),
            phase if phase.is_end() => Grant::Refused("the instance has ended"),
            // Whoever started it waits for its end: he is not told that it is too early to ask.
            _ if state.is_undoing() && !matches!(state.phase().beneath(), Phase::Unwinding { .. }) => Grant::Waits,
            _ => cancel(state, &parks),
        };
    }
    if ended {
        return Grant::Refused("the instance has ended");
    }
    let named = match request.park {
        Some(row) => match parks.iter().find(|park| park.row == row) {
            Some(park) => Some(park),
            None => return Grant::Refused(STALE),
        },
        None => None,
    };
    match (named, &parks[..]) {
        (_, parks) if request.verb == Verb::Cancel => cancel(state, parks),
        (_, []) => Grant::Refused(STALE),
        (Some(park), parks) if parks.iter().any(|other| is_around(other, park)) => Grant::Refused(BENEATH),
        (Some(park), _) | (None, [park]) => parked(state, park, request, key_expired),
        (None, _) => Grant::Refused("several things are parked: say which"),
    }
}

/// What would be granted now of what can be asked of something parked.
pub(crate) fn possible(state: &State, park: &ParkAt, key_expired: &dyn Fn(&ParkAt) -> bool) -> Vec<Verb> {
    let granted = |verb: &Verb| {
        let output = (*verb == Verb::Resolve && park.undo.is_none()).then(null);
        let request = Request { verb: *verb, by: "".into(), why: "".into(), park: Some(park.row), output };
        decide(state, &request, key_expired) == Grant::Granted
    };
    let all = [Verb::Retry, Verb::Resolve, Verb::DidNotHappen, Verb::Skip, Verb::Cancel];
    all.into_iter().filter(granted).collect()
}

/// Whether the instance can give up now.
pub(crate) fn can_cancel(state: &State) -> Grant {
    cancel(state, &[])
}

/// What something of it is being undone for is known only then: until that is over nobody can say from where to unwind.
fn too_early(parks: &[ParkAt]) -> Grant {
    let undo = parks.iter().any(|park| park.undo.is_some());
    if undo { Grant::Refused("settle the parked compensation first") } else { Grant::Waits }
}

/// Between the commit of a pivot's intent and its definite answer nobody can say whether there is a way back.
fn cancel(state: &State, parks: &[ParkAt]) -> Grant {
    if let Phase::Unwinding { .. } = state.phase().beneath() {
        return Grant::Refused("the saga is being undone already");
    }
    if state.pivot_passed {
        return Grant::Refused(PAST_PIVOT);
    }
    if state.is_undoing() {
        return too_early(parks);
    }
    match state.phase().calling() {
        Some(calling) if calling.is_pivot(!parks.is_empty()) => Grant::Waits,
        _ => Grant::Granted,
    }
}

/// Whether the strand of this park is parked as a whole with the other one in it.
fn is_around(around: &ParkAt, park: &ParkAt) -> bool {
    around.undo.is_none() && around.row != park.row && is_within(&park.branch, &around.branch)
}

fn parked(state: &State, park: &ParkAt, request: &Request, key_expired: &dyn Fn(&ParkAt) -> bool) -> Grant {
    let strand = state.root.at(&park.branch);
    let calling = strand.and_then(|strand| strand.phase.calling());
    let of_an_attempt = park.undo.is_none() && calling.is_some() && park.cause.is_of_an_attempt();
    match request.verb {
        Verb::Retry if of_an_attempt && key_expired(park) => Grant::Refused(
            "the step's key is no longer valid at the participant: find out what happened, then resolve or say that it did not happen",
        ),
        Verb::Retry => Grant::Granted,
        Verb::Skip | Verb::Resolve if park.undo.is_some() => Grant::Granted,
        Verb::Resolve if of_an_attempt => match request.output {
            Some(_) => Grant::Granted,
            None => Grant::Refused("a step is resolved with its output"),
        },
        // Before the pivot that is to unwind.
        Verb::DidNotHappen if of_an_attempt && !state.pivot_passed && state.is_undoing() => too_early(&state.parks()),
        Verb::DidNotHappen if of_an_attempt => Grant::Granted,
        _ => Grant::Refused("this verb does not fit what the instance is parked for"),
    }
}

impl Calling {
    /// Whether it is a pivot whose answer is not known. Of a parked one it is known that no attempt runs.
    fn is_pivot(&self, parked: bool) -> bool {
        match &self.doing {
            Doing::Step(tries) => {
                self.call.step.as_ref().is_some_and(|step| step.class == Class::Pivot) && (!parked || tries.doubt)
            }
            Doing::Child(child) => child.kind == ChildKind::Pivot,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
