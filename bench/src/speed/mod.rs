//! How fast sagas run, and what they use: this library on each of its stores, beside a writer that does nothing but write.

mod bare;
mod cases;
mod child;
mod claims;
mod document;
mod fill;
mod flight;
mod histogram;
mod job;
mod kept;
mod machine;
mod options;
mod ours;
mod payload;
mod place;
mod raw;
mod report;
mod sagas;
mod summary;
mod usage;

use cases::Bench;
use machine::Machine;
use options::Options;
use place::Site;
use report::Row;
use summary::Summary;

pub(crate) use job::Job;

/// What can be measured.
pub(crate) const CASES: [&str; 8] = ["w1", "w2", "w3", "kept", "takeover", "latency", "limits", "all"];

/// Measures a case on each store that is asked for, and prints what was seen.
pub(crate) fn run(case: &str, words: &[String]) -> Result<(), String> {
    let options = Options::parse(case, words)?;
    let summary = options.write.then(Summary::find).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut measured = Vec::new();
    for store in &options.stores {
        let (machine, rows) = runtime.block_on(async {
            let mut bench = Bench::new(Site::open(store)?, &options);
            let machine = Machine::look(&bench.site).await?;
            if options.json {
                println!("{}", json(&machine)?);
            }
            bench.raw = cases::raw(&bench).await?;
            let rows = of_case(case, &bench).await?;
            Ok::<_, String>((machine, rows))
        })?;
        for row in rows.iter().filter(|_| options.json) {
            println!("{}", json(row)?);
        }
        if !options.json {
            println!("{}\n\n{}", machine.sentence(), report::table(&rows));
        }
        measured.push((machine, rows));
    }
    summary.map_or(Ok(()), |summary| summary.write(&measured))
}

async fn of_case(case: &str, bench: &Bench<'_>) -> Result<Vec<Row>, String> {
    match case {
        "w1" => cases::w1(bench).await,
        "w2" => cases::w2(bench).await,
        "w3" => cases::w3(bench).await,
        "kept" => cases::kept(bench).await,
        "takeover" => cases::takeover(bench).await,
        "latency" => cases::latency(bench).await,
        "limits" => cases::limits(bench).await,
        _ => cases::all(bench).await,
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}
