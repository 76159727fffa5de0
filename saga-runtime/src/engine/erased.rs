//! A saga whose types the engine need not know.

use crate::{
    context::{FlowContext, StepContext},
    core::UnwindCause,
    definition::Definition,
    failure::Unwind,
    machine::{Arguments, Attempt, Drive, Executing, Json, JsonError, RawValue, Saga, Unreadable, encode_checked},
};

/// How a flow ended, as data.
#[derive(Debug)]
pub(crate) enum FlowEnd {
    /// It returned this.
    Completed(Json),
    /// It gave up.
    Unwinds(UnwindCause),
    /// What it returned cannot be written.
    Unsavable(Unreadable),
}

/// What the engine needs of a saga.
pub(crate) trait AnySaga: Send + Sync {
    fn definition(&self) -> &'static Definition;
    fn flow<'a>(&'a self, cx: FlowContext, drive: Drive<'a>) -> Executing<'a, FlowEnd>;
    fn step<'a>(&'a self, step: usize, cx: StepContext, arguments: &'a Arguments) -> Attempt<'a>;
    fn compensate<'a>(
        &'a self,
        step: usize,
        cx: StepContext,
        arguments: &'a Arguments,
        output: Option<&'a RawValue>,
    ) -> Attempt<'a>;
    fn check_output(&self, step: usize, output: &RawValue) -> Result<(), JsonError>;
}

/// A saga as registered.
pub(crate) struct Registered<S>(pub(crate) S);

impl<S: Saga> AnySaga for Registered<S> {
    fn definition(&self) -> &'static Definition {
        S::DEFINITION
    }

    fn flow<'a>(&'a self, cx: FlowContext, drive: Drive<'a>) -> Executing<'a, FlowEnd> {
        Box::pin(async move {
            let unsavable =
                |what, reason| FlowEnd::Unsavable(Unreadable { what, name: S::DEFINITION.name.into(), reason });
            match self.0.__flow(cx, drive).await {
                Ok(output) => match encode_checked(&output) {
                    Ok(json) => FlowEnd::Completed(json),
                    Err(error) => unsavable("output of saga", error.0),
                },
                Err(Unwind::Refused(refusal)) => match encode_checked(&refusal) {
                    Ok(json) => FlowEnd::Unwinds(UnwindCause::Refused(json)),
                    Err(error) => unsavable("refusal of saga", error.0),
                },
                Err(Unwind::Exhausted(exhausted)) => FlowEnd::Unwinds(UnwindCause::Exhausted {
                    step: exhausted.step().into(),
                    last_error: exhausted.last_error().into(),
                }),
            }
        })
    }

    fn step<'a>(&'a self, step: usize, cx: StepContext, arguments: &'a Arguments) -> Attempt<'a> {
        self.0.__step(step, cx, arguments)
    }

    fn compensate<'a>(
        &'a self,
        step: usize,
        cx: StepContext,
        arguments: &'a Arguments,
        output: Option<&'a RawValue>,
    ) -> Attempt<'a> {
        self.0.__compensate(step, cx, arguments, output)
    }

    fn check_output(&self, step: usize, output: &RawValue) -> Result<(), JsonError> {
        S::__check_output(step, output)
    }
}
