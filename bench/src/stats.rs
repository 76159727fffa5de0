//! Of several measurements: the one in the middle, and how far apart they are.

use crate::median::median;
use std::{fmt, time::Duration};

/// A median and the ends, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of at least one.
    pub(crate) fn of(times: impl Iterator<Item = Duration>) -> Option<Self> {
        let times: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
        let least = times.iter().copied().reduce(f64::min)?;
        let most = times.iter().copied().reduce(f64::max)?;
        Some(Self { median: median(times.into_iter())?, least, most })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Unit::of(self.median);
        write!(f, "{} ({} to {})", unit.say(self.median), unit.number(self.least), unit.number(self.most))
    }
}

/// In what a time is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
}

impl Unit {
    /// Of what takes less than a tenth of a second, the milliseconds.
    pub(crate) fn of(seconds: f64) -> Self {
        if seconds < 0.1 { Self::Milliseconds } else { Self::Seconds }
    }

    /// The time with its unit.
    pub(crate) fn say(self, seconds: f64) -> String {
        let unit = if self == Self::Seconds { "s" } else { "ms" };
        format!("{} {unit}", self.number(seconds))
    }

    fn number(self, seconds: f64) -> String {
        if self == Self::Seconds { format!("{seconds:.2}") } else { format!("{:.1}", seconds * 1e3) }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;
    use std::time::Duration;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        let spread = Spread::of([4, 1, 3, 100].into_iter().map(Duration::from_secs)).expect("there are some");
        assert_eq!(spread.to_string(), "3.50 s (1.00 to 100.00)");
        assert_eq!(Spread::of(std::iter::empty()), None);
    }

    #[test]
    fn what_is_quick_is_said_in_milliseconds() {
        let spread = Spread::of([21, 20, 130].into_iter().map(Duration::from_millis)).expect("there are some");
        assert_eq!(spread.to_string(), "21.0 ms (20.0 to 130.0)");
    }
}
