use super::*;
use crate::{
    core::{
        Called, Callee, Decided,
        called::{Calls, Saved},
        phase::AnswerAt,
        samples::{after, called, calls, done, failed, id, started, step_at, unwinding},
    },
    machine::null,
};

fn join() -> Event {
    let callees = vec![Callee::Step(step_at(Class::Compensatable, Some("undo"))), Callee::Flow("inner".into())];
    calls(Calls::Join { callees, branches: vec![Saved::new(), Saved::new()], limit: None })
}

fn decided(verb: Verb) -> Event {
    let (by, why) = ("ann".into(), "why".into());
    Event::Decided(Box::new(Decided { request: 1, verb, by, why, park: None, refused: None }))
}

/// One event of every kind, and the variants that make a difference.
fn every_event() -> Vec<Event> {
    let done = || Answer::Done(null());
    let exhausted = || Answer::Exhausted { step: "step".into(), last_error: "broken".into() };
    let parked = |undo| Event::Parked { cause: ParkCause::Asked, error: "look".into(), undo };
    let mut all = vec![
        Event::Started {
            version: 1,
            parameter: "input".into(),
            input: null(),
            deadline: None,
            begins: None,
            parent: None,
        },
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

#[test]
fn a_row_that_is_missing_is_noticed() {
    let mut state = State::default();
    let illegal = state.apply(2, 0, &started()).expect_err("row 1 is missing");
    assert_eq!(illegal.to_string(), "row 2: `started` cannot follow where the instance is `empty` (a row is missing)");
}

/// A join of a step and an inner flow, both of which have done something that can be undone.
fn two_branches() -> [Event; 7] {
    [
        started(),
        join(),
        Event::Begun { branches: vec![0, 1] },
        done().within("state.1.0"),
        called(Class::Compensatable, Some("undo")).within("state.1.1"),
        done().within("state.1.1"),
        Event::Returned { answer: Answer::Done(null()) }.within("state.1.1"),
    ]
}

#[test]
fn a_join_is_done_when_every_branch_is_and_its_branches_are_one_group_of_the_undo_log() {
    let mut state = after(&two_branches());
    let Phase::After { answer, .. } = state.phase() else { panic!("{:?}", state.phase()) };
    assert_eq!(*answer, AnswerAt::Rows(vec![4, 7]));
    state.apply(8, 0, &unwinding()).expect("it gives up");
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

/// Why this row cannot follow these, or nothing if it can.
fn refused(events: &[Event], event: &Event) -> Option<&'static str> {
    let mut state = after(events);
    state.apply(state.seq + 1, 0, event).err().map(|illegal| illegal.because)
}

#[test]
fn what_is_about_the_whole_instance_follows_only_where_it_means_something() {
    let completed = Event::Completed { output: null() };
    let recovered = Event::Recovered { count: 1 };
    assert_eq!(refused(&[started()], &recovered), None);
    assert_eq!(refused(&[started(), called(Class::Compensatable, Some("undo"))], &recovered), None);
    assert_eq!(refused(&[started(), completed.clone()], &recovered), Some(""), "it has ended");
    assert_eq!(State::default().apply(1, 0, &recovered).map_err(|illegal| illegal.because), Err(""));

    // That its time is over is told where nothing else can come of it.
    let late = Event::DeadlinePassed {};
    let with_deadline = || match started() {
        Event::Started { version, parameter, input, parent, .. } => {
            Event::Started { version, parameter, input, deadline: Some(1), begins: None, parent }
        }
        other => other,
    };
    let paid = [with_deadline(), called(Class::Pivot, None), done()];
    assert_eq!(refused(&paid, &late), None);
    assert_eq!(refused(&paid[..2], &late), Some(""), "there is a way back");
    assert_eq!(refused(&[started(), called(Class::Pivot, None), done()], &late), Some(""), "it has all the time");
    let mut ended = paid.to_vec();
    ended.push(completed.clone());
    assert_eq!(refused(&ended, &late), Some(""), "it has ended");

    let held = [started(), called(Class::Compensatable, Some("undo")), done()];
    let early = Event::Compensated {};
    assert_eq!(refused(&held, &early), Some(""), "it does not unwind");
    let mut undoing = held.to_vec();
    undoing.push(unwinding());
    assert_eq!(refused(&undoing, &early), Some("not everything is undone"));
}

#[test]
fn a_snapshot_is_of_the_row_before_it_and_counts_as_no_progress() {
    let mut state = after(&[started(), called(Class::Compensatable, Some("undo")), Event::Recovered { count: 1 }]);
    let other = Event::Snapshot { state: Box::new(after(&[started()])) };
    let error = state.clone().apply(4, 0, &other).expect_err("it is of another row");
    assert_eq!(error.because, "it is the snapshot of another row");
    let own = Event::Snapshot { state: Box::new(state.clone()) };
    state.apply(4, 0, &own).expect("it is its own");
    assert_eq!(state.recoveries, 1);
    state.apply(5, 0, &Event::Recovered { count: 2 }).expect("it is lost again");
    assert_eq!(state.recoveries, 2);
    state.apply(6, 0, &Event::AttemptFailed(failed())).expect("it goes on");
    assert_eq!(state.recoveries, 0, "that is progress");
}

#[test]
fn a_snapshot_keeps_the_undo_log_where_that_is_needed_or_is_none() {
    let held = [started(), called(Class::Compensatable, Some("undo")), done()];
    let fold = |events: &[Event]| {
        let mut state = after(events);
        let seq = state.seq + 1;
        let own = Event::Snapshot { state: Box::new(state.clone()) };
        state.apply(seq, 0, &own).expect("a snapshot follows anything");
        (state.root.log.entries.len(), state.root.log.below)
    };
    assert_eq!(fold(&held), (0, Some(4)));
    assert_eq!(fold(&held[..1]), (0, None), "there is nothing to be undone");
    let mut undoing = held.to_vec();
    undoing.push(unwinding());
    assert_eq!(fold(&undoing), (1, None), "it is being undone");
    // What is taken out again is an earlier part, and only once what is here is undone.
    let log = Box::new(after(&held).root.log);
    let again = Some("no earlier part of the undo log is needed");
    assert_eq!(refused(&undoing, &Event::Unfolded { log: log.clone() }), again);
    undoing.push(Event::Undone { call: id(2, None), how: How::Done });
    assert_eq!(refused(&undoing, &Event::Unfolded { log }), again);
}

/// A decision about what the row 4 parked.
fn decision(verb: Verb, refused: Option<&str>) -> Event {
    let (by, why, refused) = ("ann".into(), "why".into(), refused.map(Into::into));
    Event::Decided(Box::new(Decided { request: 1, verb, by, why, park: Some(4), refused }))
}

#[test]
fn a_decision_that_is_refused_or_about_debt_takes_nothing_out_of_its_park() {
    let parked = Event::Parked { cause: ParkCause::Asked, error: "look".into(), undo: None };
    let held = [started(), called(Class::Compensatable, Some("undo")), Event::AttemptFailed(failed()), parked];
    let parks = |event: Event| {
        let mut state = after(&held);
        state.apply(5, 0, &event).expect("a decision follows a park");
        state.parks().len()
    };
    for verb in [Verb::Retry, Verb::Resolve, Verb::DidNotHappen] {
        assert_eq!((parks(decision(verb, Some("no"))), parks(decision(verb, None))), (1, 0), "{verb:?}");
    }
    assert_eq!((parks(decision(Verb::Settle, Some("no"))), parks(decision(Verb::Settle, None))), (1, 1));
    assert_eq!(parks(decision(Verb::Cancel, None)), 1, "what it means is in the rows that follow");
    // Where nothing is parked, nothing is granted; it may be refused all the same.
    assert_eq!(refused(&held[..2], &decision(Verb::Retry, None)), Some("it is not parked"));
    for event in [decision(Verb::Retry, Some("no")), decision(Verb::Settle, None), decision(Verb::Cancel, None)] {
        assert_eq!(refused(&held[..2], &event), None, "{event:?}");
    }
}

#[test]
fn the_debt_that_is_settled_is_the_one_that_is_named_and_only_once_all_has_ended() {
    let step = || called(Class::Compensatable, Some("undo"));
    let skipped =
        |row| Event::Undone { call: id(row, None), how: How::Skipped { by: "ann".into(), why: "why".into() } };
    let settled = |row| Event::DebtSettled { call: id(row, None), by: "ann".into(), why: "why".into() };
    let owing = [started(), step(), done(), step(), done(), unwinding(), skipped(4), skipped(2)];
    assert_eq!(refused(&owing, &settled(2)), Some(""), "it has not ended");
    let mut ended = owing.to_vec();
    ended.push(Event::Compensated {});
    let owed = |events: &[Event]| after(events).debt.iter().map(|owed| owed.call.row).collect::<Vec<_>>();
    assert_eq!(owed(&ended), [4, 2]);
    assert_eq!(refused(&ended, &settled(1)), Some("there is no such debt"));
    ended.push(settled(2));
    assert_eq!(owed(&ended), [4]);
    assert_eq!(refused(&ended, &settled(2)), Some("there is no such debt"), "it is settled");
    ended.push(settled(4));
    assert_eq!(owed(&ended), [0; 0]);
}

#[test]
fn an_instance_does_not_unwind_while_a_call_of_it_is_being_undone_in_whichever_branch() {
    let exhausted = || Answer::Exhausted { step: "step".into(), last_error: "broken".into() };
    let events = [started(), join(), Event::Begun { branches: vec![0, 1] }];
    for (branch, other) in [("state.1.0", "state.1.1"), ("state.1.1", "state.1.0")] {
        let mut all = events.to_vec();
        if branch.ends_with('1') {
            all.push(called(Class::Compensatable, Some("undo")).within(branch));
        }
        all.push(Event::AttemptFailed(failed()).within(branch));
        all.push(Event::Doubted { then: exhausted(), doubt: vec!["".into()] }.within(branch));
        if other.ends_with('1') {
            all.push(called(Class::Compensatable, Some("undo")).within(other));
        }
        assert_eq!(refused(&all, &unwinding()), Some("a call is being undone already"), "{branch}");
        assert!(after(&all).is_undoing());
    }
    assert_eq!(refused(&events, &unwinding()), None);
    assert!(!after(&events).is_undoing());
}

#[test]
fn a_branch_that_is_one_call_has_ended_when_its_undo_has_and_the_main_flow_has_not() {
    let exhausted = || Answer::Exhausted { step: "step".into(), last_error: "broken".into() };
    let doubted = || Event::Doubted { then: exhausted(), doubt: vec!["".into()] };
    let undone = |branch| Event::Undone { call: id(2, branch), how: How::Done };
    let branch = after(&[
        started(),
        join(),
        Event::Begun { branches: vec![0] },
        Event::AttemptFailed(failed()).within("state.1.0"),
        doubted().within("state.1.0"),
        undone(Some(0)).within("state.1.0"),
    ]);
    assert!(branch.root.at("state.1.0").is_none(), "{branch:?}");
    let main = after(&[
        started(),
        called(Class::Compensatable, Some("undo")),
        Event::AttemptFailed(failed()),
        doubted(),
        undone(None),
    ]);
    assert!(matches!(main.phase(), Phase::After { answer: AnswerAt::Row(4), .. }), "{main:?}");
}

/// What was lost with its worker, and what is told of it.
#[test]
fn attempts_are_counted_in_every_strand_and_every_undo_but_for_what_is_parked() {
    let lost = Event::Recovered { count: 1 };
    let held = [started(), join(), Event::Begun { branches: vec![0, 1] }];
    let mut state = after(&held);
    state.apply(4, 7, &lost).expect("its worker died");
    let Some(Phase::Calling(calling)) = state.root.at("state.1.0").map(|strand| &strand.phase) else { panic!() };
    let Doing::Step(tries) = &calling.doing else { panic!("{calling:?}") };
    assert_eq!((tries.count, tries.doubt), (1, true));
    assert_eq!(state.tries().map(|tries| tries.count), Some(1));

    let parked = Event::Parked { cause: ParkCause::Asked, error: "look".into(), undo: Some(id(5, None)) };
    let mut undoing = after(&[&two_branches()[..], &[unwinding(), parked]].concat());
    let names: Vec<&str> = undoing.undos().iter().map(|undo| &*undo.compensation).collect();
    assert_eq!(names, ["undo", "undo"]);
    undoing.apply(10, 7, &lost).expect("its worker died");
    let counts = |state: &State| {
        let mut current = Vec::new();
        state.root.log.current(&mut current);
        current.iter().map(|(log, entry)| (entry.call(), log.tries.count)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&undoing), [(Some(id(2, Some(0))), 1), (Some(id(5, None)), 0)], "nothing ran of what is parked");
    assert_eq!(undoing.tries().map(|tries| tries.count), Some(1));
    // A retry is of the one that it names.
    let retry =
        Decided { request: 1, verb: Verb::Retry, by: "ann".into(), why: "".into(), park: Some(9), refused: None };
    undoing.apply(11, 8, &Event::Decided(Box::new(retry))).expect("it is parked");
    assert!(undoing.parks().is_empty());
    undoing.apply(12, 9, &lost).expect("its worker died");
    assert_eq!(counts(&undoing), [(Some(id(2, Some(0))), 2), (Some(id(5, None)), 1)]);
}

#[test]
fn a_retry_of_a_whole_forgives_all_that_is_in_it_but_for_what_is_parked_by_itself() {
    let parked = |undo| Event::Parked { cause: ParkCause::CrashLoop, error: "look".into(), undo };
    let exhausted = Answer::Exhausted { step: "step".into(), last_error: "broken".into() };
    let (one, two) = ("state.1.0", "state.1.1");
    let held = [
        started(),
        join(),
        Event::Begun { branches: vec![0, 1] },
        Event::AttemptFailed(failed()).within(one),
        called(Class::Compensatable, Some("undo")).within(two),
        Event::AttemptFailed(failed()).within(two),
    ];
    let undoes = [
        Event::Doubted { then: exhausted, doubt: vec!["".into()] }.within(two),
        Event::CompensationFailed { call: id(5, None), failed: failed() }.within(two),
    ];
    let forgiven = |state: &State| {
        let strand = |path: &str| state.root.at(path).expect("it is there");
        let step = match &strand(one).phase.calling().expect("it is called").doing {
            Doing::Step(tries) => (tries.forgiven, tries.since),
            other => panic!("{other:?}"),
        };
        (step, (strand(two).log.tries.forgiven, strand(two).log.tries.since))
    };
    let of = |first: &[Event], park: u64| {
        let mut state = after(&[&held[..], &undoes, first, &[parked(None)]].concat());
        let retry = Decided {
            request: 1,
            verb: Verb::Retry,
            by: "ann".into(),
            why: "".into(),
            park: Some(park),
            refused: None,
        };
        let row = state.seq + 1;
        state.apply(row, 7, &Event::Decided(Box::new(retry))).expect("it is parked");
        state
    };
    assert_eq!(forgiven(&of(&[], 9)), ((1, 7), (1, 7)));
    let state = of(&[parked(None).within(one), parked(Some(id(5, None))).within(two)], 11);
    assert_eq!(forgiven(&state), ((0, 0), (0, 0)));
    assert_eq!(state.parks().len(), 2, "each waits for a decision of its own");
}

#[test]
fn only_a_retry_of_a_crash_loop_forgives_what_runs_beside_it() {
    let parked = |cause| Event::Parked { cause, error: "look".into(), undo: None };
    let callees = vec![Callee::Step(step_at(Class::Compensatable, Some("undo")))];
    let branches = calls(Calls::Join { callees, branches: vec![Saved::new(); 3], limit: None });
    let held = [
        started(),
        branches,
        Event::Begun { branches: vec![0, 1, 2] },
        Event::AttemptFailed(failed()).within("state.1.0"),
        parked(ParkCause::Asked).within("state.1.1"),
        parked(ParkCause::CrashLoop).within("state.1.2"),
    ];
    for (park, forgiven, left) in [(Some(5), 0, 1), (Some(6), 1, 1), (None, 1, 1)] {
        let (by, why) = ("ann".into(), "why".into());
        let retry = Decided { request: 1, verb: Verb::Retry, by, why, park, refused: None };
        let mut state = after(&held);
        state.apply(7, 9, &Event::Decided(Box::new(retry))).expect("it is parked");
        let calling = state.root.at("state.1.0").and_then(|strand| strand.phase.calling()).expect("it runs");
        let Doing::Step(tries) = &calling.doing else { panic!("{calling:?}") };
        assert_eq!((tries.forgiven, state.parks().len()), (forgiven, left), "{park:?}");
    }
}

#[test]
fn what_is_parked_is_told_with_the_attempts_at_its_step() {
    let parked = |undo| Event::Parked { cause: ParkCause::Asked, error: "look".into(), undo };
    let held = [started(), called(Class::Compensatable, Some("undo"))];
    let parks = after(&[&held[..], &[Event::AttemptFailed(failed()), parked(None)]].concat()).parks();
    let [ParkAt { row: 4, cause: ParkCause::Asked, undo: None, key: Some(key), branch }] = &parks[..] else {
        panic!("{parks:?}")
    };
    assert_eq!((&**branch, &*key.step, key.tries.count), ("", "step", 1));
    let of = |events: &[Event]| after(events).parks().into_iter().map(|park| (park.undo, park.key)).collect::<Vec<_>>();
    assert_eq!(of(&[started(), parked(None)]), [(None, None)], "nothing is called");
    assert_eq!(of(&[started(), join(), parked(None)]), [(None, None)], "a join has no attempts");
    let undoing = [&held[..], &[done(), unwinding(), parked(Some(id(2, None)))]].concat();
    assert_eq!(of(&undoing), [(Some(id(2, None)), None)]);
}

#[test]
fn what_is_to_be_undone_next_is_found_by_its_call_and_begins_anew() {
    let fails = |call| Event::CompensationFailed { call, failed: failed() };
    let step = || called(Class::Compensatable, Some("undo"));
    let mut state = after(&[started(), step(), done(), step(), done(), unwinding(), fails(id(4, None))]);
    let tries = |state: &State, call| state.root.log.at(call).map(|log| (log.tries.count, log.tries.first));
    assert_eq!((tries(&state, id(4, None)), tries(&state, id(2, None))), (Some((1, 0)), None));
    state.apply(8, 30, &Event::Undone { call: id(4, None), how: How::Done }).expect("it is undone");
    assert_eq!((tries(&state, id(4, None)), tries(&state, id(2, None))), (None, Some((0, 30))));
    // Of a group each is.
    let mut state = after(&two_branches());
    state.apply(8, 20, &unwinding()).expect("it gives up");
    state.apply(9, 21, &fails(id(5, None))).expect("it is undone now");
    assert_eq!((tries(&state, id(5, None)), tries(&state, id(2, Some(0)))), (Some((1, 20)), Some((0, 20))));
    assert_eq!(tries(&state, id(2, None)), None);
    // A retry of the whole forgives all of them, but for one that is parked by itself.
    let parked = |undo| Event::Parked { cause: ParkCause::CrashLoop, error: "look".into(), undo };
    state.apply(10, 22, &fails(id(2, Some(0)))).expect("it is undone now");
    state.apply(11, 23, &parked(Some(id(2, Some(0))))).expect("it is undone now");
    state.apply(12, 24, &parked(None)).expect("it is undone");
    let (by, why) = ("ann".into(), "why".into());
    let retry = Decided { request: 1, verb: Verb::Retry, by, why, park: Some(12), refused: None };
    state.apply(13, 25, &Event::Decided(Box::new(retry))).expect("it is parked");
    let forgiven = |call| state.root.log.at(call).map(|log| (log.tries.forgiven, log.tries.since));
    assert_eq!((forgiven(id(5, None)), forgiven(id(2, Some(0)))), (Some((1, 25)), Some((0, 20))));
}

#[test]
fn what_is_not_due_after_a_loss_is_waited_for_and_what_is_due_is_not() {
    for (due, left) in [(None, None), (Some(5), None), (Some(6), None), (Some(7), Some(7))] {
        let mut tries = Tries { retry_at: due, ..Tries::none(0) };
        tries.lost(6, true);
        assert_eq!((tries.retry_at, tries.count, tries.doubt), (left, 1, true), "{due:?}");
    }
}

#[test]
fn an_exhausted_branch_is_why_a_saga_gives_up_and_a_refusal_is_not() {
    let exhausted = Answer::Exhausted { step: "step".into(), last_error: "broken".into() };
    let of_branch = Answer::Branch { index: 3, answer: Box::new(exhausted) };
    let cause = UnwindCause::from_answer(&of_branch, "gone");
    assert!(
        matches!(&cause, UnwindCause::Exhausted { step, last_error } if &**step == "step" && &**last_error == "broken")
    );
    let cause = UnwindCause::from_answer(&Answer::Refused(null()), "gone");
    assert!(matches!(cause, UnwindCause::Cancelled { reason } if &*reason == "gone"));
    assert!(Entry::group([Vec::new(), Vec::new()]).is_none(), "nothing is to be undone of nothing");
}

#[test]
fn what_is_being_undone_is_what_lists_call_it() {
    let held = [started(), called(Class::Compensatable, Some("undo")), done(), unwinding()];
    assert_eq!(&*after(&held[..2]).state_name(), "state");
    assert_eq!(&*after(&held[..3]).state_name(), "after state");
    assert_eq!(&*after(&held).state_name(), "undo");
    assert_eq!(&*after(&[started(), unwinding()]).state_name(), "unwinding");
}
