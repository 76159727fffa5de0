//! Lengths of time, as a flow writes them.

use std::time::Duration;

/// A length of time, as the flow's verbs take it: a [`Duration`], or a text such as options take (`"90s"`, `"3d"`).
///
/// A text is a whole number and one of the units `ms`, `s`, `m`, `h` and `d`. Written as a literal it is read when the saga is
/// built, and a mistake in it does not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no length of time",
    label = "no length of time: write it with its unit, `\"90s\"`, `\"3d\"`, or take a `std::time::Duration`"
)]
pub trait Span: sealed::Sealed {
    /// The duration.
    ///
    /// # Errors
    /// The text is none.
    #[doc(hidden)]
    fn span(self) -> Result<Duration, String>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for std::time::Duration {}
    impl Sealed for &str {}
}

impl Span for Duration {
    fn span(self) -> Result<Duration, String> {
        Ok(self)
    }
}

impl Span for &str {
    fn span(self) -> Result<Duration, String> {
        let unit = self.trim_start_matches(|c: char| c.is_ascii_digit());
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(format!("`{self}` is not a duration: a whole number and one of `ms`, `s`, `m`, `h`, `d`")),
        };
        let count: Option<u64> = self[..self.len() - unit.len()].parse().ok();
        let millis = count.and_then(|count| count.checked_mul(millis));
        millis.map(Duration::from_millis).ok_or_else(|| format!("`{self}` is not a duration: there is no such number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_whole_number_and_a_unit() {
        assert_eq!("90s".span(), Ok(Duration::from_secs(90)));
        assert_eq!("3d".span(), Ok(Duration::from_hours(72)));
        for bad in ["", "5", "d", "1.5s", "-1s", "5 s", "99999999999999999999s", "ß"] {
            assert!(bad.span().is_err(), "{bad}");
        }
    }
}
