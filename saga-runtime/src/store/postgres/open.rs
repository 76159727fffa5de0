//! How a connection string becomes a store.

use super::{
    Inner, Postgres,
    claim::Lost,
    doubt::Doubt,
    error::Fault,
    names::Names,
    news::Crier,
    pool::{Pool, connect},
    schema::{self, unusable},
};
use crate::store::StoreError;
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
    query_scalar,
};
use std::{
    fmt,
    str::FromStr,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};
use tokio::sync::Mutex;

/// Connections that claim, send and bury, if nothing else is said.
const WORKING: u32 = 4;
/// Connections that read, if nothing else is said.
const READERS: u32 = 4;
/// Connections in the hands of steps, if nothing else is said.
const STEPS: u32 = 8;
/// Connections that renew the lease and tell others: nothing that takes long keeps them.
const ASIDE: u32 = 2;
/// A worker is taken for dead when it was not heard of for so long.
const LEASE: Duration = Duration::from_secs(15);

/// Options for connecting to a [`Postgres`] store. The defaults are right for nearly everybody.
#[derive(Clone)]
#[must_use = "nothing is opened before `connect`"]
pub struct PostgresBuilder {
    url: String,
    schema: String,
    lease: Duration,
    working: u32,
    readers: u32,
    steps: u32,
    pooled: bool,
    listen: Listen,
}

#[derive(Clone)]
enum Listen {
    /// By the same connection string.
    Here,
    /// By another one, which leads past a pooling proxy.
    At(String),
    /// Not at all.
    Never,
}

impl fmt::Debug for PostgresBuilder {
    /// Without the connection strings, which hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("schema", &self.schema)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

impl PostgresBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            schema: "saga".to_owned(),
            lease: LEASE,
            working: WORKING,
            readers: READERS,
            steps: STEPS,
            pooled: false,
            listen: Listen::Here,
        }
    }

    /// The schema in which the store's tables are: `saga`, if nothing else is said. Small letters, digits and `_`.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// How long a worker is taken for alive after it was last heard of: 15 seconds, if nothing else is said. Less means that others
    /// take its work over sooner, and that a worker which stands still for a moment loses its work sooner.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How many connections claim, send messages and bury what has ended: 4, if nothing else is said. The commits have one of their
    /// own, whatever is said here: more than one would only make smaller batches.
    pub fn working_connections(mut self, number: u32) -> Self {
        self.working = number.max(1);
        self
    }

    /// How many connections read: 4, if nothing else is said.
    pub fn reading_connections(mut self, number: u32) -> Self {
        self.readers = number.max(1);
        self
    }

    /// How many [transactional steps](crate::StepContext) can be under way at the same time: 8, if nothing else is said.
    pub fn step_connections(mut self, number: u32) -> Self {
        self.steps = number.max(1);
        self
    }

    /// The connection string leads to a proxy that gives each transaction another connection, such as pgbouncer with
    /// `pool_mode = transaction`.
    ///
    /// The proxy has to know prepared statements (pgbouncer 1.21 or later, with `max_prepared_statements` at 100 or more), and the
    /// database's own defaults have to be what the store otherwise sets for its connections: `default_transaction_isolation`
    /// `read committed`, `synchronous_commit` not `off`, and, so that a statement which was planned while the tables were small is
    /// not kept for too long, `ALTER ROLE .. SET` for the role of the store: `enable_seqscan`, `enable_bitmapscan` and `jit` to `off`,
    /// and `plan_cache_mode` to `force_generic_plan`. News cannot be heard through such a proxy: say where they can with
    /// [`listen_at`](Self::listen_at); otherwise this worker polls.
    pub fn behind_a_transaction_pooler(mut self) -> Self {
        self.pooled = true;
        if let Listen::Here = self.listen {
            self.listen = Listen::Never;
        }
        self
    }

    /// Hears what other workers do by a connection of its own, with this connection string: one that leads to the server itself.
    pub fn listen_at(mut self, url: impl Into<String>) -> Self {
        self.listen = Listen::At(url.into());
        self
    }

    /// Hears nothing of other workers, and finds their work and messages by polling alone.
    pub fn poll_only(mut self) -> Self {
        self.listen = Listen::Never;
        self
    }

    /// Connects, and makes the tables if they are not there or of an earlier release.
    ///
    /// # Errors
    /// As [`Postgres::connect`].
    pub async fn connect(self) -> Result<Postgres, StoreError> {
        self.open().await.map_err(Fault::into_store_error)
    }

    async fn open(self) -> Result<Postgres, Fault> {
        let names = Names::new(&self.schema).ok_or_else(|| {
            unusable(format_args!(
                "`{}` is no name for the store's schema: small letters, digits and `_`, at most 48",
                self.schema
            ))
        })?;
        let names = Arc::new(names);
        let options = read(&self.url)?;
        let mut options = self.own(options);
        let mut conn = first(&options).await?;
        // Durable when the answer is there, whatever the database's default.
        let durable: String = query_scalar("SHOW synchronous_commit").fetch_one(&mut conn).await?;
        if durable == "off" {
            if self.pooled {
                return Err(StoreError::Unusable(
                    "the connections' `synchronous_commit` is `off`: what is answered could be lost. Behind a pooler it cannot be set for a \
                     session: `ALTER ROLE .. SET synchronous_commit = on`"
                        .into(),
                )
                .into());
            }
            options = options.options([("synchronous_commit", "on")]);
        }
        let prepared = schema::prepare(&mut conn, &names).await;
        // What it was in the middle of, if it failed, ends with it.
        drop(conn.close().await);
        prepared?;
        let listening = match &self.listen {
            Listen::Here => Some(options.clone()),
            Listen::At(url) => Some(read(url)?.application_name("saga news")),
            Listen::Never => None,
        };
        let pool = |size| Arc::new(Pool::new(options.clone(), size));
        let aside = pool(ASIDE);
        Ok(Postgres(Arc::new(Inner {
            writer: pool(1),
            work: pool(self.working),
            readers: pool(self.readers),
            steps: pool(self.steps),
            crier: Crier::new(Arc::clone(&aside), &names),
            aside,
            names,
            listening,
            lease: self.lease,
            mine: Mutex::default(),
            me: AtomicI64::default(),
            company: Arc::default(),
            lost: Lost::default(),
            doubt: Doubt::default(),
        })))
    }

    /// What the store's connections are like.
    fn own(&self, options: PgConnectOptions) -> PgConnectOptions {
        let named = options.get_application_name().is_some();
        let mut options = options.disable_statement_logging();
        if !named {
            options = options.application_name("saga");
        }
        if self.pooled {
            // Such a proxy refuses what it does not know.
            return options.extra_float_digits(None);
        }
        options.options([
            ("default_transaction_isolation", "read committed"),
            // Everything that is asked often has an index. A plan that was made while a table was nearly empty is kept, and must not
            // read all of it.
            ("enable_seqscan", "off"),
            // A backlog is read in the order of its index, and no further than needed, also if it has grown since anybody counted it.
            ("enable_bitmapscan", "off"),
            // Planning takes several times as long as what is planned.
            ("plan_cache_mode", "force_generic_plan"),
            // A statement that is compiled first takes longer than it saves.
            ("jit", "off"),
        ])
    }
}

