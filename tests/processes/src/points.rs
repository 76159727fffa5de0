//! The points that a life passes, and the one at which it ends.

use saga_runtime::runtime::Observer;
use std::{
    ops::ControlFlow,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Counts points: those that the engine passes around each commit and each attempt, and those that a saga's steps pass by
/// themselves around their effects. At one of them the process sends itself SIGKILL.
#[derive(Debug)]
pub struct Points {
    last: usize,
    passed: AtomicUsize,
}

impl Points {
    /// The process ends at the `last`-th point; never, if that is 0.
    pub fn until(last: usize) -> Arc<Self> {
        Arc::new(Self { last, passed: AtomicUsize::new(0) })
    }

    /// One more.
    pub fn pass(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 == self.last {
            // The only thread that makes progress waits here, so nothing happens between the point and the end.
            let process = std::process::id().to_string();
            let _ = Command::new("sh").args(["-c", r#"kill -KILL "$0""#, &process]).status();
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }

    /// How many so far.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    /// For the runtime: each of its own points is one.
    pub fn observer(self: &Arc<Self>) -> Observer {
        let points = Arc::clone(self);
        Arc::new(move |_| {
            points.pass();
            ControlFlow::Continue(())
        })
    }
}
