//! What an annotated impl block says, once read: the input of every later phase.

use proc_macro2::{Span, TokenStream};
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
    /// The flow.
    pub(crate) flow: Flow,
    /// The steps, in the order of the source.
    pub(crate) steps: Vec<Step>,
}

/// The flow method.
#[derive(Debug)]
pub(crate) struct Flow {
    /// The method as written, our attributes removed from it and kept inside its body (`#[state]`).
    pub(crate) method: ImplItemFn,
    /// The name of the context parameter (e.g. `cx`).
    pub(crate) context: Ident,
    /// The pattern of the input parameter, which is a plain identifier (e.g. `order`), and whether it is `mut`.
    pub(crate) input: Ident,
    /// Whether the input parameter is `mut`.
    pub(crate) input_mutable: bool,
    /// The type of the input (e.g. `Order`).
    pub(crate) input_ty: Type,
    /// The whole return type (e.g. `Result<Receipt, Unwind<Refusal>>`, or an alias of it).
    pub(crate) output: Type,
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
    /// `idempotent = "why"`.
    pub(crate) idempotent: Option<String>,
    /// `no_compensation = "why"`.
    pub(crate) no_compensation: Option<String>,
    /// The expression of its `Policy` for the definition (a const expression that names `__def`).
    pub(crate) policy: TokenStream,
    /// The expression of its `policy_name: Option<&'static str>` for the definition.
    pub(crate) policy_name: TokenStream,
    /// The expression of its `key_valid: Option<Duration>` for the definition.
    pub(crate) key_valid: TokenStream,
    /// Its undo.
    pub(crate) compensation: Option<Compensation>,
    /// The doc comment.
    pub(crate) docs: String,
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
    /// The expression of its `definition::Compensation` (a const expression).
    pub(crate) definition: TokenStream,
}

/// The flow as the machine: what the flow phases make, and the tables and the `Saga` impl are emitted from.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The states, in the order of the source.
    pub(crate) states: Vec<State>,
    /// The slots' names, by index.
    pub(crate) slots: Vec<String>,
    /// The nodes of the graph: const expressions of `definition::Node`.
    pub(crate) nodes: Vec<TokenStream>,
    /// The edges of the graph: const expressions of `definition::Edge`.
    pub(crate) edges: Vec<TokenStream>,
    /// The body of `fn __flow(&self, cx, __drive)`.
    pub(crate) body: TokenStream,
}

/// A durable state of the machine.
#[derive(Debug)]
pub(crate) struct State {
    /// The durable name.
    pub(crate) name: String,
    /// The step that is called: an index into [`Model::steps`].
    pub(crate) step: usize,
    /// The slots that are saved: indices into [`Machine::slots`].
    pub(crate) live: Vec<usize>,
}
