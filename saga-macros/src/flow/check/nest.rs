//! Times that stand within the saga's deadline: none may be longer, or the deadline always comes first.

use super::paths::AfterPivot;
use crate::{
    errors::Errors,
    flow::{
        code::{Call, CallId, Code, Job, Until},
        draft::Draft,
    },
    model::{Callee, Class, Model},
    parse::{duration, spoken},
};
use std::{collections::BTreeSet, time::Duration};
use syn::{Expr, ExprLit, Lit};

/// Reports what can take longer than the saga may take. Past the pivot the deadline changes nothing, and while the pivot is
/// under way it waits.
pub(crate) fn check_nest(model: &Model, drafts: &[Draft], after: &AfterPivot, errors: &mut Errors) {
    let Some((deadline, at)) = model.deadline else { return };
    let mut nest = Nest { model, drafts, deadline, seen: BTreeSet::new(), first: None, errors };
    nest.flow(0, &after.past);
    if let Some(first) = nest.first {
        errors.span(
            "timeouts_nest",
            at,
            format_args!("the saga gives up {} after its start, before {first}", spoken(deadline)),
        );
    }
}

struct Nest<'m> {
    model: &'m Model,
    drafts: &'m [Draft],
    deadline: Duration,
    /// The steps and inner flows that were looked at.
    seen: BTreeSet<Callee>,
    /// What was found first, for the deadline's side of it.
    first: Option<String>,
    errors: &'m mut Errors,
}

impl Nest<'_> {
    fn flow(&mut self, flow: usize, past: &BTreeSet<CallId>) {
        let drafts = self.drafts;
        let code: &Code = &drafts[flow].lowered.code;
        for (id, call) in code.calls.iter().enumerate() {
            if past.contains(&id) || call.is_pivot(self.model) {
                continue;
            }
            self.wait(call);
            for callee in call.callees() {
                match callee {
                    _ if !self.seen.insert(callee) => {}
                    Callee::Step(step) => self.step(step),
                    Callee::Flow(inner) => self.flow(inner, &BTreeSet::new()),
                }
            }
        }
    }

    /// A step whose attempts together may take longer.
    fn step(&mut self, index: usize) {
        let step = &self.model.steps[index];
        let Some(longest) = &step.longest else { return };
        if longest.time <= self.deadline || matches!(step.class, Class::Pivot | Class::Retriable) {
            return;
        }
        let (name, deadline, time) = (&step.ident, spoken(self.deadline), spoken(longest.time));
        self.errors.span(
            "timeouts_nest",
            longest.span,
            format_args!(
                "step `{name}` may take {time} ({why}), but the saga gives up {deadline} after its start: the step is undone \
                 before it has run out\nhelp: give the step less, or the saga more: `deadline = \"..\"`",
                why = longest.why
            ),
        );
        self.first.get_or_insert_with(|| format!("step `{name}` alone has run out ({time})"));
    }

    /// A wait that lasts as long as the saga, as far as a literal tells.
    fn wait(&mut self, call: &Call) {
        let what = match &call.job {
            Job::Sleep(Until::After) => "sleep",
            Job::Wait { until: Some(Until::After), .. } => "wait",
            Job::Child { until: Some(Until::After), .. } => "child saga",
            _ => return,
        };
        let Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) = call.operands.last() else { return };
        let Ok(span) = duration(&text.value()) else { return };
        if span < self.deadline {
            return;
        }
        let (deadline, span) = (spoken(self.deadline), spoken(span));
        let never = match &call.job {
            Job::Sleep(_) => "the flow never gets past this sleep",
            Job::Wait { .. } => "the flow never sees `Elapsed`",
            _ => "the child never comes to its own deadline",
        };
        self.errors.at(
            "timeouts_nest",
            text,
            format_args!(
                "this {what} of {span} ends after the saga, which gives up {deadline} after its start: {never}\nhelp: make it \
                 shorter, or give the saga more: `deadline = \"..\"`"
            ),
        );
        self.first.get_or_insert_with(|| format!("a {what} in it has ended ({span})"));
    }
}
