//! Starting an instance for each tick.
//!
//! The tick that was dealt with last is in the store, and an instance's id is made from its tick. So whoever dies between
//! the start and the note of it, and whoever else runs the same schedule on the same store, finds the instance that is
//! there.

use super::{Missed, Recurring, ScheduleStatus, Tick, ticks::shown};
use crate::{
    engine::{Engine, Input, SECOND},
    runtime::Error,
    store::{Labels, Micros},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A tick that is as late as this was missed.
const LATE: Micros = 60 * SECOND;
/// So many ticks that are passed over are counted at a time.
const COUNTED: u64 = 1_000;

/// What each recurring start is doing, for whoever wants to see it.
#[derive(Default)]
pub(in crate::runtime) struct Board(Mutex<Vec<ScheduleStatus>>);

impl Board {
    pub(in crate::runtime) fn of(all: &[Recurring]) -> Self {
        let status = |one: &Recurring| ScheduleStatus {
            name: one.planned.schedule.name.clone(),
            saga: one.planned.saga.into(),
            expression: one.planned.schedule.expression.clone(),
            time_zone: one.planned.schedule.time_zone.clone(),
            missed: one.planned.schedule.missed,
            last: None,
            next: None,
            started: 0,
            skipped: 0,
            last_error: None,
        };
        Self(Mutex::new(all.iter().map(status).collect()))
    }

    pub(in crate::runtime) fn all(&self) -> Vec<ScheduleStatus> {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, Vec<ScheduleStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut ScheduleStatus)) {
        if let Some(status) = self.held().iter_mut().find(|status| *status.name == *name) {
            change(status);
        }
    }
}

/// What there is to do now about the ticks since the last one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
    /// To be started, the oldest first.
    starts: VecDeque<Micros>,
    /// How many are passed over.
    skipped: u64,
    /// The latest of those.
    over: Option<Micros>,
}

impl Recurring {
    /// The ticks after the last one, up to now, by what is to be done about missed ones.
    fn due(&self, last: Micros, now: Micros) -> Due {
        let mut due = Due::default();
        let mut next = self.ticks.until(now);
        let allowed = match self.planned.schedule.missed {
            Missed::Skip => 0,
            // Only if not even the latest one is in time.
            Missed::Latest => usize::from(next.is_some_and(|latest| now.saturating_sub(latest) >= LATE)),
            Missed::All { at_most } => at_most,
        };
        let mut missed = 0;
        while let Some(tick) = next.filter(|tick| *tick > last && due.skipped < COUNTED) {
            let in_time = now.saturating_sub(tick) < LATE;
            if in_time || missed < allowed {
                missed += usize::from(!in_time);
                due.starts.push_front(tick);
            } else {
                due.over = due.over.max(Some(tick));
                due.skipped += 1;
            }
            next = self.ticks.until(tick - 1);
        }
        due
    }
}

/// Runs one until the runtime stops or has lost its work to another.
pub(in crate::runtime) async fn run(engine: Arc<Engine>, one: Recurring, board: Arc<Board>) {
    let name = &*one.planned.schedule.name;
    let mut store = engine.outage.asking();
    loop {
        let next = match turn(&engine, &one, &board).await {
            Ok(Some(next)) => {
                store.answered();
                next
            }
            Ok(None) => {
                tracing::info!(schedule = name, "the last tick has come: nothing recurs any more");
                return;
            }
            Err(error)
                if !engine.is_stopping() && (error.is_unavailable() || error.is_fenced() && engine.lives_again()) =>
            {
                store.failed("recurring starts cannot be made now", &error);
                board.change(name, |status| status.last_error = Some(error.to_string().into()));
                engine.clock.now().saturating_add(SECOND)
            }
            Err(error) => {
                tracing::debug!(schedule = name, %error, "nothing recurs any more");
                return;
            }
        };
        tokio::select! {
            biased;
            () = engine.clock.sleep_until(next) => {}
            () = engine.stops() => return,
        }
    }
}

/// Deals with what is due, and says when there is something to do again.
async fn turn(engine: &Arc<Engine>, one: &Recurring, board: &Board) -> Result<Option<Micros>, Error> {
    let (store, name) = (&engine.store, &*one.planned.schedule.name);
    let now = engine.clock.now();
    let known = store.tick(name).await?;
    if known.is_none() {
        // The very first time: it begins now, and what is missed from here on is missed.
        store.set_tick(name, now).await?;
    }
    let mut last = known.unwrap_or(now);
    let due = one.due(last, now);
    if let Some(over) = due.over {
        store.set_tick(name, over).await?;
        last = over;
        tracing::warn!(
            schedule = name, skipped = due.skipped, latest = shown(over), missed = ?one.planned.schedule.missed,
            "ticks were missed and are passed over"
        );
        board.change(name, |status| status.skipped += due.skipped);
    }
    for at in due.starts {
        let tick = Tick::new(name, at);
        match start(engine, one, &tick).await {
            Ok(started) => board.change(name, |status| {
                status.started += u64::from(started);
                status.last_error = None;
            }),
            Err(error) if error.is_unavailable() || error.is_stopped() || error.is_fenced() => return Err(error),
            // It would fail the same way for ever, and the ticks after it are not to wait for that.
            Err(error) => {
                tracing::error!(schedule = name, %tick, %error, "a tick is passed over: its instance cannot be started");
                board.change(name, |status| status.last_error = Some(error.to_string().into()));
            }
        }
        store.set_tick(name, at).await?;
        last = at;
    }
    let next = one.ticks.after(last.max(now));
    board.change(name, |status| (status.last, status.next) = (Some(last), next));
    Ok(next)
}

