//! The circuit breaker as a state machine. Time is an input.

use super::settings::Breaker;
use crate::{core::decide::micros, store::Micros};

/// What an attempt's end says of the participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered, be it with a no.
    Well,
    /// It failed, or did not answer in time.
    Ill,
    /// Nothing: the attempt was dropped, or broke on this side.
    Nothing,
}

/// The round in which an attempt was let through. What is said of one round says nothing in the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round(u64);

/// A circuit breaker after Nygard, *Release It!* (2007): closed, it counts failures; open, it lets nothing through; after a
/// while it lets one probe through, whose answer closes or opens it again.
#[derive(Debug, Clone)]
pub(super) struct Circuit {
    settings: Breaker,
    state: State,
    round: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The ends of the last attempts, the latest in the lowest bit; a set bit is a failure.
    Closed {
        recent: u64,
    },
    Open {
        until: Micros,
    },
    HalfOpen {
        probing: bool,
    },
}

impl Circuit {
    pub(super) fn new(settings: Breaker) -> Self {
        Self { settings, state: State::Closed { recent: 0 }, round: 0 }
    }

    pub(super) fn settings(&self) -> Breaker {
        self.settings
    }

    /// Whether an attempt may be made now.
    pub(super) fn allows(&self, now: Micros) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until } => until <= now,
            State::HalfOpen { probing } => !probing,
        }
    }

    /// An attempt that is allowed is let through.
    pub(super) fn lets_through(&mut self) -> Round {
        if !matches!(self.state, State::Closed { .. }) {
            // Every probe is a round of its own: the end of an earlier one says nothing of it.
            self.enters(State::HalfOpen { probing: true });
        }
        Round(self.round)
    }

    /// An attempt has ended. Whether the breaker has opened with it.
    pub(super) fn ended(&mut self, round: Round, verdict: Verdict, now: Micros) -> bool {
        if round.0 != self.round {
            return false;
        }
        let opens = State::Open { until: now.saturating_add(micros(self.settings.open)) };
        match (&mut self.state, verdict) {
            (State::Closed { recent }, Verdict::Well) => *recent <<= 1,
            (State::Closed { recent }, Verdict::Ill) => {
                *recent = (*recent << 1) | 1;
                let window = u64::MAX >> (64 - self.settings.of.clamp(1, 64));
                if (*recent & window).count_ones() >= self.settings.failures {
                    self.enters(opens);
                    return true;
                }
            }
            (State::HalfOpen { .. }, Verdict::Well) => self.enters(State::Closed { recent: 0 }),
            (State::HalfOpen { .. }, Verdict::Ill) => {
                self.enters(opens);
                return true;
            }
            (State::HalfOpen { probing }, Verdict::Nothing) => *probing = false,
            (State::Closed { .. }, Verdict::Nothing) | (State::Open { .. }, _) => {}
        }
        false
    }

    /// Until when nothing is let through, if that is known.
    pub(super) fn closed_until(&self) -> Option<Micros> {
        if let State::Open { until } = self.state { Some(until) } else { None }
    }

    /// How it is shown.
    pub(super) fn shown(&self, now: Micros) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if until > now => BreakerState::Open { until },
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn enters(&mut self, state: State) {
        self.state = state;
        self.round += 1;
    }
}

/// What a circuit breaker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It lets attempts through and counts how they end.
    Closed,
    /// It lets nothing through.
    Open {
        /// Until this moment, in microseconds since the Unix epoch.
        until: Micros,
    },
    /// It lets one attempt through, whose answer decides.
    HalfOpen,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: Micros = 1_000_000;

    fn circuit(failures: u32, of: u32) -> Circuit {
        Circuit::new(Breaker::after(failures).of(of).open(Duration::from_secs(30)))
    }

    fn attempt(circuit: &mut Circuit, verdict: Verdict, now: Micros) {
        assert!(circuit.allows(now), "{circuit:?}");
        let round = circuit.lets_through();
        circuit.ended(round, verdict, now);
    }

    #[test]
    fn it_opens_when_so_many_of_the_last_attempts_failed_and_not_before() {
        let mut circuit = circuit(3, 5);
        for verdict in [Verdict::Ill, Verdict::Well, Verdict::Ill, Verdict::Well, Verdict::Well, Verdict::Well] {
            attempt(&mut circuit, verdict, 0);
        }
        // The first two failures are too long ago to count.
        for _ in 0..2 {
            attempt(&mut circuit, Verdict::Ill, 0);
        }
        assert_eq!(circuit.shown(0), BreakerState::Closed);
        attempt(&mut circuit, Verdict::Ill, 7);
        assert_eq!(circuit.shown(7), BreakerState::Open { until: 7 + 30 * SECOND });
        assert!(!circuit.allows(7 + 30 * SECOND - 1));
    }

    #[test]
    fn one_probe_decides_and_nobody_goes_beside_it() {
        let mut circuit = circuit(1, 1);
        attempt(&mut circuit, Verdict::Ill, 0);
        let probe = circuit.lets_through();
        assert_eq!(circuit.shown(30 * SECOND), BreakerState::HalfOpen);
        assert!(!circuit.allows(1_000 * SECOND), "a probe that hangs is not joined by another");
        circuit.ended(probe, Verdict::Ill, 40 * SECOND);
        assert_eq!(circuit.shown(41 * SECOND), BreakerState::Open { until: 70 * SECOND });
        attempt(&mut circuit, Verdict::Well, 70 * SECOND);
        assert_eq!(circuit.shown(70 * SECOND), BreakerState::Closed);
    }

    #[test]
    fn a_probe_that_says_nothing_makes_room_for_another() {
        let mut circuit = circuit(1, 1);
        attempt(&mut circuit, Verdict::Ill, 0);
        attempt(&mut circuit, Verdict::Nothing, 30 * SECOND);
        assert_eq!(circuit.shown(30 * SECOND), BreakerState::HalfOpen);
        attempt(&mut circuit, Verdict::Well, 30 * SECOND);
        assert_eq!(circuit.shown(30 * SECOND), BreakerState::Closed);
    }

    #[test]
    fn an_attempt_of_an_earlier_round_decides_nothing() {
        let mut circuit = circuit(2, 2);
        let (late, early) = (circuit.lets_through(), circuit.lets_through());
        attempt(&mut circuit, Verdict::Ill, 0);
        assert!(circuit.ended(early, Verdict::Ill, 0));
        let probe = circuit.lets_through();
        assert!(!circuit.ended(late, Verdict::Well, 30 * SECOND));
        assert_eq!(circuit.shown(30 * SECOND), BreakerState::HalfOpen, "it is the probe that closes it");
        circuit.ended(probe, Verdict::Well, 30 * SECOND);
        assert_eq!(circuit.shown(30 * SECOND), BreakerState::Closed);
    }
}
