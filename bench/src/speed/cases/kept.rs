//! A million sagas, of which what has ended is removed again: whether what is stored goes on growing.

use super::Bench;
use crate::speed::{
    job::Task,
    report::{Row, Series},
};

pub(crate) async fn kept(bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    let in_flight = bench.options.in_flight.last().copied().unwrap_or(256);
    let mut series = Series::new("kept", in_flight, 1);
    for run in 0..bench.options.runs {
        bench.says("kept", in_flight, run);
        series.samples.push(bench.sample(Task::Kept { sagas: bench.options.instances as u64 }, in_flight, 1).await?);
    }
    Ok(vec![bench.row_alone(&series)])
}
