//! Liveness within plain code: which locals are needed before an expression, given what is needed after it.
//!
//! Exact as to control flow, so that what is live is initialized and was not moved. Macros and closures count every
//! local that they mention as used.

use super::{
    bindings::{BindingId, Bindings, Kind},
    calls::exit_number,
    states::in_some_builds,
    tokens,
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use std::collections::BTreeMap;
use syn::{BinOp, Block, Expr, Label, Lifetime, Member, Pat, RangeLimits, Stmt, UnOp, visit::Visit};

/// The locals that are needed at a point, each with the place that needs it first: where a use after move is reported.
pub(crate) type Live = BTreeMap<BindingId, Place>;

/// A place in the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    order: (usize, usize),
    pub(crate) span: Span,
}

impl Place {
    pub(crate) fn new(span: Span) -> Self {
        let start = span.start();
        Self { order: (start.line, start.column), span }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

/// What is needed on either way.
pub(crate) fn join(into: &mut Live, other: &Live) {
    for (&id, place) in other {
        let known = into.entry(id).or_insert(*place);
        if place.order < known.order {
            *known = *place;
        }
    }
}

fn either(mut a: Live, b: &Live) -> Live {
    join(&mut a, b);
    a
}

/// Looks at plain code from its end to its beginning.
pub(crate) struct Backward<'a> {
    pub(crate) bindings: &'a Bindings,
    /// What is needed where an exit (of this number) leads.
    pub(crate) exit: &'a dyn Fn(usize) -> Live,
    loops: Vec<Target>,
}

struct Target {
    label: Option<String>,
    is_loop: bool,
    on_break: Live,
    on_continue: Live,
}

impl<'a> Backward<'a> {
    pub(crate) fn new(bindings: &'a Bindings, exit: &'a dyn Fn(usize) -> Live) -> Self {
        Self { bindings, exit, loops: Vec::new() }
    }

    /// A use of this local: of what it is made from, if it is made again where it is needed.
    pub(crate) fn need(&self, live: &mut Live, id: BindingId, place: Place) {
        match &self.bindings[id].kind {
            Kind::Context => {}
            Kind::Derived(derivation) => {
                live.insert(id, place);
                for &from in &derivation.from {
                    self.need(live, from, place);
                }
            }
            Kind::Input | Kind::Local | Kind::Invented | Kind::Field(..) => {
                live.insert(id, place);
            }
        }
    }

    fn need_ident(&self, live: &mut Live, ident: &Ident) {
        if let Some(id) = self.bindings.of(ident) {
            self.need(live, id, Place::new(ident.span()));
        }
    }

    /// `local.field`: the field alone, if the local is taken apart.
    fn need_field(&self, live: &mut Live, local: &Ident, field: &Member) {
        match self.bindings.of(local).and_then(|of| self.bindings.field(of, field)) {
            Some(id) => self.need(live, id, Place::new(local.span())),
            None => self.need_ident(live, local),
        }
    }

    /// Everything that these tokens mention.
    fn need_tokens(&self, live: &mut Live, tokens: TokenStream) {
        tokens::fields_in(tokens, &mut |local, field| match field {
            Some(field) => self.need_field(live, local, field),
            None => self.need_ident(live, local),
        });
    }

    /// What has no value yet is not needed.
    fn unset(&self, live: &mut Live, id: BindingId) {
        live.remove(&id);
        for field in self.bindings.fields_of(id) {
            live.remove(&field);
        }
    }

    pub(crate) fn kill(&self, live: &mut Live, pat: &Pat) {
        for id in bound(pat, self.bindings) {
            self.unset(live, id);
        }
    }

    pub(crate) fn stmts(&mut self, stmts: &[Stmt], after: Live) -> Live {
        stmts.iter().rev().fold(after, |after, stmt| self.stmt(stmt, after))
    }

    fn block(&mut self, block: &Block, after: Live) -> Live {
        self.stmts(&block.stmts, after)
    }

    pub(crate) fn stmt(&mut self, stmt: &Stmt, mut after: Live) -> Live {
        match stmt {
            Stmt::Local(local) => {
                self.kill(&mut after, &local.pat);
                let Some(init) = &local.init else { return after };
                if let Some((_, diverge)) = &init.diverge {
                    let other = self.expr(diverge, Live::new());
                    join(&mut after, &other);
                }
                self.expr(&init.expr, after)
            }
            // It may be left out.
            Stmt::Expr(expr, _) if in_some_builds(expr) => {
                let with = self.expr(expr, after.clone());
                either(with, &after)
            }
            Stmt::Expr(expr, _) => self.expr(expr, after),
            Stmt::Macro(mac) => self.mac(&mac.mac, after),
            Stmt::Item(_) => after,
        }
    }

