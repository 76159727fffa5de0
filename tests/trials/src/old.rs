//! Databases of earlier releases: what they left finishes on this build, or is refused by name before it has any effect.
//!
//! Each release writes one of each kind into `kept/<version>`, as SQL, with what its participants remember, and they stay for ever.

use crate::{
    Booking, Fallible, Place, Port, Report, Trip, builder,
    look::{all, at_rest, until},
    place,
    world::{Memory, Plan, World},
};
use saga_runtime::{
    Runtime, Settled,
    store::{Filter, Status, Store, sqlite::Sqlite},
    verify::verify,
};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, query_scalar, raw_sql};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

/// Where they are kept.
pub fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kept")
}

/// What an instance was left in, and what it is to come to.
struct Left {
    name: &'static str,
    /// Once everything goes well.
    end: Status,
}

const LEFT: [Left; 11] = [
    Left { name: "at hand", end: Status::Completed },
    Left { name: "waits", end: Status::Completed },
    Left { name: "told", end: Status::Completed },
    Left { name: "sleeps", end: Status::Completed },
    Left { name: "in doubt", end: Status::Completed },
    Left { name: "unwinds", end: Status::Compensated },
    Left { name: "joined", end: Status::Completed },
    Left { name: "has a child", end: Status::Completed },
    Left { name: "long", end: Status::Completed },
    Left { name: "done", end: Status::Completed },
    Left { name: "undone", end: Status::Compensated },
];

/// What is left in a place of this kind: the long one, which is by far the largest, in one of them.
fn left(kind: &str) -> impl Iterator<Item = &'static Left> {
    let long = kind == "sqlite";
    LEFT.iter().filter(move |left| long || left.name != "long")
}

fn booking(name: &str) -> Booking {
    let plain = Booking::new(name, 7);
    match name {
        "waits" => Booking { waits: true, ..plain },
        "told" => Booking { waits: true, nights: 1, ..plain },
        "sleeps" => Booking { naps: 3_000, ..plain },
        "has a child" => Booking { meals: true, ..plain },
        // Two rows for each night, and a snapshot with every thousandth.
        "long" => Booking { waits: true, nights: 520, ..plain },
        _ => plain,
    }
}

/// Writes this build's databases below `folder`.
///
/// # Errors
/// They cannot be written.
pub async fn write(folder: &Path) -> Fallible<()> {
    std::fs::create_dir_all(folder)?;
    for place in [Place::sqlite()?, Place::postgres()] {
        let world = World::default();
        leave(&place, &world).await?;
        let dump = match &place {
            Place::Sqlite(_) => dump_file(&place.file().ok_or("it is a file")?).await?,
            Place::Postgres { url, schema } => dump_schema(url, schema)?,
            Place::Memory(_) => return Err("nothing is kept in memory".into()),
        };
        std::fs::write(folder.join(format!("{}.sql", place.name())), dump)?;
        let memory = serde_json::to_string(&world.memory())? + "\n";
        std::fs::write(folder.join(format!("{}.participants.json", place.name())), memory)?;
    }
    Ok(())
}

