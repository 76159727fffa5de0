//! The macros of `saga-runtime`, which re-exports them: depend on that crate, not on this one.
//!
//! A saga goes through four phases, which `expand` calls one after the other: *parse* (tokens to what is annotated),
//! *analyze* (to a model in which every name is resolved), *lower* (the flow to a state machine), *emit* (to the output).
//! Each reports every mistake it finds before the next one begins; each is a folder of this crate.

mod analyze;
mod checks;
mod debug;
mod emit;
mod errors;
mod expand;
mod flow;
mod model;
mod owned;
mod parse;
mod pretty;
mod refusal;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Compiles an impl block into a saga: an explicit, persisted state machine, made from ordinary async Rust.
///
/// ```
/// use saga_runtime::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Order { sku: String, card: String }
///
/// #[derive(Debug, Serialize, Deserialize, Refusal)]
/// enum Refused { OutOfStock, CardDeclined }
///
/// struct Checkout; // in earnest it holds the clients of the participants, in plain fields
///
/// #[saga(name = "checkout", version = 1)]
/// impl Checkout {
///     /// Goods first, money last.
///     #[flow]
///     async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
///         self.reserve(cx, &order.sku).await?;
///         let charge = self.charge(cx, &order.card).await?;
///         Ok(charge)
///     }
///
///     #[step(timeout = "2s")]
///     async fn reserve(&self, cx: &StepContext, sku: &str) -> Result<u64, Failure<Refused>> {
///         # let _ = cx.key();
///         if sku.is_empty() {
///             return Err(Refused::OutOfStock.into());
///         }
///         Ok(1)
///     }
///
///     #[compensate(reserve)]
///     async fn release(&self, cx: &StepContext, hold: Outcome<u64>) -> Result<(), Transient> {
///         # let _ = (cx.undoes(), hold);
///         Ok(()) // also if there is nothing to release
///     }
///
///     #[step(pivot)]
///     async fn charge(&self, cx: &StepContext, card: &str) -> Result<u64, Failure<Refused>> {
///         # let _ = (cx.key(), card);
///         Ok(2)
///     }
/// }
///
/// assert_eq!(Checkout::definition().steps.len(), 2);
/// ```
///
/// The block stays the plain impl block that it is: nothing is added to it, no signature changes, and every method can be
/// called and tested without a runtime. Beside it the macro implements `Saga` for the type, which must be
/// `Send + Sync + 'static`. The block may be generic (`impl<P: Payments> Checkout<P>`).
///
/// # Options
/// | option | meaning |
/// |---|---|
/// | `name = "checkout"` | the durable name, under which instances are stored; the type's own in snake case if left out |
/// | `version = 1` | a label that is stored and shown; 1 if left out |
/// | `deadline = "30d"` | how long an instance may take from its start to its pivot: then it unwinds; no bound if left out |
/// | `crate = my_crate::saga` | where the runtime is, if it is re-exported or renamed; `::saga_runtime` if left out |
///
/// # What is saved
/// The flow's input and output, every step's arguments, output and refusal, and every local of the flow that lives across
/// a step. They implement `Serialize`, `Deserialize` and `Send`. An argument is saved in its owned form (`&T` as `T`,
/// `&[T]` as `Vec<T>`, `&str` as `String`, `Option<&T>` as `Option<T>`) and read back for each attempt.
///
/// The input and the output of a `pub` type's saga are part of that type's interface: if the type is `pub` and its input
/// is not, rustc says so (E0446), since `Saga::Input` would leak a private type.
///
/// # What does not compile
/// Mistakes that break sagas in production are build errors: a step without an undo, an undo that reads what was never
/// produced, a lost answer that nobody thought of, a failure after the point of no return, an effect without an
/// idempotency key, and more. Every message says what is wrong, why, and what to write instead. `saga_runtime::checks` shows each
/// with the wrong program and the right one.
///
/// Checks are made on the tokens of the annotated methods, on the graph of the flow, and by types. What stands behind an
/// ordinary call is not looked into.
///
/// # Seeing what it expands to
/// With the feature `debug` of `saga-runtime`, `SAGA_MACRO_DEBUG=Checkout cargo check` prints the expansion of the saga of
/// the type `Checkout` to stderr, formatted as the ordinary Rust that it is, and again after each change; several names
/// have commas between them, and `*` stands for all sagas. A saga with mistakes is shown as it is emitted with them. What
/// each construct of the language expands to is written down in the folder `tests/expansion/` of the repository.
#[proc_macro_attribute]
pub fn saga(options: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    debug::shown(&item, expand::saga(options.into(), &item)).into()
}

