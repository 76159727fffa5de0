//! Lists of instances, page by page.

use super::{Error, Listed, Progress, Runtime};
use crate::{
    clock::since_epoch,
    core::decide::micros,
    machine::Saga,
    store::{self, InstanceNo, Micros, Status as Stored},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

/// A page may not have more instances.
const LONGEST_PAGE: usize = 1_000;

/// Which instances are listed, in which order, and how many at a time. What is not said does not matter: without more, all of
/// them, the oldest first, a hundred at a time.
///
/// ```
/// # use saga_runtime::{runtime::{Filter, Page, Progress}, store::memory::Memory, Runtime};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), saga_runtime::Error> {
/// # let runtime = Runtime::builder().store(Memory::default()).start().await?;
/// let mut filter = Filter::new().saga("checkout").progress([Progress::Parked]).label("customer", "ada").newest_first();
/// loop {
///     let Page { instances, next } = runtime.list(&filter).await?;
///     for instance in instances {
///         println!("{} {:?}", instance.id, instance.error);
///     }
///     let Some(next) = next else { break };
///     filter = filter.after(next);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a filter does nothing until something is listed with it"]
pub struct Filter {
    stored: store::Filter,
    progress: Vec<Progress>,
    older_than: Option<Duration>,
    after: Option<Position>,
    limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self { stored: store::Filter::default(), progress: Vec::new(), older_than: None, after: None, limit: 100 }
    }
}

impl Filter {
    /// All instances, the oldest first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of the saga with this durable name. It need not be registered.
    pub fn saga(mut self, name: impl Into<Box<str>>) -> Self {
        self.stored.saga = Some(name.into());
        self
    }

    /// Of this saga.
    pub fn of<S: Saga>(self) -> Self {
        self.saga(S::DEFINITION.name)
    }

    /// That are doing one of these.
    ///
    /// [`Progress::Unwinding`] cannot be asked for: an instance that is being undone is listed as running, because only its
    /// journal tells the two apart.
    pub fn progress(mut self, any: impl IntoIterator<Item = Progress>) -> Self {
        self.progress = any.into_iter().collect();
        self
    }

    /// That sleep, wait or are parked in this state.
    pub fn state(mut self, name: impl Into<Box<str>>) -> Self {
        self.stored.state = Some(name.into());
        self
    }

    /// Parked, it or a part of it, for a reason that contains this text, in the same letters.
    pub fn error(mut self, contains: impl Into<Box<str>>) -> Self {
        self.stored.error = Some(contains.into());
        self
    }

    /// Started at this moment or later.
    pub fn started_after(mut self, moment: SystemTime) -> Self {
        self.stored.started_after = Some(since_epoch(moment));
        self
    }

    /// Started before this moment.
    pub fn started_before(mut self, moment: SystemTime) -> Self {
        self.stored.started_before = Some(since_epoch(moment));
        self
    }

    /// Started longer ago than this, when the list is asked for.
    pub fn older_than(mut self, age: Duration) -> Self {
        self.older_than = Some(age);
        self
    }

    /// With this label; named again, with that one too.
    pub fn label(mut self, key: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        self.stored.labels.insert(key.into(), value.into());
        self
    }

    /// Children of this one.
    pub fn children_of(mut self, parent: InstanceNo) -> Self {
        self.stored.parent = Some(parent);
        self
    }

    /// The newest first.
    pub fn newest_first(mut self) -> Self {
        self.stored.newest_first = true;
        self
    }

    /// At most so many at a time, from 1 to 1,000.
    pub fn limit(mut self, most: usize) -> Self {
        self.limit = most;
        self
    }

    /// The page after the one that named this position.
    pub fn after(mut self, position: Position) -> Self {
        self.after = Some(position);
        self
    }