    fn mac(&self, mac: &syn::Macro, after: Live) -> Live {
        if let Some(number) = exit_number(mac) {
            return (self.exit)(number);
        }
        let mut live = after;
        if !tokens::only_spells(&mac.path) {
            // `set!(x = ..)`: a key that is a local is given its value here.
            for id in tokens::keys_in(mac.tokens.clone()).iter().filter_map(|key| self.bindings.of(key)) {
                self.unset(&mut live, id);
            }
            self.need_tokens(&mut live, mac.tokens.clone());
        }
        live
    }

    /// A condition, which may bind with `let`.
    pub(crate) fn condition(&mut self, cond: &Expr, mut on_true: Live, on_false: &Live) -> Live {
        match cond {
            Expr::Binary(and) if matches!(and.op, BinOp::And(_)) => {
                let right = self.condition(&and.right, on_true, on_false);
                self.condition(&and.left, right, on_false)
            }
            Expr::Let(node) => {
                self.kill(&mut on_true, &node.pat);
                self.expr(&node.expr, either(on_true, on_false))
            }
            Expr::Paren(paren) => self.condition(&paren.expr, on_true, on_false),
            other => self.expr(other, either(on_true, on_false)),
        }
    }

    /// The arms of a `match`: what is needed before its pattern is tried, given what each body needs.
    pub(crate) fn arm(&mut self, pat: &Pat, mut body: Live, others: &Live) -> Live {
        if let Pat::Guard(guarded) = pat {
            body = self.condition(&guarded.guard, body, others);
        }
        self.kill(&mut body, pat);
        body
    }

    fn looped(&mut self, label: Option<&Label>, after: &Live, turn: &mut dyn FnMut(&mut Self, Live) -> Live) -> Live {
        let mut head = Live::new();
        loop {
            self.loops.push(Target {
                label: label.map(|label| label.name.ident.to_string()),
                is_loop: true,
                on_break: after.clone(),
                on_continue: head.clone(),
            });
            let next = either(turn(self, head.clone()), &head);
            self.loops.pop();
            if next == head {
                return head;
            }
            head = next;
        }
    }

    fn target(&self, label: Option<&Lifetime>) -> Option<&Target> {
        self.loops.iter().rev().find(|target| match label {
            Some(label) => target.label.as_deref() == Some(label.ident.to_string().as_str()),
            None => target.is_loop,
        })
    }

    /// What an assignment to this place leaves needed before it.
    fn assign(&mut self, place: &Expr, mut after: Live) -> Live {
        match place {
            Expr::Path(path) => {
                if let Some(id) = path.path.get_ident().and_then(|ident| self.bindings.of(ident)) {
                    self.unset(&mut after, id);
                }
                after
            }
            Expr::Tuple(tuple) => tuple.elems.iter().fold(after, |after, elem| self.assign(elem, after)),
            Expr::Array(array) => array.elems.iter().fold(after, |after, elem| self.assign(elem, after)),
            Expr::Paren(paren) => self.assign(&paren.expr, after),
            Expr::Infer(_) => after,
            // A field that is assigned belongs to a local that is whole.
            Expr::Field(field) => match &*field.base {
                Expr::Path(_) => self.expr(&field.base, after),
                other => self.assign(other, after),
            },
            other => self.expr(other, after),
        }
    }

