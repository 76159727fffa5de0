//! The cases: what is run beside what, and what is told of it.

mod kept;
mod limits;
mod load;
mod sleepers;
mod takeover;

pub(crate) use kept::kept;
pub(crate) use limits::{limits, raw};
pub(crate) use load::{latency, w1, w2};
pub(crate) use sleepers::w3;
pub(crate) use takeover::takeover;

use super::{
    child::Child,
    histogram::Histogram,
    job::{Job, Seen, Task},
    options::Options,
    place::{Place, Site},
    report::{Row, Sample, Series},
};
use std::{cell::Cell, collections::BTreeMap};

/// Everything there is to measure on the store.
pub(crate) async fn all(bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    let mut rows = w1(bench).await?;
    if let Site::Postgres(_) = bench.site {
        rows.extend(load::of_workers(bench, 4).await?);
    }
    rows.extend(w2(bench).await?);
    rows.extend(limits(bench).await?);
    rows.extend(w3(bench).await?);
    if let Site::Postgres(_) = bench.site {
        rows.extend(takeover(bench).await?);
    }
    Ok(rows)
}

/// What every case has to know.
pub(crate) struct Bench<'o> {
    pub(crate) site: Site,
    pub(crate) options: &'o Options,
    /// What the database itself does.
    pub(crate) raw: Option<f64>,
    jobs: Cell<u32>,
}

impl<'o> Bench<'o> {
    pub(crate) fn new(site: Site, options: &'o Options) -> Self {
        Self { site, options, raw: None, jobs: Cell::new(0) }
    }

    fn job(&self, task: Task, place: &Place, in_flight: usize) -> Job {
        let number = self.jobs.replace(self.jobs.get() + 1);
        Job { task, place: place.clone(), in_flight, seconds: self.options.seconds, tag: format!("order-{number}") }
    }

    /// Runs it once, where nothing was before.
    async fn sample(&self, task: Task, in_flight: usize, workers: usize) -> Result<Sample, String> {
        self.at_new_place(async |place| self.sample_at(place, task, in_flight, workers).await).await
    }

    /// Works where nothing was before, and leaves nothing, whatever comes of it.
    async fn at_new_place<T>(&self, work: impl AsyncFnOnce(&Place) -> Result<T, String>) -> Result<T, String> {
        let place = self.site.place(self.options.lease).await?;
        let done = work(&place).await;
        let left = place.leave().await;
        done.and_then(|done| left.map(|()| done))
    }

    async fn sample_at(&self, place: &Place, task: Task, in_flight: usize, workers: usize) -> Result<Sample, String> {
        let mut children = Vec::new();
        for _ in 0..workers {
            children.push(Child::start(&self.job(task, place, in_flight / workers)).await?);
        }
        let before = place.bytes().await?;
        let mut seen = Vec::new();
        for child in &mut children {
            child.go().await?;
        }
        for child in &mut children {
            seen.push(child.seen().await?);
        }
        let stored = place.bytes().await?.saturating_sub(before);
        Ok(sample(&seen, stored))
    }

    fn row(&self, series: &Series, bare: &Series) -> Row {
        series.row(self.site.name(), self.raw, Some(bare))
    }

    /// Of what the bare writer does not do.
    fn row_alone(&self, series: &Series) -> Row {
        series.row(self.site.name(), self.raw, None)
    }

    fn says(&self, case: &str, in_flight: usize, run: usize) {
        eprintln!("{} {case}, {in_flight} in flight, run {} of {}", self.site.name(), run + 1, self.options.runs);
    }
}

/// What several workers have seen at the same time, as one.
#[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
fn sample(seen: &[Seen], stored: u64) -> Sample {
    let mut took = Histogram::default();
    let (mut rate, mut all) = (0.0, 0);
    for one in seen {
        took.merge(&one.took);
        rate += one.took.count() as f64 / one.seconds;
        all += one.all;
    }
    let sagas = took.count() as f64;
    let own: Option<f64> = seen.iter().map(|one| one.own_us).sum();
    // There is one server, and each has measured it.
    let server = seen.first().and_then(|one| one.server_us);
    let mut more: BTreeMap<String, f64> = BTreeMap::new();
    for one in seen {
        for (name, number) in &one.more {
            let most = more.entry(name.clone()).or_insert(*number);
            *most = most.max(*number);
        }
    }
    Sample {
        per_s: (sagas > 0.0).then_some(rate),
        p50: took.quantile(0.5),
        p99: took.quantile(0.99),
        rss: seen.iter().filter_map(|one| one.peak).max().map(|bytes| bytes as f64 / f64::from(1 << 20)),
        bytes: (all > 0).then(|| stored as f64 / all as f64),
        cpu: own.filter(|_| sagas > 0.0).map(|own| (own + server.unwrap_or(0.0)) / sagas),
        more,
    }
}
