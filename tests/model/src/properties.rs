//! What has to hold in every state, and what has to be possible: a model in which nothing happens keeps every rule.

use crate::{
    World,
    protocol::{Action, request},
    state::{Doing, Event, Instance, Lease, Part, Phase, STEPS, Stage, State, Task},
};
use stateright::{Model, Property};

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.begin()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.next(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        self.act(&mut next, action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::always("I2 all or none", |_, state: &State| state.instances.iter().all(is_all_or_none)),
            Property::always("I3 reverse", |_, state: &State| state.instances.iter().all(is_reverse)),
            Property::always("I4 record first", |_, state: &State| state.instances.iter().all(is_recorded)),
            Property::always("I4 nothing counts before it is committed", |_, state: &State| {
                tasks(state).all(|(task, instance)| match task {
                    Task::Run { known, .. } => known.length <= instance.stored.length,
                    Task::Read => true,
                })
            }),
            Property::always("I5 no undo after the pivot", |_, state: &State| {
                state.instances.iter().all(|instance| {
                    !instance.parts[usize::from(STEPS) - 1].is_in_force()
                        || !instance.parts.iter().any(|part| part.is_undone())
                })
            }),
            Property::always("I6 fence", |_, state: &State| !state.wrong.stale),
            Property::always("I7 chain", |_, state: &State| !state.wrong.misfit),
            Property::always("I7 an owner goes by what is there", |_, state: &State| owners_know(state)),
            Property::always("rule 14 recoveries are bounded", |world: &Self, state: &State| {
                state.instances.iter().all(|instance| instance.stored.recoveries <= world.recoveries)
            }),
            Property::always("I1 nothing is stuck", |world: &Self, state: &State| {
                state.is_over() || {
                    let mut actions = Vec::new();
                    world.next(state, &mut actions);
                    !actions.is_empty()
                }
            }),
            Property::eventually("I1 everything ends", |_, state: &State| state.is_over()),
        ];
        if self.mistake.is_none() {
            all.extend(self.happenings());
        }
        all
    }
}

impl World {
    /// What the search has to come across, or it shows nothing.
    fn happenings(&self) -> Vec<Property<Self>> {
        let mut all: Vec<Property<Self>> = vec![
            Property::sometimes("all instances complete", |_, state: &State| {
                state.instances.iter().all(|instance| instance.stored.phase == Phase::Completed)
            }),
            Property::sometimes("an effect is undone", |_, state: &State| {
                state.instances.iter().any(|instance| {
                    instance.stored.phase == Phase::Compensated && instance.parts.contains(&Part::Undone)
                })
            }),
        ];
        if self.instances > 1 {
            all.push(Property::sometimes("a commit has rows of two instances", |_, state: &State| {
                state
                    .workers
                    .iter()
                    .any(|worker| worker.commit.as_ref().is_some_and(|commit| commit.rows.iter().flatten().count() > 1))
            }));
        }
        if self.pauses + self.crashes > 0 {
            all.push(Property::sometimes("an instance is taken over", |_, state: &State| {
                state.instances.iter().any(|instance| instance.stored.recoveries > 0)
            }));
            all.push(Property::sometimes("a lease runs out in the middle of a commit", |_, state: &State| {
                state.workers.iter().any(|worker| {
                    let held = worker.commit.as_ref().is_some_and(|commit| commit.stage != Stage::Committed);
                    held && state.leases[usize::from(worker.epoch)] == (Lease::There { over: true })
                })
            }));
        }
        if self.pauses > 0 {
            all.push(Property::sometimes(
                "a worker finds that it was taken for dead",
                |world: &Self, state: &State| state.leases.len() > usize::from(world.workers),
            ));
        }
        if self.late && self.barrier && self.cancels > 0 {
            all.push(Property::sometimes("a barrier keeps a late request off", |_, state: &State| {
                state.instances.iter().any(|instance| {
                    instance.stored.phase == Phase::Compensated && instance.parts.contains(&Part::Barred)
                })
            }));
        }
        if self.recoveries < self.pauses + self.crashes {
            all.push(Property::sometimes("a crash loop is parked", |_, state: &State| {
                state.instances.iter().any(|instance| instance.stored.phase == Phase::Parked)
            }));
        }
        all
    }
}

/// The tasks of all workers, with the instances that they are about.
fn tasks(state: &State) -> impl Iterator<Item = (&Task, &Instance)> {
    let tasks = state.workers.iter().flat_map(|worker| worker.tasks.iter().zip(&state.instances));
    tasks.filter_map(|(task, instance)| Some((task.as_ref()?, instance)))
}

/// An instance that has completed has all its effects, one that was compensated none.
fn is_all_or_none(instance: &Instance) -> bool {
    match instance.stored.phase {
        Phase::Completed => instance.parts.iter().all(|part| *part == Part::Done),
        Phase::Compensated => !instance.parts.iter().any(|part| part.is_in_force()),
        _ => true,
    }
}

/// Nothing is undone while an effect of a later step is in force.
fn is_reverse(instance: &Instance) -> bool {
    let later = instance.parts.iter().skip_while(|part| !part.is_undone());
    !later.skip(1).any(|part| *part == Part::Done)
}

/// What was sent is in the journal, with everything before it.
fn is_recorded(instance: &Instance) -> bool {
    (0..STEPS).all(|step| {
        let (called, unwound) = match instance.stored.phase {
            Phase::Call(at) => (step <= at, false),
            Phase::Unwind { next, called } => (step <= called, step >= next),
            Phase::Completed => (true, false),
            // How far it had come is no longer said, and a parked one does nothing.
            Phase::Compensated | Phase::Parked => (true, true),
        };
        (called || instance.sent & request(step, false) == 0) && (unwound || instance.sent & request(step, true) == 0)
    })
}

/// Whoever owns an instance and runs it has its journal in memory as it is, unless he is just about to hear of a row.
fn owners_know(state: &State) -> bool {
    state.workers.iter().all(|worker| {
        worker.tasks.iter().zip(state.instances.iter().enumerate()).all(|(task, (index, instance))| {
            let Some(Task::Run { known, doing }) = task else { return true };
            if instance.owner != worker.epoch {
                return true;
            }
            let heard: Option<Event> = match (doing, &worker.commit) {
                (Doing::Save(_), Some(commit)) if commit.stage == Stage::Committed => {
                    commit.rows[index].map(|(event, _)| event)
                }
                _ => None,
            };
            heard.map_or(*known, |event| known.with(event)) == instance.stored
        })
    })
}
