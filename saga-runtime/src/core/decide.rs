//! What the end of an attempt leads to. Time and randomness are inputs.

use super::{event::ParkCause, phase::Tries};
use crate::definition::{Class, Policy, Retry};
use std::time::Duration;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It answered.
    Done,
    /// It was refused.
    Refused,
    /// It failed.
    Failed {
        /// Whether it may have taken effect all the same.
        effect: bool,
        /// The least wait before the next.
        after: Option<Duration>,
        /// Whether it asks for a person.
        park: bool,
    },
    /// It panicked.
    Panicked,
    /// It took effect, but what it returned cannot be recorded.
    Unrecordable,
    /// It was not made: what it needs cannot be read.
    Unreadable,
}

/// What a decision on a step depends on.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// The step's class.
    pub(crate) class: Class,
    /// Whether it has a compensation.
    pub(crate) compensated: bool,
    /// Whether its participant keeps the contract of the key (one key, one answer).
    pub(crate) keyed: bool,
    /// Its policy.
    pub(crate) policy: &'a Policy,
    /// How long its key is valid.
    pub(crate) key_valid: Option<Duration>,
    /// Whether the saga can only go forward.
    pub(crate) pivot_passed: bool,
    /// The attempts before this one.
    pub(crate) tries: &'a Tries,
}

/// What the end of a step's attempt leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The flow is told the answer.
    Answer,
    /// The step is undone first, and then the flow is told the refusal.
    DoubtedRefusal,
    /// It is tried again at this time.
    Retry(i64),
    /// Attempts or time ran out; whether the step is undone before the flow is told so.
    Exhausted {
        /// Whether it may have taken effect.
        undo: bool,
    },
    /// It needs a person.
    Park(ParkCause),
}

/// What the end of a step's attempt leads to; `random` is below 1.
pub(crate) fn step_ended(step: &Step<'_>, ended: Ended, now: i64, random: f64) -> Next {
    match ended {
        // Under the contract of the key a refusal is final whatever earlier attempts did; without it, it says nothing about
        // the attempts before it.
        Ended::Refused if !step.keyed && step.tries.doubt && step.class == Class::Pivot => {
            Next::Park(ParkCause::Exhausted)
        }
        Ended::Refused if !step.keyed && step.tries.doubt && step.compensated && !step.pivot_passed => {
            Next::DoubtedRefusal
        }
        Ended::Done | Ended::Refused => Next::Answer,
        Ended::Panicked => Next::Park(ParkCause::Panicked),
        Ended::Unrecordable => Next::Park(ParkCause::Unrecordable),
        Ended::Unreadable => Next::Park(ParkCause::Unreadable),
        Ended::Failed { park: true, .. } => Next::Park(ParkCause::Asked),
        Ended::Failed { effect, after, .. } => {
            let doubt = (effect || step.tries.doubt) && step.class.has_effect();
            match next_try(step.policy, step.tries, after, now, random) {
                Some(at) if key_expired(step.tries, step.key_valid, at) => Next::Park(ParkCause::KeyExpired),
                Some(at) => Next::Retry(at),
                None if gives_up(step) => Next::Exhausted { undo: doubt && step.compensated },
                None => Next::Park(ParkCause::Exhausted),
            }
        }
    }
}

/// What it leads to that attempts or time ran out while attempts were lost in crashes; `None` if there may be another.
pub(crate) fn spent(step: &Step<'_>, now: i64) -> Option<Next> {
    let (policy, tries) = (step.policy, step.tries);
    let made = tries.count.saturating_sub(tries.forgiven);
    let over = policy.deadline.is_some_and(|deadline| now >= tries.since.saturating_add(micros(deadline)));
    if made == 0 || !(over || policy.retry.attempts.is_some_and(|most| made >= most)) {
        return None;
    }
    Some(out_of_time(step))
}

/// What it leads to that no further attempt may be made, perhaps none at all.
pub(crate) fn out_of_time(step: &Step<'_>) -> Next {
    let doubt = step.tries.doubt && step.class.has_effect();
    if gives_up(step) { Next::Exhausted { undo: doubt && step.compensated } } else { Next::Park(ParkCause::Exhausted) }
}

/// Whether the flow is told that a step ran out of attempts, rather than a person.
fn gives_up(step: &Step<'_>) -> bool {
    !(step.pivot_passed || step.policy.then_park || matches!(step.class, Class::Pivot | Class::Retriable))
}

/// What the end of a compensation's attempt leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextUndo {
    /// The call is undone.
    Undone,
    /// It is tried again at this time.
    Retry(i64),
    /// It needs a person.
    Park(ParkCause),
}

