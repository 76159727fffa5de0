//! One life of a process that runs a case, and that kills itself at a point if told to.

use crate::{
    Entry, Kill, Ledger, Moment, Planted, Points, StoreKind, Watched,
    books::{Books, Table},
    cases::{Case, Plan},
    ledger::Done,
    table::call,
    trip::{self, Trip},
    voyage::{self, Meals, Port, Survey, Voyage},
};
use saga_runtime::{
    prelude::*,
    runtime::{Builder, Cause, Filter, Handle, Settled},
    store::{self, Store, postgres::Postgres, sqlite::Sqlite},
    verify::{self, Verdict, verify},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, postgres::PgConnectOptions, query_scalar};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

type Failed = Box<dyn std::error::Error>;

/// A worker on Postgres is taken for dead after so long: short, since each life after a kill waits for it, and long enough for one that
/// has to share its processor.
const LEASE: Duration = Duration::from_millis(500);

/// Nothing here takes so long: an instance that nobody wakes would hang the trial.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Life {
    /// Where what belongs to its history is.
    pub folder: PathBuf,
    /// On which store it works.
    pub store: StoreAt,
    /// The case's name.
    pub case: String,
    /// Which life of the history it is, from 1.
    pub number: usize,
    /// Where it ends.
    pub kill: Option<Kill>,
    /// The mistake that is planted.
    pub planted: Option<Planted>,
}

/// A store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum StoreAt {
    /// A file of its own in the history's folder.
    Sqlite,
    /// A schema of its own on a server.
    Postgres {
        /// The connection string.
        url: String,
        /// The schema.
        schema: String,
    },
}

/// What a life finds when it begins.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Found {
    /// How much there is in the ledger.
    pub entries: usize,
    /// How many of these are undos.
    pub undos: usize,
    /// The rows of all journals, each without the branch that it stands in.
    pub journal: Vec<Value>,
}

/// What a life that was not killed says last.
#[derive(Debug, Serialize, Deserialize)]
pub struct Survived {
    /// How it ended: `completed` or `compensated`.
    pub end: String,
    /// With what.
    pub with: Value,
    /// How many instances there are.
    pub instances: usize,
    /// How many of them have not ended.
    pub open: usize,
    /// What is wrong with the store or the ledger.
    pub violations: Vec<String>,
    /// The points that it passed.
    pub moments: Vec<Moment>,
    /// What participants saw, over all lives.
    pub ledger: Vec<Entry>,
}

impl StoreAt {
    /// Which kind.
    pub fn kind(&self) -> StoreKind {
        match self {
            Self::Sqlite => StoreKind::Sqlite,
            Self::Postgres { .. } => StoreKind::Postgres,
        }
    }

    fn file(folder: &Path) -> PathBuf {
        folder.join("store.db")
    }

    /// The table of the application beside the store's.
    fn table(&self, folder: &Path) -> Table {
        match self {
            Self::Sqlite => Table::Sqlite(Self::file(folder)),
            Self::Postgres { url, schema } => Table::Postgres { url: url.clone(), name: format!("public.{schema}") },
        }
    }

    async fn open(&self, folder: &Path) -> Result<Arc<dyn Store>, Failed> {
        Ok(match self {
            Self::Sqlite => Arc::new(Sqlite::builder(Self::file(folder)).beside_other_tables().open().await?),
            Self::Postgres { url, schema } => {
                let builder = Postgres::builder(url.clone()).schema(schema.clone()).lease(LEASE);
                // One instance, and seldom more than that: every connection is a process of the server.
                let builder = builder.working_connections(1).reading_connections(1).step_connections(1);
                Arc::new(builder.connect().await?)
            }
        })
    }

    /// Who works on it and who waits for whom, for whoever has to find out why something does not end.
    async fn told(&self) -> Result<String, Failed> {
        let mut told = Vec::new();
        if let Self::Postgres { url, schema } = self {
            let mut conn = url.parse::<PgConnectOptions>()?.connect().await?;
            let queries = [
                format!("SELECT w::text FROM {schema}.worker AS w"),
                format!("SELECT d::text FROM {schema}.dead AS d"),
                format!("SELECT i::text FROM {schema}.instance AS i"),
                "SELECT concat_ws(' ', pid, pg_blocking_pids(pid), state, wait_event_type, wait_event, query) FROM pg_stat_activity
                 WHERE state <> 'idle'"
                    .to_owned(),
                "SELECT clock_timestamp()::text".to_owned(),
            ];
            for query in queries {
                told.extend(query_scalar::<_, String>(AssertSqlSafe(query)).fetch_all(&mut conn).await?);
            }
        }
        Ok(told.join(
            "
",
        ))
    }