/// Starts the tick's instance; whether it was not there before.
async fn start(engine: &Arc<Engine>, one: &Recurring, tick: &Tick) -> Result<bool, Error> {
    let (saga, id) = (one.planned.saga, tick.id());
    let made = (one.planned.make)(tick, engine.limits.instance)?;
    let input = Input {
        id: id.clone().into(),
        json: made.json,
        hash: made.hash,
        wake_at: None,
        deadline: None,
        labels: Labels::new(),
    };
    let definition = engine.sagas.get(saga).ok_or_else(|| Error::unknown_saga(saga))?.definition();
    let started = engine.start(definition, input).await.map_err(|over| Error::from_start(saga, &id, over))?;
    let Some(existing) = started.existing else { return Ok(true) };
    if existing.input_hash != made.hash {
        tracing::warn!(schedule = tick.schedule(), %tick, "its instance was started before, with another input");
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::super::{Planned, Schedule, Ticks};
    use super::*;
    use crate::runtime::input;

    const MINUTE: Micros = 60 * SECOND;
    const START: Micros = 1_767_225_600_000_000;

    fn every_minute(missed: Missed) -> Recurring {
        let schedule = Schedule::new("minutely", "* * * * *").missed(missed);
        let make = Arc::new(|_: &Tick, _| -> Result<input::Checked, Error> { Err(Error::stopped()) });
        let ticks = Ticks::new(&schedule.expression, &schedule.time_zone).expect("it is read");
        Recurring { planned: Planned { schedule, saga: "", make }, ticks }
    }

    fn due(missed: Missed, last: Micros, now: Micros) -> (Vec<Micros>, u64, Option<Micros>) {
        let due = every_minute(missed).due(START + last, START + now);
        (due.starts.iter().map(|at| at - START).collect(), due.skipped, due.over.map(|at| at - START))
    }

    #[test]
    fn a_tick_in_time_is_started_whatever_is_done_about_missed_ones() {
        for missed in [Missed::Skip, Missed::Latest, Missed::All { at_most: 3 }] {
            assert_eq!(due(missed, 0, MINUTE - 1), (vec![], 0, None), "{missed:?}");
            assert_eq!(due(missed, 0, MINUTE), (vec![MINUTE], 0, None), "{missed:?}");
            assert_eq!(due(missed, 0, 2 * MINUTE - 1), (vec![MINUTE], 0, None), "{missed:?}");
            assert_eq!(due(missed, MINUTE, 2 * MINUTE - 1), (vec![], 0, None), "{missed:?}");
        }
    }

    #[test]
    fn of_missed_ticks_none_the_latest_or_the_latest_few_are_started_and_the_others_are_counted() {
        let now = 10 * MINUTE;
        assert_eq!(due(Missed::Skip, 0, now), (vec![now], 9, Some(9 * MINUTE)));
        assert_eq!(due(Missed::Latest, 0, now), (vec![now], 9, Some(9 * MINUTE)), "the latest one is in time");
        let few = (vec![8 * MINUTE, 9 * MINUTE, now], 7, Some(7 * MINUTE));
        assert_eq!(due(Missed::All { at_most: 2 }, 0, now), few);
        let all = (1..=10).map(|number| number * MINUTE).collect();
        assert_eq!(due(Missed::All { at_most: 9 }, 0, now), (all, 0, None));
    }

    #[test]
    fn when_even_the_latest_one_is_late_it_is_started_unless_missed_ones_are_skipped() {
        let daily = |missed| {
            let mut one = every_minute(missed);
            one.ticks = Ticks::new("0 0 * * *", "UTC").expect("it is read");
            let day = 24 * 60 * MINUTE;
            let due = one.due(START, START + 3 * day + 2 * MINUTE);
            (due.starts.iter().map(|at| (at - START) / day).collect::<Vec<_>>(), due.skipped)
        };
        assert_eq!(daily(Missed::Skip), (vec![], 3));
        assert_eq!(daily(Missed::Latest), (vec![3], 2));
        assert_eq!(daily(Missed::All { at_most: 2 }), (vec![2, 3], 1));
    }

    #[test]
    fn years_of_missed_ticks_are_not_walked_through() {
        let year = 365 * 24 * 60 * MINUTE;
        let (starts, skipped, over) = due(Missed::Latest, 0, 30 * year);
        assert_eq!((starts, skipped, over), (vec![30 * year], COUNTED, Some(30 * year - MINUTE)));
    }
}
