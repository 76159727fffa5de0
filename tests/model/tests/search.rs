//! The whole space of a small world, and the mistakes that have to show in it.

use saga_model::{Mistake, World};
use std::{
    collections::BTreeSet,
    fmt,
    io::{self, Write as _},
};

/// How many states there were is worth a line also where nothing failed.
fn say(what: fmt::Arguments<'_>) {
    // A line that nobody reads is no failure.
    let _ = writeln!(io::stdout(), "{what}");
}

#[test]
fn every_state_of_two_workers_and_two_instances_keeps_the_invariants() {
    // What is in doubt is an instance's own affair, and needs a cancel: the next test has it.
    let found = World { cancels: 0, ..World::default() }.search();
    say(format_args!("{}: {} states", found.world, found.states));
    assert!(found.holds(), "{found}");
    assert!(found.states > 100_000, "{found}");
}

#[test]
fn every_state_of_an_instance_that_is_cancelled_keeps_the_invariants() {
    let found = World { instances: 1, ..World::default() }.search();
    say(format_args!("{}: {} states", found.world, found.states));
    assert!(found.holds(), "{found}");
}

#[test]
fn every_history_comes_to_an_end() {
    for (instances, pauses, crashes) in [(1, 1, 1), (1, 2, 1), (2, 0, 0)] {
        let world = World { instances, pauses, crashes, ..World::default() };
        let states = world.ends().unwrap_or_else(|state| panic!("{world}: {state:?}"));
        say(format_args!("{world}: each of {states} states leads to the end"));
        assert!(states > 1000, "{world}");
    }
}

#[test]
fn an_instance_that_crashes_again_and_again_is_parked() {
    let found = World { instances: 1, recoveries: 1, ..World::default() }.search();
    assert!(found.holds(), "{found}");
}

#[test]
fn every_planted_mistake_is_found_and_every_property_can_be_violated() {
    let mut unharmed: BTreeSet<&str> = BTreeSet::new();
    let mut harmed: BTreeSet<&str> = BTreeSet::new();
    for mistake in Mistake::ALL {
        let found = mistake.world().search();
        let violated: Vec<&str> = found.violated().map(|asked| asked.name).collect();
        say(format_args!("{mistake}: {} states; violates {}", found.states, violated.join(", ")));
        assert!(!violated.is_empty(), "{found}");
        unharmed.extend(found.properties.iter().map(|asked| asked.name));
        harmed.extend(violated);
    }
    assert_eq!(harmed, unharmed);
}

/// A mistake that shows only in a world which is unsound anyhow would say nothing.
#[test]
fn without_its_mistake_each_world_is_sound() {
    for mistake in Mistake::ALL {
        let world = mistake.world();
        let world = World { mistake: None, barrier: world.barrier || mistake == Mistake::NoBarrier, ..world };
        let found = world.search();
        assert!(found.holds(), "{mistake}: {found}");
    }
}
