//! W3: a million instances asleep while W1 runs.

use super::Bench;
use crate::speed::{
    child,
    job::Task,
    place::Place,
    report::{Row, Series},
};

/// So many of the sleepers are due when the runtime opens the store, and have to wake.
const DUE: usize = 16;

/// W1 with as much in flight as there is in the last of the cases, beside the same without sleepers.
pub(crate) async fn w3(bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    bench.at_new_place(async |place| beside_sleepers(bench, place).await).await
}

async fn beside_sleepers(bench: &Bench<'_>, place: &Place) -> Result<Vec<Row>, String> {
    let in_flight = bench.options.in_flight.last().copied().unwrap_or(256);
    let number = bench.options.instances;
    eprintln!("{} w3, {number} instances fall asleep", bench.site.name());
    child::all(&[bench.job(Task::Sleepers { number, due: DUE }, place, 1)]).await?;
    place.settle().await?;
    let mut bare = Series::new("w1_bare", in_flight, 1);
    let mut without = Series::new("w3_without", in_flight, 1);
    let mut with = Series::new("w3", in_flight, 1);
    for run in 0..bench.options.runs {
        bench.says("w3", in_flight, run);
        bare.samples.push(bench.sample(Task::Bare { refused: false }, in_flight, 1).await?);
        without.samples.push(bench.sample(Task::Ours { refused: false, due: 0 }, in_flight, 1).await?);
        let task = Task::Ours { refused: false, due: DUE };
        with.samples.push(bench.sample_at(place, task, in_flight, 1).await?);
    }
    let mut row = bench.row(&with, &bare);
    let above = with.median(|sample| sample.rss).zip(without.median(|sample| sample.rss));
    row.more.extend(above.map(|(with, without)| ("rss_above_mib".to_owned(), with - without)));
    row.more.extend(with.ratio(&without, |sample| sample.per_s).map(|ratio| ("ratio_w1".to_owned(), ratio)));
    Ok(vec![bench.row(&without, &bare), row])
}
