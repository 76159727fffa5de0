//! The closed loop: so many sagas in flight, each of which is followed by another one the moment it has ended.

use super::{
    histogram::Histogram,
    usage::{Server, Usage},
};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, sleep_until},
};

/// How long, and how many at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flight {
    /// So many are in flight.
    pub(crate) sagas: usize,
    /// What happens in this time is not counted: connections are opened, statements prepared, caches filled.
    pub(crate) warm_up: Duration,
    /// What ends in this time is counted; if nothing does, the first that ends later.
    pub(crate) measured: Duration,
    /// Whose time on the processor counts besides that of this process.
    pub(crate) server: Option<Server>,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Flown {
    /// How long each took that ended in the measured time.
    pub(crate) took: Histogram,
    /// The measured time, as it turned out.
    pub(crate) seconds: f64,
    /// What had been used when the measured time began, and when it ended.
    pub(crate) usage: (Usage, Usage),
    /// All that were run, also before and after the measured time.
    pub(crate) all: u64,
}

impl Flown {
    /// Time on the processor within the measured time, of the own process and of the server, in microseconds.
    pub(crate) fn used_us(&self) -> (Option<f64>, Option<f64>) {
        let (before, after) = self.usage;
        let us = |after: Option<Duration>, before: Option<Duration>| {
            after.zip(before).map(|(after, before)| after.saturating_sub(before).as_secs_f64() * 1e6)
        };
        (us(after.cpu, before.cpu), us(after.server, before.server))
    }
}

impl Flight {
    /// So many sagas, measured for so long. A fifth of that is enough to fill what is to be filled, and no more than two seconds.
    pub(crate) fn of(sagas: usize, seconds: f64, server: Option<Server>) -> Self {
        let measured = Duration::from_secs_f64(seconds);
        Self { sagas, warm_up: (measured / 5).min(Duration::from_secs(2)), measured, server }
    }

    /// Runs them; each call of `run` is one, and gets a number of its own.
    ///
    /// # Errors
    /// The first that one of them had.
    pub(crate) async fn fly<F, R>(self, run: F) -> Result<Flown, String>
    where
        F: Fn(u64) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send,
    {
        let run = Arc::new(run);
        // On a machine that hardly gets to it, the time goes on until there is something to tell of.
        let counted = Arc::new(AtomicU64::new(0));
        let from = Instant::now() + self.warm_up;
        let until = from + self.measured;
        let mut tasks = JoinSet::new();
        let step = self.sagas as u64;
        for first in 0..step {
            let (run, counted) = (Arc::clone(&run), Arc::clone(&counted));
            tasks.spawn(async move {
                let mut took = Histogram::default();
                let mut number = first;
                loop {
                    let begun = Instant::now();
                    if begun >= until && counted.load(Ordering::Relaxed) > 0 {
                        return Ok::<_, String>((took, number / step));
                    }
                    run(number).await?;
                    number += step;
                    let ended = Instant::now();
                    if ended >= from && (ended < until || counted.load(Ordering::Relaxed) == 0) {
                        counted.fetch_add(1, Ordering::Relaxed);
                        took.add(ended - begun);
                    }
                }
            });
        }
        let clock = tokio::spawn(async move {
            sleep_until(from.into()).await;
            let (before, begun) = (Usage::now(self.server), Instant::now());
            sleep_until(until.into()).await;
            while counted.load(Ordering::Relaxed) == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            (before, Usage::now(self.server), begun.elapsed().as_secs_f64())
        });
        let mut flown = Flown { took: Histogram::default(), seconds: 0.0, usage: Default::default(), all: 0 };
        while let Some(ended) = tasks.join_next().await {
            let (took, ran) = ended.map_err(|error| error.to_string())??;
            flown.took.merge(&took);
            flown.all += ran;
        }
        let (before, after, seconds) = clock.await.map_err(|error| error.to_string())?;
        (flown.usage, flown.seconds) = ((before, after), seconds);
        Ok(flown)
    }
}