/// The one method of a `#[saga]` impl that says in which order its steps run; or, as `#[flow(inner)]`, a part of it.
///
/// `async fn name(&self, cx: &FlowContext, input: Input) -> Result<Output, Unwind<Refusal>>`: it takes its context and
/// one owned input. Each await in it is a durable state; everything between two of them is plain Rust.
///
/// # What a flow awaits
/// | written | what it is | it gives |
/// |---|---|---|
/// | `self.reserve(cx, &line).await` | a call of a step | what the step returns |
/// | `self.by_train(cx, &trip).await` | a call of an inner flow | what it returns |
/// | `join!(self.flight(cx, &trip), self.hotel(cx, &trip)).await` | two to eight calls at the same time | a tuple, or the first error |
/// | `cx.join_all(&order.lines, 8, \|line\| self.reserve(cx, line)).await` | a call for each item, so many at a time | a `Vec`, or the first error |
/// | `cx.sleep("3d").await`, `cx.sleep_until(at).await` | a time | `()` |
/// | `cx.wait(Self::DECIDED).within("2d").await`, or `.until(at)` | a signal, or a time | `Result<Decision, Elapsed>` |
/// | `cx.wait(Self::DECIDED).forever().await` | a signal | `Decision` |
/// | `cx.wait((Self::DECIDED, Self::WITHDRAWN)).within("2d").await` | the first of two to four signals | `Result<OneOf2<..>, Elapsed>` |
/// | `cx.child::<Checkout>(order).forever().await`, or `.within("1h")` | another saga | `Result<Receipt, Failure<..>>`: its output, or its refusal |
/// | `cx.child::<Checkout>(order).pivot().forever().await` | the same, as the point of no return | the same |
/// | `cx.launch::<Reminder>(input).await` | another saga is started, and not waited for | its id |
/// | `cx.send::<Approval, _>(id, Approval::DECIDED, decision).await` | a signal is sent | `Result<(), NotSent>` |
///
/// A branch of a join is one call without its `.await`; more than one step together is an inner flow. `cx.now()` and
/// `cx.set_label(..)` are no states.
///
/// # Names
/// A state is named after what is called or waited for: `reserve`, `flight-and-hotel`, `sleep`, `decided-or-withdrawn`,
/// `checkout`, `send`. Where two states of a flow would have one name, `#[state("second_card")]` on a statement or a match arm's
/// expression names the state of the one call in it. A name that ends in a dot and a number is refused: keys are made of names, and
/// the branches of a join end so.
///
/// # Inner flows
/// `#[flow(inner)] async fn by_train(&self, cx: &FlowContext, trip: &Trip, seats: u32) -> Result<Ticket, Unwind<Refused>>` is
/// a scope of its own, called like a step: refused, it is undone whole before its caller sees the error. It takes arguments
/// as a step does, may call other inner flows but not itself, and holds no pivot.
///
/// ```
/// use saga_runtime::prelude::*;
/// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
/// # enum Full { Train, Plane }
/// struct Travel;
///
/// #[saga(name = "travel", version = 1)]
/// impl Travel {
///     #[flow]
///     async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<Full>> {
///         match self.by_train(cx, &city).await {
///             Ok(ticket) => Ok(ticket),
///             // Whatever the train's part has reserved is released by now.
///             Err(Unwind::Refused(_)) => Ok(self.fly(cx, &city).await?),
///             Err(other) => Err(other),
///         }
///     }
///
///     #[flow(inner)]
///     async fn by_train(&self, cx: &FlowContext, city: &str) -> Result<String, Unwind<Full>> {
///         let seat = self.seat(cx, city).await?;
///         cx.sleep("10m").await;
///         #[state("the_way_back")]
///         let back = self.seat(cx, "home").await?;
///         Ok(seat + &back)
///     }
///
///     #[step]
///     async fn seat(&self, cx: &StepContext, city: &str) -> Result<String, Failure<Full>> {
///         # let _ = cx.key();
///         if city == "Atlantis" { Err(Full::Train.into()) } else { Ok(city.to_owned()) }
///     }
///
///     #[compensate(seat)]
///     async fn free(&self, cx: &StepContext, seat: Outcome<String>) -> Result<(), Transient> {
///         # let _ = (cx.undoes(), seat);
///         Ok(())
///     }
///
///     #[step(pivot)]
///     async fn fly(&self, cx: &StepContext, city: &str) -> Result<String, Failure<Full>> {
///         # let _ = cx.key();
///         Ok(format!("to {city} by plane"))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let ticket = Travel.run(&FlowContext::detached(), "Atlantis".into()).await;
/// assert_eq!(ticket.ok().as_deref(), Some("to Atlantis by plane"));
/// # }
/// ```
#[proc_macro_attribute]
pub fn flow(_: TokenStream, item: TokenStream) -> TokenStream {
    expand::outside_saga("flow", &item.into()).into()
}