/// What the end of a compensation's attempt leads to; `random` is below 1.
pub(crate) fn undo_ended(
    policy: &Policy,
    within: Duration,
    tries: &Tries,
    ended: Ended,
    now: i64,
    random: f64,
) -> NextUndo {
    match ended {
        Ended::Done => NextUndo::Undone,
        // A compensation has no way to say no; one that does anyhow needs a person.
        Ended::Refused | Ended::Failed { park: true, .. } => NextUndo::Park(ParkCause::Asked),
        Ended::Panicked => NextUndo::Park(ParkCause::Panicked),
        Ended::Unrecordable => NextUndo::Park(ParkCause::Unrecordable),
        Ended::Unreadable => NextUndo::Park(ParkCause::Unreadable),
        Ended::Failed { after, .. } => match next_try(policy, tries, after, now, random) {
            Some(at) if at <= tries.since.saturating_add(micros(within)) => NextUndo::Retry(at),
            _ => NextUndo::Park(ParkCause::GaveUp),
        },
    }
}

/// Whether a compensation's attempts ran out while some were lost in crashes.
pub(crate) fn undo_spent(policy: &Policy, tries: &Tries) -> bool {
    let made = tries.count.saturating_sub(tries.forgiven);
    made > 0 && policy.retry.attempts.is_some_and(|most| made >= most)
}

/// Whether a step's key may no longer be known at the participant at that time.
pub(crate) fn key_expired(tries: &Tries, key_valid: Option<Duration>, at: i64) -> bool {
    key_valid.is_some_and(|valid| at > tries.first.saturating_add(micros(valid)))
}

/// When the next attempt is due, after the one that just failed; `None` if the policy allows no more.
fn next_try(policy: &Policy, tries: &Tries, after: Option<Duration>, now: i64, random: f64) -> Option<i64> {
    let made = tries.count.saturating_sub(tries.forgiven).saturating_add(1);
    if policy.retry.attempts.is_some_and(|most| made >= most) {
        return None;
    }
    let wait = back_off(&policy.retry, made, random).max(after.unwrap_or_default());
    let at = now.saturating_add(micros(wait));
    let over = policy.deadline.is_some_and(|deadline| at >= tries.since.saturating_add(micros(deadline)));
    (!over).then_some(at)
}

/// The wait after `made` attempts.
fn back_off(retry: &Retry, made: u32, random: f64) -> Duration {
    let factor = 1_u32.checked_shl(made.saturating_sub(1)).unwrap_or(u32::MAX);
    let bound = retry.initial.saturating_mul(factor).min(retry.max);
    if retry.jitter { bound.mul_f64(random.clamp(0.0, 1.0)) } else { bound }
}

