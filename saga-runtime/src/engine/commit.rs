//! Commits of one instance: one after another, each with what the store is to say of the instance, and each heard of before anything
//! else is read or written.

use super::{
    Point,
    journal::{Answers, Inner, Journal, Over, changes},
};
use crate::store::{
    Append, InstanceNo, Labels, Micros, Row, Start, Status, Touch, Write, Written,
    committer::{CommitError, Writing},
};
use std::sync::Arc;

/// How an instance is let go.
#[derive(Debug, Default)]
pub(crate) struct Release {
    pub(crate) wake_at: Option<Micros>,
    /// The names of the messages that wake it.
    pub(crate) awaits: Vec<Box<str>>,
    /// Whether it waits for its turn at a named policy.
    pub(crate) queued: bool,
}

/// A commit that has been handed over.
pub(super) struct UnderWay {
    writing: Writing,
    follows: Follows,
}

/// What follows once a commit is made.
struct Follows {
    instance: InstanceNo,
    /// What the store's row says from then on, if the commit says anything of it.
    status: Option<Status>,
    /// What it says of parks, and of what was lost, if so.
    shown: Option<Box<str>>,
    lost: Option<bool>,
    labels: Labels,
    /// Whether the instance is let go.
    rests: bool,
    /// Those who are sent something.
    told: Vec<InstanceNo>,
    /// Whether others are started.
    starts: bool,
    kinds: Vec<&'static str>,
}

/// Waits for a commit. Dropped meanwhile, it leaves it to the next one who writes: nothing is read of the instance, nor written to it,
/// that may not know of it.
struct Heard<'j> {
    journal: &'j Journal,
    under_way: Option<UnderWay>,
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        if let Some(under_way) = self.under_way.take() {
            self.journal.inner().unheard = Some(under_way);
        }
    }
}

impl Journal {
    /// Waits for what was handed over by one who did not wait for it: whoever reads the journal next reads it whole.
    pub(crate) async fn settled(&self) -> Result<(), Over> {
        let _turn = self.turn.lock().await;
        self.hear().await
    }

    /// Commits what is collected; the instance goes on running.
    pub(crate) async fn commit(&self) -> Result<(), Over> {
        Box::pin(self.write(|inner, at| {
            // A part of it may need a person while the others go on.
            let error = inner.park_error();
            let tells = inner.lost && !inner.pending.is_empty();
            let changes = inner.status != Status::Ready || inner.shown != error || tells;
            changes.then(|| Touch { owned: true, error, ..Touch::new(Status::Ready, at) })
        }))
        .await
    }

    /// Commits what is collected, and lets the instance go with this status.
    pub(crate) async fn release(&self, status: Status, release: Release) -> Result<(), Over> {
        Box::pin(self.write(|inner, at| {
            let mut touch = Touch::new(status, at);
            touch.wake_at = release.wake_at;
            touch.awaits = release.awaits;
            touch.queued = release.queued;
            touch.error = inner.park_error().filter(|_| !status.is_end());
            if status == Status::Parked && touch.error.is_none() {
                touch.error.clone_from(&inner.error);
            }
            if !matches!(status, Status::Ready) && !status.is_end() {
                touch.state = Some(inner.state.state_name());
            }
            Some(touch)
        }))
        .await
    }

    /// Lets the instance go as it was, with a name for the lists if there is a new one, and whether something of it was running.
    pub(crate) async fn give_back(&self, status: Status, named: Option<Box<str>>, runs: bool) -> Result<(), Over> {
        Box::pin(self.write(|inner, at| {
            let mut touch = Touch { lost: runs.then_some(true), ..Touch::new(status, at) };
            if status == inner.status {
                touch.wake_at = inner.wake_at;
                touch.awaits.clone_from(&inner.awaits);
                touch.error.clone_from(&inner.error);
                touch.state.clone_from(&inner.named);
            } else {
                // Of one whose journal was not read, it is what was said before.
                let known = inner.state.seq > 0;
                touch.error = inner.park_error().or_else(|| inner.error.clone().filter(|_| !known));
            }
            if named.is_some() {
                touch.state = named;
            }
            Some(touch)
        }))
        .await
    }

    /// Parks it without a row: its rows cannot be read, so nobody can say which one would follow them.
    pub(crate) async fn park_unread(&self, error: &str) -> Result<(), Over> {
        self.forget();
        Box::pin(self.write(|inner, at| {
            if inner.status.is_end() {
                return Some(Touch { state: inner.named.clone(), ..Touch::new(inner.status, at) });
            }
            let error = inner.error.clone().filter(|_| inner.status == Status::Parked).or_else(|| Some(error.into()));
            Some(Touch { error, state: inner.named.clone(), ..Touch::new(Status::Parked, at) })
        }))
        .await
    }

