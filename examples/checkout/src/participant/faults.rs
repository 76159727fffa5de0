//! Misbehaviour on purpose, drawn from a seed.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Service;
use crate::chance::draw;

/// Which share of the calls goes wrong, and how.
///
/// A refusal is drawn by the call's key, so that one key always gets the same; everything else is
/// drawn for each attempt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// Refused, as if the stock or the card did not suffice.
    pub(crate) refuse: f64,
    /// Answered 503, without an effect.
    pub(crate) unavailable: f64,
    /// Carried out, and then the connection closes without an answer.
    pub(crate) lost: f64,
    /// Carried out and answered after a long while.
    pub(crate) slow: f64,
    /// The connection closes at once and the call is carried out later, perhaps after its undo.
    pub(crate) late: f64,
    /// The longest that a slow call takes, in milliseconds.
    pub(crate) slow_ms: u64,
    /// The longest that a late call is held back, in milliseconds.
    pub(crate) late_ms: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self { refuse: 0.0, unavailable: 0.0, lost: 0.0, slow: 0.0, late: 0.0, slow_ms: 3000, late_ms: 2000 }
    }
}

impl Faults {
    /// Whether the shares make sense, and together for this service.
    pub(super) fn suit(&self, service: Service) -> Result<(), BadFaults> {
        let Self { refuse, unavailable, lost, slow, late, .. } = *self;
        let shares = [("refuse", refuse), ("unavailable", unavailable), ("lost", lost), ("slow", slow), ("late", late)];
        let bad: Vec<String> = shares
            .iter()
            .filter(|(_, share)| !(0.0..=1.0).contains(share))
            .map(|(name, share)| format!("{name} is {share}, and a share must be from 0 to 1, such as 0.05"))
            .collect();
        if !bad.is_empty() {
            return Err(BadFaults(bad.join("; ")));
        }
        // A call goes wrong in one way only; the refusals are drawn apart.
        if unavailable + lost + slow + late > 1.0 {
            let detail = "unavailable, lost, slow and late must not come to more than 1 together";
            return Err(BadFaults(detail.to_owned()));
        }
        if service == Service::Shipping && self.refuse > 0.0 {
            let detail = "shipping cannot refuse: it stands behind the point of no return";
            return Err(BadFaults(detail.to_owned()));
        }
        Ok(())
    }
}

impl FromStr for Faults {
    type Err = BadFaults;

    /// Reads `none`, or `name=value` with commas between.
    fn from_str(text: &str) -> Result<Self, BadFaults> {
        let mut faults = Self::default();
        for part in text.split(',').filter(|part| *part != "none") {
            let (name, value) =
                part.split_once('=').ok_or_else(|| BadFaults(format!("`{part}` is not of the form name=value")))?;
            let bad = |wanted: &str| BadFaults(format!("`{value}` is not {wanted}, in `{part}`"));
            let share = || value.parse::<f64>().map_err(|_| bad("a share such as 0.05"));
            let millis = || value.parse::<u64>().map_err(|_| bad("a number of milliseconds"));
            match name {
                "refuse" => faults.refuse = share()?,
                "unavailable" => faults.unavailable = share()?,
                "lost" => faults.lost = share()?,
                "slow" => faults.slow = share()?,
                "late" => faults.late = share()?,
                "slow_ms" => faults.slow_ms = millis()?,
                "late_ms" => faults.late_ms = millis()?,
                _ => {
                    let known = "refuse, unavailable, lost, slow, late, slow_ms, late_ms";
                    return Err(BadFaults(format!("no fault is called `{name}`: {known}")));
                }
            }
        }
        Ok(faults)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { refuse, unavailable, lost, slow, late, slow_ms, late_ms } = self;
        write!(f, "refuse={refuse},unavailable={unavailable},lost={lost},slow={slow},late={late},")?;
        write!(f, "slow_ms={slow_ms},late_ms={late_ms}")
    }
}

/// Faults that make no sense, and why.
#[derive(Debug)]
pub(crate) struct BadFaults(String);

impl fmt::Display for BadFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadFaults {}

/// What happens to one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is turned away.
    Unavailable,
    /// Its answer gets lost.
    Lost,
    /// It takes this long.
    Slow(Duration),
    /// It is carried out after this long, unheard.
    Late(Duration),
}

/// How often each fault happened since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fired {
    /// Answered 503.
    pub(crate) unavailable: u64,
    /// Answer lost.
    pub(crate) lost: u64,
    /// Slow.
    pub(crate) slow: u64,
    /// Carried out late.
    pub(crate) late: u64,
}

