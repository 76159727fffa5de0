//! Who lives on the store in memory, and what they tell one another.

use super::{
    super::{Dead, Epoch, InstanceNo, News, Renewed, StoreError, Storing, Told},
    state::State,
};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::Instant,
};

/// So many pieces of news are kept for one who does not listen; one who missed more looks at everything.
const KEPT: usize = 1024;

/// The living workers, and until when each was promised to be left alone.
#[derive(Debug, Default)]
pub(super) struct Living(BTreeMap<Epoch, Option<Instant>>);

/// Something to be told, and to whom: to all, unless it is for one.
type Word = (Option<Epoch>, Told);

/// Where news are told.
#[derive(Debug)]
pub(super) struct Crier(broadcast::Sender<Word>);

impl Default for Crier {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl Crier {
    pub(super) fn tell(&self, to: Option<Epoch>, told: Told) {
        // Nobody listens to it, perhaps.
        let _ = self.0.send((to, told));
    }
}

impl Living {
    pub(super) fn has(&self, epoch: Epoch) -> bool {
        self.0.contains_key(&epoch)
    }
}

impl State {
    /// Begins a worker's life, and ends the one that was begun in the same place.
    pub(super) fn register(&mut self, before: Option<Epoch>) -> Epoch {
        match self.lease {
            None => self.living.0.clear(),
            Some(_) => before.into_iter().for_each(|epoch| self.end_life(epoch)),
        }
        self.last_epoch += 1;
        let epoch = Epoch(self.last_epoch);
        self.living.0.insert(epoch, self.lease.map(until));
        epoch
    }

    pub(super) fn owned_by(&self, epoch: Epoch) -> Result<(), StoreError> {
        if self.living.has(epoch) { Ok(()) } else { Err(StoreError::Fenced) }
    }

    pub(super) fn renew(&mut self, epoch: Epoch, bury_dead: bool) -> Result<Renewed, StoreError> {
        self.owned_by(epoch)?;
        let Some(lease) = self.lease else { return Ok(Renewed { now: None, dead: Vec::new(), next: None }) };
        self.living.0.insert(epoch, Some(until(lease)));
        let now = Instant::now();
        let late = self.living.0.iter().filter(|(_, until)| bury_dead && until.is_some_and(|until| until <= now));
        let owns = |epoch| self.instances.values().any(|kept| kept.instance.owner == Some(epoch));
        let dead: Vec<Dead> = late.map(|(epoch, _)| Dead { epoch: *epoch, owned: owns(*epoch) }).collect();
        for dead in &dead {
            self.end_life(dead.epoch);
        }
        let others = self.living.0.iter().filter(|(other, _)| **other != epoch).filter_map(|(_, until)| *until);
        let next = others.min().map(|until| until.saturating_duration_since(now));
        Ok(Renewed { now: None, dead, next })
    }

    /// What it owned may be claimed from now on, and what it writes is refused.
    pub(super) fn end_life(&mut self, epoch: Epoch) {
        if self.living.0.remove(&epoch).is_some() {
            self.crier.tell(None, Told::Work);
        }
    }

    pub(super) fn news(&self, epoch: Epoch) -> Option<Box<dyn News>> {
        self.lease?;
        Some(Box::new(Listening { me: epoch, words: self.crier.0.subscribe() }))
    }

    /// There is something for this instance: whoever owns it is told.
    pub(super) fn tell_owner(&self, instance: InstanceNo, told: impl FnOnce(InstanceNo) -> Told) {
        if let Some(kept) = self.instances.get(&instance) {
            self.crier.tell(kept.instance.owner, told(instance));
        }
    }
}

fn until(lease: Duration) -> Instant {
    Instant::now() + lease
}

/// What one worker is told.
#[derive(Debug)]
struct Listening {
    me: Epoch,
    words: broadcast::Receiver<Word>,
}

impl News for Listening {
    fn next(&mut self) -> Storing<'_, Vec<Told>> {
        Box::pin(async {
            loop {
                match self.words.recv().await {
                    Ok((to, told)) if to.is_none_or(|to| to == self.me) => return Ok(vec![told]),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => {
                        return Err(StoreError::Unavailable("too much happened at once".into()));
                    }
                    Err(RecvError::Closed) => return Err(StoreError::Unusable("the store is gone".into())),
                }
            }
        })
    }
}