    /// Boxed by whoever calls it: every wait of an instance has a commit somewhere in it, and would be as large as that.
    async fn write(&self, touch: impl FnOnce(&Inner, Micros) -> Option<Touch>) -> Result<(), Over> {
        let _turn = self.turn.lock().await;
        self.hear().await?;
        let (touch, kinds, no) = {
            let inner = self.inner();
            if let Some(reason) = &inner.rejected {
                return Err(Over::Rejected(reason.clone()));
            }
            let mut touch = touch(&inner, self.engine.clock.now());
            if let Some(touch) = touch.as_mut().filter(|_| inner.lost) {
                // With a row that follows, and with nothing else: what is written once more after somebody else has had the instance
                // says nothing of what that one lost.
                touch.lost.get_or_insert(inner.pending.rows.is_empty());
            }
            if inner.pending.is_empty() && touch.is_none() {
                return Ok(());
            }
            let kinds = if self.engine.is_observed() { inner.pending.kinds.clone() } else { Vec::new() };
            (touch, kinds, inner.no)
        };
        let ids = Arc::clone(&self.identity.ids);
        self.engine.at(Point::BeforeCommit { instance: &ids.instance, events: &kinds }).await;
        let (pending, labels) = {
            let mut inner = self.inner();
            let pending = std::mem::take(&mut inner.pending);
            inner.answers = pending.answers();
            (pending, inner.labels.clone())
        };
        let status = touch.as_ref().map(|touch| touch.status);
        let shown = touch.as_ref().and_then(|touch| touch.error.clone());
        let lost = touch.as_ref().and_then(|touch| touch.lost);
        let rests = touch.as_ref().is_some_and(|touch| !touch.owned);
        let told: Vec<InstanceNo> = pending.sends.iter().map(|delivery| delivery.to).collect();
        let starts = !pending.starts.is_empty();
        let follows =
            |instance| Follows { instance, status, shown, lost, labels: labels.clone(), rests, told, starts, kinds };
        let Some(instance) = no else {
            let instance = self.started(pending.rows, labels.clone(), touch).await?;
            self.made(follows(instance)).await;
            return Ok(());
        };
        let append = Append {
            touch,
            consumed: pending.consumed,
            received: pending.received.into_iter().map(|(message, _)| message).collect(),
            labels: changes(&self.inner().labelled, &labels),
            starts: pending.starts,
            sends: pending.sends,
            ..Append::new(instance, pending.rows)
        };
        let writing = self.life.committer.write(Write::Append(append));
        self.inner().unheard = Some(UnderWay { writing, follows: follows(instance) });
        self.hear().await
    }

    /// Waits for what was handed over, if there is anything; by whoever holds the turn.
    async fn hear(&self) -> Result<(), Over> {
        let mut heard = Heard { journal: self, under_way: self.inner().unheard.take() };
        let Some(under_way) = &mut heard.under_way else { return Ok(()) };
        let written = (&mut under_way.writing).await;
        let Some(UnderWay { follows, .. }) = heard.under_way.take() else { return Ok(()) };
        if let Err(error) = written {
            if let CommitError::Rejected(reason) = &error {
                self.inner().rejected = Some(reason.clone());
            }
            return Err(error.into());
        }
        self.made(follows).await;
        Ok(())
    }

    /// A commit is made.
    async fn made(&self, follows: Follows) {
        let Follows { instance, status, shown, lost, labels, rests, told, starts, kinds } = follows;
        {
            let mut inner = self.inner();
            inner.no = Some(instance);
            if let Some(status) = status {
                (inner.status, inner.shown) = (status, shown);
                inner.lost = lost.unwrap_or(inner.lost);
            }
            inner.labelled = labels;
            inner.committed_at = self.engine.clock.now();
            // They are stored.
            inner.answers = Answers::default();
        }
        self.engine.hub.changed(instance);
        if rests {
            self.engine.hub.rests(instance, self.inner().ended());
        }
        for to in told {
            self.engine.has_message(to);
        }
        if starts {
            self.engine.waits();
        }
        let ids = Arc::clone(&self.identity.ids);
        self.engine.at(Point::AfterCommit { instance: &ids.instance, events: &kinds }).await;
    }

    /// The first commit of an instance: if it is to be let go at once, that is a second write right behind it, with the last row,
    /// which tells whether it was written, should the answer be lost.
    async fn started(&self, mut rows: Vec<Row>, labels: Labels, touch: Option<Touch>) -> Result<InstanceNo, Over> {
        let last = rows.split_off(rows.len().saturating_sub(usize::from(touch.is_some() && rows.len() > 1)));
        let start = Start { labels, ..self.start(rows, true) };
        let instance = match self.life.committer.write(Write::Start(start)).await.map_err(Over::from)? {
            Written::Started(instance) => instance,
            Written::Exists(instance) => return Err(Over::Exists(instance)),
            Written::Appended => return Err(Over::Broken("the store answered a start as if it were an append".into())),
        };
        // Whatever becomes of the rest, it is there, and this worker's.
        self.inner().no = Some(instance);
        if touch.is_some() {
            let append = Append { touch, ..Append::new(instance, last) };
            self.life.committer.write(Write::Append(append)).await.map_err(Over::from)?;
        }
        Ok(instance)
    }
}
