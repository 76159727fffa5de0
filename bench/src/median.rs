//! The one in the middle of several measurements.

/// The one in the middle, or what is between the two that are, of at least one.
pub(crate) fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_unstable_by(f64::total_cmp);
    let half = numbers.len() / 2;
    let upper = numbers.get(half)?;
    Some(if numbers.len() % 2 == 1 { *upper } else { f64::midpoint(numbers[half - 1], *upper) })
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn it_is_in_the_middle_whatever_their_order() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 100.0].into_iter()), Some(3.0));
        assert_eq!(median(std::iter::empty()), None);
    }
}
