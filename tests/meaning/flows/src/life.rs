//! A life of a runtime: from its start to a crash, or to the end of the instance.

use crate::world::{No, World};
use saga_meaning::{print::SIGNALS, reference::Failed};
use saga_runtime::{
    Builder, Cause, End, Handle, Runtime, Saga, Signal, runtime::Point, store::memory::Memory, testing::TokioClock,
};
use std::{
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// How an instance ended, and its timeline.
pub(crate) type Ended = (Result<i64, Failed>, String);

/// What runs an instance to its end.
pub(crate) type Running<'r> = Pin<Box<dyn Future<Output = Ended> + 'r>>;

/// A store, a clock, participants, and runtimes one after another.
pub(crate) struct Lab {
    pub(crate) store: Arc<Memory>,
    pub(crate) clock: Arc<TokioClock>,
    pub(crate) world: World,
    pub(crate) register: fn(Builder, &World) -> Builder,
    pub(crate) run: for<'r> fn(&'r Runtime, &'r [(usize, i64)]) -> Running<'r>,
    pub(crate) signals: Vec<(usize, i64)>,
}

impl Lab {
    /// A life that ends before the commit of this number, or after it (never, if that is 0): how the instance ended, if it did, and
    /// how many points around commits there were.
    pub(crate) async fn life(&self, last: usize) -> (Option<Ended>, usize) {
        let passed = Arc::new(AtomicUsize::new(0));
        let dead = Arc::new(Notify::new());
        let (counter, death) = (Arc::clone(&passed), Arc::clone(&dead));
        let observer = Arc::new(move |point: Point<'_>| {
            if !matches!(point, Point::BeforeCommit { .. } | Point::AfterCommit { .. }) {
                return ControlFlow::Continue(());
            }
            if counter.fetch_add(1, Ordering::Relaxed) + 1 == last {
                death.notify_one();
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let builder = Runtime::builder().shared_store(store).clock(clock).seed(1).observer(observer);
        let builder = (self.register)(builder, &self.world);
        let runtime = builder.start().await.expect("it starts");
        let ended = tokio::select! {
            biased;
            () = dead.notified() => None,
            ended = (self.run)(&runtime, &self.signals) => Some(ended),
        };
        (ended, passed.load(Ordering::Relaxed))
    }
}

/// Starts the instance, unless it has been started; sends it what is sent; and waits for its end.
pub(crate) fn run<'r, S>(runtime: &'r Runtime, signals: &'r [(usize, i64)]) -> Running<'r>
where
    S: Saga<Input = (i64, i64), Output = i64, Refusal = No>,
{
    Box::pin(async move {
        let saga: Handle<S> = runtime.start("1", (0, 1)).await.expect("it is started");
        for (at, (signal, value)) in signals.iter().enumerate() {
            let name: &'static str = if SIGNALS[*signal] == "A" { "a" } else { "b" };
            // After the end there is nobody to send it to.
            let _ = saga.signal_once(Signal::<S, i64>::new(name), &at.to_string(), *value).await;
        }
        let year = Duration::from_hours(365 * 24);
        let end = tokio::time::timeout(year, saga.result()).await;
        let timeline = saga.timeline().await.expect("the store answers").to_string();
        let end = match end.unwrap_or_else(|_| panic!("it does not end\n{timeline}")).expect("the store answers") {
            End::Completed(value) => Ok(value),
            End::Compensated { cause: Cause::Refused(No(no)), debt } if debt.is_empty() => Err(Failed::Refused(no)),
            End::Compensated { cause: Cause::Exhausted(step), debt } if debt.is_empty() => {
                Err(Failed::Exhausted(step.step().into()))
            }
            other @ End::Compensated { .. } => panic!("{other:?}\n{timeline}"),
        };
        (end, timeline)
    })
}
