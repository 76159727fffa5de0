//! Disks that are full and disks that fail: whatever the first write is that goes wrong, and whether those after it do.
//!
//! SQLite writes by the C library, and a library of a few lines that is loaded before it (`faults.c`, compiled when the trial begins)
//! fails the write that it is told to. That needs no rights, no package and no unsafe Rust; it hits each write, and not one in so many;
//! and it is a real error number, that SQLite gets from what it takes for the operating system. It works on Linux.

use crate::{
    Booking, Fallible, No, Port, Report, Trip, builder,
    look::all,
    world::{Plan, World},
};
use saga_runtime::{
    End, Handle, Runtime,
    runtime::Cause,
    store::{Filter, Store, sqlite::Sqlite},
    verify::verify,
};
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::process::Command;

/// What the library is told by.
const FAULTS: &str = "SAGA_TRIAL_FAULTS";

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
struct Fault {
    what: &'static str,
    /// The error's number, on Linux.
    error: i64,
    /// Whether every later write fails too, until there is somebody who helps.
    stays: bool,
    /// What the cause has to name.
    named: &'static str,
}

const FAULTY: [Fault; 3] = [
    Fault { what: "an I/O error, once", error: 5, stays: false, named: "I/O error" },
    Fault { what: "an I/O error, and from then on", error: 5, stays: true, named: "I/O error" },
    Fault { what: "a full disk", error: 28, stays: true, named: "" },
];

/// Fails each write, or each so many, in a process of its own.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(program: &Path, step: usize) -> Fallible<Report> {
    let folder = tempfile::Builder::new().prefix("saga-disk-").tempdir()?;
    let library = folder.path().join("faults.so");
    let source = folder.path().join("faults.c");
    std::fs::write(&source, include_str!("faults.c"))?;
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut words = compiler.split_whitespace();
    let mut compile = Command::new(words.next().unwrap_or("cc"));
    compile.args(words).args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl");
    let compiled = compile.output().await?;
    if !compiled.status.success() {
        return Err(format!("faults.c: {}", String::from_utf8_lossy(&compiled.stderr)).into());
    }
    let faults = folder.path().join("faults");
    std::fs::write(&faults, [0; 40])?;
    let mut child = Command::new(program);
    child.arg("disk-child").arg(folder.path()).arg(step.to_string());
    child.env("LD_PRELOAD", &library).env(FAULTS, &faults).kill_on_drop(true);
    let output = child.stderr(Stdio::inherit()).output().await?;
    if !output.status.success() {
        return Err(format!("the process whose disk fails ended with {}", output.status).into());
    }
    let said: Said = serde_json::from_slice(&output.stdout)?;
    let mut report = Report::new("disk", 0);
    report.counts.extend(said.0.into_iter());
    report.violations = said.1;
    Ok(report)
}

/// Counts and violations, on their way from one process to another.
type Said = (std::collections::BTreeMap<String, u64>, Vec<String>);

/// What the process does whose disk fails.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn child(folder: &Path, step: usize) -> Fallible<()> {
    let control = Control(OpenOptions::new().read(true).write(true).open(std::env::var(FAULTS)?)?);
    let mut report = Report::new("disk", 0);
    for fault in FAULTY {
        for first in (1..).step_by(step) {
            let place = folder.join(format!("{}-{}-{first}", fault.error, fault.stays));
            std::fs::create_dir_all(&place)?;
            let path = place.join("trial.db");
            let hit = one(&control, fault, first, &path, &mut report).await?;
            std::fs::remove_dir_all(&place)?;
            if !hit {
                break;
            }
            report.count(format!("{}: writes that it began with", fault.what));
        }
    }
    println!("{}", serde_json::to_string(&(report.counts, report.violations))?);
    Ok(())
}

/// The file that the library has mapped.
struct Control(File);

impl Control {
    fn set(&self, first: usize, fault: Fault) -> Fallible<()> {
        let words = [i64::try_from(first)?, fault.error, fault.stays.into(), 0, 0];
        Ok(self.0.write_all_at(&words.map(i64::to_ne_bytes).concat(), 0)?)
    }

    /// From now on all goes well.
    fn lift(&self) -> Fallible<()> {
        Ok(self.0.write_all_at(&0_i64.to_ne_bytes(), 0)?)
    }

    fn hits(&self) -> Fallible<i64> {
        let mut word = [0; 8];
        self.0.read_exact_at(&mut word, 32)?;
        Ok(i64::from_ne_bytes(word))
    }
}

