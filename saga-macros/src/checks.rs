//! Every check: its id, what it refuses, and what that prevents.
//!
//! Each has a folder in `tests/ui` with programs that it refuses, the closest correct program in `tests/ui/pass`, and a page in
//! the runtime's documentation (`saga_runtime::checks`) that is made of these.

/// A check: its id, what it refuses, what would happen otherwise.
pub(crate) type Known = (&'static str, &'static str, &'static str);

/// The checks that this crate makes on tokens and on the graph, in the order of the catalogue: the collector refuses an id
/// that is not listed.
pub(crate) const CHECKS: &[Known] = &[
    // Shape.
    ("not_an_impl", "`#[saga]` on anything but an inherent impl block", "an attribute that cannot do what it says"),
    ("flow_count", "a saga without a main flow, or with two", "nobody knows in which order its steps run"),
    (
        "outside_saga",
        "`#[step]`, `#[flow]`, `#[compensate]` or `#[signal]` outside a `#[saga]` impl block",
        "an attribute that silently does nothing",
    ),
    (
        "signature",
        "a method that cannot be called by name with saved arguments: not async, without a `Result`, with generics, patterns, \
         `&mut self`, or another context than its own",
        "a step that cannot be attempted again",
    ),
    (
        "unknown_option",
        "an option that does not exist, stands in the wrong place, is given twice, or can have no effect",
        "a setting that is silently ignored",
    ),
    (
        "bad_value",
        "a duration that cannot be read, attempts of 0, bounds that cross, a name that cannot be durable",
        "a typing error that shows itself in production",
    ),
    ("duplicate_name", "two steps, signals or states of one durable name", "histories that mix"),
    (
        "flow_inputs",
        "a flow that takes anything but its context and one owned input",
        "an input that outlives nobody, or that has no stored form",
    ),
    ("dead_step", "a step or an inner flow that no flow calls", "code that is believed to run"),
    ("unreachable_state", "code that the flow can never come to", "code that is believed to run"),
    // Pairing.
    (
        "missing_compensation",
        "a step that is neither read-only, compensated, pivot nor retriable, and does not say why",
        "the undo that was forgotten: if the saga gives up later, what the step did stays done",
    ),
    (
        "retriable_before_pivot",
        "a retriable step that some way reaches without having passed the pivot",
        "a step that cannot be refused and cannot be undone, in a saga that unwinds",
    ),
    ("unknown_step", "`#[compensate(x)]` where `x` is no step", "a typing error that disarms an undo"),
    ("compensated_twice", "two compensations for one step", "an undo that runs twice, or the wrong one"),
    (
        "useless_compensation",
        "a compensation of a step that is never undone: read-only, retriable, the pivot, or one that says it has none",
        "false safety",
    ),
    (
        "compensation_inputs",
        "a parameter that is neither one of the step's own, nor its output, nor the context",
        "the wrong thing undone",
    ),
    (
        "in_doubt",
        "a compensation that takes the bare output of a step whose answer can be lost",
        "the booking whose answer was lost stays booked for ever",
    ),
    ("compensation_refuses", "a compensation that can be refused", "an undo that gives up"),
    (
        "compensation_calls_step",
        "a compensation that calls a step or another compensation of the saga",
        "an undo with effects that nobody saves and nobody undoes",
    ),
    (
        "undo_reads_unknown",
        "a compensation that takes what another step gives",
        "an undo that cannot run, since that step may never have been called",
    ),
    (
        "missing_key",
        "a step or a compensation with an effect that takes no context, where the idempotency key comes from",
        "a retry that does its work twice",
    ),
    // Paths.
    ("two_pivots", "a pivot that can be reached after a pivot was passed", "two points of no return"),
    (
        "refusal_after_pivot",
        "after the pivot: a step that can be refused or undone, a `return Err`, a `?` that lets a refusal out",
        "a saga that is half done for ever",
    ),
    (
        "bounded_retriable",
        "a number of attempts on the pivot, a retriable step, or any step after the pivot, without `attempts_then = \"park\"`",
        "a saga that gives up where there is no way back",
    ),
    ("retriable_can_refuse", "a retriable step that can be refused", "a refusal where there is no way back"),
    (
        "hidden_pivot",
        "a pivot whose answer is stored, passed on, or tested otherwise than by `?` or literal `Ok` and `Err`; or one in an \
         inner flow",
        "nobody knows whether there is a way back",
    ),
    ("recursive_flow", "an inner flow that calls itself", "a frame that grows for ever"),
    (
        "unhandled_wait",
        "a wait for a signal or a child that says neither how long nor `forever`",
        "an instance that waits for ever and that nobody notices",
    ),
    ("unknown_signal", "a wait for what is no signal of this saga", "a message that nobody can send"),
    (
        "timeouts_nest",
        "a step, a sleep, a wait or a child that outlasts the saga's own deadline",
        "attempts that are never made: the outer clock always wins",
    ),
    // The flow's body.
    (
        "foreign_await",
        "an await of anything but a step, an inner flow or a verb of the context",
        "an effect that is neither saved nor tried again",
    ),
    ("lost_context", "a step that is called with another context than the flow's own", "the wrong idempotency key"),
    (
        "hidden_step",
        "a step in a closure, an async block, a macro, a match guard, or a place that cannot be a state of its own; or one that \
         is not awaited",
        "a call that cannot be resumed",
    ),
    ("foreign_join", "`tokio::join!`, `select!` and their like in a flow", "branches that nobody saves"),
    (
        "parallel_conflict",
        "a pivot or a transactional step in a join",
        "a branch that can go neither back nor on beside the others",
    ),
    ("detached_work", "`spawn` and its like in a flow", "work that nobody saves"),
    (
        "ambiguous_state",
        "a step that is called at two places which nothing tells apart, or two saved locals of one name",
        "an instance that resumes at the wrong place",
    ),
    ("unbounded_for", "a `for` over something without a known end, with a step inside", "a collection that never ends"),
    ("unownable_argument", "a parameter whose owned form cannot be named or saved", "arguments that cannot be durable"),
    (
        "closure_across_step",
        "a closure, an iterator or a future that is needed after a step",
        "code where a value would have to be saved",
    ),
    (
        "step_verb_in_flow",
        "`cx.key()`, `cx.attempt()` and other words of an attempt in a flow",
        "a key that belongs to no call",
    ),
    ("transient_arm", "a match on `Failure::Transient` in a flow", "an arm that never runs"),
    ("infinite_silence", "a `loop` without a step and without a way out", "a worker that spins for ever"),
];

/// The checks that rustc makes, on traits of the runtime or on the user's own code in the machine.
#[allow(dead_code, reason = "nothing here reports them; the tests and the documentation's pages are made of this file")]
pub(crate) const BY_TYPE: &[Known] = &[
    (
        "refusal_is_error",
        "a refusal that is also a `std::error::Error`",
        "a business \"no\" that `?` silently turns into an endless retry",
    ),
    ("unclear_error", "`?` in a step on what is neither an error nor a refusal", "nobody knows whether to try again"),
    (
        "compensation_type",
        "a compensation's parameter of another type than what the step takes or returns",
        "the wrong thing undone",
    ),
    (
        "flow_transient",
        "`?` in a flow on an error that is neither a step's nor a refusal",
        "a flow that is tried again for ever with the same input",
    ),
    (
        "reference_across_step",
        "a reference that is needed after a step",
        "a value that is gone when the instance goes on",
    ),
    (
        "not_persistable",
        "an input, an output, a refusal or a local that cannot be saved, or not sent to another thread",
        "a failure in production, at the first crash",
    ),
    (
        "moved_across_step",
        "a local that is used after it was moved: rustc's own error, on the line of the user",
        "a value that is not there",
    ),
    (
        "partly_moved_across_step",
        "a local of which a part of a part was moved out, and which is needed after a step",
        "a value that cannot be saved whole",
    ),
    (
        "child_not_compensable",
        "a child saga that cannot be undone as a whole, where its parent can still unwind",
        "a child that stays done when its parent is undone",
    ),
];
