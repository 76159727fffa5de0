//! What can happen next, and what it changes.

use crate::{
    Mistake, World,
    state::{Commit, Doing, Event, Fold, Instance, Lease, Part, Phase, STEPS, Stage, State, Task, Up, Worker, Wrong},
};
use std::cmp::Ordering;

/// Something that happens at once. The first number is a worker, if there is one; the next an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A group commit begins: it takes what waits, and locks its worker's row, or finds that it is gone.
    BeginCommit(u8),
    /// Its rows are written.
    WriteRows(u8),
    /// It is committed, and its lock is let go.
    Commit(u8),
    /// Its connection is cut off before that.
    RollBack(u8),
    /// The worker hears that it is committed.
    Acknowledge(u8),
    /// A worker whose lease may be over renews it, or finds out that it was taken for dead, and begins another life.
    Renew(u8),
    /// A worker reads journals before it ends a life, which is a mistake.
    Peek(u8),
    /// A worker deletes the row of a life whose lease is over: it has waited for the commit under way.
    BeginTakeOver(u8, u8),
    /// That is committed.
    TakeOver(u8),
    /// That is rolled back.
    LeaveBe(u8),
    /// A worker takes an instance that a dead one owned.
    Claim(u8, u8),
    /// It reads its journal.
    Read(u8, u8),
    /// It makes an attempt: a request is on its way.
    Attempt(u8, u8),
    /// It hears what the participant has answered.
    Hear(u8, u8),
    /// It stops waiting, and unwinds since somebody wants that.
    Cancel(u8, u8),
    /// A request arrives: the instance, the step.
    Do(u8, u8),
    /// The same, and the participant says no.
    Refuse(u8, u8),
    /// The request of a compensation arrives.
    Undo(u8, u8),
    /// A worker stands still, for longer than its lease: anything shorter is but a delay, which every order of actions has anyway.
    Pause(u8),
    /// It goes on.
    Wake(u8),
    /// It crashes, and its lease runs out. What others do meanwhile, they may as well do before the crash.
    Crash(u8),
}

/// The bit of a step's request, or of its compensation's.
pub(crate) fn request(step: u8, undo: bool) -> u8 {
    1 << (step + if undo { STEPS } else { 0 })
}

impl World {
    /// Where it begins: each instance has been started by a worker. Which one matters only as to who else is its.
    pub(crate) fn begin(&self) -> Vec<State> {
        let fold = Fold::started();
        let alike = |owners: &[u8]| State {
            leases: vec![Lease::There { over: false }; usize::from(self.workers)],
            instances: owners
                .iter()
                .map(|owner| Instance { owner: *owner, stored: fold, parts: [Part::Nothing; STEPS as usize], sent: 0 })
                .collect(),
            workers: (0..self.workers)
                .map(|epoch| Worker {
                    up: Up::Runs,
                    epoch,
                    good: true,
                    tasks: owners.iter().map(|owner| (*owner == epoch).then(|| run(fold, false))).collect(),
                    commit: None,
                    ending: None,
                    peeked: None,
                })
                .collect(),
            pauses: self.pauses,
            crashes: self.crashes,
            cancels: self.cancels,
            wrong: Wrong::default(),
        };
        let together = vec![0; usize::from(self.instances)];
        let apart: Vec<u8> = (0..self.instances).map(|instance| instance % self.workers).collect();
        if together == apart { vec![alike(&together)] } else { vec![alike(&together), alike(&apart)] }
    }

    /// What can happen in a state. Each of it changes something.
    pub(crate) fn next(&self, state: &State, actions: &mut Vec<Action>) {
        // What a worker hears or reads changes its memory and nothing else: nobody can tell whether that was before or after what
        // others do, and a worker that crashes or stands still in between has done nothing with it. So one order stands for all. (Only
        // if somebody else writes to a journal that was claimed does it matter when it is read; and that is seen as such.)
        if let Some(heard) = hearing(state) {
            return actions.push(heard);
        }
        deliveries(state, actions);
        if !self.late && !actions.is_empty() {
            // What is sent is there.
            return;
        }
        for (worker, number) in state.workers.iter().zip(0..) {
            self.commits(state, worker, number, actions);
            self.lives(state, worker, number, actions);
            if worker.up == Up::Runs {
                for (task, instance) in worker.tasks.iter().zip(0..) {
                    self.tasks(state, (worker, number), (task.as_ref(), instance), actions);
                }
            }
            faults(state, worker, number, actions);
        }
    }

