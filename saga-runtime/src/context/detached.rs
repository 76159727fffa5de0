//! What the flow's verbs do where it runs as the plain method it is: what was put in beforehand, and what was asked for.

use super::{
    FlowContext,
    signal::{Signal, Signals},
};
use crate::{
    failure::Failure,
    machine::{Json, Persist, Saga, decode, encode},
};
use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// What stands for another saga: its input to its end.
type Stand<S> = Box<
    dyn Fn(<S as Saga>::Input) -> Result<<S as Saga>::Output, Failure<<S as Saga>::Refusal>> + Send + Sync + 'static,
>;

/// What a context outside a runtime holds.
pub(super) struct Detached {
    /// Where the time stands that this clock was begun at.
    begun: (SystemTime, tokio::time::Instant),
    signals: Mutex<VecDeque<(&'static str, Json)>>,
    /// By the saga's name, each a [`Stand`].
    children: BTreeMap<&'static str, Box<dyn Any + Send + Sync>>,
    launched: Mutex<Vec<(&'static str, Json)>>,
    sent: Mutex<Vec<Sent>>,
}

#[derive(Debug)]
struct Sent {
    saga: &'static str,
    id: String,
    signal: &'static str,
    value: Json,
}

impl Default for Detached {
    fn default() -> Self {
        Self {
            begun: (SystemTime::now(), tokio::time::Instant::now()),
            signals: Mutex::default(),
            children: BTreeMap::new(),
            launched: Mutex::default(),
            sent: Mutex::default(),
        }
    }
}

impl fmt::Debug for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached")
            .field("signals", &self.signals)
            .field("children", &self.children.keys())
            .field("launched", &self.launched)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

/// A value of a test as it would be saved.
#[expect(clippy::panic, reason = "in a test, where the mistake is the test's own")]
fn saved<T: Persist>(value: &T) -> Json {
    encode(value).unwrap_or_else(|error| panic!("a value of a test cannot be saved: {error}"))
}

/// A value of a test as it would be read back.
#[expect(clippy::panic, reason = "in a test, where the mistake is the test's own")]
fn read<T: Persist>(json: &Json) -> T {
    decode(json).unwrap_or_else(|error| panic!("a value of a test cannot be read back: {error}"))
}

impl Detached {
    pub(super) fn now(&self) -> SystemTime {
        let (at, since) = self.begun;
        at + since.elapsed()
    }

    /// The first of these signals that was put in and not received yet.
    #[expect(clippy::panic, reason = "in a test, where the mistake is the test's own")]
    pub(super) fn received<S: Signals>(&self, waited: &S) -> Option<S::Value> {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        let names = waited.names();
        let at = signals.iter().position(|(name, _)| names.contains(name))?;
        let (name, json) = signals.remove(at)?;
        let signal = names.iter().position(|known| *known == name)?;
        Some(waited.value(signal, &json).unwrap_or_else(|error| panic!("{error}")))
    }

    pub(super) fn send<T: Persist>(&self, saga: &'static str, id: &str, signal: &'static str, value: &T) {
        let sent = Sent { saga, id: id.into(), signal, value: saved(value) };
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
    }

    pub(super) fn launch<S: Saga>(&self, input: &S::Input) -> String {
        let mut launched = self.launched.lock().unwrap_or_else(PoisonError::into_inner);
        launched.push((S::DEFINITION.name, saved(input)));
        format!("{}-{}", S::DEFINITION.name, launched.len())
    }

    #[expect(clippy::panic, reason = "in a test, where the mistake is the test's own")]
    pub(super) fn child<S: Saga>(&self, input: S::Input) -> Result<S::Output, Failure<S::Refusal>> {
        let name = S::DEFINITION.name;
        match self.children.get(name).and_then(|stand| stand.downcast_ref::<Stand<S>>()) {
            Some(stand) => stand(input),
            None => panic!(
                "there is no saga `{name}` here: put it in beforehand, with `FlowContext::detached().with_child::<..>(..)`"
            ),
        }
    }
}

/// In a test without a runtime: what others do is put in beforehand, and what the flow has asked for is looked at
/// afterwards.
impl FlowContext {
    /// A signal that has come: the first wait for it has it. Signals of one name come in the order in which they are put in.
    ///
    /// # Panics
    /// The value cannot be saved.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it is given away, as where it is sent")]
    pub fn with_signal<S: ?Sized, T: Persist>(mut self, signal: Signal<S, T>, value: T) -> Self {
        let signals = self.detached.signals.get_mut().unwrap_or_else(PoisonError::into_inner);
        signals.push_back((signal.name(), saved(&value)));
        self
    }

    /// What stands for another saga where the flow calls it with [`child`](Self::child).
    ///
    /// ```
    /// use saga_runtime::prelude::*;
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct No;
    /// # struct Checkout;
    /// # #[saga]
    /// # impl Checkout {
    /// #     #[flow]
    /// #     async fn run(&self, cx: &FlowContext, order: u32) -> Result<u32, Unwind<No>> {
    /// #         cx.sleep("1s").await;
    /// #         Ok(order)
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let cx = FlowContext::detached().with_child::<Checkout>(|order| Ok(order + 1));
    /// let receipt = cx.child::<Checkout>(6).forever().await;
    /// assert!(matches!(receipt, Ok(7)));
    /// # }
    /// ```
    #[must_use]
    pub fn with_child<S: Saga>(
        mut self,
        stand: impl Fn(S::Input) -> Result<S::Output, Failure<S::Refusal>> + Send + Sync + 'static,
    ) -> Self {
        let stand: Stand<S> = Box::new(stand);
        self.detached.children.insert(S::DEFINITION.name, Box::new(stand));
        self
    }

    /// What the flow has started with [`launch`](Self::launch), in that order.
    ///
    /// # Panics
    /// An input cannot be read back.
    pub fn launched<S: Saga>(&self) -> Vec<S::Input> {
        let launched = self.detached.launched.lock().unwrap_or_else(PoisonError::into_inner);
        launched.iter().filter(|(saga, _)| *saga == S::DEFINITION.name).map(|(_, input)| read(input)).collect()
    }

    /// What the flow has sent of this signal with [`send`](Self::send), in that order: the instance's id and the value.
    ///
    /// # Panics
    /// A value cannot be read back.
    pub fn sent<S: Saga, T: Persist>(&self, signal: Signal<S, T>) -> Vec<(String, T)> {
        let sent = self.detached.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let same = sent.iter().filter(|sent| sent.saga == S::DEFINITION.name && sent.signal == signal.name());
        same.map(|sent| (sent.id.clone(), read(&sent.value))).collect()
    }

    /// The labels that the flow has set.
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.labels.pending()
    }
}
