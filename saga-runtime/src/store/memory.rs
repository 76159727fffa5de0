//! A store in memory: for tests, and for trying things out. It forgets everything with the process.

use super::{
    Append, Claimed, Claims, Epoch, Instance, InstanceNo, Micros, RequestNo, Row, Start, Status, Store, StoreError,
    Storing, Touch, Write, Written,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A store in memory, with the whole contract but durability.
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    epoch: i64,
    instances: BTreeMap<InstanceNo, Kept>,
    identities: HashMap<(Box<str>, Box<str>), InstanceNo>,
    requests: BTreeMap<RequestNo, (InstanceNo, Box<str>)>,
    last_instance: i64,
    last_request: i64,
    closed: bool,
}

#[derive(Debug)]
struct Kept {
    instance: Instance,
    /// Since when it waits to run, or when it will: what claims are ordered by.
    due: Micros,
    /// Who changed the instance's row last.
    touched_by: Epoch,
    rows: Vec<Row>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic elsewhere while the lock was held cannot leave a half-made change: every change is checked before it is made.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Storing<'_, T> {
        let mut state = self.state();
        let result =
            if state.closed { Err(StoreError::Unusable("the store is closed".into())) } else { work(&mut state) };
        Box::pin(ready(result))
    }
}

impl Store for Memory {
    fn register(&self) -> Storing<'_, Epoch> {
        self.run(|state| {
            state.epoch += 1;
            Ok(Epoch(state.epoch))
        })
    }

    fn commit<'a>(&'a self, epoch: Epoch, writes: &'a [Write]) -> Storing<'a, Vec<Written>> {
        self.run(|state| {
            state.owned_by(epoch)?;
            state.check(writes)?;
            Ok(writes.iter().map(|write| state.apply(epoch, write)).collect())
        })
    }

    fn claim<'a>(&'a self, epoch: Epoch, sagas: &'a [&'a str], now: Micros, limit: usize) -> Storing<'a, Claims> {
        self.run(|state| {
            state.owned_by(epoch)?;
            Ok(state.claim(epoch, sagas, now, limit))
        })
    }

    fn claim_one(&self, epoch: Epoch, instance: InstanceNo) -> Storing<'_, Option<Claimed>> {
        self.run(|state| {
            state.owned_by(epoch)?;
            let kept = state.instances.get_mut(&instance);
            let kept =
                kept.filter(|kept| !kept.instance.buried && kept.instance.owner.is_none_or(|owner| owner < epoch));
            Ok(kept.map(|kept| kept.take(epoch)))
        })
    }

    fn find<'a>(&'a self, saga: &'a str, id: &'a str) -> Storing<'a, Option<Instance>> {
        self.run(|state| Ok(state.find(saga, id).cloned()))
    }

    fn list<'a>(
        &'a self,
        statuses: &'a [Status],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Storing<'a, Vec<Instance>> {
        self.run(|state| {
            let rest = state.instances.range(following(after)..).map(|(_, kept)| &kept.instance);
            let wanted = rest.filter(|instance| statuses.is_empty() || statuses.contains(&instance.status));
            Ok(wanted.take(limit).cloned().collect())
        })
    }

    fn journal(&self, instance: InstanceNo, from: u64, limit: usize) -> Storing<'_, Vec<Row>> {
        self.run(|state| {
            let rows = state.instances.get(&instance).map_or(&[][..], |kept| &kept.rows);
            Ok(rows.iter().filter(|row| row.seq >= from).take(limit).cloned().collect())
        })
    }

    fn request<'a>(&'a self, instance: InstanceNo, body: &'a str, ended: bool) -> Storing<'a, Option<RequestNo>> {
        self.run(|state| {
            let open = |kept: &Kept| !kept.instance.buried && (ended || !kept.instance.status.is_end());
            if !state.instances.get(&instance).is_some_and(open) {
                return Ok(None);
            }
            state.last_request += 1;
            let no = RequestNo(state.last_request);
            state.requests.insert(no, (instance, body.into()));
            Ok(Some(no))
        })
    }

    fn inbox(&self, instance: InstanceNo) -> Storing<'_, Vec<(RequestNo, Box<str>)>> {
        self.run(|state| {
            let its = state.requests.iter().filter(|(_, (to, _))| *to == instance);
            Ok(its.map(|(no, (_, body))| (*no, body.clone())).collect())
        })
    }

    fn inboxes(&self, after: Option<InstanceNo>, limit: usize) -> Storing<'_, Vec<InstanceNo>> {
        self.run(|state| {
            let mut instances: Vec<_> = state.requests.values().map(|(to, _)| *to).collect();
            instances.retain(|instance| *instance >= following(after));
            instances.sort_unstable();
            instances.dedup();
            instances.truncate(limit);
            Ok(instances)
        })
    }

    fn bury(&self, instance: InstanceNo) -> Storing<'_, bool> {
        self.run(|state| {
            let Some(kept) = state.instances.get_mut(&instance) else { return Ok(false) };
            if !matches!(kept.instance.status, Status::Completed | Status::Compensated) {
                return Ok(false);
            }
            kept.instance.buried = true;
            kept.instance.owner = None;
            kept.rows = Vec::new();
            state.requests.retain(|_, (to, _)| *to != instance);
            Ok(true)
        })
    }

    fn close(&self) -> Storing<'_, ()> {
        self.state().closed = true;
        Box::pin(ready(Ok(())))
    }
}

