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
    path::Path,
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
    /// What the cause has to name, one of these.
    named: &'static [&'static str],
}

const FAULTY: [Fault; 4] = [
    Fault { what: "an I/O error, once", error: 5, stays: false, named: &["I/O error"] },
    Fault { what: "an I/O error, and from then on", error: 5, stays: true, named: &["I/O error"] },
    Fault { what: "a full disk", error: 28, stays: true, named: &["no room", "I/O error"] },
    Fault { what: "a disk that lies", error: 0, stays: true, named: &[] },
];

/// What the operating system tells. The last one no store survives: it is what the trial has to notice.
pub const TOLD: [usize; 3] = [0, 1, 2];

/// A disk that says it has written, and has not.
pub const LIES: [usize; 1] = [3];

/// Fails each write, or each so many, in processes of their own: one for each of these faults.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(program: &Path, faults: &[usize], step: usize) -> Fallible<Report> {
    let folder = tempfile::Builder::new().prefix("saga-disk-").tempdir()?;
    let library = folder.path().join("faults.so");
    let source = folder.path().join("faults.c");
    std::fs::write(&source, include_str!("faults.c"))?;
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut words = compiler.split_whitespace();
    let mut compile = Command::new(words.next().unwrap_or("cc"));
    compile.args(words).args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl");
    let output = compile.output().await?;
    if !output.status.success() {
        return Err(format!("faults.c: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut children = Vec::new();
    for fault in faults {
        let control = folder.path().join(format!("control-{fault}"));
        std::fs::write(&control, [0; 40])?;
        let mut child = Command::new(program);
        child.arg("disk-child").arg(folder.path()).arg(fault.to_string()).arg(step.to_string());
        child.env("LD_PRELOAD", &library).env(FAULTS, &control).kill_on_drop(true);
        children.push(child.stdout(Stdio::piped()).spawn()?);
    }
    let mut report = Report::new("disk", 0);
    for child in children {
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            return Err(format!("the process whose disk fails ended with {}", output.status).into());
        }
        let (counts, violations): Said = serde_json::from_slice(&output.stdout)?;
        report.counts.extend(counts);
        report.violations.extend(violations);
    }
    Ok(report)
}

/// Counts and violations, on their way from one process to another.
type Said = (std::collections::BTreeMap<String, u64>, Vec<String>);

/// What the process does whose disk fails.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn child(folder: &Path, fault: usize, step: usize) -> Fallible<()> {
    let fault = *FAULTY.get(fault).ok_or("there is no such fault")?;
    let control = Control(OpenOptions::new().read(true).write(true).open(std::env::var(FAULTS)?)?);
    let mut report = Report::new("disk", 0);
    for first in (1..).step_by(step) {
        let place = folder.join(format!("{}-{}-{first}", fault.error, fault.stays));
        std::fs::create_dir_all(&place)?;
        let path = place.join("trial.db");
        let stage = Stage::default();
        let helper = tokio::spawn(helps(control.again()?));
        let one = one(&control, fault, first, &path, &stage, &mut report);
        let hit = match tokio::time::timeout(Duration::from_mins(2), one).await {
            Ok(Ok(hit)) => hit,
            Ok(Err(error)) => {
                report.violation(format!("{} from write {first} on, when {}: {error}", fault.what, stage.get()));
                true
            }
            Err(_) => {
                let hits = control.hits()?;
                report.violation(format!(
                    "{} from write {first} on: no end of {} ({hits} hits)",
                    fault.what,
                    stage.get()
                ));
                break;
            }
        };
        helper.abort();
        std::fs::remove_dir_all(&place)?;
        // Once it is noticed that a disk lies, there is nothing more to be learned from it.
        if !hit || (fault.error == 0 && !report.violations.is_empty()) {
            break;
        }
        report.count(format!("{}: writes that it began with", fault.what));
    }
    println!("{}", serde_json::to_string(&(report.counts, report.violations))?);
    Ok(())
}

/// What a life is at, for whoever waits for it in vain.
type Stage = std::cell::Cell<&'static str>;

/// The file that the library has mapped.
struct Control(File);

/// Somebody helps after a while, whoever has been told or not: of a commit whose answer was lost, and which cannot be read back either,
/// nobody can say whether it happened, so whoever asked for it waits.
async fn helps(control: Control) -> Fallible<()> {
    while control.hits()? == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    control.lift()
}

impl Control {
    fn again(&self) -> Fallible<Self> {
        Ok(Self(self.0.try_clone()?))
    }

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
async fn one(
    control: &Control,
    fault: Fault,
    first: usize,
    path: &Path,
    stage: &Stage,
    report: &mut Report,
) -> Fallible<bool> {
    let of = format!("{} from write {first} on", fault.what);
    let world = World::default();
    let port = Port::Here(world.clone());
    let mut errors = Vec::new();
    control.set(first, fault)?;
    stage.set("opening the store");
    let store = opened(control, path, &mut errors).await?;
    stage.set("starting the runtime");
    let runtime = loop {
        match builder(&port).shared_store(Arc::clone(&store) as Arc<dyn Store>).start().await {
            Ok(runtime) => break runtime,
            Err(error) => refused(control, error.to_string(), &mut errors).await?,
        }
    };
    let undone = Booking::new("undone", 1);
    world.plan(undone.part("money"), Plan::Refuse);
    let bookings = [Booking::new("plain", 1), undone, Booking { waits: true, ..Booking::new("waits", 1) }];
    let mut handles = Vec::new();
    stage.set("starting instances");
    for booking in &bookings {
        handles.push(started(control, &runtime, booking, &mut errors).await?);
    }
    stage.set("signalling");
    while let Err(error) = runtime.signal_once::<Trip, _>("waits", Trip::GO, "the word", 7).await {
        refused(control, error.to_string(), &mut errors).await?;
    }
    stage.set("waiting for the ends");
    for (handle, expected) in handles.iter().zip([Ok(0), Err(()), Ok(7)]) {
        let end = ended(control, handle, if fault.error == 0 { 6 } else { 120 }).await?;
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
        if !fault.named.iter().any(|named| error.contains(named)) {
            report.violation(format!("{of}: the cause is not named: {error}"));
        }
    }
    // As after a crash, or as it should be.
    stage.set("shutting down");
    if first.is_multiple_of(2) {
        runtime.shutdown(Duration::from_secs(5)).await;
    }
    drop(runtime);
    stage.set("closing the store");
    store.close().await?;
    stage.set("opening the store again");
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
async fn refused(control: &Control, error: String, errors: &mut Vec<String>) -> Fallible<()> {
    errors.push(error);
    if errors.len() > 200 {
        return Err(format!("it does not go on although nothing fails any more: {:?}", errors.last()).into());
    }
    control.lift()?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

async fn opened(control: &Control, path: &Path, errors: &mut Vec<String>) -> Fallible<Arc<Sqlite>> {
    loop {
        match Sqlite::open(path).await {
            Ok(store) => return Ok(Arc::new(store)),
            Err(error) => refused(control, error.to_string(), errors).await?,
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
            Err(error) => refused(control, error.to_string(), errors).await?,
        }
    }
}

/// How it ended. What cannot be written waits for better times, and nobody is told: then they come.
async fn ended(control: &Control, handle: &Handle<Trip>, patience: u32) -> Fallible<Option<End<u32, No>>> {
    for _ in 0..patience {
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
