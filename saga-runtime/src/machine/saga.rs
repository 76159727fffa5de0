//! What `#[saga]` implements.

use super::{
    call::{Arguments, Attempt, Unreadable},
    drive::{Drive, Executing},
    json::{Json, JsonError, encode_checked},
    slot::Persist,
};
use crate::{
    context::{FlowContext, StepContext},
    definition::Definition,
    failure::{Exhausted, Refusal, Unwind},
};
use serde_json::value::RawValue;

/// How a flow ended, as data.
#[derive(Debug)]
pub enum Ended {
    /// It returned this.
    Completed(Json),
    /// It was refused.
    Refused(Json),
    /// A step ran out of attempts or time.
    Exhausted(Exhausted),
    /// What it returned cannot be written.
    Unsavable(Unreadable),
}

impl Ended {
    /// The end of a flow, from what it returned.
    pub fn of<T: Persist, R: Refusal>(flow: &'static str, end: Result<T, Unwind<R>>) -> Self {
        let unsavable = |what, reason| Self::Unsavable(Unreadable { what, name: flow.into(), reason });
        match end {
            Ok(output) => match encode_checked(&output) {
                Ok(json) => Self::Completed(json),
                Err(error) => unsavable("output of flow", error.0),
            },
            Err(Unwind::Refused(refusal)) => match encode_checked(&refusal) {
                Ok(json) => Self::Refused(json),
                Err(error) => unsavable("refusal of flow", error.0),
            },
            Err(Unwind::Exhausted(exhausted)) => Self::Exhausted(exhausted),
        }
    }
}

/// The machine of the flow with this index, as an `async fn`: what `?` and `return` mean in it, and what rustc calls them, is
/// what they are in the flow itself.
///
/// What the flow returns is no associated type, since it may be private where the saga is not.
pub trait Flow<const INDEX: usize, Returned> {
    /// Runs it.
    fn machine(&self, cx: FlowContext, drive: Drive<'_>) -> impl Future<Output = Returned> + Send;
}

/// What comes of an attempt of a step, or of a compensation, that the saga does not have.
pub fn no_such_step<'a>(step: usize) -> Attempt<'a> {
    Box::pin(std::future::ready(Err(missing("step", step))))
}

/// What comes of an inner flow that the saga does not have.
pub fn no_such_flow<'a>(flow: usize) -> Executing<'a, Ended> {
    Box::pin(std::future::ready(Ended::Unsavable(missing("inner flow", flow))))
}

/// What is said of the output of a step that the saga does not have.
pub fn no_such_output(step: usize) -> Result<(), JsonError> {
    Err(JsonError(missing("step", step).to_string()))
}

fn missing(what: &'static str, index: usize) -> Unreadable {
    Unreadable { what, name: index.to_string().into(), reason: "there is none".into() }
}

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

    /// An inner flow (an index into the definition's flows, never 0), as a machine of its own.
    #[doc(hidden)]
    fn __inner<'a>(&'a self, flow: usize, cx: FlowContext, drive: Drive<'a>) -> Executing<'a, Ended> {
        drop((cx, drive));
        no_such_flow(flow)
    }

    /// One attempt of a step (an index into the definition's steps), with saved arguments.
    #[doc(hidden)]
    fn __step<'a>(&'a self, step: usize, cx: StepContext, arguments: &'a Arguments) -> Attempt<'a> {
        let _ = (cx, arguments);
        no_such_step(step)
    }

    /// One attempt of a step's compensation; `output` is what the step answered, `None` if nobody knows.
    #[doc(hidden)]
    fn __compensate<'a>(
        &'a self,
        step: usize,
        cx: StepContext,
        arguments: &'a Arguments,
        output: Option<&'a RawValue>,
    ) -> Attempt<'a> {
        let _ = (cx, arguments, output);
        no_such_step(step)
    }

    /// Whether this text is an output of the step.
    #[doc(hidden)]
    fn __check_output(step: usize, output: &RawValue) -> Result<(), JsonError> {
        let _ = output;
        no_such_output(step)
    }
}
