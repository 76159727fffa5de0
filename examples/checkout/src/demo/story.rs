//! The one order whose timeline is shown.

use super::watch::Watched;
use crate::Failed;
use crate::shop::{Moment, OrderView, Shop, Status};

/// How many are looked at.
const FEW: usize = 30;

/// More than this is no story any more.
const LINES: usize = 40;

/// All that happened to one order.
pub(super) struct Story {
    pub(super) order: String,
    pub(super) status: Status,
    /// Whether a kill or a pause came while it was under way, and it was recovered.
    pub(super) recovered: bool,
    pub(super) moments: Vec<Moment>,
}

impl Story {
    fn new(view: &OrderView, moments: Vec<Moment>) -> Self {
        let recovered = moments.iter().any(|moment| moment.event == "recovered");
        Self { order: view.id.clone(), status: view.status, recovered, moments }
    }

    /// What makes it worth telling, in order: that it was recovered, that it was undone, that it is short enough, and that
    /// much happened.
    fn worth(&self) -> (bool, bool, bool, usize) {
        let length = self.moments.len();
        (self.recovered, self.status == Status::Compensated, length <= LINES, length)
    }
}

/// An order that has something to tell: of a few that a kill met, or of all if it met none, the one most worth telling.
pub(super) async fn choose(shop: &Shop, watched: &Watched) -> Result<Option<Story>, Failed> {
    let views = || watched.orders.iter().map(|(_, view)| view);
    let met = |view: &&OrderView| watched.met.contains(&view.id);
    let undone = |view: &&OrderView| view.status == Status::Compensated;
    let met_and_undone = views().filter(met).filter(undone).take(FEW);
    let met_otherwise = views().filter(met).filter(|view| !undone(view)).take(FEW);
    let undone_otherwise = views().filter(|view| !met(view)).filter(undone).take(FEW);
    let mut best: Option<Story> = None;
    for view in met_and_undone.chain(met_otherwise).chain(undone_otherwise) {
        let story = Story::new(view, shop.timeline(&view.id).await?);
        if best.as_ref().is_none_or(|best| best.worth() < story.worth()) {
            best = Some(story);
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(status: Status, events: &[&str]) -> Story {
        let view = OrderView { id: "o-1".into(), status, receipt: None, cause: None, reason: None };
        let moment = |event: &&str| Moment {
            row: 1,
            at_micros: 0,
            state: String::new(),
            event: (*event).to_owned(),
            detail: String::new(),
        };
        Story::new(&view, events.iter().map(moment).collect())
    }

    #[test]
    fn an_order_that_a_kill_met_is_told_rather_than_a_longer_one_that_it_did_not() {
        let met = story(Status::Completed, &["started", "recovered", "completed"]);
        let longer = story(Status::Compensated, &["started", "called", "answered", "unwinding", "compensated"]);
        assert!(met.recovered && !longer.recovered);
        assert!(met.worth() > longer.worth());
        let undone = story(Status::Compensated, &["started", "recovered", "compensated"]);
        assert!(undone.worth() > met.worth());
        let endless = story(Status::Compensated, &["recovered"; LINES + 1]);
        assert!(undone.worth() > endless.worth());
    }
}
