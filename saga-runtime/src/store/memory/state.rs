//! What the store in memory knows, and how writes and claims change it.

use super::{
    super::{
        Append, Claimed, Claims, Epoch, Filter, Instance, InstanceNo, Micros, RequestNo, Row, Start, Status,
        StoreError, Told, Touch, Write, Written,
    },
    inbox::Letters,
    workers::{Crier, Living},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

#[derive(Debug, Default)]
pub(super) struct State {
    /// How long a worker lives that is not heard of; without it, until the next one is registered.
    pub(super) lease: Option<Duration>,
    pub(super) last_epoch: i64,
    pub(super) living: Living,
    pub(super) crier: Crier,
    pub(super) instances: BTreeMap<InstanceNo, Kept>,
    pub(super) identities: HashMap<(Box<str>, Box<str>), InstanceNo>,
    pub(super) requests: BTreeMap<RequestNo, (InstanceNo, Box<str>)>,
    pub(super) ticks: HashMap<Box<str>, Micros>,
    last_instance: i64,
    pub(super) last_request: i64,
    pub(super) last_message: i64,
    pub(super) closed: bool,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) instance: Instance,
    /// Since when it waits to run, or when it will: what claims are ordered by. Nothing for one that waits for a message
    /// alone.
    pub(super) due: Option<Micros>,
    /// The latest moment that was said of it: no message is stored with an earlier one.
    pub(super) moment: Micros,
    /// Who changed the instance's row last.
    touched_by: Epoch,
    /// Who gave it back because they do not know its state, since something else was last written of it.
    given_back: Vec<Epoch>,
    /// Whether a later worker takes it at once.
    queued: bool,
    lost: bool,
    pub(super) rows: Vec<Row>,
    pub(super) letters: Letters,
}

/// What a batch makes true as it goes.
#[derive(Debug, Default)]
struct Checked<'a> {
    started: HashSet<(&'a str, &'a str)>,
    /// The numbers of the last rows.
    last: HashMap<InstanceNo, u64>,
}

impl State {
    pub(super) fn find(&self, saga: &str, id: &str) -> Option<&Instance> {
        let no = self.identities.get(&(saga.into(), id.into()))?;
        self.instances.get(no).map(|kept| &kept.instance)
    }

    pub(super) fn journal(&self, instance: InstanceNo) -> &[Row] {
        self.instances.get(&instance).map_or(&[], |kept| &kept.rows)
    }

    pub(super) fn list(&self, filter: &Filter, after: Option<InstanceNo>, limit: usize) -> Vec<Instance> {
        let following = |no: InstanceNo| match after {
            None => true,
            Some(after) if filter.newest_first => no < after,
            Some(after) => no > after,
        };
        let wanted = |instance: &&Instance| following(instance.no) && filter.admits(instance);
        let all = self.instances.values().map(|kept| &kept.instance);
        if filter.newest_first {
            all.rev().filter(wanted).take(limit).cloned().collect()
        } else {
            all.filter(wanted).take(limit).cloned().collect()
        }
    }

    pub(super) fn commit(&mut self, epoch: Epoch, writes: &[Write]) -> Result<Vec<Written>, StoreError> {
        self.check(writes)?;
        Ok(writes.iter().map(|write| self.apply(epoch, write)).collect())
    }

    /// Finds the first write that cannot be written, before anything is.
    fn check(&self, writes: &[Write]) -> Result<(), StoreError> {
        let mut checked = Checked::default();
        for (index, write) in writes.iter().enumerate() {
            let result = match write {
                Write::Start(start) => self.check_start(start, &mut checked),
                Write::Append(append) => self.check_append(append, &mut checked),
            };
            result.map_err(|reason| StoreError::Write { index, reason: reason.into() })?;
        }
        Ok(())
    }

