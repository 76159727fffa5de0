//! What happens to workers and to the store while instances run.

use crate::{
    crew::{Crew, Life},
    faults::Fault,
    sim::Sim,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// Does harm for so long, and sees to it that everything is there again afterwards.
pub async fn harm(sim: &Arc<Sim>, crew: &Arc<Crew>, span: Duration, often: Duration) {
    let end = Instant::now() + span;
    let mut under_way = JoinSet::new();
    while Instant::now() < end {
        sleep(sim.up_to(often) + Duration::from_millis(1)).await;
        let what = sim.dice().roll(100);
        let Some(life) = crew.anybody() else { continue };
        match what {
            0..25 => kill(sim, &life),
            25..40 => {
                let span = sim.up_to(sim.lease * 3 / 4);
                under_way.spawn(pause(Arc::clone(sim), life, span, Fault::Paused));
            }
            40..70 => {
                let span = sim.lease + sim.up_to(sim.lease * 3);
                under_way.spawn(pause(Arc::clone(sim), life, span, Fault::PausedBeyondLease));
            }
            70..78 => {
                under_way.spawn(stop(Arc::clone(sim), life));
            }
            78..86 => {
                under_way.spawn(away(Arc::clone(sim)));
            }
            _ => set_a_clock(sim, crew),
        }
    }
    while under_way.join_next().await.is_some() {}
}

fn kill(sim: &Sim, life: &Life) {
    if life.link.kill() {
        sim.count(Fault::Killed);
        sim.tell(|| format!("{}: {}", life.link.name, Fault::Killed));
    }
}

async fn pause(sim: Arc<Sim>, life: Life, span: Duration, fault: Fault) {
    // Whoever is killed meanwhile is not kept.
    let link = life.link;
    drop(life.runtime);
    sim.count(fault);
    sim.tell(|| format!("{} stands still for {span:?}", link.name));
    link.pause(true);
    sleep(span).await;
    link.pause(false);
    sim.tell(|| format!("{} goes on", link.name));
}

async fn stop(sim: Arc<Sim>, life: Life) {
    sim.count(Fault::Stopped);
    sim.tell(|| format!("{}: {}", life.link.name, Fault::Stopped));
    let limit = sim.up_to(Duration::from_secs(4));
    tokio::select! {
        biased;
        () = life.link.dies() => {}
        () = life.runtime.shutdown(limit) => {}
        // It is told to stop, and stands still: whoever stops it has a limit of his own.
        () = sleep(Duration::from_secs(30)) => {}
    }
    life.link.kill();
}

async fn away(sim: Arc<Sim>) {
    sim.count(Fault::StoreAway);
    let span = sim.up_to(Duration::from_secs(40));
    sim.tell(|| format!("the store is away for {span:?}"));
    sim.away.fetch_add(1, Ordering::Relaxed);
    sleep(span).await;
    sim.away.fetch_sub(1, Ordering::Relaxed);
    sim.tell(|| "the store is there again".to_owned());
}

fn set_a_clock(sim: &Sim, crew: &Crew) {
    let alive = crew.alive();
    let picked = sim.dice().pick(&alive).map(|(number, _)| *number);
    let Some((number, ahead)) = picked.and_then(|number| Some((number, crew.ahead(number)?))) else { return };
    let far = sim.dice().chance(10);
    let (fault, span) = if far { (Fault::ClockJumped, 7_000_000_000_u64) } else { (Fault::ClockSet, 20_000_000) };
    let by = sim.dice().number(span * 2) - span.cast_signed() / 2;
    ahead.fetch_add(by, Ordering::Relaxed);
    sim.count(fault);
    sim.tell(|| {
        format!(
            "worker {number}'s clock is set by {:.3} s",
            Duration::from_micros(by.unsigned_abs()).as_secs_f64() * if by < 0 { -1.0 } else { 1.0 }
        )
    });
}
