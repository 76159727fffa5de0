//! `checkout demo`: four services, faults in three of them, and kills in the fourth.

mod books;
mod orders;
mod pace;
mod processes;
mod report;
mod schema;
mod verdict;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tempfile::TempDir;

use crate::Failed;
use crate::participant::KeysKept;
use crate::serve;
use crate::shop::{Moment, Shop};
use processes::Process;
use schema::Schema;
use verdict::{Books, Violation};
use watch::Watched;

/// What `checkout demo` is told.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// How many orders to place. Beyond those that are shipped they repeat, with ids of their own.
    #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    orders: u32,
    /// How often to SIGKILL the orchestrator while orders are in flight.
    #[arg(long, value_name = "K", default_value_t = 5)]
    kills: u32,
    /// Keep the sagas in this PostgreSQL database, in a schema of their own that goes when all went well:
    /// `postgres://role:password@host/database`
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// How many orchestrators work on it at the same time. Each kill hits one of them, at random.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "store", value_parser = clap::value_parser!(u32).range(1..=16))]
    workers: u32,
    /// How often to stand one of them still with SIGSTOP, until others have taken over what it had, and let it go on then.
    #[arg(long, value_name = "P", default_value_t = 0, requires = "store", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pauses: u32,
    /// What faults and kills are drawn from.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Print the result as one JSON object on standard output, and everything else elsewhere.
    #[arg(long)]
    json: bool,
    /// Keep databases and logs in this folder, which must be empty or new.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// How each participant misbehaves. Shipping stands behind the point of no return, so it cannot
/// refuse; the others can.
const FAULTS: [(&str, &str); 3] = [
    ("inventory", "refuse=0.02,unavailable=0.15,lost=0.06,slow=0.02,late=0.16,slow_ms=3000,late_ms=2500"),
    ("payments", "refuse=0.04,unavailable=0.1,lost=0.1,slow=0.03,late=0.06,slow_ms=3000,late_ms=2500"),
    ("shipping", "unavailable=0.1,lost=0.1,slow=0.03,late=0.06,slow_ms=3000,late_ms=2500"),
];

/// All that a demonstration found out.
struct Found {
    watched: Watched,
    violations: Vec<Violation>,
    /// Of each participant, in the order of [`FAULTS`].
    kept: Vec<(&'static str, KeysKept)>,
    /// One compensated order, with all that happened to it.
    compensated: Option<(String, Vec<Moment>)>,
    /// Where the saga's drawing is.
    svg: PathBuf,
}

/// Runs the demonstration; Ctrl-C or SIGTERM ends it, and with it everything that it started.
pub(crate) async fn run(options: Options) -> Result<ExitCode, Failed> {
    let asked = serve::asked_to_stop(false)?;
    tokio::select! {
        ended = demonstrate(&options) => ended,
        () = asked => Err("interrupted".into()),
    }
}

async fn demonstrate(options: &Options) -> Result<ExitCode, Failed> {
    if options.pauses > 0 && options.workers < 2 {
        return Err(
            "`--pauses` needs `--workers` of 2 or more: what one has that stands still, another takes over".into()
        );
    }
    let folder = Folder::open(options.dir.as_deref())?;
    let schema = options.store.as_deref().map(Schema::new);
    let found = find_out(options, &folder, schema.as_ref()).await?;
    let fine = found.violations.is_empty();
    report::print(options, &found)?;
    folder.close(fine);
    if let Some(schema) = schema {
        schema.close(fine).await?;
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Does it all, and asks the participants. The processes end with this function.
async fn find_out(options: &Options, folder: &Folder, schema: Option<&Schema>) -> Result<Found, Failed> {
    let mut participants = Vec::new();
    for (name, faults) in FAULTS {
        let mut said = ["--faults", faults, "--seed", &options.seed.to_string()].map(str::to_owned).to_vec();
        said.extend(folder.database(name));
        participants.push(Process::start(name, name, folder.path(), &said).await?);
    }
    let [inventory, payments, shipping] = [0, 1, 2].map(|place| participants[place].url().to_owned());
    let loaded = books::load_stock(&inventory).await?;
    let urls = [("--inventory", &inventory), ("--payments", &payments), ("--shipping", &shipping)];
    let said: Vec<String> = urls.iter().flat_map(|(option, url)| [(*option).to_owned(), (*url).clone()]).collect();
    let mut workers = Vec::new();
    for number in 1..=options.workers {
        let label = if schema.is_some() { format!("orders-{number}") } else { "orders".to_owned() };
        let kept = schema.map_or_else(|| folder.database("orders"), |schema| schema.options(&label));
        workers.push(Process::start("orders", &label, folder.path(), &[&said[..], &kept].concat()).await?);
        if let (1, Some(schema)) = (number, schema) {
            schema.audit(&label).await?;
        }
    }
    let shop = Shop::at(&workers.iter().map(Process::url).collect::<Vec<_>>())?;

    let orders = orders::first(options.orders)?;
    let watched = watch::place_and_kill(options, &shop, orders, &mut workers, &mut participants, schema).await?;

    let ended = watched.orders.iter().map(|(order, view)| (order.clone(), view.status)).collect();
    let books = Books { orders: ended, loaded, ..books::read(&inventory, &payments, &shipping).await? };
    let mut kept = Vec::new();
    for ((name, _), process) in FAULTS.iter().zip(&participants) {
        kept.push((*name, books::ask(process.url(), "/keys").await?));
    }
    let compensated = watch::telling(&shop, &watched).await?;
    let mut violations = verdict::judge(&books);
    if let Some(schema) = schema {
        violations.extend(schema.stale().await?.into_iter().map(|what| Violation::Stale { what }));
    }
    let svg = report::draw(options.dir.as_deref())?;
    Ok(Found { watched, violations, kept, compensated, svg })
}

/// Where databases and logs are.
enum Folder {
    /// Made for this run; it goes when all went well.
    Made(TempDir),
    /// The user's.
    Given(PathBuf),
}

impl Folder {
    fn open(given: Option<&Path>) -> Result<Self, Failed> {
        let Some(given) = given else {
            return Ok(Self::Made(TempDir::with_prefix("checkout-")?));
        };
        std::fs::create_dir_all(given)?;
        // The books of another run would be judged together with this one's.
        if std::fs::read_dir(given)?.next().is_some() {
            return Err(format!("{} is not empty", given.display()).into());
        }
        Ok(Self::Given(given.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Made(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }

    /// How a service is told to keep its books here.
    fn database(&self, service: &str) -> Vec<String> {
        let file = self.path().join(service).with_extension("db");
        vec!["--db".to_owned(), file.display().to_string()]
    }

    /// Keeps what is needed to find out what went wrong.
    fn close(self, fine: bool) {
        if let (Self::Made(folder), false) = (self, fine) {
            eprintln!("the databases and logs are kept in {}", folder.keep().display());
        }
    }
}
