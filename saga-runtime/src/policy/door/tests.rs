use super::{super::settings::Breaker, *};
use std::time::Duration;

const SECOND: Micros = 1_000_000;

fn door(settings: NamedPolicy) -> Door<u32> {
    Door::new(settings, 0)
}

#[test]
fn a_full_bulkhead_lets_the_next_in_when_one_leaves_in_the_order_in_which_they_came() {
    let mut door = door(NamedPolicy::new().bulkhead(2));
    let first = door.admit(1, 0).expect("room");
    let second = door.admit(2, 0).expect("room");
    for who in 3..6 {
        let ahead = u64::from(who - 3);
        assert_eq!(door.admit(who, 0).expect_err("full"), Refused { at: None, ahead, why: "its bulkhead is full" });
    }
    assert!(door.call(0).is_empty() && door.wakes(0).is_none());
    door.leaves(first, Verdict::Well, 1);
    assert_eq!(door.call(1), [3]);
    door.admit(9, 1).expect_err("nobody takes the room of one who was called");
    door.admit(4, 1).expect_err("nor does the next in line");
    let third = door.admit(3, 1).expect("its turn");
    door.leaves(second, Verdict::Ill, 2);
    door.leaves(third, Verdict::Nothing, 2);
    assert_eq!(door.call(2), [4, 5]);
    assert_eq!(door.shown(2), Shown { breaker: None, in_flight: 0, waiting: 3, admitted: 3, refused: 4 });
}

#[test]
fn asking_again_keeps_the_place_and_counts_once() {
    let mut door = door(NamedPolicy::new().bulkhead(1));
    let first = door.admit(1, 0).expect("room");
    for who in [2, 3, 2, 2, 3] {
        door.admit(who, 0).expect_err("full");
    }
    assert_eq!(door.shown(0).refused, 2);
    door.leaves(first, Verdict::Well, 0);
    assert_eq!(door.call(0), [2]);
}

#[test]
fn whoever_does_not_come_when_called_makes_room_for_the_next() {
    let mut door = door(NamedPolicy::new().bulkhead(1));
    let first = door.admit(1, 0).expect("room");
    for who in [2, 3] {
        door.admit(who, 0).expect_err("full");
    }
    door.leaves(first, Verdict::Well, 0);
    assert_eq!(door.call(0), [2]);
    assert_eq!(door.wakes(0), Some(KEPT));
    assert!(door.call(KEPT - 1).is_empty());
    assert_eq!(door.call(KEPT), [3]);
    door.withdraw(3, KEPT);
    assert!(door.admit(4, KEPT).is_ok(), "one who withdraws makes room at once");
    assert_eq!(door.shown(KEPT).waiting, 0);
}

#[test]
fn an_open_breaker_lets_one_probe_through_and_the_others_after_its_answer() {
    let mut door = door(NamedPolicy::new().breaker(Breaker::after(1).open(Duration::from_secs(10))));
    let failing = door.admit(1, 0).expect("closed");
    door.leaves(failing, Verdict::Ill, 0);
    for who in 2..6 {
        let refused = door.admit(who, SECOND).expect_err("open");
        assert_eq!((refused.at, refused.why), (Some(10 * SECOND), "its circuit breaker is open"));
    }
    assert_eq!(door.wakes(SECOND), Some(10 * SECOND));
    assert_eq!(door.call(10 * SECOND), [2], "one probe, the first who came");
    let probe = door.admit(2, 10 * SECOND).expect("the probe");
    assert_eq!(door.admit(7, 10 * SECOND).expect_err("half-open").at, None);
    assert!(door.call(10 * SECOND).is_empty());
    assert_eq!(door.wakes(10 * SECOND), None, "it depends on the probe");
    door.leaves(probe, Verdict::Ill, 11 * SECOND);
    assert!(door.call(11 * SECOND).is_empty());
    assert_eq!(door.call(21 * SECOND), [3]);
    let probe = door.admit(3, 21 * SECOND).expect("the next probe");
    door.leaves(probe, Verdict::Well, 22 * SECOND);
    assert_eq!(door.call(22 * SECOND), [4, 5, 7]);
}

#[test]
fn leave_that_was_given_before_the_breaker_opened_is_taken_back_and_the_place_kept() {
    let mut door = door(NamedPolicy::new().bulkhead(2).breaker(Breaker::after(2).open(Duration::from_secs(10))));
    let (a, b) = (door.admit(1, 0).expect("room"), door.admit(2, 0).expect("room"));
    for who in 3..5 {
        door.admit(who, 0).expect_err("full");
    }
    door.leaves(a, Verdict::Ill, 0);
    assert_eq!(door.call(0), [3]);
    door.leaves(b, Verdict::Ill, 0);
    assert_eq!(door.admit(3, 0).expect_err("open").at, Some(10 * SECOND));
    assert_eq!(door.call(10 * SECOND), [3]);
}

