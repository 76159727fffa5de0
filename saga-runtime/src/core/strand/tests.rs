use super::*;
use crate::{
    core::{
        ChildAt, How, ParkCause, State, UnwindCause, Verb,
        called::Saved,
        event::Decided,
        instance::{Owed, ParkAt},
        log::Group,
        samples::{after, called, calls, done, failed, id, started, step_at, unwinding},
    },
    machine::null,
};

fn book() -> Callee {
    Callee::Step(step_at(Class::Compensatable, Some("undo")))
}

fn inner() -> Callee {
    Callee::Flow("inner".into())
}

fn join(callees: Vec<Callee>, count: usize) -> Event {
    calls(Calls::Join { callees, branches: vec![Saved::new(); count], limit: None })
}

fn flow() -> Event {
    calls(Calls::Flow("inner".into(), Saved::new()))
}

fn child(kind: ChildKind) -> Event {
    let child = ChildAt { saga: "other".into(), id: "7".into(), kind };
    calls(Calls::Child { child, arguments: Saved::new(), deadline: None })
}

fn begun(branches: &[u32]) -> Event {
    Event::Begun { branches: branches.to_vec() }
}

fn refused() -> Event {
    Event::Answered { answer: Answer::Refused(null()) }
}

fn exhausted() -> Answer {
    Answer::Exhausted { step: "step".into(), last_error: "broken".into() }
}

fn doubted(doubt: &[&str]) -> Event {
    Event::Doubted { then: exhausted(), doubt: doubt.iter().map(|path| (*path).into()).collect() }
}

fn undone(row: u64, branch: Option<u32>) -> Event {
    Event::Undone { call: id(row, branch), how: How::Done }
}

fn returned(answer: Answer) -> Event {
    Event::Returned { answer }
}

fn parked(undo: Option<CallId>) -> Event {
    Event::Parked { cause: ParkCause::Asked, error: "look".into(), undo }
}

fn retry(park: Option<u64>) -> Event {
    let (by, why) = ("ann".into(), "why".into());
    Event::Decided(Box::new(Decided { request: 1, verb: Verb::Retry, by, why, park, refused: None }))
}

fn step() -> Event {
    called(Class::Compensatable, Some("undo"))
}

/// Why this row cannot follow these, or nothing if it can.
fn wrong(events: &[Event], event: &Event) -> Option<&'static str> {
    let mut state = after(events);
    state.apply(state.seq + 1, 0, event).err().map(|illegal| illegal.because)
}

fn and(events: &[Event], more: &[Event]) -> Vec<Event> {
    [events, more].concat()
}

fn paths(state: &State) -> Vec<String> {
    let mut paths = Vec::new();
    state.root.visit("", &mut |path, _| paths.push(path.to_owned()));
    paths
}

/// What would be undone now, in the order of the log: the calls, and groups of them.
fn to_undo(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| match entry {
        Entry::Call(undo) => {
            format!("{}{}", undo.call.row, undo.call.branch.map_or(String::new(), |at| format!(".{at}")))
        }
        Entry::Child(undo) => format!("child {}", undo.call.row),
        Entry::Group(Group { logs, left }) => {
            assert_eq!(*left, logs.len());
            format!("{:?}", logs.iter().map(|log| to_undo(&log.entries)).collect::<Vec<_>>())
        }
    };
    entries.iter().map(name).collect()
}

/// An inner flow that runs a step and another inner flow at the same time, of which the latter has called a step.
fn nested() -> Vec<Event> {
    vec![
        started(),
        flow(),
        join(vec![book(), inner()], 2).within("state.1"),
        begun(&[0, 1]).within("state.1"),
        step().within("state.1/state.1.1"),
    ]
}

