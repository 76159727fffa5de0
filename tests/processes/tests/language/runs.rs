//! What the page says of refusals, cancels and times, tried on a runtime: each test is a sentence of the page.

use super::*;
use saga_runtime::{
    Builder,
    runtime::{Happened, Timeline},
    store::memory::Memory,
    testing::TokioClock,
};
use std::{error::Error, fmt::Debug, sync::Arc};

/// A runtime whose time passes at once where tokio's does.
pub(super) fn builder() -> Builder {
    Runtime::builder().store(Memory::default()).clock(Arc::new(TokioClock::at(1_767_225_600_000_000)))
}

/// How it ended, and the states whose work was undone, in that order.
pub(super) async fn run<S: Saga>(
    saga: S,
    input: S::Input,
) -> Result<(End<S::Output, S::Refusal>, Vec<String>), Box<dyn Error>>
where
    S::Output: Debug,
    S::Refusal: Debug,
{
    let runtime = builder().register(saga).start().await?;
    let handle = runtime.start::<S>("it", input).await?;
    let end = handle.result().await?;
    let undone = undone(&handle.timeline().await?);
    Ok((end, undone))
}

pub(super) fn undone(timeline: &Timeline) -> Vec<String> {
    let undone = timeline.entries.iter().filter(|entry| matches!(entry.what, Happened::Undone { .. }));
    undone.map(|entry| entry.state.as_deref().unwrap_or("?").to_owned()).collect()
}

/// Whether this no was its cause.
pub(super) fn refused<T>(end: &End<T, No>, why: &No) -> bool {
    matches!(end.cause(), Some(Cause::Refused(no)) if no == why)
}