    fn commits(&self, state: &State, worker: &Worker, number: u8, actions: &mut Vec<Action>) {
        let runs = worker.up == Up::Runs;
        let Some(commit) = &worker.commit else {
            let waits = |task: &Option<Task>| matches!(task, Some(Task::Run { doing: Doing::Save(_), .. }));
            // Whose row somebody is just deleting, waits for that, if it locks.
            let blocked = state.leases[usize::from(worker.epoch)] == Lease::Deleted && self.locks();
            if runs && !blocked && worker.tasks.iter().any(waits) {
                actions.push(Action::BeginCommit(number));
            }
            return;
        };
        match commit.stage {
            Stage::Held => {
                // A number that another transaction has just written is waited for.
                let taken = state.workers.iter().any(|other| {
                    other.commit.as_ref().is_some_and(|other| {
                        other.stage == Stage::Written
                            && other
                                .rows
                                .iter()
                                .zip(&commit.rows)
                                .any(|(theirs, ours)| theirs.is_some() && ours.is_some())
                    })
                });
                if !taken {
                    actions.push(Action::WriteRows(number));
                }
            }
            Stage::Written => actions.push(Action::Commit(number)),
            Stage::Committed => {}
        }
        if runs && !commit.acknowledged && self.is(Mistake::AcknowledgedEarly) {
            actions.push(Action::Acknowledge(number));
        }
        if !runs && commit.stage != Stage::Committed {
            actions.push(Action::RollBack(number));
        }
    }

    fn lives(&self, state: &State, worker: &Worker, number: u8, actions: &mut Vec<Action>) {
        let runs = worker.up == Up::Runs;
        let row = state.leases[usize::from(worker.epoch)];
        if runs && !worker.good && row != Lease::Deleted {
            actions.push(Action::Renew(number));
        }
        if worker.ending.is_some() {
            actions.push(Action::TakeOver(number));
            if !runs {
                actions.push(Action::LeaveBe(number));
            }
        } else if runs {
            for (lease, epoch) in state.leases.iter().zip(0..) {
                if *lease != (Lease::There { over: true }) || epoch == worker.epoch {
                    continue;
                }
                if self.is(Mistake::JournalReadFirst) && worker.peeked.is_none() {
                    actions.push(Action::Peek(number));
                    continue;
                }
                let held = |other: &Worker| {
                    other.commit.as_ref().is_some_and(|it| it.epoch == epoch && it.stage != Stage::Committed)
                };
                if !self.locks() || !state.workers.iter().any(held) {
                    actions.push(Action::BeginTakeOver(number, epoch));
                }
            }
        }
        if runs && matches!(row, Lease::There { .. }) {
            for (instance, index) in state.instances.iter().zip(0..) {
                if state.leases[usize::from(instance.owner)] == Lease::Gone && !instance.stored.phase.is_end() {
                    actions.push(Action::Claim(number, index));
                }
            }
        }
    }

    fn tasks(
        &self,
        state: &State,
        (worker, number): (&Worker, u8),
        (task, index): (Option<&Task>, u8),
        actions: &mut Vec<Action>,
    ) {
        let sent = state.instances[usize::from(index)].sent;
        match task {
            Some(Task::Run { doing: Doing::Save(Event::Called(step)), .. })
                if self.is(Mistake::EffectBeforeCommit) && sent & request(*step, false) == 0 =>
            {
                actions.push(Action::Attempt(number, index));
            }
            None | Some(Task::Read | Task::Run { doing: Doing::Save(_), .. }) => {}
            Some(Task::Run { known, doing: Doing::Call { waiting, .. } }) => {
                if !waiting && (worker.good || self.is(Mistake::LeaseIgnored)) {
                    actions.push(Action::Attempt(number, index));
                }
                // Once the pivot may have begun, the decision waits for its answer.
                if state.cancels > 0 && matches!(known.phase, Phase::Call(step) if step < STEPS - 1) {
                    actions.push(Action::Cancel(number, index));
                }
            }
        }
    }

