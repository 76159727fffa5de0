use super::*;
use crate::{
    core::{
        Called, Callee, Decided, Failed, StepAt,
        called::{Calls, Saved},
        phase::AnswerAt,
    },
    machine::null,
};

fn step_at(class: Class, compensation: Option<&'static str>) -> StepAt {
    StepAt { step: "step".into(), class, compensation: compensation.map(Into::into), transactional: false }
}

fn calls(calls: Calls) -> Event {
    Event::Called(Box::new(Called {
        state: "state".into(),
        fingerprint: "1".into(),
        ordinal: 1,
        calls,
        frame: Saved::new(),
    }))
}

fn called(class: Class, compensation: Option<&'static str>) -> Event {
    calls(Calls::Step(step_at(class, compensation), Saved::new()))
}

fn join() -> Event {
    let callees = vec![Callee::Step(step_at(Class::Compensatable, Some("undo"))), Callee::Flow("inner".into())];
    calls(Calls::Join { callees, branches: vec![Saved::new(), Saved::new()], limit: None })
}

fn failed() -> Failed {
    Failed { attempt: 1, error: "broken".into(), effect: true, retry_at: None }
}

fn decided(verb: Verb) -> Event {
    let (by, why) = ("ann".into(), "why".into());
    Event::Decided(Box::new(Decided { request: 1, verb, by, why, park: None, refused: None }))
}

fn id(row: u64, branch: Option<u32>) -> CallId {
    CallId { row, branch }
}

/// One event of every kind, and the variants that make a difference.
fn every_event() -> Vec<Event> {
    let done = || Answer::Done(null());
    let exhausted = || Answer::Exhausted { step: "step".into(), last_error: "broken".into() };
    let parked = |undo| Event::Parked { cause: ParkCause::Asked, error: "look".into(), undo };
    let mut all = vec![
        Event::Started { version: 1, parameter: "input".into(), input: null(), deadline: None, parent: None },
        called(Class::Compensatable, Some("undo")),
        called(Class::Pivot, None),
        calls(Calls::Flow("inner".into(), Saved::new())),
        join(),
        Event::Begun { branches: vec![0] },
        Event::Begun { branches: vec![0, 1] },
        Event::AttemptFailed(failed()),
        Event::Recovered { count: 1 },
        Event::Answered { answer: done() },
        Event::Answered { answer: Answer::Refused(null()) },
        Event::Answered { answer: Answer::Branch { index: 0, answer: Box::new(exhausted()) } },
        Event::Returned { answer: done() },
        Event::Doubted { then: exhausted(), doubt: Vec::new() },
        Event::Unwinding { cause: UnwindCause::Deadline, doubt: Vec::new() },
        Event::Unwinding { cause: UnwindCause::Deadline, doubt: vec!["".into(), "state.1.0".into()] },
        Event::Undone { call: id(2, None), how: How::Done },
        Event::Undone { call: id(2, Some(0)), how: How::Done },
        Event::Undone { call: id(2, None), how: How::Skipped { by: "ann".into(), why: "why".into() } },
        Event::CompensationFailed { call: id(2, None), failed: failed() },
        parked(None),
        parked(Some(id(2, None))),
        decided(Verb::Retry),
        decided(Verb::Cancel),
        decided(Verb::Settle),
        Event::DeadlinePassed {},
        Event::Completed { output: null() },
        Event::Compensated {},
        Event::DebtSettled { call: id(2, None), by: "ann".into(), why: "why".into() },
    ];
    for branch in ["state.1", "state.1.0", "state.1.1"] {
        for event in [
            called(Class::Compensatable, Some("undo")),
            called(Class::Pivot, None),
            Event::Answered { answer: done() },
            Event::Answered { answer: Answer::Refused(null()) },
            Event::Returned { answer: done() },
            Event::Returned { answer: Answer::Refused(null()) },
            Event::Doubted { then: exhausted(), doubt: Vec::new() },
            parked(None),
        ] {
            all.push(event.within(branch));
        }
    }
    all
}

/// Every journal of up to so many rows, tried as it grows: the fold is total, an illegal pair names both sides and
/// changes nothing, and what must never be never is.
fn grow(state: &State, events: &[Event], left: u32, seen: &mut u64) {
    for event in events {
        let mut next = state.clone();
        match next.apply(state.seq + 1, 0, event) {
            Ok(()) => {
                *seen += 1;
                let unwinding = matches!(next.phase().beneath(), Phase::Unwinding { .. });
                assert!(!next.pivot_passed || !unwinding);
                assert!(!next.pivot_passed || next.root.log.is_empty(), "past the pivot nothing is left to undo");
                if let Phase::Compensated { .. } = next.phase() {
                    assert!(next.root.log.is_empty());
                }
                let text = serde_json::to_string(&next).expect("a state is JSON");
                let back: State = serde_json::from_str(&text).expect("it reads back");
                assert_eq!(format!("{back:?}"), format!("{next:?}"), "a snapshot is the state");
                if left > 0 {
                    grow(&next, events, left - 1, seen);
                }
            }
            Err(illegal) => {
                assert_eq!((illegal.phase, illegal.event), (state.phase().name(), event.kind()));
                assert_eq!(format!("{next:?}"), format!("{state:?}"), "an illegal row changes nothing: {event:?}");
            }
        }
    }
}

