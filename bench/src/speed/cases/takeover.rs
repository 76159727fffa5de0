//! What a dead worker had, taken over by four others.

use super::Bench;
use crate::speed::{
    child::Child,
    job::Task,
    place::{Place, connect, said},
    report::{Row, Sample, Series},
};
use sqlx::{AssertSqlSafe, PgConnection, query_scalar};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const WORKERS: usize = 4;

/// A million orphans, first claimed by the store alone, then once more by runtimes that run them as well.
pub(crate) async fn takeover(bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    let number = bench.options.instances;
    let mut claims = Series::new("takeover_claims", number, WORKERS);
    let mut runs = Series::new("takeover", number, WORKERS);
    for run in 0..bench.options.runs {
        bench.says("takeover", number, run);
        let (claimed, taken) = bench.at_new_place(async |place| once(bench, place, number).await).await?;
        claims.samples.push(claimed);
        runs.samples.push(taken);
    }
    Ok(vec![bench.row_alone(&claims), bench.row_alone(&runs)])
}

async fn once(bench: &Bench<'_>, place: &Place, number: usize) -> Result<(Sample, Sample), String> {
    let mut filler = Child::start(&bench.job(Task::Orphans { number }, place, 1)).await?;
    place.settle().await?;
    let workers = start(bench, place, Task::Claims).await?;
    filler.go().await?;
    filler.seen().await?;
    Ok((by_the_store(workers, number).await?, by_runtimes(bench, place, number).await?))
}

async fn start(bench: &Bench<'_>, place: &Place, task: Task) -> Result<Vec<Child>, String> {
    let mut children = Vec::new();
    for _ in 0..WORKERS {
        children.push(Child::start(&bench.job(task, place, 1)).await?);
    }
    Ok(children)
}

/// How fast rows change hands: the dead one is known to be dead, and whoever claims does nothing else.
async fn by_the_store(mut workers: Vec<Child>, number: usize) -> Result<Sample, String> {
    for worker in &mut workers {
        worker.go().await?;
    }
    let (mut claimed, mut seconds) = (0, 0.0);
    for worker in &mut workers {
        let seen = worker.seen().await?;
        claimed += seen.all;
        seconds = f64::max(seconds, seen.seconds);
    }
    if claimed != number as u64 {
        return Err(format!("of {number} orphans {claimed} were claimed"));
    }
    Ok(taken(number, seconds, BTreeMap::new()))
}

/// How long it takes in all: workers that have just begun wait for a lease before they take anybody for dead, and they run what they
/// claim, as much of it at a time as a runtime does.
async fn by_runtimes(bench: &Bench<'_>, place: &Place, number: usize) -> Result<Sample, String> {
    let Place::Postgres { url, schema, .. } = place else {
        return Err("a SQLite store has nobody to take over".to_owned());
    };
    let mut watch = Watch { conn: connect(url).await?, schema: schema.clone() };
    let last = watch.number("SELECT coalesce(max(epoch), 0) FROM {}.instance").await?;
    let mut workers = start(bench, place, Task::TakeOver).await?;
    for worker in &mut workers {
        worker.go().await?;
    }
    let begun = Instant::now();
    watch.until_none(&format!("{{}}.worker WHERE epoch <= {last}")).await?;
    let noticed = begun.elapsed().as_secs_f64();
    watch.until_none(&format!("{{}}.instance WHERE owned AND due_at IS NOT NULL AND epoch <= {last}")).await?;
    let claimed = begun.elapsed().as_secs_f64();
    watch.until_none("{}.instance WHERE status <> 'completed'").await?;
    let more = BTreeMap::from([
        ("noticed_s".to_owned(), noticed),
        ("claimed_s".to_owned(), claimed),
        ("ended_s".to_owned(), begun.elapsed().as_secs_f64()),
    ]);
    for worker in &mut workers {
        worker.go().await?;
    }
    for worker in &mut workers {
        worker.seen().await?;
    }
    Ok(taken(number, claimed - noticed, more))
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
fn taken(number: usize, seconds: f64, mut more: BTreeMap<String, f64>) -> Sample {
    more.insert("seconds".to_owned(), seconds);
    Sample { per_s: (seconds > 0.0).then(|| number as f64 / seconds), more, ..Sample::default() }
}

/// Somebody who looks at the tables.
struct Watch {
    conn: PgConnection,
    schema: String,
}

impl Watch {
    async fn number(&mut self, query: &str) -> Result<i64, String> {
        let query = AssertSqlSafe(query.replace("{}", &self.schema));
        query_scalar(query).fetch_one(&mut self.conn).await.map_err(said)
    }

    /// Waits until there is no such row.
    async fn until_none(&mut self, rows: &str) -> Result<(), String> {
        while self.number(&format!("SELECT count(*) FROM (SELECT FROM {rows} LIMIT 1) AS one")).await? > 0 {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}