    /// Leaves nothing behind where many are made.
    async fn sweep(&self) -> Result<(), Failed> {
        if let Self::Postgres { url, schema } = self {
            let mut conn = url.parse::<PgConnectOptions>()?.connect().await?;
            conn.execute(AssertSqlSafe(format!("SET client_min_messages = warning; DROP SCHEMA {schema} CASCADE")))
                .await?;
            conn.execute(AssertSqlSafe(format!("DROP TABLE IF EXISTS public.{schema}"))).await?;
        }
        Ok(())
    }
}

impl Life {
    /// Where it says what it found.
    pub fn found(&self) -> PathBuf {
        self.folder.join(format!("found-{}.json", self.number))
    }

    /// Where it says at which point it ended.
    pub fn death(&self) -> PathBuf {
        self.folder.join(format!("death-{}.json", self.number))
    }

    /// Lives.
    ///
    /// # Errors
    /// Something is not as it should be.
    pub async fn live(&self) -> Result<Survived, Failed> {
        let case = Case::named(&self.case).ok_or("there is no such case")?;
        let struck = (self.planted == Some(Planted::Unlisted)).then_some("before effect: step");
        let points = Points::until(self.kill.clone(), &self.death(), struck);
        let ledger = Arc::new(Ledger::open(&self.folder.join("ledger.jsonl"), Arc::clone(&points), self.planted));
        let table = matches!(case.plan, Plan::Books(_)).then(|| self.store.table(&self.folder));
        if let Some(table) = &table {
            table.make().await?;
        }
        let store = self.store.open(&self.folder).await?;
        let world = World { store, ledger, table };
        std::fs::write(self.found(), serde_json::to_string(&world.found().await?)?)?;

        let watched = Watched::new(Arc::clone(&world.store), Arc::clone(&points));
        let builder = Runtime::builder().shared_store(Arc::new(watched)).observer(points.observer());
        let runtime = world.register(case, &points, builder).start().await?;
        let running = world.run(case, &runtime);
        let Ok(ran) = tokio::time::timeout(PATIENCE, running).await else {
            let ready = runtime.ready().map_or_else(|error| error.to_string(), |()| "ready".to_owned());
            let mut moments = points.passed_so_far();
            // It shows that it is alive for as long as it is.
            moments.retain(|names| !names.iter().any(|name| name.ends_with(call::BURY)));
            let last = &moments[moments.len().saturating_sub(40)..];
            return Err(format!(
                "it does not end: {ready}\n{last:?}\n{}\n{}",
                self.store.told().await?,
                world.told().await?
            )
            .into());
        };
        let (end, with) = ran?;
        runtime.shutdown(Duration::from_secs(5)).await;
        drop(runtime);

        let instances = world.store.list(&store::Filter::default(), None, 100).await?.len();
        let (verdict, ledger) = (world.verdict().await?, world.entries().await?);
        world.store.close().await?;
        if verdict.violations.is_empty() {
            self.store.sweep().await?;
        }
        Ok(Survived {
            end: end.to_owned(),
            with,
            instances,
            open: verdict.open,
            violations: verdict.violations.iter().map(ToString::to_string).collect(),
            moments: points.passed_so_far(),
            ledger,
        })
    }
}

/// What outlives a process.
struct World {
    store: Arc<dyn Store>,
    ledger: Arc<Ledger>,
    /// Instead of the ledger, where steps write in the store's transaction.
    table: Option<Table>,
}

