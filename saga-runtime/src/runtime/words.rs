//! A status in words, for a person at a terminal.

use super::{Activity, Doing, Progress, Relative, Status};
use crate::store::Micros;
use std::fmt;

/// A moment as a date, UTC, to the second.
pub(super) fn date(at: Micros) -> String {
    let seconds = at.div_euclid(1_000_000);
    let (mut day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if !(0..=2_932_896).contains(&day) {
        // Not in the years from 1970 to 9999.
        return format!("{seconds} s since 1970");
    }
    let mut year = 1970;
    while day >= if leap(year) { 366 } else { 365 } {
        day -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let mut month = 1;
    for length in [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02} UTC", day + 1)
}

/// A span in its two largest units.
pub(super) fn span(micros: Micros) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        86_400.. => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
        3_600.. => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        60.. => format!("{} min {} s", seconds / 60, seconds % 60),
        10.. => format!("{seconds} s"),
        _ => format!("{}.{:03} s", seconds, micros / 1_000 % 1_000),
    }
}

/// A moment, seen from another one.
fn moment(at: Micros, now: Micros) -> String {
    if at > now { format!("{} (in {})", date(at), span(at - now)) } else { format!("{} (now)", date(at)) }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Unwinding => "unwinding",
            Self::Sleeping => "sleeping",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::WaitsForBuild => "waiting for a build that knows its state",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::CompensatedWithDebt => "compensated with debt",
        })
    }
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.saga, self.id)?;
        match (&self.progress, &self.error) {
            (Some(progress), Some(error)) => write!(f, " ({progress}: {error})"),
            (Some(progress), None) => write!(f, " ({progress})"),
            (None, _) => f.write_str(" (gone)"),
        }
    }
}

/// Which attempt it is, and what became of the one before.
fn attempt(
    attempt: u32,
    error: Option<&str>,
    next: Option<Micros>,
    now: Micros,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "attempt {attempt}")?;
    if let Some(at) = next {
        write!(f, " at {}", moment(at, now))?;
    }
    match error {
        Some(error) => write!(f, ", after: {error}"),
        None => Ok(()),
    }
}

impl Doing {
    fn write(&self, now: Micros, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("  ")?;
        let place = [self.branch.as_deref(), self.state.as_deref()].into_iter().flatten().collect::<Vec<_>>();
        if !place.is_empty() {
            write!(f, "{}: ", place.join(" "))?;
        }
        match &self.what {
            Activity::Running => f.write_str("the flow's own code runs"),
            Activity::Attempting { step, attempt: which, last_error, next_try, .. } => {
                write!(f, "step {step}, ")?;
                attempt(*which, last_error.as_deref(), *next_try, now, f)
            }
            Activity::Calling => f.write_str("an inner flow"),
            Activity::Joining { branches, done, running, failed } => {
                write!(f, "{done} of {branches} branches done, {running} running")?;
                match failed {
                    Some(failed) => write!(f, ", branch {failed} failed"),
                    None => Ok(()),
                }
            }
            Activity::Waiting { signals, until } => {
                write!(f, "waits for {}", signals.join(" or "))?;
                match until {
                    Some(until) => write!(f, " until {}", moment(*until, now)),
                    None => f.write_str(", however long it takes"),
                }
            }
            Activity::Sleeping { until } => write!(f, "sleeps until {}", moment(*until, now)),
            Activity::Awaiting { child } => write!(f, "waits for saga {child}"),
            Activity::Launching { saga, id } => write!(f, "starts saga {saga} {id}"),
            Activity::Sending => f.write_str("sends a signal"),
            Activity::Undoing { step, attempt: which, last_error, next_try } => {
                write!(f, "undoes {step}, ")?;
                attempt(*which, last_error.as_deref(), *next_try, now, f)
            }
            Activity::UndoingSaga { child } => write!(f, "undoes saga {child}"),
        }
    }
}

impl fmt::Display for Status {
    /// A line for the whole, one for each thing that is being done, and one for whatever else there is to say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.saga, self.id, self.progress)?;
        match (&self.reason, self.pivot_passed) {
            (Some(reason), _) if self.parks.is_empty() => writeln!(f, ", {reason}")?,
            (_, true) if self.ended_at.is_none() => writeln!(f, ", past the point of no return")?,
            _ => writeln!(f)?,
        }
        if let Some(unknown) = &self.unknown {
            let waits = self.progress == Progress::WaitsForBuild;
            let who = if waits { "the build that gave it back does" } else { "this build does" };
            writeln!(
                f,
                "  {who} not know {unknown}: what was renamed needs its old name, or a build that has it must run"
            )?;
        }
        for doing in &self.doing {
            doing.write(self.at, f)?;
            writeln!(f)?;
        }
        for (index, park) in self.parks.iter().enumerate() {
            let place = park.branch.as_deref().unwrap_or(&park.state);
            writeln!(f, "  parked at {place} by row {}, {}: {}", park.row, park.cause, park.error)?;
            let of = if self.parks.len() == 1 { "park()".to_owned() } else { format!("parks()[{index}]") };
            let call = |verb: &&str| match *verb {
                "resolve" => "resolve(by, why, output)".to_owned(),
                verb => format!("{verb}(by, why)"),
            };
            let calls: Vec<_> = park.verbs.iter().map(call).collect();
            if !calls.is_empty() {
                writeln!(f, "    possible on its {of}: {}", calls.join(", "))?;
            }
        }
        if self.deadline_passed {
            writeln!(f, "  its time is over")?;
        } else if let Some(deadline) = self.deadline.filter(|_| self.ended_at.is_none()) {
            writeln!(f, "  its time is over at {}", moment(deadline, self.at))?;
        }
        if !self.labels.is_empty() {
            let labels: Vec<_> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            writeln!(f, "  labels {}", labels.join(", "))?;
        }
        if let Some(parent) = &self.parent {
            writeln!(f, "  started by saga {parent}")?;
        }
        // Those that are waited for are told above.
        let told = |child: &Relative| self.doing.iter().filter_map(|doing| doing.what.child()).any(|at| at == child);
        for child in self.children.iter().filter(|child| !told(child)) {
            writeln!(f, "  called saga {child}")?;
        }
        for request in &self.requests {
            writeln!(f, "  {} asked by {} ({}), not decided yet", request.verb, request.by, request.why)?;
        }
        if !self.unread_signals.is_empty() {
            let named = self.unread_signals.iter().map(|(name, many)| match many {
                1 => name.to_string(),
                many => format!("{name} ({many})"),
            });
            let unread: Vec<_> = named.collect();
            writeln!(f, "  signals that no wait has taken: {}", unread.join(", "))?;
        }
        for debt in &self.debt {
            writeln!(f, "  debt: {debt}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (1_767_225_600, "2026-01-01 00:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59:59 UTC"),
            (253_402_300_800, "253402300800 s since 1970"),
            (-1, "-1 s since 1970"),
        ] {
            assert_eq!(date(seconds * 1_000_000), text);
        }
    }

    #[test]
    fn spans_are_told_in_two_units() {
        for (millis, text) in [
            (5, "0.005 s"),
            (9_999, "9.999 s"),
            (59_999, "59 s"),
            (61_000, "1 min 1 s"),
            (7_200_000, "2 h 0 min"),
            (172_800_000, "2 d 0 h"),
        ] {
            assert_eq!(span(millis * 1_000), text);
        }
    }
}
