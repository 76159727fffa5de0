//! Of several measurements: the one in the middle, and how far apart they are.

use std::{fmt, time::Duration};

/// A median and the ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: Duration,
    least: Duration,
    most: Duration,
}

impl Spread {
    /// Of at least one.
    pub(crate) fn of(times: impl Iterator<Item = Duration>) -> Option<Self> {
        let mut times: Vec<Duration> = times.collect();
        times.sort_unstable();
        let (&least, &most) = (times.first()?, times.last()?);
        let half = times.len() / 2;
        let median = if times.len() % 2 == 1 { times[half] } else { (times[half - 1] + times[half]) / 2 };
        Some(Self { median, least, most })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, least, most] = [self.median, self.least, self.most].map(|time| time.as_secs_f64());
        // Of what takes less than a tenth of a second, the milliseconds.
        if median < 0.1 {
            return write!(f, "{:.1} ms ({:.1} to {:.1})", median * 1e3, least * 1e3, most * 1e3);
        }
        write!(f, "{median:.2} s ({least:.2} to {most:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;
    use std::time::Duration;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        let spread = Spread::of([4, 1, 3, 100].into_iter().map(Duration::from_secs)).expect("there are some");
        assert_eq!(spread.median, Duration::from_millis(3500));
        assert_eq!(spread.to_string(), "3.50 s (1.00 to 100.00)");
        assert_eq!(Spread::of(std::iter::empty()), None);
    }
}
