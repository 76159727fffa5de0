//! What a process of its own does: one workload in one place. It is this same program, so that what it uses of memory and of the
//! processor is that of the workload and of nothing else.
//!
//! It says `ready` once everything is open, begins at the word `go`, and answers with what was seen, as one line of JSON. It ends
//! when its standard input does, so that it never outlives whoever started it.

use super::{
    bare, claims, fill,
    flight::{Flight, Flown},
    histogram::Histogram,
    kept, ours,
    place::Place,
    raw,
    usage::Server,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{BufRead as _, Write as _},
};
use tokio::{runtime::Builder, sync::mpsc};

/// What is to be done, and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) task: Task,
    pub(crate) place: Place,
    pub(crate) in_flight: usize,
    pub(crate) seconds: f64,
    /// With which the ids of its sagas begin: no two processes in one place have the same.
    pub(crate) tag: String,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Task {
    /// W1 in the closed loop on the library's store, or W2 where the last step refuses. So many sleepers are due.
    Ours { refused: bool, due: usize },
    /// The same on the bare writer.
    Bare { refused: bool },
    /// Transactions of so many rows, one after the other.
    Raw { rows: usize },
    /// So many sagas that wait within a step, all at once.
    Memory { sagas: usize },
    /// So many sagas in the closed loop, where what has ended is removed soon.
    Kept { sagas: u64 },
    /// Makes so many instances that sleep for a year, and a few that are due.
    Sleepers { number: usize, due: usize },
    /// Makes so many instances that run; their owner dies with the process, or retires when it is told to.
    Orphans { number: usize },
    /// Claims whatever the dead have left, by the store alone.
    Claims,
    /// Takes over what the dead have left, and runs it.
    TakeOver,
}

/// What was seen.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// How long each saga took.
    pub(crate) took: Histogram,
    /// In which time.
    pub(crate) seconds: f64,
    /// How many were run in all.
    pub(crate) all: u64,
    /// Time on the processor within the measured time, of the own process and of the server, in microseconds.
    pub(crate) own_us: Option<f64>,
    pub(crate) server_us: Option<f64>,
    /// The most memory that the process ever had.
    pub(crate) peak: Option<u64>,
    /// What else there is to say.
    pub(crate) more: BTreeMap<String, f64>,
}

impl From<Flown> for Seen {
    fn from(flown: Flown) -> Self {
        let (own_us, server_us) = flown.used_us();
        Self {
            own_us,
            server_us,
            peak: flown.usage.1.peak,
            took: flown.took,
            seconds: flown.seconds,
            all: flown.all,
            more: BTreeMap::new(),
        }
    }
}

impl Job {
    /// The closed loop that it asks for.
    pub(crate) fn flight(&self, server: Option<Server>) -> Flight {
        Flight::of(self.in_flight, self.seconds, server)
    }

    /// Does it, as the process that was started for it.
    pub(crate) fn run(words: &[String]) -> Result<(), String> {
        let job: Self = words
            .first()
            .and_then(|word| serde_json::from_str(word).ok())
            .ok_or("this is for the processes that `bench` starts")?;
        // As `#[tokio::main]` has it for the library; of the bare writer's two threads one is the database's.
        let mut builder = match job.task {
            Task::Bare { .. } => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        let runtime = builder.enable_all().build().map_err(|error| error.to_string())?;
        let seen = runtime.block_on(job.done(Boss::listen()))?;
        say(&serde_json::to_string(&seen).map_err(|error| error.to_string())?);
        // What is still running is not waited for: what it would do now is not measured any more.
        std::process::exit(0);
    }

    async fn done(&self, mut boss: Boss) -> Result<Seen, String> {
        let boss = &mut boss;
        match self.task {
            Task::Ours { refused, due } => ours::run(self, refused, due, boss).await,
            Task::Bare { refused } => bare::run(self, refused, boss).await,
            Task::Raw { rows } => raw::run(self, rows, boss).await,
            Task::Memory { sagas } => ours::memory(self, sagas, boss).await,
            Task::Kept { sagas } => kept::run(self, sagas, boss).await,
            Task::Sleepers { number, due } => fill::sleepers(self, number, due, boss).await,
            Task::Orphans { number } => fill::orphans(self, number, boss).await,
            Task::Claims => claims::claim(self, boss).await,
            Task::TakeOver => claims::take_over(self, boss).await,
        }
    }
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever does not listen any more has ended, and so will this.
    let _ = writeln!(out, "{word}").and_then(|()| out.flush());
}

/// Who started the process.
pub(crate) struct Boss(mpsc::UnboundedReceiver<()>);

impl Boss {
    /// Listens on a thread of its own.
    fn listen() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                if line.is_err() || tell.send(()).is_err() {
                    break;
                }
            }
            std::process::exit(1);
        });
        Self(told)
    }

    /// Says that everything is open, and waits for the word.
    pub(crate) async fn ready(&mut self) {
        say("ready");
        self.told().await;
    }

    /// Waits for the next word.
    pub(crate) async fn told(&mut self) {
        let _ = self.0.recv().await;
    }
}
