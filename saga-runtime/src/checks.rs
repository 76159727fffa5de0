//! What `#[saga]` refuses to compile, a page each: the wrong program, what the compiler says, and the right one.
//!
//! This is documentation, made of the programs that the tests compile: there is nothing to call here. In the programs, `saga_tests::shop`
//! stands for the types of a shop: an `Order` with its `lines`, a `Hold`, a `Charge`, a `Parcel`, and the refusal `Refused`.
//!
//! Checks are made on the tokens of the annotated methods, on the graph of the flow, and by types. What stands behind an
//! ordinary call is not looked into.

/// Refused: `#[saga]` on anything but an inherent impl block.
pub mod not_an_impl {
    #![doc = include_str!("checks/not_an_impl.md")]
}

/// Refused: a saga without a main flow, or with two.
pub mod flow_count {
    #![doc = include_str!("checks/flow_count.md")]
}

/// Refused: `#[step]`, `#[flow]`, `#[compensate]` or `#[signal]` outside a `#[saga]` impl block.
pub mod outside_saga {
    #![doc = include_str!("checks/outside_saga.md")]
}

/// Refused: a method that cannot be called by name with saved arguments: not async, without a `Result`, with generics, patterns, `&mut self`, or another context than its own.
pub mod signature {
    #![doc = include_str!("checks/signature.md")]
}

/// Refused: an option that does not exist, stands in the wrong place, is given twice, or can have no effect.
pub mod unknown_option {
    #![doc = include_str!("checks/unknown_option.md")]
}

/// Refused: a duration that cannot be read, attempts of 0, bounds that cross, a name that cannot be durable.
pub mod bad_value {
    #![doc = include_str!("checks/bad_value.md")]
}

/// Refused: two steps, signals or states of one durable name.
pub mod duplicate_name {
    #![doc = include_str!("checks/duplicate_name.md")]
}

/// Refused: a flow that takes anything but its context and one owned input.
pub mod flow_inputs {
    #![doc = include_str!("checks/flow_inputs.md")]
}

/// Refused: a step or an inner flow that no flow calls.
pub mod dead_step {
    #![doc = include_str!("checks/dead_step.md")]
}

/// Refused: code that the flow can never come to.
pub mod unreachable_state {
    #![doc = include_str!("checks/unreachable_state.md")]
}

/// Refused: a step that is neither read-only, compensated, pivot nor retriable, and does not say why.
pub mod missing_compensation {
    #![doc = include_str!("checks/missing_compensation.md")]
}

/// Refused: a retriable step that some way reaches without having passed the pivot.
pub mod retriable_before_pivot {
    #![doc = include_str!("checks/retriable_before_pivot.md")]
}

/// Refused: `#[compensate(x)]` where `x` is no step.
pub mod unknown_step {
    #![doc = include_str!("checks/unknown_step.md")]
}

/// Refused: two compensations for one step.
pub mod compensated_twice {
    #![doc = include_str!("checks/compensated_twice.md")]
}

/// Refused: a compensation of a step that is never undone: read-only, retriable, the pivot, or one that says it has none.
pub mod useless_compensation {
    #![doc = include_str!("checks/useless_compensation.md")]
}

/// Refused: a parameter that is neither one of the step's own, nor its output, nor the context.
pub mod compensation_inputs {
    #![doc = include_str!("checks/compensation_inputs.md")]
}

/// Refused: a compensation that takes the bare output of a step whose answer can be lost.
pub mod in_doubt {
    #![doc = include_str!("checks/in_doubt.md")]
}

/// Refused: a compensation that can be refused.
pub mod compensation_refuses {
    #![doc = include_str!("checks/compensation_refuses.md")]
}

/// Refused: a compensation that calls a step or another compensation of the saga.
pub mod compensation_calls_step {
    #![doc = include_str!("checks/compensation_calls_step.md")]
}

/// Refused: a compensation that takes what another step gives.
pub mod undo_reads_unknown {
    #![doc = include_str!("checks/undo_reads_unknown.md")]
}

/// Refused: a step or a compensation with an effect that takes no context, where the idempotency key comes from.
pub mod missing_key {
    #![doc = include_str!("checks/missing_key.md")]
}

/// Refused: a pivot that can be reached after a pivot was passed.
pub mod two_pivots {
    #![doc = include_str!("checks/two_pivots.md")]
}

/// Refused: after the pivot: a step that can be refused or undone, a `return Err`, a `?` that lets a refusal out.
pub mod refusal_after_pivot {
    #![doc = include_str!("checks/refusal_after_pivot.md")]
}

/// Refused: a number of attempts on the pivot, a retriable step, or any step after the pivot, without `attempts_then = "park"`.
pub mod bounded_retriable {
    #![doc = include_str!("checks/bounded_retriable.md")]
}

