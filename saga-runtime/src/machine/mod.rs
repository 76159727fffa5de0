//! The one hidden path that generated code names: the compiled machine's side of the runtime.
//!
//! A machine runs the flow's plain code up to the next call, hands the call to its [`Executor`] as data, and goes on with
//! the answer. It knows nothing of stores, attempts, clocks or tasks.

mod across;
mod answers;
mod call;
mod check;
mod drive;
mod iterate;
mod json;
mod lossless;
mod saga;
mod slot;

pub use self::{
    across::{
        Across, Carry, IsAValue, Known, LivesAcrossAStep, Moved, Moving, Open, Reference, ToldOfSlot, Whole,
        goes_on_on_any_thread, open_input,
    },
    answers::{
        Answers, Each, FlowReturns, InnerFlow, Joined, Launched, Received, ReceivedInTheEnd, Sent, Slept,
        a_child_returns, a_flow_is_refused_with, a_flow_returns_this,
    },
    call::{Answer, Arguments, Attempt, Attempted, CannotBeRefused, NotSent, StepError, StepResult, Tried, Unreadable},
    check::{
        Codec, CompensationResult, FlowResult, Inert, ReadBack, Returning, Savable, StepReturns, Told, ToldOfReturns,
        Written, a_part_is_copied_out, a_retriable_step_cannot_be_refused, a_signal_is_saved, a_step_fails_with,
        a_step_returns_this, a_value_is_saved, an_argument_is_saved, attempt_on_any_thread, known_output, outcome,
        takes_what_the_step_takes,
    },
    drive::{Argument, Asked, Call, Drive, Entry, Executing, Executor, FrameValue, Resume, SignalTo, Until},
    iterate::{Collect, Items, Next, Owned, Range, StableOrder, Turn, gone, nth},
    json::{Json, JsonError, decode, encode, encode_checked, null, same_value},
    saga::{Ended, Flow, Saga, no_such_flow, no_such_output, no_such_step},
    slot::{AnySlot, Persist, Saved, Slot},
};
/// Public types, so that generated code has one path to name.
pub use crate::{
    context::{FlowContext, Labels, Signal, StepContext, join2, join3, join4, join5, join6, join7, join8},
    failure::{Failure, IsARefusalOrAStepsFailure, Refusal, Unwind},
};
/// What generated code names of the standard library: by short paths that lead past whatever the user calls by these names.
pub use core::{
    clone::Clone,
    marker::{Copy, PhantomData, Sized},
    option::Option::{self, None, Some},
    result::Result::{self, Ok},
    time::Duration,
};
/// For generated code in crates that do not name serde themselves.
pub use serde_json::value::RawValue;
pub use std::boxed::Box;