    fn check_start<'a>(&self, start: &'a Start, checked: &mut Checked<'a>) -> Result<(), String> {
        if self.find(&start.saga, &start.id).is_none() && checked.started.insert((&start.saga, &start.id)) {
            checked.last.insert(self.number(checked.started.len()), follow(0, &start.rows)?);
        }
        Ok(())
    }

    fn check_append<'a>(&self, append: &'a Append, checked: &mut Checked<'a>) -> Result<(), String> {
        let no = append.instance;
        let kept = self.instances.get(&no).filter(|kept| !kept.instance.buried).map(Kept::last_seq);
        let before = checked.last.get(&no).copied().or(kept);
        let before = before.ok_or_else(|| format!("there is no instance {}", no.0))?;
        checked.last.insert(no, follow(before, &append.rows)?);
        append.starts.iter().try_for_each(|start| self.check_start(start, checked))
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
            parent: start.parent,
            status: if start.wake_at.is_some() { Status::Sleeping } else { Status::Ready },
            wake_at: start.wake_at,
            awaits: Vec::new(),
            state: None,
            error: None,
            labels: start.labels.clone(),
            owner: start.owned.then_some(epoch),
            started_at: start.at,
            ended_at: None,
            buried: false,
        };
        self.identities.insert((start.saga.clone(), start.id.clone()), no);
        let kept = Kept {
            instance,
            due: start.wake_at.or(Some(start.at)),
            moment: start.at,
            touched_by: epoch,
            given_back: Vec::new(),
            queued: false,
            lost: false,
            rows: start.rows.clone(),
            letters: Letters::default(),
        };
        self.instances.insert(no, kept);
        if !start.owned {
            self.crier.tell(None, Told::Work);
        }
        no
    }

    fn append(&mut self, epoch: Epoch, append: &Append) {
        for no in &append.consumed {
            if self.requests.get(no).is_some_and(|(to, _)| *to == append.instance) {
                self.requests.remove(no);
            }
        }
        let alone = self.lease.is_none();
        if let Some(kept) = self.instances.get_mut(&append.instance) {
            kept.change(epoch, append, alone);
            let (instance, due) = (&kept.instance, kept.due);
            match instance.status {
                status if status.is_end() || status == Status::Parked => {
                    self.crier.tell(None, Told::Settled(instance.no));
                }
                Status::Ready | Status::WaitsForBuild if instance.owner.is_none() => self.crier.tell(None, Told::Work),
                Status::Waiting if due.is_some() && due != instance.wake_at => self.crier.tell(None, Told::Work),
                _ => {}
            }
        }
        for start in &append.starts {
            if self.find(&start.saga, &start.id).is_none() {
                self.start(epoch, start);
            }
        }
        for delivery in &append.sends {
            self.send(delivery.to, &delivery.message, delivery.at);
        }
        for request in &append.requests {
            if let Some(to) = self.find(&request.saga, &request.id).map(|instance| instance.no) {
                self.request(to, &request.body, false);
            }
        }
    }

    pub(super) fn claim(&mut self, epoch: Epoch, sagas: &[&str], now: Micros, limit: usize) -> Claims {
        let living = &self.living;
        let of_these = |kept: &&mut Kept| sagas.contains(&&*kept.instance.saga);
        let (mut wanted, later): (Vec<_>, Vec<_>) = self
            .instances
            .values_mut()
            .filter(of_these)
            .filter(|kept| kept.may_run(epoch, living))
            .partition(|kept| kept.wants_to_run(living, now));
        wanted.sort_by_key(|kept| (kept.due, kept.instance.no));
        // The sagas take turns: of each, the first ones before anybody's second ones.
        let mut places: HashMap<Box<str>, usize> = HashMap::new();
        let mut wanted: Vec<(usize, &mut Kept)> = wanted
            .into_iter()
            .map(|kept| {
                let place = places.entry(kept.instance.saga.clone()).or_default();
                *place += 1;
                (*place, kept)
            })
            .collect();
        wanted.sort_by_key(|(place, kept)| (*place, kept.due, kept.instance.no));
        let left = wanted.split_off(limit.min(wanted.len()));
        let left = left.iter().map(|(_, kept)| &**kept);
        let next_wake = left
            .chain(later.iter().map(|kept| &**kept))
            .filter(|kept| kept.is_timed())
            .filter_map(|kept| kept.due)
            .min();
        let claimed = wanted.into_iter().map(|(_, kept)| {
            let claimed = kept.take(epoch);
            kept.moment = kept.moment.max(now);
            let instance = &mut kept.instance;
            (instance.status, instance.wake_at, instance.state, instance.error) = (Status::Ready, None, None, None);
            instance.awaits = Vec::new();
            claimed
        });
        Claims { claimed: claimed.collect(), next_wake }
    }

    pub(super) fn claim_one(&mut self, epoch: Epoch, sagas: &[&str], instance: InstanceNo) -> Option<Claimed> {
        let living = &self.living;
        let free = |kept: &&mut Kept| sagas.contains(&&*kept.instance.saga) && kept.may_be_decided(epoch, living);
        self.instances.get_mut(&instance).filter(free).map(|kept| kept.take(epoch))
    }
}

