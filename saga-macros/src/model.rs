//! What an annotated impl block says, once read: the input of every later phase.

use proc_macro2::{Span, TokenStream};
use syn::{Ident, ImplItemFn, Type};

/// The whole saga.
#[derive(Debug)]
pub struct Model {
    /// The path of the runtime crate (e.g. `::saga_runtime`, or what `#[saga(crate = path)]` says).
    pub krate: syn::Path,
    /// The durable name (e.g. `"checkout"`).
    pub name: String,
    /// The label `#[saga(version = 1)]`.
    pub version: u32,
    /// The impl block's generics and `where` clause (e.g. `<P: Payments>`).
    pub generics: syn::Generics,
    /// The type that the impl block is for (e.g. `Checkout<P>`).
    pub self_ty: Type,
    /// The flow.
    pub flow: Flow,
    /// The steps, in the order of the source.
    pub steps: Vec<Step>,
}

/// The flow method.
#[derive(Debug)]
pub struct Flow {
    /// The method as written, our attributes removed from it and kept inside its body (`#[state]`).
    pub method: ImplItemFn,
    /// The name of the context parameter (e.g. `cx`).
    pub context: Ident,
    /// The pattern of the input parameter, which is a plain identifier (e.g. `order`), and whether it is `mut`.
    pub input: Ident,
    /// Whether the input parameter is `mut`.
    pub input_mutable: bool,
    /// The type of the input (e.g. `Order`).
    pub input_ty: Type,
    /// The whole return type (e.g. `Result<Receipt, Unwind<Refusal>>`, or an alias of it).
    pub output: Type,
    /// The doc comment.
    pub docs: String,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// The method's name (e.g. `reserve`).
    pub ident: Ident,
    /// The durable name (e.g. `"reserve"`).
    pub name: String,
    /// Its class, with the token that says so, for messages.
    pub class: Class,
    /// The span of the word that gives the class, or of the method's name.
    pub class_span: Span,
    /// The parameters after `&self`, in order, the context among them.
    pub parameters: Vec<Parameter>,
    /// The whole return type.
    pub output: Type,
    /// What can be told from the tokens of the return type: whether the step can be refused.
    pub refusable: Refusable,
    /// `attempts = N`, with its span.
    pub attempts: Option<(u32, Span)>,
    /// Whether `attempts_then = "park"` is written out.
    pub parks: bool,
    /// `idempotent = "why"`.
    pub idempotent: Option<String>,
    /// `no_compensation = "why"`.
    pub no_compensation: Option<String>,
    /// The expression of its `Policy` for the definition (a const expression).
    pub policy: TokenStream,
    /// The expression of its `key_valid: Option<Duration>` for the definition.
    pub key_valid: TokenStream,
    /// Its undo.
    pub compensation: Option<Compensation>,
    /// The doc comment.
    pub docs: String,
    /// `#[cfg]`s on the method.
    pub cfgs: Vec<syn::Attribute>,
}

/// Whether a step can be refused, as far as its tokens tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusable {
    /// Its error is written `Failure<..>`.
    Yes,
    /// Its error is written `Transient`.
    No,
    /// Its return type is an alias: types will tell.
    ByType,
}

/// Richardson's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
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
pub struct Parameter {
    /// Its name.
    pub ident: Ident,
    /// Its type as written (e.g. `&[Hold]`).
    pub ty: Type,
    /// What it is.
    pub role: Role,
}

/// What a parameter is.
#[derive(Debug, Clone)]
pub enum Role {
    /// The `&StepContext`.
    Context,
    /// An argument; with the owned form of its type that is saved (`&T` as `T`, `&[T]` as `Vec<T>`, `&str` as
    /// `String`) and how it is passed from there.
    Argument {
        /// The owned type.
        owned: Type,
        /// Whether the owned value is passed by reference.
        by_reference: bool,
    },
    /// The step's output, in a compensation (`Outcome<T>`).
    Output,
}

/// The compensation of a step.
#[derive(Debug)]
pub struct Compensation {
    /// The method's name.
    pub ident: Ident,
    /// The parameters after `&self`, in order.
    pub parameters: Vec<Parameter>,
    /// The whole return type.
    pub output: Type,
    /// The expression of its `definition::Compensation` (a const expression).
    pub definition: TokenStream,
}

/// The flow as the machine: what the flow phases make, and the tables and the `Saga` impl are emitted from.
#[derive(Debug)]
pub struct Machine {
    /// The states, in the order of the source.
    pub states: Vec<State>,
    /// The slots' names, by index.
    pub slots: Vec<String>,
    /// The nodes of the graph: const expressions of `definition::Node`.
    pub nodes: Vec<TokenStream>,
    /// The edges of the graph: const expressions of `definition::Edge`.
    pub edges: Vec<TokenStream>,
    /// The body of `fn __flow(&self, cx, __drive)`.
    pub body: TokenStream,
}

/// A durable state of the machine.
#[derive(Debug)]
pub struct State {
    /// The durable name.
    pub name: String,
    /// The step that is called: an index into [`Model::steps`].
    pub step: usize,
    /// The slots that are saved: indices into [`Machine::slots`].
    pub live: Vec<usize>,
}

