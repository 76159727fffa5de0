//! The way to the participants: in this process, or in the one that runs the trial, by a socket, so that what they remember outlives
//! every process that asks them.

use crate::world::{Ask, Reply, World};
use std::{io, path::Path, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// Where the participants are.
#[derive(Debug, Clone)]
pub enum Port {
    /// In this process.
    Here(World),
    /// Behind this socket.
    There(Arc<Path>),
}

impl Port {
    /// Asks. Whoever cannot be reached may have been asked or not.
    pub(crate) async fn ask(&self, ask: &Ask) -> io::Result<Reply> {
        match self {
            Self::Here(world) => Ok(world.ask(ask).await),
            Self::There(path) => {
                let mut stream = BufReader::new(UnixStream::connect(path).await?);
                let line = serde_json::to_string(ask)? + "\n";
                stream.write_all(line.as_bytes()).await?;
                let mut answer = String::new();
                stream.read_line(&mut answer).await?;
                Ok(serde_json::from_str(&answer)?)
            }
        }
    }
}

/// Answers everybody who asks at this socket, for as long as the task lives.
///
/// # Errors
/// There cannot be such a socket.
pub fn serve(world: World, path: &Path) -> io::Result<JoinHandle<()>> {
    let listener = UnixListener::bind(path)?;
    Ok(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let world = world.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                // Whoever hangs up, or dies in the middle of a line, is not answered.
                if stream.read_line(&mut line).await.is_ok()
                    && let Ok(ask) = serde_json::from_str(&line)
                    && let Ok(answer) = serde_json::to_string(&world.ask(&ask).await)
                {
                    let _ = stream.write_all((answer + "\n").as_bytes()).await;
                }
            });
        }
    }))
}
