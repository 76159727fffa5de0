//! Plain code: emitted as it stands, but for `break` and `continue` that lead out of it to a loop that was taken apart.

use super::{Dest, Lowering};
use crate::flow::{
    calls::{bare_answer, exit_mark, leaves},
    code::{Job, Node, SeqId},
    graph,
    live::{self, Declared},
    states::in_some_builds,
};
use syn::{
    Expr, ExprBreak, ExprLoop, Label, Lifetime, Pat, Stmt, parse_quote, parse_quote_spanned,
    spanned::Spanned,
    visit::Visit,
    visit_mut::{self, VisitMut},
};

impl Lowering<'_> {
    /// An expression without calls (any more), whose value goes to `dest`.
    pub(super) fn plain(&mut self, at: SeqId, mut expr: Expr, dest: &Dest) -> Option<SeqId> {
        self.leave_inside(at, &mut expr);
        match dest {
            Dest::Discard => {
                let goes_on = !diverges(&expr);
                self.statement(at, expr);
                goes_on.then_some(at)
            }
            Dest::Return => {
                if !diverges(&expr) {
                    let end = if is_err(&expr) { graph::Node::Unwinds } else { graph::Node::Completed };
                    let end = self.graph.end(end);
                    self.graph.arrive(at, end);
                    expr = parse_quote_spanned!(expr.span()=> return #expr);
                }
                self.statement(at, expr);
                None
            }
            Dest::Assign(id) => {
                if diverges(&expr) {
                    self.statement(at, expr);
                    return None;
                }
                let value = self.bindings.unique(*id);
                // In braces, so that rustc takes what is expected for what the block is expected to be, as in the flow.
                self.statement(at, parse_quote!(#value = { #expr }));
                Some(at)
            }
            Dest::Let(local) => {
                if diverges(&expr) {
                    self.statement(at, expr);
                    return None;
                }
                let mut local = (**local).clone();
                let Some(init) = &mut local.init else { return Some(at) };
                *init.expr = expr;
                if init.diverge.is_some() {
                    return self.let_else(at, local);
                }
                self.see(&local.pat);
                self.note_asked(&local);
                self.made_again(&local);
                self.push(at, Node::Stmt(Stmt::Local(local)));
                Some(at)
            }
        }
    }

    /// Notes of the locals that are nothing but the answer of steps and inner flows that their types are asked there.
    fn note_asked(&mut self, local: &syn::Local) {
        let Some(init) = &local.init else { return };
        let Expr::Try(tried) = &*init.expr else { return };
        let calls = bare_answer(&tried.expr).and_then(|_| self.code.calls.last());
        let pats = match (calls.map(|call| &call.job), &local.pat) {
            (Some(Job::Call(_)), pat @ Pat::Ident(_)) => vec![pat],
            (Some(Job::Join(_)), Pat::Tuple(pats)) => pats.elems.iter().collect(),
            _ => return,
        };
        for pat in pats {
            if let Pat::Ident(pat) = pat
                && let Some(id) = self.bindings.of(&pat.ident)
            {
                self.bindings[id].asked = true;
            }
        }
    }

    fn statement(&mut self, at: SeqId, expr: Expr) {
        if let Expr::Return(node) = &expr {
            let end =
                if node.expr.as_deref().is_some_and(is_err) { graph::Node::Unwinds } else { graph::Node::Completed };
            let end = self.graph.end(end);
            self.graph.arrive(at, end);
        }
        self.push(at, Node::Stmt(Stmt::Expr(expr, Some(parse_quote!(;)))));
    }

    /// Marks the places inside plain code that leave the arm.
    pub(super) fn leave_inside(&mut self, at: SeqId, expr: &mut Expr) {
        if !leaves(expr) {
            return;
        }
        if !matches!(expr, Expr::Return(_) | Expr::Break(_) | Expr::Continue(_)) {
            let text = self.bindings.text(live::tokens_of(&decision(expr)));
            self.branch_node(at, text);
            self.ends_inside(at, expr);
        }
        let outside = self.visible.len();
        let mut declared = Declared(self.bindings, Vec::new());
        declared.visit_expr(expr);
        let declared = declared.1;
        self.visible.extend(declared);
        Leave { lowering: self, at, labels: Vec::new(), loops: 0, whole: true }.visit_expr_mut(expr);
        self.visible.truncate(outside);
    }

    /// The edges of `return`s inside plain code.
    fn ends_inside(&mut self, at: SeqId, expr: &Expr) {
        struct Returns(Vec<bool>);
        impl<'ast> Visit<'ast> for Returns {
            fn visit_expr_return(&mut self, node: &'ast syn::ExprReturn) {
                self.0.push(node.expr.as_deref().is_some_and(is_err));
            }
            fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
            fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
            fn visit_item(&mut self, _: &'ast syn::Item) {}
        }
        let mut returns = Returns(Vec::new());
        returns.visit_expr(expr);
        for unwinds in returns.0 {
            self.graph.may_end(at, if unwinds { graph::Node::Unwinds } else { graph::Node::Completed });
        }
    }

    /// What stands for `break` or `continue` to a loop or block that was taken apart.
    fn jump(
        &mut self,
        at: SeqId,
        whole: bool,
        label: Option<&Lifetime>,
        value: Option<Expr>,
        breaks: bool,
    ) -> Option<Expr> {
        let target = self.targets.iter().rev().find(|target| match label {
            Some(label) => target.label.as_deref() == Some(label.ident.to_string().as_str()),
            None => target.on_continue.is_some(),
        })?;
        let block = if breaks { target.on_break } else { target.on_continue? };
        let dest = if breaks { target.dest.clone() } else { Dest::Discard };
        let span = label.map_or_else(proc_macro2::Span::call_site, Spanned::span);
        if matches!(dest, Dest::Return) {
            let value = value.unwrap_or_else(|| parse_quote!(()));
            self.graph.may_end(at, if is_err(&value) { graph::Node::Unwinds } else { graph::Node::Completed });
            return Some(parse_quote!(return #value));
        }
        let exit = self.new_exit(block);
        if whole {
            self.graph.leave(at, block);
        } else {
            self.graph.may_leave(at, block);
        }
        let mark = exit_mark(exit, span);
        Some(match (dest, value) {
            (Dest::Assign(id), value) => {
                let value = value.unwrap_or_else(|| parse_quote!(()));
                let name = self.bindings.unique(id);
                parse_quote!({ #name = { #value }; #mark })
            }
            (_, Some(value)) => parse_quote!({ #value; #mark }),
            (_, None) => mark,
        })
    }

    /// `break value` whose value calls a step.
    pub(super) fn break_(&mut self, at: SeqId, node: ExprBreak) -> Option<SeqId> {
        let target = self.targets.iter().rev().find(|target| match &node.label {
            Some(label) => target.label.as_deref() == Some(label.ident.to_string().as_str()),
            None => target.on_continue.is_some(),
        })?;
        let (dest, block) = (target.dest.clone(), target.on_break);
        let value = *node.expr?;
        let end = self.value(at, value, &dest)?;
        self.leave(end, block);
        None
    }
}

struct Leave<'l, 'm> {
    lowering: &'l mut Lowering<'m>,
    at: SeqId,
    labels: Vec<String>,
    loops: usize,
    /// Whether what is visited is the whole expression, and not a part.
    whole: bool,
}

impl Leave<'_, '_> {
    fn inside(&mut self, label: Option<&Label>, is_loop: bool, visit: impl FnOnce(&mut Self)) {
        let labels = self.labels.len();
        self.labels.extend(label.map(|label| label.name.ident.to_string()));
        self.loops += usize::from(is_loop);
        visit(self);
        self.loops -= usize::from(is_loop);
        self.labels.truncate(labels);
    }

    fn stays(&self, label: Option<&Lifetime>) -> bool {
        match label {
            Some(label) => self.labels.contains(&label.ident.to_string()),
            None => self.loops > 0,
        }
    }
}

impl VisitMut for Leave<'_, '_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let whole = std::mem::replace(&mut self.whole, false);
        let replacement = match expr {
            Expr::Break(node) if !self.stays(node.label.as_ref()) => {
                if let Some(value) = &mut node.expr {
                    self.visit_expr_mut(value);
                }
                let value = node.expr.as_deref().cloned();
                self.lowering.jump(self.at, whole, node.label.as_ref(), value, true)
            }
            Expr::Continue(node) if !self.stays(node.label.as_ref()) => {
                self.lowering.jump(self.at, whole, node.label.as_ref(), None, false)
            }
            Expr::Closure(_) | Expr::Async(_) => return,
            _ => {
                visit_mut::visit_expr_mut(self, expr);
                None
            }
        };
        if let Some(replacement) = replacement {
            *expr = replacement;
        }
    }

    fn visit_expr_loop_mut(&mut self, node: &mut ExprLoop) {
        let label = node.label.clone();
        self.inside(label.as_ref(), true, |this| visit_mut::visit_expr_loop_mut(this, node));
    }
    fn visit_expr_while_mut(&mut self, node: &mut syn::ExprWhile) {
        let label = node.label.clone();
        self.inside(label.as_ref(), true, |this| visit_mut::visit_expr_while_mut(this, node));
    }
    fn visit_expr_for_loop_mut(&mut self, node: &mut syn::ExprForLoop) {
        let label = node.label.clone();
        self.inside(label.as_ref(), true, |this| visit_mut::visit_expr_for_loop_mut(this, node));
    }
    fn visit_expr_block_mut(&mut self, node: &mut syn::ExprBlock) {
        let label = node.label.clone();
        self.inside(label.as_ref(), false, |this| visit_mut::visit_expr_block_mut(this, node));
    }
    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}

/// Whether control never goes on after this expression, as far as its own outermost token tells.
pub(crate) fn diverges(expr: &Expr) -> bool {
    match expr {
        other if in_some_builds(other) => false,
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
        Expr::Macro(mac) => crate::flow::calls::exit_number(&mac.mac).is_some(),
        Expr::Paren(paren) => diverges(&paren.expr),
        Expr::Block(block) if block.label.is_none() => match block.block.stmts.last() {
            Some(Stmt::Expr(last, _)) => diverges(last),
            Some(Stmt::Macro(last)) => crate::flow::calls::exit_number(&last.mac).is_some(),
            _ => false,
        },
        _ => false,
    }
}

/// Whether this is written as an `Err(..)`.
pub(crate) fn is_err(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Err"))
        }
        Expr::Paren(paren) => is_err(&paren.expr),
        _ => false,
    }
}

/// What decides in this code: the condition or the scrutinee of its outermost `if` or `match`.
fn decision(expr: &Expr) -> Expr {
    match expr {
        Expr::If(node) => (*node.cond).clone(),
        Expr::Match(node) => (*node.expr).clone(),
        other => other.clone(),
    }
}
