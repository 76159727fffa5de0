//! What every service of this example does around its router: listen, say where, and stop.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long running calls may take once the service was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// What a parent that started this process reads to find it.
pub(crate) const LISTENING: &str = "listening on ";

/// Where to listen, and until when.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Where to listen; port 0 takes a free one. The address is printed.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Stop when standard input ends: when whoever holds its other end is gone, however it went.
    #[arg(long)]
    until_stdin_ends: bool,
}

/// Listens, says where, and serves until SIGTERM, Ctrl-C or the end of standard input. `serve` is
/// given a future that says when; it has [`GRACE`] to end after that.
pub(crate) async fn until_stopped<F>(listen: Listen, serve: impl FnOnce(TcpListener, Stop) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>>,
{
    let listener = TcpListener::bind(listen.listen).await.map_err(|error| {
        let what = format!("cannot listen on {}: {error}; give `--listen` another address", listen.listen);
        io::Error::new(error.kind(), format!("{what}, with port 0 for a free one"))
    })?;
    let (stopping, stop) = oneshot::channel();
    // Listening for signals begins before anybody is told where this is.
    let asked = asked_to_stop(listen.until_stdin_ends)?;
    let address = listener.local_addr()?;
    writeln!(io::stdout(), "{LISTENING}http://{address}")?;
    let stop = Box::pin(async move {
        // A sender that is gone means the same: stop.
        stop.await.unwrap_or_default();
    });
    let serving = serve(listener, stop);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = asked => {}
    }
    // The receiver is gone only if serving has ended; then there is nobody to tell.
    let _ = stopping.send(());
    timeout(GRACE, serving).await.unwrap_or(Ok(()))
}

/// Resolves when the service is to stop.
pub(crate) type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Resolves at SIGTERM or Ctrl-C, or also when standard input ends. Listening begins with this call.
pub(crate) fn asked_to_stop(until_stdin_ends: bool) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_ends(), if until_stdin_ends => {}
        }
    })
}

/// Resolves when standard input has ended; an error is an end too. A thread of its own reads it:
/// the runtime waits for its own blocking reads when it shuts down, and this one may never return.
async fn stdin_ends() {
    let (ended, end) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(ended);
    });
    let _ = end.await;
}
