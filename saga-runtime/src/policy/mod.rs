//! Policies by name: timeouts, retries, circuit breakers, bulkheads and rate limits that many steps share.
//!
//! A [`NamedPolicy`] is defined once on the runtime, `Runtime::builder().policy("payments", ..)`, and named by every step and
//! compensation that calls that participant, `#[step(policy = "payments")]`. [`Runtime::policies`](crate::Runtime::policies)
//! shows what each is doing, and [`Runtime::set_policy`](crate::Runtime::set_policy) changes one while sagas run.
//!
//! A slow participant fills its own bulkhead and nothing else: a call that waits holds no leave to run, and one that waits for
//! longer than a second is a row in the store and a few words of memory, not a task. Those who wait are let in first come,
//! first served; after a crash, in the order in which they are found. One whose turn comes while it sleeps is woken; should
//! it not come within half a minute (it was cancelled, or there is no room to run), its turn goes to the next.

mod breaker;
mod check;
mod door;
mod rate;
mod settings;
mod table;

pub use self::{
    breaker::BreakerState,
    settings::{Breaker, NamedPolicy},
    table::PolicyStatus,
};
pub(crate) use self::{
    breaker::Verdict,
    check::{undefined, unknown},
    table::{Admitted, Pass, Policies, Who},
};
