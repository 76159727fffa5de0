//! Long lives: a loop of 100,000 steps is resumed and undone without reading or holding its whole past.

use saga_runtime::{
    Settled,
    prelude::*,
    runtime::Point,
    store::{Store, memory::Memory},
    testing::Faulty,
};
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const LONG: u64 = 100_000;
const MIDDLE: u64 = 3_300;

#[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
enum No {
    Enough,
}

/// Adds up what it is told.
#[derive(Debug, Clone, Default)]
struct Counter {
    added: Arc<AtomicU64>,
    taken: Arc<AtomicU64>,
    /// Hangs at this turn.
    hangs_at: u64,
    /// What the last undo was of.
    last: Arc<AtomicU64>,
}

#[saga(name = "counter")]
impl Counter {
    #[flow]
    async fn run(&self, cx: &FlowContext, turns: u64) -> Result<u64, Unwind<No>> {
        let mut sum = 0;
        for turn in 0..turns {
            sum += self.add(cx, turn).await?;
        }
        self.check(sum).await?;
        Ok(sum)
    }

    #[step]
    async fn add(&self, cx: &StepContext, turn: u64) -> Result<u64, Failure<No>> {
        if turn + 1 == self.hangs_at {
            std::future::pending::<()>().await;
        }
        assert!(!cx.key().is_empty());
        self.added.fetch_add(1, Ordering::Relaxed);
        Ok(turn)
    }

    #[compensate(add)]
    async fn take(&self, cx: &StepContext, turn: u64, added: Outcome<u64>) -> Result<(), Transient> {
        assert_eq!(
            (cx.undoes().is_some(), added.done()),
            (true, Some(turn)),
            "each undo has the output of its own call"
        );
        let last = self.last.swap(turn, Ordering::Relaxed);
        assert!(last == 0 || last == turn + 1, "turn {turn} was undone after turn {last}");
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    #[step(pivot, idempotent = "it only looks")]
    async fn check(&self, sum: u64) -> Result<(), Failure<No>> {
        if sum == (0..LONG).sum::<u64>() { Ok(()) } else { Err(No::Enough.into()) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_100_000_steps_is_resumed_by_reading_what_a_short_one_would() {
    let store = Arc::new(Memory::default());
    let first = Counter { hangs_at: LONG, ..Counter::default() };
    let runtime =
        Runtime::builder().shared_store(Arc::clone(&store) as Arc<dyn Store>).register(first.clone()).start().await;
    let runtime = runtime.expect("it starts");
    runtime.start::<Counter>("1", LONG).await.expect("it is started");
    while first.added.load(Ordering::Relaxed) < LONG - 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(runtime);

    let faulty = Arc::new(Faulty::new(store));
    let second = Counter::default();
    let before = Arc::new(AtomicU64::new(0));
    let observer = {
        let (faulty, before) = (Arc::downgrade(&faulty), Arc::clone(&before));
        move |point: Point<'_>| {
            if let (Point::BeforeAttempt { state: "add", .. }, Some(faulty)) = (point, faulty.upgrade()) {
                before.store(faulty.operations(), Ordering::Relaxed);
            }
            ControlFlow::Continue(())
        }
    };
    let runtime = Runtime::builder()
        .shared_store(Arc::clone(&faulty) as Arc<dyn Store>)
        .observer(Arc::new(observer))
        .register(second.clone())
        .start()
        .await
        .expect("it starts");
    let saga = runtime.start::<Counter>("1", LONG).await.expect("it is there");
    assert!(matches!(saga.result().await.expect("it ends"), End::Completed(sum) if sum == (0..LONG).sum::<u64>()));
    assert_eq!(second.added.load(Ordering::Relaxed), 1, "only the step that had no answer was made again");
    let read = before.load(Ordering::Relaxed);
    assert!(read < 30, "{read} operations before the first attempt: the whole journal would be 800 pages");
}

#[tokio::test(start_paused = true)]
async fn what_snapshots_hold_of_the_undo_log_is_undone_in_reverse_order_to_the_last() {
    let saga = Counter::default();
    let runtime = Runtime::builder().store(Memory::default()).register(saga.clone()).start().await.expect("it starts");
    let handle = runtime.start::<Counter>("1", MIDDLE).await.expect("it is started");
    let end = handle.result().await.expect("it ends");
    assert!(matches!(end, End::Compensated { cause: Cause::Refused(No::Enough), .. }), "{end:?}");
    assert_eq!(saga.taken.load(Ordering::Relaxed), MIDDLE);
}

/// A snapshot that is written with the very row that begins the undo is not in the store yet when it is needed.
#[tokio::test(start_paused = true)]
async fn wherever_a_snapshot_falls_what_it_holds_is_undone() {
    for turns in 495..=503 {
        let saga = Counter::default();
        let store = Memory::default();
        let runtime = Runtime::builder().store(store).register(saga.clone()).start().await.expect("it starts");
        let handle = runtime.start::<Counter>("1", turns).await.expect("it is started");
        let settled = handle.settled().await.expect("the store answers");
        assert!(matches!(settled, Settled::Ended(End::Compensated { .. })), "{turns} turns: {settled:?}");
        assert_eq!(saga.taken.load(Ordering::Relaxed), turns);
    }
}