/// Leaves one in each situation, as a worker does that is stopped.
async fn leave(place: &Place, world: &World) -> Fallible<()> {
    let about = |name: &str, what: &str| booking(name).part(what);
    world.plan(about("at hand", "money"), Plan::Hold);
    world.plan(about("told", "night 0"), Plan::Hold);
    world.plan(about("in doubt", "money"), Plan::Then(crate::world::Act::Panic, 1));
    world.plan(about("unwinds", "money"), Plan::Refuse);
    world.plan(about("unwinds", "car"), Plan::NotBack);
    world.plan(about("joined", "desk"), Plan::Hold);
    world.plan(about("has a child", "dinner"), Plan::Hold);
    world.plan(about("undone", "money"), Plan::Refuse);
    let store = place.open().await?;
    let runtime = builder(&Port::Here(world.clone())).shared_store(Arc::clone(&store)).start().await?;
    for left in left(place.name()) {
        runtime.start::<Trip>(left.name, booking(left.name)).await?;
    }
    runtime.signal::<Trip, _>("told", Trip::GO, 5).await?;
    let number = |status: Status| {
        let store = Arc::clone(&store);
        async move { all(&*store, &Filter::of([status])).await.map_or(0, |found| found.len()) }
    };
    // One of those that wait does so for its child.
    let waits = left(place.name()).filter(|left| ["waits", "long", "has a child"].contains(&left.name)).count();
    let settled = until(3_000, async || {
        // The undo that is said "not now" sleeps between two attempts, longer each time.
        let [waiting, parked, ended] = [number(Status::Waiting), number(Status::Parked), number(Status::Completed)];
        world.held() == 4 && waiting.await == waits && parked.await == 1 && ended.await == 1
    });
    if !settled.await {
        return Err("they do not come to where they are to be left".into());
    }
    runtime.shutdown(Duration::ZERO).await;
    store.close().await?;
    Ok(())
}

/// A file as the statements that make it again.
async fn dump_file(path: &Path) -> Fallible<String> {
    let mut conn = place::file_prompt(path).await?;
    let mut dump = String::new();
    for pragma in ["application_id", "user_version"] {
        let value: i64 = query_scalar(AssertSqlSafe(format!("PRAGMA {pragma}"))).fetch_one(&mut conn).await?;
        writeln!(dump, "PRAGMA {pragma} = {value};")?;
    }
    let made = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    for sql in query_scalar::<_, String>(made).fetch_all(&mut conn).await? {
        writeln!(dump, "{sql};")?;
    }
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' ORDER BY rowid";
    for table in query_scalar::<_, String>(tables).fetch_all(&mut conn).await? {
        let columns = "SELECT group_concat('quote(\"' || name || '\")', ' || '','' || ') FROM pragma_table_info(?)";
        let columns: String = query_scalar(columns).bind(&table).fetch_one(&mut conn).await?;
        let rows = format!("SELECT {columns} FROM \"{table}\"");
        if table == "sqlite_sequence" {
            writeln!(dump, "DELETE FROM sqlite_sequence;")?;
        }
        for row in query_scalar::<_, String>(AssertSqlSafe(rows)).fetch_all(&mut conn).await? {
            writeln!(dump, "INSERT INTO \"{table}\" VALUES ({row});")?;
        }
    }
    let rest = "SELECT sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL ORDER BY rowid";
    for sql in query_scalar::<_, String>(rest).fetch_all(&mut conn).await? {
        writeln!(dump, "{sql};")?;
    }
    conn.close().await?;
    Ok(dump)
}

/// A schema as the statements that make it again, under the name `kept`.
fn dump_schema(url: &str, schema: &str) -> Fallible<String> {
    let program = saga_test_postgres::program("pg_dump");
    let arguments =
        ["--inserts", "--no-owner", "--no-privileges", "--no-comments", "--schema", schema, "--dbname", url];
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("pg_dump: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    // What is meant for the program psql, for people, or for whoever reads the dump, is none of the schema's.
    let kept = text.lines().filter(|line| !line.starts_with('\\') && !line.starts_with("--") && !line.is_empty());
    let kept = kept.filter(|line| !line.starts_with("SET ") && !line.starts_with("SELECT pg_catalog.set_config"));
    Ok(kept
        .map(|line| {
            line.replace(&format!("{schema}."), "kept.").replace(&format!("SCHEMA {schema};"), "SCHEMA kept;") + "\n"
        })
        .collect())
}

/// Opens a copy of every database that is kept, and has everything in it finish.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(folder: &Path) -> Fallible<Report> {
    let mut report = Report::new("old data", 0);
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    versions.sort();
    for version in versions {
        let named = version.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for kind in ["sqlite", "postgres"] {
            let dump = std::fs::read_to_string(version.join(format!("{kind}.sql")))?;
            let memory = std::fs::read_to_string(version.join(format!("{kind}.participants.json")))?;
            let world = World::remembering(serde_json::from_str::<Memory>(&memory)?);
            let (place, store) = restore(kind, &named, &dump).await?;
            finish(&format!("{named}, {kind}"), kind, store, &world, &mut report).await?;
            drop(place);
        }
    }
    Ok(report)
}