    /// Does what can happen.
    pub(crate) fn act(&self, state: &mut State, action: Action) {
        match action {
            Action::BeginCommit(worker) => begin_commit(state, worker),
            Action::WriteRows(worker) => write_rows(state, worker),
            Action::Commit(worker) => commit(state, worker),
            Action::RollBack(worker) => state.workers[usize::from(worker)].commit = None,
            Action::Acknowledge(worker) => acknowledge(&mut state.workers[usize::from(worker)]),
            Action::Renew(worker) => renew(state, worker),
            Action::Peek(worker) => {
                let folds = state.instances.iter().map(|instance| instance.stored).collect();
                state.workers[usize::from(worker)].peeked = Some(folds);
            }
            Action::BeginTakeOver(worker, epoch) => {
                state.leases[usize::from(epoch)] = Lease::Deleted;
                state.workers[usize::from(worker)].ending = Some(epoch);
            }
            Action::TakeOver(worker) | Action::LeaveBe(worker) => {
                if let Some(epoch) = state.workers[usize::from(worker)].ending.take() {
                    let gone = matches!(action, Action::TakeOver(_));
                    state.leases[usize::from(epoch)] = if gone { Lease::Gone } else { Lease::There { over: true } };
                }
            }
            Action::Claim(worker, instance) => {
                let worker = &mut state.workers[usize::from(worker)];
                state.instances[usize::from(instance)].owner = worker.epoch;
                worker.tasks[usize::from(instance)] = Some(Task::Read);
            }
            Action::Read(worker, instance) => self.read(state, worker, usize::from(instance)),
            Action::Attempt(worker, instance) => self.attempt(state, worker, usize::from(instance)),
            Action::Hear(worker, instance) => {
                let instance = usize::from(instance);
                let task = &mut state.workers[usize::from(worker)].tasks[instance];
                if let Some(Task::Run { known, doing }) = task
                    && let Some(event) = answer(known.phase, &state.instances[instance])
                {
                    *doing = Doing::Save(event);
                }
            }
            Action::Cancel(worker, instance) => {
                state.cancels -= 1;
                let task = &mut state.workers[usize::from(worker)].tasks[usize::from(instance)];
                if let Some(Task::Run { doing, .. }) = task {
                    let begun = matches!(doing, Doing::Call { attempted: true, .. });
                    *doing = Doing::Save(Event::Unwinding { doubt: begun && !self.is(Mistake::DoubtForgotten) });
                }
            }
            Action::Do(instance, step) => {
                let part = &mut state.instances[usize::from(instance)].parts[usize::from(step)];
                *part = if *part == Part::Forgotten { Part::Late } else { Part::Done };
            }
            Action::Refuse(instance, step) => {
                state.instances[usize::from(instance)].parts[usize::from(step)] = Part::Refused;
            }
            Action::Undo(instance, step) => {
                let part = &mut state.instances[usize::from(instance)].parts[usize::from(step)];
                *part = match *part {
                    Part::Done => Part::Undone,
                    _ if self.barrier => Part::Barred,
                    _ => Part::Forgotten,
                };
            }
            Action::Pause(worker) => {
                state.pauses -= 1;
                let worker = &mut state.workers[usize::from(worker)];
                worker.up = Up::Paused;
                run_out(&mut state.leases, worker);
            }
            Action::Wake(worker) => state.workers[usize::from(worker)].up = Up::Runs,
            Action::Crash(worker) => {
                state.crashes -= 1;
                let worker = &mut state.workers[usize::from(worker)];
                worker.up = Up::Crashed;
                run_out(&mut state.leases, worker);
                worker.tasks.fill(None);
                worker.peeked = None;
                // Nobody waits for what is committed already.
                worker.commit.take_if(|commit| commit.stage == Stage::Committed);
            }
        }
        sort(state);
    }

    fn read(&self, state: &mut State, number: u8, instance: usize) {
        let worker = &mut state.workers[usize::from(number)];
        let known = worker.peeked.as_ref().map_or(state.instances[instance].stored, |folds| folds[instance]);
        worker.tasks[instance] = (!known.phase.is_end()).then(|| {
            let over = known.recoveries >= self.recoveries && !self.is(Mistake::RecoveriesIgnored);
            let event = if over { Event::Parked } else { Event::Recovered };
            Task::Run { known, doing: Doing::Save(event) }
        });
    }

