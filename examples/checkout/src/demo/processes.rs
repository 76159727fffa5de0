//! Child processes that can be killed, started again, and never outlive this one.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::Failed;
use crate::serve::LISTENING;

/// How long a service may take to listen. An orchestrator takes up its unfinished work before.
const START: Duration = Duration::from_secs(30);

/// A service in a process of its own: this same program with other arguments.
///
/// It ends with this value, and with this process however that ends: its standard input is a pipe
/// whose other end is here, and it stops when the pipe closes.
pub(super) struct Process {
    name: &'static str,
    label: String,
    arguments: Vec<OsString>,
    log: PathBuf,
    child: Child,
    url: String,
}

impl Process {
    /// Starts a service with its log in `folder`, and waits until it listens. `label` tells it from others of its kind.
    pub(super) async fn start(
        name: &'static str,
        label: &str,
        folder: &Path,
        options: &[String],
    ) -> Result<Self, Failed> {
        let mut arguments: Vec<OsString> = vec![name.into(), "--until-stdin-ends".into()];
        arguments.extend(options.iter().map(Into::into));
        let log = folder.join(label).with_extension("log");
        let (child, url) = spawn(name, &arguments, "127.0.0.1:0", &log).await?;
        Ok(Self { name, label: label.to_owned(), arguments, log, child, url })
    }

    /// Where it listens. It stays there when it is started again.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// SIGKILL, in the middle of whatever it does.
    pub(super) async fn kill(&mut self) -> Result<(), Failed> {
        self.child.kill().await?;
        Ok(())
    }

    /// SIGSTOP: it stands still in the middle of whatever it does, and nothing that others see of it ends.
    pub(super) async fn stand_still(&self) -> Result<(), Failed> {
        self.signal("STOP").await
    }

    /// SIGCONT: it goes on as if nothing had been.
    pub(super) async fn go_on(&self) -> Result<(), Failed> {
        self.signal("CONT").await
    }

    async fn signal(&self, name: &str) -> Result<(), Failed> {
        let process = self.child.id().ok_or("a process that has ended cannot be signalled")?;
        // Every shell can do it, and so nothing unsafe is needed for it.
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status().await?;
        if sent.success() { Ok(()) } else { Err(format!("kill -{name} {process}: {sent}").into()) }
    }

    /// What it is called, and its log.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Starts it again over the same database, at the same address.
    pub(super) async fn restart(&mut self) -> Result<(), Failed> {
        let address = self.url.trim_start_matches("http://").to_owned();
        (self.child, self.url) = spawn(self.name, &self.arguments, &address, &self.log).await?;
        Ok(())
    }

    /// How it ended, if it did although nobody killed it.
    pub(super) fn died(&mut self) -> Result<(), Failed> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("{} ended by itself ({status}): {}", self.name, last_words(&self.log)).into()),
        }
    }
}

/// All processes of a demonstration.
#[derive(Default)]
pub(super) struct Fleet {
    pub(super) participants: Vec<Process>,
    pub(super) workers: Vec<Process>,
}

impl Fleet {
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Process> {
        self.participants.iter_mut().chain(&mut self.workers)
    }

    /// Starts those again that ended by themselves, so that they can be asked what they know.
    pub(super) async fn revive(&mut self) {
        for process in self.all().filter_map(|process| process.died().is_err().then_some(process)) {
            // One that does not start has been told of by how it ended.
            let _ = process.restart().await;
        }
    }

    /// Ends them. None writes to its database or its log any more when this returns.
    pub(super) async fn end(mut self) {
        for process in self.all() {
            // One that has ended already is what is wanted.
            let _ = process.kill().await;
        }
    }
}

async fn spawn(name: &str, arguments: &[OsString], address: &str, log: &Path) -> Result<(Child, String), Failed> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .args(["--listen", address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::options().create(true).append(true).open(log)?)
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or("a child without standard output")?;
    let mut line = String::new();
    let read = timeout(START, BufReader::new(stdout).read_line(&mut line)).await;
    match (read, line.trim().strip_prefix(LISTENING)) {
        (Ok(Ok(_)), Some(url)) => Ok((child, url.to_owned())),
        _ => Err(format!("{name} did not start: {}", last_words(log)).into()),
    }
}

/// The end of a log, for an error that is shown.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    match lines.split_at(lines.len().saturating_sub(3)).1 {
        [] => "it left no message".to_owned(),
        last => last.join("\n"),
    }
}
