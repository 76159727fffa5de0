//! Checks on the graph: what may stand before and after the point of no return.

use super::inner::Summaries;
use crate::{
    errors::Errors,
    flow::{
        calls::is_answer,
        code::{BlockId, CallId, Code, Job, Node, SeqId, Taken},
        lower::{diverges, is_err},
    },
    model::{Callee, Class, Model, Refusable},
};
use std::collections::BTreeSet;
use syn::{
    Stmt,
    spanned::Spanned,
    visit::{self, Visit},
};

/// What the paths show.
#[derive(Debug, Default)]
pub(crate) struct AfterPivot {
    /// The calls that stand after a pivot on some way.
    pub(crate) calls: BTreeSet<CallId>,
    /// The calls that stand after a pivot on every way.
    pub(crate) past: BTreeSet<CallId>,
    /// The steps of which the types have to tell whether they can be refused.
    pub(crate) by_type: BTreeSet<usize>,
}

/// On the ways to a point: whether there is one that has passed no pivot, and which pivots others have passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ways {
    before: bool,
    passed: BTreeSet<CallId>,
}

impl Ways {
    fn join(&mut self, other: &Self) -> bool {
        let known = self.clone();
        self.before |= other.before;
        self.passed.extend(&other.passed);
        *self != known
    }
}

/// Reports what the paths show.
pub(crate) fn check_paths(model: &Model, code: &Code, summaries: &Summaries, errors: &mut Errors) -> AfterPivot {
    let mut paths = Paths {
        model,
        summaries,
        code,
        into: vec![None; code.blocks.len()],
        changed: true,
        found: None,
        after: AfterPivot::default(),
    };
    if let Some(&start) = code.order.first() {
        paths.into[start] = Some(Ways { before: true, passed: BTreeSet::new() });
    }
    while std::mem::take(&mut paths.changed) {
        paths.run();
    }
    paths.found = Some(Found::default());
    paths.run();
    let found = paths.found.take().unwrap_or_default();
    for (check, span, message) in found.0 {
        errors.span(check, span, message);
    }
    paths.after
}

/// Mistakes, each once.
#[derive(Debug, Default)]
struct Found(Vec<(&'static str, proc_macro2::Span, String)>, BTreeSet<(&'static str, usize)>);

struct Paths<'m> {
    model: &'m Model,
    summaries: &'m Summaries,
    code: &'m Code,
    into: Vec<Option<Ways>>,
    changed: bool,
    /// Mistakes are collected once nothing changes any more.
    found: Option<Found>,
    after: AfterPivot,
}