fn read(url: &str) -> Result<PgConnectOptions, Fault> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(unusable("a connection string of Postgres begins with `postgres://`"));
    }
    // The string itself holds a password.
    PgConnectOptions::from_str(url)
        .map_err(|error| unusable(format_args!("the connection string cannot be read: {error}")))
}

/// The first connection shows what is wrong.
async fn first(options: &PgConnectOptions) -> Result<PgConnection, Fault> {
    let place = || format!("{}:{}", options.get_host(), options.get_port());
    match connect(options).await {
        Ok(conn) => Ok(conn),
        Err(Fault::Sql(sqlx::Error::Tls(error))) => {
            let hint = if cfg!(feature = "postgres-tls") || !demands_tls(options) {
                ""
            } else {
                ": this program was built without the feature `postgres-tls` of saga-runtime"
            };
            Err(unusable(format_args!("{} cannot be spoken to in secret: {error}{hint}", place())))
        }
        Err(Fault::Sql(sqlx::Error::Database(error))) if is_refusal(error.code().as_deref()) => {
            let unencrypted = error.message().contains("no encryption") || error.message().contains("SSL off");
            let hint = if unencrypted && !cfg!(feature = "postgres-tls") {
                "; it wants the connection to be encrypted, which needs the feature `postgres-tls` of saga-runtime"
            } else {
                ""
            };
            Err(unusable(format_args!("{} does not let this role in: {}{hint}", place(), error.message())))
        }
        Err(fault @ Fault::Store(_)) => Err(fault),
        Err(fault) => {
            Err(StoreError::Unavailable(format!("{} cannot be reached: {}", place(), fault.reason()).into()).into())
        }
    }
}

fn demands_tls(options: &PgConnectOptions) -> bool {
    matches!(options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull)
}

/// A role that is not there or may not, a wrong password, a database that is not there.
fn is_refusal(code: Option<&str>) -> bool {
    code.is_some_and(|code| code.starts_with("28") || code.starts_with("3D") || code.starts_with("42"))
}
