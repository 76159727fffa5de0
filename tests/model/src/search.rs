//! Searching a world, and telling what came of it.

use crate::{Action, World, state::State};
use serde_json::{Value, json};
use stateright::{Checker as _, Expectation, Model as _};
use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

/// What a search has found.
#[derive(Debug)]
pub struct Found {
    /// Where.
    pub world: World,
    /// How many states there are.
    pub states: usize,
    /// How many steps lead from one to another.
    pub steps: usize,
    /// How many steps the farthest state is away.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// What was asked.
    pub properties: Vec<Asked>,
}

/// A property, and what came of it.
#[derive(Debug)]
pub struct Asked {
    /// What has to hold, or to be possible.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub holds: bool,
    /// The way to where it does not hold, or to where it was seen.
    pub way: Option<Vec<(State, Option<Action>)>>,
}

impl World {
    /// Searches every state there is.
    pub fn search(&self) -> Found {
        let begun = Instant::now();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let checker = self.clone().checker().threads(threads).spawn_bfs().join();
        let properties = self.properties().into_iter().map(|property| {
            let way = checker.discovery(property.name);
            let wanted = property.expectation == Expectation::Sometimes;
            let way = way.map(stateright::Path::into_vec);
            Asked { name: property.name, holds: way.is_some() == wanted, way }
        });
        Found {
            world: self.clone(),
            states: checker.unique_state_count(),
            steps: checker.state_count(),
            depth: checker.max_depth(),
            took: begun.elapsed(),
            properties: properties.collect(),
        }
    }

    /// Whether every history comes to an end: there is no way back to where one was before, and no history stops but where every
    /// instance has ended. Says how many states there are, or which one is amiss. Keeps them all: for small worlds.
    pub fn ends(&self) -> Result<usize, Box<State>> {
        let mut numbers: HashMap<State, usize> = HashMap::new();
        let mut open: Vec<State> = Vec::new();
        for state in self.begin() {
            numbers.insert(state.clone(), numbers.len());
            open.push(state);
        }
        // Of each state, how many steps lead to it, and where it leads.
        let (mut before, mut after): (Vec<usize>, Vec<Vec<usize>>) =
            (vec![0; open.len()], vec![Vec::new(); open.len()]);
        while let Some(state) = open.pop() {
            let mut actions = Vec::new();
            self.next(&state, &mut actions);
            if actions.is_empty() && !state.is_over() {
                return Err(Box::new(state));
            }
            let from = numbers[&state];
            for action in actions {
                let mut next = state.clone();
                self.act(&mut next, action);
                let known = numbers.len();
                let to = *numbers.entry(next.clone()).or_insert(known);
                if to == known {
                    before.push(0);
                    after.push(Vec::new());
                    open.push(next);
                }
                before[to] += 1;
                after[from].push(to);
            }
        }
        let mut free: Vec<usize> = (0..before.len()).filter(|&state| before[state] == 0).collect();
        let mut passed = 0;
        while let Some(state) = free.pop() {
            passed += 1;
            for &next in &after[state] {
                before[next] -= 1;
                if before[next] == 0 {
                    free.push(next);
                }
            }
        }
        let round = |(state, number): (State, usize)| (before[number] > 0).then_some(state);
        if passed == before.len() {
            return Ok(passed);
        }
        numbers.into_iter().find_map(round).map_or(Ok(passed), |state| Err(Box::new(state)))
    }
}

impl Found {
    /// Whether everything is as it should be.
    pub fn holds(&self) -> bool {
        self.properties.iter().all(|property| property.holds)
    }

    /// What does not hold.
    pub fn violated(&self) -> impl Iterator<Item = &Asked> {
        self.properties.iter().filter(|property| !property.holds)
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let World { workers, instances, pauses, crashes, cancels, recoveries, barrier, late, mistake } = &self.world;
        let properties = self.properties.iter().map(|asked| {
            let actions = asked.way.iter().flatten().filter_map(|(_, action)| action.as_ref());
            let way = asked.way.is_some().then(|| actions.map(|action| format!("{action:?}")).collect::<Vec<_>>());
            json!({ "name": asked.name, "holds": asked.holds, "way": way })
        });
        json!({
            "world": {
                "workers": workers, "instances": instances, "pauses": pauses, "crashes": crashes, "cancels": cancels,
                "recoveries": recoveries, "barrier": barrier, "late": late,
                "mistake": mistake.map(|mistake| mistake.to_string()),
            },
            "states": self.states, "steps": self.steps, "depth": self.depth, "seconds": self.took.as_secs_f64(),
            "holds": self.holds(), "properties": properties.collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.world)?;
        writeln!(
            f,
            "{} states, {} steps between them, the farthest {} steps away, in {:.1} s",
            self.states,
            self.steps,
            self.depth,
            self.took.as_secs_f64()
        )?;
        for asked in &self.properties {
            writeln!(f, "  {}  {}", if asked.holds { "holds   " } else { "VIOLATED" }, asked.name)?;
        }
        for asked in self.violated() {
            let Some(way) = &asked.way else {
                writeln!(f, "{}: never", asked.name)?;
                continue;
            };
            writeln!(f, "{}:", asked.name)?;
            for (number, action) in way.iter().filter_map(|(_, action)| action.as_ref()).enumerate() {
                writeln!(f, "  {:>3}  {action:?}", number + 1)?;
            }
            if let Some((state, _)) = way.last() {
                writeln!(f, "  at   {:?}", state.instances)?;
            }
        }
        Ok(())
    }
}
