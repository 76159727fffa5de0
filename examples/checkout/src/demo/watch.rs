//! Placing the orders, killing the orchestrator among them, and waiting until all have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tokio::time::sleep;

use super::Options;
use super::feed::Feed;
use super::orders;
use super::pace::Pace;
use super::processes::{Fleet, Process};
use super::report::counted;
use super::schema::Schema;
use crate::Failed;
use crate::order::Order;
use crate::place;
use crate::shop::{Listed, OrderView, Shop, Status};

/// How long nothing may happen before the rest is given up; then the verdict says so.
const STALLED: Duration = Duration::from_mins(2);

/// What was seen from outside.
pub(super) struct Watched {
    /// Each order, and how it ended.
    pub(super) orders: Vec<(Order, OrderView)>,
    /// For each kill, how many orders it hit. Of one orchestrator: those that were accepted before, and not at an end when it
    /// was there again. Of several: those that the one which was killed had in its hands.
    pub(super) kills: Vec<usize>,
    /// For each time that one stood still, how many it had in its hands.
    pub(super) pauses: Vec<usize>,
    /// The orders that were under way at a kill or a pause.
    pub(super) met: BTreeSet<String>,
    /// The most orders that would have been placed.
    pub(super) most: usize,
    /// From the first order placed to the last one ended.
    pub(super) took: Duration,
    /// Why it did not go on to the end.
    pub(super) trouble: Option<String>,
}

/// Places orders and kills the orchestrator, or one of several at a time, or stands it still, while they are in flight, then
/// waits for their ends. What goes wrong meanwhile ends the watching, and is told with what was seen before.
pub(super) async fn place_and_kill(
    options: &Options,
    shop: &Shop,
    fleet: &mut Fleet,
    schema: Option<&Schema>,
) -> Result<Watched, Failed> {
    let begun = Instant::now();
    let mut watch = Watch {
        shop: shop.clone(),
        bar: place::bar(options.orders as usize, "ended"),
        open: BTreeMap::new(),
        ended: Vec::new(),
        kills: Vec::new(),
        pauses: Vec::new(),
        met: BTreeSet::new(),
        progress: Instant::now(),
    };
    let (mut pace, mut feed) = (Pace::new(options), Feed::new(shop));
    let trouble = watch.until_all_have_ended(&mut pace, &mut feed, fleet, schema).await.err();
    let released = feed.released();
    drop(feed);
    let took = begun.elapsed();
    watch.bar.finish_and_clear();
    if trouble.is_some() {
        fleet.revive().await;
    }
    match (watch.close(released, pace.most(), took).await, trouble) {
        (Ok(watched), trouble) => Ok(Watched { trouble: trouble.map(|error| error.to_string()), ..watched }),
        // That they cannot be asked follows from what came before.
        (Err(_), Some(trouble)) => Err(trouble),
        (Err(error), None) => Err(error),
    }
}

/// Stands a worker still until others have taken over what it has in its hands, lets it go on, and says how many those were.
async fn stand_still(schema: &Schema, worker: &Process) -> Result<usize, Failed> {
    worker.stand_still().await?;
    let held = schema.held(worker.label()).await;
    let given_up = schema.is_given_up(worker.label()).await;
    // Whatever came of it: one that stands still answers nobody, and is asked again at the end.
    worker.go_on().await?;
    given_up?;
    schema.lives(worker.label()).await?;
    held
}

struct Watch {
    shop: Shop,
    bar: ProgressBar,
    /// Accepted, and not known to have ended.
    open: BTreeMap<String, Order>,
    ended: Vec<(Order, Status)>,
    kills: Vec<usize>,
    pauses: Vec<usize>,
    met: BTreeSet<String>,
    /// When an order last ended.
    progress: Instant,
}

