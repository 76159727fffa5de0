use super::*;
use crate::core::samples::{failed, step_at};

fn call(branch: Option<u32>) -> CallAt {
    CallAt {
        row: 7,
        state: "pay".into(),
        fingerprint: "1".into(),
        ordinal: 2,
        branch,
        step: Some(step_at(Class::Pivot, None)),
    }
}

#[test]
fn a_path_says_the_state_the_call_and_the_branch() {
    let call = call(None);
    assert_eq!(&*call.path("", None), "pay.2");
    assert_eq!(&*call.path("", Some(0)), "pay.2.0");
    assert_eq!(&*call.path("each.1.4", None), "each.1.4/pay.2");
    assert_eq!(&*call.path("each.1.4", Some(31)), "each.1.4/pay.2.31");
    for (segment, beneath) in [
        ("pay.2", Beneath::Flow),
        ("pay.2.0", Beneath::Branch(0)),
        ("pay.2.31", Beneath::Branch(31)),
        ("pay.1", Beneath::Nothing),
        ("pay.1.0", Beneath::Nothing),
        ("pay.2.x", Beneath::Nothing),
        ("pay.2.", Beneath::Nothing),
        ("pay.", Beneath::Nothing),
        ("pay", Beneath::Nothing),
        ("pay2", Beneath::Nothing),
        ("pa.2", Beneath::Nothing),
        ("payment.2", Beneath::Nothing),
        ("", Beneath::Nothing),
    ] {
        assert_eq!(call.beneath(segment), beneath, "{segment:?}");
    }
    assert_eq!(CallAt { branch: Some(4), ..call }.id(), CallId { row: 7, branch: Some(4) });
}

#[test]
fn one_callee_is_that_of_all_branches_and_several_are_each_its_own() {
    let callee = |name: &'static str| Callee::Flow(name.into());
    let join = |callees: &[&'static str]| Join {
        callees: callees.iter().map(|name| callee(name)).collect(),
        ..Join::default()
    };
    assert_eq!(join(&["a"]).callee(0), Some(&callee("a")));
    assert_eq!(join(&["a"]).callee(9), Some(&callee("a")));
    assert_eq!(join(&["a", "b"]).callee(1), Some(&callee("b")));
    assert_eq!(join(&["a", "b"]).callee(2), None);
    assert_eq!(join(&[]).callee(0), None);
    let done = |done: u32, count| Join { count, done: (0..done).map(|at| (at, 1)).collect(), ..Join::default() };
    assert!(done(0, 0).is_done() && done(2, 2).is_done() && !done(1, 2).is_done());
}

#[test]
fn attempts_are_counted_and_what_one_of_them_may_have_done_is_not_forgotten() {
    let mut tries = Tries::none(5);
    assert_eq!((tries.first, tries.since, tries.count, tries.forgiven), (5, 5, 0, 0));
    tries.failed(&Failed { effect: false, retry_at: Some(9), ..failed() });
    assert_eq!((tries.count, tries.doubt, tries.retry_at), (1, false, Some(9)));
    assert_eq!(tries.last_error.as_deref(), Some("broken"));
    tries.failed(&Failed { effect: true, retry_at: None, ..failed() });
    tries.failed(&Failed { effect: false, retry_at: None, ..failed() });
    assert_eq!((tries.count, tries.doubt, tries.retry_at), (3, true, None));
    tries.retry_at = Some(20);
    tries.forgive(11);
    assert_eq!((tries.count, tries.forgiven, tries.first, tries.since, tries.retry_at), (3, 3, 5, 11, None));
    let mut lost = Tries::none(5);
    lost.lost(6, false);
    assert_eq!((lost.count, lost.doubt, lost.last_error.as_deref()), (1, false, Some("lost in a crash")));
    lost.lost(6, true);
    lost.lost(6, false);
    assert_eq!((lost.count, lost.doubt), (3, true));
}

fn all() -> Vec<Phase> {
    let calling = |step| Phase::Calling(Box::new(Calling { call: CallAt { step, ..call(None) }, doing: Doing::Send }));
    vec![
        Phase::Empty,
        Phase::Start,
        calling(Some(step_at(Class::Pivot, None))),
        calling(None),
        Phase::After { call: Box::new(call(None)), answer: AnswerAt::Row(8) },
        Phase::Doubted { call: Box::new(call(None)), answer: 8, stays: 0 },
        Phase::Unwinding { row: 8 },
        Phase::Completed { row: 8 },
        Phase::Compensated { cause: 8 },
    ]
}

/// Of each phase: its name, whether it is an end, whether it undoes, whether it stands at a call, whether that is at hand, and whether
/// it is a pivot.
fn told(phase: &mut Phase) -> (&'static str, bool, bool, bool, bool, bool) {
    assert_eq!(phase.calling_mut().is_some(), phase.calling().is_some());
    let name = phase.name();
    (name, phase.is_end(), phase.is_undoing(), phase.call().is_some(), phase.calling().is_some(), phase.has_pivot())
}

#[test]
fn a_phase_says_where_it_stands_also_beneath_a_park() {
    let plain = [
        ("empty", false, false, false, false, false),
        ("start", false, false, false, false, false),
        ("calling", false, false, true, true, true),
        ("calling", false, false, true, true, false),
        ("after", false, false, true, false, true),
        ("doubted", false, true, true, false, true),
        ("unwinding", false, true, false, false, false),
        ("completed", true, false, false, false, false),
        ("compensated", true, false, false, false, false),
    ];
    assert_eq!(all().iter_mut().map(told).collect::<Vec<_>>(), plain);
    for (phase, (name, _, undoes, call, calling, pivot)) in all().into_iter().zip(plain) {
        let mut parked = Phase::Parked { row: 9, cause: ParkCause::Asked, beneath: Box::new(phase) };
        assert_eq!(parked.beneath().name(), name);
        assert_eq!(told(&mut parked), ("parked", false, undoes, call, calling, pivot));
    }
}