/// Refused: a retriable step that can be refused.
pub mod retriable_can_refuse {
    #![doc = include_str!("checks/retriable_can_refuse.md")]
}

/// Refused: a pivot whose answer is stored, passed on, or tested otherwise than by `?` or literal `Ok` and `Err`; or one in an inner flow.
pub mod hidden_pivot {
    #![doc = include_str!("checks/hidden_pivot.md")]
}

/// Refused: an inner flow that calls itself.
pub mod recursive_flow {
    #![doc = include_str!("checks/recursive_flow.md")]
}

/// Refused: a wait for a signal or a child that says neither how long nor `forever`.
pub mod unhandled_wait {
    #![doc = include_str!("checks/unhandled_wait.md")]
}

/// Refused: a wait for what is no signal of this saga.
pub mod unknown_signal {
    #![doc = include_str!("checks/unknown_signal.md")]
}

/// Refused: a step, a sleep, a wait or a child that outlasts the saga's own deadline.
pub mod timeouts_nest {
    #![doc = include_str!("checks/timeouts_nest.md")]
}

/// Refused: an await of anything but a step, an inner flow or a verb of the context.
pub mod foreign_await {
    #![doc = include_str!("checks/foreign_await.md")]
}

/// Refused: a step that is called with another context than the flow's own.
pub mod lost_context {
    #![doc = include_str!("checks/lost_context.md")]
}

/// Refused: a step in a closure, an async block, a macro, a match guard, or a place that cannot be a state of its own; or one that is not awaited.
pub mod hidden_step {
    #![doc = include_str!("checks/hidden_step.md")]
}

/// Refused: `tokio::join!`, `select!` and their like in a flow.
pub mod foreign_join {
    #![doc = include_str!("checks/foreign_join.md")]
}

/// Refused: a pivot or a transactional step in a join.
pub mod parallel_conflict {
    #![doc = include_str!("checks/parallel_conflict.md")]
}

/// Refused: `spawn` and its like in a flow.
pub mod detached_work {
    #![doc = include_str!("checks/detached_work.md")]
}

/// Refused: a step that is called at two places which nothing tells apart, or two saved locals of one name.
pub mod ambiguous_state {
    #![doc = include_str!("checks/ambiguous_state.md")]
}

/// Refused: a `for` over something without a known end, with a step inside.
pub mod unbounded_for {
    #![doc = include_str!("checks/unbounded_for.md")]
}

/// Refused: a parameter whose owned form cannot be named or saved.
pub mod unownable_argument {
    #![doc = include_str!("checks/unownable_argument.md")]
}

/// Refused: a closure, an iterator or a future that is needed after a step.
pub mod closure_across_step {
    #![doc = include_str!("checks/closure_across_step.md")]
}

/// Refused: `cx.key()`, `cx.attempt()` and other words of an attempt in a flow.
pub mod step_verb_in_flow {
    #![doc = include_str!("checks/step_verb_in_flow.md")]
}

/// Refused: a match on `Failure::Transient` in a flow.
pub mod transient_arm {
    #![doc = include_str!("checks/transient_arm.md")]
}

/// Refused: a `loop` without a step and without a way out.
pub mod infinite_silence {
    #![doc = include_str!("checks/infinite_silence.md")]
}

/// Refused: a refusal that is also a `std::error::Error`.
pub mod refusal_is_error {
    #![doc = include_str!("checks/refusal_is_error.md")]
}

/// Refused: `?` in a step on what is neither an error nor a refusal.
pub mod unclear_error {
    #![doc = include_str!("checks/unclear_error.md")]
}

/// Refused: a compensation's parameter of another type than what the step takes or returns.
pub mod compensation_type {
    #![doc = include_str!("checks/compensation_type.md")]
}

/// Refused: `?` in a flow on an error that is neither a step's nor a refusal.
pub mod flow_transient {
    #![doc = include_str!("checks/flow_transient.md")]
}

/// Refused: a reference that is needed after a step.
pub mod reference_across_step {
    #![doc = include_str!("checks/reference_across_step.md")]
}

/// Refused: an input, an output, a refusal or a local that cannot be saved, or not sent to another thread.
pub mod not_persistable {
    #![doc = include_str!("checks/not_persistable.md")]
}

/// Refused: a local that is used after it was moved: rustc's own error, on the line of the user.
pub mod moved_across_step {
    #![doc = include_str!("checks/moved_across_step.md")]
}

/// Refused: a tuple of which a part was moved out, and which is needed after a step.
pub mod partly_moved_across_step {
    #![doc = include_str!("checks/partly_moved_across_step.md")]
}

/// Refused: a child saga that cannot be undone as a whole, where its parent can still unwind.
pub mod child_not_compensable {
    #![doc = include_str!("checks/child_not_compensable.md")]
}