type Ended = Result<(&'static str, Value), Failed>;

impl World {
    async fn entries(&self) -> Result<Vec<Entry>, Failed> {
        match &self.table {
            Some(table) => Ok(table.entries().await?.into_iter().map(Entry::Done).collect()),
            None => Ok(self.ledger.entries()),
        }
    }

    async fn journal(&self) -> Result<Vec<Value>, Failed> {
        let mut journal = Vec::new();
        for instance in self.store.list(&store::Filter::default(), None, 100).await? {
            for row in self.store.journal(instance.no, 1, usize::MAX).await? {
                let event: Value = serde_json::from_str(&row.event)?;
                journal.push(event.pointer("/in/event").cloned().unwrap_or(event));
            }
        }
        Ok(journal)
    }

    /// What the one before has left.
    async fn found(&self) -> Result<Found, Failed> {
        // What a dead process sent last may arrive in between: then the journal is another one.
        let mut journal = self.journal().await?;
        loop {
            let entries = self.entries().await?;
            let again = self.journal().await?;
            if again != journal {
                journal = again;
                continue;
            }
            let undoes = |entry: &&Entry| matches!(entry, Entry::Done(done) if done.effect.undoes.is_some());
            return Ok(Found { entries: entries.len(), undos: entries.iter().filter(undoes).count(), journal });
        }
    }

    async fn verdict(&self) -> Result<Verdict, Failed> {
        let effects = self.entries().await?.into_iter().filter_map(|entry| match entry {
            Entry::Done(Done { effect, .. }) => Some(effect),
            Entry::Asked(_) => None,
        });
        let effects = effects.collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
        Ok(verify(&*self.store, &verify::Ledger { effects, collected_at: i64::try_from(now)? }).await?)
    }

    /// Where everything stands, for whoever has to find out why it does not end.
    async fn told(&self) -> Result<String, Failed> {
        let mut told = Vec::new();
        for instance in self.store.list(&store::Filter::default(), None, 100).await? {
            told.push(format!("{instance:?}"));
            for row in self.store.journal(instance.no, 1, usize::MAX).await? {
                told.push(format!("  {} {}", row.seq, row.event));
            }
        }
        Ok(told.join("\n"))
    }

    fn register(&self, case: &Case, points: &Arc<Points>, builder: Builder) -> Builder {
        match &case.plan {
            Plan::Trip { busy, stuck, .. } => {
                builder.register(Trip { ledger: Arc::clone(&self.ledger), busy: *busy, stuck: *stuck })
            }
            Plan::Voyage(_) => {
                let port = Port { ledger: Arc::clone(&self.ledger) };
                builder.register(Voyage(port.clone())).register(Meals(port.clone())).register(Survey(port))
            }
            Plan::Books(_) => match &self.table {
                Some(table) => builder.register(Books { points: Arc::clone(points), table: table.clone() }),
                None => builder,
            },
        }
    }

    async fn run(&self, case: &Case, runtime: &Runtime) -> Ended {
        match &case.plan {
            Plan::Trip { plan, .. } => travel(runtime, plan).await,
            Plan::Voyage(plan) => self.sail(runtime, plan).await,
            Plan::Books(undone) => ended(runtime.start::<Books>("1", *undone).await?.result().await?),
        }
    }

    /// A voyage, and what somebody outside does: the passenger goes aboard, at any time and more than once; or gives up once all is
    /// booked.
    async fn sail(&self, runtime: &Runtime, plan: &voyage::Plan) -> Ended {
        let saga = runtime.start::<Voyage>("1", plan.clone()).await?;
        if plan.cancelled {
            let booked = |entry: &Entry| matches!(entry, Entry::Done(done) if done.about == "dinner");
            while !self.ledger.entries().iter().any(booked) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            // The second question is answered with the same decision, or finds that it has ended.
            let _ = saga.cancel("seasick").await;
        } else {
            for _ in 0..2 {
                saga.signal_once(Voyage::ABOARD, "gangway", 1).await.or_else(too_late)?;
            }
        }
        let end = ended(saga.result().await?)?;
        // What was launched goes its own way.
        for listed in runtime.list(&Filter::new()).await?.instances {
            if &*listed.saga == "survey"
                && let Some(survey) = runtime.get::<Survey>(&listed.id).await?
            {
                survey.result().await?;
            }
        }
        Ok(end)
    }
}

/// In a life that finds it ended there is nobody to tell.
fn too_late(error: saga_runtime::Error) -> Result<(), saga_runtime::Error> {
    if error.is_ended() { Ok(()) } else { Err(error) }
}

/// A trip, and the person who gives up what cannot be undone, and settles what is owed then.
async fn travel(runtime: &Runtime, plan: &trip::Plan) -> Ended {
    let starting = runtime.start::<Trip>("1", plan.clone());
    let saga =
        if plan.late { starting.deadline(trip::TIME).await? } else { starting.label("traveller", "ann").await? };
    let end = loop {
        match saga.settled().await? {
            Settled::Ended(end) => break end,
            Settled::Parked { .. } => give_up(&saga).await?,
        }
    };
    if !runtime.debts().await?.is_empty() {
        saga.settle_debt("ann", "the hotel was paid").await?;
    }
    ended(end)
}

async fn give_up(saga: &Handle<Trip>) -> Result<(), Failed> {
    if let Some(park) = saga.park().await? {
        // Whether it was the first click or a second one, the next look tells.
        let _ = park.skip("ann", "the hotel keeps the money").await;
    }
    Ok(())
}

fn ended<T: Serialize, R: fmt::Debug>(end: End<T, R>) -> Ended {
    Ok(match end {
        End::Completed(output) => ("completed", serde_json::to_value(output)?),
        End::Compensated { cause: Cause::Deadline, .. } => ("compensated", Value::Null),
        End::Compensated { cause, .. } => ("compensated", format!("{cause:?}").into()),
    })
}
