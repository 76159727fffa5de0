//! Purchase requests that wait days for somebody to decide. Begin with the saga, in `src/saga.rs`: [`Approval`]. An
//! [`Office`] runs it on a file and lets days pass in milliseconds; [`tell`] says what happened.

mod office;
mod post;
mod saga;
mod story;

pub use office::Office;
pub use post::{Letter, Post};
pub use saga::{Approval, Bought, Decision, Refused, Request};
pub use story::tell;

/// Why something could not be done. It is only ever shown.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;
