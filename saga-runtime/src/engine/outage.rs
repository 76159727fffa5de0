//! What is said of a store that is away: once when it begins, once a minute while it lasts, and once when it is over.

use std::{
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How often it is said again.
const AGAIN: Duration = Duration::from_mins(1);

/// Whether a worker's store is away. There is one for all that ask something of it, so that what all of them notice is said once.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// How many of those who ask were not answered the last time.
    waiting: usize,
    /// Since when there was one, until somebody is answered and there is none.
    lasting: Option<Lasting>,
}

#[derive(Debug, Clone, Copy)]
struct Lasting {
    since: Instant,
    told: Instant,
    /// Whether it was told that it needs a person.
    grave: bool,
}

/// One who asks something of the store, and again if it does not answer.
#[derive(Debug)]
pub(crate) struct Asking<'o> {
    outage: &'o Outage,
    waits: bool,
}

impl Outage {
    /// Whoever asks: for as long as it goes on asking for the same.
    pub(crate) fn asking(&self) -> Asking<'_> {
        Asking { outage: self, waits: false }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long it has lasted, unless it has just begun.
fn so_long(seconds: u64) -> String {
    if seconds == 0 { String::new() } else { format!(", for {seconds} s now") }
}

impl Asking<'_> {
    /// The store did not answer, and is asked again: `what` cannot be done meanwhile.
    pub(crate) fn failed(&mut self, what: &str, error: &dyn Display) {
        if let Some(seconds) = self.is_news(false) {
            tracing::warn!(%error, seconds, "{what}{}", so_long(seconds));
        }
    }

    /// The same, and it looks as if it will not answer before somebody does something about it.
    pub(crate) fn failed_for_good(&mut self, what: &str, error: &dyn Display) {
        if let Some(seconds) = self.is_news(true) {
            tracing::error!(%error, seconds, "{what}{}", so_long(seconds));
        }
    }

    /// The store answered.
    pub(crate) fn answered(&mut self) {
        let over = {
            let mut seen = self.outage.seen();
            self.is_answered(&mut seen);
            if seen.waiting == 0 { seen.lasting.take() } else { None }
        };
        if let Some(over) = over {
            let seconds = over.since.elapsed().as_secs();
            tracing::info!(seconds, "the store answers again, after {seconds} s");
        }
    }

    /// Whether it is to be said, and for how many seconds it has lasted.
    fn is_news(&mut self, grave: bool) -> Option<u64> {
        let mut seen = self.outage.seen();
        if !self.waits {
            self.waits = true;
            seen.waiting += 1;
        }
        let now = Instant::now();
        let Some(lasting) = &mut seen.lasting else {
            seen.lasting = Some(Lasting { since: now, told: now, grave });
            return Some(0);
        };
        let worse = grave && !lasting.grave;
        if !worse && now.duration_since(lasting.told) < AGAIN {
            return None;
        }
        lasting.told = now;
        lasting.grave |= grave;
        Some(now.duration_since(lasting.since).as_secs())
    }

    fn is_answered(&mut self, seen: &mut Seen) {
        if self.waits {
            self.waits = false;
            seen.waiting -= 1;
        }
    }
}

impl Drop for Asking<'_> {
    /// It asks no more, which says nothing of the store: somebody else is answered before it is said to be back.
    fn drop(&mut self) {
        let outage = self.outage;
        self.is_answered(&mut outage.seen());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_many_notice_is_said_once_and_then_each_minute() {
        let outage = Outage::default();
        let (mut one, mut two) = (outage.asking(), outage.asking());
        let mut said = Vec::new();
        for _ in 0..600 {
            said.extend(one.is_news(false));
            said.extend(two.is_news(false));
            tokio::time::advance(Duration::from_millis(250)).await;
        }
        assert_eq!(said, [0, 60, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_over_once_somebody_is_answered_and_nobody_waits() {
        let outage = Outage::default();
        let (mut one, mut two) = (outage.asking(), outage.asking());
        assert_eq!((one.is_news(false), two.is_news(false)), (Some(0), None));
        one.answered();
        assert_eq!(one.is_news(false), None, "the other one is not answered yet");
        one.answered();
        drop(two);
        assert!(outage.seen().lasting.is_some(), "who gives up is not answered");
        outage.asking().answered();
        assert_eq!(one.is_news(false), Some(0), "it begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn that_it_needs_a_person_is_said_at_once() {
        let outage = Outage::default();
        let mut one = outage.asking();
        assert_eq!(one.is_news(false), Some(0));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!((one.is_news(true), one.is_news(true), one.is_news(false)), (Some(5), None, None));
    }
}