impl Paths<'_> {
    fn run(&mut self) {
        for &block in &self.code.order {
            if let Some(ways) = self.into[block].clone() {
                self.seq(self.code.blocks[block].root, ways);
            }
        }
    }

    fn lead(&mut self, block: BlockId, ways: &Ways) {
        self.changed |= match &mut self.into[block] {
            Some(known) => known.join(ways),
            none => {
                *none = Some(ways.clone());
                true
            }
        };
    }

    fn report(&mut self, check: &'static str, key: usize, span: proc_macro2::Span, message: String) {
        if let Some(found) = &mut self.found
            && found.1.insert((check, key))
        {
            found.0.push((check, span, message));
        }
    }

    /// The ways at the end of a run that goes on.
    fn seq(&mut self, seq: SeqId, ways: Ways) -> Option<Ways> {
        let code = self.code;
        let mut ways = ways;
        for node in &code.seqs[seq] {
            match node {
                Node::Stmt(stmt) => {
                    self.refusals(&ways, |visit| visit.visit_stmt(stmt));
                    if matches!(stmt, Stmt::Expr(expr, _) if diverges(expr)) {
                        self.marked(node, &ways);
                        return None;
                    }
                }
                Node::If { cond, then, otherwise } => {
                    self.refusals(&ways, |visit| visit.visit_expr(cond));
                    let ends = [self.seq(*then, ways.clone()), self.seq(*otherwise, ways)];
                    ways = merged(ends)?;
                }
                Node::Match { scrutinee, arms, .. } => {
                    self.refusals(&ways, |visit| visit.visit_expr(scrutinee));
                    let ends: Vec<_> = arms.iter().map(|arm| self.seq(arm.body, ways.clone())).collect();
                    ways = merged(ends)?;
                }
                Node::LetElse { local, otherwise } => {
                    self.refusals(&ways, |visit| visit.visit_local(local));
                    self.seq(*otherwise, ways.clone());
                }
                Node::Scope { code, .. } => ways = self.seq(*code, ways)?,
                Node::Exit(exit) => {
                    self.lead(code.exits[*exit].target, &ways);
                    return None;
                }
                Node::Call(call) => {
                    self.call(*call, &ways);
                    self.lead(code.calls[*call].after, &ways);
                    return None;
                }
                Node::Answer(call) => self.answered(*call, &mut ways),
                Node::Passed(call) => {
                    if code.calls[*call].is_pivot(self.model) {
                        ways = Ways { before: false, passed: BTreeSet::from([*call]) };
                    }
                }
                Node::ScopeEnd { .. } => {}
            }
            self.marked(node, &ways);
        }
        Some(ways)
    }

    /// The ways out that stand inside plain code.
    fn marked(&mut self, node: &Node, ways: &Ways) {
        struct Marks(Vec<usize>);
        impl<'ast> Visit<'ast> for Marks {
            fn visit_macro(&mut self, mac: &'ast syn::Macro) {
                self.0.extend(crate::flow::calls::exit_number(mac));
            }
        }
        let mut marks = Marks(Vec::new());
        match node {
            Node::Stmt(stmt) => marks.visit_stmt(stmt),
            Node::If { cond, .. } => marks.visit_expr(cond),
            Node::Match { scrutinee, .. } => marks.visit_expr(scrutinee),
            Node::LetElse { local, .. } => marks.visit_local(local),
            _ => {}
        }
        for exit in marks.0 {
            self.lead(self.code.exits[exit].target, ways);
        }
    }

    /// What a call is called in a message.
    fn named(&self, call: CallId) -> String {
        match &self.code.calls[call].job {
            Job::Child { ty, .. } | Job::Launch { ty } => crate::pretty::tokens(ty),
            _ => {
                let names = self.code.calls[call].callees();
                names.first().map_or_else(String::new, |callee| self.model.ident(*callee).to_string())
            }
        }
    }

    fn answered(&mut self, call: CallId, ways: &mut Ways) {
        let asked = &self.code.calls[call];
        if !asked.is_pivot(self.model) || asked.taken != Taken::Otherwise {
            return;
        }
        let name = self.named(call);
        let written = match asked.job {
            Job::Child { .. } => format!("cx.child::<{name}>(..).pivot().forever()"),
            _ => format!("self.{name}(..)"),
        };
        let message = format!(
            "whether the pivot `{name}` was done is not told apart here, so that nobody knows if there is a way back\nhelp: write \
             `{written}.await?`, or `match` it with `Ok(..)` and `Err(..)` where it is called"
        );
        self.report("hidden_pivot", call, asked.span, message);
        // Whatever follows is judged once the answer is told apart.
        *ways = Ways::default();
    }

    fn call(&mut self, call: CallId, ways: &Ways) {
        let code = self.code;
        let asked = &code.calls[call];
        if !ways.passed.is_empty() {
            self.after.calls.insert(call);
            if ways.before {
                self.after.past.remove(&call);
            } else {
                self.after.past.insert(call);
            }
        }
        for callee in asked.callees() {
            match callee {
                Callee::Step(step) => self.step(call, step, ways),
                Callee::Flow(flow) => self.inner(call, flow, ways),
            }
        }
        let Some(&pivot) = ways.passed.first() else { return };
        let passed = self.named(pivot);
        match &asked.job {
            Job::Child { pivot: true, .. } => self.second_pivot(call, pivot),
            Job::Child { .. } if ways.before => {
                let message = format!(
                    "saga `{}` may be called before and after the pivot `{passed}`: it would have to be undone, and could not \
                     be\nhelp: call it on one side only",
                    self.named(call)
                );
                self.report("refusal_after_pivot", call, asked.span, message);
            }
            Job::Child { .. } | Job::Wait { .. } | Job::Send if asked.taken == Taken::Tried => {
                let message = format!(
                    "the `?` behind this may end the saga after the pivot `{passed}`, when it can only go forward: half of it \
                     would be done for ever\nhelp: `match` it, and go on in each case"
                );
                self.report("refusal_after_pivot", call, asked.span, message);
            }
            _ => {}
        }
    }

    /// An inner flow, which stands where everything in it may stand.
    fn inner(&mut self, call: CallId, flow: usize, ways: &Ways) {
        let (summary, span) = (&self.summaries[flow], self.code.calls[call].span);
        let name = self.model.flows[flow].name();
        if let (Some(why), true) = (&summary.after, ways.before) {
            let message = format!(
                "inner flow `{name}` can be reached before the pivot, and {why}: it cannot be refused and has no undo, and the \
                 saga may still unwind\nhelp: call it after the pivot"
            );
            self.report("retriable_before_pivot", usize::MAX / 2 + call, span, message);
        }
        let Some(&pivot) = ways.passed.first() else { return };
        let passed = self.named(pivot);
        if let Some(why) = &summary.before {
            let message = format!(
                "inner flow `{name}` may stand after the pivot `{passed}`, where the saga can only go forward, and {why}\nhelp: \
                 call it before `{passed}`"
            );
            self.report("refusal_after_pivot", call, span, message);
        }
        self.after.by_type.extend(&summary.by_type);
        for &step in &summary.bounded {
            self.bounded(step, &passed);
        }
    }

    fn second_pivot(&mut self, call: CallId, pivot: CallId) {
        let (name, passed, span) = (self.named(call), self.named(pivot), self.code.calls[call].span);
        if pivot == call {
            let message = format!(
                "the pivot `{name}` is reached again after it was done: a second point of no return\nhelp: leave the loop \
                 once it is done"
            );
            self.report("two_pivots", call, span, message);
            return;
        }
        let first = format!(
            "after the pivot `{passed}` the saga may reach another pivot, `{name}`\nhelp: only the last step that may be \
             refused is the pivot: give `{passed}` a compensation instead"
        );
        let second = format!(
            "the pivot `{name}` may be reached after another pivot, `{passed}`, has been passed\nhelp: only one of them is \
             the point of no return: give `{passed}` a compensation, or make `{name}` retriable"
        );
        self.report("two_pivots", pivot, self.code.calls[pivot].span, first);
        self.report("two_pivots", call, span, second);
    }

    fn step(&mut self, call: CallId, index: usize, ways: &Ways) {
        let (code, model) = (self.code, self.model);
        let step = &model.steps[index];
        let (name, span) = (&step.ident, code.calls[call].span);
        if step.class == Class::Retriable && ways.before {
            let message = format!(
                "retriable step `{name}` can be reached before the pivot: it cannot be refused and has no undo, and the saga may \
                 still unwind\nhelp: call it after the pivot, or leave `retriable` out and write `#[compensate({name})]`; a \
                 compensated step may return `Result<T, Transient>`"
            );
            self.report("retriable_before_pivot", index, step.class_span, message);
        }
        let Some(&pivot) = ways.passed.first() else { return };
        let passed = self.named(pivot);
        match (step.class, step.refusable) {
            // In a join it has been reported as such.
            (Class::Pivot, _) => {
                if code.calls[call].is_pivot(model) {
                    self.second_pivot(call, pivot);
                }
                return;
            }
            (Class::Retriable, _) => return,
            // One without a compensation is reported as such, with all the ways out.
            (Class::Compensatable, _) if step.compensation.is_none() => return,
            (Class::Compensatable, _) => {
                let message = format!(
                    "step `{name}` has a compensation, but it may stand after the pivot `{passed}`, where nothing is undone any \
                     more\nhelp: call it before `{passed}`, or make it `retriable` and take its compensation away"
                );
                self.report("refusal_after_pivot", call, span, message);
            }
            (_, Refusable::Yes) => {
                let message = format!(
                    "step `{name}` can be refused, but it may stand after the pivot `{passed}`, where the saga can only go \
                     forward\nhelp: call it before `{passed}`, or let it return `Result<T, Transient>`"
                );
                self.report("refusal_after_pivot", call, span, message);
            }
            (_, Refusable::ByType) => {
                self.after.by_type.insert(index);
            }
            (_, Refusable::No) => {}
        }
        self.bounded(index, &passed);
    }

    /// A step after the pivot is tried until it is done.
    fn bounded(&mut self, index: usize, passed: &str) {
        let step = &self.model.steps[index];
        if let (Some((attempts, span)), false) = (step.attempts, step.parks) {
            let message = format!(
                "step `{name}` may stand after the pivot `{passed}`, where it is tried until it is done: it cannot give up after \
                 {attempts} attempts\nhelp: leave `attempts` out, or add `attempts_then = \"park\"`",
                name = step.ident
            );
            self.report("bounded_retriable", index, span, message);
        }
    }

    /// What could let a refusal out of plain code after a pivot.
    fn refusals(&mut self, ways: &Ways, visit: impl FnOnce(&mut LetsOut)) {
        let Some(&pivot) = ways.passed.first() else { return };
        let passed = self.named(pivot);
        let mut out = LetsOut::default();
        visit(&mut out);
        for (span, what) in out.0 {
            let place = span.start();
            let message = format!(
                "{what} may end the saga after the pivot `{passed}`, when it can only go forward: half of it would be done for \
                 ever\nhelp: decide it before `{passed}`, or go on without"
            );
            self.report("refusal_after_pivot", usize::MAX - place.line * 4096 - place.column, span, message);
        }
    }
}

/// The ways after branches.
fn merged(ends: impl IntoIterator<Item = Option<Ways>>) -> Option<Ways> {
    ends.into_iter().flatten().reduce(|mut all, end| {
        all.join(&end);
        all
    })
}

/// `?` on anything but a call's answer, and `return Err(..)`.
#[derive(Default)]
pub(super) struct LetsOut(pub(super) Vec<(proc_macro2::Span, &'static str)>);

impl<'ast> Visit<'ast> for LetsOut {
    fn visit_expr_try(&mut self, node: &'ast syn::ExprTry) {
        // A call that could be refused is reported as such.
        if !is_answer(&node.expr) {
            self.0.push((node.question_token.span, "this `?`"));
        }
        visit::visit_expr_try(self, node);
    }
    fn visit_expr_return(&mut self, node: &'ast syn::ExprReturn) {
        if let Some(value) = &node.expr
            && is_err(value)
        {
            self.0.push((value.span(), "this `Err`"));
        }
        visit::visit_expr_return(self, node);
    }
    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}
