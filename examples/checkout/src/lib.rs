//! A checkout: four services over HTTP, one of which runs the saga, and a demonstration that
//! kills it in the middle. See the README beside this crate.
//!
//! The saga is public, for others that have a checkout as a part of them: [`Checkout`], what it takes and gives
//! ([`Order`], [`Receipt`], [`Denial`]), and the three [`Services`] that it calls, in the caller's own process.

mod address;
mod chance;
mod cli;
mod demo;
mod json;
mod money;
mod order;
mod orders;
mod participant;
mod place;
mod problem;
mod serve;
mod services;
mod shop;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use participant::Service;

pub use order::{BadOrder, Order};
pub use orders::{Checkout, Denial};
pub use services::Services;
pub use shop::Receipt;

/// Why a command failed. It is only ever shown.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The program: reads the command line, and does what it says.
pub async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Standard output says where a service listens, and what came out; everything else goes to standard error.
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failed> {
    match cli.command {
        Some(Command::Inventory(options)) => participant::run(Service::Inventory, options).await?,
        Some(Command::Payments(options)) => participant::run(Service::Payments, options).await?,
        Some(Command::Shipping(options)) => participant::run(Service::Shipping, options).await?,
        Some(Command::Orders(options)) => orders::run(options).await?,
        Some(Command::Place(options)) => return place::run(&options).await,
        Some(Command::Demo(options)) => return demo::run(options).await,
        None => return demo::run(demo::Options::parse_from(["demo"])).await,
    }
    Ok(ExitCode::SUCCESS)
}
