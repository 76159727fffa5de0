//! A trip as a saga: seats, a room and a car at the same time, a payment in time, and tickets. See the README beside this
//! crate.

mod agency;
mod cli;
mod client;
mod demo;
mod saga;
mod services;
#[cfg(test)]
mod tests;
mod traveller;
mod trip;
mod verdict;

use std::process::ExitCode;

use clap::Parser;

/// Why a command failed. It is only ever shown.
type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Standard output is for what came out; everything else goes to standard error.
    tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_writer(std::io::stderr).init();
    match cli.run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
