//! The command line.

use clap::{Parser, Subcommand};

use crate::{demo, orders, participant, place};

/// A shop's checkout as a saga: four services, and a demonstration that breaks them.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What this process is to be.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The service that keeps the stock.
    Inventory(participant::Options),
    /// The service that charges cards.
    Payments(participant::Options),
    /// The service that sends parcels.
    Shipping(participant::Options),
    /// The orchestrator: takes orders and runs their sagas.
    Orders(orders::Options),
    /// Send a file of orders.
    Place(place::Options),
    /// Start everything, break it, and look whether anything was lost. What `checkout` alone does.
    Demo(demo::Options),
}
