//! `travel demo`: nine trips, services that misbehave, and an agency that is killed in the middle of its work, twice.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use saga_runtime::prelude::*;
use saga_runtime::store::Store;
use saga_runtime::verify::verify_by;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::Failed;
use crate::agency::{self, Stand};
use crate::cli::LISTENING;
use crate::saga::Travel;
use crate::services::{Faults, LATEST, Services};
use crate::traveller::Agency;
use crate::trip::{Card, Trip};
use crate::verdict::{self, Ended};

/// What `travel demo` is told.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Out of a hundred calls so many fail, of as many the answer is lost, and as many are carried out late.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(..=33))]
    faults: u64,
    /// What the faults are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the databases in this folder, which must be empty or new.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// What a traveller is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    Pays,
    PaysWithABadCard,
    NeverPays,
    Cancels,
    /// And is told that it is too late.
    CancelsOncePaid,
    /// Wants to go where nobody goes.
    CannotGo,
}

/// The travellers: so many seats are there on the trains and rooms in the good hotels that not everybody has one.
const TRAVELLERS: [(&str, &str, &[&str], Plan); 9] = [
    ("ada", "Lisbon", &["Ada", "Charles"], Plan::Pays),
    ("emmy", "Lisbon", &["Emmy", "David", "Felix", "Hermann", "Max"], Plan::Pays),
    ("niels", "Lisbon", &["Niels", "Margrethe"], Plan::Pays),
    ("sofia", "Vienna", &["Sofia"], Plan::Pays),
    ("kurt", "Vienna", &["Kurt", "Adele"], Plan::PaysWithABadCard),
    ("alan", "Vienna", &["Alan"], Plan::Cancels),
    ("grace", "Bergen", &["Grace"], Plan::NeverPays),
    ("barbara", "Bergen", &["Barbara", "Tony", "Edsger"], Plan::CancelsOncePaid),
    ("jules", "Atlantis", &["Jules", "Honorine"], Plan::CannotGo),
];

/// How long everything together may take.
const PATIENCE: Duration = Duration::from_mins(4);

/// How often one looks how things stand.
const LOOK: Duration = Duration::from_millis(50);

/// Ends with Ctrl-C or SIGTERM.
async fn asked_to_stop() -> std::io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminated.recv() => Ok(()),
    }
}

/// Runs the demonstration; Ctrl-C or SIGTERM ends it, and with it everything that it started.
pub(crate) async fn run(options: Options) -> Result<ExitCode, Failed> {
    let made = TempDir::with_prefix("travel-")?;
    let folder = options.dir.clone().unwrap_or_else(|| made.path().to_owned());
    std::fs::create_dir_all(&folder)?;
    // The books of another run would be judged together with this one's.
    if std::fs::read_dir(&folder)?.next().is_some() {
        return Err(format!("{} is not empty", folder.display()).into());
    }
    let violations = tokio::select! {
        ended = timeout(PATIENCE, demonstrate(&options, &folder)) => ended??,
        // What was made and started goes with this function.
        asked = asked_to_stop() => return Err(asked.err().map_or_else(|| "interrupted".into(), Into::into)),
    };
    if violations.is_empty() {
        println!("Verdict: who has tickets has paid for them, once; of the other trips nothing is left.");
        return Ok(ExitCode::SUCCESS);
    }
    for violation in &violations {
        println!("VIOLATION: {violation}");
    }
    if options.dir.is_none() {
        println!("the databases are kept in {}", made.keep().display());
    }
    Ok(ExitCode::FAILURE)
}

/// Does it all, and gives what was found to be wrong.
async fn demonstrate(options: &Options, folder: &Path) -> Result<Vec<String>, Failed> {
    let services = Services::open(folder).await?;
    let faults = Arc::new(Faults::new(options.faults, options.seed));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let serving = services.serve(listener, Arc::clone(&faults));
    tokio::select! {
        served = serving => Err(served.err().unwrap_or_else(|| "the services stopped".into())),
        found = travel(folder, &address, &services, &faults) => found,
    }
}

