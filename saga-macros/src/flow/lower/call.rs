//! A call: its operands are evaluated in the arm that it ends, and what follows it begins the next.

use super::Lowering;
use crate::flow::{
    calls::bare_answer,
    code::{Branch, Call, Job, Node, SeqId, Taken, Until},
    graph,
    live::is_trivial,
    verbs::{self, Verb, signals},
};
use proc_macro2::Span;
use syn::{Expr, ExprMethodCall, Stmt, parse_quote, spanned::Spanned};

impl Lowering<'_> {
    /// Makes a call; answers the run of the code after it, which begins with the answer.
    pub(super) fn call(
        &mut self,
        at: SeqId,
        verb: &Verb<'_>,
        named: Option<(String, Span)>,
        span: Span,
        written: Expr,
        answer: &Expr,
    ) -> Option<SeqId> {
        let (job, operands) = self.job(verb);
        let (at, operands) = self.operands(at, operands)?;
        let after = self.code.block("AfterCall");
        self.code.blocks[after].reached = true;
        let state = self.code.calls.len();
        let node = self.graph.node(at, graph::Node::Call(state));
        let visible = self.visible.clone();
        let taken = Taken::Otherwise;
        let answer = bare_answer(answer)?.clone();
        self.code.calls.push(Call { job, named, span, answer, written, operands, after, visible, taken, node });
        self.push(at, Node::Call(state));
        let root = self.enter(after);
        self.graph.begin(root, node, "", graph::Kind::Next);
        self.push(root, Node::Answer(state));
        Some(root)
    }

    /// What the call is, and what is evaluated for it.
    fn job(&self, verb: &Verb<'_>) -> (Job, Vec<Expr>) {
        let time = |until: Option<verbs::Until<'_>>| until.map(|until| until.expr().clone());
        match verb {
            Verb::Call(branch) => {
                let (branch, arguments) = Self::branch(branch);
                (Job::Call(branch), arguments)
            }
            Verb::Join(branches) => {
                let mut operands = Vec::new();
                let branches = branches.iter().map(|branch| {
                    let (branch, arguments) = Self::branch(branch);
                    operands.extend(arguments);
                    branch
                });
                (Job::Join(branches.collect()), operands)
            }
            Verb::Each { items, limit, pat, branch } => {
                let (branch, arguments) = Self::branch(branch);
                let each = parse_quote!(for __item in #items { let #pat = __item; #(#arguments;)* });
                (Job::Each(branch), vec![each, (*limit).clone()])
            }
            Verb::Sleep(until) => (Job::Sleep(Until::of(*until)), vec![until.expr().clone()]),
            Verb::Wait { signals: waited, until } => {
                let which = signals(self.model, waited).into_iter().filter_map(|(_, signal)| signal).collect();
                let until_is = until.map(Until::of);
                (Job::Wait { signals: (*waited).clone(), which, until: until_is }, time(*until).into_iter().collect())
            }
            Verb::Child { ty, input, pivot, until } => {
                let operands = std::iter::once((*input).clone()).chain(time(*until)).collect();
                (Job::Child { ty: (*ty).clone(), pivot: *pivot, until: until.map(Until::of) }, operands)
            }
            Verb::Launch { ty, input } => (Job::Launch { ty: (*ty).clone() }, vec![(*input).clone()]),
            Verb::Send { call } => (Job::Send, call.args.iter().cloned().collect()),
        }
    }

    /// A call of a step or an inner flow, and its arguments; the context is no argument.
    fn branch(branch: &verbs::Branch<'_>) -> (Branch, Vec<Expr>) {
        let ExprMethodCall { args, .. } = branch.call;
        let arguments = args.iter().enumerate().filter(|(_, argument)| !verbs::is_the_context(argument));
        let (parameters, operands) = arguments.map(|(index, argument)| (index, argument.clone())).unzip();
        (Branch { callee: branch.callee, call: branch.call.clone(), parameters }, operands)
    }

    /// Makes the calls inside the operands. What stands before such a call must have nothing to do yet.
    fn operands(&mut self, at: SeqId, mut operands: Vec<Expr>) -> Option<(SeqId, Vec<Expr>)> {
        let with_calls: Vec<bool> = operands.iter().map(|operand| self.has_call(operand)).collect();
        let last = with_calls.iter().rposition(|&with_call| with_call);
        let mut at = at;
        for (index, operand) in operands.iter_mut().enumerate() {
            if with_calls[index] {
                // The calls of a fan-out stand where its items come from; its closure has none but the branch itself.
                let source = match operand {
                    Expr::ForLoop(each) if is_fan_out(each) => &mut *each.expr,
                    other => other,
                };
                at = self.hoist(at, source)?;
                if last != Some(index) {
                    let part = self.invent("__part", "part", false, source.span());
                    let name = self.bindings.unique(part);
                    let value = std::mem::replace(source, self.local(part));
                    self.push(at, Node::Stmt(parse_quote!(let #name = #value;)));
                }
            } else if last.is_some_and(|last| index < last) && !is_trivial(operand) {
                self.errors.span(
                    "hidden_step",
                    operand.span(),
                    "this is evaluated before the step beside it, and nothing would save it\nhelp: bind it with `let` first",
                );
            } else {
                self.leave_inside(at, operand);
            }
        }
        Some((at, operands))
    }
}

/// Whether this loop is the one that evaluates the arguments of a fan-out.
fn is_fan_out(each: &syn::ExprForLoop) -> bool {
    matches!(&*each.pat, syn::Pat::Ident(pat) if pat.ident == "__item")
}

impl Until {
    fn of(until: verbs::Until<'_>) -> Self {
        match until {
            verbs::Until::After(_) => Self::After,
            verbs::Until::At(_) => Self::At,
        }
    }
}

/// The parts of the loop that evaluates the arguments of a fan-out: the pattern and where it comes from, and the arguments.
pub(crate) fn fan_out(each: &Expr) -> Option<(&Expr, &Stmt, Vec<&Expr>)> {
    let Expr::ForLoop(each) = each else { return None };
    let (taken, arguments) = each.body.stmts.split_first()?;
    let arguments = arguments.iter().filter_map(|stmt| match stmt {
        Stmt::Expr(argument, _) => Some(argument),
        _ => None,
    });
    Some((&each.expr, taken, arguments.collect()))
}
