use super::*;
use crate::{
    core::{
        Callee, Calls, ChildAt, Event, Failed, How, ParkCause, Saved,
        samples::{self, called, calls, done, id, started, step_at, unwinding},
    },
    machine::Answer,
};

const RETRY: Verb = Verb::Retry;
const ENDED: Grant = Grant::Refused("the instance has ended");
const UNFIT: Grant = Grant::Refused("this verb does not fit what the instance is parked for");
const NO_DEBT: Grant = Grant::Refused("there is no debt to settle");
const EXPIRED: &str = "the step's key is no longer valid at the participant: find out what happened, then resolve or say that it did not \
                       happen";

fn book() -> Event {
    called(Class::Compensatable, Some("undo"))
}

fn pay() -> Event {
    called(Class::Pivot, None)
}

fn child(kind: ChildKind) -> Event {
    let child = ChildAt { saga: "other".into(), id: "1".into(), kind };
    calls(Calls::Child { child, arguments: Saved::new(), deadline: None })
}

fn pair() -> Event {
    let callees = vec![Callee::Step(step_at(Class::Compensatable, Some("undo"))); 2];
    calls(Calls::Join { callees, branches: vec![Saved::new(), Saved::new()], limit: None })
}

fn failed(effect: bool) -> Event {
    Event::AttemptFailed(Failed { effect, ..samples::failed() })
}

fn parked(cause: ParkCause) -> Event {
    Event::Parked { cause, error: "look".into(), undo: None }
}

/// The undo of the call in row 2.
fn undo_parked() -> Event {
    Event::Parked { cause: ParkCause::GaveUp, error: "look".into(), undo: Some(id(2, None)) }
}

fn undone(skipped: bool) -> Event {
    let how = if skipped { How::Skipped { by: "ann".into(), why: "gone".into() } } else { How::Done };
    Event::Undone { call: id(2, None), how }
}

fn doubted() -> Event {
    let then = Answer::Exhausted { step: "step".into(), last_error: "broken".into() };
    Event::Doubted { then, doubt: vec!["".into()] }
}

fn completed() -> Event {
    Event::Completed { output: null() }
}

/// Where an instance stands after its start and these rows.
fn after(events: impl IntoIterator<Item = Event>) -> State {
    let all: Vec<Event> = std::iter::once(started()).chain(events).collect();
    samples::after(&all)
}

fn asked(state: &State, verb: Verb, park: Option<u64>) -> Grant {
    let request = Request { verb, by: "ann".into(), why: "why".into(), park, output: None };
    decide(state, &request, &|_| false)
}

#[test]
fn a_cancel_is_granted_where_there_is_a_way_back_and_waits_where_nobody_knows() {
    let again = Grant::Refused("the saga is being undone already");
    let first = Grant::Refused("settle the parked compensation first");
    let past = Grant::Refused(PAST_PIVOT);
    for (events, grant) in [
        (vec![], Grant::Granted),
        (vec![book()], Grant::Granted),
        (vec![book(), done()], Grant::Granted),
        (vec![book(), failed(true), parked(ParkCause::Asked)], Grant::Granted),
        (vec![pay()], Grant::Waits),
        (vec![pay(), failed(false)], Grant::Waits),
        // Nothing runs of a parked pivot: it has not happened, or nobody knows.
        (vec![pay(), failed(false), parked(ParkCause::Asked)], Grant::Granted),
        (vec![pay(), failed(true), parked(ParkCause::Asked)], Grant::Waits),
        (vec![pay(), done()], past.clone()),
        (vec![child(ChildKind::Compensatable)], Grant::Granted),
        (vec![child(ChildKind::Pivot)], Grant::Waits),
        (vec![pair()], Grant::Granted),
        (vec![book(), failed(true), doubted()], Grant::Waits),
        (vec![book(), failed(true), doubted(), undo_parked()], first),
        (vec![book(), done(), unwinding()], again.clone()),
        (vec![book(), done(), unwinding(), undo_parked()], again),
        (vec![completed()], ENDED),
        (vec![unwinding(), Event::Compensated {}], ENDED),
    ] {
        let state = after(events.clone());
        assert_eq!(asked(&state, Verb::Cancel, None), grant, "{events:?}");
        // It names no park, and may name any.
        let parked = state.parks().first().map(|park| park.row);
        assert_eq!(asked(&state, Verb::Cancel, parked), grant, "{events:?}");
    }
}

