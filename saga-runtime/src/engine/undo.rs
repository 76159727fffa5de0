//! Undoing: the compensations of what completed, the last first; of what ran at the same time, at the same time.

use super::{
    admission::Admission,
    attempt::{Effort, Work},
    claimed::give_back_unknown,
    journal::Over,
    load::{Undoing, Unfoldable, undoing},
    pulse::Waits,
    transact::Records,
    worker::{Halt, Worker},
};
use crate::{
    core::{
        CallId, Entry, Event, Failed, How, ParkCause, Phase, Undo,
        decide::{self, Ended, NextUndo},
        key::{Purpose, key},
        phase::Tries,
    },
    planted::{Mistake, is_planted},
    store::Status,
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use std::{
    collections::BTreeSet,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
};

/// How many compensations of one instance run at a time, of branches that are independent of each other.
const AT_A_TIME: usize = 16;

/// An undo that runs.
type Running<'w> = Pin<Box<dyn Future<Output = (CallId, Result<(), Halt>)> + Send + 'w>>;

impl Worker {
    /// Undoes the instance until it is compensated.
    pub(super) async fn unwind(&self) -> Result<(), Over> {
        match self.drive(pin!(self.undo_strand(""))).await {
            Ok(Ok(())) => {}
            Ok(Err(Halt::Over(over))) | Err(Halt::Over(over)) => return Err(over),
            Ok(Err(_)) | Err(_) => return Ok(()),
        }
        // Whoever asked before the end is answered before it.
        self.heed().await?;
        let done = {
            let inner = self.journal.inner();
            matches!(inner.state.phase(), Phase::Unwinding { .. }) && inner.state.root.log.is_empty()
        };
        if !done {
            return Ok(());
        }
        if self.journal.parent().is_some() {
            // Why it unwound is read from its row, which a saga with nothing to undo has not committed yet.
            self.commit().await?;
            let end = self.compensated_end().await;
            self.tell_parent(&end)?;
        }
        self.push(&Event::Compensated {})?;
        self.release(self.end_status(), super::commit::Release::default()).await?;
        Err(Over::Ended)
    }

    /// Undoes what this strand has to undo now, until there is nothing more.
    pub(super) async fn undo_strand(&self, path: &str) -> Result<(), Halt> {
        self.undo_permit().await?;
        let mut running: FuturesUnordered<Running<'_>> = FuturesUnordered::new();
        let mut under_way = BTreeSet::new();
        loop {
            for (call, undo) in self.undoable(path, &under_way) {
                under_way.insert(call);
                let thread = self.pulse.thread();
                let path: Box<str> = path.into();
                running.push(Box::pin(async move {
                    let _thread = thread;
                    (call, self.undo_one(&path, &undo).await)
                }));
            }
            let next = {
                // This thread waits for those of the undos.
                let _waiting = self.pulse.wait(Waits::Threads);
                running.next().await
            };
            match next {
                Some((call, ended)) => {
                    under_way.remove(&call);
                    ended?;
                }
                // What is left needs a person: a decision is another turn.
                None if self.is_kept_by_parks(path) => self.stay_parked().await,
                None if self.unfold(path).await? => {}
                None => return Ok(()),
            }
        }
    }

    /// What may be undone in this strand now, beside what is being undone, as far as there is room for it.
    fn undoable(&self, path: &str, under_way: &BTreeSet<CallId>) -> Vec<(CallId, Entry)> {
        let inner = self.journal.inner();
        let Some(strand) = inner.state.root.at(path).filter(|strand| strand.phase.is_undoing()) else {
            return Vec::new();
        };
        let mut current = Vec::new();
        strand.log.current(&mut current);
        let (mut room, mut new) = (AT_A_TIME, Vec::new());
        // What is parked, and another saga that is being undone, keep nobody from what they are independent of.
        let takes_room = |entry: &Entry| usize::from(matches!(entry, Entry::Call(_)));
        for (log, entry) in &current {
            let Some(call) = entry.call() else { continue };
            if under_way.contains(&call) {
                room = room.saturating_sub(takes_room(entry));
            } else if log.parked.is_none() {
                new.push((call, *entry));
            }
        }
        let fits = |(call, entry): (CallId, &Entry)| {
            room = room.checked_sub(takes_room(entry))?;
            Some((call, entry.clone()))
        };
        new.into_iter().filter_map(fits).collect()
    }

    /// Whether something is to be undone in this strand that needs a person first.
    fn is_kept_by_parks(&self, path: &str) -> bool {
        let inner = self.journal.inner();
        let mut parks = Vec::new();
        if let Some(strand) = inner.state.root.at(path).filter(|strand| strand.phase.is_undoing()) {
            strand.log.parks(&mut parks);
        }
        !parks.is_empty()
    }

    /// Reads the part of the undo log that an earlier snapshot holds, if it is needed now; whether it was.
    async fn unfold(&self, path: &str) -> Result<bool, Halt> {
        let below = {
            let inner = self.journal.inner();
            let log = &inner.state.root.log;
            let needed =
                path.is_empty() && matches!(inner.state.phase(), Phase::Unwinding { .. }) && log.entries.is_empty();
            log.below.filter(|_| needed).zip(inner.no)
        };
        let Some((seq, no)) = below else { return Ok(false) };
        match self.row(no, seq).await {
            Ok(Event::Snapshot { state }) => {
                let mut log = state.root.log;
                log.parked = None;
                self.push(&Event::Unfolded { log: Box::new(log) })?;
                Ok(true)
            }
            Ok(_) => Err(Over::Broken(format!("row {seq} is no snapshot").into()).into()),
            Err(error) => Err(Over::Broken(error.to_string().into()).into()),
        }
    }

    /// Leave to undo. One that only goes back gives up its leave to go forward, and only then.
    pub(super) async fn undo_permit(&self) -> Result<(), Over> {
        // One of several threads asks for all: a second leave would wait for the first, which this instance keeps.
        let turn = self.undo_turn.lock().await;
        if self.leave().undoing.is_none() {
            // Nobody waits for leave to undo while everybody else waits for this one.
            self.not_alone();
            let permit = Arc::clone(&self.engine.undoing).acquire_owned().await.map_err(|_| Over::Stopped)?;
            self.leave().undoing = Some(permit);
        }
        drop(turn);
        let unwinding = matches!(self.journal.inner().state.phase().beneath(), Phase::Unwinding { .. });
        if unwinding && self.leave().forward.take().is_some() {
            self.engine.freed();
        }
        Ok(())
    }

    /// What is known of the attempts to undo this call, if it is to be undone now; whether it is parked.
    fn undo_tries(&self, path: &str, call: CallId) -> Option<(Tries, bool)> {
        let inner = self.journal.inner();
        let strand = inner.state.root.at(path).filter(|strand| strand.phase.is_undoing())?;
        let log = strand.log.at(call)?;
        Some((log.tries.clone(), log.parked.is_some()))
    }

    /// Undoes one call, with the waits between its attempts, unless that needs a person.
    async fn undo_one(&self, path: &str, entry: &Entry) -> Result<(), Halt> {
        let undo = match entry {
            Entry::Call(undo) => undo,
            Entry::Child(child) => return self.undo_child(path, child).await,
            Entry::Group(_) => return Ok(()),
        };
        let mut at = None;
        loop {
            self.pulse.pass().await;
            let Some((tries, parked)) = self.undo_tries(path, undo.call) else { return Ok(()) };
            if parked {
                // Others may be undone for long: it is stored all the same that this one needs a person.
                return Ok(self.commit().await?);
            }
            // What led here is durable before the undo begins, and a failed attempt before its back-off ends.
            self.commit().await?;
            if let Some(due) = tries.retry_at.filter(|due| *due > self.engine.clock.now()) {
                self.until(due).await;
                continue;
            }
            if at.is_none() {
                at = match self.undoing_of(undo).await {
                    Ok(undoing) => Some(undoing),
                    Err(error) if error.passes() => {
                        self.until(self.engine.clock.now().saturating_add(super::SECOND)).await;
                        continue;
                    }
                    Err(error) => {
                        self.park_undo(path, undo.call, ParkCause::Unreadable, &error.to_string())?;
                        continue;
                    }
                };
            }
            let Some(at) = &at else { continue };
            if self.undo_once(path, undo, at, &tries).await? {
                return Ok(());
            }
        }
    }

    /// Makes one attempt to undo a call; whether it is undone.
    async fn undo_once(&self, path: &str, undo: &Undo, at: &Undoing, tries: &Tries) -> Result<bool, Halt> {
        let definition = self.saga.definition();
        let found =
            definition.step(&undo.step).and_then(|(index, step)| Some((index, step, step.compensation.as_ref()?)));
        let found = found.filter(|(.., compensation)| *compensation.name == *undo.compensation);
        let Some((index, step, compensation)) = found else {
            // Of what an earlier snapshot holds nobody could tell before. What runs beside it counts as lost.
            let unknown = format!("{} (compensation {})", undo.step, undo.compensation);
            let runs = self.shared().attempts > 0;
            return Err(give_back_unknown(&self.journal, unknown.into(), runs).await.into());
        };
        let policy = self.engine.policies.bounds(&compensation.policy, compensation.policy_name);
        if decide::undo_spent(&policy, tries) {
            // The last attempt was lost in a crash: there is none left to make.
            let error = tries.last_error.clone().unwrap_or_default();
            self.park_undo(path, undo.call, ParkCause::GaveUp, &error)?;
            return Ok(false);
        }
        let by = tries.since.saturating_add(decide::micros(compensation.within));
        let pass = match self.admission(compensation.policy_name, undo.call, true, Some(by)).await? {
            Admission::Pass(pass) => pass,
            Admission::Look => return Ok(false),
            Admission::TooLate(error) => {
                self.park_undo(path, undo.call, ParkCause::GaveUp, &error)?;
                return Ok(false);
            }
        };
        let birth = &self.journal.identity.birth;
        let effort = Effort {
            work: Work::Undo(at.output.as_deref()),
            index,
            state: at.state.clone(),
            key: key(birth, &at.path, &at.state, at.ordinal, Purpose::Compensation),
            undoes: Some(key(birth, &at.path, &at.state, at.ordinal, Purpose::Step)),
            attempt: tries.count.saturating_add(1),
            timeout: self.timeout(step, &policy),
            records: step.transactional.then_some(Records::Undone { path, call: undo.call }),
        };
        let made = self.attempt(&effort, &at.arguments).await?;
        pass.ended(made.verdict(), self.engine.clock.now());
        if made.recorded {
            return Ok(true);
        }
        let (now, random) = (self.engine.clock.now(), self.engine.random());
        let next = decide::undo_ended(&policy, compensation.within, tries, made.ended, now, random);
        if made.is_failure() || made.ended == Ended::Refused {
            let retry_at = if let NextUndo::Retry(at) = next { Some(at) } else { None };
            let (error, effect) = (made.error.clone(), made.may_have_effect());
            let failed = Failed { attempt: effort.attempt, error, effect, retry_at };
            self.push(&Event::CompensationFailed { call: undo.call, failed }.within(path))?;
        }
        match next {
            NextUndo::Undone => {
                self.push(&Event::Undone { call: undo.call, how: How::Done }.within(path))?;
                if is_planted(Mistake::UndoneTwice) {
                    self.commit().await?;
                    self.attempt(&effort, &at.arguments).await?;
                }
                Ok(true)
            }
            NextUndo::Retry(_) => Ok(false),
            NextUndo::Park(cause) => {
                let error = if made.error.is_empty() { "a compensation cannot be refused".into() } else { made.error };
                self.park_undo(path, undo.call, cause, &error)?;
                Ok(false)
            }
        }
    }

    pub(super) fn park_undo(&self, path: &str, call: CallId, cause: ParkCause, error: &str) -> Result<(), Over> {
        self.warn_of_park(path, cause, error);
        self.push(&Event::Parked { cause, error: error.into(), undo: Some(call) }.within(path)).map(drop)
    }

    /// Waits for a person.
    async fn stay_parked(&self) {
        let changed = self.pulse.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let _waiting = self.pulse.wait(Waits::Person);
        changed.await;
    }

    async fn undoing_of(&self, undo: &Undo) -> Result<Undoing, Unfoldable> {
        let Some(no) = self.journal.no() else {
            return Err(Unfoldable::Damaged { row: undo.call.row, error: "the start is not durable".into() });
        };
        undoing(&*self.engine.store, no, undo, &self.joined, self.journal.recent()).await
    }

    /// The status of an instance that has ended.
    pub(super) fn end_status(&self) -> Status {
        let inner = self.journal.inner();
        match (inner.state.phase(), inner.state.debt.is_empty()) {
            (Phase::Completed { .. }, _) => Status::Completed,
            (_, true) => Status::Compensated,
            (_, false) => Status::CompensatedWithDebt,
        }
    }
}
