//! A process of its own that runs the sagas of the trials, and whoever starts, stops and ends it.

use crate::{Fallible, Place, Port, builder, look::all, place::postgres};
use saga_runtime::store::{Filter, Status, Store, sqlite::Sqlite};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};

/// What such a process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Where instances are.
    pub at: At,
    /// Where the participants are.
    pub socket: PathBuf,
    /// Whether it ends by itself once nothing is open.
    pub until_done: bool,
}

/// Where instances are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum At {
    /// In this file.
    File(PathBuf),
    /// In this server's schema, with a lease of so many milliseconds.
    Schema(String, String, u64),
}

impl At {
    /// Of a place that others can open, too.
    ///
    /// # Errors
    /// It is in memory.
    pub fn of(place: &Place, lease: Duration) -> Fallible<Self> {
        match place {
            Place::Postgres { url, schema } => {
                Ok(Self::Schema(url.clone(), schema.clone(), u64::try_from(lease.as_millis())?))
            }
            _ => Ok(Self::File(place.file().ok_or("what is in memory is in one process")?)),
        }
    }

    async fn open(&self) -> Fallible<Arc<dyn Store>> {
        Ok(match self {
            Self::File(path) => Arc::new(Sqlite::builder(path).wait(Duration::from_secs(10)).open().await?),
            Self::Schema(url, schema, lease) => {
                Arc::new(postgres(url, schema).lease(Duration::from_millis(*lease)).connect().await?)
            }
        })
    }
}

/// What the process does: it runs what is there, until its standard input ends, or until nothing is open.
///
/// # Errors
/// The store cannot be opened.
pub async fn run(order: &Order) -> Fallible<()> {
    let store = order.at.open().await?;
    let port = Port::There(order.socket.as_path().into());
    let runtime = builder(&port).shared_store(Arc::clone(&store)).start().await?;
    println!("ready");
    if order.until_done {
        let open = Filter::of([Status::Ready, Status::Sleeping, Status::Waiting]);
        while !all(&*store, &open).await?.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    } else {
        let mut rest = Vec::new();
        tokio::io::stdin().read_to_end(&mut rest).await?;
    }
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(())
}

/// Such a process. It ends with this value.
#[derive(Debug)]
pub struct Worker {
    process: Child,
}

impl Worker {
    /// Starts one, from the program `trials`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(program: &Path, order: &Order) -> Fallible<Self> {
        let mut command = Command::new(program);
        command.arg("worker").arg(serde_json::to_string(order)?);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        Ok(Self { process })
    }

    /// Waits until it runs.
    ///
    /// # Errors
    /// It ended before that.
    pub async fn ready(&mut self) -> Fallible<()> {
        let said = self.process.stdout.take().ok_or("it was ready before")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line).await?;
        if line.trim() == "ready" { Ok(()) } else { Err("a worker ended before it was ready".into()) }
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// Nobody can say how it ended.
    pub async fn ended(mut self) -> Fallible<ExitStatus> {
        Ok(self.process.wait().await?)
    }

    /// Whether it is still there.
    ///
    /// # Errors
    /// Nobody can say.
    pub fn lives(&mut self) -> Fallible<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    /// Has it stand still, in the middle of whatever it does.
    ///
    /// # Errors
    /// There is no such process.
    pub async fn stop(&self) -> Fallible<()> {
        self.signal("STOP").await
    }

    /// Has it go on.
    ///
    /// # Errors
    /// There is no such process.
    pub async fn go_on(&self) -> Fallible<()> {
        self.signal("CONT").await
    }

    async fn signal(&self, name: &str) -> Fallible<()> {
        let process = self.process.id().ok_or("it has ended")?.to_string();
        // The shell's own: not every system has a program of this name.
        let script = format!("kill -{name} \"$0\"");
        let status = Command::new("sh").args(["-c", &script, &process]).status().await?;
        if status.success() { Ok(()) } else { Err(format!("process {process} got no {name}").into()) }
    }
}
