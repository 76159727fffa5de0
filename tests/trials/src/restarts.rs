//! A server that is ended at once, under load, and started again: whoever was told that something is done finds it done.

use crate::{
    Booking, Fallible, Place, Port, Report, Trip, builder,
    world::{Plan, World},
};
use saga_runtime::{End, Handle, Runtime, verify::verify};
use saga_test_postgres::Server;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How often, and with how much.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// So many times the server is ended.
    pub restarts: usize,
    /// So many instances, evenly between the restarts.
    pub count: usize,
    /// Whether commits are durable: without it, what was acknowledged may be lost if the machine ends, not if the server does.
    pub durable: bool,
    /// Whether the participants' ledger is damaged before it is judged: the trial has to notice.
    pub damage: bool,
}

/// So many callers start instances at the same time.
const CALLERS: usize = 32;

/// Ends the server under load.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(options: Options) -> Fallible<Report> {
    let mut report = Report::new("restarts", 0);
    let mut server = tokio::task::spawn_blocking(move || Server::start(options.durable)).await?;
    let place = Place::postgres_at(server.url());
    let world = World::default();
    let port = Port::Here(world.clone());
    let store = place.open().await?;
    let runtime = builder(&port).shared_store(Arc::clone(&store)).start().await?;
    let (refused, told) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let caller = Caller {
            runtime: runtime.clone(),
            world: world.clone(),
            next: Arc::clone(&next),
            refused: Arc::clone(&refused),
            told: Arc::clone(&told),
        };
        callers.push(tokio::spawn(caller.calls(options.count)));
    }
    let mut away = Duration::ZERO;
    for restart in 1..=options.restarts {
        let when = restart * options.count / (options.restarts + 1);
        while told.load(Ordering::Relaxed) < when {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let ended = Instant::now();
        server = tokio::task::spawn_blocking(move || {
            server.end_at_once();
            server.start_again();
            server
        })
        .await?;
        away = away.max(ended.elapsed());
        report.count("restarts under load");
    }
    let mut ended = 0;
    for caller in callers {
        for wrong in caller.await?? {
            report.violation(wrong);
        }
        ended += 1;
    }
    report.add("callers that were told everything", ended);
    report.add("starts", options.count);
    report.add("starts refused while the server was away, and sent again", refused.load(Ordering::Relaxed));
    report.measure("the longest absence of the server", format!("{:.1} s", away.as_secs_f64()));
    let mut ledger = world.ledger();
    if options.damage {
        // Of an undo that found nothing, nobody would miss anything.
        let told: Vec<usize> = (0..ledger.effects.len()).filter(|place| ledger.effects[*place].changed).collect();
        ledger.effects.remove(told[told.len() / 2]);
    }
    report.add("requests that a participant had answered before", usize::try_from(world.asked().1)?);
    report.verdict("postgres", &verify(&*store, &ledger).await?);
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(report)
}

struct Caller {
    runtime: Runtime,
    world: World,
    next: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    told: Arc<AtomicUsize>,
}

impl Caller {
    /// Starts instances, one after the other, until there are so many; what is wrong with their ends.
    async fn calls(self, count: usize) -> Fallible<Vec<String>> {
        let mut wrong = Vec::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return Ok(wrong);
            }
            let booking = Booking::new(format!("trip {index}"), 1);
            let is_undone = index % 4 == 3;
            if is_undone {
                self.world.plan(booking.part("money"), Plan::Refuse);
            }
            let handle = self.started(&booking).await?;
            match self.ended(&handle).await? {
                Some(End::Completed(0)) if !is_undone => {}
                Some(End::Compensated { debt, .. }) if is_undone && debt.is_empty() => {}
                other => wrong.push(format!("{} came to {other:?}", booking.name)),
            }
            self.told.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is refused because the server is away is sent again, under the same id.
    async fn started(&self, booking: &Booking) -> Fallible<Handle<Trip>> {
        for _ in 0..6_000 {
            match self.runtime.start::<Trip>(&*booking.name, booking.clone()).await {
                Ok(handle) => return Ok(handle),
                Err(error) if error.is_unavailable() => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err("the server does not come back".into())
    }

    async fn ended(&self, handle: &Handle<Trip>) -> Fallible<Option<End<u32, crate::No>>> {
        for _ in 0..600 {
            match tokio::time::timeout(Duration::from_mins(2), handle.result()).await {
                Ok(Ok(end)) => return Ok(Some(end)),
                Ok(Err(error)) if error.is_unavailable() => tokio::time::sleep(Duration::from_millis(200)).await,
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }
}
