//! Names to locals: gives each local of the flow, and each use of it, a name of its own.

use super::{
    bindings::{BindingId, Bindings, Kind},
    tokens,
};
use proc_macro2::Ident;
use syn::{
    Arm, Block, Expr, ExprClosure, ExprForLoop, ExprIf, ExprLet, ExprPath, ExprWhile, FieldPat, FieldValue, Item,
    Local, Macro, Pat, PatGuard, PatIdent,
    ext::IdentExt,
    visit_mut::{self, VisitMut},
};

/// Resolves every name in the flow's body. The names of `scope` are the flow's parameters.
pub(crate) fn resolve(body: &mut Block, bindings: &mut Bindings, scope: Vec<BindingId>) {
    Resolver { bindings, scope }.visit_block_mut(body);
}

struct Resolver<'b> {
    bindings: &'b mut Bindings,
    /// What is visible, the innermost last.
    scope: Vec<BindingId>,
}

impl Resolver<'_> {
    fn lookup(&self, name: &Ident) -> Option<BindingId> {
        let name = name.unraw().to_string();
        self.scope.iter().rev().copied().find(|&id| self.bindings[id].name == name)
    }

    fn scoped(&mut self, inside: impl FnOnce(&mut Self)) {
        let outside = self.scope.len();
        inside(self);
        self.scope.truncate(outside);
    }

    fn declare(&mut self, pat: &mut Pat, matches_all: bool) -> Vec<BindingId> {
        let mut declare = Declare { bindings: self.bindings, declared: Vec::new(), matches_all };
        declare.visit_pat_mut(pat);
        let declared = declare.declared;
        self.scope.extend(&declared);
        // A guard sees what its pattern binds.
        Guards(self).visit_pat_mut(pat);
        declared
    }
}

/// Whether an identifier in a pattern binds a local: by the naming convention, since `None` and constants look the same.
/// Where a pattern matches everything no constant can stand, and only a type without fields looks like a local.
fn binds(pat: &PatIdent, matches_all: bool) -> bool {
    let name = pat.ident.unraw().to_string();
    pat.by_ref.is_some()
        || pat.mutability.is_some()
        || pat.subpat.is_some()
        || !name.starts_with(char::is_uppercase)
        || (matches_all && !name.contains(char::is_lowercase))
}

struct Declare<'b> {
    bindings: &'b mut Bindings,
    declared: Vec<BindingId>,
    /// Whether the pattern matches everything.
    matches_all: bool,
}

impl VisitMut for Declare<'_> {
    fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
        if binds(pat, self.matches_all) {
            let name = pat.ident.unraw().to_string();
            // The cases of an or-pattern bind the same names.
            let known = self.declared.iter().copied().find(|&id| self.bindings[id].name == name);
            let id = known.unwrap_or_else(|| {
                let id = self.bindings.declare(&pat.ident, pat.mutability.is_some(), Kind::Local);
                self.declared.push(id);
                id
            });
            pat.ident = Ident::new(&self.bindings[id].unique, pat.ident.span());
        }
        visit_mut::visit_pat_ident_mut(self, pat);
    }

    fn visit_field_pat_mut(&mut self, field: &mut FieldPat) {
        let matches_all = self.matches_all;
        if field.colon_token.is_none() && matches!(&*field.pat, Pat::Ident(pat) if binds(pat, matches_all)) {
            field.colon_token = Some(syn::Token![:](proc_macro2::Span::call_site()));
        }
        visit_mut::visit_field_pat_mut(self, field);
    }

    // Expressions in patterns are constants, except a guard, which comes after everything is declared.
    fn visit_expr_mut(&mut self, _: &mut Expr) {}
}

struct Guards<'r, 'b>(&'r mut Resolver<'b>);

impl VisitMut for Guards<'_, '_> {
    fn visit_pat_guard_mut(&mut self, pat: &mut PatGuard) {
        self.0.visit_expr_mut(&mut pat.guard);
    }
    fn visit_expr_mut(&mut self, _: &mut Expr) {}
}

impl VisitMut for Resolver<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.scoped(|this| visit_mut::visit_block_mut(this, block));
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        if let Some(init) = &mut local.init {
            self.visit_expr_mut(&mut init.expr);
            if let Some((_, diverge)) = &mut init.diverge {
                self.visit_expr_mut(diverge);
            }
        }
        let ty = match &local.pat {
            Pat::Type(typed) if matches!(*typed.pat, Pat::Ident(_)) => Some((*typed.ty).clone()),
            _ => None,
        };
        let matches_all = local.init.as_ref().is_none_or(|init| init.diverge.is_none());
        let declared = self.declare(&mut local.pat, matches_all);
        for id in declared {
            self.bindings[id].deferred = local.init.is_none();
            self.bindings[id].ty.clone_from(&ty);
        }
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        self.scoped(|this| {
            for input in &mut closure.inputs {
                this.declare(input, true);
            }
            this.visit_expr_mut(&mut closure.body);
        });
    }

    fn visit_expr_if_mut(&mut self, node: &mut ExprIf) {
        self.scoped(|this| {
            this.visit_expr_mut(&mut node.cond);
            this.visit_block_mut(&mut node.then_branch);
        });
        if let Some((_, otherwise)) = &mut node.else_branch {
            self.visit_expr_mut(otherwise);
        }
    }

    fn visit_expr_while_mut(&mut self, node: &mut ExprWhile) {
        self.scoped(|this| {
            this.visit_expr_mut(&mut node.cond);
            this.visit_block_mut(&mut node.body);
        });
    }

    fn visit_expr_let_mut(&mut self, node: &mut ExprLet) {
        self.visit_expr_mut(&mut node.expr);
        self.declare(&mut node.pat, false);
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.scoped(|this| {
            this.declare(&mut arm.pat, false);
            this.visit_expr_mut(&mut arm.body);
        });
    }

    fn visit_expr_for_loop_mut(&mut self, node: &mut ExprForLoop) {
        self.visit_expr_mut(&mut node.expr);
        self.scoped(|this| {
            this.declare(&mut node.pat, true);
            this.visit_block_mut(&mut node.body);
        });
    }

    fn visit_expr_path_mut(&mut self, node: &mut ExprPath) {
        if node.qself.is_some() || node.path.leading_colon.is_some() || node.path.segments.len() != 1 {
            return;
        }
        let segment = &mut node.path.segments[0];
        if let Some(id) = self.lookup(&segment.ident) {
            segment.ident = Ident::new(&self.bindings[id].unique, segment.ident.span());
        }
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        let shorthand = field.colon_token.is_none();
        self.visit_expr_mut(&mut field.expr);
        if shorthand
            && let Expr::Path(path) = &field.expr
            && path.path.get_ident().is_some_and(|ident| self.bindings.of(ident).is_some())
        {
            field.colon_token = Some(syn::Token![:](proc_macro2::Span::call_site()));
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if tokens::only_spells(&mac.path) {
            return;
        }
        let tokens = std::mem::take(&mut mac.tokens);
        mac.tokens = tokens::map_locals(tokens, &mut |ident, is_key| {
            let binding = &self.bindings[self.lookup(ident)?];
            // What is assigned only once has no value before: a key of its name may be this assignment.
            let named = !is_key || (binding.deferred && !binding.mutable);
            named.then(|| Ident::new(&binding.unique, ident.span()))
        });
    }

    // An item sees no locals.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