/// A step of a `#[saga]` impl: one local transaction at a participant.
///
/// `async fn name(&self, cx: &StepContext, ..) -> Result<Output, Failure<Refusal>>`, or `Result<Output, Transient>` if it
/// cannot be refused. It is attempted at least once, always with the same arguments and the same `cx.key()`, and its
/// answer is recorded exactly once.
///
/// # Classes
/// A step has an effect and a `#[compensate]` method that undoes it, unless it says otherwise:
///
/// | option | meaning |
/// |---|---|
/// | `read_only` | changes nothing, so there is nothing to undo |
/// | `pivot` | the last step that may be refused; after it the saga only goes forward |
/// | `retriable` | cannot be refused, is retried until done; stands after a pivot |
/// | `no_compensation = "why"` | has an effect that nothing undoes, for this reason |
///
/// # Options
/// | option | meaning |
/// |---|---|
/// | `name = "reserve"` | the durable name; the method's if left out |
/// | `transaction` | the step writes to the database that the store is in, with `cx.transaction()`, and so does its compensation: see below |
/// | `policy = "payments"` | the named policy of the runtime under which attempts are made: its breaker, bulkhead and rate limit, and its timeout and retry where none is written here |
/// | `timeout = "2s"` | the longest that one attempt may take; 30 s if left out |
/// | `deadline = "10m"` | the longest that all attempts together may take; no bound if left out |
/// | `retry(initial = "50ms", max = "5s", attempts = 6, jitter = false)` | the waits between attempts: exponential, from `initial` (100 ms) to `max` (30 s), at random below that bound unless `jitter = false`; `attempts` bounds their number |
/// | `attempts_then = "park"` | running out of attempts or time parks the instance, instead of giving the flow `Exhausted` |
/// | `key_valid = "24h"` | how long the participant remembers the key; beyond that nothing is retried unasked |
/// | `idempotent = "why"` | why the step does without the idempotency key, if it takes no `&StepContext` |
///
/// Durations are a whole number and a unit: `ms`, `s`, `m`, `h` or `d`.
///
/// # In one transaction
/// Where the store is in the same database as the tables of the saga's own service, `#[step(transaction)]` makes the step
/// and its compensation happen exactly once: `cx.transaction()` is the very sqlx transaction in which the step's answer
/// commits. It needs no idempotency key, and is never in doubt, so that its compensation takes the output as it is
/// (`taken: i64`, or `Outcome<i64>`). It is given a second at most on SQLite, where it keeps everybody else from writing; it
/// cannot stand in a join, and cannot call the runtime. See `StepContext::transaction`.
///
/// # Policies by name
/// What many steps of many sagas share about one participant is defined once on the runtime and changed while it runs. A
/// step names it; what the step says itself wins, field by field: `timeout` over the policy's timeout, `retry(..)` as a
/// whole over its retry. A policy that the runtime does not define is an error when the runtime starts.
///
/// ```
/// use saga_runtime::prelude::*;
/// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
/// # struct Declined;
///
/// struct Pay;
///
/// #[saga(name = "pay")]
/// impl Pay {
///     #[flow]
///     async fn run(&self, cx: &FlowContext, card: String) -> Result<u64, Unwind<Declined>> {
///         Ok(self.charge(cx, &card).await?)
///     }
///
///     #[step(pivot, policy = "payments", timeout = "5s")] // the rest is the policy's
///     async fn charge(&self, cx: &StepContext, card: &str) -> Result<u64, Failure<Declined>> {
///         # let _ = (cx.key(), card);
///         Ok(1)
///     }
/// }
///
/// assert_eq!(Pay::definition().steps[0].policy_name, Some("payments"));
/// ```
#[proc_macro_attribute]
pub fn step(_: TokenStream, item: TokenStream) -> TokenStream {
    expand::outside_saga("step", &item.into()).into()
}

