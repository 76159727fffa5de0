//! What an annotated impl block says, once read: the input of every later phase.

use crate::parse::Helper;
use proc_macro2::{Span, TokenStream};
use std::time::Duration;
use syn::{Ident, ImplItemFn, Type, ext::IdentExt};

/// The whole saga.
#[derive(Debug)]
pub(crate) struct Model {
    /// The path of the runtime crate (e.g. `::saga_runtime`, or what `#[saga(crate = path)]` says).
    ///
    /// Generated code need not spell it: all of it stands where `__rt` is `machine` and `__def` is `definition`.
    pub(crate) krate: syn::Path,
    /// The durable name (e.g. `"checkout"`).
    pub(crate) name: String,
    /// The label `#[saga(version = 1)]`.
    pub(crate) version: u32,
    /// `deadline = "30d"`, with its span.
    pub(crate) deadline: Option<(Duration, Span)>,
    /// The flows: the main one first, then the inner ones in the order of the source.
    pub(crate) flows: Vec<Flow>,
    /// The steps, in the order of the source.
    pub(crate) steps: Vec<Step>,
    /// The signals, in the order of the source.
    pub(crate) signals: Vec<Signal>,
    /// The methods of the block that are none of these.
    pub(crate) helpers: Vec<Helper>,
}

/// What a flow calls by name, as a step or as a branch of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Callee {
    /// An index into [`Model::steps`].
    Step(usize),
    /// An index into [`Model::flows`], not the main one's.
    Flow(usize),
}

impl Model {
    /// The main flow.
    pub(crate) fn main(&self) -> &Flow {
        &self.flows[0]
    }

    /// The step or inner flow of this method.
    pub(crate) fn callee(&self, method: &Ident) -> Option<Callee> {
        let name = method.to_string();
        let step = self.steps.iter().position(|step| step.ident == name).map(Callee::Step);
        let inner = || self.flows.iter().skip(1).position(|flow| flow.method.sig.ident == name);
        step.or_else(|| inner().map(|at| Callee::Flow(at + 1)))
    }

    /// The method that is called.
    pub(crate) fn ident(&self, callee: Callee) -> &Ident {
        match callee {
            Callee::Step(step) => &self.steps[step].ident,
            Callee::Flow(flow) => &self.flows[flow].method.sig.ident,
        }
    }

    /// Its durable name.
    pub(crate) fn durable(&self, callee: Callee) -> String {
        match callee {
            Callee::Step(step) => self.steps[step].name.clone(),
            Callee::Flow(flow) => self.flows[flow].name(),
        }
    }

    /// Its parameters after `&self`, the context among them.
    pub(crate) fn parameters(&self, callee: Callee) -> &[Parameter] {
        match callee {
            Callee::Step(step) => &self.steps[step].parameters,
            Callee::Flow(flow) => &self.flows[flow].parameters,
        }
    }

    /// What it is called in a message (e.g. `step`).
    pub(crate) fn word(callee: Callee) -> &'static str {
        match callee {
            Callee::Step(_) => "step",
            Callee::Flow(_) => "inner flow",
        }
    }
}

/// A flow: the main one, or an inner one.
#[derive(Debug)]
pub(crate) struct Flow {
    /// The method as written, our attributes removed from it and kept inside its body (`#[state]`).
    pub(crate) method: ImplItemFn,
    /// The name of the context parameter (e.g. `cx`).
    pub(crate) context: Ident,
    /// The parameters after `&self`, in order, the context among them, as whoever calls an inner flow sees them.
    pub(crate) parameters: Vec<Parameter>,
    /// The parameters but the context. The main flow has one.
    pub(crate) inputs: Vec<Input>,
    /// The whole return type (e.g. `Result<Receipt, Unwind<Refusal>>`, or an alias of it).
    pub(crate) output: Type,
    /// The doc comment.
    pub(crate) docs: String,
}

impl Flow {
    /// The durable name: the method's.
    pub(crate) fn name(&self) -> String {
        self.method.sig.ident.unraw().to_string()
    }
}

/// A parameter of a flow: a plain name (e.g. `order: Order`).
#[derive(Debug)]
pub(crate) struct Input {
    /// Its name.
    pub(crate) ident: Ident,
    /// Whether it is `mut`.
    pub(crate) mutable: bool,
    /// Its type (e.g. `Order`, or `&Order` in an inner flow).
    pub(crate) ty: Type,
    /// The owned form of its type: what is saved.
    pub(crate) owned: Type,
}

/// A message that the saga waits for.
#[derive(Debug)]
pub(crate) struct Signal {
    /// The constant's name (e.g. `DECIDED`).
    pub(crate) ident: Ident,
    /// The durable name (e.g. `"decided"`).
    pub(crate) name: String,
    /// The type of its value.
    pub(crate) ty: Type,
    /// The doc comment.
    pub(crate) docs: String,
}

