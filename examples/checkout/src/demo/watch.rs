//! Placing the orders, killing the orchestrator among them, and waiting until all have ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;

use super::Options;
use super::orders::Shipped;
use super::processes::Process;
use crate::Failed;
use crate::chance::pick;
use crate::order::Order;
use crate::place::{self, AT_A_TIME};
use crate::shop::{Listed, Moment, NotPlaced, OrderView, Shop, Status};

/// How long nothing may happen before the rest is given up; then the verdict says so.
const STALLED: Duration = Duration::from_mins(2);

/// How long an order is sent again while the orchestrator is down.
const PATIENCE: Duration = Duration::from_mins(1);

/// The share of the orders during which kills happen, in percent. Among the last ones there may be nothing left in
/// flight.
const KILLING: u32 = 85;

/// What was seen from outside.
pub(super) struct Watched {
    /// Each order, and how it ended.
    pub(super) orders: Vec<(Order, OrderView)>,
    /// For each kill, how many orders were in flight: accepted before, and not at an end after.
    pub(super) kills: Vec<usize>,
    /// From the first order placed to the last one ended.
    pub(super) took: Duration,
}

/// Places all orders and kills the orchestrator while they are in flight, then waits for their ends.
pub(super) async fn place_and_kill(
    options: &Options,
    shop: &Shop,
    orders: Vec<Shipped>,
    orchestrator: &mut Process,
    participants: &mut [Process],
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
    let mut plan = kill_plan(options).into_iter().peekable();
    let mut kills = Vec::new();
    let mut accepted = place_all(shop, orders);
    let mut placed = 0;
    while watch.ended.len() < total && watch.progress.elapsed() < STALLED {
        while let Ok(order) = accepted.try_recv() {
            let order = order?;
            placed += 1;
            watch.open.insert(order.id.clone(), order);
        }
        watch.look().await;
        let due = plan.peek().is_some_and(|after| watch.ended.len() >= *after as usize);
        if due && !watch.open.is_empty() {
            watch.bar.set_message("SIGKILL");
            orchestrator.kill().await?;
            orchestrator.restart().await?;
            let answered = watch.look().await;
            // Those that are open still were so when the process died. A kill that nothing
            // survived proves nothing and is made again.
            if answered && !watch.open.is_empty() {
                kills.push(watch.open.len());
                plan.next();
            }
            watch.bar.set_message(format!("{} kills", kills.len()));
        }
        participants.iter_mut().try_for_each(Process::died)?;
        orchestrator.died()?;
        sleep(Duration::from_millis(10)).await;
    }
    let took = begun.elapsed();
    watch.bar.finish_and_clear();
    if placed < total {
        return Err(format!("only {placed} of {total} orders could be placed").into());
    }
    // Where the work got stuck, the verdict has more to say than this.
    if watch.ended.len() == total && plan.peek().is_some() {
        return Err(format!("only {} of {} kills found orders in flight", kills.len(), options.kills).into());
    }
    Ok(Watched { orders: watch.close().await?, kills, took })
}

/// After how many ended orders to kill: one moment at random in each of as many equal parts.
fn kill_plan(options: &Options) -> Vec<u32> {
    let killing = u64::from(options.orders) * u64::from(KILLING) / 100;
    let begin = |part: u32| {
        let begin = killing * u64::from(part) / u64::from(options.kills);
        u32::try_from(begin).unwrap_or(options.orders)
    };
    let moment = |part: u32| {
        let length = begin(part + 1) - begin(part);
        begin(part) + pick(options.seed, "kill", &part.to_string(), length)
    };
    (0..options.kills).map(moment).collect()
}

/// Sends all orders, a few at a time, and tells of each when it was accepted.
fn place_all(shop: &Shop, orders: Vec<Shipped>) -> mpsc::UnboundedReceiver<Result<Order, Failed>> {
    let (tell, accepted) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(AT_A_TIME));
    for Shipped { order, text } in orders {
        let (shop, gate, tell) = (shop.clone(), Arc::clone(&gate), tell.clone());
        tokio::spawn(async move {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn options(orders: u32, kills: u32) -> Options {
        Options { orders, kills, seed: 7, json: false, dir: None }
    }

    #[test]
    fn kills_are_spread_over_the_work_and_end_before_it_does() {
        let plan = kill_plan(&options(200, 10));
        assert_eq!(plan.len(), 10);
        assert!(plan.is_sorted() && plan[9] < 170, "{plan:?}");
        assert!(plan.iter().enumerate().all(|(kill, after)| *after as usize / 17 == kill), "{plan:?}");
    }

    #[test]
    fn no_kills_are_planned_where_none_are_wanted() {
        assert_eq!(kill_plan(&options(200, 0)), [0; 0]);
    }
}