async fn restore(kind: &str, version: &str, dump: &str) -> Fallible<(Place, Arc<dyn Store>)> {
    if kind == "sqlite" {
        let place = Place::sqlite()?;
        let path = place.file().ok_or("it is a file")?;
        let mut conn: SqliteConnection = place::new_file_prompt(&path).await?;
        raw_sql(AssertSqlSafe(format!("BEGIN; {dump} COMMIT;"))).execute(&mut conn).await?;
        conn.close().await?;
        // It is a copy, on purpose.
        let store = Sqlite::builder(&path).adopt().open().await?;
        return Ok((place, Arc::new(store)));
    }
    let url = saga_test_postgres::url();
    let schema = format!("kept_{}", version.replace(['.', '-'], "_"));
    let mut conn = place::server_prompt(&url).await?;
    let script = dump.replace("kept.", &format!("{schema}.")).replace("SCHEMA kept;", &format!("SCHEMA {schema};"));
    raw_sql(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE; {script}"))).execute(&mut conn).await?;
    conn.close().await?;
    let place = Place::Postgres { url, schema };
    let store = place.open().await?;
    Ok((place, store))
}

async fn finish(of: &str, kind: &str, store: Arc<dyn Store>, world: &World, report: &mut Report) -> Fallible<()> {
    for instance in all(&*store, &Filter::default()).await? {
        report.count(format!("{of}: found {:?}", instance.status));
    }
    let before = world.memory().accepted.len();
    let runtime = builder(&Port::Here(world.clone())).shared_store(Arc::clone(&store)).start().await?;
    for left in left(kind).filter(|left| ["waits", "long"].contains(&left.name)) {
        runtime.signal::<Trip, _>(left.name, Trip::GO, 5).await?;
    }
    settle(&runtime, "in doubt", report).await?;
    let unknown: BTreeMap<Box<str>, Option<Box<str>>> =
        runtime.waiting_for_build().await?.into_iter().map(|listed| (listed.id, listed.state)).collect();
    at_rest(&*store, 600).await?;
    for Left { name, end } in left(kind) {
        match store.find("trip", name).await? {
            Some(instance) if instance.status == *end => report.count(format!("{of}: came to {end:?}")),
            Some(instance) if instance.status == Status::WaitsForBuild => {
                let refused = unknown.get(*name);
                report.count(format!("{of}: refused by name, as {refused:?}"));
            }
            Some(instance) => {
                let (status, error) = (instance.status, instance.error);
                report.violation(format!("{of}: \"{name}\" came to {status:?} instead of {end:?}: {error:?}"));
            }
            None => report.violation(format!("{of}: \"{name}\" is gone")),
        }
    }
    report.add(format!("{of}: effects since"), world.memory().accepted.len() - before);
    report.verdict(of, &verify(&*store, &world.ledger()).await?);
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(())
}

/// A person looked, and has it tried again.
async fn settle(runtime: &Runtime, name: &str, report: &mut Report) -> Fallible<()> {
    let handle = runtime.get::<Trip>(name).await?.ok_or("it was kept")?;
    if let Settled::Parked { .. } = handle.settled().await?
        && let Some(park) = handle.park().await?
    {
        let decision = park.retry("the trial", "the participant is well again").await?;
        if !decision.granted {
            report.violation(format!("\"{name}\" is not tried again: {decision}"));
        }
    }
    Ok(())
}
