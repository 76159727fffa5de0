//! W1 and W2, in turns with the bare writer.

use super::Bench;
use crate::speed::{
    job::Task,
    report::{Row, Series},
};

const BARE: Task = Task::Bare { refused: false };
const OURS: Task = Task::Ours { refused: false, due: 0 };

/// So many are in flight at each of several workers.
const OF_A_WORKER: usize = 64;

/// Four steps, each of which succeeds.
pub(crate) async fn w1(bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    if let Some(workers) = bench.options.workers {
        return of_workers(bench, workers).await;
    }
    let mut rows = Vec::new();
    for &in_flight in &bench.options.in_flight {
        rows.extend(pair(bench, "w1", in_flight).await?);
    }
    Ok(rows)
}

async fn pair(bench: &Bench<'_>, case: &str, in_flight: usize) -> Result<[Row; 2], String> {
    let mut bare = Series::new(&format!("{case}_bare"), in_flight, 1);
    let mut ours = Series::new(case, in_flight, 1);
    for run in 0..bench.options.runs {
        bench.says(case, in_flight, run);
        bare.samples.push(bench.sample(BARE, in_flight, 1).await?);
        ours.samples.push(bench.sample(OURS, in_flight, 1).await?);
    }
    Ok([bench.row(&bare, &bare), bench.row(&ours, &bare)])
}

/// Several processes on one database, beside one that has as many in flight as all of them.
pub(crate) async fn of_workers(bench: &Bench<'_>, workers: usize) -> Result<Vec<Row>, String> {
    let in_flight = OF_A_WORKER * workers;
    let mut bare = Series::new("w1_bare", in_flight, 1);
    let mut one = Series::new("w1", in_flight, 1);
    let mut many = Series::new("w1", in_flight, workers);
    for run in 0..bench.options.runs {
        bench.says("w1 of several workers", in_flight, run);
        bare.samples.push(bench.sample(BARE, in_flight, 1).await?);
        one.samples.push(bench.sample(OURS, in_flight, 1).await?);
        many.samples.push(bench.sample(OURS, in_flight, workers).await?);
    }
    let mut row = bench.row(&many, &bare);
    row.more.extend(many.ratio(&one, |sample| sample.per_s).map(|ratio| ("ratio_one_worker".to_owned(), ratio)));
    Ok(vec![bench.row(&bare, &bare), bench.row(&one, &bare), row])
}

/// The fourth step refuses, and what the three before it did is undone.
pub(crate) async fn w2(bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for &in_flight in &bench.options.in_flight {
        let mut bare = Series::new("w2_bare", in_flight, 1);
        let mut ours = Series::new("w2", in_flight, 1);
        let mut forward = Series::new("w1", in_flight, 1);
        for run in 0..bench.options.runs {
            bench.says("w2", in_flight, run);
            bare.samples.push(bench.sample(Task::Bare { refused: true }, in_flight, 1).await?);
            ours.samples.push(bench.sample(Task::Ours { refused: true, due: 0 }, in_flight, 1).await?);
            forward.samples.push(bench.sample(OURS, in_flight, 1).await?);
        }
        let mut row = bench.row(&ours, &bare);
        row.more.extend(ours.ratio(&forward, |sample| sample.per_s).map(|ratio| ("ratio_w1".to_owned(), ratio)));
        rows.extend([bench.row(&bare, &bare), row]);
    }
    Ok(rows)
}

/// W1 alone: what a caller waits for when nobody else is there.
pub(crate) async fn latency(bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    Ok(pair(bench, "latency", 1).await?.into())
}