#[test]
fn a_strand_is_within_itself_and_all_above_it() {
    for (path, around, within) in [
        ("", "", true),
        ("a.1", "", true),
        ("a.1/b.1.0", "", true),
        ("a.1", "a.1", true),
        ("a.1/b.1.0", "a.1", true),
        ("a.1/b.1.0/c.2", "a.1/b.1.0", true),
        ("a.10", "a.1", false),
        ("a.1", "a.1/b.1.0", false),
        ("b.1", "a.1", false),
        ("", "a.1", false),
    ] {
        assert_eq!(is_within(path, around), within, "{path:?} within {around:?}");
    }
}

#[test]
fn strands_are_found_by_their_paths_also_beneath_what_is_parked() {
    let all = ["", "state.1", "state.1/state.1.0", "state.1/state.1.1"];
    for events in [nested(), and(&nested(), &[parked(None).within("state.1"), parked(None)])] {
        let mut state = after(&events);
        assert_eq!(paths(&state), all);
        for path in all {
            assert!(state.root.at(path).is_some() && state.root.at_mut(path).is_some(), "{path}");
        }
        for path in
            ["state.2", "other.1", "state.1.0", "state.1/state.1", "state.1/state.1.2", "state.1/state.1.1/state.1"]
        {
            assert!(state.root.at(path).is_none() && state.root.at_mut(path).is_none(), "{path}");
        }
        let at = |path: &str| state.root.at(path).expect("it is there").phase.calling().expect("it calls").call.row;
        assert_eq!((at("state.1"), at("state.1/state.1.0"), at("state.1/state.1.1")), (3, 3, 5));
        let mut seen = 0;
        state.root.visit_mut(&mut |strand| {
            strand.ordinals.clear();
            seen += 1;
        });
        assert_eq!(seen, all.len());
    }
}

#[test]
fn a_row_is_about_the_strand_of_its_path_and_about_none_if_there_is_none() {
    let mut state = after(&nested());
    state.apply(6, 0, &done().within("state.1/state.1.1")).expect("it is called");
    assert!(matches!(state.root.at("state.1/state.1.1").expect("it is there").phase, Phase::After { .. }));
    assert!(matches!(state.root.at("state.1/state.1.0").expect("it is there").phase, Phase::Calling(_)));
    for path in ["state.2", "state.1.0", "state.1/state.1.2", "state.1/state.1"] {
        assert_eq!(wrong(&nested(), &done().within(path)), Some("there is no such branch"), "{path}");
    }
    assert_eq!(wrong(&[started()], &done().within("state.1")), Some("there is no such branch"));
    assert_eq!(wrong(&[started(), step()], &done().within("state.1")), Some("there is no such branch"));
    assert_eq!(wrong(&nested(), &undone(3, Some(0)).within("state.1/state.1.2")), Some("there is no such branch"));
}

#[test]
fn branches_begin_in_order_and_none_that_there_is_not() {
    let held = [started(), join(vec![book()], 3)];
    for all in [&[0][..], &[0, 1], &[0, 1, 2]] {
        assert_eq!(wrong(&held, &begun(all)), None, "{all:?}");
    }
    for other in [&[1][..], &[0, 2], &[0, 0]] {
        assert_eq!(wrong(&held, &begun(other)), Some("branches begin in order"), "{other:?}");
    }
    assert_eq!(wrong(&held, &begun(&[0, 1, 2, 3])), Some("there is no such branch"));
    let more = and(&held, &[begun(&[0])]);
    assert_eq!(wrong(&more, &begun(&[1, 2])), None);
    assert_eq!(wrong(&more, &begun(&[0])), Some("branches begin in order"));
    assert_eq!(wrong(&more, &begun(&[1, 2, 3])), Some("there is no such branch"));
    let two = [started(), join(vec![book(), inner()], 3)];
    assert_eq!(wrong(&two, &begun(&[0, 1])), None);
    assert_eq!(wrong(&two, &begun(&[0, 1, 2])), Some("there is no such branch"), "it calls nothing");
    assert_eq!(wrong(&[started(), step()], &begun(&[0])), Some("no join is under way"));
    assert_eq!(wrong(&[started()], &begun(&[0])), Some(""));
    // Each of them is what it calls.
    let state = after(&and(&two, &[begun(&[0, 1])]));
    let at = |path| &state.root.at(path).expect("it has begun").phase;
    assert!(matches!(at("state.1.1"), Phase::Start));
    let Phase::Calling(calling) = at("state.1.0") else { panic!("{:?}", at("state.1.0")) };
    let call = &calling.call;
    assert_eq!((call.row, &*call.state, call.ordinal, call.branch), (2, "step", 1, Some(0)));
    assert_eq!(call.step, Some(step_at(Class::Compensatable, Some("undo"))));
}

