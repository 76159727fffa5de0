//! Who may make an attempt now, and in which order the others wait. Time is an input; nothing here waits.

use super::{
    breaker::{BreakerState, Circuit, Round, Verdict},
    rate::Limiter,
    settings::NamedPolicy,
};
use crate::store::Micros;
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// How long leave is kept for somebody whose turn has come: time enough to be loaded from the store, and short enough that one
/// who never comes (cancelled, taken over by another worker) does not keep the others out.
pub(super) const KEPT: Micros = 30_000_000;

/// The door of one policy: those inside make an attempt, those whose turn has come have leave to come in, the others wait.
///
/// Someone who waits is a few words of memory, whether or not a task stands behind it.
#[derive(Debug)]
pub(super) struct Door<W> {
    settings: NamedPolicy,
    circuit: Option<Circuit>,
    limiter: Option<Limiter>,
    inside: usize,
    admitted: u64,
    refused: u64,
    /// Those whose turn has come, by their place.
    called: BTreeMap<u64, Leave<W>>,
    /// The others, by their place.
    waiting: BTreeMap<u64, W>,
    places: HashMap<W, u64>,
    next: u64,
}

#[derive(Debug)]
struct Leave<W> {
    who: W,
    round: Option<Round>,
    since: Micros,
}

/// Leave to make an attempt, taken: to be given back when it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside {
    round: Option<Round>,
}

/// Why somebody has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    /// The earliest time, if it is known; otherwise it depends on others.
    pub(super) at: Option<Micros>,
    /// About how many are before them.
    pub(super) ahead: u64,
    /// In words.
    pub(super) why: &'static str,
}

impl<W: Copy + Eq + Hash> Door<W> {
    pub(super) fn new(settings: NamedPolicy, now: Micros) -> Self {
        let mut door = Self {
            settings: NamedPolicy::new(),
            circuit: None,
            limiter: None,
            inside: 0,
            admitted: 0,
            refused: 0,
            called: BTreeMap::new(),
            waiting: BTreeMap::new(),
            places: HashMap::new(),
            next: 0,
        };
        door.set(settings, now);
        door
    }

    /// Other limits from now on. Those inside stay; a breaker or a rate that is the same as before keeps what it has counted.
    pub(super) fn set(&mut self, settings: NamedPolicy, now: Micros) {
        if self.circuit.as_ref().map(Circuit::settings) != settings.breaker {
            self.circuit = settings.breaker.map(Circuit::new);
        }
        if self.limiter.as_ref().map(Limiter::settings) != settings.rate {
            self.limiter = settings.rate.map(|rate| Limiter::new(rate, now));
        }
        self.settings = settings;
    }

    pub(super) fn settings(&self) -> &NamedPolicy {
        &self.settings
    }

    /// Lets somebody in, or gives them a place among those who wait.
    pub(super) fn admit(&mut self, who: W, now: Micros) -> Result<Inside, Refused> {
        self.forget(now);
        let place = self.places.get(&who).copied();
        if let Some(place) = place
            && let Some(leave) = self.called.remove(&place)
        {
            self.places.remove(&who);
            return Ok(self.comes_in(leave.round));
        }
        // Nobody overtakes those who wait.
        let first = self.waiting.first_key_value().is_none_or(|(first, _)| Some(*first) == place);
        if first && self.has_room(now) {
            if let Some(place) = place {
                self.waiting.remove(&place);
                self.places.remove(&who);
            }
            let round = self.circuit.as_mut().map(Circuit::lets_through);
            return Ok(self.comes_in(round));
        }
        let place = place.unwrap_or_else(|| {
            self.refused += 1;
            self.places.insert(who, self.next);
            self.waiting.insert(self.next, who);
            self.next += 1;
            self.next - 1
        });
        let (at, why) = self.because(now);
        let first = self.waiting.first_key_value().map_or(place, |(first, _)| *first);
        Err(Refused { at, ahead: place.saturating_sub(first), why })
    }

    fn comes_in(&mut self, round: Option<Round>) -> Inside {
        self.inside += 1;
        self.admitted += 1;
        Inside { round }
    }

    /// An attempt has ended.
    pub(super) fn leaves(&mut self, inside: Inside, verdict: Verdict, now: Micros) {
        self.inside -= 1;
        self.judged(inside.round, verdict, now);
    }

    fn judged(&mut self, round: Option<Round>, verdict: Verdict, now: Micros) {
        let (Some(circuit), Some(round)) = (&mut self.circuit, round) else { return };
        if circuit.ended(round, verdict, now) {
            // Whoever had leave and has not come in waits on, at the same place.
            self.waiting.extend(std::mem::take(&mut self.called).into_iter().map(|(place, leave)| (place, leave.who)));
        }
    }