impl Kept {
    fn last_seq(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.seq)
    }

    /// Whether it wants to run at its time only.
    fn is_timed(&self) -> bool {
        matches!(self.instance.status, Status::Sleeping | Status::Waiting)
    }

    /// Whether it wants to be run at this moment, by one who may run it.
    fn wants_to_run(&self, living: &Living, now: Micros) -> bool {
        let from = if self.queued && !living.has(self.touched_by) { Micros::MAX } else { now };
        !self.is_timed() || self.due.is_some_and(|due| due <= from)
    }

    /// Whether a worker of this epoch may run it, now or at its time.
    fn may_run(&self, epoch: Epoch, living: &Living) -> bool {
        let free = self.instance.owner.is_none_or(|owner| !living.has(owner));
        match self.instance.status {
            Status::Ready | Status::Sleeping | Status::Waiting => free,
            Status::WaitsForBuild => free && !self.given_back.contains(&epoch),
            Status::Parked | Status::Completed | Status::Compensated | Status::CompensatedWithDebt => false,
        }
    }

    /// Whether a worker of this epoch may take it for a decision.
    pub(super) fn may_be_decided(&self, epoch: Epoch, living: &Living) -> bool {
        let free = self.instance.owner.is_none_or(|owner| !living.has(owner));
        let unknown = self.instance.status == Status::WaitsForBuild && self.given_back.contains(&epoch);
        free && !unknown && !self.instance.buried
    }

    fn take(&mut self, epoch: Epoch) -> Claimed {
        self.lost |= self.instance.owner.is_some();
        let claimed = Claimed { instance: self.instance.clone(), orphaned: self.lost };
        self.instance.owner = Some(epoch);
        self.touched_by = epoch;
        claimed
    }

    /// What an append says of the instance itself. Unless its worker is alone, its touch counts only if nobody else has taken the
    /// instance since.
    fn change(&mut self, epoch: Epoch, append: &Append, alone: bool) {
        self.rows.extend_from_slice(&append.rows);
        append.received.iter().for_each(|no| self.letters.consume(*no));
        for (key, value) in &append.labels {
            match value {
                Some(value) => self.instance.labels.insert(key.clone(), value.clone()),
                None => self.instance.labels.remove(key),
            };
        }
        if let Some(touch) = append.touch.as_ref().filter(|_| alone || self.touched_by == epoch) {
            self.touch(epoch, touch);
        }
    }

    fn touch(&mut self, epoch: Epoch, touch: &Touch) {
        let (ends, waits) = (touch.status.is_end(), touch.status == Status::Waiting);
        let instance = &mut self.instance;
        instance.status = touch.status;
        instance.wake_at = touch.wake_at;
        instance.awaits = if waits { touch.awaits.clone() } else { Vec::new() };
        instance.state.clone_from(&touch.state);
        instance.error.clone_from(&touch.error);
        instance.owner = (touch.owned && !ends).then_some(epoch);
        instance.ended_at = if ends { instance.ended_at.or(Some(touch.at)) } else { None };
        self.queued = touch.queued;
        self.lost = touch.lost.unwrap_or(self.lost);
        self.due = if waits { touch.wake_at } else { touch.wake_at.or(Some(touch.at)) };
        if waits && touch.awaits.iter().any(|name| self.letters.waiting_of(name)) {
            self.due_by(touch.at);
        }
        self.moment = self.moment.max(touch.at);
        self.touched_by = epoch;
        if touch.status == Status::WaitsForBuild {
            self.given_back.retain(|other| *other != epoch);
            self.given_back.push(epoch);
        } else {
            self.given_back.clear();
        }
    }

    /// It wants to run from this moment on, if it does not from an earlier one.
    pub(super) fn due_by(&mut self, at: Micros) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
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