impl Watch {
    async fn until_all_have_ended(
        &mut self,
        pace: &mut Pace,
        feed: &mut Feed,
        fleet: &mut Fleet,
        schema: Option<&Schema>,
    ) -> Result<(), Failed> {
        while self.progress.elapsed() < STALLED {
            while let Some(order) = feed.accepted()? {
                self.open.insert(order.id.clone(), order);
            }
            self.look().await;
            let ended = self.ended.len();
            feed.release(pace.placed(ended))?;
            self.bar.set_length(self.bar.length().unwrap_or_default().max(feed.released() as u64));
            if ended == feed.released() && pace.is_over(ended) {
                return Ok(());
            }
            if pace.is_due() && pace.is_enough(self.open.len(), ended) {
                self.strike(pace, &mut fleet.workers, schema).await?;
            }
            fleet.all().try_for_each(Process::died)?;
            sleep(Duration::from_millis(10)).await;
        }
        let (placed, released) = (self.open.len() + self.ended.len(), feed.released());
        if placed < released {
            return Err(format!("only {placed} of {released} orders could be placed").into());
        }
        // Where the work got stuck, the verdict has more to say.
        Ok(())
    }

    /// Kills the orchestrator whose turn it is, or stands it still.
    async fn strike(
        &mut self,
        pace: &mut Pace,
        workers: &mut [Process],
        schema: Option<&Schema>,
    ) -> Result<(), Failed> {
        let victim = &mut workers[pace.victim(workers.len())];
        // One that has nothing in its hands proves nothing, and soon gets something.
        if let (Some(schema), false) = (schema, pace.is_late())
            && schema.held(victim.label()).await? == 0
        {
            return Ok(());
        }
        let hit = if let Some(schema) = schema.filter(|_| pace.stands()) {
            self.bar.set_message("SIGSTOP");
            let held = stand_still(schema, victim).await?;
            self.pauses.extend((held > 0).then_some(held));
            held
        } else {
            self.bar.set_message("SIGKILL");
            victim.kill().await?;
            let held = match schema {
                Some(schema) => Some(schema.held(victim.label()).await?),
                None => None,
            };
            victim.restart().await?;
            let answered = self.look().await;
            // Those that are open still were so when the process died.
            let survived = if answered { self.open.len() } else { 0 };
            let hit = held.unwrap_or(survived);
            self.kills.extend((hit > 0).then_some(hit));
            hit
        };
        self.met.extend(self.open.keys().cloned());
        pace.reborn(hit > 0);
        let (kills, pauses) = (counted(self.kills.len(), "kill"), counted(self.pauses.len(), "pause"));
        self.bar.set_message(format!("{kills}, {pauses}"));
        Ok(())
    }

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

    /// Takes down those that were accepted though their answers have not come: where the watching ended before its time.
    async fn find_accepted(&mut self, released: usize) -> Result<(), Failed> {
        let listed: BTreeSet<String> = self.shop.orders().await?.into_iter().map(|listed| listed.id).collect();
        let known: BTreeSet<String> = self.ended.iter().map(|(order, _)| order.id.clone()).collect();
        for index in 0..released {
            let order = orders::nth(index)?.order;
            if listed.contains(&order.id) && !known.contains(&order.id) {
                self.open.insert(order.id.clone(), order);
            }
        }
        Ok(())
    }

    /// How each order ended, and why. One that never did is still running.
    async fn close(mut self, released: usize, most: usize, took: Duration) -> Result<Watched, Failed> {
        if self.open.len() + self.ended.len() < released {
            self.find_accepted(released).await?;
        }
        let open = self.open.into_values().map(|order| (order, Status::Running));
        let mut orders = Vec::new();
        for (order, status) in self.ended.into_iter().chain(open) {
            let view = self.shop.order(&order.id).await?;
            // One that was under way when the watching ended may have ended since.
            if status.is_settled() && view.status != status {
                return Err(format!("{} was {status}, and now it is {}", order.id, view.status).into());
            }
            orders.push((order, view));
        }
        let (kills, pauses, met) = (self.kills, self.pauses, self.met);
        Ok(Watched { orders, kills, pauses, met, most, took, trouble: None })
    }
}
