//! What `#[saga]` refuses to compile, a page each: the wrong program, what the compiler says, and the right one.
//!
//! This is documentation, made of the programs that the tests compile: there is nothing to call here. In them,
//! `saga_tests::shop` stands for the types of a shop: an `Order` with its `lines`, a `Hold`, a `Charge`, a `Parcel`, and the
//! refusal `Refused`.
//!
//! Checks are made on the tokens of the annotated methods, on the graph of the flow, and by types. What stands behind an
//! ordinary call is not looked into.

pub mod not_an_impl {
    #![doc = include_str!("checks/not_an_impl.md")]
}

pub mod flow_count {
    #![doc = include_str!("checks/flow_count.md")]
}

pub mod outside_saga {
    #![doc = include_str!("checks/outside_saga.md")]
}

pub mod signature {
    #![doc = include_str!("checks/signature.md")]
}

pub mod unknown_option {
    #![doc = include_str!("checks/unknown_option.md")]
}

pub mod bad_value {
    #![doc = include_str!("checks/bad_value.md")]
}

pub mod duplicate_name {
    #![doc = include_str!("checks/duplicate_name.md")]
}

pub mod flow_inputs {
    #![doc = include_str!("checks/flow_inputs.md")]
}

pub mod dead_step {
    #![doc = include_str!("checks/dead_step.md")]
}

pub mod unreachable_state {
    #![doc = include_str!("checks/unreachable_state.md")]
}

pub mod missing_compensation {
    #![doc = include_str!("checks/missing_compensation.md")]
}

pub mod retriable_before_pivot {
    #![doc = include_str!("checks/retriable_before_pivot.md")]
}

pub mod unknown_step {
    #![doc = include_str!("checks/unknown_step.md")]
}

pub mod compensated_twice {
    #![doc = include_str!("checks/compensated_twice.md")]
}

pub mod useless_compensation {
    #![doc = include_str!("checks/useless_compensation.md")]
}

pub mod compensation_inputs {
    #![doc = include_str!("checks/compensation_inputs.md")]
}

pub mod in_doubt {
    #![doc = include_str!("checks/in_doubt.md")]
}

pub mod compensation_refuses {
    #![doc = include_str!("checks/compensation_refuses.md")]
}

pub mod compensation_calls_step {
    #![doc = include_str!("checks/compensation_calls_step.md")]
}

pub mod undo_reads_unknown {
    #![doc = include_str!("checks/undo_reads_unknown.md")]
}

pub mod missing_key {
    #![doc = include_str!("checks/missing_key.md")]
}

pub mod two_pivots {
    #![doc = include_str!("checks/two_pivots.md")]
}

pub mod refusal_after_pivot {
    #![doc = include_str!("checks/refusal_after_pivot.md")]
}

pub mod bounded_retriable {
    #![doc = include_str!("checks/bounded_retriable.md")]
}

pub mod retriable_can_refuse {
    #![doc = include_str!("checks/retriable_can_refuse.md")]
}

pub mod hidden_pivot {
    #![doc = include_str!("checks/hidden_pivot.md")]
}

pub mod recursive_flow {
    #![doc = include_str!("checks/recursive_flow.md")]
}

pub mod unhandled_wait {
    #![doc = include_str!("checks/unhandled_wait.md")]
}

pub mod unknown_signal {
    #![doc = include_str!("checks/unknown_signal.md")]
}

pub mod timeouts_nest {
    #![doc = include_str!("checks/timeouts_nest.md")]
}

pub mod foreign_await {
    #![doc = include_str!("checks/foreign_await.md")]
}

pub mod lost_context {
    #![doc = include_str!("checks/lost_context.md")]
}

pub mod hidden_step {
    #![doc = include_str!("checks/hidden_step.md")]
}

pub mod foreign_join {
    #![doc = include_str!("checks/foreign_join.md")]
}

pub mod parallel_conflict {
    #![doc = include_str!("checks/parallel_conflict.md")]
}

pub mod detached_work {
    #![doc = include_str!("checks/detached_work.md")]
}

pub mod ambiguous_state {
    #![doc = include_str!("checks/ambiguous_state.md")]
}

pub mod unbounded_for {
    #![doc = include_str!("checks/unbounded_for.md")]
}

pub mod unownable_argument {
    #![doc = include_str!("checks/unownable_argument.md")]
}

pub mod closure_across_step {
    #![doc = include_str!("checks/closure_across_step.md")]
}

pub mod step_verb_in_flow {
    #![doc = include_str!("checks/step_verb_in_flow.md")]
}

pub mod transient_arm {
    #![doc = include_str!("checks/transient_arm.md")]
}

pub mod infinite_silence {
    #![doc = include_str!("checks/infinite_silence.md")]
}

pub mod refusal_is_error {
    #![doc = include_str!("checks/refusal_is_error.md")]
}

pub mod unclear_error {
    #![doc = include_str!("checks/unclear_error.md")]
}

pub mod compensation_type {
    #![doc = include_str!("checks/compensation_type.md")]
}

pub mod flow_transient {
    #![doc = include_str!("checks/flow_transient.md")]
}

pub mod reference_across_step {
    #![doc = include_str!("checks/reference_across_step.md")]
}

pub mod not_persistable {
    #![doc = include_str!("checks/not_persistable.md")]
}

pub mod moved_across_step {
    #![doc = include_str!("checks/moved_across_step.md")]
}

pub mod partly_moved_across_step {
    #![doc = include_str!("checks/partly_moved_across_step.md")]
}

pub mod child_not_compensable {
    #![doc = include_str!("checks/child_not_compensable.md")]
}
