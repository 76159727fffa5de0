//! What the header `Retry-After` says (RFC 9110, section 10.2.3): a number of seconds, or an HTTP date (section 5.6.7).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest that a participant is believed to mean.
const LONGEST: Duration = Duration::from_hours(24);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How long to wait, from now on; `None` if the header is neither a number nor a date.
pub(crate) fn wait(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    let wait = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only a number that is too long does not parse.
        header.parse().map_or(Duration::MAX, Duration::from_secs)
    } else {
        // A date that is over means now.
        (UNIX_EPOCH + Duration::from_secs(date(header, now)?)).duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

/// A date in one of its three forms, as seconds since the Unix epoch: `Sun, 06 Nov 1994 08:49:37 GMT`, and the obsolete
/// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
fn date(text: &str, now: SystemTime) -> Option<u64> {
    let words: Vec<&str> = text.split([' ', '-']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words[..] {
        [name, day, month, year, time, "GMT"] if name.ends_with(',') => (day, month, year, time),
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let day = number(day, 1..=31)?;
    let month = MONTHS.iter().position(|known| *known == month)?;
    let year = if year.len() == 2 { century(number(year, 0..=99)?, now) } else { number(year, 1970..=9999)? };
    let mut parts = time.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    // A leap second is the last of its minute.
    let (hour, minute, second) = (number(hour, 0..=23)?, number(minute, 0..=59)?, number(second, 0..=60)?);
    let days = days(year, u64::try_from(month).ok()? + 1, day);
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(text: &str, within: std::ops::RangeInclusive<u64>) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && within.contains(number))
}

/// The year that two digits mean: one that seems to be more than 50 years ahead is in the past.
fn century(digits: u64, now: SystemTime) -> u64 {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let this = 1970 + seconds / 31_556_952;
    let year = this - this % 100 + digits;
    if year > this + 50 { year - 100 } else { year }
}

/// Days from the beginning of 1970, in the Gregorian calendar, of a year from 1970 on.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years that begin in March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap = year / 4 - year / 100 + year / 400;
    // 719,468 days lie between the first of March of year 0 and the first of January 1970.
    365 * year + leap + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06 08:49:37, the example of the RFC.
    const THEN: u64 = 784_111_777;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_read() {
        assert_eq!(wait("120", at(0)), Some(Duration::from_mins(2)));
        assert_eq!(wait(" 0 ", at(0)), Some(Duration::ZERO));
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(wait(date, at(THEN - 90)), Some(Duration::from_secs(90)), "{date}");
            assert_eq!(wait(date, at(THEN + 90)), Some(Duration::ZERO), "{date} is over");
        }
        assert_eq!(wait("Thu, 29 Feb 2024 00:00:00 GMT", at(1_709_164_800 - 5)), Some(Duration::from_secs(5)));
        assert_eq!(wait("Fri, 01 Mar 2024 00:00:00 GMT", at(1_709_251_200 - 5)), Some(Duration::from_secs(5)));
    }

    #[test]
    fn more_than_a_day_is_a_day_and_what_is_neither_is_nothing() {
        for long in ["86401", "99999999999999999999999", "Sun, 06 Nov 2094 08:49:37 GMT"] {
            assert_eq!(wait(long, at(THEN)), Some(LONGEST), "{long}");
        }
        for neither in [
            "",
            "soon",
            "-1",
            "1.5",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nob 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 +8:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
        ] {
            assert_eq!(wait(neither, at(0)), None, "{neither}");
        }
    }
}
