//! What a request leads to, given where the instance stands.

use super::{
    event::{ParkCause, Verb},
    instance::{Calling, Phase, State},
};
use crate::{definition::Class, machine::Json};
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
const PAST_PIVOT: &str = "the saga is past its pivot, the point of no return";

/// What a request leads to; `key_expired` says whether the key of the call at hand is no longer valid.
pub(crate) fn decide(state: &State, request: &Request, key_expired: bool) -> Grant {
    if request.verb == Verb::Settle {
        return match (&state.phase, state.debt.is_empty()) {
            (phase, false) if phase.is_end() => Grant::Granted,
            (_, true) => Grant::Refused("there is no debt to settle"),
            _ => Grant::Refused("the instance has not ended"),
        };
    }
    match &state.phase {
        Phase::Parked { row, cause, beneath } => {
            if request.park.is_some_and(|park| park != *row) {
                return Grant::Refused(STALE);
            }
            parked(state, *cause, beneath, request, key_expired)
        }
        phase if phase.is_end() => Grant::Refused("the instance has ended"),
        _ if request.park.is_some() || request.verb != Verb::Cancel => Grant::Refused(STALE),
        phase => cancel(state, phase, false),
    }
}

/// Between the commit of a pivot's intent and its definite answer nobody can say whether there is a way back.
fn cancel(state: &State, phase: &Phase, parked: bool) -> Grant {
    match phase {
        Phase::Unwinding { .. } => Grant::Refused("the saga is being undone already"),
        Phase::Doubted { .. } if parked => Grant::Refused("settle the parked compensation first"),
        Phase::Doubted { .. } => Grant::Waits,
        _ if state.pivot_passed => Grant::Refused(PAST_PIVOT),
        Phase::Calling(Calling { call, tries }) if call.class == Class::Pivot && (!parked || tries.doubt) => {
            Grant::Waits
        }
        _ => Grant::Granted,
    }
}

fn parked(state: &State, cause: ParkCause, beneath: &Phase, request: &Request, key_expired: bool) -> Grant {
    let not_here = Grant::Refused("this verb does not fit what the instance is parked for");
    match (beneath, request.verb) {
        (_, Verb::Cancel) => cancel(state, beneath, true),
        (Phase::Calling(_), Verb::Retry) if cause.is_of_an_attempt() && key_expired => Grant::Refused(
            "the step's key is no longer valid at the participant: find out what happened, then resolve or say that it did not happen",
        ),
        (Phase::Doubted { .. } | Phase::Unwinding { .. }, Verb::Skip | Verb::Resolve) | (_, Verb::Retry) => {
            Grant::Granted
        }
        (Phase::Calling(_), Verb::Resolve) if cause.is_of_an_attempt() => match request.output {
            Some(_) => Grant::Granted,
            None => Grant::Refused("a step is resolved with its output"),
        },
        (Phase::Calling(_), Verb::DidNotHappen) if cause.is_of_an_attempt() => Grant::Granted,
        _ => not_here,
    }
}
