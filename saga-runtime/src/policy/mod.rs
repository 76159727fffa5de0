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
//!
//! ```
//! use saga_runtime::{policy::Breaker, prelude::*, store::memory::Memory};
//! use std::time::Duration;
//!
//! # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
//! # struct Declined;
//! struct Pay;
//!
//! #[saga(name = "pay")]
//! impl Pay {
//!     #[flow]
//!     async fn run(&self, cx: &FlowContext, card: String) -> Result<u64, Unwind<Declined>> {
//!         Ok(self.charge(cx, &card).await?)
//!     }
//!
//!     #[step(pivot, policy = "payments", timeout = "5s")] // the rest is the policy's
//!     async fn charge(&self, cx: &StepContext, card: &str) -> Result<u64, Failure<Declined>> {
//!         # let _ = (cx.key(), card);
//!         Ok(1)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let breaker = Breaker::after(5).of(10).open(Duration::from_secs(30));
//! let payments = NamedPolicy::new().timeout(Duration::from_secs(2)).breaker(breaker).bulkhead(16);
//! let runtime = Runtime::builder().store(Memory::default()).register(Pay).policy("payments", payments).start().await?;
//! runtime.start::<Pay>("order-42", "card".into()).await?.result().await?;
//! assert_eq!(runtime.policies()[0].admitted, 1);
//! runtime.set_policy("payments", payments.bulkhead(4))?; // from the next attempt on
//! # Ok(())
//! # }
//! ```

mod breaker;
mod check;
mod door;
#[cfg_attr(not(feature = "rate"), path = "no_rate.rs")]
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
