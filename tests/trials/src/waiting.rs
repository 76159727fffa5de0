//! Very many instances that wait in the store: a runtime is ready at once, holds in memory what runs and not what waits, and comes to
//! all of it.

use crate::{
    Booking, Fallible, Place, Port, Report, Trip, builder,
    look::{all, until},
    world::{Plan, World},
};
use saga_runtime::{
    End, Runtime,
    store::{Append, Epoch, Filter, Instance, Labels, Row, Start, Status, Store, Touch, Write, Written},
    verify::{Ledger, verify},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// So many are written by one commit.
const BATCH: usize = 1_000;

/// So many run at the same time.
const ROOM: usize = 64;

/// How many, and of which kind.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// So many that wait.
    pub count: usize,
    /// Whether they are orphans, which are to be taken up at once, and not sleepers.
    pub orphans: bool,
    /// In a server's schema, and not in a file.
    pub server: bool,
    /// Held against what is to hold (ready within two seconds, orphans taken over within 90).
    pub timed: bool,
}

/// Fills a store, starts a runtime on it, and looks.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(options: Options) -> Fallible<Report> {
    let mut report = Report::new("waiting", 0);
    let place = if options.server { Place::postgres() } else { Place::sqlite()? };
    let world = World::default();
    let port = Port::Here(world.clone());
    fill(&place, &port, &world, options).await?;
    report.add("instances in the store", options.count);

    let before = memory();
    let begun = Instant::now();
    let store = place.open().await?;
    let runtime = builder(&port).concurrency(ROOM).shared_store(Arc::clone(&store)).start().await?;
    let mut most = 0;
    if options.orphans {
        let open = Filter::of([Status::Ready]);
        loop {
            most = most.max(runtime.running());
            if store.list(&open, None, 1).await?.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let took = begun.elapsed().as_secs_f64();
        report.measure("all taken up and ended after", format!("{took:.2} s"));
        if options.timed && took > 90.0 {
            report.violation(format!("orphans were taken up and ended after {took:.1} s"));
        }
        let ended = all(&*store, &Filter::of([Status::Completed])).await?.len();
        report.add("orphans that completed", ended);
        if ended != options.count {
            report.violation(format!("of {} orphans {ended} completed", options.count));
        }
    } else {
        let first = runtime.start::<Trip>("first", Booking::new("first", 1)).await?;
        let end = first.result().await?;
        let took = begun.elapsed().as_secs_f64();
        report.measure("the first of the new ones ended after", format!("{took:.2} s"));
        if !matches!(end, End::Completed(0)) {
            report.violation(format!("a new one came to {end:?}"));
        }
        if options.timed && took > 2.0 {
            report.violation(format!("among those that sleep a new one ended after {took:.1} s"));
        }
        most = most.max(runtime.running());
        let asleep = all(&*store, &Filter::of([Status::Sleeping])).await?.len();
        report.add("instances that still sleep", asleep);
        if asleep != options.count {
            report.violation(format!("of {} that are to sleep for a day {asleep} do", options.count));
        }
    }
    report.add("at most in memory at the same time", most);
    // One that is let go has its task for a moment longer than its permit.
    if most > 2 * ROOM {
        report.violation(format!("{most} instances were in memory, with room for {ROOM}"));
    }
    let after = memory();
    report.measure("memory before and after, MiB", format!("{before} and {after}"));
    if options.timed && after.saturating_sub(before) > 256 {
        report.violation(format!("what waits takes {} MiB", after - before));
    }
    // Who was filled in has no effects of its own: its keys are another's.
    report.verdict(place.name(), &verify(&*store, &Ledger::default()).await?);
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(report)
}

/// What this process holds in memory, in MiB, where the operating system tells.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Makes one, as a runtime does, and writes what the store then has of it under many other ids.
async fn fill(place: &Place, port: &Port, world: &World, options: Options) -> Fallible<()> {
    let store = place.open().await?;
    let runtime = builder(port).shared_store(Arc::clone(&store)).start().await?;
    let booking = Booking { naps: if options.orphans { 0 } else { 86_400_000 }, ..Booking::new("copied", 1) };
    world.plan(booking.part("money"), Plan::Hold);
    runtime.start::<Trip>("copied", booking).await?;
    let rests = until(3_000, async || {
        let found = store.find("trip", "copied").await.ok().flatten();
        if options.orphans { world.held() == 1 } else { found.is_some_and(|one| one.status == Status::Sleeping) }
    });
    if !rests.await {
        return Err("there is nothing to be copied".into());
    }
    let copied = store.find("trip", "copied").await?.ok_or("it is there")?;
    let rows = store.journal(copied.no, 1, 1_000).await?;
    finish_first(runtime, &*store, world, options).await?;
    let epoch = store.register().await?;
    for first in (1..options.count).step_by(BATCH) {
        let batch: Vec<usize> = (first..options.count.min(first + BATCH)).collect();
        write(&*store, epoch, &copied, &rows, &batch, options).await?;
        if store.lease().is_some() {
            store.renew(epoch, false).await?;
        }
    }
    store.retire(epoch).await?;
    store.close().await?;
    Ok(())
}

async fn finish_first(runtime: Runtime, store: &dyn Store, world: &World, options: Options) -> Fallible<()> {
    if options.orphans {
        world.let_go();
        let ends = until(3_000, async || {
            store.find("trip", "copied").await.is_ok_and(|one| one.is_some_and(|one| one.status.is_end()))
        });
        if !ends.await {
            return Err("the one to be copied does not end".into());
        }
    }
    runtime.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

async fn write(
    store: &dyn Store,
    epoch: Epoch,
    copied: &Instance,
    rows: &[Row],
    batch: &[usize],
    options: Options,
) -> Fallible<()> {
    let starts: Vec<Write> = batch
        .iter()
        .map(|index| {
            Write::Start(Start {
                saga: copied.saga.clone(),
                id: format!("copy {index}").into(),
                birth: format!("copy-{index}").into(),
                version: copied.version,
                input_hash: copied.input_hash,
                owned: true,
                at: copied.started_at,
                wake_at: None,
                parent: None,
                labels: Labels::new(),
                rows: rows.to_vec(),
            })
        })
        .collect();
    let written = store.commit(epoch, &starts).await?;
    if options.orphans {
        return Ok(());
    }
    let asleep: Vec<Write> = written
        .iter()
        .filter_map(|written| if let Written::Started(no) = written { Some(*no) } else { None })
        .map(|no| {
            let touch = Touch {
                wake_at: copied.wake_at,
                state: copied.state.clone(),
                ..Touch::new(Status::Sleeping, copied.started_at)
            };
            Write::Append(Append { touch: Some(touch), ..Append::new(no, Vec::new()) })
        })
        .collect();
    store.commit(epoch, &asleep).await?;
    Ok(())
}
