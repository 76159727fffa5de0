//! Rows, as the tests of the core write them.

use super::{CallId, Called, Calls, Event, Failed, Saved, State, StepAt, UnwindCause};
use crate::{
    definition::Class,
    machine::{Answer, null},
};

pub(super) fn step_at(class: Class, compensation: Option<&'static str>) -> StepAt {
    StepAt { step: "step".into(), class, compensation: compensation.map(Into::into), transactional: false }
}

pub(super) fn calls(calls: Calls) -> Event {
    Event::Called(Box::new(Called {
        state: "state".into(),
        fingerprint: "1".into(),
        ordinal: 1,
        calls,
        frame: Saved::new(),
    }))
}

pub(super) fn called(class: Class, compensation: Option<&'static str>) -> Event {
    calls(Calls::Step(step_at(class, compensation), Saved::new()))
}

pub(super) fn failed() -> Failed {
    Failed { attempt: 1, error: "broken".into(), effect: true, retry_at: None }
}

pub(super) fn id(row: u64, branch: Option<u32>) -> CallId {
    CallId { row, branch }
}

/// Applies these events in order.
pub(super) fn after(events: &[Event]) -> State {
    let mut state = State::default();
    for event in events {
        state.apply(state.seq + 1, 0, event).unwrap_or_else(|illegal| panic!("{illegal} in {event:?}"));
    }
    state
}

pub(super) fn started() -> Event {
    Event::Started { version: 1, parameter: "input".into(), input: null(), deadline: None, begins: None, parent: None }
}

pub(super) fn done() -> Event {
    Event::Answered { answer: Answer::Done(null()) }
}

pub(super) fn unwinding() -> Event {
    Event::Unwinding { cause: UnwindCause::Deadline, doubt: Vec::new() }
}