async fn travel(folder: &Path, address: &str, services: &Services, faults: &Faults) -> Result<Vec<String>, Failed> {
    let mut process = Process::start(folder, address, "127.0.0.1:0").await?;
    let agency = Agency::at(&process.address);

    println!("{} trips are asked for, of services that fail, lose answers and act late.", TRAVELLERS.len());
    for (id, to, passengers, plan) in TRAVELLERS {
        let passengers = passengers.iter().map(|name| (*name).to_owned()).collect();
        let pay_within = if plan == Plan::NeverPays { 3 } else { 30 * 60 };
        agency.book(id, &Trip { to: to.to_owned(), passengers, nights: 2, pay_within }).await?;
    }
    sleep(LOOK).await;
    process.kill_and_restart(folder, address, &agency).await?;

    for (id, .., plan) in TRAVELLERS {
        until(&agency, id, |stand| *stand == Stand::WaitsForPayment || stand.is_end()).await?;
        match plan {
            Plan::Pays | Plan::CancelsOncePaid => agency.pay(id, &Card("tok_visa".to_owned())).await?,
            Plan::PaysWithABadCard => agency.pay(id, &Card("tok_declined".to_owned())).await?,
            Plan::Cancels => cancel(&agency, id, "the conference is off").await?,
            Plan::NeverPays | Plan::CannotGo => {}
        }
    }
    process.kill_and_restart(folder, address, &agency).await?;

    for (id, ..) in TRAVELLERS.iter().filter(|(.., plan)| *plan == Plan::CancelsOncePaid) {
        until(&agency, id, |stand| stand.is_end() || is_paying(stand)).await?;
        cancel(&agency, id, "it rains in Bergen").await?;
    }
    for (id, ..) in TRAVELLERS {
        until(&agency, id, Stand::is_end).await?;
    }
    // What is late may still come, and must find its barrier or its answer.
    sleep(LATEST).await;
    let mut violations = report(&agency, services, faults).await?;
    // Only one process at a time works on a file.
    process.child.kill().await?;
    violations.extend(verify(folder, services).await?);
    Ok(violations)
}

/// Holds the agency's journals against what the services have accepted.
async fn verify(folder: &Path, services: &Services) -> Result<Vec<String>, Failed> {
    let store = Sqlite::open(agency::file(folder)).await?;
    let verdict = verify_by(&store, &services.ledger().await?, &[Travel::definition()]).await?;
    store.close().await?;
    let told = verdict.to_string();
    println!("Journals held against what the services accepted: {}", told.lines().next().unwrap_or_default());
    Ok(verdict.violations.iter().map(ToString::to_string).collect())
}

/// Tells how each trip ended, and judges all of them.
async fn report(agency: &Agency, services: &Services, faults: &Faults) -> Result<Vec<String>, Failed> {
    let mut ended = Vec::new();
    let mut violations = Vec::new();
    println!();
    for (id, to, passengers, plan) in TRAVELLERS {
        let stand = agency.show(id).await?;
        println!("{id:8} {to:8} {:>2} people   {stand}", passengers.len());
        let goes = matches!(plan, Plan::Pays | Plan::CancelsOncePaid);
        if goes != matches!(stand, Stand::Booked(_)) {
            violations.push(format!("{id}, {stand}: that was not the plan, {plan:?}"));
        }
        let passengers = passengers.iter().map(|name| (*name).to_owned()).collect();
        let trip = Trip { to: to.to_owned(), passengers, nights: 2, pay_within: 0 };
        ended.push(Ended { id: id.to_owned(), trip, stand });
    }
    let ((calls, wrong), saved) = (faults.counts(), services.saved().await?);
    println!();
    println!("The services were called {calls} times, and {wrong} calls went wrong on purpose.");
    println!(
        "{} calls came again and were answered by their key, {} came after their own undo and were turned away.",
        saved.replays, saved.turned_away
    );
    violations.extend(verdict::judge(&ended, &services.books().await?));
    Ok(violations)
}

async fn cancel(agency: &Agency, id: &str, because: &str) -> Result<(), Failed> {
    let decision = agency.cancel(id, because).await?;
    let answer = decision.reason.map_or_else(|| "granted".to_owned(), |reason| format!("refused, {reason}"));
    println!("{id} wants to cancel, since {because}: {answer}.");
    Ok(())
}

/// Looks again and again, until it stands so.
async fn until(agency: &Agency, id: &str, enough: impl Fn(&Stand) -> bool) -> Result<(), Failed> {
    loop {
        let stand = agency.show(id).await?;
        if enough(&stand) {
            return Ok(());
        }
        if let Stand::NeedsAPerson(why) = stand {
            return Err(format!("{id} needs a person: {why}").into());
        }
        sleep(LOOK).await;
    }
}

/// Whether the payment has begun or is made.
fn is_paying(stand: &Stand) -> bool {
    matches!(stand, Stand::UnderWay(state) if state == "pay" || state == "issue")
}

/// The agency, in a process of its own: this same program with other arguments. It ends with this value, and with this
/// process however that ends, since its standard input is a pipe whose other end is here.
struct Process {
    child: Child,
    address: String,
}

impl Process {
    async fn start(folder: &Path, services: &str, listen: &str) -> Result<Self, Failed> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["agency", "--until-stdin-ends", "--services", services, "--listen", listen, "--dir"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line).await?;
        let address = line.trim().strip_prefix(LISTENING).ok_or("the agency did not start")?.to_owned();
        Ok(Self { child, address })
    }

    /// SIGKILL, in the middle of whatever it does; and then another one, on the same database and at the same address.
    async fn kill_and_restart(&mut self, folder: &Path, services: &str, agency: &Agency) -> Result<(), Failed> {
        let mut under_way = 0;
        for (id, ..) in TRAVELLERS {
            under_way += usize::from(!agency.show(id).await?.is_end());
        }
        self.child.kill().await?;
        println!("The agency is killed with {under_way} trips under way, and started again.");
        *self = Self::start(folder, services, &self.address).await?;
        Ok(())
    }
}
