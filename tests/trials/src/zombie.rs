//! Workers that stand still for three leases in the middle of their work, while others take it over, and that wake up afterwards.

use crate::{
    Booking, Fallible, Place, Report, Trip,
    look::until,
    serve,
    worker::{At, Order, Worker},
    world::{Plan, World},
};
use saga_runtime::{End, Runtime, verify::verify};
use sqlx::{AssertSqlSafe, query_scalar};
use std::{path::Path, sync::Arc, time::Duration};

/// A worker is taken for dead after so long.
const LEASE: Duration = Duration::from_secs(1);

/// How often, and with how much at hand.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// So many times a worker stands still.
    pub pauses: usize,
    /// So many instances are in the middle of a payment then.
    pub at_hand: usize,
    /// Whether participants ignore keys: the trial has to notice what comes of that.
    pub forgetful: bool,
}

/// Two workers, of which one stands still, in turns.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(program: &Path, options: Options) -> Fallible<Report> {
    let mut report = Report::new("zombie", 0);
    let place = Place::postgres();
    let world = if options.forgetful { World::forgetful() } else { World::default() };
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("participants");
    let server = serve(world.clone(), &socket)?;
    let store = place.open().await?;
    let client = Runtime::builder().elsewhere::<Trip>().shared_store(Arc::clone(&store)).start().await?;
    let order = Order { at: At::of(&place, LEASE)?, socket, until_done: false };
    let mut workers = [Worker::start(program, &order)?, Worker::start(program, &order)?];
    for worker in &mut workers {
        worker.ready().await?;
    }
    for pause in 0..options.pauses {
        // Half of them are to be undone: what the one that stood still did last is then what nobody wants any more.
        let mut handles = Vec::new();
        for index in 0..options.at_hand {
            let booking = Booking::new(format!("trip {pause}-{index}"), 1);
            world.plan(booking.part("desk"), Plan::Hold);
            if index % 2 == 1 {
                world.plan(booking.part("money"), Plan::Refuse);
            }
            handles.push(client.start::<Trip>(booking.name.clone(), booking).await?);
        }
        if !until(3_000, async || world.held() == options.at_hand).await {
            return Err(format!("{} of {} come to what is to be held", world.held(), options.at_hand).into());
        }
        let stopped = &workers[pause % 2];
        stopped.stop().await?;
        let still = tokio::time::Instant::now();
        world.let_go();
        for (index, handle) in handles.iter().enumerate() {
            match tokio::time::timeout(Duration::from_mins(1), handle.result()).await {
                Ok(Ok(End::Completed(0))) if index % 2 == 0 => report.count("completed while a worker stood still"),
                Ok(Ok(End::Compensated { .. })) if index % 2 == 1 => report.count("undone while a worker stood still"),
                other => report.violation(format!("{} came to {other:?}", handle.id())),
            }
        }
        // The rest of its three leases.
        tokio::time::sleep_until(still + 3 * LEASE).await;
        stopped.go_on().await?;
        world.hold_again();
        report.count("pauses of three leases");
    }
    for worker in &mut workers {
        if !worker.lives()? {
            report.violation("a worker that stood still has ended");
        }
    }
    // Both are well: they share what comes.
    let mut last = Vec::new();
    for index in 0..options.at_hand {
        let booking = Booking::new(format!("last {index}"), 1);
        last.push(client.start::<Trip>(booking.name.clone(), booking).await?);
    }
    for handle in last {
        match tokio::time::timeout(Duration::from_mins(1), handle.result()).await {
            Ok(Ok(End::Completed(0))) => report.count("completed afterwards"),
            other => report.violation(format!("{} came to {other:?}", handle.id())),
        }
    }
    report.add("requests that a participant had answered before", usize::try_from(world.asked().1)?);
    report.add("attempts that were lost with a worker", recovered(&place).await?);
    report.verdict("postgres", &verify(&*store, &world.ledger()).await?);
    drop(workers);
    client.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    server.abort();
    Ok(report)
}

/// How many journals say that an attempt was lost with its worker.
async fn recovered(place: &Place) -> Fallible<usize> {
    let Place::Postgres { url, schema } = place else { return Ok(0) };
    let mut conn = crate::place::server_prompt(url).await?;
    let sql = format!("SELECT count(*) FROM {schema}.journal WHERE event LIKE '%\"recovered\"%'");
    let number: i64 = query_scalar(AssertSqlSafe(sql)).fetch_one(&mut conn).await?;
    Ok(usize::try_from(number)?)
}
