//! Taking a call out of the expression that it is a part of: it is made first, and its answer stands in its place.

use super::{Dest, Lowering};
use crate::flow::{
    calls::{answer, bare_answer, tries_answer},
    code::{Node, SeqId, Taken},
    live::{is_trivial, operands_mut},
    states::state_name,
    verbs::awaited,
};
use syn::{BinOp, Expr, ExprBinary, UnOp, parse_quote, spanned::Spanned};

impl Lowering<'_> {
    /// Makes every call inside `expr`; afterwards it is plain, the answer of the last call standing where that call stood.
    pub(super) fn hoist(&mut self, at: SeqId, expr: &mut Expr) -> Option<SeqId> {
        let first_call = self.code.calls.len();
        let end = self.hoist_inside(at, expr)?;
        if self.code.calls.len() > first_call {
            let last = self.code.calls.len() - 1;
            self.note_tried(end, last, expr);
        }
        Some(end)
    }

    /// Notes it if the answer is taken by `?`.
    fn note_tried(&mut self, at: SeqId, call: usize, expr: &Expr) {
        if self.code.calls[call].taken == Taken::Otherwise && tries_answer(expr) {
            self.code.calls[call].taken = Taken::Tried;
            self.push(at, Node::Passed(call));
            if self.code.calls[call].can_fail(self.model) {
                let (node, label) = (self.code.calls[call].node, self.code.calls[call].failure());
                self.graph.refused(node, label);
            }
        }
    }

    fn hoist_inside(&mut self, at: SeqId, expr: &mut Expr) -> Option<SeqId> {
        if let Some((verb, span)) = awaited(self.model, expr) {
            let (named, written) = match &*expr {
                Expr::Await(node) => (state_name(&node.attrs), (*node.base).clone()),
                other => (None, other.clone()),
            };
            let answer = answer(expr);
            let end = self.call(at, &verb, named, span, written, &answer)?;
            *expr = answer;
            return Some(end);
        }
        match expr {
            Expr::Paren(node) => return self.hoist_inside(at, &mut node.expr),
            Expr::Group(node) => return self.hoist_inside(at, &mut node.expr),
            Expr::Unsafe(_) | Expr::Const(_) | Expr::TryBlock(_) | Expr::Yield(_) | Expr::Let(_) => {
                self.cannot_split(expr);
                return None;
            }
            _ => {}
        }
        let control = matches!(
            expr,
            Expr::Block(_)
                | Expr::If(_)
                | Expr::Match(_)
                | Expr::Loop(_)
                | Expr::While(_)
                | Expr::ForLoop(_)
                | Expr::Return(_)
                | Expr::Break(_)
        ) || matches!(expr, Expr::Binary(node) if self.is_short_circuit(node));
        if control {
            let span = expr.span();
            let value = self.invent_deferred("__value", "value", span);
            let inner = std::mem::replace(expr, self.local(value));
            return self.value(at, inner, &Dest::Assign(value));
        }
        self.hoist_operands(at, expr)
    }

    /// The operands in the order of their evaluation: what stands before a call must have nothing to do yet.
    fn hoist_operands(&mut self, at: SeqId, expr: &mut Expr) -> Option<SeqId> {
        let model = self.model;
        let calls = |expr: &Expr| crate::flow::calls::has_call(model, expr);
        let assigns = matches!(expr, Expr::Binary(node) if is_assignment(node.op));
        let mut operands = operands_mut(expr);
        let Some(last) = operands.iter().rposition(|operand| calls(operand)) else { return Some(at) };
        let mut at = at;
        for (index, operand) in operands.iter_mut().enumerate().take(last + 1) {
            if !calls(operand) {
                if !(is_trivial(operand) || assigns && is_place(operand)) {
                    self.errors.span(
                        "hidden_step",
                        operand.span(),
                        "this is evaluated before the step beside it, and nothing would save it\nhelp: bind it with `let` \
                         first",
                    );
                }
                continue;
            }
            at = self.hoist(at, operand)?;
            if index < last {
                // Another call comes before the whole expression is evaluated: this part of it is evaluated now.
                let span = operand.span();
                let part = self.invent("__part", "part", false, span);
                let name = self.bindings.unique(part);
                let value = std::mem::replace(*operand, self.local(part));
                let stmt = parse_quote!(let #name = #value;);
                self.push(at, Node::Stmt(stmt));
            }
        }
        Some(at)
    }

    fn cannot_split(&mut self, expr: &Expr) {
        self.errors.at(
            "hidden_step",
            expr,
            "a step in here cannot be made a state of its own\nhelp: call it in a statement of its own, and bind its answer \
             with `let`",
        );
    }

    /// Whether the right side is evaluated only if the left one says so, and calls a step.
    pub(super) fn is_short_circuit(&self, node: &ExprBinary) -> bool {
        matches!(node.op, BinOp::And(_) | BinOp::Or(_)) && self.has_call(&node.right)
    }

    /// `a && b`, `a || b` where `b` calls a step: it is made only if `a` says so.
    pub(super) fn short_circuit(&mut self, at: SeqId, node: ExprBinary, dest: &Dest) -> Option<SeqId> {
        let (left, right) = (node.left, node.right);
        let branches: Expr = if matches!(node.op, BinOp::And(_)) {
            parse_quote!(if #left { #right } else { false })
        } else {
            parse_quote!(if #left { true } else { #right })
        };
        self.value(at, branches, dest)
    }

    /// Whether the pivot's answer is told apart here by literal patterns: notes that it is.
    pub(super) fn note_matched(&mut self, scrutinee: &Expr) -> Option<usize> {
        bare_answer(scrutinee)?;
        let call = self.code.calls.len().checked_sub(1)?;
        self.code.calls[call].taken = Taken::Matched;
        Some(call)
    }
}

/// Whether this is `+=` or one of its like.
fn is_assignment(op: BinOp) -> bool {
    use BinOp::{
        AddAssign, BitAndAssign, BitOrAssign, BitXorAssign, DivAssign, MulAssign, RemAssign, ShlAssign, ShrAssign,
        SubAssign,
    };
    matches!(
        op,
        AddAssign(_)
            | SubAssign(_)
            | MulAssign(_)
            | DivAssign(_)
            | RemAssign(_)
            | BitXorAssign(_)
            | BitAndAssign(_)
            | BitOrAssign(_)
            | ShlAssign(_)
            | ShrAssign(_)
    )
}

/// Whether this is a place that nothing is computed for: it may as well be looked up after the value that it is given.
fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Field(node) => is_place(&node.base),
        Expr::Paren(node) => is_place(&node.expr),
        Expr::Unary(node) => matches!(node.op, UnOp::Deref(_)) && is_place(&node.expr),
        _ => false,
    }
}
