//! Placing the orders, killing the orchestrator among them, and waiting until all have ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::sleep;

use super::Options;
use super::orders::Shipped;
use super::pace::Pace;
use super::processes::Process;
use super::schema::Schema;
use crate::Failed;
use crate::order::Order;
use crate::place::{self, AT_A_TIME};
use crate::shop::{Listed, Moment, NotPlaced, OrderView, Shop, Status};

/// How long nothing may happen before the rest is given up; then the verdict says so.
const STALLED: Duration = Duration::from_mins(2);

/// How long an order is sent again while the orchestrator is down.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was seen from outside.
pub(super) struct Watched {
    /// Each order, and how it ended.
    pub(super) orders: Vec<(Order, OrderView)>,
    /// For each kill, how many orders were in flight: accepted before, and not at an end after.
    pub(super) kills: Vec<usize>,
    /// For each time that one stood still, how many it had in its hands.
    pub(super) pauses: Vec<usize>,
    /// From the first order placed to the last one ended.
    pub(super) took: Duration,
}

/// Places all orders and kills the orchestrator, or one of several at a time, or stands it still, while they are in flight, then
/// waits for their ends.
pub(super) async fn place_and_kill(
    options: &Options,
    shop: &Shop,
    orders: Vec<Shipped>,
    workers: &mut [Process],
    participants: &mut [Process],
    schema: Option<&Schema>,
) -> Result<Watched, Failed> {
    let begun = Instant::now();
    let mut watch = Watch {
        shop: shop.clone(),
        bar: place::bar(orders.len(), "ended"),
        open: BTreeMap::new(),
        ended: Vec::new(),
        progress: Instant::now(),
    };
    let total = orders.len();
    let mut pace = Pace::new(options, total);
    let (mut kills, mut pauses) = (Vec::new(), Vec::new());
    let (released, release) = watch::channel(0);
    let mut accepted = place_all(shop, orders, &release);
    let mut placed = 0;
    while watch.ended.len() < total && watch.progress.elapsed() < STALLED {
        while let Ok(order) = accepted.try_recv() {
            let order = order?;
            placed += 1;
            watch.open.insert(order.id.clone(), order);
        }
        watch.look().await;
        released.send_replace(pace.placed(watch.ended.len()));
        if pace.is_due() && !watch.open.is_empty() {
            let victim = &mut workers[pace.victim(workers.len())];
            let counted = if let Some(schema) = schema.filter(|_| pace.stands()) {
                watch.bar.set_message("SIGSTOP");
                let held = stand_still(schema, victim).await?;
                // One that had nothing in its hands proves nothing, and another one is stopped.
                pauses.extend((held > 0).then_some(held));
                held > 0
            } else {
                watch.bar.set_message("SIGKILL");
                victim.kill().await?;
                victim.restart().await?;
                let answered = watch.look().await;
                // Those that are open still were so when the process died. A kill that nothing
                // survived proves nothing and is made again.
                let counted = answered && !watch.open.is_empty();
                kills.extend(counted.then_some(watch.open.len()));
                counted
            };
            pace.reborn(counted);
            watch.bar.set_message(format!("{} kills, {} pauses", kills.len(), pauses.len()));
        }
        participants.iter_mut().chain(workers.iter_mut()).try_for_each(Process::died)?;
        sleep(Duration::from_millis(10)).await;
    }
    let took = begun.elapsed();
    watch.bar.finish_and_clear();
    if placed < total {
        return Err(format!("only {placed} of {total} orders could be placed").into());
    }
    // Where the work got stuck, the verdict has more to say than this.
    if watch.ended.len() == total && pace.is_open() {
        let (done, wanted) = (kills.len() + pauses.len(), options.kills + options.pauses);
        return Err(format!("only {done} of {wanted} kills and pauses found orders in flight").into());
    }
    Ok(Watched { orders: watch.close().await?, kills, pauses, took })
}

/// Stands a worker still until others have taken over what it has in its hands, lets it go on, and says how many those were.
async fn stand_still(schema: &Schema, worker: &Process) -> Result<usize, Failed> {
    worker.stand_still().await?;
    let held = schema.held(worker.label()).await?;
    schema.is_given_up(worker.label()).await?;
    worker.go_on().await?;
    schema.lives(worker.label()).await?;
    Ok(held)
}

/// Sends all orders, so many as are released and a few at a time, and tells of each when it was accepted.
fn place_all(
    shop: &Shop,
    orders: Vec<Shipped>,
    release: &watch::Receiver<usize>,
) -> mpsc::UnboundedReceiver<Result<Order, Failed>> {
    let (tell, accepted) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(AT_A_TIME));
    for (index, Shipped { order, text }) in orders.into_iter().enumerate() {
        let (shop, gate, tell, mut release) = (shop.clone(), Arc::clone(&gate), tell.clone(), release.clone());
        tokio::spawn(async move {
            if release.wait_for(|released| *released > index).await.is_err() {
                return; // The demonstration is over.
            }
            let _turn = gate.acquire_owned().await;
            let result = shop.place(&text, PATIENCE).await;
            let told = result.map_err(|error: NotPlaced| format!("{}: {error}", order.id).into()).map(|()| order);
            // Nobody listens any more where the demonstration has failed otherwise.
            let _ = tell.send(told);
        });
    }
    accepted
}

struct Watch {
    shop: Shop,
    bar: ProgressBar,
    /// Accepted, and not known to have ended.
    open: BTreeMap<String, Order>,
    ended: Vec<(Order, Status)>,
    /// When an order last ended.
    progress: Instant,
}

impl Watch {
    /// Asks once how far all are, and says whether there was an answer. While the orchestrator is down there is none, and
    /// nothing changes.
    async fn look(&mut self) -> bool {
        let Ok(orders) = self.shop.orders().await else {
            return false;
        };
        for Listed { id, status } in orders {
            if !status.is_settled() {
                continue;
            }
            if let Some(order) = self.open.remove(&id) {
                self.ended.push((order, status));
                self.bar.inc(1);
                self.progress = Instant::now();
            }
        }
        true
    }

    /// How each order ended, and why. One that never did is still running.
    async fn close(self) -> Result<Vec<(Order, OrderView)>, Failed> {
        let open = self.open.into_values().map(|order| (order, Status::Running));
        let mut orders = Vec::new();
        for (order, status) in self.ended.into_iter().chain(open) {
            let view = self.shop.order(&order.id).await?;
            if view.status != status {
                return Err(format!("{} was {status}, and now it is {}", order.id, view.status).into());
            }
            orders.push((order, view));
        }
        Ok(orders)
    }
}

/// A compensated order that has something to tell: of a few, the one to which most happened.
pub(super) async fn telling(shop: &Shop, watched: &Watched) -> Result<Option<(String, Vec<Moment>)>, Failed> {
    /// How many are looked at.
    const FEW: usize = 20;
    /// More than this is no story any more.
    const LINES: usize = 40;
    let compensated = watched.orders.iter().filter(|(_, view)| view.status == Status::Compensated);
    let mut best = None;
    for (order, _) in compensated.take(FEW) {
        let story = shop.timeline(&order.id).await?;
        let length = |told: &Option<(String, Vec<Moment>)>| told.as_ref().map_or(0, |(_, told)| told.len());
        if best.is_none() || (length(&best)..=LINES).contains(&story.len()) {
            best = Some((order.id.clone(), story));
        }
    }
    Ok(best)
}
