//! Messages that an instance waits for.

use crate::machine::{Persist, Unreadable, decode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{fmt, marker::PhantomData};

/// A message that instances of the saga `S` wait for, with a value of type `T`: declared in the `#[saga]` impl by
/// `#[signal]`.
///
/// ```
/// use saga_runtime::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Serialize, Deserialize, Refusal)]
/// # enum No { Rejected }
/// # struct Approval;
/// #[saga(name = "approval", version = 1)]
/// impl Approval {
///     /// Somebody decided.
///     #[signal]
///     pub const DECIDED: Signal<Self, bool> = Signal::new("decided");
///
///     #[flow]
///     async fn run(&self, cx: &FlowContext, _request: String) -> Result<(), Unwind<No>> {
///         match cx.wait(Self::DECIDED).within("2d").await {
///             Ok(true) => Ok(()),
///             Ok(false) | Err(Elapsed) => Err(No::Rejected.into()),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let cx = FlowContext::detached().with_signal(Approval::DECIDED, true);
/// assert!(Approval.run(&cx, "a chair".into()).await.is_ok());
/// # }
/// ```
pub struct Signal<S: ?Sized, T> {
    name: &'static str,
    of: PhantomData<fn(*const S) -> T>,
}

impl<S: ?Sized, T> Signal<S, T> {
    /// The signal of this durable name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, of: PhantomData }
    }

    /// Its durable name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<S: ?Sized, T> Clone for Signal<S, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ?Sized, T> Copy for Signal<S, T> {}

impl<S: ?Sized, T> fmt::Debug for Signal<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signal").field(&self.name).finish()
    }
}

/// The time came, and none of the signals that were waited for.
///
/// In a flow it is no refusal by itself: `match` it, or say which "no" it is with `.map_err(|_| Refused::Late)?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time came before the signal")
    }
}

impl std::error::Error for Elapsed {}

/// What [`wait`](super::FlowContext::wait) takes: one signal, or a tuple of two to four, of which the first to come counts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no signal, nor a tuple of two to four of them",
    label = "not what can be waited for",
    note = "a signal is declared in the saga's impl block: `#[signal] const DECIDED: Signal<Self, bool> = \
            Signal::new(\"decided\");`, and its value can be saved"
)]
pub trait Signals: sealed::Sealed + Send {
    /// The value that comes: the signal's own, or [`OneOf2`], [`OneOf3`], [`OneOf4`].
    type Value;

    /// The durable names.
    #[doc(hidden)]
    fn names(&self) -> Vec<&'static str>;

    /// The value of the signal at this position.
    #[doc(hidden)]
    fn value(&self, signal: usize, json: &RawValue) -> Result<Self::Value, Unreadable>;
}

mod sealed {
    pub trait Sealed {}
    impl<S: ?Sized, T> Sealed for super::Signal<S, T> {}
}

impl<S: ?Sized, T: Persist> Signals for Signal<S, T> {
    type Value = T;

    fn names(&self) -> Vec<&'static str> {
        vec![self.name]
    }

    fn value(&self, _: usize, json: &RawValue) -> Result<T, Unreadable> {
        decode(json).map_err(|error| Unreadable { what: "signal", name: self.name.into(), reason: error.0 })
    }
}

/// No signal stands at this position.
fn none(signal: usize) -> Unreadable {
    Unreadable { what: "signal", name: signal.to_string().into(), reason: "it was not waited for".into() }
}

macro_rules! one_of {
    ($(#[$doc:meta])* $name:ident $(#[$each:meta] $at:tt $case:ident $saga:ident)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name<$($case),+> {
            $(#[$each] $case($case),)+
        }

        impl<$($saga: ?Sized, $case),+> sealed::Sealed for ($(Signal<$saga, $case>,)+) {}

        impl<$($saga: ?Sized, $case: Persist),+> Signals for ($(Signal<$saga, $case>,)+) {
            type Value = $name<$($case),+>;

            fn names(&self) -> Vec<&'static str> {
                vec![$(self.$at.name),+]
            }

            fn value(&self, signal: usize, json: &RawValue) -> Result<Self::Value, Unreadable> {
                match signal {
                    $($at => self.$at.value(0, json).map($name::$case),)+
                    other => Err(none(other)),
                }
            }
        }
    };
}

one_of! {
    /// The value of whichever of two signals came first.
    OneOf2
    /// The first of the two.
    0 First SA
    /// The second.
    1 Second SB
}

one_of! {
    /// The value of whichever of three signals came first.
    OneOf3
    /// The first of the three.
    0 First SA
    /// The second.
    1 Second SB
    /// The third.
    2 Third SC
}

one_of! {
    /// The value of whichever of four signals came first.
    OneOf4
    /// The first of the four.
    0 First SA
    /// The second.
    1 Second SB
    /// The third.
    2 Third SC
    /// The fourth.
    3 Fourth SD
}
