//! Attempts in a transaction of the store: what the step writes and the row that records it are one commit.

use super::{
    Point, SECOND,
    attempt::Made,
    journal::{Journal, Over},
    worker::Worker,
};
use crate::{
    context::Held,
    core::{
        CallId, Event, How,
        decide::{self, Ended},
    },
    definition::{Policy, Step},
    machine::{Answer, Json},
    store::{
        Append, Micros, StoreError, Transaction, Write,
        committer::{CommitError, read_back},
    },
};
use std::sync::Arc;

/// What an attempt that is made in a transaction is recorded as, in the strand of this path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Records<'a> {
    /// A step's answer.
    Answer { path: &'a str },
    /// The undo of this call.
    Undone { path: &'a str, call: CallId },
}

impl Records<'_> {
    fn event(self, output: &Json) -> Event {
        match self {
            Self::Answer { path } => Event::Answered { answer: Answer::Done(output.clone()) }.within(path),
            Self::Undone { path, call } => Event::Undone { call, how: How::Done }.within(path),
        }
    }
}

/// A commit that did not come about: nothing was written.
#[derive(Debug)]
pub(super) struct Uncommitted {
    reason: Box<str>,
    /// Whether it would be the same again.
    for_good: bool,
}

impl Worker {
    /// How long an attempt of this step, or of its compensation, may take: in a transaction, as long as the store can stand.
    pub(super) fn timeout(&self, step: &Step, policy: &Policy) -> Micros {
        let longest = self.engine.store.longest_transaction().filter(|_| step.transactional);
        decide::micros(longest.map_or(policy.timeout, |longest| longest.min(policy.timeout)))
    }

    /// Begins a transaction, once everything before it is durable.
    pub(super) async fn begin(&self) -> Result<Held, Over> {
        self.commit().await?;
        let mut asking = self.engine.outage.asking();
        loop {
            match self.engine.store.transact(self.journal.life.epoch).await {
                Ok(transaction) => {
                    asking.answered();
                    return Ok(Held::of(transaction));
                }
                Err(StoreError::Fenced) => return Err(Over::Cut(CommitError::Fenced)),
                // No attempt has been made: a store that is away is waited for, as with every other write.
                Err(error) => {
                    asking.failed("a step cannot begin its transaction now", &error);
                    self.until(self.engine.clock.now().saturating_add(SECOND)).await;
                }
            }
        }
    }

    /// Ends the transaction of an attempt: its answer is committed with what it wrote, and whatever else came of it is
    /// recorded once the rollback is over.
    pub(super) async fn conclude(&self, held: &Held, records: Records<'_>, made: Made) -> Result<Made, Over> {
        let Some(transaction) = held.take() else {
            return Ok(made.rolled_back(Some(Uncommitted::for_good("the step kept its transaction"))));
        };
        let Some(output) = made.json.as_ref().filter(|_| made.ended == Ended::Done) else {
            let misused = match transaction.rollback().await {
                Err(StoreError::Unusable(reason)) => Some(Uncommitted { reason, for_good: true }),
                _ => None,
            };
            return Ok(made.rolled_back(misused));
        };
        match self.journal.commit_within(transaction, &records.event(output)).await? {
            Ok(()) => Ok(Made { recorded: true, ..made }),
            Err(uncommitted) => Ok(made.rolled_back(Some(uncommitted))),
        }
    }
}

impl Uncommitted {
    fn for_good(reason: &str) -> Self {
        Self { reason: reason.into(), for_good: true }
    }
}

impl Made {
    /// The same attempt, of which nothing is left; if not it but its commit failed, then that is what came of it.
    fn rolled_back(self, uncommitted: Option<Uncommitted>) -> Self {
        let made = match (uncommitted, self.ended) {
            (Some(Uncommitted { reason, for_good }), _) => {
                Self::failed(Ended::Failed { effect: false, after: None, park: for_good }, reason)
            }
            (None, Ended::Failed { after, park, .. }) => {
                Self { ended: Ended::Failed { effect: false, after, park }, ..self }
            }
            (None, _) => self,
        };
        Self { rolled_back: true, ..made }
    }
}

impl Journal {
    /// Commits this event in a transaction that is under way, with all that was written in it. Nothing else of the instance may
    /// happen meanwhile, nor wait to be committed.
    async fn commit_within(
        &self,
        transaction: Box<dyn Transaction>,
        event: &Event,
    ) -> Result<Result<(), Uncommitted>, Over> {
        let _turn = self.turn.lock().await;
        let (no, staged) = self.stage(event)?;
        let ids = Arc::clone(&self.identity.ids);
        self.engine.at(Point::BeforeCommit { instance: &ids.instance, events: &staged.kinds }).await;
        let writes = [Write::Append(Append::new(no, staged.rows.clone()))];
        let uncommitted = |reason, for_good| Ok(Err(Uncommitted { reason, for_good }));
        match transaction.commit(&writes).await {
            Ok(_) => {}
            Err(StoreError::Fenced) => return Err(Over::Cut(CommitError::Fenced)),
            Err(StoreError::Write { reason, .. }) => return Err(Over::Rejected(reason)),
            Err(StoreError::Unusable(reason)) => return uncommitted(reason, true),
            Err(StoreError::Unavailable(reason)) => return uncommitted(reason, false),
            Err(StoreError::InDoubt(reason)) => {
                if !self.was_written(&writes).await? {
                    return uncommitted(reason, false);
                }
            }
        }
        self.adopt(staged)?;
        self.engine.hub.changed(no);
        self.engine.at(Point::AfterCommit { instance: &ids.instance, events: &[event.kind()] }).await;
        Ok(Ok(()))
    }

    /// Whether a commit whose answer was lost came about: the journal tells.
    async fn was_written(&self, writes: &[Write]) -> Result<bool, Over> {
        loop {
            match read_back(&*self.engine.store, writes).await {
                Ok(found) => return Ok(found.is_some()),
                Err(_) if self.engine.is_stopping() => return Err(Over::Stopped),
                Err(_) => self.engine.clock.sleep_until(self.engine.clock.now().saturating_add(SECOND)).await,
            }
        }
    }
}