    fn attempt(&self, state: &mut State, number: u8, instance: usize) {
        let sent = &mut state.instances[instance].sent;
        match &mut state.workers[usize::from(number)].tasks[instance] {
            Some(Task::Run { doing: Doing::Save(Event::Called(step)), .. }) => *sent |= request(*step, false),
            Some(Task::Run { known, doing }) => {
                match known.phase {
                    Phase::Call(step) => *sent |= request(step, false),
                    Phase::Unwind { next, .. } => {
                        *sent |= request(next, true);
                        if self.is(Mistake::UndoneAtOnce) && next > 0 {
                            *sent |= request(next - 1, true);
                        }
                    }
                    _ => {}
                }
                *doing = Doing::Call { attempted: true, waiting: true };
            }
            _ => {}
        }
    }

    pub(crate) fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn locks(&self) -> bool {
        !self.is(Mistake::LeaseNotLocked)
    }
}

/// An instance that goes on from here; `attempted` says whether an attempt may have begun before.
fn run(known: Fold, attempted: bool) -> Task {
    Task::Run { known, doing: Doing::Call { attempted, waiting: false } }
}

/// Faults strike a worker that has something in hand. One that has nothing and stops is as good as one that does nothing.
fn faults(state: &State, worker: &Worker, number: u8, actions: &mut Vec<Action>) {
    if worker.up == Up::Paused {
        actions.push(Action::Wake(number));
    }
    if worker.tasks.iter().all(Option::is_none) && worker.commit.is_none() && worker.ending.is_none() {
        return;
    }
    if worker.up == Up::Runs && state.pauses > 0 {
        actions.push(Action::Pause(number));
    }
    if worker.up != Up::Crashed && state.crashes > 0 {
        actions.push(Action::Crash(number));
    }
}

/// The lease of a worker that says nothing runs out, if it still had one.
fn run_out(leases: &mut [Lease], worker: &mut Worker) {
    worker.good = false;
    let row = &mut leases[usize::from(worker.epoch)];
    if let Lease::There { over } = row {
        *over = true;
    }
}

/// A running worker that has something to hear: an answer, a journal, or that its commit is one.
fn hearing(state: &State) -> Option<Action> {
    state.workers.iter().zip(0..).filter(|(worker, _)| worker.up == Up::Runs).find_map(|(worker, number)| {
        let committed = worker.commit.as_ref().is_some_and(|commit| commit.stage == Stage::Committed);
        if committed {
            return Some(Action::Acknowledge(number));
        }
        let mut tasks = worker.tasks.iter().zip(&state.instances).zip(0..);
        tasks.find_map(|((task, instance), index)| match task {
            Some(Task::Read) => Some(Action::Read(number, index)),
            Some(Task::Run { known, doing: Doing::Call { waiting: true, .. } }) => {
                answer(known.phase, instance).map(|_| Action::Hear(number, index))
            }
            _ => None,
        })
    })
}

fn deliveries(state: &State, actions: &mut Vec<Action>) {
    for (instance, number) in state.instances.iter().zip(0..) {
        for (part, step) in instance.parts.iter().zip(0..) {
            if instance.sent & request(step, false) != 0 {
                match part {
                    Part::Nothing => {
                        actions.push(Action::Do(number, step));
                        if step == STEPS - 1 {
                            actions.push(Action::Refuse(number, step));
                        }
                    }
                    Part::Forgotten => actions.push(Action::Do(number, step)),
                    _ => {}
                }
            }
            if instance.sent & request(step, true) != 0 && matches!(part, Part::Nothing | Part::Done) {
                actions.push(Action::Undo(number, step));
            }
        }
    }
}

/// What is written after this answer, if there is one.
fn answer(phase: Phase, instance: &Instance) -> Option<Event> {
    match phase {
        Phase::Call(step) => match instance.parts[usize::from(step)] {
            Part::Nothing | Part::Forgotten => None,
            // One key, one answer: what has been undone meanwhile is answered as it was.
            Part::Done | Part::Undone | Part::Late if step < STEPS - 1 => Some(Event::Called(step + 1)),
            Part::Done | Part::Undone | Part::Late => Some(Event::Completed),
            Part::Refused | Part::Barred => Some(Event::Unwinding { doubt: false }),
        },
        Phase::Unwind { next, .. } => instance.parts[usize::from(next)].is_undone().then_some(Event::Undone),
        _ => None,
    }
}

