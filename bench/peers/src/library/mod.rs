//! What is compared.

mod dbos;
mod duroxide;
mod restate;
mod steno;

use crate::{process::Job, shared::flight::Flown};
use serde::{Deserialize, Serialize};

/// One of them, with where it keeps what it has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Library {
    Dbos,
    Steno,
    Duroxide,
    /// The same, asking its database a hundred times as often whether there is something to do.
    DuroxideEager,
    Restate,
}

impl Library {
    pub(crate) const ALL: [Self; 5] = [Self::Dbos, Self::Restate, Self::Steno, Self::Duroxide, Self::DuroxideEager];

    /// Those that can be run here.
    pub(crate) fn here() -> Vec<Self> {
        let here = |library: &Self| *library != Self::Restate || restate::program().is_some();
        Self::ALL.into_iter().filter(here).collect()
    }

    /// As it is called in options and in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Dbos => "dbos",
            Self::Steno => "steno",
            Self::Duroxide => "duroxide",
            Self::DuroxideEager => "duroxide-eager",
            Self::Restate => "restate",
        }
    }

    /// As it is called in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Dbos => "`dbos` 0.5.0, Postgres",
            Self::Steno => "`steno` 0.5.0, in memory, nothing durable",
            Self::Duroxide => "`duroxide` 0.1.32, SQLite (`synchronous = NORMAL`)",
            Self::DuroxideEager => "the same, polling each millisecond",
            Self::Restate => "Restate's server, `restate-sdk` 0.13.0",
        }
    }

    pub(crate) fn store(self) -> &'static str {
        match self {
            Self::Dbos => "postgres",
            Self::Steno => "memory",
            Self::Duroxide | Self::DuroxideEager => "sqlite",
            Self::Restate => "restate",
        }
    }

    /// How much longer than the others it is measured: what a saga takes longer than the time that is measured is not counted.
    pub(crate) fn patience(self) -> f64 {
        match self {
            Self::Dbos | Self::Restate | Self::Steno => 1.0,
            Self::Duroxide | Self::DuroxideEager => 4.0,
        }
    }

    /// Opens it, lets `ready` say so, and runs the closed loop.
    pub(crate) async fn run(self, job: &Job, ready: impl AsyncFnOnce() -> Result<(), String>) -> Result<Flown, String> {
        match self {
            Self::Dbos => dbos::run(job, ready).await,
            Self::Restate => restate::run(job, ready).await,
            Self::Steno => steno::run(job, ready).await,
            Self::Duroxide | Self::DuroxideEager => duroxide::run(job, self == Self::DuroxideEager, ready).await,
        }
    }
}