#[test]
fn what_is_done_about_a_park_fits_what_is_parked() {
    use ParkCause::{
        Asked, CrashLoop, Exhausted, FlowPanicked, KeyExpired, Panicked, Unreadable, Unrecordable, Unsavable,
    };
    use Verb::{Cancel, DidNotHappen, Resolve, Retry, Skip};
    let of_attempts = [Asked, Exhausted, KeyExpired, Panicked, Unrecordable];
    let others = [CrashLoop, Unreadable, Unsavable, FlowPanicked, ParkCause::RefusedPastPivot, ParkCause::GaveUp];
    let every = |verbs: &[Verb], events: &[Event]| {
        let state = after(events.to_vec());
        let parks = state.parks();
        assert_eq!(parks.len(), 1, "{events:?}");
        assert_eq!(possible(&state, &parks[0], &|_| false), verbs, "{events:?}");
        for verb in [Retry, Resolve, DidNotHappen, Skip] {
            let output = (verb == Resolve && parks[0].undo.is_none()).then(null);
            // Of one park it need not be said which; of another one it is too late.
            for (park, grant) in [
                (Some(parks[0].row), if verbs.contains(&verb) { Grant::Granted } else { UNFIT }),
                (None, if verbs.contains(&verb) { Grant::Granted } else { UNFIT }),
                (Some(parks[0].row - 1), Grant::Refused(STALE)),
            ] {
                let request = Request { verb, by: "ann".into(), why: "why".into(), park, output: output.clone() };
                assert_eq!(decide(&state, &request, &|_| false), grant, "{verb:?} of {park:?}, {events:?}");
            }
        }
    };
    for cause in of_attempts {
        every(&[Retry, Resolve, DidNotHappen, Cancel], &[book(), failed(true), parked(cause)]);
        every(&[Retry, Resolve, DidNotHappen], &[pay(), failed(true), parked(cause)]);
        every(&[Retry, Resolve, DidNotHappen, Cancel], &[pay(), failed(false), parked(cause)]);
        // After the call there is no attempt that it could be about.
        every(&[Retry, Cancel], &[book(), done(), parked(cause)]);
    }
    for cause in others {
        every(&[Retry, Cancel], &[book(), parked(cause)]);
        every(&[Retry, Cancel], &[book(), done(), parked(cause)]);
        every(&[Retry], &[pay(), done(), parked(cause)]);
    }
    every(&[Retry, Resolve, Skip], &[book(), done(), unwinding(), undo_parked()]);
    every(&[Retry, Resolve, Skip], &[book(), failed(true), doubted(), undo_parked()]);
}

#[test]
fn a_step_is_resolved_with_its_output_and_not_tried_again_under_a_key_that_is_over() {
    let state = after([book(), failed(true), parked(ParkCause::Asked)]);
    assert_eq!(asked(&state, Verb::Resolve, None), Grant::Refused("a step is resolved with its output"));
    let request = |verb| Request { verb, by: "ann".into(), why: "why".into(), park: None, output: None };
    assert_eq!(decide(&state, &request(RETRY), &|_| true), Grant::Refused(EXPIRED));
    assert_eq!(decide(&state, &request(Verb::DidNotHappen), &|_| true), Grant::Granted);
    assert_eq!(possible(&state, &state.parks()[0], &|_| true), [Verb::Resolve, Verb::DidNotHappen, Verb::Cancel]);
    // What is parked for something else has no attempt whose key could be over, and an undo has a key of its own.
    let looping = after([book(), parked(ParkCause::CrashLoop)]);
    assert_eq!(decide(&looping, &request(RETRY), &|_| true), Grant::Granted);
    let undoing = after([book(), done(), unwinding(), undo_parked()]);
    assert_eq!(decide(&undoing, &request(RETRY), &|_| true), Grant::Granted);
}

#[test]
fn of_several_parks_one_has_to_be_named() {
    let begun = Event::Begun { branches: vec![0, 1] };
    let park = |branch| parked(ParkCause::Asked).within(branch);
    let state = after([pair(), begun, park("state.1.0"), park("state.1.1")]);
    let rows: Vec<u64> = state.parks().iter().map(|park| park.row).collect();
    assert_eq!(rows, [4, 5]);
    assert_eq!(asked(&state, RETRY, None), Grant::Refused("several things are parked: say which"));
    for row in rows {
        assert_eq!(asked(&state, RETRY, Some(row)), Grant::Granted);
    }
    assert_eq!(asked(&state, RETRY, Some(6)), Grant::Refused(STALE));
    assert_eq!(asked(&after([book()]), RETRY, None), Grant::Refused(STALE));
}