    /// What the store is asked.
    fn checked(&self, now: Micros) -> Result<store::Filter, Error> {
        if self.limit == 0 || self.limit > LONGEST_PAGE {
            let wrong = format!("`limit` is {}: a page has from 1 to {LONGEST_PAGE} instances", self.limit);
            return Err(Error::invalid(&wrong));
        }
        let mut stored = self.stored.clone();
        for progress in &self.progress {
            let Some(status) = status_of(*progress) else {
                return Err(Error::invalid(
                    "`progress`: a list cannot tell instances that unwind from running ones; ask for `Running`",
                ));
            };
            stored.statuses.push(status);
        }
        if let Some(age) = self.older_than {
            let before = now.saturating_sub(micros(age));
            stored.started_before = Some(stored.started_before.map_or(before, |said| said.min(before)));
        }
        Ok(stored)
    }
}

fn status_of(progress: Progress) -> Option<Stored> {
    Some(match progress {
        Progress::Running => Stored::Ready,
        Progress::Unwinding => return None,
        Progress::Sleeping => Stored::Sleeping,
        Progress::Waiting => Stored::Waiting,
        Progress::Parked => Stored::Parked,
        Progress::WaitsForBuild => Stored::WaitsForBuild,
        Progress::Completed => Stored::Completed,
        Progress::Compensated => Stored::Compensated,
        Progress::CompensatedWithDebt => Stored::CompensatedWithDebt,
    })
}

/// Where a page ended. It stays valid for ever, also if the instance that it names is gone; as text it can be handed to a
/// client and taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(InstanceNo);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.0, f)
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = text.parse().ok().filter(|number| *number >= 0);
        let wrong = || Error::invalid(&format!("{text:?} is not a position in a list: it was changed on its way"));
        number.map(|number| Self(InstanceNo(number))).ok_or_else(wrong)
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The instances, in the order of the filter.
    pub instances: Vec<Listed>,
    /// Where the next page begins; nothing if this one is the last.
    pub next: Option<Position>,
}

impl Runtime {
    /// A page of the instances that the filter admits.
    ///
    /// A page is not a snapshot of the next one: an instance that changes between the two is in each of them as it is then, and
    /// one that does not change is in exactly one. Reading lists keeps nobody from writing.
    ///
    /// # Errors
    /// The filter asks for what lists do not have ([`Error::is_invalid`]), or the store cannot be read.
    pub async fn list(&self, filter: &Filter) -> Result<Page, Error> {
        let engine = self.engine();
        let stored = filter.checked(engine.clock.now())?;
        // One more than the page has, to see whether there is another one.
        let asked = filter.limit + 1;
        let mut found = engine.store.list(&stored, filter.after.map(|position| position.0), asked).await?;
        let more = found.len() == asked;
        found.truncate(filter.limit);
        let next = found.last().filter(|_| more).map(|last| Position(last.no));
        Ok(Page { instances: found.into_iter().map(Listed::new).collect(), next })
    }

    /// The instances that need a person, the oldest first; also those of which only a part does, a branch of a join or an undo, while
    /// the others run, sleep or wait: of these, too, [`error`](Listed::error) says why. All of them: to page through many,
    /// [`list`](Self::list).
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn parked(&self) -> Result<Vec<Listed>, Error> {
        let mut parked = self.all(Filter::new().progress([Progress::Parked])).await?;
        parked.extend(self.all(Filter::new().error("")).await?);
        parked.sort_by_key(|listed| listed.no);
        parked.dedup_by_key(|listed| listed.no);
        Ok(parked)
    }

    /// The ended instances whose compensation was given up in part, and that nobody has settled.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn debts(&self) -> Result<Vec<Listed>, Error> {
        self.all(Filter::new().progress([Progress::CompensatedWithDebt])).await
    }

    /// The instances that stand where no build that was asked so far knows to go on.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn waiting_for_build(&self) -> Result<Vec<Listed>, Error> {
        self.all(Filter::new().progress([Progress::WaitsForBuild])).await
    }

    async fn all(&self, filter: Filter) -> Result<Vec<Listed>, Error> {
        let mut filter = filter.limit(LONGEST_PAGE);
        let mut all = Vec::new();
        loop {
            let page = self.list(&filter).await?;
            all.extend(page.instances);
            match page.next {
                Some(next) => filter = filter.after(next),
                None => return Ok(all),
            }
        }
    }
}