/// The compensation of a step of a `#[saga]` impl, `#[compensate(reserve)]`: its semantic undo.
///
/// `async fn name(&self, cx: &StepContext, ..) -> Result<(), Transient>`. Its other parameters are some of the step's own,
/// by name and type, and the step's output as `Outcome<T>` (of a transactional step also as `T`): `Done` with what the step answered, or `Unknown`
/// where no answer came, which includes that the step never happened; there is nothing to undo then, and the compensation
/// succeeds. It cannot be refused.
///
/// # Options
/// | option | meaning |
/// |---|---|
/// | `policy = "payments"` | the named policy of the runtime under which attempts are made, as for a step |
/// | `timeout = "2s"` | the longest that one attempt may take; 30 s if left out |
/// | `retry(..)` | the waits between attempts, as for a step |
/// | `within = "24h"` | how long it is tried before it is parked for a person to look at; 24 h if left out |
/// | `idempotent = "why"` | why it does without the idempotency key, if it takes no `&StepContext` |
#[proc_macro_attribute]
pub fn compensate(_: TokenStream, item: TokenStream) -> TokenStream {
    expand::outside_saga("compensate", &item.into()).into()
}

/// A signal of a `#[saga]` impl: a message that its instances wait for.
///
/// It stands on an associated constant, `#[signal] pub const DECIDED: Signal<Self, Decision> = Signal::new("decided");`,
/// whose literal is the durable name. The flow waits for it with `cx.wait(Self::DECIDED)`, and others send it with a value of
/// that type, which implements `Serialize`, `Deserialize` and `Send`. A signal that comes before anybody waits for it is
/// kept.
#[proc_macro_attribute]
pub fn signal(_: TokenStream, item: TokenStream) -> TokenStream {
    expand::outside_saga("signal", &item.into()).into()
}

/// Makes a type a refusal: a business "no" that `?` turns into `Failure::Refused` in a step and into `Unwind::Refused` in
/// the flow.
///
/// ```
/// use saga_runtime::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Refusal)]
/// enum Refused {
///     OutOfStock { sku: String },
///     CardDeclined,
/// }
///
/// fn price(text: &str) -> Result<u64, Failure<Refused>> {
///     if text.is_empty() {
///         Err(Refused::CardDeclined)?; // refused
///     }
///     Ok(text.parse()?) // transient: a parse error is an `Error`
/// }
/// assert!(matches!(price(""), Err(Failure::Refused(Refused::CardDeclined))));
/// assert!(matches!(price("?"), Err(Failure::Transient(_))));
/// ```
///
/// The type must not also be a `std::error::Error`: `?` on an error means *transient, try again*, and a type that is both
/// would turn a "no" into an endless retry. `#[refusal(crate = path)]` names the runtime if it is re-exported or renamed.
#[proc_macro_derive(Refusal, attributes(refusal))]
pub fn derive_refusal(item: TokenStream) -> TokenStream {
    refusal::derive(item.into()).into()
}
