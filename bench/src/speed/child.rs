//! The processes that do the jobs.

use super::job::{Job, Seen};
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child as Process, ChildStdin, ChildStdout, Command},
};

/// One that is ready. It ends with this value, and with this process.
pub(crate) struct Child {
    process: Process,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts one, and waits until it is ready.
    pub(crate) async fn start(job: &Job) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let job = serde_json::to_string(job).map_err(|error| error.to_string())?;
        let spawned = Command::new(program)
            .arg("job")
            .arg(job)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut process =
            spawned.map_err(|error| format!("a process of this program could not be started: {error}"))?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("a process of this program has no pipes".to_owned());
        };
        let mut child = Self { process, stdin, lines: BufReader::new(stdout).lines() };
        match child.line().await?.as_str() {
            "ready" => Ok(child),
            other => Err(format!("a process of this program said `{other}`")),
        }
    }

    /// Gives it the word.
    pub(crate) async fn go(&mut self) -> Result<(), String> {
        let said = async {
            self.stdin.write_all(b"go\n").await?;
            self.stdin.flush().await
        };
        said.await.map_err(|error| format!("a process of this program does not listen: {error}"))
    }

    /// What it has seen.
    pub(crate) async fn seen(&mut self) -> Result<Seen, String> {
        let line = self.line().await?;
        let seen = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        self.process.wait().await.map_err(|error| error.to_string())?;
        Ok(seen)
    }

    async fn line(&mut self) -> Result<String, String> {
        let line = self.lines.next_line().await.map_err(|error| error.to_string())?;
        // Its own words are on the standard error, which is this one's, too.
        line.ok_or_else(|| "a process of this program has ended without an answer".to_owned())
    }
}

/// Runs these jobs, all at the same time.
pub(crate) async fn all(jobs: &[Job]) -> Result<Vec<Seen>, String> {
    let mut children = Vec::new();
    for job in jobs {
        children.push(Child::start(job).await?);
    }
    for child in &mut children {
        child.go().await?;
    }
    let mut seen = Vec::new();
    for child in &mut children {
        seen.push(child.seen().await?);
    }
    Ok(seen)
}
