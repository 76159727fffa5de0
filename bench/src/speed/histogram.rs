//! How long each of many things took, in so little memory that counting does not show in what is measured.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Each power of two is divided into so many parts: what is told is at most a hundredth off.
const PARTS: u64 = 128;

/// Counts of microseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Histogram(BTreeMap<u64, u64>);

impl Histogram {
    /// Counts one.
    pub(crate) fn add(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        *self.0.entry(place(micros)).or_default() += 1;
    }

    /// Takes what another one has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (place, count) in &other.0 {
            *self.0.entry(*place).or_default() += count;
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// What so much of them (0.5: half) took at most, in milliseconds; nothing if there are none.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
        let wanted = share * self.count() as f64;
        let mut seen = 0;
        for (place, count) in &self.0 {
            seen += count;
            #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
            if seen as f64 >= wanted {
                return Some(middle(*place) / 1000.0);
            }
        }
        None
    }
}

/// Small numbers have a place each; of larger ones, the first eight binary digits decide.
fn place(micros: u64) -> u64 {
    if micros < PARTS {
        return micros;
    }
    let octave = u64::from(micros.ilog2() - PARTS.ilog2());
    (octave + 1) * PARTS + ((micros >> octave) - PARTS)
}

/// The middle of a place, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
fn middle(place: u64) -> f64 {
    if place < PARTS {
        return place as f64;
    }
    let octave = place / PARTS - 1;
    let width = (1_u64 << octave) as f64;
    (PARTS + place % PARTS) as f64 * width + (width - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::{Histogram, middle, place};
    use std::time::Duration;

    #[test]
    fn a_place_is_within_a_hundredth_of_what_is_put_there() {
        for micros in (0_u32..2000).chain([123_456, 9_999_999, 1 << 30]) {
            let off = (middle(place(micros.into())) - f64::from(micros)).abs();
            assert!(off <= f64::from(micros) / 100.0, "{micros}: {off}");
        }
    }

    #[test]
    fn half_of_them_took_at_most_the_median() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for millis in 1..=100 {
            histogram.add(Duration::from_millis(millis));
        }
        let mut twice = histogram.clone();
        twice.merge(&histogram);
        assert_eq!(twice.count(), 200);
        let (half, most) = (twice.quantile(0.5).unwrap(), twice.quantile(0.99).unwrap());
        assert!((half - 50.0).abs() < 0.5 && (most - 99.0).abs() < 1.0, "{half} {most}");
    }
}
