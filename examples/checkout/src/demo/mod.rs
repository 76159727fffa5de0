//! `checkout demo`: four services, faults in three of them, and kills in the fourth.

mod books;
mod feed;
mod kept;
mod legend;
mod orders;
mod pace;
mod processes;
mod report;
mod schema;
mod story;
mod verdict;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::Failed;
use crate::address;
use crate::participant::KeysKept;
use crate::serve;
use crate::shop::Shop;
use kept::Kept;
use processes::{Fleet, Process};
use schema::Schema;
use story::Story;
use verdict::{Books, Violation};
use watch::Watched;

/// What `checkout demo` is told.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// How many orders to place at least: more are placed where a kill would find too few in flight. Beyond those that are shipped
    /// they repeat, with ids of their own.
    #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    orders: u32,
    /// How often to SIGKILL the orchestrator while orders are in flight.
    #[arg(long, value_name = "K", default_value_t = 5)]
    kills: u32,
    /// Keep the sagas in this PostgreSQL database, in a schema of their own that goes when all went well:
    /// `postgres://role:password@host/database`
    #[arg(long, value_name = "URL", value_parser = address::read_database)]
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
    /// What the verifier says, in a line.
    verified: String,
    /// One order, with all that happened to it.
    story: Option<Story>,
    /// Where the saga's drawing is.
    svg: PathBuf,
}

impl Found {
    /// How many of the kills and pauses that were asked for hit nothing.
    fn missed(&self, options: &Options) -> usize {
        let hit = self.watched.kills.len() + self.watched.pauses.len();
        (options.kills as usize + options.pauses as usize).saturating_sub(hit)
    }

    /// Whether it showed what it was asked to show, and nothing was wrong.
    fn is_fine(&self, options: &Options) -> bool {
        self.violations.is_empty() && self.missed(options) == 0 && self.watched.trouble.is_none()
    }
}

/// Runs the demonstration; Ctrl-C or SIGTERM ends it, and with it everything that it started.
pub(crate) async fn run(options: Options) -> Result<ExitCode, Failed> {
    if options.pauses > 0 && options.workers < 2 {
        return Err(
            "`--pauses` needs `--workers` of 2 or more: what one has that stands still, another takes over".into()
        );
    }
    let asked = serve::asked_to_stop(false)?;
    let kept = Kept::open(&options)?;
    let mut fleet = Fleet::default();
    let found = tokio::select! {
        found = find_out(&options, &kept, &mut fleet) => Some(found),
        () = asked => None,
    };
    fleet.end().await;
    match found {
        Some(Ok(found)) => {
            report::print(&options, &found)?;
            if found.is_fine(&options) {
                kept.remove().await;
                return Ok(ExitCode::SUCCESS);
            }
            kept.tell().await;
            Ok(ExitCode::FAILURE)
        }
        Some(Err(error)) => {
            kept.tell().await;
            Err(error)
        }
        None => {
            kept.remove().await;
            Err("interrupted".into())
        }
    }
}

/// Does it all, and asks the participants.
async fn find_out(options: &Options, kept: &Kept, fleet: &mut Fleet) -> Result<Found, Failed> {
    let (folder, schema) = (kept.folder(), kept.schema());
    for (name, faults) in FAULTS {
        let mut said = ["--faults", faults, "--seed", &options.seed.to_string()].map(str::to_owned).to_vec();
        said.extend(kept.database(name));
        fleet.participants.push(Process::start(name, name, folder, &said).await?);
    }
    let [inventory, payments, shipping] = [0, 1, 2].map(|place| fleet.participants[place].url().to_owned());
    let loaded = books::load_stock(&inventory).await?;
    let urls = [("--inventory", &inventory), ("--payments", &payments), ("--shipping", &shipping)];
    let said: Vec<String> = urls.iter().flat_map(|(option, url)| [(*option).to_owned(), (*url).clone()]).collect();
    for number in 1..=options.workers {
        let label = if schema.is_some() { format!("orders-{number}") } else { "orders".to_owned() };
        let store = schema.map_or_else(|| kept.database("orders"), |schema| schema.options(&label));
        fleet.workers.push(Process::start("orders", &label, folder, &[&said[..], &store].concat()).await?);
        if let (1, Some(schema)) = (number, schema) {
            schema.audit(&label).await?;
        }
    }
    let shop = Shop::at(&fleet.workers.iter().map(Process::url).collect::<Vec<_>>())?;

    let watched = watch::place_and_kill(options, &shop, fleet, schema).await?;
    let trouble = watched.trouble.clone();
    let found = ask_all(options, &shop, watched, loaded, fleet, schema).await;
    // Where somebody does not answer any more, what came before says why.
    found.map_err(|error| trouble.map_or(error, Failed::from))
}

/// Asks the participants and the orchestrator what became of it all.
async fn ask_all(
    options: &Options,
    shop: &Shop,
    watched: Watched,
    loaded: BTreeMap<String, i64>,
    fleet: &Fleet,
    schema: Option<&Schema>,
) -> Result<Found, Failed> {
    let [inventory, payments, shipping] = [0, 1, 2].map(|place| fleet.participants[place].url());
    let ended = watched.orders.iter().map(|(order, view)| (order.clone(), view.status)).collect();
    let books = Books { orders: ended, loaded, ..books::read(inventory, payments, shipping).await? };
    let mut kept = Vec::new();
    for ((name, _), process) in FAULTS.iter().zip(&fleet.participants) {
        kept.push((*name, books::ask(process.url(), "/keys").await?));
    }
    let story = story::choose(shop, &watched).await?;
    let mut violations = verdict::judge(&books);
    let verdict = shop.verdict().await?;
    violations.extend(verdict.violations.into_iter().map(|what| Violation::Promise { what }));
    if let Some(schema) = schema {
        violations.extend(schema.stale().await?.into_iter().map(|what| Violation::Stale { what }));
    }
    let svg = report::draw(options.dir.as_deref())?;
    Ok(Found { watched, violations, kept, verified: verdict.line, story, svg })
}
