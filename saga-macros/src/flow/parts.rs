//! Locals that are taken apart: of which a field is moved out, and another is needed after a step that follows.
//!
//! Where nothing but fields of such a local is needed, its fields are saved, each in a slot of its own, and not the whole.
//! Whether `order.id` moves or copies cannot be told from tokens; so this is done wherever a field's value goes somewhere
//! else before another is needed, and every other local is saved whole.

use super::{
    bindings::{BindingId, Bindings, Kind},
    code::{Call, Node},
};
use std::collections::BTreeSet;
use syn::{
    Block, Expr, ExprField, Ident, Member, Pat,
    visit::{self, Visit},
};

/// Gives each field of a local that may be taken apart a place of its own.
pub(crate) fn find_parts(body: &Block, bindings: &mut Bindings) {
    let mut find = Find::new(bindings);
    find.visit_block(body);
    let Find { moved, fields, .. } = find;
    for (of, field) in fields {
        if moved.contains(&of) {
            bindings.declare_field(of, &field);
        }
    }
}

/// The locals of which this node moves, or copies, a field.
pub(crate) fn taken_apart_by(node: &Node, calls: &[Call], bindings: &Bindings) -> BTreeSet<BindingId> {
    look(node, calls, bindings).moved
}

/// The parts of parts that this node moves or copies: `order.address.street`. A part is saved whole.
pub(crate) fn nested_parts_of(node: &Node, calls: &[Call], bindings: &Bindings) -> Vec<(BindingId, ExprField)> {
    look(node, calls, bindings).nested
}

/// The local of `local.field.field`, of which this is everything before the last field.
fn root_of(bindings: &Bindings, base: &Expr) -> Option<BindingId> {
    let Expr::Field(field) = base else { return None };
    match &*field.base {
        Expr::Path(path) => bindings.of(path.path.get_ident()?),
        other => root_of(bindings, other),
    }
}

fn look<'b>(node: &Node, calls: &[Call], bindings: &'b Bindings) -> Find<'b> {
    let mut find = Find::new(bindings);
    match node {
        Node::Stmt(stmt) => find.visit_stmt(stmt),
        Node::If { cond, .. } => find.visit_expr(cond),
        Node::Match { scrutinee, arms, .. } => {
            for arm in arms {
                find.bound_by(&arm.pat, scrutinee);
            }
            find.visit_expr(scrutinee);
        }
        Node::LetElse { local, .. } => find.visit_local(local),
        Node::Call(call) => {
            for argument in &calls[*call].operands {
                find.moved(argument);
                find.visit_expr(argument);
            }
        }
        Node::Scope { .. } | Node::Exit(_) | Node::Answer(_) | Node::Passed(_) | Node::ScopeEnd { .. } => {}
    }
    find
}

/// `local.field`: the local and the field.
pub(crate) fn field_of<'e>(bindings: &Bindings, field: &'e ExprField) -> Option<(BindingId, &'e Member)> {
    let Expr::Path(path) = &*field.base else { return None };
    Some((bindings.of(path.path.get_ident()?)?, &field.member))
}

struct Find<'b> {
    bindings: &'b Bindings,
    moved: BTreeSet<BindingId>,
    fields: Vec<(BindingId, Member)>,
    nested: Vec<(BindingId, ExprField)>,
}

impl<'b> Find<'b> {
    fn new(bindings: &'b Bindings) -> Self {
        Self { bindings, moved: BTreeSet::new(), fields: Vec::new(), nested: Vec::new() }
    }

    /// A field whose value goes somewhere else.
    fn moved(&mut self, expr: &Expr) {
        if let Expr::Field(field) = expr
            && let Some((local, _)) = field_of(self.bindings, field)
            && matches!(self.bindings[local].kind, Kind::Input | Kind::Local)
        {
            self.moved.insert(local);
        } else if let Expr::Field(field) = expr
            && let Some(local) = root_of(self.bindings, &field.base)
            && matches!(self.bindings[local].kind, Kind::Input | Kind::Local)
        {
            self.nested.push((local, field.clone()));
        }
    }

    /// A value that a pattern takes apart, or that is bound by it.
    fn bound_by(&mut self, pat: &Pat, value: &Expr) {
        if !binds(pat) {
            return;
        }
        self.moved(value);
        if let Expr::Path(path) = value
            && !matches!(pat, Pat::Ident(_) | Pat::Type(_))
            && let Some(local) = path.path.get_ident().and_then(|ident| self.bindings.of(ident))
            && matches!(self.bindings[local].kind, Kind::Input | Kind::Local)
        {
            self.moved.insert(local);
        }
    }
}

impl<'ast> Visit<'ast> for Find<'_> {
    fn visit_expr_field(&mut self, field: &'ast ExprField) {
        if let Some((local, name)) = field_of(self.bindings, field) {
            self.fields.push((local, name.clone()));
        }
        visit::visit_expr_field(self, field);
    }
    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.moved(&init.expr);
            self.bound_by(&local.pat, &init.expr);
        }
        visit::visit_local(self, local);
    }
    fn visit_expr_for_loop(&mut self, node: &'ast syn::ExprForLoop) {
        self.moved(&node.expr);
        visit::visit_expr_for_loop(self, node);
    }
    fn visit_expr_match(&mut self, node: &'ast syn::ExprMatch) {
        for arm in &node.arms {
            self.bound_by(&arm.pat, &node.expr);
        }
        visit::visit_expr_match(self, node);
    }
    fn visit_expr_let(&mut self, node: &'ast syn::ExprLet) {
        self.bound_by(&node.pat, &node.expr);
        visit::visit_expr_let(self, node);
    }
    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        node.args.iter().for_each(|argument| self.moved(argument));
        visit::visit_expr_call(self, node);
    }
    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        if consumes(&node.method) {
            self.moved(&node.receiver);
        }
        node.args.iter().for_each(|argument| self.moved(argument));
        visit::visit_expr_method_call(self, node);
    }
    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        node.fields.iter().for_each(|field| self.moved(&field.expr));
        visit::visit_expr_struct(self, node);
    }
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        super::tokens::fields_in(mac.tokens.clone(), &mut |local, field| {
            if let (Some(local), Some(field)) = (self.bindings.of(local), field) {
                self.fields.push((local, field.clone()));
            }
        });
    }
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// Whether a method takes its receiver by value, as far as its name tells.
fn consumes(method: &Ident) -> bool {
    let name = method.to_string();
    let by_convention = ["into", "unwrap", "ok_or", "map"]
        .iter()
        .any(|&prefix| name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')));
    by_convention
        || matches!(name.as_str(), "and_then" | "err" | "expect" | "filter" | "flatten" | "ok" | "or" | "or_else")
}

/// Whether a pattern binds anything.
fn binds(pat: &Pat) -> bool {
    struct Binds(bool);
    impl<'ast> Visit<'ast> for Binds {
        fn visit_pat_ident(&mut self, _: &'ast syn::PatIdent) {
            self.0 = true;
        }
    }
    let mut binds = Binds(false);
    binds.visit_pat(pat);
    binds.0
}
