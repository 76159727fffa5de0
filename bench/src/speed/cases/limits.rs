//! What the database does by itself, and what a saga in flight takes of memory.

use super::Bench;
use crate::speed::{
    child,
    job::Task,
    report::{Row, Sample, Series},
};
use std::collections::BTreeMap;

/// Longer than this says no more.
const SECONDS: f64 = 2.0;

/// How many rows a second the database writes, with 100 in a transaction.
pub(crate) async fn raw(bench: &Bench<'_>) -> Result<Option<f64>, String> {
    let mut series = Series::new("raw_100", 1, 1);
    for _ in 0..bench.options.runs {
        series.samples.push(written(bench, 100).await?);
    }
    Ok(series.median(|sample| sample.more.get("rows_per_s").copied()))
}

/// Transactions of one row and of 100, and the memory of many in flight.
pub(crate) async fn limits(bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    let mut one = Series::new("raw_1", 1, 1);
    let mut hundred = Series::new("raw_100", 1, 1);
    let sagas = bench.options.sagas;
    let mut memory = Series::new("memory", sagas, 1);
    for run in 0..bench.options.runs {
        bench.says("limits", 1, run);
        one.samples.push(written(bench, 1).await?);
        hundred.samples.push(written(bench, 100).await?);
        memory.samples.push(bench.sample(Task::Memory { sagas }, 32, 1).await?);
    }
    Ok([one, hundred, memory].iter().map(|series| bench.row_alone(series)).collect())
}

async fn written(bench: &Bench<'_>, rows: usize) -> Result<Sample, String> {
    let seen = bench
        .at_new_place(async |place| {
            let mut job = bench.job(Task::Raw { rows }, place, 1);
            job.seconds = job.seconds.min(SECONDS);
            child::all(&[job]).await
        })
        .await?;
    let mut more = BTreeMap::new();
    #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
    for one in &seen {
        let commits = one.all as f64 / one.seconds;
        more.insert("commits_per_s".to_owned(), commits);
        more.insert("rows_per_s".to_owned(), commits * rows as f64);
    }
    Ok(Sample { more, ..Sample::default() })
}