    pub(crate) fn expr(&mut self, expr: &Expr, mut after: Live) -> Live {
        match expr {
            Expr::Path(path) => {
                if let Some(ident) = path.path.get_ident() {
                    self.need_ident(&mut after, ident);
                }
                after
            }
            Expr::Macro(mac) => self.mac(&mac.mac, after),
            Expr::Field(field) => match &*field.base {
                Expr::Path(path) if path.path.get_ident().is_some() => {
                    if let Some(local) = path.path.get_ident() {
                        self.need_field(&mut after, local, &field.member);
                    }
                    after
                }
                _ => self.expr(&field.base, after),
            },
            Expr::Closure(_) | Expr::Async(_) | Expr::Verbatim(_) => {
                // Captures are taken where the closure is made.
                self.need_tokens_of_code(&mut after, expr);
                after
            }
            Expr::Assign(assign) => {
                let before = self.assign(&assign.left, after);
                self.expr(&assign.right, before)
            }
            Expr::Block(block) => {
                if let Some(label) = &block.label {
                    self.loops.push(Target {
                        label: Some(label.name.ident.to_string()),
                        is_loop: false,
                        on_break: after.clone(),
                        on_continue: Live::new(),
                    });
                }
                let before = self.block(&block.block, after);
                if block.label.is_some() {
                    self.loops.pop();
                }
                before
            }
            Expr::Unsafe(block) => self.block(&block.block, after),
            Expr::If(node) => {
                let on_false = match &node.else_branch {
                    Some((_, otherwise)) => self.expr(otherwise, after.clone()),
                    None => after.clone(),
                };
                let on_true = self.block(&node.then_branch, after);
                self.condition(&node.cond, on_true, &on_false)
            }
            Expr::Match(node) => {
                let bodies: Vec<Live> = node.arms.iter().map(|arm| self.expr(&arm.body, after.clone())).collect();
                let mut all = Live::new();
                for (arm, body) in node.arms.iter().zip(&bodies) {
                    let mut body = body.clone();
                    self.kill(&mut body, &arm.pat);
                    join(&mut all, &body);
                }
                let mut before = Live::new();
                for (arm, body) in node.arms.iter().zip(bodies) {
                    let body = self.arm(&arm.pat, body, &all);
                    join(&mut before, &body);
                }
                self.expr(&node.expr, before)
            }
            Expr::Loop(node) => {
                self.looped(node.label.as_ref(), &after, &mut |this, head| this.block(&node.body, head))
            }
            Expr::While(node) => self.looped(node.label.as_ref(), &after, &mut |this, head| {
                let body = this.block(&node.body, head);
                this.condition(&node.cond, body, &after)
            }),
            Expr::ForLoop(node) => {
                let head = self.looped(node.label.as_ref(), &after, &mut |this, head| {
                    let mut body = this.block(&node.body, head);
                    this.kill(&mut body, &node.pat);
                    either(body, &after)
                });
                self.expr(&node.expr, head)
            }
            Expr::Break(node) => {
                let on_break =
                    self.target(node.label.as_ref()).map(|target| target.on_break.clone()).unwrap_or_default();
                match &node.expr {
                    Some(value) => self.expr(value, on_break),
                    None => on_break,
                }
            }
            Expr::Continue(node) => {
                self.target(node.label.as_ref()).map(|target| target.on_continue.clone()).unwrap_or_default()
            }
            Expr::Return(node) => match &node.expr {
                Some(value) => self.expr(value, Live::new()),
                None => Live::new(),
            },
            Expr::Binary(node) if matches!(node.op, BinOp::And(_) | BinOp::Or(_)) => {
                let right = self.expr(&node.right, after.clone());
                self.expr(&node.left, either(right, &after))
            }
            other => operands(other).into_iter().rev().fold(after, |after, operand| self.expr(operand, after)),
        }
    }

    /// Every local that appears in this code, as it is written (macros included).
    fn need_tokens_of_code(&self, live: &mut Live, code: &Expr) {
        struct Mentioned<'v, 'a>(&'v Backward<'a>, &'v mut Live);
        impl Visit<'_> for Mentioned<'_, '_> {
            fn visit_ident(&mut self, ident: &Ident) {
                self.0.need_ident(self.1, ident);
            }
            fn visit_expr_field(&mut self, field: &syn::ExprField) {
                match super::parts::field_of(self.0.bindings, field) {
                    Some((local, name)) if self.0.bindings.field(local, name).is_some() => {
                        self.0.need_field(self.1, &self.0.bindings.unique(local), name);
                    }
                    _ => syn::visit::visit_expr_field(self, field),
                }
            }
            fn visit_macro(&mut self, mac: &syn::Macro) {
                if tokens::only_spells(&mac.path) {
                    return;
                }
                self.0.need_tokens(self.1, mac.tokens.clone());
            }
        }
        let mut mentioned = Live::new();
        Mentioned(self, &mut mentioned).visit_expr(code);
        let own = declared_in(code, self.bindings);
        mentioned.retain(|id, _| !own.contains(id));
        join(live, &mentioned);
    }
}

/// The locals that this code declares itself.
fn declared_in(code: &Expr, bindings: &Bindings) -> Vec<BindingId> {
    let mut declared = Declared(bindings, Vec::new());
    declared.visit_expr(code);
    declared.1
}

/// The locals that a pattern binds.
pub(crate) fn bound(pat: &Pat, bindings: &Bindings) -> Vec<BindingId> {
    let mut declared = Declared(bindings, Vec::new());
    declared.visit_pat(pat);
    declared.1
}

/// Collects the locals that patterns bind.
pub(crate) struct Declared<'b>(pub(crate) &'b Bindings, pub(crate) Vec<BindingId>);