impl State {
    fn owned_by(&self, epoch: Epoch) -> Result<(), StoreError> {
        if epoch.0 == self.epoch { Ok(()) } else { Err(StoreError::Fenced) }
    }

    fn find(&self, saga: &str, id: &str) -> Option<&Instance> {
        let no = self.identities.get(&(saga.into(), id.into()))?;
        self.instances.get(no).map(|kept| &kept.instance)
    }

    /// Finds the first write that cannot be written, before anything is.
    fn check(&self, writes: &[Write]) -> Result<(), StoreError> {
        // What the batch makes true as it goes: identities that it takes, and the last rows.
        let mut started = HashSet::new();
        let mut last: HashMap<InstanceNo, u64> = HashMap::new();
        for (index, write) in writes.iter().enumerate() {
            let refused = |reason: String| StoreError::Write { index, reason: reason.into() };
            match write {
                Write::Start(start) => {
                    if self.find(&start.saga, &start.id).is_none() && started.insert((&start.saga, &start.id)) {
                        last.insert(self.number(started.len()), follow(0, &start.rows).map_err(refused)?);
                    }
                }
                Write::Append(append) => {
                    let no = append.instance;
                    let kept = self.instances.get(&no).filter(|kept| !kept.instance.buried).map(Kept::last_seq);
                    let before = last.get(&no).copied().or(kept);
                    let before = before.ok_or_else(|| refused(format!("there is no instance {}", no.0)))?;
                    last.insert(no, follow(before, &append.rows).map_err(refused)?);
                }
            }
        }
        Ok(())
    }

    /// The number of the instance that is started next but so many.
    fn number(&self, next: usize) -> InstanceNo {
        InstanceNo(self.last_instance + i64::try_from(next).unwrap_or(i64::MAX))
    }

    /// Makes a change that was checked.
    fn apply(&mut self, epoch: Epoch, write: &Write) -> Written {
        match write {
            Write::Start(start) => match self.find(&start.saga, &start.id) {
                Some(instance) => Written::Exists(Box::new(instance.clone())),
                None => Written::Started(self.start(epoch, start)),
            },
            Write::Append(append) => {
                self.append(epoch, append);
                Written::Appended
            }
        }
    }