fn begin_commit(state: &mut State, number: u8) {
    let worker = &mut state.workers[usize::from(number)];
    if state.leases[usize::from(worker.epoch)] == Lease::Gone {
        return begin_anew(state, number);
    }
    let rows = worker.tasks.iter().map(|task| match task {
        Some(Task::Run { known, doing: Doing::Save(event) }) => Some((*event, known.length + 1)),
        _ => None,
    });
    worker.commit = Some(Commit { epoch: worker.epoch, stage: Stage::Held, rows: rows.collect(), acknowledged: false });
}

fn write_rows(state: &mut State, number: u8) {
    let worker = &mut state.workers[usize::from(number)];
    let Some(commit) = &mut worker.commit else { return };
    let mut rows = commit.rows.iter().zip(&state.instances);
    let fits = rows.all(|(row, instance)| row.is_none_or(|(_, number)| number == instance.stored.length + 1));
    if fits {
        commit.stage = Stage::Written;
    } else {
        // The key of the journal does not let it in.
        state.wrong.misfit = true;
        worker.commit = None;
        worker.tasks.fill(None);
    }
}

fn commit(state: &mut State, number: u8) {
    let worker = &mut state.workers[usize::from(number)];
    let Some(commit) = &mut worker.commit else { return };
    for (row, instance) in commit.rows.iter().zip(&mut state.instances) {
        if let Some((event, _)) = row {
            instance.stored = instance.stored.with(*event);
            state.wrong.stale |= instance.owner != commit.epoch;
        }
    }
    commit.stage = Stage::Committed;
    let nobody_waits = commit.acknowledged || worker.up == Up::Crashed || commit.epoch != worker.epoch;
    if nobody_waits {
        worker.commit = None;
    }
}

fn acknowledge(worker: &mut Worker) {
    let Some(commit) = &mut worker.commit else { return };
    commit.acknowledged = true;
    for (row, task) in commit.rows.iter().zip(&mut worker.tasks) {
        if let (Some((event, _)), Some(Task::Run { known, .. })) = (row, &*task) {
            let known = known.with(*event);
            *task = (!known.phase.is_end()).then(|| run(known, *event == Event::Recovered));
        }
    }
    worker.commit.take_if(|commit| commit.stage == Stage::Committed);
}

fn renew(state: &mut State, number: u8) {
    let worker = &mut state.workers[usize::from(number)];
    let row = &mut state.leases[usize::from(worker.epoch)];
    if *row == Lease::Gone {
        return begin_anew(state, number);
    }
    *row = Lease::There { over: false };
    worker.good = true;
}

/// A worker that was taken for dead lets go of everything.
fn begin_anew(state: &mut State, number: u8) {
    let worker = &mut state.workers[usize::from(number)];
    worker.epoch = u8::try_from(state.leases.len()).unwrap_or(u8::MAX);
    worker.good = true;
    worker.tasks.fill(None);
    worker.peeked = None;
    worker.commit.take_if(|commit| commit.stage == Stage::Committed);
    state.leases.push(Lease::There { over: false });
}

/// Puts the instances into an order of their own: they are alike, so that states which differ in nothing but their places are one.
fn sort(state: &mut State) {
    let mut order: Vec<usize> = (0..state.instances.len()).collect();
    let all = &*state;
    order.sort_by(|&a, &b| {
        let column = |worker: &Worker, index: usize| {
            let row = worker.commit.as_ref().map(|commit| commit.rows[index]);
            (worker.tasks[index], row, worker.peeked.as_ref().map(|folds| folds[index]))
        };
        let columns = || all.workers.iter().map(|worker| column(worker, a).cmp(&column(worker, b)));
        all.instances[a].cmp(&all.instances[b]).then_with(|| columns().fold(Ordering::Equal, Ordering::then))
    });
    if order.is_sorted() {
        return;
    }
    pick(&mut state.instances, &order);
    for worker in &mut state.workers {
        pick(&mut worker.tasks, &order);
        if let Some(commit) = &mut worker.commit {
            pick(&mut commit.rows, &order);
        }
        if let Some(folds) = &mut worker.peeked {
            pick(folds, &order);
        }
    }
}

fn pick<T: Clone>(all: &mut Vec<T>, order: &[usize]) {
    *all = order.iter().map(|&index| all[index].clone()).collect();
}
