//! What is known of an inner flow wherever it is called: on which side of the pivot it may stand.

use super::paths::LetsOut;
use crate::{
    errors::Errors,
    flow::{
        code::{Call, Code, Job, Node, Taken},
        draft::Draft,
    },
    model::{Callee, Class, Model, Refusable},
};
use std::collections::BTreeSet;
use syn::visit::Visit;

/// An inner flow, as its callers see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    /// Why it stands before the pivot only, if it does (e.g. "step `reserve` has a compensation").
    pub(crate) before: Option<String>,
    /// Why it stands after the pivot only, if it does.
    pub(crate) after: Option<String>,
    /// The steps of which the types have to tell whether they can be refused.
    pub(crate) by_type: BTreeSet<usize>,
    /// The steps whose attempts are bounded, and which do not say that they park.
    pub(crate) bounded: BTreeSet<usize>,
}

/// The summaries of all flows, by their index; the main one's says nothing.
pub(crate) type Summaries = Vec<Summary>;

/// Looks into the inner flows, and reports what may stand in none of them. Nothing comes of flows that call each other in a
/// circle.
pub(crate) fn summaries(model: &Model, drafts: &[Draft], errors: &mut Errors) -> Option<Summaries> {
    for draft in drafts {
        pivots_in_joins(model, &draft.lowered.code, errors);
    }
    let transactional = transactional(model, drafts);
    for draft in drafts {
        transactions_in_joins(model, &transactional, &draft.lowered.code, errors);
    }
    let mut look = Look { model, drafts, errors, done: vec![None; drafts.len()], path: Vec::new(), circle: false };
    for flow in 0..drafts.len() {
        look.flow(flow);
    }
    let (done, circle) = (look.done, look.circle);
    (!circle).then(|| done.into_iter().map(Option::unwrap_or_default).collect())
}

/// The point of no return stands alone: beside it, nobody would know whether there is a way back.
fn pivots_in_joins(model: &Model, code: &Code, errors: &mut Errors) {
    for call in &code.calls {
        if !matches!(call.job, Job::Join(_) | Job::Each(_)) {
            continue;
        }
        for callee in call.callees() {
            if let Callee::Step(step) = callee
                && model.steps[step].class == Class::Pivot
            {
                let name = &model.steps[step].ident;
                errors.span(
                    "parallel_conflict",
                    call.span,
                    format_args!(
                        "the pivot `{name}` stands in a join: if it is done and a branch beside it is refused, the saga could \
                         go neither back nor on\nhelp: call it after the join: `self.{name}(..).await?`"
                    ),
                );
            }
        }
    }
}

/// For each flow, a transactional step that it calls, itself or in an inner flow.
fn transactional(model: &Model, drafts: &[Draft]) -> Vec<Option<usize>> {
    let mut found = vec![None; drafts.len()];
    // Flows may be called before they are written: nothing more is found after so many rounds.
    for _ in drafts {
        for (flow, draft) in drafts.iter().enumerate() {
            let callees = draft.lowered.code.calls.iter().flat_map(Call::callees);
            let steps: Vec<usize> = callees
                .filter_map(|callee| match callee {
                    Callee::Step(step) => model.steps[step].transactional.then_some(step),
                    Callee::Flow(inner) => found[inner],
                })
                .collect();
            found[flow] = found[flow].or(steps.first().copied());
        }
    }
    found
}

/// A transaction is the only thing that an instance does as long as it lasts: its record is the journal's next row.
fn transactions_in_joins(model: &Model, flows: &[Option<usize>], code: &Code, errors: &mut Errors) {
    for call in code.calls.iter().filter(|call| matches!(call.job, Job::Join(_) | Job::Each(_))) {
        for callee in call.callees() {
            let (step, of) = match callee {
                Callee::Step(step) if model.steps[step].transactional => (step, String::new()),
                Callee::Flow(inner) => match flows[inner] {
                    Some(step) => (step, format!(" (in inner flow `{}`)", model.flows[inner].name())),
                    None => continue,
                },
                Callee::Step(_) => continue,
            };
            let name = &model.steps[step].ident;
            errors.span(
                "parallel_conflict",
                call.span,
                format_args!(
                    "transactional step `{name}`{of} stands in a join: nobody else can write while its transaction lasts, not \
                     even to record what the branches beside it did\nhelp: call it before or after the join"
                ),
            );
        }
    }
}

struct Look<'m> {
    model: &'m Model,
    drafts: &'m [Draft],
    errors: &'m mut Errors,
    done: Vec<Option<Summary>>,
    /// The flows that are being looked into, each called by the one before it.
    path: Vec<usize>,
    circle: bool,
}