#[test]
fn a_branch_that_is_one_call_neither_calls_nor_returns_and_one_that_is_a_flow_does() {
    let held = [started(), join(vec![book(), inner()], 2), begun(&[0, 1])];
    let one = Some("the branch is one call");
    assert_eq!(wrong(&held, &step().within("state.1.0")), one);
    assert_eq!(wrong(&held, &returned(Answer::Done(null())).within("state.1.0")), one);
    assert_eq!(wrong(&held, &step().within("state.1.1")), None);
    assert_eq!(wrong(&held, &returned(Answer::Done(null())).within("state.1.1")), None);
    assert_eq!(wrong(&held, &returned(Answer::Done(null()))), Some(""), "the main flow waits for them");
    // An inner flow may be called where a branch runs.
    let more = and(&held, &[flow().within("state.1.1")]);
    assert_eq!(wrong(&more, &step().within("state.1.1/state.1")), None);
    // It has not ended with a call of its own.
    let on = after(&and(&held, &[step().within("state.1.1"), done().within("state.1.1")]));
    assert!(on.root.at("state.1.1").is_some());
    let off = after(&and(&held, &[done().within("state.1.0")]));
    assert!(off.root.at("state.1.0").is_none());
}

fn joining(state: &State) -> &Join {
    match &state.root.phase.calling().expect("it calls").doing {
        Doing::Join(join) => join,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_branch_that_failed_is_why_and_the_others_are_kept_with_what_they_did() {
    let held = [started(), join(vec![book()], 3), begun(&[0, 1, 2])];
    let of = |more: &[Event]| after(&and(&held, more));
    let all = of(&[refused().within("state.1.1"), done().within("state.1.2"), refused().within("state.1.0")]);
    let ended = joining(&all);
    assert_eq!(ended.failed, Some((1, 4)));
    assert_eq!(
        (ended.running.len(), ended.done.iter().map(|(at, row)| (*at, *row)).collect::<Vec<_>>()),
        (0, vec![(2, 5)])
    );
    assert_eq!(ended.undo.keys().copied().collect::<Vec<_>>(), [2], "the others have nothing to undo");
    let flows = [started(), join(vec![inner()], 2), begun(&[0, 1])];
    let state = after(&and(&flows, &[returned(Answer::Refused(null())).within("state.1.0")]));
    assert_eq!(joining(&state).failed, Some((0, 4)));
    let state = after(&and(&flows, &[returned(Answer::Done(null())).within("state.1.0")]));
    assert_eq!((joining(&state).failed, joining(&state).done.get(&0)), (None, Some(&4)));
}

#[test]
fn a_join_is_answered_by_a_branch_that_failed_once_nothing_of_it_is_to_be_undone() {
    let held = [started(), join(vec![book()], 2), begun(&[0, 1])];
    let told = Event::Answered { answer: Answer::Branch { index: 1, answer: Box::new(Answer::Refused(null())) } };
    let undone = Some("what its branches completed is to be undone first");
    assert_eq!(wrong(&held, &done()), Some("a join is answered by its branches"));
    assert_eq!(wrong(&held, &told), undone, "none has failed");
    let both = and(&held, &[refused().within("state.1.0"), refused().within("state.1.1")]);
    assert_eq!(wrong(&both, &told), None);
    let one = and(&held, &[done().within("state.1.0"), refused().within("state.1.1")]);
    assert_eq!(wrong(&one, &told), undone);
    assert!(matches!(after(&and(&both, &[told])).phase(), Phase::After { answer: AnswerAt::Row(6), .. }));
}

#[test]
fn what_an_inner_flow_completed_is_the_flows_around_it_unless_it_failed_or_there_is_no_way_back() {
    let held = [started(), flow(), step().within("state.1"), done().within("state.1")];
    assert_eq!(wrong(&held[..3], &done()), Some("the inner flow has not ended"));
    assert_eq!(wrong(&held, &refused()), Some("what it completed is to be undone first"));
    assert_eq!(wrong(&held[..2], &refused()), None, "it has done nothing");
    let ended = after(&and(&held, &[done()]));
    assert_eq!(to_undo(&ended.root.log.entries), ["3"]);
    let paid = [started(), called(Class::Pivot, None), done()];
    let past = and(&paid, &[flow(), step().within("state.1"), done().within("state.1"), done()]);
    assert!(after(&past).root.log.is_empty());
    // Nor of a join, or of a step.
    let joined = and(&paid, &[join(vec![book()], 1), begun(&[0]), done().within("state.1.0")]);
    let joined = after(&joined);
    assert!(joined.root.log.is_empty() && matches!(joined.phase(), Phase::After { .. }), "{joined:?}");
    assert!(after(&and(&paid, &[step(), done()])).root.log.is_empty());
}

#[test]
fn a_join_knows_what_it_calls_how_often_and_how_many_at_a_time() {
    for limit in [None, Some(2)] {
        let called = calls(Calls::Join { callees: vec![book()], branches: vec![Saved::new(); 3], limit });
        let state = after(&[started(), called]);
        let join = joining(&state);
        assert_eq!((&*join.callees, join.count, join.limit, join.begun), (&[book()][..], 3, limit, 0));
    }
}

#[test]
fn a_join_without_branches_has_its_answer() {
    let state = after(&[started(), join(vec![book()], 0)]);
    assert!(matches!(state.phase(), Phase::After { answer: AnswerAt::Rows(rows), .. } if rows.is_empty()), "{state:?}");
}

#[test]
fn what_is_undone_of_a_call_is_what_may_have_happened() {
    let held = [started(), step(), done()];
    let unwound = |events: &[Event], doubt: &[&str]| {
        let doubt = doubt.iter().map(|path| (*path).into()).collect();
        let unwinding = Event::Unwinding { cause: UnwindCause::Deadline, doubt };
        to_undo(&after(&and(events, &[unwinding])).root.log.entries)
    };
    let call = and(&held, &[step()]);
    assert_eq!(unwound(&call, &[]), ["2"]);
    assert_eq!(unwound(&call, &[""]), ["2", "4"]);
    let inside = and(&held, &[flow(), step().within("state.1")]);
    assert_eq!(unwound(&inside, &[""]), ["2"], "that is another strand");
    assert_eq!(unwound(&inside, &["state.1"]), ["2", "5"]);
    let both = and(
        &held,
        &[join(vec![book(), inner()], 2), begun(&[0, 1]), step().within("state.1.1"), done().within("state.1.1")],
    );
    assert_eq!(unwound(&both, &[]), ["2", r#"[["6"]]"#]);
    assert_eq!(unwound(&both, &["state.1.0"]), ["2", r#"[["4.0"], ["6"]]"#]);
    let ended = and(&both, &[done().within("state.1.0")]);
    assert_eq!(unwound(&ended, &[]), ["2", r#"[["4.0"], ["6"]]"#]);
    assert_eq!(unwound(&and(&held, &[child(ChildKind::Compensatable)]), &[]), ["2", "child 4"]);
    assert_eq!(unwound(&and(&held, &[child(ChildKind::Pivot)]), &[]), ["2"]);
    assert_eq!(unwound(&and(&held, &[child(ChildKind::Retriable)]), &[]), ["2"]);
    let noted = and(&held, &[called(Class::NotCompensated, None)]);
    assert_eq!(unwound(&noted, &[""]), ["2"], "nothing undoes it");
}

#[test]
fn what_a_child_did_is_undone_if_it_may_be_and_there_is_no_way_back_from_one_that_is_the_pivot() {
    let ended = |kind| after(&[started(), step(), done(), child(kind), done()]);
    let state = ended(ChildKind::Compensatable);
    assert_eq!(to_undo(&state.root.log.entries), ["2", "child 4"]);
    assert!(!state.pivot_passed);
    let state = ended(ChildKind::Pivot);
    assert!(state.pivot_passed && state.root.log.is_empty());
    let state = ended(ChildKind::Retriable);
    assert!(!state.pivot_passed && to_undo(&state.root.log.entries) == ["2"]);
    for kind in [ChildKind::Compensatable, ChildKind::Pivot] {
        let state = after(&[started(), child(kind), refused()]);
        assert!(!state.pivot_passed && state.root.log.is_empty(), "{kind:?}");
    }
    let state = after(&[started(), called(Class::Pivot, None), refused()]);
    assert!(!state.pivot_passed, "it was refused");
    // One that ended and left something behind is undone, of whatever kind it is.
    for kind in [ChildKind::Compensatable, ChildKind::Pivot, ChildKind::Retriable] {
        let mut state = after(&[started(), child(kind), doubted(&[])]);
        assert_eq!(to_undo(&state.root.log.entries), ["child 2"], "{kind:?}");
        state.apply(4, 0, &undone(2, None)).expect("it is undone");
        assert!(matches!(state.phase(), Phase::After { answer: AnswerAt::Row(3), .. }), "{state:?}");
    }
}

#[test]
fn a_call_is_in_doubt_where_it_is_called_and_something_can_be_undone() {
    assert_eq!(wrong(&[started()], &doubted(&[])), Some(""));
    assert_eq!(
        wrong(&[started(), called(Class::NotCompensated, None)], &doubted(&[])),
        Some("there is nothing to undo")
    );
    let pivot = Some("a pivot in doubt is not undone by guess");
    assert_eq!(wrong(&[started(), called(Class::Pivot, Some("undo"))], &doubted(&[])), pivot);
    let paid = [started(), called(Class::Pivot, None), done(), step()];
    assert_eq!(wrong(&paid, &doubted(&[])), Some("the pivot has been passed"));
    // What completed before it stays.
    let mut state = after(&[started(), step(), done(), step(), doubted(&[])]);
    assert_eq!(to_undo(&state.root.log.entries), ["2", "4"]);
    state.apply(6, 0, &undone(4, None)).expect("it is undone");
    assert!(matches!(state.phase(), Phase::After { answer: AnswerAt::Row(5), .. }));
    assert_eq!(to_undo(&state.root.log.entries), ["2"]);
    // Of two calls in a flow, both are undone before it is told.
    let two = [started(), flow(), step().within("state.1"), done().within("state.1"), step().within("state.1")];
    let mut state = after(&and(&two, &[doubted(&["state.1"])]));
    assert_eq!(to_undo(&state.root.log.entries), ["3", "5"]);
    state.apply(7, 0, &undone(5, None)).expect("it is undone");
    assert!(matches!(state.phase(), Phase::Doubted { .. }), "{state:?}");
    state.apply(8, 0, &undone(3, None)).expect("it is undone");
    assert!(matches!(state.phase(), Phase::After { answer: AnswerAt::Row(6), .. }));
    let early = Some("");
    assert_eq!(wrong(&[started(), step()], &undone(2, None)), early, "it is not being undone");
    let other = Some("another call is to be undone first");
    assert_eq!(wrong(&[started(), step(), doubted(&[])], &undone(1, None)), other);
}

#[test]
fn an_attempt_to_undo_is_of_what_is_being_undone() {
    let fails = |row| Event::CompensationFailed { call: id(row, None), failed: failed() };
    let held = [started(), step(), done(), step(), doubted(&[])];
    let other = Some("another call is to be undone first");
    for row in [fails(4), parked(Some(id(4, None)))] {
        assert_eq!(wrong(&held[..4], &row), Some(""), "nothing is being undone");
        assert_eq!(wrong(&held, &row), None);
    }
    for row in [fails(2), parked(Some(id(2, None)))] {
        assert_eq!(wrong(&held, &row), other);
    }
    let unwound = and(&held[..3], &[unwinding()]);
    for row in [fails(2), parked(Some(id(2, None)))] {
        assert_eq!(wrong(&unwound, &row), None);
    }
    let state = after(&and(&held, &[fails(4), parked(Some(id(4, None)))]));
    assert_eq!((state.root.log.tries.count, state.root.log.parked.map(|park| park.row)), (1, Some(7)));
}

#[test]
fn what_has_ended_or_is_parked_is_not_parked() {
    let completed = Event::Completed { output: null() };
    assert_eq!(wrong(&[started()], &parked(None)), None);
    assert_eq!(wrong(&[started(), parked(None)], &parked(None)), Some(""));
    assert_eq!(wrong(&[started(), completed], &parked(None)), Some(""));
    assert_eq!(wrong(&[started(), unwinding(), Event::Compensated {}], &parked(None)), Some(""));
    assert_eq!(State::default().apply(1, 0, &parked(None)).map_err(|illegal| illegal.because), Err(""));
}

#[test]
fn a_call_is_made_and_answered_and_tried_where_that_can_be() {
    for event in [step(), returned(Answer::Done(null()))] {
        assert_eq!(wrong(&[started()], &event), None);
        assert_eq!(wrong(&[started(), step(), done()], &event), None);
        assert_eq!(wrong(&[started(), step()], &event), Some(""));
    }
    let fails = Event::AttemptFailed(failed());
    assert_eq!(wrong(&[started(), step()], &fails), None);
    assert_eq!(wrong(&[started()], &fails), Some(""));
    assert_eq!(wrong(&[started(), flow()], &fails), Some("no step is called"));
    assert_eq!(wrong(&[started()], &done()), Some(""));
    let whole = Some("it is about the whole instance");
    let branch = [started(), join(vec![inner()], 1), begun(&[0])];
    assert_eq!(wrong(&branch, &Event::DeadlinePassed {}.within("state.1.0")), whole);
    assert_eq!(wrong(&branch, &started().within("")), Some(""));
}

#[test]
fn what_a_row_parked_goes_on_when_that_row_is_named_or_none_is() {
    let held = and(&nested(), &[parked(None).within("state.1/state.1.1")]);
    let parks = |state: &State| state.parks().into_iter().map(|ParkAt { row, .. }| row).collect::<Vec<_>>();
    assert_eq!(parks(&after(&held)), [6]);
    assert_eq!(wrong(&held, &retry(Some(5))), Some("it is not parked"));
    for named in [Some(6), None] {
        let state = after(&and(&held, &[retry(named)]));
        assert_eq!(parks(&state), [0; 0]);
        let strand = state.root.at("state.1/state.1.1").expect("it is there");
        assert!(matches!(strand.phase, Phase::Calling(_)));
    }
    assert_eq!(wrong(&nested(), &retry(None)), Some("it is not parked"));
    // An undo.
    let undoing = [started(), step(), done(), unwinding(), parked(Some(id(2, None)))];
    assert_eq!(wrong(&undoing, &retry(Some(4))), Some("it is not parked"));
    for named in [Some(5), None] {
        assert_eq!(parks(&after(&and(&undoing, &[retry(named)]))), [0; 0]);
    }
    // What a strand that does not undo keeps of an earlier park is none.
    let mut state = after(&[started(), step(), done()]);
    state.root.log.parked = Some(Park { row: 9, cause: ParkCause::Asked });
    assert!(!state.root.unpark(0, Some(9)));
}

#[test]
fn a_retry_of_a_flow_counts_anew_the_attempts_in_it() {
    let held =
        [started(), flow(), step().within("state.1"), Event::AttemptFailed(failed()).within("state.1"), parked(None)];
    let mut state = after(&held);
    let forgiven = |state: &State| match &state
        .root
        .at("state.1")
        .expect("it is there")
        .phase
        .calling()
        .expect("it calls")
        .doing
    {
        Doing::Step(tries) => (tries.count, tries.forgiven, tries.since),
        other => panic!("{other:?}"),
    };
    assert_eq!(forgiven(&state), (1, 0, 0));
    state.apply(6, 9, &retry(Some(5))).expect("it is parked");
    assert_eq!(forgiven(&state), (1, 1, 9));
}

#[test]
fn a_branch_that_was_undone_has_ended_wherever_its_join_is() {
    let tried = Event::AttemptFailed(failed());
    let one = "state.1/state.1.0";
    let more = [tried.within(one), doubted(&[""]).within(one), undone(3, Some(0)).within(one)];
    let state = after(&and(&nested(), &more));
    assert_eq!(paths(&state), ["", "state.1", "state.1/state.1.1"]);
    let Some(Doing::Join(join)) = state.root.at("state.1").and_then(|at| at.phase.calling()).map(|at| &at.doing) else {
        panic!("{state:?}")
    };
    assert_eq!(join.failed, Some((0, 7)));
    assert_eq!(wrong(&and(&nested(), &more), &begun(&[2]).within("state.1")), Some("a branch has failed"));
    // A flow in a branch goes on after such a call.
    let two = "state.1/state.1.1";
    let state = after(&and(&nested(), &[doubted(&[""]).within(two), undone(5, None).within(two)]));
    assert!(matches!(state.root.at(two).expect("it goes on").phase, Phase::After { answer: AnswerAt::Row(6), .. }));
}

#[test]
fn a_skip_is_owed_by_whoever_skipped_it() {
    let how = How::Skipped { by: "ann".into(), why: "no".into() };
    let skipped = |row| Event::Undone { call: id(row, None), how: how.clone() };
    let owed = |events: &[Event]| {
        let owed = |owed: &Owed| (owed.call, owed.step.to_string(), owed.by.to_string(), owed.why.to_string());
        after(events).debt.iter().map(owed).collect::<Vec<_>>()
    };
    let call = [started(), step(), doubted(&[]), skipped(2)];
    assert_eq!(owed(&call), [(id(2, None), "step".into(), "ann".into(), "no".into())]);
    let other = [started(), child(ChildKind::Compensatable), doubted(&[]), skipped(2)];
    assert_eq!(owed(&other), [(id(2, None), "other".into(), "ann".into(), "no".into())]);
    assert_eq!(owed(&[started(), step(), doubted(&[]), undone(2, None)]), []);
}

#[test]
fn the_calls_of_a_state_and_the_rows_of_its_locals_are_known() {
    let value = |text: &str| Stored::Value(serde_json::value::RawValue::from_string(text.into()).expect("it is JSON"));
    let mut frame = Saved::new();
    frame.insert("order".into(), value("12345"));
    frame.insert("customer".into(), Stored::Kept { row: 1, local: None });
    let call = Called {
        state: "state".into(),
        fingerprint: "1".into(),
        ordinal: 3,
        calls: Calls::Step(step_at(Class::ReadOnly, None), Saved::new()),
        frame,
    };
    let state = after(&[started(), Event::Called(Box::new(call))]);
    assert_eq!(state.root.ordinals.get("state"), Some(&3));
    assert_eq!(state.root.stored.get("order"), Some(&Held { row: 2, size: 5 }));
    assert_eq!(state.root.stored.get("customer"), None);
}
