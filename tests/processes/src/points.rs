//! The points that a life passes, and the one at which it ends.

use crate::table::table;
use rustix::process::{Signal, getpid, kill_process};
use saga_runtime::runtime::Observer;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where a life ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Kill {
    /// At the point of this name.
    pub point: String,
    /// The so manieth time that it is passed, from 1.
    pub nth: usize,
}

/// The names of one point, as it was passed: a commit of several rows has several.
pub type Moment = Vec<String>;

/// Notes the points that are passed: those of the engine around each commit and each attempt, those around what is asked of the store,
/// and those that steps pass by themselves around their effects. At one of them the process sends itself SIGKILL.
#[derive(Debug)]
pub struct Points {
    kill: Option<Kill>,
    /// Where it is written down at which point it ended.
    death: PathBuf,
    known: BTreeSet<String>,
    passed: Mutex<Passed>,
}

#[derive(Debug, Default)]
struct Passed {
    moments: Vec<Moment>,
    counts: BTreeMap<String, usize>,
}

impl Points {
    /// The process ends at that point, and says so in this file; without one, never. A name that is not in the table, or is struck from
    /// it, is an error when it is passed.
    pub fn until(kill: Option<Kill>, death: &Path, struck: Option<&str>) -> Arc<Self> {
        let known = table().into_iter().map(|point| point.name).filter(|name| Some(&**name) != struck).collect();
        Arc::new(Self { kill, death: death.to_owned(), known, passed: Mutex::default() })
    }

    /// Passes a point of these names.
    ///
    /// # Panics
    /// It cannot be written down that the process ends here.
    pub fn pass(&self, mut names: Moment) {
        names.sort_unstable();
        names.dedup();
        if let Some(strange) = names.iter().find(|name| !self.known.contains(*name)) {
            eprintln!("a point is passed that is not in the table: {strange}");
            std::process::exit(2);
        }
        let mut passed = self.passed();
        let mut ends = false;
        for name in &names {
            let count = passed.counts.entry(name.clone()).or_default();
            *count += 1;
            ends |= self.kill.as_ref().is_some_and(|kill| kill.point == *name && kill.nth == *count);
        }
        if ends {
            let text = serde_json::to_string(&names).expect("names are JSON");
            std::fs::write(&self.death, text).expect("a death can be written down");
            kill_process(getpid(), Signal::KILL).expect("a process may end itself");
        }
        passed.moments.push(names);
    }

    /// Passes one of one name.
    pub fn pass_one(&self, kind: &str, about: &str) {
        self.pass(vec![format!("{kind}: {about}")]);
    }

    /// All that were passed so far, in order.
    pub fn passed_so_far(&self) -> Vec<Moment> {
        self.passed().moments.clone()
    }

    fn passed(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the runtime: each of its own points is one.
    pub fn observer(self: &Arc<Self>) -> Observer {
        let points = Arc::clone(self);
        Arc::new(move |point| {
            points.pass(point.names());
            ControlFlow::Continue(())
        })
    }
}