impl Look<'_> {
    fn flow(&mut self, flow: usize) {
        if self.done[flow].is_some() {
            return;
        }
        self.path.push(flow);
        let mut summary = Summary::default();
        let code = &self.drafts[flow].lowered.code;
        for (id, call) in code.calls.iter().enumerate() {
            for callee in call.callees() {
                match callee {
                    Callee::Step(step) => self.step(step, &mut summary),
                    Callee::Flow(inner) if self.path.contains(&inner) => self.in_a_circle(inner, call.span),
                    Callee::Flow(inner) => {
                        self.flow(inner);
                        self.inner(inner, &mut summary);
                    }
                }
            }
            if flow != 0 && call.is_pivot(self.model) {
                self.errors.span(
                    "hidden_pivot",
                    call.span,
                    "the point of no return stands in the main flow, where everybody sees what comes before and after it\nhelp: \
                     end the inner flow before it, and call it in the main flow",
                );
            }
            match &call.job {
                Job::Child { ty, .. } => {
                    let name = crate::pretty::tokens(ty);
                    summary.before.get_or_insert(format!("saga `{name}` is called in it and may be refused"));
                }
                Job::Wait { .. } | Job::Send if code.calls[id].taken == Taken::Tried => {
                    summary.before.get_or_insert("a `?` in it may end it".into());
                }
                _ => {}
            }
        }
        if lets_out(code) {
            summary.before.get_or_insert("it may end with an `Err` of its own".into());
        }
        self.path.pop();
        if flow != 0 {
            self.both(flow, &summary);
        }
        self.done[flow] = Some(summary);
    }

    fn step(&self, index: usize, summary: &mut Summary) {
        let step = &self.model.steps[index];
        let name = &step.ident;
        match (step.class, step.refusable) {
            (Class::Pivot, _) => {}
            (Class::Retriable, _) => {
                summary.after.get_or_insert(format!("step `{name}` is retriable"));
            }
            (Class::Compensatable, _) => {
                summary.before.get_or_insert(format!("step `{name}` has a compensation"));
            }
            (_, Refusable::Yes) => {
                summary.before.get_or_insert(format!("step `{name}` can be refused"));
            }
            (_, Refusable::ByType) => {
                summary.by_type.insert(index);
            }
            (_, Refusable::No) => {}
        }
        if step.attempts.is_some() && !step.parks {
            summary.bounded.insert(index);
        }
    }

    fn inner(&self, flow: usize, summary: &mut Summary) {
        let Some(inner) = &self.done[flow] else { return };
        for (why, known) in [(&inner.before, &mut summary.before), (&inner.after, &mut summary.after)] {
            if let Some(why) = why {
                known.get_or_insert_with(|| why.clone());
            }
        }
        summary.by_type.extend(&inner.by_type);
        summary.bounded.extend(&inner.bounded);
    }

    fn in_a_circle(&mut self, flow: usize, span: proc_macro2::Span) {
        self.circle = true;
        let from = self.path.iter().position(|&known| known == flow).unwrap_or_default();
        let name = |flow: usize| format!("`{}`", self.model.flows[flow].name());
        let circle: Vec<String> = self.path[from..].iter().chain([&flow]).map(|&flow| name(flow)).collect();
        let message = format!(
            "an inner flow cannot call itself: {}\nhelp: write a `loop`, or make it a saga of its own: `cx.child::<..>(..)`",
            circle.join(", which calls ")
        );
        self.errors.instead_of_rustc("recursive_flow", span, message);
    }

    fn both(&mut self, flow: usize, summary: &Summary) {
        let (Some(before), Some(after)) = (&summary.before, &summary.after) else { return };
        let name = &self.model.flows[flow].method.sig.ident;
        self.errors.span(
            "retriable_before_pivot",
            name.span(),
            format_args!(
                "inner flow `{name}` can stand neither before the pivot, since {after}, nor after it, since {before}\nhelp: make \
                 two of it"
            ),
        );
    }
}

/// Whether plain code of the flow may end it with an error.
fn lets_out(code: &Code) -> bool {
    let mut out = LetsOut::default();
    for &block in &code.order {
        code.walk(code.blocks[block].root, &mut |node| match node {
            Node::Stmt(stmt) => out.visit_stmt(stmt),
            Node::If { cond, .. } => out.visit_expr(cond),
            Node::Match { scrutinee, .. } => out.visit_expr(scrutinee),
            Node::LetElse { local, .. } => out.visit_local(local),
            _ => {}
        });
    }
    !out.0.is_empty()
}