    /// Somebody no longer wants to come in.
    pub(super) fn withdraw(&mut self, who: W, now: Micros) {
        let Some(place) = self.places.remove(&who) else { return };
        self.waiting.remove(&place);
        if let Some(leave) = self.called.remove(&place) {
            self.judged(leave.round, Verdict::Nothing, now);
        }
    }

    /// Those whom this says no longer want to come in.
    pub(super) fn withdraw_all(&mut self, which: impl Fn(&W) -> bool, now: Micros) {
        // In the order in which they came: what a breaker makes of it is the same each time.
        let mut all: Vec<(u64, W)> =
            self.places.iter().filter(|(who, _)| which(who)).map(|(who, place)| (*place, *who)).collect();
        all.sort_unstable_by_key(|(place, _)| *place);
        for (_, who) in all {
            self.withdraw(who, now);
        }
    }

    /// Whether somebody's turn has come.
    pub(super) fn is_called(&self, who: W) -> bool {
        self.places.get(&who).is_some_and(|place| self.called.contains_key(place))
    }

    /// Calls those whose turn has come, in the order in which they came.
    pub(super) fn call(&mut self, now: Micros) -> Vec<W> {
        self.forget(now);
        let mut called = Vec::new();
        while let Some((&place, &who)) = self.waiting.first_key_value() {
            if !self.has_room(now) {
                break;
            }
            self.waiting.remove(&place);
            let round = self.circuit.as_mut().map(Circuit::lets_through);
            self.called.insert(place, Leave { who, round, since: now });
            called.push(who);
        }
        called
    }

    /// When there may be somebody to call, though nobody leaves.
    pub(super) fn wakes(&self, now: Micros) -> Option<Micros> {
        let expires = self.called.first_key_value().map(|(_, leave)| leave.since.saturating_add(KEPT));
        if self.waiting.is_empty() || self.is_full() {
            return expires;
        }
        let at = match self.circuit.as_ref().filter(|circuit| !circuit.allows(now)) {
            Some(circuit) => circuit.closed_until(),
            None => self.limiter.as_ref().and_then(Limiter::next),
        };
        match (expires, at) {
            (Some(expires), Some(at)) => Some(expires.min(at)),
            (expires, at) => expires.or(at),
        }
    }

    /// Takes leave from those who were called and did not come.
    fn forget(&mut self, now: Micros) {
        // In the order of places, which is the one in which leave was given, but for those that waited on when a breaker
        // opened: behind them others may keep theirs for a little longer.
        while let Some(first) = self.called.first_entry() {
            if first.get().since.saturating_add(KEPT) > now {
                return;
            }
            let leave = first.remove();
            self.places.remove(&leave.who);
            self.judged(leave.round, Verdict::Nothing, now);
        }
    }

    /// Why somebody waits, if they do and have not been called.
    pub(super) fn keeps_out(&self, who: W, now: Micros) -> Option<&'static str> {
        let place = self.places.get(&who)?;
        self.waiting.contains_key(place).then(|| self.because(now).1)
    }

    /// Whether anybody waits, or has been called and not come in.
    pub(super) fn is_wanted(&self) -> bool {
        !self.places.is_empty()
    }

    fn is_full(&self) -> bool {
        self.settings.bulkhead.is_some_and(|most| self.inside + self.called.len() >= most)
    }

    /// Whether one more may come in. The rate is asked last, and only if the others agree: what it gives is gone.
    fn has_room(&mut self, now: Micros) -> bool {
        self.circuit.as_ref().is_none_or(|circuit| circuit.allows(now))
            && !self.is_full()
            && self.limiter.as_mut().is_none_or(|limiter| limiter.take(now))
    }

    /// The earliest time, if it is known, and in words what keeps everybody out.
    fn because(&self, now: Micros) -> (Option<Micros>, &'static str) {
        let closed = self.circuit.as_ref().filter(|circuit| !circuit.allows(now));
        if let Some(circuit) = closed {
            return match circuit.closed_until() {
                Some(until) => (Some(until), "its circuit breaker is open"),
                None => (None, "its circuit breaker waits for the answer to a probe"),
            };
        }
        if self.is_full() {
            return (None, "its bulkhead is full");
        }
        (self.limiter.as_ref().and_then(Limiter::next), "its rate is used up")
    }

    pub(super) fn shown(&self, now: Micros) -> Shown {
        Shown {
            breaker: self.circuit.as_ref().map(|circuit| circuit.shown(now)),
            in_flight: self.inside,
            waiting: self.waiting.len() + self.called.len(),
            admitted: self.admitted,
            refused: self.refused,
        }
    }
}

/// What a door shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) breaker: Option<BreakerState>,
    pub(super) in_flight: usize,
    pub(super) waiting: usize,
    pub(super) admitted: u64,
    pub(super) refused: u64,
}

#[cfg(all(test, feature = "rate"))]
mod tests;
