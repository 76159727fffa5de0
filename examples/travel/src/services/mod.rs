//! What the saga calls: carriers, hotels, cars and a bank. They share a process here, and nothing else: each has a database
//! of its own, and from `saga-participant` one answer for each key and a barrier against calls that come after their undo.

mod bank;
mod desk;
mod faults;

use std::path::Path;
use std::sync::Arc;

use axum::{Router, middleware};
use saga_participant::{Accepted, Participant};
use saga_runtime::verify::{Effect, Ledger};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool};
use tokio::net::TcpListener;

use crate::Failed;
use crate::trip::Service;

pub(crate) use bank::Payment;
pub(crate) use desk::{Holding, Stage};
pub(crate) use faults::{Faults, LATEST};

/// All that the services have written down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    /// What was ever held.
    pub(crate) holdings: Vec<Holding>,
    /// What was ever paid.
    pub(crate) payments: Vec<Payment>,
}

/// How often the contract between a saga and its services was needed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Saved {
    /// Calls that came again, and got the answer that was stored under their key.
    pub(crate) replays: i64,
    /// Calls that came after their own undo, and were not carried out.
    pub(crate) turned_away: i64,
}

/// The services.
pub(crate) struct Services {
    desks: Vec<(Service, Participant<Sqlite>)>,
    bank: Participant<Sqlite>,
}

impl Services {
    /// Opens each service's database in this folder, and creates those that are not there.
    pub(crate) async fn open(folder: &Path) -> Result<Self, Failed> {
        let mut desks = Vec::new();
        for service in [Service::Carriers, Service::Hotels, Service::Cars] {
            desks.push((service, participant(folder, service.name(), desk::SCHEMA).await?));
        }
        Ok(Self { desks, bank: participant(folder, "bank", bank::SCHEMA).await? })
    }

    /// Serves them all, going wrong as often as `faults` says, until the future is dropped.
    pub(crate) async fn serve(&self, listener: TcpListener, faults: Arc<Faults>) -> Result<(), Failed> {
        let mut router = Router::new().nest("/bank", bank::routes(&self.bank));
        for (service, kit) in &self.desks {
            router = router.nest(&format!("/{}", service.name()), desk::routes(*service, kit));
        }
        let router = router.layer(middleware::from_fn_with_state(faults, faults::misbehave));
        Ok(axum::serve(listener, router).await?)
    }

    /// What is written down at this moment.
    pub(crate) async fn books(&self) -> Result<Books, Failed> {
        let mut books = Books { payments: bank::payments(self.bank.pool()).await?, ..Books::default() };
        for (service, kit) in &self.desks {
            books.holdings.extend(desk::holdings(*service, kit.pool()).await?);
        }
        Ok(books)
    }

    /// What they have accepted so far, in order. They know keys, and no trips: whose they are, the keys tell.
    pub(crate) async fn ledger(&self) -> Result<Ledger, Failed> {
        let mut accepted = Vec::new();
        for (service, kit) in &self.desks {
            let step = match service {
                Service::Carriers => "seat",
                Service::Hotels => "hotel",
                Service::Cars => "car",
            };
            accepted.extend(kit.accepted().await?.into_iter().map(|call| (step, call)));
        }
        accepted.extend(self.bank.accepted().await?.into_iter().map(|call| ("pay", call)));
        accepted.sort_by_key(|(_, call)| call.answered_at);
        let effect = |(step, call): (&str, Accepted)| {
            // A ticket is the same step everywhere.
            let step = if call.action == "issue" { "issue" } else { step };
            let (saga, id, undoes) = ("travel".into(), "".into(), call.undoes.map(Into::into));
            Effect { saga, id, step: step.into(), key: call.key.into(), undoes, changed: call.changed }
        };
        // Nothing is under way any more: all of it counts.
        Ok(Ledger { effects: accepted.into_iter().map(effect).collect(), collected_at: i64::MAX })
    }

    /// How often a key or a barrier was needed.
    pub(crate) async fn saved(&self) -> Result<Saved, Failed> {
        let mut saved = Saved::default();
        for kit in self.desks.iter().map(|(_, kit)| kit).chain([&self.bank]) {
            let counts = kit.counts().await?;
            saved.replays += counts.replays;
            saved.turned_away += counts.turned_away;
        }
        Ok(saved)
    }
}

async fn participant(folder: &Path, name: &str, schema: &'static str) -> Result<Participant<Sqlite>, Failed> {
    let file = folder.join(name).with_extension("db");
    let options =
        SqliteConnectOptions::new().filename(file).create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
    // One connection: SQLite has one writer at a time, and so what is counted in a transaction stays true in it.
    let pool: SqlitePool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::raw_sql(schema).execute(&pool).await?;
    Ok(Participant::open(pool).await?)
}
