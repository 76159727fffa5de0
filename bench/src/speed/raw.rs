//! What the database itself does, with one connection and nothing else: transactions of so many rows, one after the other.

use super::{
    bare,
    job::{Boss, Job, Seen},
    payload::Answer,
    place::Place,
};
use std::time::{Duration, Instant};

/// Writes for the job's time.
pub(crate) async fn run(job: &Job, rows: usize, boss: &mut Boss) -> Result<Seen, String> {
    let event = serde_json::to_string(&Answer::new("inventory", 1)).map_err(|error| error.to_string())?;
    let time = Duration::from_secs_f64(job.seconds);
    let (commits, begun) = match &job.place {
        Place::Sqlite { file } => {
            let mut tables = bare::sqlite::Tables::create(file)?;
            boss.ready().await;
            let begun = Instant::now();
            (tables.write_raw(rows, &event, || begun.elapsed() < time)?, begun)
        }
        Place::Postgres { url, schema, .. } => {
            let mut tables = bare::postgres::Tables::create(url, schema).await?;
            boss.ready().await;
            let begun = Instant::now();
            (tables.write_raw(rows, &event, || begun.elapsed() < time).await?, begun)
        }
    };
    Ok(Seen { all: commits, seconds: begun.elapsed().as_secs_f64(), ..Seen::default() })
}
