//! What others do while a flow runs, in the plain method and in the machine alike.

use super::executor::Root;
use saga_runtime::{Failure, FlowContext, Saga, Signal, machine as rt};
use std::{collections::BTreeMap, sync::Arc};

/// What somebody has put into a detached context.
type Put = Arc<dyn Fn(FlowContext) -> FlowContext + Send + Sync>;
/// What stands for another saga.
type Stand = Arc<dyn Fn(&rt::Json) -> rt::Answer + Send + Sync>;
/// The same, as a test says it.
type Child<S> = fn(<S as Saga>::Input) -> Result<<S as Saga>::Output, Failure<<S as Saga>::Refusal>>;
/// What a detached context has seen.
type Look = Arc<dyn Fn(&FlowContext) -> Vec<String> + Send + Sync>;

/// Signals that come, sagas that are called, and the order in which the branches of a join end.
#[derive(Clone, Default)]
pub struct Script {
    put: Vec<Put>,
    looks: Vec<Look>,
    pub(super) signals: Vec<(&'static str, rt::Json)>,
    pub(super) children: BTreeMap<&'static str, Stand>,
    /// 0: branches end in the order of the source, as those of the plain method do whose steps never wait.
    pub(super) seed: u64,
}

/// What can be compared: the end, the effects, the labels.
pub(super) type Compared = (String, Vec<String>, BTreeMap<String, String>);

impl Script {
    /// A signal that has come.
    ///
    /// # Panics
    /// The value is not JSON.
    #[must_use]
    pub fn signal<S: 'static, T: rt::Persist + Clone + Sync + 'static>(
        mut self,
        signal: Signal<S, T>,
        value: T,
    ) -> Self {
        self.signals.push((signal.name(), rt::encode(&value).expect("a signal is JSON")));
        self.put.push(Arc::new(move |cx| cx.with_signal(signal, value.clone())));
        self
    }

    /// Another saga that answers so when it is called.
    ///
    /// # Panics
    /// Its input, output or refusal is not JSON, or it is neither done nor refused.
    #[must_use]
    pub fn child<S: Saga>(mut self, stand: Child<S>) -> Self {
        self.put.push(Arc::new(move |cx| cx.with_child::<S>(stand)));
        let answer = move |input: &rt::Json| match stand(rt::decode(input).expect("an input is JSON")) {
            Ok(output) => rt::Answer::Done(rt::encode(&output).expect("an output is JSON")),
            Err(Failure::Refused(refusal)) => rt::Answer::Refused(rt::encode(&refusal).expect("a refusal is JSON")),
            Err(other) => panic!("a child answers or refuses: {}", matches!(other, Failure::Exhausted(_))),
        };
        self.children.insert(S::definition().name, Arc::new(answer));
        self
    }

    /// Sagas of this type that the flow launches are compared.
    ///
    /// # Panics
    /// The input is not JSON.
    #[must_use]
    pub fn launches<S: Saga>(mut self) -> Self {
        let name = S::definition().name;
        self.looks.push(Arc::new(move |cx| {
            let text = |input| format!("launched {name} {}", rt::encode(&input).expect("an input is JSON"));
            cx.launched::<S>().into_iter().map(text).collect()
        }));
        self
    }

    /// What the flow sends of this signal is compared.
    ///
    /// # Panics
    /// The value is not JSON.
    #[must_use]
    pub fn sends<S: Saga, T: rt::Persist + 'static>(mut self, signal: Signal<S, T>) -> Self {
        let (saga, name) = (S::definition().name, signal.name());
        self.looks.push(Arc::new(move |cx| {
            let text =
                |(id, value)| format!("sent {saga} {id} {name} {}", rt::encode(&value).expect("a signal is JSON"));
            cx.sent(signal).into_iter().map(text).collect()
        }));
        self
    }

    /// Branches of joins end in an order that this number says.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The context of the plain method.
    pub(super) fn context(&self) -> FlowContext {
        self.put.iter().fold(FlowContext::detached(), |cx, put| put(cx))
    }

    /// What the plain method came to.
    pub(super) fn seen(&self, end: String, mut effects: Vec<String>, cx: &FlowContext) -> Compared {
        effects.extend(self.looks.iter().flat_map(|look| look(cx)));
        (end, self.ordered(effects), cx.labels())
    }

    /// What the machine came to.
    pub(super) fn found(&self, end: String, mut effects: Vec<String>, root: &Root) -> Compared {
        effects.extend(root.asked.iter().cloned());
        (end, self.ordered(effects), root.labels.clone())
    }

    /// Where branches end in any order, so do their effects.
    fn ordered(&self, mut effects: Vec<String>) -> Vec<String> {
        if self.seed != 0 {
            effects.sort();
        }
        effects
    }
}
