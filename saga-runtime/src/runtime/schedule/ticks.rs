//! The ticks of a cron expression in a time zone. No clock and no store.

use crate::store::Micros;
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use jiff::{Timestamp, Zoned, tz::TimeZone};

/// Ticks, forwards and backwards.
pub(super) struct Ticks {
    cron: Cron,
    zone: TimeZone,
}

impl Ticks {
    /// Reads both, and says what is wrong with one.
    pub(super) fn new(expression: &str, zone: &str) -> Result<Self, String> {
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .build()
            .parse(expression)
            .map_err(|error| format!("the expression {expression:?} cannot be read: {error}"))?;
        let zone = TimeZone::get(zone)
            .map_err(|_| format!("there is no time zone {zone:?} in the IANA database (e.g. \"Europe/Berlin\")"))?;
        let ticks = Self { cron, zone };
        // What is impossible (the 30th of February) is found by looking for it; 2026 is as good a year as any.
        match ticks.after(1_767_225_600_000_000) {
            Some(_) => Ok(ticks),
            None => Err(format!("the expression {expression:?} has no tick: no such moment ever comes")),
        }
    }

    fn zoned(&self, at: Micros) -> Option<Zoned> {
        Some(Timestamp::from_microsecond(at).ok()?.to_zoned(self.zone.clone()))
    }

    /// The first tick after this moment.
    pub(super) fn after(&self, at: Micros) -> Option<Micros> {
        let next = self.cron.find_next_occurrence(&self.zoned(at)?, false).ok()?;
        Some(next.timestamp().as_microsecond())
    }

    /// The last tick before this moment, or at it.
    pub(super) fn until(&self, at: Micros) -> Option<Micros> {
        let second = self.zoned(at.div_euclid(1_000_000).saturating_mul(1_000_000))?;
        let last = self.cron.find_previous_occurrence(&second, true).ok()?;
        let last = last.timestamp().as_microsecond();
        (last <= at).then_some(last)
    }
}

/// A moment as it is shown: in UTC, by RFC 3339.
pub(super) fn shown(at: Micros) -> String {
    Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(moment: &str) -> Micros {
        moment.parse::<Timestamp>().expect("a moment").as_microsecond()
    }

    /// The ticks from one moment to before another, forwards.
    fn between(ticks: &Ticks, from: &str, to: &str) -> Vec<Micros> {
        let (from, to) = (at(from) - 1, at(to));
        std::iter::successors(ticks.after(from), |last| ticks.after(*last)).take_while(|tick| *tick < to).collect()
    }

    fn shown_between(expression: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
        between(&Ticks::new(expression, zone).expect("it is read"), from, to).into_iter().map(shown).collect()
    }

    #[test]
    fn a_fixed_time_in_the_hour_that_is_left_out_comes_right_after_it_and_in_the_one_that_comes_twice_once() {
        let spring = shown_between("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z");
        assert_eq!(spring, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        let autumn = shown_between("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z");
        assert_eq!(autumn, ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn what_recurs_within_the_hours_comes_as_often_as_the_clock_shows_it() {
        let spring = shown_between("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:31:00Z");
        assert_eq!(spring, ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]);
        let autumn = shown_between("*/30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z");
        let twice = ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"];
        assert_eq!(autumn, twice);
        let gap = shown_between("*/30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z");
        assert_eq!(gap, [] as [&str; 0], "nor in the hour that is left out");
    }

    #[test]
    fn backwards_they_are_the_same_ticks_as_forwards() {
        let expressions =
            ["30 2 * * *", "*/30 2 * * *", "0 * * * *", "15 1-3 * * SUN", "0 0 L * *", "*/7 */5 * * *", "45 1,2 * * *"];
        let zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"];
        for (expression, zone) in expressions.iter().flat_map(|one| zones.map(|zone| (one, zone))) {
            let ticks = Ticks::new(expression, zone).expect("it is read");
            let forwards = [
                between(&ticks, "2026-02-25T00:00:00Z", "2026-04-10T00:00:00Z"),
                between(&ticks, "2026-09-25T00:00:00Z", "2026-11-10T00:00:00Z"),
            ];
            for pair in forwards.iter().flat_map(|some| some.windows(2)) {
                let said = |at: Micros| (expression, zone, shown(at), ticks.until(at).map(shown));
                assert_eq!(ticks.until(pair[1]), Some(pair[1]), "at it: {:?}", said(pair[1]));
                assert_eq!(ticks.until(pair[1] - 1), Some(pair[0]), "before it: {:?}", said(pair[1] - 1));
                assert_eq!(ticks.until(pair[0] + 1), Some(pair[0]), "after it: {:?}", said(pair[0] + 1));
            }
        }
    }

    #[test]
    fn what_cannot_be_is_said_by_name() {
        let wrong = |expression: &str, zone: &str| Ticks::new(expression, zone).err().expect("it is refused");
        assert!(wrong("61 * * * *", "UTC").contains("\"61 * * * *\""), "{}", wrong("61 * * * *", "UTC"));
        assert!(wrong("whenever", "UTC").contains("cannot be read"), "{}", wrong("whenever", "UTC"));
        assert!(wrong("0 0 30 2 *", "UTC").contains("no tick"), "{}", wrong("0 0 30 2 *", "UTC"));
        assert!(wrong("0 0 * * *", "Mars/Base").contains("\"Mars/Base\""), "{}", wrong("0 0 * * *", "Mars/Base"));
    }
}
