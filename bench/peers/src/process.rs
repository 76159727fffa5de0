//! A process of its own for each run, so that what it uses of the processor and of memory is that of the library alone.

use crate::{
    library::Library,
    shared::{
        flight::{Flight, Flown},
        histogram::Histogram,
        report::Sample,
        usage::Server,
    },
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::Write as _, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{ChildStdout, Command},
    runtime::Builder,
};

/// What a process says once everything is open, and before what it has seen.
const READY: &str = "ready";
const SEEN: &str = "seen ";

/// What it does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) library: Library,
    /// Whether it is W2.
    pub(crate) refused: bool,
    pub(crate) in_flight: usize,
    pub(crate) seconds: f64,
    /// A connection string or a folder.
    pub(crate) place: String,
    /// In Postgres, what nobody has used before.
    pub(crate) schema: String,
    /// With which ids begin.
    pub(crate) tag: String,
}

#[derive(Serialize, Deserialize)]
struct Seen {
    took: Histogram,
    seconds: f64,
    own_us: Option<f64>,
    server_us: Option<f64>,
    peak: Option<u64>,
}

impl From<Flown> for Seen {
    fn from(flown: Flown) -> Self {
        let (own_us, server_us) = flown.used_us();
        Self { own_us, server_us, peak: flown.usage.1.peak, took: flown.took, seconds: flown.seconds }
    }
}

impl Job {
    /// The closed loop that it asks for.
    pub(crate) fn flight(&self, server: Option<Server>) -> Flight {
        Flight::of(self.in_flight, self.seconds, server)
    }
}

/// Does a job, as the process that was started for it.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let job: Option<Job> = words.first().and_then(|word| serde_json::from_str(word).ok());
    let job = job.ok_or("this is for the processes that `peers` starts")?;
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let ready = async || {
        say(READY);
        let mut line = String::new();
        let told = BufReader::new(tokio::io::stdin()).read_line(&mut line).await;
        let told = told.is_ok_and(|bytes| bytes > 0);
        told.then_some(()).ok_or_else(|| "whoever started this process is gone".to_owned())
    };
    let seen = Seen::from(runtime.block_on(job.library.run(&job, ready))?);
    say(&format!("{SEEN}{}", serde_json::to_string(&seen).map_err(|error| error.to_string())?));
    std::process::exit(0);
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever does not listen any more has ended, and so will this.
    let _ = writeln!(out, "{word}").and_then(|()| out.flush());
}

/// Starts a process for each job, all at the same time.
#[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
pub(crate) async fn measured(jobs: &[Job]) -> Result<Sample, String> {
    let failed = |error: std::io::Error| format!("a process of this program: {error}");
    let program = std::env::current_exe().map_err(failed)?;
    let mut children = Vec::new();
    for job in jobs {
        let job = serde_json::to_string(job).map_err(|error| error.to_string())?;
        let mut command = Command::new(&program);
        command.arg("job").arg(job).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a process of this program has no pipes".to_owned());
        };
        let mut lines = BufReader::new(stdout).lines();
        said(&mut lines, READY).await?;
        children.push((child, stdin, lines));
    }
    for (_, stdin, _) in &mut children {
        stdin.write_all(b"go\n").await.map_err(failed)?;
    }
    let (mut took, mut rate, mut own, mut server, mut peak) = (Histogram::default(), 0.0, Some(0.0), None, None);
    for (child, _, lines) in &mut children {
        let line = said(lines, SEEN).await?;
        let seen: Seen = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        child.wait().await.map_err(failed)?;
        rate += seen.took.count() as f64 / seen.seconds;
        took.merge(&seen.took);
        own = own.zip(seen.own_us).map(|(all, one)| all + one);
        server = server.or(seen.server_us);
        peak = peak.max(seen.peak);
    }
    let sagas = took.count() as f64;
    Ok(Sample {
        per_s: Some(rate),
        p50: took.quantile(0.5),
        p99: took.quantile(0.99),
        rss: peak.map(|bytes| bytes as f64 / f64::from(1 << 20)),
        bytes: None,
        cpu: own.filter(|_| sagas > 0.0).map(|own| (own + server.unwrap_or(0.0)) / sagas),
        more: BTreeMap::new(),
    })
}

/// What follows this word in the next line that begins with it. What a library prints is not for us.
async fn said(lines: &mut Lines<BufReader<ChildStdout>>, word: &str) -> Result<String, String> {
    while let Some(line) = lines.next_line().await.map_err(|error| error.to_string())? {
        if let Some(said) = line.strip_prefix(word) {
            return Ok(said.to_owned());
        }
    }
    Err("a process of this program has ended without an answer".to_owned())
}