/// One step.
#[derive(Debug)]
pub(crate) struct Step {
    /// The method's name (e.g. `reserve`).
    pub(crate) ident: Ident,
    /// The durable name (e.g. `"reserve"`).
    pub(crate) name: String,
    /// Its class, with the token that says so, for messages.
    pub(crate) class: Class,
    /// The span of the word that gives the class, or of the method's name.
    pub(crate) class_span: Span,
    /// The parameters after `&self`, in order, the context among them.
    pub(crate) parameters: Vec<Parameter>,
    /// The whole return type. The flow takes the answer of a call by [`crate::emit::answer`], and hands out arguments by
    /// [`crate::emit::argument`], so that what types tell is asked once.
    pub(crate) output: Type,
    /// What can be told from the tokens of the return type: whether the step can be refused.
    pub(crate) refusable: Refusable,
    /// `attempts = N`, with its span.
    pub(crate) attempts: Option<(u32, Span)>,
    /// Whether `attempts_then = "park"` is written out.
    pub(crate) parks: bool,
    /// The longest that all its attempts may take, if that is bounded.
    pub(crate) longest: Option<Longest>,
    /// `idempotent = "why"`.
    pub(crate) idempotent: Option<String>,
    /// `no_compensation = "why"`.
    pub(crate) no_compensation: Option<String>,
    /// `transaction`: it commits in the store's own transaction.
    pub(crate) transactional: bool,
    /// The expression of its `Policy` for the definition, beside the names of `definition`; nothing if it is as always.
    pub(crate) policy: Option<TokenStream>,
    /// `policy = "payments"`
    pub(crate) policy_name: Option<String>,
    /// `key_valid = "24h"`
    pub(crate) key_valid: Option<Duration>,
    /// Its undo.
    pub(crate) compensation: Option<Compensation>,
    /// The doc comment.
    pub(crate) docs: String,
}

/// The longest that all attempts of a step may take.
#[derive(Debug, Clone)]
pub(crate) struct Longest {
    /// How long that is.
    pub(crate) time: Duration,
    /// What makes it so (e.g. "6 attempts of 30s with the waits between them").
    pub(crate) why: String,
    /// Where that is written.
    pub(crate) span: Span,
}

/// Whether a step can be refused, as far as its tokens tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusable {
    /// Its error is written `Failure<..>`.
    Yes,
    /// Its error is written `Transient`.
    No,
    /// Its return type is an alias: types will tell.
    ByType,
}

/// Richardson's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Has a compensation.
    Compensatable,
    /// `#[step(pivot)]`.
    Pivot,
    /// `#[step(retriable)]`.
    Retriable,
    /// `#[step(read_only)]`.
    ReadOnly,
    /// `#[step(no_compensation = "why")]`.
    NotCompensated,
}

/// A parameter of a step or a compensation.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) ident: Ident,
    /// Its type as written (e.g. `&[Hold]`).
    pub(crate) ty: Type,
    /// What it is.
    pub(crate) role: Role,
}

impl Parameter {
    /// The name under which its argument is saved (e.g. `"line"`).
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }
}

/// What a parameter is.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a build holds a handful of them, and only for a moment")]
pub(crate) enum Role {
    /// The `&StepContext`.
    Context,
    /// An argument; with the owned form of its type that is saved (`&T` as `T`, `&[T]` as `Vec<T>`, `&str` as
    /// `String`).
    Argument {
        /// The owned type.
        owned: Type,
    },
    /// The step's output, in a compensation (`Outcome<T>`).
    Output,
}

/// The compensation of a step.
#[derive(Debug)]
pub(crate) struct Compensation {
    /// The method's name.
    pub(crate) ident: Ident,
    /// The parameters after `&self`, in order.
    pub(crate) parameters: Vec<Parameter>,
    /// The whole return type.
    pub(crate) output: Type,
    /// The expression of its `Compensation` for the definition, beside the names of `definition`.
    pub(crate) definition: TokenStream,
}

/// All machines of a saga: what the flow phases make, and the tables and the `Saga` impl are emitted from.
#[derive(Debug)]
pub(crate) struct Machines {
    /// One for each of [`Model::flows`].
    pub(crate) flows: Vec<Machine>,
    /// The other sagas that the flows start, in the order of the flows and of the source.
    pub(crate) children: Vec<Child>,
}

/// A flow as a machine.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The states, in the order of the source.
    pub(crate) states: Vec<State>,
    /// The slots' names, by index.
    pub(crate) slots: Vec<String>,
    /// The nodes of the graph: const expressions, beside the names of `definition`.
    pub(crate) nodes: Vec<TokenStream>,
    /// The edges of the graph, likewise.
    pub(crate) edges: Vec<TokenStream>,
    /// The body of `async fn machine(&self, cx, mut __drive)`.
    pub(crate) body: TokenStream,
}

/// A durable state of a machine.
#[derive(Debug)]
pub(crate) struct State {
    /// The durable name.
    pub(crate) name: String,
    /// What is called or waited for.
    pub(crate) work: Work,
    /// The slots that are saved: indices into [`Machine::slots`].
    pub(crate) live: Vec<usize>,
}

/// What a state is the point before.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// A call of a step or an inner flow.
    Call(Callee),
    /// Branches at the same time.
    Join(Vec<Callee>),
    /// The same branch for each item.
    Each(Callee),
    /// A time.
    Sleep,
    /// The first of these signals (indices into [`Model::signals`]), or a time unless it is waited for ever.
    Wait {
        /// Which.
        signals: Vec<usize>,
        /// Whether it ends without any of them.
        ends: bool,
    },
    /// Another saga: an index into [`Machines::children`].
    Child(usize),
    /// A signal for another saga's instance.
    Send,
}

/// A place where a flow starts another saga.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    /// The saga's type (e.g. `Checkout`).
    pub(crate) ty: Type,
    /// What it is to this saga.
    pub(crate) kind: ChildKind,
}

/// What a saga that is started by another is to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChildKind {
    /// Undone as a whole if this saga unwinds.
    Compensatable,
    /// `.pivot()`
    Pivot,
    /// It stands past the pivot.
    Retriable,
    /// `cx.launch`
    Launched,
}