impl<'ast> Visit<'ast> for Declared<'_> {
    fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
        self.1.extend(self.0.of(&pat.ident));
        syn::visit::visit_pat_ident(self, pat);
    }
}

/// The operands of an expression without control flow of its own, in the order in which they are evaluated.
pub(crate) fn operands(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Array(node) => node.elems.iter().collect(),
        Expr::Assign(node) => vec![&node.right, &node.left],
        Expr::Await(node) => vec![&node.base],
        Expr::Binary(node) => vec![&node.left, &node.right],
        Expr::Call(node) => std::iter::once(&*node.func).chain(&node.args).collect(),
        Expr::Cast(node) => vec![&node.expr],
        Expr::Field(node) => vec![&node.base],
        Expr::Group(node) => vec![&node.expr],
        Expr::Index(node) => vec![&node.expr, &node.index],
        Expr::Let(node) => vec![&node.expr],
        Expr::MethodCall(node) => std::iter::once(&*node.receiver).chain(&node.args).collect(),
        Expr::Paren(node) => vec![&node.expr],
        Expr::Range(node) => node.start.iter().chain(&node.end).map(|end| &**end).collect(),
        Expr::RawAddr(node) => vec![&node.expr],
        Expr::Reference(node) => vec![&node.expr],
        Expr::Repeat(node) => vec![&node.expr],
        Expr::Struct(node) => node.fields.iter().map(|field| &field.expr).chain(node.rest.as_deref()).collect(),
        Expr::Try(node) => vec![&node.expr],
        Expr::Tuple(node) => node.elems.iter().collect(),
        Expr::Unary(node) => vec![&node.expr],
        _ => Vec::new(),
    }
}

/// The same, to be changed.
pub(crate) fn operands_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Array(node) => node.elems.iter_mut().collect(),
        Expr::Assign(node) => vec![&mut node.right, &mut node.left],
        Expr::Await(node) => vec![&mut node.base],
        Expr::Binary(node) => vec![&mut node.left, &mut node.right],
        Expr::Call(node) => std::iter::once(&mut *node.func).chain(&mut node.args).collect(),
        Expr::Cast(node) => vec![&mut node.expr],
        Expr::Field(node) => vec![&mut node.base],
        Expr::Group(node) => vec![&mut node.expr],
        Expr::Index(node) => vec![&mut node.expr, &mut node.index],
        Expr::Let(node) => vec![&mut node.expr],
        Expr::MethodCall(node) => std::iter::once(&mut *node.receiver).chain(&mut node.args).collect(),
        Expr::Paren(node) => vec![&mut node.expr],
        Expr::Range(node) => node.start.iter_mut().chain(&mut node.end).map(|end| &mut **end).collect(),
        Expr::RawAddr(node) => vec![&mut node.expr],
        Expr::Reference(node) => vec![&mut node.expr],
        Expr::Repeat(node) => vec![&mut node.expr],
        Expr::Struct(node) => {
            node.fields.iter_mut().map(|field| &mut field.expr).chain(node.rest.as_deref_mut()).collect()
        }
        Expr::Try(node) => vec![&mut node.expr],
        Expr::Tuple(node) => node.elems.iter_mut().collect(),
        Expr::Unary(node) => vec![&mut node.expr],
        _ => Vec::new(),
    }
}

/// Whether evaluating this has no effect and may as well happen later: what may stand in front of a call that is taken
/// out of a larger expression.
pub(crate) fn is_trivial(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) | Expr::Lit(_) => true,
        Expr::Field(node) => is_trivial(&node.base),
        Expr::Paren(node) => is_trivial(&node.expr),
        Expr::Group(node) => is_trivial(&node.expr),
        Expr::Reference(node) => is_trivial(&node.expr),
        Expr::Cast(node) => is_trivial(&node.expr),
        Expr::Unary(node) => !matches!(node.op, UnOp::Deref(_)) && is_trivial(&node.expr),
        Expr::Tuple(node) => node.elems.iter().all(is_trivial),
        Expr::Array(node) => node.elems.iter().all(is_trivial),
        Expr::Range(node) => {
            matches!(node.limits, RangeLimits::HalfOpen(_) | RangeLimits::Closed(_))
                && node.start.iter().chain(&node.end).all(|end| is_trivial(end))
        }
        Expr::Struct(node) => node.fields.iter().all(|field| is_trivial(&field.expr)) && node.rest.is_none(),
        _ => false,
    }
}

/// What an expression looks like.
pub(crate) fn tokens_of(node: &impl ToTokens) -> TokenStream {
    node.to_token_stream()
}
