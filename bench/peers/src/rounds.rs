//! Who runs after whom.

use crate::{
    library::Library,
    options::Options,
    ours::Ours,
    process::{self, Job},
    shared::report::{Row, Sample, Series, table},
    summary::Summary,
};
use std::cell::Cell;

/// So many are in flight at each of several workers.
const OF_A_WORKER: usize = 64;

/// Somebody who runs.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// This library, on this store.
    Ours(&'static str),
    Other(Library),
}

impl Who {
    fn word(self) -> &'static str {
        match self {
            Self::Ours(_) => "saga",
            Self::Other(library) => library.word(),
        }
    }

    fn store(self) -> &'static str {
        match self {
            Self::Ours(store) => store,
            Self::Other(library) => library.store(),
        }
    }

    pub(crate) fn title(self) -> String {
        match self {
            Self::Ours("sqlite") => "this library, SQLite".to_owned(),
            Self::Ours(_) => "this library, Postgres".to_owned(),
            Self::Other(library) => library.title().to_owned(),
        }
    }
}

/// All of it, and prints what was seen.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let summary = options.write.then(Summary::find).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let rounds = Rounds {
        options,
        ours: Ours::build()?,
        url: saga_test_postgres::durable_url(),
        folder: tempfile::tempdir().map_err(|error| error.to_string())?,
        number: Cell::new(0),
    };
    let who: Vec<Who> = [Who::Ours("sqlite"), Who::Ours("postgres")]
        .into_iter()
        .chain(options.only.iter().copied().map(Who::Other))
        .collect();
    let mut rows = Vec::new();
    for case in ["w1", "w2"] {
        for &in_flight in &options.in_flight {
            rows.extend(runtime.block_on(rounds.all(case, &who, in_flight, 1))?);
        }
    }
    if options.workers > 0 {
        let many: Vec<Who> = who.iter().copied().filter(|who| who.store() == "postgres").collect();
        let in_flight = OF_A_WORKER * options.workers;
        rows.extend(runtime.block_on(rounds.all("w1", &many, in_flight, options.workers))?);
    }
    let plain: Vec<Row> = rows.iter().map(|(_, row)| row.clone()).collect();
    if options.json {
        for row in &plain {
            println!("{}", serde_json::to_string(row).map_err(|error| error.to_string())?);
        }
    } else {
        println!("{}", table(&plain));
    }
    summary.map_or(Ok(()), |summary| summary.write(&rows))
}

struct Rounds<'o> {
    options: &'o Options,
    ours: Ours,
    url: String,
    folder: tempfile::TempDir,
    number: Cell<u32>,
}

impl Rounds<'_> {
    /// A case, everybody in turns.
    async fn all(
        &self,
        case: &str,
        all_who: &[Who],
        in_flight: usize,
        workers: usize,
    ) -> Result<Vec<(Who, Row)>, String> {
        let series = |who: &Who| Series::new(&format!("{}_{case}", who.word()), in_flight, workers);
        let mut all: Vec<Series> = all_who.iter().map(series).collect();
        for run in 0..self.options.runs {
            for (who, series) in all_who.iter().zip(&mut all) {
                eprintln!("{case}, {in_flight} in flight, run {} of {}: {}", run + 1, self.options.runs, who.title());
                let sample = match *who {
                    Who::Ours(store) => self.of_ours(case, store, in_flight, workers),
                    Who::Other(library) => self.of_other(library, case == "w2", in_flight, workers).await,
                };
                series.samples.push(sample?);
            }
        }
        let rows = all_who.iter().zip(&all).map(|(who, series)| {
            let mut row = series.row(who.store(), None, None);
            if let Who::Other(_) = who {
                for (ours, their) in all_who.iter().zip(&all).filter(|(who, _)| matches!(who, Who::Ours(_))) {
                    let ratio = their.ratio(series, |sample| sample.per_s);
                    row.more.extend(ratio.map(|ratio| (format!("times_saga_{}", ours.store()), ratio)));
                }
            }
            (*who, row)
        });
        Ok(rows.collect())
    }

    fn of_ours(&self, case: &str, store: &str, in_flight: usize, workers: usize) -> Result<Sample, String> {
        let how = if workers > 1 {
            ["--workers".to_owned(), workers.to_string()]
        } else {
            ["--in-flight".to_owned(), in_flight.to_string()]
        };
        let store = if store == "postgres" { &self.url } else { store };
        self.ours.measured(case, store, &how, self.options.seconds)
    }

    async fn of_other(
        &self,
        library: Library,
        refused: bool,
        in_flight: usize,
        workers: usize,
    ) -> Result<Sample, String> {
        let number = self.number.replace(self.number.get() + 1);
        let jobs: Vec<Job> = (0..workers)
            .map(|worker| Job {
                library,
                refused,
                in_flight: in_flight / workers,
                seconds: self.options.seconds * library.patience(),
                place: if library == Library::Dbos {
                    self.url.clone()
                } else {
                    self.folder.path().display().to_string()
                },
                schema: format!("peer_{number}"),
                tag: format!("order-{number}-{worker}"),
            })
            .collect();
        process::measured(&jobs).await
    }
}
