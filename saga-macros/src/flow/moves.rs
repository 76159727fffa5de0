//! Locals that plain code moves although they are needed after a step.
//!
//! If such a local is not `Copy`, rustc says so in the plain flow. The machine would say it a second time, in other words,
//! where it puts the local back; so it puts back a copy that it made before, which for a type that is not `Copy` is never
//! reached.

use super::{
    bindings::{BindingId, Bindings, Kind},
    code::{Call, Node},
};
use std::collections::BTreeSet;
use syn::{Expr, Pat, Stmt};

/// The locals that this node moves or copies on every way through it.
pub(crate) fn moved_by(node: &Node, calls: &[Call], bindings: &Bindings) -> BTreeSet<BindingId> {
    let mut moved = Moved { bindings, found: BTreeSet::new() };
    match node {
        Node::Stmt(Stmt::Local(local)) => {
            if let Some(init) = &local.init {
                moved.bound_by(&local.pat, &init.expr);
            }
        }
        Node::Stmt(Stmt::Expr(expr, _)) => moved.value(expr),
        Node::LetElse { local, .. } => {
            if let Some(init) = &local.init {
                moved.operand(&init.expr);
            }
        }
        Node::Call(call) => calls[*call].operands.iter().for_each(|operand| moved.value(operand)),
        _ => {}
    }
    moved.found
}

struct Moved<'b> {
    bindings: &'b Bindings,
    found: BTreeSet<BindingId>,
}

impl Moved<'_> {
    /// A value that is bound: `_`, `ref` and what takes it apart leave the rest of it where it is.
    fn bound_by(&mut self, pat: &Pat, value: &Expr) {
        match pat {
            Pat::Ident(pat) if pat.by_ref.is_none() => self.value(value),
            Pat::Type(typed) => self.bound_by(&typed.pat, value),
            Pat::Paren(paren) => self.bound_by(&paren.pat, value),
            _ => self.operand(value),
        }
    }

    /// An expression whose value goes somewhere else.
    fn value(&mut self, expr: &Expr) {
        match expr {
            Expr::Path(path) => {
                let local = path.path.get_ident().and_then(|ident| self.bindings.of(ident));
                let own = local.filter(|&id| {
                    let binding = &self.bindings[id];
                    !binding.mutable && !binding.deferred && matches!(binding.kind, Kind::Input | Kind::Local)
                });
                self.found.extend(own);
            }
            Expr::Paren(node) => self.value(&node.expr),
            other => self.operand(other),
        }
    }

    /// An expression that may only be looked at.
    fn operand(&mut self, expr: &Expr) {
        match expr {
            Expr::Call(node) => node.args.iter().for_each(|argument| self.value(argument)),
            Expr::MethodCall(node) => {
                self.operand(&node.receiver);
                node.args.iter().for_each(|argument| self.value(argument));
            }
            Expr::Struct(node) => node.fields.iter().for_each(|field| self.value(&field.expr)),
            Expr::Tuple(node) => node.elems.iter().for_each(|elem| self.value(elem)),
            Expr::Array(node) => node.elems.iter().for_each(|elem| self.value(elem)),
            Expr::Try(node) => self.operand(&node.expr),
            Expr::Assign(node) if matches!(*node.left, Expr::Path(_) | Expr::Field(_)) => self.value(&node.right),
            Expr::Assign(node) => self.operand(&node.right),
            Expr::Field(node) => self.operand(&node.base),
            Expr::Paren(node) => self.operand(&node.expr),
            Expr::Reference(node) => self.operand(&node.expr),
            Expr::Unary(node) => self.operand(&node.expr),
            Expr::Cast(node) => self.operand(&node.expr),
            Expr::Binary(node) if !matches!(node.op, syn::BinOp::And(_) | syn::BinOp::Or(_)) => {
                self.operand(&node.left);
                self.operand(&node.right);
            }
            _ => {}
        }
    }
}