#[test]
fn a_probe_that_never_comes_is_replaced() {
    let mut door = door(NamedPolicy::new().breaker(Breaker::after(1).open(Duration::from_secs(10))));
    let failing = door.admit(1, 0).expect("closed");
    door.leaves(failing, Verdict::Ill, 0);
    for who in 2..4 {
        door.admit(who, 0).expect_err("open");
    }
    assert_eq!(door.call(10 * SECOND), [2]);
    assert_eq!(door.wakes(10 * SECOND), Some(10 * SECOND + KEPT));
    assert_eq!(door.call(10 * SECOND + KEPT), [3]);
}

#[test]
fn a_rate_calls_one_after_the_other_and_says_when() {
    let mut door = door(NamedPolicy::new().rate(2, Duration::from_secs(2)));
    for who in 1..3 {
        door.admit(who, 0).expect("within the burst");
    }
    assert_eq!(
        door.admit(3, 0).expect_err("used up"),
        Refused { at: Some(SECOND), ahead: 0, why: "its rate is used up" }
    );
    door.admit(4, 0).expect_err("used up");
    assert_eq!(door.wakes(0), Some(SECOND));
    assert_eq!(door.call(SECOND), [3]);
    assert_eq!(door.call(2 * SECOND), [4]);
}

#[test]
fn other_limits_hold_from_the_next_attempt_on_and_what_did_not_change_keeps_its_count() {
    let breaker = Breaker::after(2);
    let settings = NamedPolicy::new().breaker(breaker).bulkhead(3);
    let mut door = door(settings);
    let inside: Vec<_> = (0..3).map(|who| door.admit(who, 0).expect("room")).collect();
    door.admit(7, 0).expect_err("full");
    door.set(settings.bulkhead(1), 0);
    door.leaves(inside[0], Verdict::Ill, 0);
    door.leaves(inside[1], Verdict::Well, 0);
    assert!(door.call(0).is_empty(), "one is still inside, and there may be one");
    door.set(settings.bulkhead(2), 0);
    assert_eq!(door.call(0), [7]);
    door.set(settings.breaker(breaker.of(4)), 0);
    door.leaves(inside[2], Verdict::Ill, 0);
    assert_eq!(door.shown(0).breaker, Some(BreakerState::Closed), "another breaker begins anew");
}

/// Random arrivals, departures and answers: never more inside than the bulkhead holds, one probe at a time, everybody is let
/// in at last, and in the order in which they came.
#[test]
fn whatever_happens_the_limits_hold_and_nobody_is_forgotten() {
    for seed in 0..200_u64 {
        let mut random = seed;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let most = 1 + usize::try_from(draw(4)).expect("small");
        let breaker = Breaker::after(2).of(3).open(Duration::from_secs(5));
        let mut door = door(NamedPolicy::new().bulkhead(most).breaker(breaker).rate(3, Duration::from_secs(1)));
        let (mut now, mut inside, mut waits, mut let_in) = (0, Vec::new(), Vec::new(), Vec::new());
        for who in 0..60 {
            let mut ask = |door: &mut Door<u32>, inside: &mut Vec<Inside>, who, now| match door.admit(who, now) {
                Ok(leave) => {
                    let_in.push(who);
                    inside.push(leave);
                    true
                }
                Err(_) => false,
            };
            if !ask(&mut door, &mut inside, who, now) {
                waits.push(who);
            }
            while draw(3) == 0 || (who == 59 && (!waits.is_empty() || !inside.is_empty())) {
                now += i64::try_from(draw(2_000_000)).expect("small");
                if let Some(leave) = inside.pop() {
                    let verdict = [Verdict::Well, Verdict::Well, Verdict::Ill, Verdict::Nothing]
                        [usize::try_from(draw(4)).expect("small")];
                    door.leaves(leave, verdict, now);
                }
                for called in door.call(now) {
                    assert!(ask(&mut door, &mut inside, called, now), "seed {seed}: {called} was called");
                    waits.retain(|who| *who != called);
                }
                assert!(inside.len() <= most, "seed {seed}");
                let half_open = door.shown(now).breaker == Some(BreakerState::HalfOpen);
                assert!(!half_open || door.call(now).len() <= 1, "seed {seed}: one probe");
            }
        }
        let mut sorted = let_in.clone();
        sorted.sort_unstable();
        assert_eq!(let_in, sorted, "seed {seed}: first come, first served");
        assert_eq!(let_in.len(), 60, "seed {seed}");
    }
}
