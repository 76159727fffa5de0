//! A saga whose types the engine need not know.

use crate::{
    context::{FlowContext, StepContext},
    definition::Definition,
    machine::{Arguments, Attempt, Drive, Ended, Executing, JsonError, RawValue, Saga},
};

/// What the engine needs of a saga.
pub(crate) trait AnySaga: Send + Sync {
    fn definition(&self) -> &'static Definition;
    fn flow<'a>(&'a self, flow: usize, cx: FlowContext, drive: Drive<'a>) -> Executing<'a, Ended>;
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

    fn flow<'a>(&'a self, flow: usize, cx: FlowContext, drive: Drive<'a>) -> Executing<'a, Ended> {
        if flow > 0 {
            return self.0.__inner(flow, cx, drive);
        }
        Box::pin(async move { Ended::of(S::DEFINITION.name, self.0.__flow(cx, drive).await) })
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
