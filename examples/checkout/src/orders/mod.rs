//! The orchestrator: takes orders, and runs one saga for each.

mod api;
mod call;
#[cfg(test)]
mod explored;
mod saga;
mod verify;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use saga_runtime::prelude::*;
use saga_runtime::runtime::Builder;
use saga_runtime::store::postgres::Postgres;
use saga_runtime::store::sqlite::Sqlite;

use crate::Failed;
use crate::address;
use crate::serve::{self, Listen};
pub use saga::{Checkout, Denial};
pub(crate) use verify::Services;

/// How long running attempts may take once the service was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// What the orchestrator is told on its command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    store: Kept,
    /// The schema of that database which the sagas are in; it is created where there is none.
    #[arg(long, value_name = "NAME", default_value = "saga", conflicts_with = "db")]
    schema: String,
    /// How long this worker is taken for alive after it was last heard of.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, conflicts_with = "db", value_parser = clap::value_parser!(u32).range(1..=3600))]
    lease: u32,
    #[command(flatten)]
    listen: Listen,
    /// Where the inventory listens.
    #[arg(long, value_name = "URL", value_parser = address::read)]
    inventory: String,
    /// Where payments listens.
    #[arg(long, value_name = "URL", value_parser = address::read)]
    payments: String,
    /// Where shipping listens.
    #[arg(long, value_name = "URL", value_parser = address::read)]
    shipping: String,
}

/// Where the sagas are kept.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Kept {
    /// The SQLite file with the sagas in it; it is created where there is none.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// A PostgreSQL database: any number of these processes may work on it. `postgres://role:password@host/database`
    #[arg(long, value_name = "URL", value_parser = address::read_database)]
    store: Option<String>,
}

impl Options {
    /// A runtime on the store that was asked for.
    async fn builder(&self) -> Result<Builder, Failed> {
        let builder = Runtime::builder();
        Ok(match (&self.store.store, &self.store.db) {
            (Some(url), _) => {
                let lease = Duration::from_secs(self.lease.into());
                builder.store(Postgres::builder(url).schema(&self.schema).lease(lease).connect().await?)
            }
            (None, Some(file)) => builder.store(Sqlite::open(file).await?),
            (None, None) => return Err("either --db or --store says where the sagas are kept".into()),
        })
    }
}

/// Runs the orchestrator until it is told to stop. Sagas that were under way when the last one stopped, or was killed,
/// go on at once.
pub(crate) async fn run(options: Options) -> Result<(), Failed> {
    let checkout = Checkout::at(&options.inventory, &options.payments, &options.shipping)?;
    let runtime = options.builder().await?.register(checkout).start().await?;
    let Options { inventory, payments, shipping, listen, .. } = options;
    let router = api::router(runtime.clone(), Services { inventory, payments, shipping });
    let served = serve::until_stopped(listen, |listener, stop| async move {
        axum::serve(listener, router).with_graceful_shutdown(stop).await
    })
    .await;
    runtime.shutdown(GRACE).await;
    Ok(served?)
}

/// The saga, drawn.
pub(crate) fn svg() -> String {
    Checkout::definition().to_svg()
}
