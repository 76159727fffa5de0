//! What a named policy says.

use crate::definition::Retry;
use serde::Serialize;
use std::time::Duration;

/// How attempts at one participant are bounded: defined once on the runtime, named by steps and compensations
/// (`#[step(policy = "payments")]`), changed while it runs.
///
/// Whatever is left out is not bounded by it; timeout and retry are then the step's own, or the defaults. What a step's
/// attribute says itself (`timeout = ".."`, `retry(..)`) is said for that step and wins.
///
/// ```
/// use saga_runtime::{definition::Retry, policy::{Breaker, NamedPolicy}};
/// use std::time::Duration;
///
/// let payments = NamedPolicy::new()
///     .timeout(Duration::from_secs(2))
///     .retry(Retry { max: Duration::from_secs(5), ..Retry::DEFAULT })
///     .breaker(Breaker::after(5).of(10).open(Duration::from_secs(30)))
///     .bulkhead(16)
///     .rate(100, Duration::from_secs(1));
/// # let _ = payments;
/// ```
///
/// Breaker, bulkhead and rate limit are about this runtime's own attempts: each worker has its own. One that says no is not an
/// attempt: it is not counted, and nothing is written about it. The call waits its turn, first come, first served. It waits
/// within a step's `deadline` and a compensation's `within`, as it does in a back-off: they bound how long the saga waits for
/// an answer, whatever it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct NamedPolicy {
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Option<Retry>,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) bulkhead: Option<usize>,
    pub(crate) rate: Option<Rate>,
}

/// When a circuit breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Breaker {
    pub(super) failures: u32,
    pub(super) of: u32,
    pub(super) open: Duration,
}

/// A rate limit: there is none without the feature.
#[cfg(not(feature = "rate"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Rate {}

/// A rate limit.
#[cfg(feature = "rate")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Rate {
    pub(super) count: u32,
    pub(super) per: Duration,
}

impl Rate {
    #[cfg(not(feature = "rate"))]
    fn wrong(self) -> Option<&'static str> {
        match self {}
    }

    #[cfg(feature = "rate")]
    fn wrong(self) -> Option<&'static str> {
        if self.count == 0 || self.per.is_zero() {
            return Some("a rate is at least one attempt in a span of time");
        }
        (self.per > Duration::from_hours(24 * 366)).then_some("a rate is counted over a year at the most")
    }
}

impl Breaker {
    /// Opens after so many failures in a row, for 30 seconds unless told otherwise.
    ///
    /// A failure is an attempt that ended in a transient, or not in time. A refusal is an answer.
    pub fn after(failures: u32) -> Self {
        Self { failures, of: failures, open: Duration::from_secs(30) }
    }

    /// Opens when the failures are among the last so many attempts, at most 64, rather than in a row.
    #[must_use]
    pub fn of(self, attempts: u32) -> Self {
        Self { of: attempts, ..self }
    }

    /// How long it stays open before it lets one attempt through, whose answer closes it or opens it again.
    #[must_use]
    pub fn open(self, open: Duration) -> Self {
        Self { open, ..self }
    }
}

impl NamedPolicy {
    /// A policy that bounds nothing.
    pub const fn new() -> Self {
        Self { timeout: None, retry: None, breaker: None, bulkhead: None, rate: None }
    }

    /// The longest one attempt may take.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// The waits between attempts, and how many there may be.
    ///
    /// A pivot, a retriable step and every step past the pivot park when their attempts run out; before it the flow gets
    /// `Exhausted`, unless the step says `attempts_then = "park"`.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// Makes no attempts for a while once enough of them have failed.
    #[must_use]
    pub fn breaker(self, breaker: Breaker) -> Self {
        Self { breaker: Some(breaker), ..self }
    }

    /// How many attempts there may be at once, of all instances of all sagas in this runtime.
    #[must_use]
    pub fn bulkhead(self, most: usize) -> Self {
        Self { bulkhead: Some(most), ..self }
    }

    /// How many attempts may begin in a span of time: so many at once, and then one for each share of the span. With the
    /// feature `rate`, which is on by default.
    #[cfg(feature = "rate")]
    #[must_use]
    pub fn rate(self, count: u32, per: Duration) -> Self {
        Self { rate: Some(Rate { count, per }), ..self }
    }

    /// What is wrong with it, if anything: a bound that would let nothing through, or one that is none.
    pub(crate) fn wrong(&self) -> Option<&'static str> {
        let Self { timeout, retry, breaker, bulkhead, rate } = self;
        if *timeout == Some(Duration::ZERO) {
            return Some("a timeout of zero leaves no time at all");
        }
        if retry.is_some_and(|retry| retry.attempts == Some(0)) {
            return Some("`attempts` is at least 1");
        }
        if retry.is_some_and(|retry| retry.initial > retry.max) {
            return Some("`initial` is above `max`: no wait is longer than `max`");
        }
        if *bulkhead == Some(0) {
            return Some("a bulkhead of 0 would let nothing through");
        }
        if let Some(wrong) = rate.and_then(Rate::wrong) {
            return Some(wrong);
        }
        let breaker = (*breaker)?;
        if breaker.failures == 0 || breaker.open.is_zero() {
            return Some("a breaker opens after at least one failure, for some time");
        }
        if breaker.of < breaker.failures {
            return Some("a breaker cannot count more failures than attempts: `of` is below `after`");
        }
        (breaker.of > 64).then_some("a breaker looks at the last 64 attempts at the most")
    }
}
