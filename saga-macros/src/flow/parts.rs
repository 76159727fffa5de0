//! Locals that are taken apart: of which a field is moved out before a step, and another is needed after it.
//!
//! Where nothing but fields of such a local is needed, its fields are saved, each in a slot of its own, and not the whole.
//! Whether `order.id` moves or copies cannot be told from tokens; so this is done where a partial move is likely and the
//! local is surely a value of its own: the flow's input, and what a `for` goes through by value (`for line in order.lines`).

use super::bindings::{BindingId, Bindings, Kind};
use proc_macro2::Ident;
use std::collections::BTreeSet;
use syn::{
    Block, Expr, ExprField, Member, Pat,
    visit::{self, Visit},
};

/// Gives each field of a local that is taken apart a place of its own.
pub(crate) fn find_parts(body: &Block, bindings: &mut Bindings) {
    let mut find = Find { bindings, apart: BTreeSet::new(), fields: Vec::new() };
    find.visit_block(body);
    let Find { apart, fields, .. } = find;
    for (of, field) in fields {
        if apart.contains(&of) {
            bindings.declare_field(of, &field);
        }
    }
}

/// `local.field`: the local and the field.
pub(crate) fn field_of<'e>(bindings: &Bindings, field: &'e ExprField) -> Option<(BindingId, &'e Ident)> {
    let Expr::Path(path) = &*field.base else { return None };
    let local = bindings.of(path.path.get_ident()?)?;
    match &field.member {
        Member::Named(name) => Some((local, name)),
        Member::Unnamed(_) => None,
    }
}

struct Find<'b> {
    bindings: &'b Bindings,
    apart: BTreeSet<BindingId>,
    fields: Vec<(BindingId, Ident)>,
}

impl Find<'_> {
    /// A field whose value goes somewhere else.
    fn moved(&mut self, expr: &Expr, by_loop: bool) {
        if let Expr::Field(field) = expr
            && let Some((local, _)) = field_of(self.bindings, field)
        {
            let input = matches!(self.bindings[local].kind, Kind::Input);
            let own = matches!(self.bindings[local].kind, Kind::Local) && by_loop;
            if input || own {
                self.apart.insert(local);
            }
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
            self.moved(&init.expr, false);
        }
        visit::visit_local(self, local);
    }
    fn visit_expr_for_loop(&mut self, node: &'ast syn::ExprForLoop) {
        self.moved(&node.expr, true);
        visit::visit_expr_for_loop(self, node);
    }
    fn visit_expr_match(&mut self, node: &'ast syn::ExprMatch) {
        if node.arms.iter().any(|arm| binds(&arm.pat)) {
            self.moved(&node.expr, false);
        }
        visit::visit_expr_match(self, node);
    }
    fn visit_expr_let(&mut self, node: &'ast syn::ExprLet) {
        if binds(&node.pat) {
            self.moved(&node.expr, false);
        }
        visit::visit_expr_let(self, node);
    }
    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        node.args.iter().for_each(|argument| self.moved(argument, false));
        visit::visit_expr_call(self, node);
    }
    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        node.args.iter().for_each(|argument| self.moved(argument, false));
        visit::visit_expr_method_call(self, node);
    }
    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        node.fields.iter().for_each(|field| self.moved(&field.expr, false));
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
