//! What a person can ask of an instance.

use super::{Error, Handle, ParkCause};
use crate::{
    core::{Verb, request::Request},
    machine::{RawValue, Saga},
};
use serde::Serialize;
use std::fmt;

/// How the owner of an instance decided on a request: the journal row that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it was granted.
    pub granted: bool,
    /// Why not.
    pub reason: Option<Box<str>>,
    /// The row in the journal; nothing if the instance had ended before the request could be made.
    pub row: Option<u64>,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "refused: {reason}"),
            None => f.write_str("granted"),
        }
    }
}

/// A parked instance, at the moment that it was looked at.
///
/// Every verb names the park it was made for. If the instance has moved on meanwhile, nothing changes, and the decision
/// says so. Each is journaled with who asked for it and why. Which of them are possible now, its
/// [`status`](Handle::status) says.
///
/// ```
/// # use saga_runtime::{prelude::*, store::memory::Memory};
/// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
/// # struct No;
/// # struct Errand;
/// # #[saga]
/// # impl Errand {
/// #     #[flow]
/// #     async fn run(&self, cx: &FlowContext, what: String) -> Result<(), Unwind<No>> { Ok(self.go(cx, &what).await?) }
/// #     #[step]
/// #     async fn go(&self, cx: &StepContext, what: &str) -> Result<(), Failure<No>> {
/// #         assert!(!what.is_empty() && !cx.key().is_empty());
/// #         if cx.attempt() == 1 { Err(Transient::park("the counter is closed").into()) } else { Ok(()) }
/// #     }
/// #     #[compensate(go)]
/// #     async fn come_back(&self, _cx: &StepContext) -> Result<(), Transient> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), saga_runtime::Error> {
/// # let runtime = Runtime::builder().store(Memory::default()).register(Errand).start().await?;
/// # let saga = runtime.start::<Errand>("errand-1", "a parcel".into()).await?;
/// # saga.settled().await?;
/// # assert!(saga.status().await?.to_string().contains("possible on its park(): retry(by, why), resolve(by, why, output)"));
/// if let Some(park) = saga.park().await? {
///     println!("{}", saga.status().await?); // why it is parked, and which verbs are possible
///     let decision = park.retry("ann", "the counter is open again").await?;
///     assert!(decision.granted, "{decision}");
/// }
/// assert!(matches!(saga.result().await?, End::Completed(())));
/// # Ok(())
/// # }
/// ```
pub struct Park<S> {
    pub(super) handle: Handle<S>,
    pub(super) row: u64,
    pub(super) state: Box<str>,
    pub(super) cause: ParkCause,
    pub(super) error: Box<str>,
}

impl<S> fmt::Debug for Park<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handle, row, state, cause, error } = self;
        let mut shown = f.debug_struct("Park");
        shown
            .field("handle", handle)
            .field("row", row)
            .field("state", state)
            .field("cause", cause)
            .field("error", error);
        shown.finish()
    }
}

impl<S: Saga> Park<S> {
    /// The journal row that parked it.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The state that it is parked in.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Why.
    pub fn cause(&self) -> ParkCause {
        self.cause
    }

    /// Why, in words.
    pub fn error(&self) -> &str {
        &self.error
    }

    /// Tries again, with the same key and the same arguments; attempts and time count anew.
    ///
    /// # Errors
    /// The store cannot be written or read, or the runtime stops before it was decided.
    pub async fn retry(&self, by: &str, why: &str) -> Result<Decision, Error> {
        self.ask(Verb::Retry, by, why, None).await
    }

    /// A step: it did take effect, with this output, as JSON. The flow goes on with it.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry), or the text is no JSON. An output that the step could not have returned is refused.
    pub async fn resolve(&self, by: &str, why: &str, output: &str) -> Result<Decision, Error> {
        let output = serde_json::from_str::<Box<RawValue>>(output)
            .map_err(|error| Error::invalid(&format!("`output` is no JSON: {error}")))?;
        self.ask(Verb::Resolve, by, why, Some(output)).await
    }

    /// A compensation: it was undone by other means. The next one follows.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry).
    pub async fn resolved(&self, by: &str, why: &str) -> Result<Decision, Error> {
        self.ask(Verb::Resolve, by, why, None).await
    }

    /// A step: it did not take effect. What completed before it is undone; past the pivot it is tried again instead.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry).
    pub async fn did_not_happen(&self, by: &str, why: &str) -> Result<Decision, Error> {
        self.ask(Verb::DidNotHappen, by, why, None).await
    }

    /// Gives up and undoes what completed. Of a pivot in doubt this waits until the doubt is settled.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry).
    pub async fn cancel(&self, by: &str, why: &str) -> Result<Decision, Error> {
        self.ask(Verb::Cancel, by, why, None).await
    }

    /// A compensation: it is given up. The instance ends with debt, which stays visible until somebody settles it.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry).
    pub async fn skip(&self, by: &str, why: &str) -> Result<Decision, Error> {
        self.ask(Verb::Skip, by, why, None).await
    }

    async fn ask(&self, verb: Verb, by: &str, why: &str, output: Option<Box<RawValue>>) -> Result<Decision, Error> {
        let request = Request { verb, by: by.into(), why: why.into(), park: Some(self.row), output };
        self.handle.ask(&request).await
    }
}
