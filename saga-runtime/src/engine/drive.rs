//! Polling what an instance does, and looking after it: its waits, its requests, its rest.

use super::{
    SECOND,
    commit::Release,
    journal::Over,
    pulse::Waits,
    worker::{Halt, Worker},
};
use crate::store::Status;
use std::{future::Future, pin::Pin};

impl Worker {
    /// Polls what the instance does, and looks after it: answers what it waits for, and decides about it whenever all of it
    /// waits.
    pub(super) async fn drive<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> Result<T, Halt> {
        let _thread = self.pulse.thread();
        let mut asked = false;
        loop {
            let (due, deadline) = (self.next_time(), self.next_deadline());
            let answers = tokio::select! {
                biased;
                end = work.as_mut() => {
                    self.pulse.open();
                    return Ok(end);
                }
                () = self.pulse.moved() => {
                    if self.pulse.is_newly_still() {
                        // Boxed, as what happens seldom: the space would be taken for as long as the instance runs.
                        let looked = Box::pin(self.look_after()).await;
                        asked = false;
                        self.pulse.open();
                        looked?;
                    }
                    false
                }
                () = self.engine.sleep_until_some(due) => true,
                () = self.poke.rings(), if !asked => {
                    asked = true;
                    self.pulse.close();
                    true
                }
                () = self.engine.stops(), if !asked => {
                    asked = true;
                    self.pulse.close();
                    false
                }
                () = self.engine.sleep_until_some(deadline), if !asked => {
                    asked = true;
                    self.pulse.close();
                    false
                }
            };
            if answers {
                // What is under way goes on meanwhile: it may be writing.
                tokio::select! {
                    biased;
                    end = work.as_mut() => {
                        self.pulse.open();
                        return Ok(end);
                    }
                    answered = self.answer_now() => {
                        answered?;
                    }
                }
            }
        }
    }

    /// Answers what has come of what is waited for.
    async fn answer_now(&self) -> Result<bool, Over> {
        let answered = self.answer_waits().await?;
        if answered {
            self.commit().await?;
            self.pulse.stir();
        }
        Ok(answered)
    }

    /// Every thread waits: requests, times and messages are decided, and the instance is let go if nothing is left to do soon.
    async fn look_after(&self) -> Result<(), Halt> {
        if self.engine.is_stopping() {
            return Err(self.stop().await.into());
        }
        let before = self.journal.inner().state.seq;
        self.heed().await?;
        self.deadline()?;
        self.gives_up_for_debt().await?;
        let now = self.engine.clock.now();
        if self.journal.inner().state.seq != before {
            self.commit().await?;
            return Err(Halt::Turn);
        }
        if self.answer_now().await? {
            return Ok(());
        }
        let waits = self.pulse.waits();
        if waits.contains(&Waits::Gate) {
            return Ok(());
        }
        let times = waits.iter().filter_map(|wait| match wait {
            Waits::Until(at) | Waits::Turn(at) | Waits::Message(Some(at)) => Some(*at),
            _ => None,
        });
        let soonest = times.min();
        let listens = waits.iter().any(|wait| matches!(wait, Waits::Message(_)));
        if self.is_called() {
            // Its turn at a named policy has come, which may be what it was rung for: whoever waits for that goes on.
            self.pulse.stir();
            return Ok(());
        }
        let soon = soonest.is_some_and(|at| at.saturating_sub(now) <= SECOND);
        if soon || !(soonest.is_some() || listens || waits.contains(&Waits::Person)) {
            return Ok(());
        }
        // One that has passed already waits for what cannot be decided yet, as a pivot's answer: it wakes nobody.
        let deadline = self.next_deadline();
        let queued = waits.iter().any(|wait| matches!(wait, Waits::Turn(_)));
        let wake_at = [soonest, deadline].into_iter().flatten().min();
        let awaits = if listens { self.awaited() } else { Vec::new() };
        Err(self.rest(Release { wake_at, awaits, queued }, soonest.is_some(), listens).await.into())
    }

    /// Lets the instance go until then, or until a message comes, or for a person to look at.
    async fn rest(&self, release: Release, timed: bool, listens: bool) -> Over {
        let Release { wake_at, awaits, queued } = release;
        // A wait for a time alone is a sleep.
        let (status, over) = if listens && !(awaits.is_empty() && wake_at.is_some()) {
            (Status::Waiting, Over::Asleep)
        } else if wake_at.is_some() && (listens || timed) {
            (Status::Sleeping, Over::Asleep)
        } else {
            (Status::Parked, Over::Parked)
        };
        let wake_at = wake_at.filter(|_| status != Status::Parked);
        self.release(status, Release { wake_at, awaits, queued }).await.err().unwrap_or(over)
    }
}