#[test]
fn that_it_did_not_happen_is_said_once_nothing_beside_it_is_being_undone() {
    let begun = Event::Begun { branches: vec![0, 1] };
    let beneath = |event: Event| event.within("state.1.1");
    let doubt = Event::Doubted {
        then: Answer::Exhausted { step: "step".into(), last_error: "broken".into() },
        doubt: vec!["".into()],
    };
    let undoing = [pair(), begun, parked(ParkCause::Asked).within("state.1.0"), beneath(failed(true)), beneath(doubt)];
    let state = after(undoing.clone());
    assert_eq!(asked(&state, Verb::DidNotHappen, Some(4)), Grant::Waits);
    assert_eq!(asked(&state, Verb::Cancel, None), Grant::Waits, "what is parked is no undo");
    let of_branch = id(2, Some(1));
    let parks = Event::Parked { cause: ParkCause::GaveUp, error: "look".into(), undo: Some(of_branch) };
    let state = after(undoing.into_iter().chain([beneath(parks)]));
    for verb in [Verb::DidNotHappen, Verb::Cancel] {
        assert_eq!(asked(&state, verb, Some(4)), Grant::Refused("settle the parked compensation first"));
    }
    assert_eq!(asked(&state, RETRY, Some(4)), Grant::Granted);
}

/// What is decided about a part of it would be rows in strands that stand still with all the rest.
#[test]
fn what_is_parked_beneath_a_park_is_decided_after_that() {
    let begun = Event::Begun { branches: vec![0, 1] };
    let park = |branch| parked(ParkCause::Asked).within(branch);
    let state = after([pair(), begun, park("state.1.0"), parked(ParkCause::CrashLoop)]);
    let rows: Vec<u64> = state.parks().iter().map(|park| park.row).collect();
    assert_eq!(rows, [5, 4]);
    for verb in [RETRY, Verb::Resolve, Verb::DidNotHappen] {
        assert_eq!(asked(&state, verb, Some(4)), Grant::Refused(BENEATH));
    }
    assert_eq!(asked(&state, RETRY, Some(5)), Grant::Granted);
    assert_eq!(asked(&state, Verb::Cancel, None), Grant::Granted);
    let undoing = after([book(), done(), unwinding(), undo_parked(), parked(ParkCause::CrashLoop)]);
    let rows: Vec<u64> = undoing.parks().iter().map(|park| park.row).collect();
    assert_eq!(
        (asked(&undoing, Verb::Skip, Some(5)), asked(&undoing, RETRY, Some(6))),
        (Grant::Refused(BENEATH), Grant::Granted),
        "{rows:?}"
    );
    let twins = [park("state.1.0"), park("state.1.1")];
    assert_eq!(
        asked(&after([pair(), Event::Begun { branches: vec![0, 1] }].into_iter().chain(twins)), RETRY, Some(4)),
        Grant::Granted
    );
}

#[test]
fn debt_is_settled_once_it_is_all_there_is() {
    let owed = [book(), done(), unwinding(), undone(true)];
    let open = after(owed.clone());
    assert_eq!(asked(&open, Verb::Settle, None), Grant::Refused("the instance has not ended"));
    let ended = after(owed.into_iter().chain([Event::Compensated {}]));
    assert_eq!(asked(&ended, Verb::Settle, None), Grant::Granted);
    assert_eq!(asked(&after([completed()]), Verb::Settle, None), NO_DEBT);
    assert_eq!(asked(&after([book()]), Verb::Settle, None), NO_DEBT);
    let clean = after([book(), done(), unwinding(), undone(false), Event::Compensated {}]);
    assert_eq!(asked(&clean, Verb::Settle, None), NO_DEBT);
}

#[test]
fn a_saga_is_undone_as_a_whole_for_whoever_started_it_unless_it_is_past_its_pivot() {
    for (events, grant) in [
        (vec![book(), done(), completed()], Grant::Granted),
        (vec![pay(), done(), completed()], Grant::Refused(PAST_PIVOT)),
        (vec![unwinding(), Event::Compensated {}], ENDED),
        (vec![book()], Grant::Granted),
        (vec![pay()], Grant::Waits),
        (vec![pay(), done()], Grant::Refused(PAST_PIVOT)),
        // He waits for its end, and hears of nothing in between.
        (vec![book(), failed(true), doubted()], Grant::Waits),
        (vec![book(), failed(true), doubted(), undo_parked()], Grant::Waits),
        (vec![book(), done(), unwinding()], Grant::Refused("the saga is being undone already")),
        // Of a parked pivot it is known that no attempt runs.
        (vec![pay(), failed(false), parked(ParkCause::Asked)], Grant::Granted),
    ] {
        assert_eq!(asked(&after(events.clone()), Verb::Undo, None), grant, "{events:?}");
    }
    assert_eq!(can_cancel(&after([pay(), failed(false), parked(ParkCause::Asked)])), Grant::Waits);
}
