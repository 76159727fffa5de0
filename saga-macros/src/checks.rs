//! The ids of all checks. Each has a folder in `tests/ui`.

/// The checks that this crate makes on tokens and on the graph, in the order of the catalogue: the collector refuses an id
/// that is not listed.
pub(crate) const CHECKS: &[&str] = &[
    // Shape.
    "not_an_impl",
    "flow_count",
    "outside_saga",
    "signature",
    "unknown_option",
    "bad_value",
    "duplicate_name",
    "flow_inputs",
    "dead_step",
    "unreachable_state",
    // Pairing.
    "missing_compensation",
    "retriable_before_pivot",
    "unknown_step",
    "compensated_twice",
    "useless_compensation",
    "compensation_inputs",
    "in_doubt",
    "compensation_refuses",
    "compensation_calls_step",
    "missing_key",
    // Paths.
    "two_pivots",
    "refusal_after_pivot",
    "bounded_retriable",
    "retriable_can_refuse",
    "hidden_pivot",
    "recursive_flow",
    "unhandled_wait",
    "unknown_signal",
    "timeouts_nest",
    // The flow's body.
    "foreign_await",
    "lost_context",
    "hidden_step",
    "foreign_join",
    "parallel_conflict",
    "detached_work",
    "ambiguous_state",
    "unbounded_for",
    "unownable_argument",
    "step_verb_in_flow",
    "transient_arm",
    "infinite_silence",
];

/// What syn cannot read although rustc could: no check, but a mistake that is reported like one.
pub(crate) const SYNTAX: &str = "syntax";

/// The checks that rustc makes, on traits of the runtime or on the user's own code in the machine.
#[expect(dead_code, reason = "nothing here reports them; the test that every check has a program reads this file")]
pub(crate) const BY_TYPE: &[&str] = &[
    "refusal_is_error",
    "compensation_type",
    "flow_transient",
    "reference_across_step",
    "not_persistable",
    "moved_across_step",
    "child_not_compensable",
];
