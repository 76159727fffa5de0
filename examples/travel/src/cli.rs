//! The command line.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use saga_runtime::prelude::*;
use tokio::net::TcpListener;

use crate::agency::Cancellation;
use crate::saga::Travel;
use crate::services::{Faults, Services};
use crate::traveller::Agency;
use crate::trip::{Card, Trip};
use crate::{Failed, agency, demo};

/// What a process that listens says first; its address follows.
pub(crate) const LISTENING: &str = "listening on ";

/// A travel agency: trips as sagas, and a demonstration that breaks them.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Break everything, and look whether anything was left. What `travel` alone does.
    Demo(demo::Options),
    /// Run the services that are called: carriers, hotels, cars and a bank.
    Services {
        /// Where their databases are.
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
        /// Where to listen.
        #[arg(long, env = "TRAVEL_SERVICES", default_value = "127.0.0.1:7081")]
        listen: String,
        /// Out of a hundred calls so many fail, of as many the answer is lost, and as many are carried out late.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=33))]
        faults: u64,
    },
    /// Run the agency: the sagas.
    Agency {
        /// Where its database is.
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
        /// Where to listen.
        #[arg(long, env = "TRAVEL_AGENCY", default_value = "127.0.0.1:7080")]
        listen: String,
        /// Where the services listen.
        #[arg(long, env = "TRAVEL_SERVICES", default_value = "127.0.0.1:7081")]
        services: String,
        /// Stop when standard input ends: when whoever holds its other end is gone, however it went.
        #[arg(long, hide = true)]
        until_stdin_ends: bool,
    },
    /// Ask for a trip. Everything is held for some time, and has to be paid.
    Book {
        #[command(flatten)]
        which: Which,
        /// Lisbon, Vienna or Bergen.
        #[arg(long)]
        to: String,
        /// Who travels; once for each.
        #[arg(long = "passenger", value_name = "NAME", required = true)]
        passengers: Vec<String>,
        /// How many nights in the hotel.
        #[arg(long, default_value_t = 2)]
        nights: u32,
        /// How many seconds there are to pay.
        #[arg(long, value_name = "SECONDS", default_value_t = 30 * 60)]
        pay_within: u64,
    },
    /// Pay for a trip.
    Pay {
        #[command(flatten)]
        which: Which,
        /// The card; those that begin with `tok_declined` are declined.
        #[arg(long)]
        card: String,
    },
    /// Cancel a trip, which is possible until it is paid.
    Cancel {
        #[command(flatten)]
        which: Which,
        /// Why.
        #[arg(long)]
        because: String,
    },
    /// Draw the saga, as SVG.
    Graph,
    /// Show how a trip stands, and all that happened to it.
    Show {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// The trip's id, which the traveller makes up.
    trip: String,
    /// Where the agency listens.
    #[arg(long, env = "TRAVEL_AGENCY", default_value = "127.0.0.1:7080")]
    agency: String,
}

impl Which {
    fn agency(&self) -> Agency {
        Agency::at(&self.agency)
    }
}

impl Cli {
    /// Does what it says.
    pub(crate) async fn run(self) -> Result<ExitCode, Failed> {
        match self.command {
            None => return demo::run(demo::Options::parse_from(["demo"])).await,
            Some(Command::Demo(options)) => return demo::run(options).await,
            Some(Command::Services { dir, listen, faults }) => {
                std::fs::create_dir_all(&dir)?;
                let services = Services::open(&dir).await?;
                services.serve(listening(&listen).await?, Arc::new(Faults::new(faults, 1))).await?;
            }
            Some(Command::Agency { dir, listen, services, until_stdin_ends }) => {
                std::fs::create_dir_all(&dir)?;
                if until_stdin_ends {
                    std::thread::spawn(|| {
                        // An error is an end, too.
                        let _ = io::copy(&mut io::stdin(), &mut io::sink());
                        std::process::exit(0)
                    });
                }
                agency::serve(&dir, listening(&listen).await?, &services).await?;
            }
            Some(Command::Book { which, to, passengers, nights, pay_within }) => {
                let trip = Trip { to, passengers, nights, pay_within };
                which.agency().book(&which.trip, &trip).await?;
                println!("{} is asked for", which.trip);
            }
            Some(Command::Pay { which, card }) => {
                which.agency().pay(&which.trip, &Card(card)).await?;
                println!("the payment for {} is on its way", which.trip);
            }
            Some(Command::Cancel { which, because }) => {
                let Cancellation { granted, reason } = which.agency().cancel(&which.trip, &because).await?;
                if !granted {
                    return Err(format!("it cannot be cancelled: {}", reason.unwrap_or_default()).into());
                }
                println!("{} is cancelled, and everything is given back", which.trip);
            }
            Some(Command::Graph) => print!("{}", Travel::definition().to_svg()),
            Some(Command::Show { which }) => {
                let agency = which.agency();
                let stand = agency.show(&which.trip).await?;
                print!("{}", agency.timeline(&which.trip).await?);
                println!("{} is {stand}", which.trip);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Listens, and says where.
async fn listening(address: &str) -> Result<TcpListener, Failed> {
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    writeln!(io::stdout(), "{LISTENING}{}", listener.local_addr()?)?;
    Ok(listener)
}
