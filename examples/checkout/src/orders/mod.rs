//! The orchestrator: takes orders, and runs one saga for each.

mod api;
mod call;
mod saga;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use saga_runtime::prelude::*;
use saga_runtime::store::sqlite::Sqlite;

use crate::Failed;
use crate::serve::{self, Listen};
pub use saga::{Checkout, Denial};

/// How long running attempts may take once the service was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// What the orchestrator is told on its command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The SQLite file with the sagas in it; it is created where there is none.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    #[command(flatten)]
    listen: Listen,
    /// Where the inventory listens.
    #[arg(long, value_name = "URL")]
    inventory: String,
    /// Where payments listens.
    #[arg(long, value_name = "URL")]
    payments: String,
    /// Where shipping listens.
    #[arg(long, value_name = "URL")]
    shipping: String,
}

/// Runs the orchestrator until it is told to stop. Sagas that were under way when the last one stopped, or was killed,
/// go on at once.
pub(crate) async fn run(options: Options) -> Result<(), Failed> {
    let checkout = Checkout::at(&options.inventory, &options.payments, &options.shipping)?;
    let store = Sqlite::open(&options.db).await?;
    let runtime = Runtime::builder().store(store).register(checkout).start().await?;
    let router = api::router(runtime.clone());
    let served = serve::until_stopped(options.listen, |listener, stop| async move {
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
