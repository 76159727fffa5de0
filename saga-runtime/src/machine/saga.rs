//! What `#[saga]` implements.

use super::{
    call::{Arguments, Attempt},
    drive::{Drive, Executing},
    json::JsonError,
    slot::Persist,
};
use crate::{
    context::{FlowContext, StepContext},
    definition::Definition,
    failure::{Refusal, Unwind},
};
use serde_json::value::RawValue;

/// A saga: implemented by `#[saga]` on an impl block, never by hand.
///
/// Its hidden methods are the compiled machine. They do no I/O of their own and keep nothing: an executor drives them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a saga",
    label = "no impl block of this type is annotated with `#[saga]`"
)]
pub trait Saga: Send + Sync + Sized + 'static {
    /// What an instance is started with.
    type Input: Persist + 'static;
    /// What a completed instance returns.
    type Output: Persist + 'static;
    /// The business "no" that unwinds it.
    type Refusal: Refusal;

    /// The definition, as associated data.
    #[doc(hidden)]
    const DEFINITION: &'static Definition;

    /// The definition: steps, states and the graph, as data.
    fn definition() -> &'static Definition {
        Self::DEFINITION
    }

    /// The flow, as the machine.
    #[doc(hidden)]
    fn __flow<'a>(
        &'a self,
        cx: FlowContext,
        drive: Drive<'a>,
    ) -> Executing<'a, Result<Self::Output, Unwind<Self::Refusal>>>;

    /// One attempt of a step (an index into the definition's steps), with saved arguments.
    #[doc(hidden)]
    fn __step<'a>(&'a self, step: usize, cx: StepContext, arguments: &'a Arguments) -> Attempt<'a>;

    /// One attempt of a step's compensation; `output` is what the step answered, `None` if nobody knows.
    #[doc(hidden)]
    fn __compensate<'a>(
        &'a self,
        step: usize,
        cx: StepContext,
        arguments: &'a Arguments,
        output: Option<&'a RawValue>,
    ) -> Attempt<'a>;

    /// Whether this text is an output of the step.
    #[doc(hidden)]
    fn __check_output(step: usize, output: &RawValue) -> Result<(), JsonError>;
}
