//! Recurring starts: an instance for each tick of a cron expression, and never two for one.

mod run;
mod ticks;

pub(super) use self::run::{Board, run};

use self::ticks::Ticks;
use super::{Error, input};
use crate::{clock::moment, machine::Saga, store::Micros};
use serde::Serialize;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::SystemTime,
};

/// A name may not be longer, in bytes: with the tick behind it, it is an instance's id.
const LONGEST_NAME: usize = 100;

/// When a saga is started again and again; what [`Builder::schedule`](super::Builder::schedule) is given.
///
/// The expression has the five fields of cron (minute, hour, day of the month, month, day of the week), with a sixth for
/// seconds before them if it has six, and a seventh for years behind them if it has seven: `"30 2 * * *"` is half past two,
/// `"*/10 * * * * *"` every ten seconds, `"0 9 * * MON-FRI"` nine o'clock on working days, `"0 0 L * *"` the last day of each
/// month. If both days are said, one of them is enough. `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` work, too.
///
/// # Changes of the clock's hour
/// Times are those of the time zone's clocks, UTC unless another one is named, and UTC has no such changes. Elsewhere, when
/// an hour is left out in spring, a tick at a fixed time within it comes at the first second after it instead; when an hour
/// comes twice in autumn, such a tick comes once, the first time. What recurs within the hours (a `*`, a list, a range or a
/// step in the minutes' or hours' field) comes as often as the clock shows it: not in the hour that is left out, twice in the
/// hour that comes twice.
///
/// ```
/// use saga_runtime::runtime::{Missed, Schedule};
///
/// let nightly = Schedule::new("nightly-report", "30 2 * * *").time_zone("Europe/Berlin").missed(Missed::All { at_most: 7 });
/// # let _ = nightly;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "nothing recurs until it is given to the builder"]
pub struct Schedule {
    name: Box<str>,
    expression: Box<str>,
    time_zone: Box<str>,
    missed: Missed,
}

/// What is done about ticks that nobody started an instance for in time: the process was down, or the store was away.
///
/// A tick that is less than a minute late is in time. What is passed over is logged, and counted in
/// [`ScheduleStatus::skipped`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// None of them is started.
    Skip,
    /// The latest one is started. This is the default.
    #[default]
    Latest,
    /// All of them are started, the oldest first; if they are more than this, the latest of them.
    All {
        /// From 1 to 1,000.
        at_most: usize,
    },
}

impl Schedule {
    /// Ticks by this expression, in UTC.
    ///
    /// The name is durable, and part of each instance's id: the last tick is remembered under it, so a changed expression goes
    /// on after it.
    pub fn new(name: impl Into<Box<str>>, expression: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), expression: expression.into(), time_zone: "UTC".into(), missed: Missed::default() }
    }

    /// Its durable name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By the clocks of this time zone, by its name in the IANA database (e.g. `Europe/Berlin`).
    pub fn time_zone(mut self, name: impl Into<Box<str>>) -> Self {
        self.time_zone = name.into();
        self
    }

    /// What is done about ticks that were missed.
    pub fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }
}

/// A moment at which a schedule starts an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    schedule: Box<str>,
    at: Micros,
    shown: Box<str>,
}

impl Tick {
    fn new(schedule: &str, at: Micros) -> Self {
        Self { schedule: schedule.into(), at, shown: ticks::shown(at).into() }
    }

    /// The moment by the expression, however late the instance is started.
    pub fn at(&self) -> SystemTime {
        moment(self.at)
    }

    /// The schedule's name.
    pub fn schedule(&self) -> &str {
        &self.schedule
    }

    /// The id of its instance: the schedule's name, `@`, and the moment in UTC (`nightly-report@2026-03-29T00:30:00Z`).
    pub fn id(&self) -> String {
        format!("{}@{}", self.schedule, self.shown)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What a recurring start is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleStatus {
    /// Its name.
    pub name: Box<str>,
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The cron expression.
    pub expression: Box<str>,
    /// The time zone.
    pub time_zone: Box<str>,
    /// What is done about missed ticks.
    pub missed: Missed,
    /// The last tick that was dealt with, by this runtime or another, in microseconds since the Unix epoch; nothing until the
    /// store has been read.
    pub last: Option<Micros>,
    /// The next one; nothing if there will be none, or until the store has been read.
    pub next: Option<Micros>,
    /// How many instances this runtime has started.
    pub started: u64,
    /// How many ticks this runtime has passed over because they were missed. Of one time that it was down, at most 1,000 are
    /// counted.
    pub skipped: u64,
    /// Why the last start did not come about, until one does.
    pub last_error: Option<Box<str>>,
}

/// A tick's input, checked, as text and hash.
type Make = Arc<dyn Fn(&Tick, usize) -> Result<input::Checked, Error> + Send + Sync>;

/// A recurring start, as the builder was given it.
#[derive(Clone)]
pub(super) struct Planned {
    schedule: Schedule,
    saga: &'static str,
    make: Make,
}

/// One that is fit to run.
pub(super) struct Recurring {
    planned: Planned,
    ticks: Ticks,
}

impl Planned {
    pub(super) fn new<S: Saga>(schedule: Schedule, make: impl Fn(&Tick) -> S::Input + Send + Sync + 'static) -> Self {
        let make = move |tick: &Tick, limit| {
            let input = catch_unwind(AssertUnwindSafe(|| make(tick)))
                .map_err(|_| Error::invalid("the function that makes the input panicked"))?;
            input::checked::<S>(&tick.id(), &input, limit)
        };
        Self { schedule, saga: S::DEFINITION.name, make: Arc::new(make) }
    }

    fn check(self, known: impl Fn(&str) -> bool) -> Result<Recurring, Error> {
        let Schedule { name, expression, time_zone, missed } = &self.schedule;
        let wrong = |what: String| Error::invalid(&format!("schedule {name:?}: {what}"));
        if name.is_empty() || name.len() > LONGEST_NAME || name.trim() != &**name || name.chars().any(char::is_control)
        {
            return Err(wrong(format!(
                "its name must have from 1 to {LONGEST_NAME} bytes, no control characters, and no white space around it"
            )));
        }
        if !known(self.saga) {
            return Err(wrong(format!("it starts saga `{}`, which is not registered: `.register(..)` it", self.saga)));
        }
        if let Missed::All { at_most } = missed
            && !(1..=1_000).contains(at_most)
        {
            return Err(wrong(format!("`at_most` is {at_most}: it must be from 1 to 1000")));
        }
        let ticks = Ticks::new(expression, time_zone).map_err(wrong)?;
        Ok(Recurring { planned: self, ticks })
    }
}

/// Those that are fit to run, if all of them are.
pub(super) fn check(planned: Vec<Planned>, known: impl Fn(&str) -> bool) -> Result<Vec<Recurring>, Error> {
    let mut recurring: Vec<Recurring> = Vec::new();
    for one in planned {
        let name = &one.schedule.name;
        if recurring.iter().any(|before| before.planned.schedule.name == *name) {
            return Err(Error::invalid(&format!("schedule {name:?} is defined twice: give one of them another name")));
        }
        recurring.push(one.check(&known)?);
    }
    Ok(recurring)
}