    fn start(&mut self, epoch: Epoch, start: &Start) -> InstanceNo {
        let no = self.number(1);
        self.last_instance = no.0;
        let instance = Instance {
            no,
            saga: start.saga.clone(),
            id: start.id.clone(),
            birth: start.birth.clone(),
            version: start.version,
            input_hash: start.input_hash,
            status: Status::Ready,
            wake_at: None,
            state: None,
            owner: start.owned.then_some(epoch),
            started_at: start.at,
            ended_at: None,
            buried: false,
        };
        self.identities.insert((start.saga.clone(), start.id.clone()), no);
        self.instances.insert(no, Kept { instance, due: start.at, touched_by: epoch, rows: start.rows.clone() });
        no
    }

    fn append(&mut self, epoch: Epoch, append: &Append) {
        if let Some(kept) = self.instances.get_mut(&append.instance) {
            kept.rows.extend_from_slice(&append.rows);
            if let Some(touch) = &append.touch {
                kept.touch(epoch, touch);
            }
        }
        for no in &append.consumed {
            if self.requests.get(no).is_some_and(|(to, _)| *to == append.instance) {
                self.requests.remove(no);
            }
        }
    }

    fn claim(&mut self, epoch: Epoch, sagas: &[&str], now: Micros, limit: usize) -> Claims {
        let of_these = |kept: &&mut Kept| sagas.contains(&&*kept.instance.saga);
        let (mut wanted, later): (Vec<_>, Vec<_>) = self
            .instances
            .values_mut()
            .filter(of_these)
            .filter(|kept| kept.may_run(epoch))
            .partition(|kept| kept.instance.status != Status::Sleeping || kept.due <= now);
        wanted.sort_by_key(|kept| (kept.due, kept.instance.no));
        let left = wanted.split_off(limit.min(wanted.len()));
        let asleep = left.iter().chain(&later).filter(|kept| kept.instance.status == Status::Sleeping);
        let next_wake = asleep.map(|kept| kept.due).min();
        let claimed = wanted.into_iter().map(|kept| {
            let claimed = kept.take(epoch);
            kept.instance.status = Status::Ready;
            kept.instance.wake_at = None;
            kept.instance.state = None;
            claimed
        });
        Claims { claimed: claimed.collect(), next_wake }
    }
}

impl Kept {
    fn last_seq(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.seq)
    }

    /// Whether a worker of this epoch may run it, now or at its time.
    fn may_run(&self, epoch: Epoch) -> bool {
        match self.instance.status {
            Status::Ready | Status::Sleeping => self.instance.owner.is_none_or(|owner| owner < epoch),
            Status::WaitsForBuild => self.touched_by < epoch,
            Status::Parked | Status::Completed | Status::Compensated | Status::CompensatedWithDebt => false,
        }
    }

    fn take(&mut self, epoch: Epoch) -> Claimed {
        let claimed = Claimed { instance: self.instance.clone(), orphaned: self.instance.owner.is_some() };
        self.instance.owner = Some(epoch);
        self.touched_by = epoch;
        claimed
    }

    fn touch(&mut self, epoch: Epoch, touch: &Touch) {
        let ends = touch.status.is_end();
        self.instance.status = touch.status;
        self.instance.wake_at = touch.wake_at;
        self.instance.state.clone_from(&touch.state);
        self.instance.owner = (touch.owned && !ends).then_some(epoch);
        self.instance.ended_at = if ends { self.instance.ended_at.or(Some(touch.at)) } else { None };
        self.due = touch.wake_at.unwrap_or(touch.at);
        self.touched_by = epoch;
    }
}

/// The last row's number, if these rows follow the one before without a gap.
fn follow(mut last: u64, rows: &[Row]) -> Result<u64, String> {
    for row in rows {
        if row.seq != last + 1 {
            return Err(format!("row {} does not follow row {last}", row.seq));
        }
        last = row.seq;
    }
    Ok(last)
}

/// The first number after `after`.
fn following(after: Option<InstanceNo>) -> InstanceNo {
    after.map_or(InstanceNo(i64::MIN), |InstanceNo(no)| InstanceNo(no.saturating_add(1)))
}