/// One life of a program whose disk fails from this write on; whether it came to that.
async fn one(control: &Control, fault: Fault, first: usize, path: &Path, report: &mut Report) -> Fallible<bool> {
    let of = format!("{} from write {first} on", fault.what);
    let world = World::default();
    let port = Port::Here(world.clone());
    let mut errors = Vec::new();
    control.set(first, fault)?;
    let store = opened(control, path, &mut errors).await?;
    let runtime = loop {
        match builder(&port).shared_store(Arc::clone(&store) as Arc<dyn Store>).start().await {
            Ok(runtime) => break runtime,
            Err(error) => refused(control, error.to_string(), &mut errors)?,
        }
    };
    let undone = Booking::new("undone", 1);
    world.plan(undone.part("money"), Plan::Refuse);
    let bookings = [Booking::new("plain", 1), undone, Booking { waits: true, ..Booking::new("waits", 1) }];
    let mut handles = Vec::new();
    for booking in &bookings {
        handles.push(started(control, &runtime, booking, &mut errors).await?);
    }
    while let Err(error) = runtime.signal_once::<Trip, _>("waits", Trip::GO, "the word", 7).await {
        refused(control, error.to_string(), &mut errors)?;
    }
    for (handle, expected) in handles.iter().zip([Ok(0), Err(()), Ok(7)]) {
        let end = ended(control, handle).await?;
        let right = match &end {
            Some(End::Completed(told)) => expected == Ok(*told),
            Some(End::Compensated { cause: Cause::Refused(No), debt }) => expected.is_err() && debt.is_empty(),
            _ => false,
        };
        if !right {
            report.violation(format!("{of}: \"{}\" came to {end:?}", handle.id()));
        }
    }
    let hit = control.hits()? > 0;
    control.lift()?;
    for error in &errors {
        report.count(format!("{}: told to whoever asked", fault.what));
        if !error.contains(fault.named) {
            report.violation(format!("{of}: the cause is not named: {error}"));
        }
    }
    // As after a crash, or as it should be.
    if first % 2 == 0 {
        runtime.shutdown(Duration::from_secs(5)).await;
    }
    drop(runtime);
    store.close().await?;
    let store = Sqlite::builder(path).open().await?;
    if all(&store, &Filter::default()).await?.len() != bookings.len() {
        report.violation(format!("{of}: what was acknowledged is not all there"));
    }
    let verdict = verify(&store, &world.ledger()).await?;
    report.violations.extend(verdict.violations.iter().map(|violation| format!("{of}: {violation}")));
    store.close().await?;
    Ok(hit)
}

/// Somebody was told that it cannot be done now. What stays so until somebody helps is helped.
fn refused(control: &Control, error: String, errors: &mut Vec<String>) -> Fallible<()> {
    errors.push(error);
    if errors.len() > 50 {
        return Err(format!("it does not go on although nothing fails any more: {errors:?}").into());
    }
    control.lift()
}

async fn opened(control: &Control, path: &Path, errors: &mut Vec<String>) -> Fallible<Arc<Sqlite>> {
    loop {
        match Sqlite::open(path).await {
            Ok(store) => return Ok(Arc::new(store)),
            Err(error) => refused(control, error.to_string(), errors)?,
        }
    }
}

async fn started(
    control: &Control,
    runtime: &Runtime,
    booking: &Booking,
    errors: &mut Vec<String>,
) -> Fallible<Handle<Trip>> {
    loop {
        match runtime.start::<Trip>(&*booking.name, booking.clone()).await {
            Ok(handle) => return Ok(handle),
            Err(error) => refused(control, error.to_string(), errors)?,
        }
    }
}

/// How it ended. What cannot be written waits for better times, and nobody is told: then they come.
async fn ended(control: &Control, handle: &Handle<Trip>) -> Fallible<Option<End<u32, No>>> {
    for _ in 0..120 {
        match tokio::time::timeout(Duration::from_millis(500), handle.result()).await {
            Ok(Ok(end)) => return Ok(Some(end)),
            // It was asked while the store was away.
            Ok(Err(error)) if error.is_unavailable() => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => {}
        }
        control.lift()?;
    }
    Ok(None)
}

/// A real disk of a megabyte, in memory, that fills up: needs the right to mount one.
///
/// # Errors
/// There is no such right, or the trial itself cannot be made.
pub async fn tmpfs(count: usize) -> Fallible<Report> {
    let mut report = Report::new("full disk", 0);
    let mounted = Mounted::new().await?;
    let world = World::default();
    let port = Port::Here(world.clone());
    let path = mounted.0.join("trial.db");
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&path).await?);
    let runtime = builder(&port).shared_store(Arc::clone(&store)).start().await?;
    let ballast = mounted.0.join("ballast");
    let mut handles = Vec::new();
    for index in 0..count {
        // Twice in its life it is full of somebody else's.
        if index % (count / 2) == count / 4 {
            fill(&ballast)?;
        }
        let booking = Booking::new(format!("trip {index}"), 1);
        loop {
            match runtime.start::<Trip>(&*booking.name, booking.clone()).await {
                Ok(handle) => break handles.push(handle),
                Err(error) if error.is_unavailable() => {
                    report.count(format!("starts refused: {error}"));
                    std::fs::remove_file(&ballast)
                        .or_else(|gone| if gone.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(gone) })?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    for handle in handles {
        match tokio::time::timeout(Duration::from_mins(1), handle.result()).await {
            Ok(Ok(End::Completed(_))) => report.count("completed"),
            other => report.violation(format!("{} came to {other:?}", handle.id())),
        }
    }
    report.verdict("sqlite", &verify(&*store, &world.ledger()).await?);
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(report)
}

/// Writes until there is no room.
fn fill(path: &Path) -> Fallible<()> {
    use std::io::Write as _;
    let mut file = File::create(path)?;
    loop {
        match file.write_all(&[0; 4096]) {
            Ok(()) => {}
            Err(full) if full.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A disk, for as long as this value lives.
struct Mounted(PathBuf);

impl Mounted {
    async fn new() -> Fallible<Self> {
        let folder = tempfile::Builder::new().prefix("saga-full-").tempdir()?.keep();
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(&folder).output().await?;
        if !output.status.success() {
            std::fs::remove_dir(&folder)?;
            return Err(format!("no disk can be mounted here: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(Self(folder))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}