#[test]
fn the_fold_is_total_and_an_illegal_pair_names_both_and_changes_nothing() {
    let mut seen = 0;
    grow(&State::default(), &every_event(), 4, &mut seen);
    assert!(seen > 1_000, "{seen} journals");
}

/// Applies these events in order.
fn after(events: &[Event]) -> State {
    let mut state = State::default();
    for event in events {
        state.apply(state.seq + 1, 0, event).unwrap_or_else(|illegal| panic!("{illegal} in {event:?}"));
    }
    state
}

fn started() -> Event {
    Event::Started { version: 1, parameter: "input".into(), input: null(), deadline: None, parent: None }
}

#[test]
fn a_row_that_is_missing_is_noticed() {
    let mut state = State::default();
    let illegal = state.apply(2, 0, &started()).expect_err("row 1 is missing");
    assert_eq!(illegal.to_string(), "row 2: `started` cannot follow where the instance is `empty` (a row is missing)");
}

#[test]
fn a_join_is_done_when_every_branch_is_and_its_branches_are_one_group_of_the_undo_log() {
    let done = || Event::Answered { answer: Answer::Done(null()) };
    let mut state = after(&[
        started(),
        join(),
        Event::Begun { branches: vec![0, 1] },
        done().within("state.1.0"),
        called(Class::Compensatable, Some("undo")).within("state.1.1"),
        done().within("state.1.1"),
        Event::Returned { answer: Answer::Done(null()) }.within("state.1.1"),
    ]);
    let Phase::After { answer, .. } = state.phase() else { panic!("{:?}", state.phase()) };
    assert_eq!(*answer, AnswerAt::Rows(vec![4, 7]));
    let unwinding = Event::Unwinding { cause: UnwindCause::Deadline, doubt: Vec::new() };
    state.apply(8, 0, &unwinding).expect("it gives up");
    let mut current = Vec::new();
    state.root.log.current(&mut current);
    let calls: Vec<_> = current.iter().filter_map(|(_, entry)| entry.call()).collect();
    assert_eq!(calls, [id(2, Some(0)), id(5, None)], "both may be undone at the same time");
    for (row, call) in [(9, calls[1]), (10, calls[0])] {
        let early = state.clone().apply(row, 0, &Event::Compensated {});
        assert!(early.is_err(), "not everything is undone");
        state.apply(row, 0, &Event::Undone { call, how: How::Done }).expect("it is undone");
    }
    state.apply(11, 0, &Event::Compensated {}).expect("everything is undone");
}

#[test]
fn a_refused_branch_undoes_exactly_what_the_join_completed_before_the_flow_is_told() {
    let (refused, done) = (Answer::Refused(null()), Answer::Done(null()));
    let before = called(Class::Compensatable, Some("undo_before"));
    let mut state = after(&[
        started(),
        before,
        Event::Answered { answer: done.clone() },
        Event::Called(Box::new(Called {
            state: "both".into(),
            fingerprint: "1".into(),
            ordinal: 1,
            calls: Calls::Join {
                callees: vec![Callee::Step(step_at(Class::Compensatable, Some("undo")))],
                branches: vec![Saved::new(), Saved::new(), Saved::new()],
                limit: None,
            },
            frame: Saved::new(),
        })),
        Event::Begun { branches: vec![0, 1] },
        Event::Answered { answer: done }.within("both.1.0"),
        Event::Answered { answer: refused.clone() }.within("both.1.1"),
    ]);
    assert!(state.clone().apply(8, 0, &Event::Begun { branches: vec![2] }).is_err(), "nothing begins any more");
    let then = Answer::Branch { index: 1, answer: Box::new(refused) };
    let told = Event::Answered { answer: then.clone() };
    assert!(state.clone().apply(8, 0, &told).is_err(), "what completed is undone first");
    state.apply(8, 0, &Event::Doubted { then, doubt: Vec::new() }).expect("it is undone first");
    assert!(
        state.clone().apply(9, 0, &Event::Undone { call: id(2, None), how: How::Done }).is_err(),
        "the step before stays"
    );
    state.apply(9, 0, &Event::Undone { call: id(4, Some(0)), how: How::Done }).expect("the branch is undone");
    assert!(matches!(state.phase(), Phase::After { answer: AnswerAt::Row(8), .. }));
    assert_eq!(state.root.log.entries.len(), 1, "the step before the join is still to be undone");
}

#[test]
fn what_a_snapshot_holds_of_the_undo_log_is_taken_out_again_when_it_is_needed() {
    let mut state = after(&[
        started(),
        called(Class::Compensatable, Some("undo")),
        Event::Answered { answer: Answer::Done(null()) },
    ]);
    let snapshot = Box::new(state.clone());
    state.apply(4, 0, &Event::Snapshot { state: snapshot.clone() }).expect("a snapshot follows anything");
    assert!(state.root.log.entries.is_empty() && state.root.log.below == Some(4));
    state.apply(5, 0, &Event::Unwinding { cause: UnwindCause::Deadline, doubt: Vec::new() }).expect("it gives up");
    assert!(state.clone().apply(6, 0, &Event::Compensated {}).is_err(), "there is more to undo");
    let log = Box::new(snapshot.root.log.clone());
    state.apply(6, 0, &Event::Unfolded { log }).expect("it is needed");
    state.apply(7, 0, &Event::Undone { call: id(2, None), how: How::Done }).expect("it is undone");
    state.apply(8, 0, &Event::Compensated {}).expect("everything is undone");
}