/// The faults in force, and the draws from the seed.
pub(super) struct Dice {
    faults: RwLock<Faults>,
    seed: u64,
    thrown: AtomicU64,
    fired: [AtomicU64; 4],
}

impl Dice {
    /// Dice with a seed.
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        let faults = RwLock::new(faults);
        Self { faults, seed, thrown: AtomicU64::default(), fired: Default::default() }
    }

    /// The faults in force.
    pub(super) fn faults(&self) -> Faults {
        *self.faults.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these.
    pub(super) fn set(&self, faults: Faults) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// How often each happened.
    pub(super) fn fired(&self) -> Fired {
        let [unavailable, lost, slow, late] = self.fired.each_ref().map(|count| count.load(Ordering::Relaxed));
        Fired { unavailable, lost, slow, late }
    }

    /// Whether the call with this key is to be refused. The same for each attempt.
    pub(super) fn refuses(&self, key: &str) -> bool {
        draw(self.seed, "refuse", key) < self.faults().refuse
    }

    /// What happens to the next attempt.
    pub(super) fn throw(&self) -> Option<Fault> {
        let faults = self.faults();
        let turn = self.thrown.fetch_add(1, Ordering::Relaxed).to_string();
        // How long, of the longest: never so short that nobody would notice.
        let long = |longest: u64| {
            let share = 0.1 + 0.9 * draw(self.seed, "long", &turn);
            Duration::from_millis(longest).mul_f64(share)
        };
        let ways = [
            (faults.unavailable, Fault::Unavailable),
            (faults.lost, Fault::Lost),
            (faults.slow, Fault::Slow(long(faults.slow_ms))),
            (faults.late, Fault::Late(long(faults.late_ms))),
        ];
        let mut left = draw(self.seed, "fault", &turn);
        for ((share, fault), fired) in ways.into_iter().zip(&self.fired) {
            if left < share {
                fired.fetch_add(1, Ordering::Relaxed);
                return Some(fault);
            }
            left -= share;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throws(dice: &Dice) -> Vec<Option<Fault>> {
        (0..1000).map(|_| dice.throw()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_faults_again() {
        let faults = "unavailable=0.2,lost=0.1,slow=0.1,late=0.1".parse().unwrap();
        assert_eq!(throws(&Dice::new(faults, 7)), throws(&Dice::new(faults, 7)));
        assert_ne!(throws(&Dice::new(faults, 7)), throws(&Dice::new(faults, 8)));
    }

    #[test]
    fn faults_come_about_as_often_as_asked_for() {
        let dice = Dice::new("unavailable=0.2,late=0.1".parse().unwrap(), 7);
        let fired = throws(&dice).into_iter().flatten().count();
        assert!((250..350).contains(&fired), "{fired}");
        let Fired { unavailable, lost, slow, late } = dice.fired();
        assert!((150..250).contains(&unavailable) && (50..150).contains(&late));
        assert_eq!((lost, slow), (0, 0));
    }

    #[test]
    fn a_refusal_depends_on_the_key_alone() {
        let dice = Dice::new("refuse=0.5".parse().unwrap(), 7);
        let refused = |key: &u32| dice.refuses(&key.to_string());
        let first: Vec<bool> = (0..100).map(|key| refused(&key)).collect();
        let second: Vec<bool> = (0..100).map(|key| refused(&key)).collect();
        assert_eq!(first, second);
        assert!(first.contains(&true) && first.contains(&false));
    }

    #[test]
    fn faults_are_written_as_they_are_read() {
        let faults: Faults = "refuse=0.05,lost=0.1,late_ms=700".parse().unwrap();
        assert_eq!(faults.to_string().parse::<Faults>().unwrap(), faults);
    }

    #[test]
    fn senseless_faults_are_turned_down() {
        for text in ["lost", "lost=", "lost=much", "bored=0.1", "slow_ms=-1", "lost=0.1,,"] {
            assert!(text.parse::<Faults>().is_err(), "{text}");
        }
        for (text, service) in [
            ("lost=1.5", Service::Inventory),
            ("lost=-0.5", Service::Inventory),
            ("lost=NaN", Service::Inventory),
            ("lost=0.6,late=0.6", Service::Payments),
            ("refuse=0.1", Service::Shipping),
        ] {
            assert!(text.parse::<Faults>().unwrap().suit(service).is_err(), "{text}");
        }
    }
}