/// A span in microseconds.
pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Step<'_> = Step {
        class: Class::Compensatable,
        compensated: true,
        keyed: true,
        policy: &Policy::STEP,
        key_valid: None,
        pivot_passed: false,
        tries: &Tries { count: 0, forgiven: 0, first: 0, since: 0, doubt: false, last_error: None, retry_at: None },
    };
    const FAILED: Ended = Ended::Failed { effect: true, after: None, park: false };
    const TWICE: Policy = Policy { retry: Retry { attempts: Some(2), ..Retry::DEFAULT }, ..Policy::STEP };

    fn tries(count: u32, doubt: bool) -> Tries {
        Tries { count, doubt, ..Tries::none(0) }
    }

    #[test]
    fn waits_double_up_to_their_bound_and_are_drawn_below_it() {
        let steady = Retry { jitter: false, ..Retry::DEFAULT };
        let waits: Vec<_> = [1, 2, 3, 9, 10, 40].map(|made| back_off(&steady, made, 0.5).as_millis()).into();
        assert_eq!(waits, [100, 200, 400, 25_600, 30_000, 30_000]);
        assert_eq!(back_off(&Retry::DEFAULT, 2, 0.25), Duration::from_millis(50));
        assert_eq!(back_off(&Retry::DEFAULT, 2, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_participant_that_names_a_wait_is_not_asked_before() {
        let after = Some(Duration::from_secs(7));
        let ended = Ended::Failed { effect: true, after, park: false };
        assert_eq!(step_ended(&STEP, ended, 1_000, 0.9), Next::Retry(7_001_000));
    }

    #[test]
    fn a_step_out_of_attempts_is_undone_only_if_one_may_have_taken_effect() {
        let clean = Ended::Failed { effect: false, after: None, park: false };
        let (one, doubt) = (tries(1, false), tries(1, true));
        let step = Step { policy: &TWICE, tries: &one, ..STEP };
        assert_eq!(step_ended(&step, FAILED, 0, 0.0), Next::Exhausted { undo: true });
        assert_eq!(step_ended(&step, clean, 0, 0.0), Next::Exhausted { undo: false });
        assert_eq!(step_ended(&Step { tries: &doubt, ..step }, clean, 0, 0.0), Next::Exhausted { undo: true });
    }

    #[test]
    fn no_step_exhausts_where_there_is_no_way_back() {
        let one = tries(1, false);
        let step = Step { policy: &TWICE, tries: &one, ..STEP };
        let park = Next::Park(ParkCause::Exhausted);
        for class in [Class::Pivot, Class::Retriable] {
            assert_eq!(step_ended(&Step { class, ..step_like(&step) }, FAILED, 0, 0.0), park);
        }
        assert_eq!(step_ended(&Step { pivot_passed: true, class: Class::ReadOnly, ..step }, FAILED, 0, 0.0), park);
    }

    fn step_like<'a>(step: &Step<'a>) -> Step<'a> {
        Step { ..*step }
    }

    #[test]
    fn a_refusal_is_final_under_the_contract_of_the_key_and_in_doubt_without_it() {
        let doubt = tries(1, true);
        let keyed = Step { tries: &doubt, ..STEP };
        assert_eq!(step_ended(&keyed, Ended::Refused, 0, 0.0), Next::Answer);
        let bare = Step { keyed: false, ..step_like(&keyed) };
        assert_eq!(step_ended(&bare, Ended::Refused, 0, 0.0), Next::DoubtedRefusal);
        let first = Step { keyed: false, ..STEP };
        assert_eq!(step_ended(&first, Ended::Refused, 0, 0.0), Next::Answer);
    }

    #[test]
    fn a_deadline_bounds_attempts_and_waits_together() {
        let policy = Policy { deadline: Some(Duration::from_secs(1)), ..Policy::STEP };
        let step = Step { policy: &policy, ..STEP };
        assert_eq!(step_ended(&step, FAILED, 900_000, 0.5), Next::Retry(950_000));
        assert_eq!(step_ended(&step, FAILED, 960_000, 0.9), Next::Exhausted { undo: true });
    }

    #[test]
    fn no_retry_by_itself_once_the_key_has_expired() {
        let step = Step { key_valid: Some(Duration::from_secs(1)), ..STEP };
        assert_eq!(step_ended(&step, FAILED, 999_000, 1.0), Next::Park(ParkCause::KeyExpired));
        assert_eq!(step_ended(&step, FAILED, 800_000, 1.0), Next::Retry(900_000));
    }

    #[test]
    fn a_refusal_of_a_pivot_that_may_have_happened_needs_a_person_unless_its_key_answers_for_it() {
        let (doubt, clean) = (tries(1, true), tries(1, false));
        let pivot = Step { class: Class::Pivot, compensated: false, tries: &doubt, ..STEP };
        assert_eq!(step_ended(&pivot, Ended::Refused, 0, 0.0), Next::Answer);
        let bare = Step { keyed: false, ..step_like(&pivot) };
        assert_eq!(step_ended(&bare, Ended::Refused, 0, 0.0), Next::Park(ParkCause::Exhausted));
        let first = Step { tries: &clean, ..step_like(&bare) };
        assert_eq!(step_ended(&first, Ended::Refused, 0, 0.0), Next::Answer);
        // Nothing is undone where there is nothing to undo it with, or no way back.
        for (compensated, pivot_passed) in [(false, false), (true, true)] {
            let step = Step { class: Class::Compensatable, compensated, pivot_passed, ..step_like(&bare) };
            assert_eq!(step_ended(&step, Ended::Refused, 0, 0.0), Next::Answer);
        }
    }

    #[test]
    fn what_broke_on_this_side_is_not_tried_again() {
        let asked = Ended::Failed { effect: false, after: None, park: true };
        for (ended, cause) in [
            (Ended::Panicked, ParkCause::Panicked),
            (Ended::Unrecordable, ParkCause::Unrecordable),
            (Ended::Unreadable, ParkCause::Unreadable),
            (asked, ParkCause::Asked),
        ] {
            assert_eq!(step_ended(&STEP, ended, 0, 0.0), Next::Park(cause));
            let undo = undo_ended(&Policy::STEP, Duration::from_hours(24), &tries(0, false), ended, 0, 0.0);
            assert_eq!(undo, NextUndo::Park(cause));
        }
        let undo = |ended| undo_ended(&Policy::STEP, Duration::from_hours(24), &tries(0, false), ended, 0, 0.0);
        assert_eq!(undo(Ended::Done), NextUndo::Undone);
        assert_eq!(undo(Ended::Refused), NextUndo::Park(ParkCause::Asked));
    }

    #[test]
    fn attempts_that_were_lost_count_until_somebody_asks_for_another() {
        let (lost, one) = (tries(2, true), tries(1, true));
        let step = Step { policy: &TWICE, tries: &lost, ..STEP };
        let over = Some(Next::Exhausted { undo: true });
        assert_eq!(spent(&step, 0), over);
        assert_eq!(spent(&Step { tries: &one, ..step_like(&step) }, 0), None);
        assert_eq!(spent(&Step { policy: &Policy::STEP, ..step_like(&step) }, 0), None);
        let forgiven = Tries { forgiven: 2, ..tries(2, true) };
        assert_eq!(spent(&Step { tries: &forgiven, ..step_like(&step) }, 0), None);
        let policy = Policy { deadline: Some(Duration::from_secs(1)), ..Policy::STEP };
        let bounded = Step { policy: &policy, ..step_like(&step) };
        assert_eq!(spent(&bounded, 999_999), None);
        assert_eq!(spent(&bounded, 1_000_000), over);
        // Where none was made, its time may be over, and the first is made all the same.
        let none = tries(0, false);
        assert_eq!(spent(&Step { tries: &none, ..step_like(&bounded) }, 2_000_000), None);
    }

    #[test]
    fn attempts_of_an_undo_that_were_lost_count_too() {
        let spent = |most, count, forgiven| {
            let retry = Retry { attempts: most, ..Policy::STEP.retry };
            undo_spent(&Policy { retry, ..Policy::STEP }, &Tries { forgiven, ..tries(count, true) })
        };
        assert_eq!([spent(Some(2), 1, 0), spent(Some(2), 2, 0), spent(Some(2), 3, 0)], [false, true, true]);
        assert_eq!([spent(Some(2), 3, 2), spent(Some(2), 4, 2), spent(None, 9, 0)], [false, true, false]);
        // The first one is made whatever a policy says.
        assert!(!spent(Some(0), 0, 0));
    }

    #[test]
    fn what_ran_out_of_time_is_undone_if_it_may_have_happened_and_can_be() {
        let (doubt, clean) = (tries(1, true), tries(1, false));
        let step = Step { tries: &doubt, ..STEP };
        assert_eq!(out_of_time(&step), Next::Exhausted { undo: true });
        let undone = |step: &Step<'_>| assert_eq!(out_of_time(step), Next::Exhausted { undo: false });
        undone(&Step { tries: &clean, ..step_like(&step) });
        undone(&Step { compensated: false, ..step_like(&step) });
        undone(&Step { class: Class::ReadOnly, ..step_like(&step) });
        let parks = Policy { then_park: true, ..Policy::STEP };
        for step in [
            Step { policy: &parks, ..step_like(&step) },
            Step { pivot_passed: true, ..step_like(&step) },
            Step { class: Class::Pivot, ..step_like(&step) },
            Step { class: Class::Retriable, ..step_like(&step) },
        ] {
            assert_eq!(out_of_time(&step), Next::Park(ParkCause::Exhausted), "{step:?}");
        }
    }

    #[test]
    fn a_key_is_valid_to_its_last_moment() {
        let since = Tries { first: 5, ..Tries::none(9) };
        let valid = Some(Duration::from_micros(10));
        assert!(!key_expired(&since, valid, 15));
        assert!(key_expired(&since, valid, 16));
        assert!(!key_expired(&since, None, i64::MAX));
    }

    #[test]
    fn a_compensation_is_tried_to_the_last_moment_of_its_time() {
        let steady = Policy { retry: Retry { jitter: false, ..Retry::DEFAULT }, ..Policy::STEP };
        let none = tries(0, false);
        let next = |within| undo_ended(&steady, Duration::from_millis(within), &none, FAILED, 0, 0.0);
        assert_eq!(next(100), NextUndo::Retry(100_000));
        assert_eq!(next(99), NextUndo::Park(ParkCause::GaveUp));
    }

    #[test]
    fn a_compensation_whose_last_attempt_was_lost_is_not_tried_again_by_itself() {
        assert!(undo_spent(&TWICE, &tries(2, true)));
        let asked = Tries { forgiven: 2, ..tries(2, true) };
        for (policy, tries) in [(&TWICE, tries(1, true)), (&TWICE, asked), (&Policy::STEP, tries(1_000, true))] {
            assert!(!undo_spent(policy, &tries), "{tries:?}");
        }
    }

    #[test]
    fn a_compensation_gives_up_only_when_its_time_is_over_and_then_needs_a_person() {
        let day = Duration::from_hours(24);
        let many = tries(1_000, true);
        assert!(matches!(undo_ended(&Policy::STEP, day, &many, FAILED, 0, 0.5), NextUndo::Retry(_)));
        let late = undo_ended(&Policy::STEP, day, &many, FAILED, micros(day), 0.5);
        assert_eq!(late, NextUndo::Park(ParkCause::GaveUp));
        let asked = Ended::Failed { effect: true, after: None, park: true };
        assert_eq!(undo_ended(&Policy::STEP, day, &many, asked, 0, 0.5), NextUndo::Park(ParkCause::Asked));
    }
}
